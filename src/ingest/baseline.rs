//! What is usual for one kind of coded picture: median and MAD over a sliding window. Pure.
//!
//! A value is the logarithm of a picture's cost, so that a step of the bitrate is a shift. The
//! window learns at most one value per `spacing`, outliers too: a change that stays becomes usual
//! after half a window, one that passes never does (the median's breakdown point is one half).

use std::collections::VecDeque;
use std::time::Duration;

/// Values before a score is given.
const WARM: usize = 12;
/// MAD to standard deviation for a normal distribution.
const MAD_TO_SIGMA: f32 = 1.4826;
/// Least standard deviation in octaves: encoders wobble by 6 % with nothing to see.
const LEAST_SIGMA: f32 = 0.08;
/// Added to a picture's bytes: below it sizes are headers and tell nothing.
const HEADER_BYTES: f32 = 128.0;

/// The cost of a coded picture in octaves: its bits and, where known, its quantiser. A step of 6
/// in QP doubles the quantiser (ITU-T H.264, 8.5.9), so that under a fixed bitrate, where the
/// encoder answers movement with coarser steps instead of more bits, their sum still rises.
pub(super) fn cost(bytes: usize, qp: Option<f32>) -> f32 {
    (bytes as f32 + HEADER_BYTES).log2() + qp.unwrap_or(0.0) / 6.0
}

/// The usual cost of one kind of picture of one camera.
#[derive(Debug)]
pub(super) struct Baseline {
    window: VecDeque<f32>,
    length: usize,
    spacing: Duration,
    learned_at: Option<Duration>,
    median: f32,
    sigma: f32,
    scratch: Vec<f32>,
}

impl Baseline {
    /// Remembers `length` values, at most one per `spacing`.
    pub(super) fn new(length: usize, spacing: Duration) -> Self {
        Self {
            window: VecDeque::with_capacity(length),
            length: length.max(WARM),
            spacing,
            learned_at: None,
            median: 0.0,
            sigma: LEAST_SIGMA,
            scratch: Vec::new(),
        }
    }

    /// How many standard deviations above the usual a cost lies; `None` until enough was seen. What
    /// is usual is known the less the fewer values there are: of a dozen that came within a second
    /// the deviation is a guess, so that it counts twice, and as it is from a whole window on.
    pub(super) fn score(&self, cost: f32) -> Option<f32> {
        let seen = self.window.len();
        let doubt = 1.0
            + WARM as f32 * (self.length.saturating_sub(seen)) as f32
                / (seen.max(1) * self.length) as f32;
        (seen >= WARM).then(|| (cost - self.median) / (self.sigma * doubt))
    }

    /// Whether half of its window is filled: what is usual is well known.
    pub(super) fn is_settled(&self) -> bool {
        self.window.len() * 2 >= self.length
    }

    /// The standard deviation in octaves, as far as it is known.
    pub(super) fn sigma(&self) -> f32 {
        self.sigma
    }

    /// Takes a cost in, if the last one was taken long enough ago.
    pub(super) fn learn(&mut self, cost: f32, now: Duration) {
        let soon = self
            .learned_at
            .is_some_and(|at| now.saturating_sub(at) < self.spacing);
        // Before it is warm everything counts, so that a camera may sleep soon.
        if soon && self.window.len() >= WARM {
            return;
        }
        self.learned_at = Some(now);
        if self.window.len() >= self.length {
            self.window.pop_front();
        }
        self.window.push_back(cost);
        self.median = self.middle(None);
        self.sigma = (self.middle(Some(self.median)) * MAD_TO_SIGMA).max(LEAST_SIGMA);
    }

    /// The median of the values or, around a centre, of their distances to it.
    fn middle(&mut self, around: Option<f32>) -> f32 {
        self.scratch.clear();
        self.scratch.extend(
            self.window
                .iter()
                .map(|value| around.map_or(*value, |centre| (value - centre).abs())),
        );
        let half = self.scratch.len() / 2;
        *self.scratch.select_nth_unstable_by(half, f32::total_cmp).1
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STEP: Duration = Duration::from_millis(80);

    fn warmed(bytes: impl Fn(u32) -> usize) -> (Baseline, Duration) {
        let mut baseline = Baseline::new(96, Duration::from_millis(250));
        for number in 0..400 {
            baseline.learn(cost(bytes(number), None), STEP * number);
        }
        (baseline, STEP * 400)
    }

    #[test]
    fn twice_the_bytes_stand_out_and_the_usual_wobble_does_not() {
        let (baseline, _) = warmed(|n| 10_000 + 400 * (n as usize % 3));
        assert!(baseline.score(cost(20_000, None)).expect("warm") > 8.0);
        assert!(baseline.score(cost(10_900, None)).expect("warm") < 2.0);
        assert!(Baseline::new(96, STEP).score(1.0).is_none());
    }

    #[test]
    fn coarser_steps_at_the_same_bytes_stand_out() {
        let mut baseline = Baseline::new(96, Duration::ZERO);
        for number in 0..100 {
            baseline.learn(cost(24_000, Some(28.0)), STEP * number);
        }
        let coarser = baseline.score(cost(24_000, Some(33.0))).expect("warm");
        assert!(coarser > 8.0, "{coarser}");
    }

    #[test]
    fn a_step_of_the_bitrate_is_usual_after_half_a_window() {
        let (mut baseline, start) = warmed(|_| 8_000);
        let stepped = cost(32_000, None);
        let mut usual_after = None;
        for number in 0..400 {
            let now = start + STEP * number;
            if baseline.score(stepped).is_some_and(|score| score < 4.0) {
                usual_after = Some(now - start);
                break;
            }
            baseline.learn(stepped, now);
        }
        let usual_after = usual_after.expect("at last");
        assert!(usual_after > Duration::from_secs(5), "{usual_after:?}");
        assert!(usual_after < Duration::from_secs(20), "{usual_after:?}");
    }

    proptest! {
        #[test]
        fn a_minority_of_wild_values_never_becomes_usual(wild in 40_000_usize..1_000_000) {
            let (mut baseline, start) = warmed(|_| 8_000);
            for number in 0..1_000 {
                let bytes = if number % 5 < 2 { wild } else { 8_000 };
                baseline.learn(cost(bytes, None), start + Duration::from_millis(250) * number);
            }
            prop_assert!(baseline.score(cost(wild, None)).expect("warm") > 4.0);
        }
    }
}
