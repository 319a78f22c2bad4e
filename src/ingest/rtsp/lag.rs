//! How far a camera that is awake has fallen behind its stream because its pictures waited to be
//! decoded, and when it gives that up. Pure.
//!
//! While a picture waits for its turn and is decoded, the socket is not read. Where that takes
//! longer than the pictures are apart, the stream piles up before it, and what is decoded is older
//! and older. At [`MAX_LAG`] it is given up: nothing is decoded up to a keyframe before which all that
//! piled up was read. So what is decoded is never much older than that, and nothing is ever
//! decoded over a gap.

use std::time::Duration;

/// So far behind a camera may fall.
const MAX_LAG: Duration = Duration::from_secs(2);
/// A keyframe so far behind is as good as the newest: what was read goes by faster than it was taken.
const MAX_LAG_AT_KEYFRAME: Duration = Duration::from_millis(500);

/// One camera's.
#[derive(Debug, Default)]
pub(super) struct Lag {
    behind: Duration,
    skips: bool,
}

impl Lag {
    /// A picture came, so long after the one before by the stream's time.
    pub(super) fn came(&mut self, step: Duration) {
        self.behind = self.behind.saturating_sub(step);
    }

    /// So long it took for a picture to be decoded.
    pub(super) fn spent(&mut self, time: Duration) {
        self.behind += time;
    }

    /// Whether a picture is to be decoded; `key` says that it can be by itself.
    pub(super) fn admits(&mut self, key: bool) -> bool {
        if self.skips {
            self.skips = !key || self.behind > MAX_LAG_AT_KEYFRAME;
        } else {
            self.skips = self.behind > MAX_LAG;
        }
        !self.skips
    }

    /// It is decoded from a keyframe on whatever was.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STEP: Duration = Duration::from_millis(80);

    #[test]
    fn who_is_decoded_as_fast_as_it_comes_skips_nothing() {
        let mut lag = Lag::default();
        for number in 0..10_000 {
            lag.came(STEP);
            assert!(lag.admits(number % 50 == 0));
            lag.spent(if number % 20 < 10 {
                STEP / 5
            } else {
                STEP * 3 / 2
            });
        }
    }

    proptest! {
        /// However long each takes: nothing is decoded over a gap, nobody falls further behind than
        /// the most and one picture, and of a stream that is read on a keyframe is decoded again.
        #[test]
        fn it_skips_to_a_keyframe_and_is_never_far_behind(
            costs in prop::collection::vec(0_u64..400, 1..2_000),
            gop in 1_usize..60,
        ) {
            let mut lag = Lag::default();
            let mut whole = true;
            let mut skipped = 0;
            for (number, cost) in costs.into_iter().enumerate() {
                let key = number.is_multiple_of(gop);
                lag.came(STEP);
                if lag.admits(key) {
                    whole |= key;
                    prop_assert!(whole);
                    skipped = 0;
                    lag.spent(Duration::from_millis(cost));
                } else {
                    whole = false;
                    skipped += 1;
                    prop_assert!(skipped <= 40 + gop, "reading on makes up for it");
                }
                prop_assert!(lag.behind <= MAX_LAG + Duration::from_millis(400) * 2);
            }
        }
    }
}
