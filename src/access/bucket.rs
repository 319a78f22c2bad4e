//! How many requests somebody has left: a token bucket (Turner, "New directions in
//! communications", IEEE Communications Magazine 24(10), 1986), pure.

use crate::base::clock::Monotonic;

/// Tokens that come back with time.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    tokens: f64,
    filled: Monotonic,
}

impl Bucket {
    /// A full one.
    #[must_use]
    pub fn full(burst: f64, now: Monotonic) -> Self {
        Self {
            tokens: burst,
            filled: now,
        }
    }

    /// Takes one token, where there is one.
    pub fn take(&mut self, per_second: f64, burst: f64, now: Monotonic) -> bool {
        let back = now.since(self.filled).as_secs_f64() * per_second;
        self.tokens = (self.tokens + back).min(burst);
        self.filled = now;
        if self.tokens < 1.0 {
            return false;
        }
        self.tokens -= 1.0;
        true
    }

    /// Whether it would be full by now: nothing is lost when it is forgotten.
    #[must_use]
    pub fn is_full(&self, per_second: f64, burst: f64, now: Monotonic) -> bool {
        self.tokens + now.since(self.filled).as_secs_f64() * per_second >= burst
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_burst_passes_and_then_only_the_rate() {
        let at = |millis| Monotonic(Duration::from_millis(millis));
        let mut bucket = Bucket::full(3.0, at(0));
        let passed = |bucket: &mut Bucket, now| bucket.take(2.0, 3.0, now);
        assert_eq!(
            [0; 5].map(|_| passed(&mut bucket, at(0))),
            [true, true, true, false, false]
        );
        assert!(!passed(&mut bucket, at(400)) && passed(&mut bucket, at(600)));
        assert!(bucket.is_full(2.0, 3.0, at(10_000)));
    }

    proptest! {
        #[test]
        fn never_more_than_burst_and_rate_allow(
            steps in prop::collection::vec(0_u64..200, 1..300),
            per_second in 0.5_f64..50.0,
            burst in 1_u32..20,
        ) {
            let burst = f64::from(burst);
            let mut bucket = Bucket::full(burst, Monotonic::default());
            let (mut now, mut passed) = (Duration::ZERO, 0.0);
            for step in steps {
                now += Duration::from_millis(step);
                passed += f64::from(u8::from(bucket.take(per_second, burst, Monotonic(now))));
                prop_assert!(passed <= burst + per_second * now.as_secs_f64() + 1e-6);
            }
        }
    }
}
