//! When the detector looked last, and when it must look again. Pure.

use std::time::Duration;

use super::timeline::{JITTER, Timeline};

/// One camera's.
#[derive(Debug)]
pub(super) struct Heartbeat {
    period: Duration,
    /// The second glance comes so much earlier.
    early: Duration,
    looked_at: Duration,
}

impl Heartbeat {
    /// `phase`, 0 to 1: where in their heartbeats cameras are that begin together.
    pub(super) fn new(period: Duration, phase: f32) -> Self {
        Self {
            period,
            early: period.mul_f32(phase),
            looked_at: Duration::ZERO,
        }
    }

    /// The detector looks now.
    pub(super) fn looks(&mut self, now: Duration) {
        self.looked_at = now;
    }

    /// Whether the detector must look at this keyframe; then it does.
    pub(super) fn takes_key(&mut self, time: &Timeline) -> bool {
        let due = self.takes(time.keys_apart() + self.early, time);
        if due {
            self.early = Duration::ZERO;
        }
        due
    }

    /// Whether the detector must look now, because the next chance comes `next` later; then it does.
    pub(super) fn takes(&mut self, next: Duration, time: &Timeline) -> bool {
        let due = time.since(self.looked_at) + next + JITTER >= self.period;
        if due {
            self.looks(time.now());
        }
        due
    }

    /// Whether a keyframe is expected in time, or as good as: a group as long as the heartbeat must not
    /// be decoded each time for the sake of its last pictures.
    pub(super) fn has_key_ahead(&self, time: &Timeline) -> bool {
        time.next_key().is_some_and(|next| {
            next <= self.looked_at + self.period + JITTER && time.now() <= next + JITTER
        })
    }
}
