//! Promise against fact: the gaps between a camera's analysed frames over the last minute. Pure.
//!
//! A gap counts in the bucket of time in which it ended, and the one that still lasts counts now;
//! so the window is between 55 and 60 s long and takes twelve buckets, whatever the rate.

use std::time::Duration;

use crate::base::clock::Monotonic;

const BUCKETS: usize = 12;
const BUCKET: Duration = Duration::from_secs(5);

/// A gap may be so much longer than promised: pictures arrive unevenly, and one may be lost.
fn tolerance(promise: Duration) -> Duration {
    promise + (promise / 4).max(Duration::from_millis(500))
}

#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    number: u64,
    largest: Duration,
    broken: bool,
}

/// What became of the promise: the largest gap, and whether each one was within the promise in
/// force while it lasted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fact {
    pub(super) largest_gap: Duration,
    pub(super) kept: bool,
}

/// One camera's last minute.
#[derive(Debug)]
pub(super) struct CoverageWindow {
    buckets: [Bucket; BUCKETS],
    /// The latest analysed frame, or when the camera was taken in.
    last: Monotonic,
    /// The longest promise in force since then.
    loosest: Duration,
}

impl CoverageWindow {
    pub(super) fn new(now: Monotonic, promise: Duration) -> Self {
        Self {
            buckets: [Bucket::default(); BUCKETS],
            last: now,
            loosest: promise,
        }
    }

    /// This is promised from now on. What was promised before still excuses the gap that lasts.
    pub(super) fn promised(&mut self, promise: Duration) {
        self.loosest = self.loosest.max(promise);
    }

    /// A frame that came at `at` was analysed.
    pub(super) fn analysed(&mut self, at: Monotonic, promise: Duration) {
        let gap = at.since(self.last);
        let broken = gap > tolerance(self.loosest.max(promise));
        let number = bucket_of(at);
        let bucket = &mut self.buckets[number as usize % BUCKETS];
        if bucket.number != number {
            *bucket = Bucket {
                number,
                ..Bucket::default()
            };
        }
        bucket.largest = bucket.largest.max(gap);
        bucket.broken |= broken;
        self.last = self.last.max(at);
        self.loosest = promise;
    }

    /// How it stands at `now`.
    pub(super) fn fact(&self, now: Monotonic) -> Fact {
        let lasts = now.since(self.last);
        let oldest = bucket_of(now).saturating_sub(BUCKETS as u64 - 1);
        let recent = self.buckets.iter().filter(|bucket| bucket.number >= oldest);
        let mut fact = Fact {
            largest_gap: lasts,
            kept: lasts <= tolerance(self.loosest),
        };
        for bucket in recent {
            fact.largest_gap = fact.largest_gap.max(bucket.largest);
            fact.kept &= !bucket.broken;
        }
        fact
    }
}

fn bucket_of(at: Monotonic) -> u64 {
    at.0.as_secs() / BUCKET.as_secs()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: u64) -> Monotonic {
        Monotonic(Duration::from_millis(millis))
    }

    const FAST: Duration = Duration::from_millis(200);
    const SLOW: Duration = Duration::from_secs(10);

    /// Frames every 200 ms from `from` to `to`, both in ms.
    fn frames(window: &mut CoverageWindow, from: u64, to: u64) {
        for millis in (from..to).step_by(200) {
            window.analysed(at(millis), FAST);
        }
    }

    #[test]
    fn a_gap_longer_than_promised_is_remembered_for_a_minute() {
        let mut window = CoverageWindow::new(at(0), FAST);
        frames(&mut window, 0, 10_000);
        assert!(window.fact(at(10_000)).kept);
        frames(&mut window, 13_000, 60_000);
        let fact = window.fact(at(60_000));
        assert_eq!(fact.largest_gap, Duration::from_millis(3_200));
        assert!(!fact.kept);
        frames(&mut window, 60_000, 100_000);
        let later = window.fact(at(99_900));
        assert_eq!((later.largest_gap, later.kept), (FAST, true));
    }

    #[test]
    fn the_gap_that_lasts_counts_while_it_grows() {
        let mut window = CoverageWindow::new(at(0), FAST);
        frames(&mut window, 0, 1_000);
        let fact = window.fact(at(3_600_000));
        assert_eq!(fact.largest_gap, Duration::from_millis(3_599_200));
        assert!(!fact.kept);
    }

    #[test]
    fn what_was_promised_while_a_gap_lasted_excuses_it_and_nothing_after_it() {
        let mut window = CoverageWindow::new(at(0), FAST);
        frames(&mut window, 0, 1_000);
        window.promised(SLOW);
        window.analysed(at(10_000), SLOW);
        window.analysed(at(19_500), FAST);
        assert!(window.fact(at(19_600)).kept);
        let fact = window.fact(at(22_000));
        assert_eq!(fact.largest_gap, Duration::from_millis(9_500));
        assert!(!fact.kept, "awake again, and nothing for 2.5 s");
    }

    proptest! {
        /// It says what a list of all frames says.
        #[test]
        fn the_largest_gap_is_that_of_a_list(gaps in prop::collection::vec(1_u64..20_000, 1..200)) {
            let mut window = CoverageWindow::new(at(0), SLOW);
            let (mut now, mut ended) = (0, Vec::new());
            for gap in gaps {
                now += gap;
                window.analysed(at(now), SLOW);
                ended.push((now, gap));
                let begin = (now / 5_000).saturating_sub(11) * 5_000;
                let recent = ended.iter().filter(|(at, _)| *at >= begin).map(|(_, gap)| *gap);
                let most = recent.max().unwrap_or(0);
                let fact = window.fact(at(now));
                prop_assert_eq!(fact.largest_gap, Duration::from_millis(most));
                prop_assert_eq!(fact.kept, most <= 12_500);
            }
        }
    }
}
