//! Reads the little of an H.264 picture that the gate wants without decoding it: whether others
//! refer to it, its number and the quantiser of its first slice (ITU-T H.264, 7.3.2.1, 7.3.2.2,
//! 7.3.3). Pure; whatever it does not understand is unknown, never wrong on purpose, and costs nothing more.

mod bits;
mod continuity;
mod sets;

use bits::Bits;
pub(super) use continuity::{Continuity, Verdict};
use gstreamer as gst;
use sets::{Picture, Sequence, picture_set, sequence_set};

/// Parameter sets kept, by their number; streams use one or two.
const SETS: usize = 32;
/// A slice header fits into so many bytes.
const HEADER_BYTES: usize = 96;

const SLICE: u8 = 1;
const IDR_SLICE: u8 = 5;
const SEQUENCE_SET: u8 = 7;
const PICTURE_SET: u8 = 8;

/// What is known of a coded picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Slice {
    /// Others may refer to it (`nal_ref_idc` is not 0).
    pub(super) reference: bool,
    /// SliceQPY of its first slice, where its parameter sets are known.
    pub(super) qp: Option<f32>,
    /// It says that it is decodable by itself.
    pub(super) idr: bool,
    /// `frame_num` and how many bits it has, where its parameter sets are known.
    pub(super) number: Option<(u32, u32)>,
}

/// Reads the pictures of one stream.
#[derive(Debug, Default)]
pub(super) struct SliceReader {
    /// Bytes of a NAL unit's length; 0 where start codes divide them.
    length_bytes: usize,
    sequences: Vec<(u32, Sequence)>,
    pictures: Vec<(u32, Picture)>,
}

impl SliceReader {
    /// Takes over what the stream's caps say: how NAL units are divided, and parameter sets.
    pub(super) fn configure(&mut self, caps: &gst::CapsRef, h264: bool) {
        let data = caps
            .structure(0)
            .and_then(|structure| structure.get::<gst::Buffer>("codec_data").ok());
        let map = data.as_ref().and_then(|data| data.map_readable().ok());
        match map {
            Some(map) if h264 => self.record(map.as_slice()),
            _ => self.length_bytes = 0,
        }
    }

    /// `AVCDecoderConfigurationRecord` (ISO/IEC 14496-15, 5.3.3.1).
    fn record(&mut self, record: &[u8]) {
        let Some(lengths) = record.get(4) else { return };
        self.length_bytes = usize::from(lengths & 3) + 1;
        let mut rest = record.get(5..).unwrap_or_default();
        for mask in [0x1f, 0xff] {
            let Some((count, after)) = rest.split_first() else {
                return;
            };
            rest = after;
            for _ in 0..count & mask {
                let Some((length, after)) = rest.split_first_chunk::<2>() else {
                    return;
                };
                let length = usize::from(u16::from_be_bytes(*length));
                let Some((unit, after)) = after.split_at_checked(length) else {
                    return;
                };
                self.set(unit);
                rest = after;
            }
        }
    }

    /// Reads an access unit; `None` where it has no slice.
    pub(super) fn read(&mut self, unit: &[u8]) -> Option<Slice> {
        let mut rest = unit;
        while let Some((nal, after)) = self.next(rest) {
            let header = *nal.first()?;
            match header & 0x1f {
                SEQUENCE_SET | PICTURE_SET => self.set(nal),
                SLICE | IDR_SLICE => {
                    return Some(self.slice(nal, header));
                }
                _ => {}
            }
            rest = after;
        }
        None
    }

    /// The next NAL unit and what follows it. Slices are the last things looked for, so that a
    /// slice's end need not be found: with start codes it reaches to the unit's end.
    fn next<'u>(&self, bytes: &'u [u8]) -> Option<(&'u [u8], &'u [u8])> {
        if self.length_bytes > 0 {
            let (length, rest) = bytes.split_at_checked(self.length_bytes)?;
            let length = length
                .iter()
                .fold(0, |all, byte| all << 8 | usize::from(*byte));
            return rest
                .split_at_checked(length)
                .filter(|(nal, _)| !nal.is_empty());
        }
        let start = bytes.windows(3).position(|three| three == [0, 0, 1])? + 3;
        let nal = bytes.get(start..).filter(|nal| !nal.is_empty())?;
        if matches!(nal[0] & 0x1f, SLICE | IDR_SLICE) {
            return Some((nal, &[]));
        }
        let end = nal.windows(3).position(|three| three == [0, 0, 1]);
        Some(nal.split_at(end.unwrap_or(nal.len())))
    }

    fn set(&mut self, nal: &[u8]) {
        match nal.first().map(|header| header & 0x1f) {
            Some(SEQUENCE_SET) => {
                let set = sequence_set(&mut Bits::new(&nal[1..]));
                keep(&mut self.sequences, set);
            }
            Some(PICTURE_SET) => {
                let set = picture_set(&mut Bits::new(&nal[1..]));
                keep(&mut self.pictures, set);
            }
            _ => {}
        }
    }

    fn slice(&self, nal: &[u8], header: u8) -> Slice {
        let mut slice = Slice {
            reference: header & 0x60 != 0,
            qp: None,
            idr: header & 0x1f == IDR_SLICE,
            number: None,
        };
        // What cannot be read stays unknown.
        let _ = self.head(nal, &mut slice);
        slice
    }

    fn head(&self, nal: &[u8], slice: &mut Slice) -> Option<()> {
        let head = nal.get(1..)?;
        let mut bits = Bits::new(&head[..head.len().min(HEADER_BYTES)]);
        let _first_macroblock = bits.unsigned()?;
        let kind = bits.unsigned()? % 5;
        let picture = find(&self.pictures, bits.unsigned()?)?;
        let sequence = find(&self.sequences, picture.sequence)?;
        if sequence.separate_planes {
            bits.take(2)?;
        }
        let number = bits.take(sequence.frame_number_bits)?;
        slice.number = Some((number, sequence.frame_number_bits));
        let context = Context {
            idr: slice.idr,
            reference: slice.reference,
            kind,
        };
        let delta = context.qp_delta(&mut bits, sequence, picture)?;
        let qp = picture.initial_qp.checked_add(delta)?;
        slice.qp = (0..=51).contains(&qp).then_some(qp as f32);
        Some(())
    }
}

fn keep<T>(sets: &mut Vec<(u32, T)>, set: Option<(u32, T)>) {
    let Some((number, set)) = set else { return };
    match sets.iter().position(|(have, _)| *have == number) {
        Some(place) => sets[place].1 = set,
        None if sets.len() < SETS => sets.push((number, set)),
        None => {}
    }
}

fn find<T>(sets: &[(u32, T)], number: u32) -> Option<&T> {
    sets.iter()
        .find(|(have, _)| *have == number)
        .map(|(_, set)| set)
}

/// Slice types modulo 5.
const P: u32 = 0;
const B: u32 = 1;
const SP: u32 = 3;

struct Context {
    idr: bool,
    reference: bool,
    kind: u32,
}

impl Context {
    fn predicts(&self) -> bool {
        matches!(self.kind, P | B | SP)
    }

    /// `slice_qp_delta`; the reader stands behind `frame_num`.
    fn qp_delta(&self, bits: &mut Bits<'_>, of: &Sequence, by: &Picture) -> Option<i32> {
        let field = !of.frames_only && bits.flag()?;
        if field {
            bits.flag()?;
        }
        if self.idr {
            bits.unsigned()?;
        }
        let both_fields = by.bottom_field_order && !field;
        if of.order_type == 0 {
            bits.take(of.order_bits)?;
            if both_fields {
                bits.signed()?;
            }
        } else if of.order_type == 1 && !of.order_always_zero {
            bits.signed()?;
            if both_fields {
                bits.signed()?;
            }
        }
        if by.redundant {
            bits.unsigned()?;
        }
        if self.kind == B {
            bits.flag()?;
        }
        let counts = self.reference_counts(bits, by)?;
        self.skip_modifications(bits)?;
        let weighted = match self.kind {
            P | SP => by.weighted,
            B => by.weighted_both == 1,
            _ => false,
        };
        if weighted {
            self.skip_weights(bits, of, counts)?;
        }
        if self.reference {
            self.skip_marking(bits)?;
        }
        if by.arithmetic && self.predicts() {
            bits.unsigned()?;
        }
        bits.signed()
    }

    fn reference_counts(&self, bits: &mut Bits<'_>, by: &Picture) -> Option<[u32; 2]> {
        let mut counts = by.references;
        if self.predicts() && bits.flag()? {
            counts[0] = bits.unsigned()? + 1;
            if self.kind == B {
                counts[1] = bits.unsigned()? + 1;
            }
        }
        counts.iter().all(|count| *count <= 32).then_some(counts)
    }

    fn lists(&self) -> usize {
        match self.kind {
            P | SP => 1,
            B => 2,
            _ => 0,
        }
    }

    fn skip_modifications(&self, bits: &mut Bits<'_>) -> Option<()> {
        for _ in 0..self.lists() {
            if bits.flag()? {
                while bits.unsigned()? != 3 {
                    bits.unsigned()?;
                }
            }
        }
        Some(())
    }

    fn skip_weights(&self, bits: &mut Bits<'_>, of: &Sequence, counts: [u32; 2]) -> Option<()> {
        bits.unsigned()?;
        if of.coloured {
            bits.unsigned()?;
        }
        for count in &counts[..self.lists()] {
            for _ in 0..*count {
                if bits.flag()? {
                    bits.signed()?;
                    bits.signed()?;
                }
                if of.coloured && bits.flag()? {
                    for _ in 0..4 {
                        bits.signed()?;
                    }
                }
            }
        }
        Some(())
    }

    fn skip_marking(&self, bits: &mut Bits<'_>) -> Option<()> {
        if self.idr {
            bits.take(2)?;
            return Some(());
        }
        if bits.flag()? {
            loop {
                match bits.unsigned()? {
                    0 => break,
                    3 => {
                        bits.unsigned()?;
                        bits.unsigned()?;
                    }
                    5 => {}
                    _ => {
                        bits.unsigned()?;
                    }
                }
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests;
