//! Whether pictures follow on each other, by their `frame_num` (ITU-T H.264, 7.4.3): it tells a
//! stream that lost pictures from one that is none any more. A decoder makes pictures of anything;
//! without this a camera whose stream is random bytes would count as watched. Pure.

use super::header::SliceHeader;

/// So many pictures are looked at together.
const WINDOW: u32 = 20;
/// Of random numbers of four bits less than a fifth follows; of a stream that loses two pictures of
/// five more than four fifths do.
const FEWEST: u32 = 5;
/// How far the number may move from one picture to the next: one reference picture more, and one
/// that was lost or left out by the camera.
const STEP: u32 = 2;

/// What a picture's number says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Verdict {
    /// Nothing against it.
    Sound,
    /// It cannot be what it says it is.
    Senseless,
    /// So many did not follow that it is no stream.
    Broken,
}

/// One stream's.
#[derive(Debug, Default)]
pub(in super::super) struct Continuity {
    last: Option<u32>,
    /// Of the latest pictures, one bit each: it followed.
    followed: u32,
    seen: u32,
}

impl Continuity {
    /// Takes the next picture; one whose number could not be read says nothing.
    pub(in super::super) fn take(&mut self, slice: &SliceHeader) -> Verdict {
        let Some((number, bits)) = slice.number else {
            return Verdict::Sound;
        };
        let last = self.last.replace(number);
        let senseless = slice.idr && number != 0;
        let follows = match last {
            _ if slice.idr => !senseless,
            Some(last) => number.wrapping_sub(last) & mask(bits) <= STEP,
            None => true,
        };
        self.followed = (self.followed << 1 | u32::from(follows)) & mask(WINDOW);
        self.seen = (self.seen + 1).min(WINDOW);
        if self.seen == WINDOW && self.followed.count_ones() < FEWEST {
            return Verdict::Broken;
        }
        if senseless {
            return Verdict::Senseless;
        }
        Verdict::Sound
    }
}

fn mask(bits: u32) -> u32 {
    1_u32.checked_shl(bits).map_or(u32::MAX, |one| one - 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn slice(number: u32, idr: bool) -> SliceHeader {
        SliceHeader {
            reference: true,
            qp: None,
            idr,
            number: Some((number & 15, 4)),
        }
    }

    #[test]
    fn a_keyframe_that_counts_is_none() {
        let mut order = Continuity::default();
        assert_eq!(order.take(&slice(0, true)), Verdict::Sound);
        assert_eq!(order.take(&slice(7, true)), Verdict::Senseless);
        let unread = SliceHeader {
            number: None,
            ..slice(0, true)
        };
        assert_eq!(order.take(&unread), Verdict::Sound);
    }

    proptest! {
        /// Groups of any length, with or without pictures that nobody refers to, losing two
        /// of five at random: a stream all the same.
        #[test]
        fn a_stream_that_loses_pictures_is_one(
            seed in any::<u64>(), group in 1_u32..100, unreferenced in 1_u32..4,
        ) {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut order = Continuity::default();
            for number in 0..2_000_u32 {
                let place = number % group;
                let slice = slice(place.div_ceil(unreferenced), place == 0);
                if random.f32() < 0.6 {
                    prop_assert_ne!(order.take(&slice), Verdict::Broken);
                }
            }
        }

        /// Random numbers are found out within 16 seconds of 12.5 pictures: a simulation of 150,000
        /// streams left one of 64 after four seconds, one of 1,000 after six and one of 12,500 after
        /// eight, so that none in some hundred million is left here.
        #[test]
        fn random_numbers_are_no_stream(seed in any::<u64>(), before in 0_u32..200) {
            prop_assert!(is_found_out(seed, before, 200));
        }
    }

    /// Mostly they are found out within three seconds: of fixed streams, since any one may be later.
    #[test]
    fn random_numbers_are_mostly_found_out_within_three_seconds() {
        let soon = (0..1_000)
            .filter(|&seed| is_found_out(seed, 200, 38))
            .count();
        assert!(soon >= 900, "{soon} of 1000");
    }

    /// Whether a stream of `before` sound pictures counts as broken within `within` that are random
    /// bytes, every 50th of which looks like a keyframe.
    fn is_found_out(seed: u64, before: u32, within: u32) -> bool {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut order = Continuity::default();
        for number in 0..before {
            order.take(&slice(number, number == 0));
        }
        (0..within).any(|number| {
            let noise = slice(random.u32(..), number % 50 == 0);
            order.take(&noise) == Verdict::Broken
        })
    }
}
