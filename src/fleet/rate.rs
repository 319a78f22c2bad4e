//! Picks frames at a rate by their own media time, so that replay picks the same ones.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The picker. The rate may be another one each time.
#[derive(Debug, Default)]
pub struct RateLimit {
    /// The point of the grid at which a frame was picked last.
    last: Option<Duration>,
}

impl RateLimit {
    fn due(&self, fps: f32) -> Option<Duration> {
        self.last
            .map(|last| last + Duration::from_secs_f32(1.0 / fps))
    }

    /// Whether the frame at `media_time` would be wanted at this rate if it came now. The first
    /// frame is.
    #[must_use]
    pub fn is_due(&self, media_time: Duration, fps: f32) -> bool {
        let due = self.due(fps);
        due.is_none_or(|due| media_time + Duration::from_millis(1) >= due)
    }

    /// Whether the frame at `media_time` is wanted. The due times form a grid, so that 5 of 12.5
    /// frames a second are 5 and not 4.2; a frame may come 1 ms early for rounding's sake.
    pub fn wants(&mut self, media_time: Duration, fps: f32) -> bool {
        if !self.is_due(media_time, fps) {
            return false;
        }
        let due = self.due(fps).unwrap_or_default();
        let interval = Duration::from_secs_f32(1.0 / fps);
        let behind = media_time.saturating_sub(due);
        self.last = Some(if behind > interval { media_time } else { due });
        true
    }
}

const NEVER: u64 = u64::MAX;

/// A picker that is asked on several threads and picks on one at a time, as a camera's frames come.
#[derive(Debug)]
pub(super) struct SharedRateLimit {
    last_nanos: AtomicU64,
}

impl Default for SharedRateLimit {
    fn default() -> Self {
        Self {
            last_nanos: AtomicU64::new(NEVER),
        }
    }
}

impl SharedRateLimit {
    fn now(&self) -> RateLimit {
        let nanos = self.last_nanos.load(Ordering::Acquire);
        RateLimit {
            last: (nanos != NEVER).then(|| Duration::from_nanos(nanos)),
        }
    }

    /// As [`RateLimit::is_due`].
    pub(super) fn is_due(&self, media_time: Duration, fps: f32) -> bool {
        self.now().is_due(media_time, fps)
    }

    /// As [`RateLimit::wants`].
    pub(super) fn wants(&self, media_time: Duration, fps: f32) -> bool {
        let mut rate = self.now();
        let wants = rate.wants(media_time, fps);
        if let Some(last) = rate.last.filter(|_| wants) {
            let nanos = u64::try_from(last.as_nanos()).unwrap_or(NEVER - 1);
            self.last_nanos.store(nanos, Ordering::Release);
        }
        wants
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picked(source_fps: u64, wanted_fps: f32, seconds: u64) -> u64 {
        let mut rate = RateLimit::default();
        (0..seconds * source_fps)
            .filter(|n| {
                let at = Duration::from_nanos(n * 1_000_000_000 / source_fps);
                rate.wants(at, wanted_fps)
            })
            .count() as u64
    }

    #[test]
    fn the_asked_for_rate_is_kept_also_when_it_does_not_divide_the_cameras() {
        assert!(picked(25, 5.0, 10).abs_diff(50) <= 1);
        assert!(picked(12, 5.0, 10).abs_diff(50) <= 1);
        assert!(picked(30, 7.0, 10).abs_diff(70) <= 1);
        assert_eq!(picked(10, 25.0, 10), 100);
    }

    #[test]
    fn one_that_is_shared_picks_as_one_that_is_not() {
        let (mut own, shared) = (RateLimit::default(), SharedRateLimit::default());
        for number in 0..500_u64 {
            let at = Duration::from_millis(number * 37 + number % 11);
            let fps = [2.5, 5.0, 12.5][number as usize / 50 % 3];
            assert_eq!(own.is_due(at, fps), shared.is_due(at, fps));
            assert_eq!(own.wants(at, fps), shared.wants(at, fps));
        }
    }

    #[test]
    fn a_pause_is_not_caught_up_on() {
        let mut rate = RateLimit::default();
        assert!(rate.wants(Duration::ZERO, 5.0));
        assert!(rate.wants(Duration::from_secs(60), 5.0));
        assert!(!rate.wants(Duration::from_millis(60_040), 5.0));
        assert!(rate.wants(Duration::from_millis(60_200), 5.0));
    }

    #[test]
    fn a_new_rate_counts_from_the_last_frame_that_was_picked() {
        let mut rate = RateLimit::default();
        assert!(rate.wants(Duration::ZERO, 1.0));
        assert!(!rate.is_due(Duration::from_millis(100), 5.0));
        assert!(rate.wants(Duration::from_millis(200), 5.0));
        assert!(!rate.wants(Duration::from_millis(1_000), 0.5));
        assert!(rate.wants(Duration::from_millis(2_200), 0.5));
    }
}
