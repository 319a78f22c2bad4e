//! What is usual at each place in a group of pictures, and what stays a little above it. Pure.
//!
//! After a keyframe an encoder spends more on a picture than at the end of its group, several times
//! as much by night. Measured against all pictures of a camera, somebody far away is lost in that;
//! against those of the same place it is half an octave above, in picture after picture. So the
//! deviations are summed up (Page's CUSUM): noise falls back to nothing, what lasts does not.

use std::time::Duration;

use crate::ingest::baseline::Baseline;

/// Last pictures after the keyframe that count as one place; the rest is one more.
const PLACES: [u32; 8] = [1, 2, 3, 4, 6, 9, 14, 24];
/// Values by place and how often one is taken.
const VALUES: usize = 48;
const SPACING: Duration = Duration::from_millis(250);

/// Standard deviations that a picture may lie above the usual without adding to the sum.
const DRIFT: f32 = 0.75;
/// A single picture adds no more than this.
const MOST: f32 = 4.0;
/// After a glance the next one is this far away; twice as far after each false one, up to the longest.
const WAIT_FIRST: Duration = Duration::from_secs(2);
const WAIT_LONGEST: Duration = Duration::from_secs(64);
/// Without a glance for so long, the false ones are forgotten.
const FORGET: Duration = Duration::from_secs(300);

/// The usual costs of one camera's pictures, by their place.
#[derive(Debug)]
pub(super) struct Group {
    since_key: u32,
    /// Of the pictures since the keyframe, those at places of which the usual is well known.
    known: u32,
    /// The standard deviations of these, added up.
    spread: f32,
    places: [Baseline; PLACES.len() + 1],
}

impl Group {
    pub(super) fn new() -> Self {
        Self {
            since_key: 0,
            known: 0,
            spread: 0.0,
            places: std::array::from_fn(|_| Baseline::new(VALUES, SPACING)),
        }
    }

    /// A keyframe begins the next group.
    pub(super) fn begin(&mut self) {
        (self.since_key, self.known, self.spread) = (0, 0, 0.0);
    }

    /// How many pictures came since the keyframe.
    pub(super) fn pictures(&self) -> u32 {
        self.since_key
    }

    /// By how much pictures at their places differ from what is usual there, in octaves: the mean
    /// standard deviation of those since the keyframe at places that are well known.
    pub(super) fn spread(&self) -> f32 {
        self.spread / self.known.max(1) as f32
    }

    /// Whether the usual is well known of at least half of the pictures since the keyframe.
    pub(super) fn is_known(&self) -> bool {
        self.since_key > 0 && self.known * 2 >= self.since_key
    }

    /// How many standard deviations above the usual of its place the next picture lies, where that
    /// is known; learns from it.
    pub(super) fn take(&mut self, cost: f32, now: Duration) -> Option<f32> {
        self.since_key = self.since_key.saturating_add(1);
        let place = PLACES.partition_point(|last| *last < self.since_key);
        let baseline = self.places.get_mut(place)?;
        let score = baseline.score(cost);
        if baseline.is_settled() {
            self.known += 1;
            self.spread += baseline.sigma();
        }
        baseline.learn(cost, now);
        score
    }
}

/// The sum of what lay above the usual.
#[derive(Debug)]
pub(super) struct Sum {
    sum: f32,
    /// The largest since it was asked last.
    peak: f32,
    wait: Duration,
    last: Option<Duration>,
}

impl Sum {
    pub(super) fn new() -> Self {
        Self {
            sum: 0.0,
            peak: 0.0,
            wait: WAIT_FIRST,
            last: None,
        }
    }

    /// Adds a picture's standard deviations; whether a glance is worth it, of which it takes note.
    pub(super) fn take(&mut self, score: f32, limit: f32, now: Duration) -> bool {
        self.sum = (self.sum + score.min(MOST) - DRIFT).clamp(0.0, 2.0 * limit);
        self.peak = self.peak.max(self.sum);
        let since = |at| now.saturating_sub(at);
        if self.last.is_some_and(|at| since(at) >= FORGET) {
            self.somebody();
        }
        if self.sum < limit || self.last.is_some_and(|at| since(at) < self.wait) {
            return false;
        }
        if self.last.replace(now).is_some() {
            self.wait = (self.wait * 2).min(WAIT_LONGEST);
        }
        self.sum = 0.0;
        true
    }

    /// Somebody is there: the glances were not false.
    pub(super) fn somebody(&mut self) {
        *self = Self::new();
    }

    /// The largest sum since this was asked last.
    pub(super) fn take_peak(&mut self) -> f32 {
        std::mem::replace(&mut self.peak, self.sum)
    }

    /// What came before counts no more.
    pub(super) fn forget(&mut self) {
        (self.sum, self.peak) = (0.0, 0.0);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ingest::baseline::cost;

    const STEP: Duration = Duration::from_millis(80);
    const GOP: u32 = 50;
    const LIMIT: f32 = 8.0;

    /// Pictures of a camera by night: large after a keyframe, then smaller, by ±25 % as noise has it.
    struct Night {
        group: Group,
        sum: Sum,
        number: u32,
        noise: u32,
    }

    impl Night {
        fn new(seed: u32) -> Self {
            Self {
                group: Group::new(),
                sum: Sum::new(),
                number: 0,
                noise: seed,
            }
        }

        /// Glances within so many seconds while pictures are `factor` times as large as usual.
        fn glances(&mut self, seconds: u32, factor: f32) -> Vec<Duration> {
            let until = self.number + seconds * 1_000 / 80;
            let mut glances = Vec::new();
            while self.number < until {
                let now = STEP * self.number;
                let place = self.number % GOP;
                self.number += 1;
                if place == 0 {
                    self.group.begin();
                    continue;
                }
                self.noise = self
                    .noise
                    .wrapping_mul(1_664_525)
                    .wrapping_add(1_013_904_223);
                let noise = 0.75 + 0.5 * (self.noise >> 8) as f32 / (1 << 24) as f32;
                let usual = 900.0 + 1_500.0 * (-(place as f32) / 8.0).exp();
                let cost = cost((usual * noise * factor) as usize, Some(31.0));
                let score = self.group.take(cost, now).unwrap_or(0.0);
                if self.sum.take(score, LIMIT, now) {
                    glances.push(now);
                }
            }
            glances
        }
    }

    #[test]
    fn half_as_much_again_is_noticed_within_a_second_wherever_in_the_group() {
        for offset in 0..10 {
            let mut night = Night::new(7);
            night.glances(120, 1.0);
            night.glances(offset, 1.0);
            let begun = STEP * night.number;
            let first = night.glances(4, 1.5).first().copied();
            let took = first.expect("noticed").saturating_sub(begun);
            assert!(took <= Duration::from_secs(1), "{offset}: {took:?}");
        }
    }

    #[test]
    fn false_glances_become_rare_and_somebody_makes_them_frequent_again() {
        let mut night = Night::new(11);
        night.glances(120, 1.0);
        // Rises faster than is learned.
        let mut factor = 1.0;
        let mut glances = Vec::new();
        for _ in 0..100 {
            factor *= 1.06;
            glances.extend(night.glances(2, factor));
        }
        assert!((4..=9).contains(&glances.len()), "{glances:?}");
        night.sum.somebody();
        assert!(!night.glances(4, factor * 1.6).is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn noise_hardly_ever_asks_for_a_glance(seed: u32) {
            let mut night = Night::new(seed);
            night.glances(60, 1.0);
            let glances = night.glances(1_800, 1.0);
            prop_assert!(glances.len() <= 4, "{glances:?}");
        }
    }
}
