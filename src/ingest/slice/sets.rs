//! The fields of parameter sets that a slice header's reading depends on.

use super::bits::Bits;

/// Of a sequence parameter set.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sequence {
    pub(super) separate_planes: bool,
    /// ChromaArrayType is not 0.
    pub(super) coloured: bool,
    pub(super) frame_number_bits: u32,
    pub(super) order_type: u32,
    pub(super) order_bits: u32,
    pub(super) order_always_zero: bool,
    pub(super) frames_only: bool,
}

/// Of a picture parameter set.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Picture {
    pub(super) sequence: u32,
    pub(super) arithmetic: bool,
    pub(super) bottom_field_order: bool,
    pub(super) references: [u32; 2],
    pub(super) weighted: bool,
    pub(super) weighted_both: u32,
    pub(super) initial_qp: i32,
    pub(super) redundant: bool,
}

/// Profiles whose sets say more of their samples.
const HIGH_PROFILES: [u32; 13] = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135];

/// Reads a sequence parameter set and its number.
pub(super) fn sequence_set(bits: &mut Bits<'_>) -> Option<(u32, Sequence)> {
    let profile = bits.take(8)?;
    bits.take(16)?;
    let number = bits.unsigned()?;
    let (mut chroma, mut separate_planes) = (1, false);
    if HIGH_PROFILES.contains(&profile) {
        chroma = bits.unsigned()?;
        separate_planes = chroma == 3 && bits.flag()?;
        bits.unsigned()?;
        bits.unsigned()?;
        bits.flag()?;
        if bits.flag()? {
            skip_scaling(bits, if chroma == 3 { 12 } else { 8 })?;
        }
    }
    let frame_number_bits = bits.unsigned()? + 4;
    let order_type = bits.unsigned()?;
    let (mut order_bits, mut order_always_zero) = (0, false);
    match order_type {
        0 => order_bits = bits.unsigned()? + 4,
        1 => {
            order_always_zero = bits.flag()?;
            bits.signed()?;
            bits.signed()?;
            for _ in 0..bits.unsigned()?.min(255) {
                bits.signed()?;
            }
        }
        _ => {}
    }
    bits.unsigned()?;
    bits.flag()?;
    bits.unsigned()?;
    bits.unsigned()?;
    let frames_only = bits.flag()?;
    let sound = frame_number_bits <= 16 && order_bits <= 16;
    sound.then_some((
        number,
        Sequence {
            separate_planes,
            coloured: chroma != 0 && !separate_planes,
            frame_number_bits,
            order_type,
            order_bits,
            order_always_zero,
            frames_only,
        },
    ))
}

/// Scaling lists (7.3.2.1.1.1).
fn skip_scaling(bits: &mut Bits<'_>, lists: usize) -> Option<()> {
    for list in 0..lists {
        if !bits.flag()? {
            continue;
        }
        let (mut last, mut next) = (8_i32, 8_i32);
        for _ in 0..if list < 6 { 16 } else { 64 } {
            if next != 0 {
                next = (last + bits.signed()?).rem_euclid(256);
            }
            if next != 0 {
                last = next;
            }
        }
    }
    Some(())
}

/// Reads a picture parameter set and its number; slice groups are not understood.
pub(super) fn picture_set(bits: &mut Bits<'_>) -> Option<(u32, Picture)> {
    let number = bits.unsigned()?;
    let sequence = bits.unsigned()?;
    let arithmetic = bits.flag()?;
    let bottom_field_order = bits.flag()?;
    if bits.unsigned()? != 0 {
        return None;
    }
    let references = [bits.unsigned()? + 1, bits.unsigned()? + 1];
    let weighted = bits.flag()?;
    let weighted_both = bits.take(2)?;
    let initial_qp = 26 + bits.signed()?;
    bits.signed()?;
    bits.signed()?;
    bits.flag()?;
    bits.flag()?;
    let redundant = bits.flag()?;
    Some((
        number,
        Picture {
            sequence,
            arithmetic,
            bottom_field_order,
            references,
            weighted,
            weighted_both,
            initial_qp,
            redundant,
        },
    ))
}
