//! Exponential back-off with full jitter, so that 1,000 cameras behind one switch do not come
//! back in the same millisecond (method: "Exponential Backoff And Jitter", AWS Architecture
//! Blog, 2015; the lower half is kept so that a retry is never immediate).

use std::time::Duration;

/// The limits of a back-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackoffPolicy {
    /// Longest wait after the first failure.
    pub first: Duration,
    /// Longest wait after any failure.
    pub ceiling: Duration,
}

/// Counts consecutive failures and says how long to wait after each.
#[derive(Clone, Debug)]
pub struct Backoff {
    policy: BackoffPolicy,
    failures: u32,
    random: fastrand::Rng,
}

impl Backoff {
    /// A back-off with its own random numbers.
    #[must_use]
    pub fn new(policy: BackoffPolicy) -> Self {
        Self {
            policy,
            failures: 0,
            random: fastrand::Rng::new(),
        }
    }

    /// A back-off whose jitter repeats for the same seed.
    #[must_use]
    pub fn seeded(policy: BackoffPolicy, seed: u64) -> Self {
        Self {
            policy,
            failures: 0,
            random: fastrand::Rng::with_seed(seed),
        }
    }

    /// Counts one failure and returns the wait before the next try: between half and the whole
    /// of `first · 2^failures`, never above the ceiling.
    pub fn fail(&mut self) -> Duration {
        let doubled = self
            .policy
            .first
            .saturating_mul(1_u32 << self.failures.min(20));
        self.failures = self.failures.saturating_add(1);
        let longest = doubled.min(self.policy.ceiling);
        longest.mul_f64(0.5 + 0.5 * self.random.f64())
    }

    /// Forgets past failures; call it when the thing has worked for a while.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// Consecutive failures so far.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: BackoffPolicy = BackoffPolicy {
        first: Duration::from_millis(500),
        ceiling: Duration::from_secs(8),
    };

    #[test]
    fn waits_double_up_to_the_ceiling_and_stay_within_half_of_it() {
        let mut backoff = Backoff::seeded(POLICY, 7);
        for failure in 0..40_u32 {
            let longest = POLICY
                .first
                .saturating_mul(1 << failure.min(10))
                .min(POLICY.ceiling);
            let wait = backoff.fail();
            assert!(
                wait >= longest / 2 && wait <= longest,
                "failure {failure}: {wait:?}"
            );
        }
        backoff.reset();
        assert!(backoff.fail() <= POLICY.first);
    }

    #[test]
    fn a_thousand_cameras_do_not_come_back_together() {
        let mut waits: Vec<_> = (0..1_000)
            .map(|seed| Backoff::seeded(POLICY, seed).fail().as_millis())
            .collect();
        waits.sort_unstable();
        waits.dedup();
        assert!(waits.len() > 200, "only {} different waits", waits.len());
    }
}
