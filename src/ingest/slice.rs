//! Reads the little of an H.264 picture that the gate wants without decoding it: whether others
//! refer to it, its number and the quantiser of its first slice (ITU-T H.264, 7.3.2.1, 7.3.2.2,
//! 7.3.3). Pure; whatever it does not understand is unknown, never wrong on purpose, and costs nothing more.

mod bits;
mod continuity;
mod header;
mod sets;

use bits::Bits;
pub(super) use continuity::{Continuity, Verdict};
use gstreamer as gst;
pub(super) use header::SliceHeader;
use header::{IDR_SLICE, SLICE};
use sets::{Picture, Sequence, picture_set, sequence_set};

/// Parameter sets kept, by their number; streams use one or two.
const SETS: usize = 32;

const SEQUENCE_SET: u8 = 7;
const PICTURE_SET: u8 = 8;

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
    pub(super) fn read(&mut self, unit: &[u8]) -> Option<SliceHeader> {
        let mut rest = unit;
        while let Some((nal, after)) = self.next(rest) {
            let header = *nal.first()?;
            match header & 0x1f {
                SEQUENCE_SET | PICTURE_SET => self.set(nal),
                SLICE | IDR_SLICE => {
                    return Some(SliceHeader::read(nal, &self.sequences, &self.pictures));
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
}

fn keep<T>(sets: &mut Vec<(u32, T)>, set: Option<(u32, T)>) {
    let Some((number, set)) = set else { return };
    match sets.iter().position(|(have, _)| *have == number) {
        Some(place) => sets[place].1 = set,
        None if sets.len() < SETS => sets.push((number, set)),
        None => {}
    }
}

#[cfg(test)]
mod tests;
