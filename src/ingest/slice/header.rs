//! A slice header up to its quantiser (ITU-T H.264, 7.3.3).

use super::bits::Bits;
use super::sets::{Picture, Sequence};

/// A slice header fits into so many bytes.
const HEADER_BYTES: usize = 96;

/// NAL unit types.
pub(super) const SLICE: u8 = 1;
pub(super) const IDR_SLICE: u8 = 5;

/// What is known of a coded picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in super::super) struct SliceHeader {
    /// Others may refer to it (`nal_ref_idc` is not 0).
    pub(in super::super) reference: bool,
    /// SliceQPY of its first slice, where its parameter sets are known.
    pub(in super::super) qp: Option<f32>,
    /// It says that it is decodable by itself.
    pub(in super::super) idr: bool,
    /// `frame_num` and how many bits it has, where its parameter sets are known.
    pub(in super::super) number: Option<(u32, u32)>,
}

impl SliceHeader {
    /// Reads the first slice of a picture, a NAL unit with its header. What cannot be read stays unknown.
    pub(super) fn read(
        nal: &[u8],
        sequences: &[(u32, Sequence)],
        pictures: &[(u32, Picture)],
    ) -> Self {
        let kind = nal.first().copied().unwrap_or_default();
        let mut header = Self {
            reference: kind & 0x60 != 0,
            qp: None,
            idr: kind & 0x1f == IDR_SLICE,
            number: None,
        };
        let _ = header.fields(nal, sequences, pictures);
        header
    }

    fn fields(
        &mut self,
        nal: &[u8],
        sequences: &[(u32, Sequence)],
        pictures: &[(u32, Picture)],
    ) -> Option<()> {
        let head = nal.get(1..)?;
        let mut bits = Bits::new(&head[..head.len().min(HEADER_BYTES)]);
        let _first_macroblock = bits.unsigned()?;
        let kind = bits.unsigned()? % 5;
        let picture = find(pictures, bits.unsigned()?)?;
        let sequence = find(sequences, picture.sequence)?;
        if sequence.separate_planes {
            bits.take(2)?;
        }
        let number = bits.take(sequence.frame_number_bits)?;
        self.number = Some((number, sequence.frame_number_bits));
        let context = Context {
            idr: self.idr,
            reference: self.reference,
            kind,
        };
        let delta = context.qp_delta(&mut bits, sequence, picture)?;
        let qp = picture.initial_qp.checked_add(delta)?;
        self.qp = (0..=51).contains(&qp).then_some(qp as f32);
        Some(())
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
