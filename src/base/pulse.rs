//! Tells a thread that works from one that is stuck: it says when it begins a piece of work and
//! when it is done, and whoever watches asks how long the present piece has taken.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::clock::Monotonic;

const RESTING: u64 = u64::MAX;

/// One thread's mark. Written by that thread, read by any.
#[derive(Debug)]
pub struct Pulse {
    begun_nanos: AtomicU64,
}

impl Default for Pulse {
    fn default() -> Self {
        Self {
            begun_nanos: AtomicU64::new(RESTING),
        }
    }
}

impl Pulse {
    /// A piece of work begins, or goes on with a next step.
    pub fn begin(&self, now: Monotonic) {
        let nanos = u64::try_from(now.0.as_nanos()).unwrap_or(RESTING - 1);
        self.begun_nanos
            .store(nanos.min(RESTING - 1), Ordering::Release);
    }

    /// The work is done; what comes next is a wait for more.
    pub fn rest(&self) {
        self.begun_nanos.store(RESTING, Ordering::Release);
    }

    /// How long the present piece of work has taken; zero while the thread waits for work.
    #[must_use]
    pub fn busy_for(&self, now: Monotonic) -> Duration {
        match self.begun_nanos.load(Ordering::Acquire) {
            RESTING => Duration::ZERO,
            nanos => now.since(Monotonic(Duration::from_nanos(nanos))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_ages_and_rest_does_not() {
        let (pulse, at) = (Pulse::default(), |seconds| {
            Monotonic(Duration::from_secs(seconds))
        });
        assert_eq!(pulse.busy_for(at(500)), Duration::ZERO);
        pulse.begin(at(500));
        assert_eq!(pulse.busy_for(at(530)), Duration::from_secs(30));
        pulse.begin(at(520));
        assert_eq!(pulse.busy_for(at(530)), Duration::from_secs(10));
        pulse.rest();
        assert_eq!(pulse.busy_for(at(9_999)), Duration::ZERO);
    }
}
