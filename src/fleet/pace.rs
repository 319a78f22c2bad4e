//! How many pictures of a camera are analysed, by its level and by what is in them, and what
//! that promises. Pure.

use std::time::Duration;

use crate::config::types::{CameraConfig, WatchMode};
use crate::model::coverage::CoverageLevel;

/// Where keyframes are not known (a stream that cannot be gated), "keyframes only" is this many
/// pictures a second at most.
const KEYFRAMES_FPS: f32 = 1.0;

/// One camera's rates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pace {
    /// Pictures analysed a second, at most.
    calm: f32,
    /// The same while somebody is near a line or fast.
    near: f32,
    heartbeat: Duration,
    /// Its mode lets it sleep.
    sleeps: bool,
}

impl Pace {
    pub(super) fn of(config: &CameraConfig) -> Self {
        Self {
            calm: config.analysis_fps,
            near: config.analysis_fps_near,
            heartbeat: config.watch.heartbeat,
            sleeps: config.watch.mode == WatchMode::Watch,
        }
    }

    /// Whether its mode lets it sleep.
    pub(super) fn sleeps(&self) -> bool {
        self.sleeps
    }

    /// Pictures a second that are analysed at most.
    pub(super) fn fps(&self, level: CoverageLevel, near_rate: bool) -> f32 {
        let asked = if near_rate { self.near } else { self.calm };
        match level {
            CoverageLevel::Full => asked,
            CoverageLevel::HalfRate => asked / 2.0,
            CoverageLevel::QuarterRate => asked / 4.0,
            CoverageLevel::Keyframes => self.keyframes_fps(),
            CoverageLevel::Heartbeat => {
                (1.0 / self.heartbeat.as_secs_f32()).min(self.keyframes_fps())
            }
        }
    }

    /// Keyframes a second that are analysed at most.
    pub(super) fn keyframes_fps(&self) -> f32 {
        (self.calm / 8.0).min(KEYFRAMES_FPS)
    }

    /// The longest time between two analysed frames that level and mode allow. `asleep` says that
    /// the camera sleeps by itself, `keyframes_apart` how far its keyframes are, where that is known.
    pub(super) fn promise(
        &self,
        level: CoverageLevel,
        asleep: bool,
        keyframes_apart: Option<Duration>,
    ) -> Duration {
        let period = |fps: f32| Duration::from_secs_f32(1.0 / fps);
        let keys = keyframes_apart.unwrap_or(self.heartbeat);
        match level {
            CoverageLevel::Keyframes if !self.sleeps => keys.max(period(self.keyframes_fps())),
            CoverageLevel::Keyframes | CoverageLevel::Heartbeat => {
                let beat = self.heartbeat.max(period(self.keyframes_fps()));
                beat.max(keys)
            }
            _ if asleep => self.heartbeat,
            rate => period(self.fps(rate, false)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PACE: Pace = Pace {
        calm: 5.0,
        near: 10.0,
        heartbeat: Duration::from_secs(10),
        sleeps: false,
    };

    #[test]
    fn a_level_promises_what_it_does() {
        let promise = |level, asleep, keys: Option<u64>| {
            let promise = PACE.promise(level, asleep, keys.map(Duration::from_millis));
            (promise.as_secs_f64() * 1_000.0).round()
        };
        assert!((promise(CoverageLevel::Full, false, None) - 200.0).abs() < 1.0);
        assert!((promise(CoverageLevel::QuarterRate, false, None) - 800.0).abs() < 1.0);
        assert!((promise(CoverageLevel::Full, true, Some(4_000)) - 10_000.0).abs() < 1.0);
        assert!((promise(CoverageLevel::Keyframes, true, Some(4_000)) - 4_000.0).abs() < 1.0);
        assert!((promise(CoverageLevel::Keyframes, true, Some(400)) - 1_600.0).abs() < 1.0);
        assert!((promise(CoverageLevel::Heartbeat, true, Some(4_000)) - 10_000.0).abs() < 1.0);
        assert!((promise(CoverageLevel::Heartbeat, true, Some(30_000)) - 30_000.0).abs() < 1.0);
    }

    proptest! {
        /// A worse level is never faster, somebody near a line never makes it slower, and the
        /// promise is never shorter than the rate allows.
        #[test]
        fn worse_levels_are_slower(calm in 0.05_f32..60.0, more in 1.0_f32..4.0, beat in 1_u64..60, sleeps in any::<bool>()) {
            let pace = Pace {
                calm,
                near: calm * more,
                heartbeat: Duration::from_secs(beat),
                sleeps,
            };
            for pair in CoverageLevel::ALL.windows(2) {
                prop_assert!(pace.fps(pair[0], true) >= pace.fps(pair[1], true));
                prop_assert!(pace.fps(pair[0], false) >= pace.fps(pair[1], false));
            }
            for level in CoverageLevel::ALL {
                prop_assert!(pace.fps(level, true) >= pace.fps(level, false));
                let promise = pace.promise(level, false, Some(Duration::ZERO)).as_secs_f32();
                prop_assert!(promise * pace.fps(level, false) >= 0.99);
            }
        }
    }
}
