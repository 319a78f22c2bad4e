//! What a camera's activity is worth, as its detector teaches: in a yard where trees wave and rain
//! falls something always moves, and it is nobody. Pure.
//!
//! Activity that leads to nobody raises a factor, by [`STEP`] each time up to [`MOST`]:
//! * the camera has been awake for [`PATIENCE`] of its quiet periods and still something moves, or
//! * it woke, found nobody and slept again, and had not slept for [`FITFUL`] before.
//!
//! Activity that is above the camera's threshold, but not by that factor, is doubted: it does not
//! wake the camera, the detector glances first. Somebody seen takes the factor away, calm for
//! [`CALM`] a step of it.

use std::time::Duration;

const STEP: f32 = 2.0;
const MOST: f32 = 8.0;
/// In quiet periods.
const PATIENCE: u32 = 2;
const FITFUL: Duration = Duration::from_secs(60);
const CALM: Duration = Duration::from_secs(300);

/// The factor of one camera.
#[derive(Debug)]
pub(super) struct Doubt {
    factor: f32,
    patience: Duration,
    /// When somebody was last there, the camera woke, or a step was taken.
    nobody_since: Duration,
    calm_since: Duration,
    slept_at: Option<Duration>,
    /// It woke out of so long a sleep, and nobody was seen since.
    in_vain_after: Option<Duration>,
}

impl Doubt {
    pub(super) fn new(quiet: Duration) -> Self {
        Self {
            factor: 1.0,
            patience: quiet * PATIENCE,
            nobody_since: Duration::ZERO,
            calm_since: Duration::ZERO,
            slept_at: None,
            in_vain_after: None,
        }
    }

    /// By how much activity must be above the threshold to be believed; 1 without doubt.
    pub(super) fn factor(&self) -> f32 {
        self.factor
    }

    /// Whether anything is doubted at all.
    pub(super) fn is_any(&self) -> bool {
        self.factor > 1.0
    }

    /// Something moved, or nothing did.
    pub(super) fn moved(&mut self, moved: bool, now: Duration) {
        if moved {
            self.calm_since = now;
        } else if now.saturating_sub(self.calm_since) >= CALM {
            self.calm_since = now;
            self.factor = (self.factor / STEP).max(1.0);
        }
    }

    /// Somebody is there.
    pub(super) fn somebody(&mut self, now: Duration) {
        self.factor = 1.0;
        self.nobody_since = now;
        self.in_vain_after = None;
    }

    /// The camera is awake and nobody is there; `moving` tells whether something still moves.
    pub(super) fn nobody(&mut self, moving: bool, now: Duration) {
        if moving && now.saturating_sub(self.nobody_since) >= self.patience {
            self.raise(now);
        }
    }

    /// The camera wakes because something moved, or because somebody is there.
    pub(super) fn woke(&mut self, moved: bool, now: Duration) {
        self.nobody_since = now;
        let slept = self.slept_at.take();
        self.in_vain_after = slept.filter(|_| moved).map(|at| now.saturating_sub(at));
    }

    /// The camera falls asleep.
    pub(super) fn sleeps(&mut self, now: Duration) {
        self.slept_at = Some(now);
        if self
            .in_vain_after
            .take()
            .is_some_and(|slept| slept < FITFUL)
        {
            self.raise(now);
        }
    }

    fn raise(&mut self, now: Duration) {
        self.factor = (self.factor * STEP).min(MOST);
        self.nobody_since = now;
        self.calm_since = now;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn what_moves_for_long_and_is_nobody_is_doubted_until_somebody_comes() {
        let mut doubt = Doubt::new(at(10));
        doubt.nobody(true, at(19));
        assert!(!doubt.is_any());
        doubt.nobody(false, at(20));
        assert!(!doubt.is_any(), "nothing moves");
        doubt.nobody(true, at(20));
        doubt.nobody(true, at(39));
        assert!((doubt.factor() - STEP).abs() < 1e-6);
        doubt.nobody(true, at(40));
        assert!((doubt.factor() - STEP * STEP).abs() < 1e-6);
        doubt.somebody(at(41));
        assert!(!doubt.is_any());
    }

    #[test]
    fn waking_in_vain_again_and_again_is_doubted_and_once_in_a_while_is_not() {
        let mut doubt = Doubt::new(at(10));
        doubt.sleeps(at(10));
        doubt.woke(true, at(200));
        doubt.sleeps(at(210));
        assert!(!doubt.is_any(), "it had slept for long");
        doubt.woke(true, at(230));
        doubt.sleeps(at(240));
        assert!(doubt.is_any());
        let mut right = Doubt::new(at(10));
        right.sleeps(at(10));
        right.woke(true, at(30));
        right.somebody(at(31));
        right.sleeps(at(50));
        assert!(!right.is_any(), "somebody was there");
    }

    #[test]
    fn calm_takes_it_away_step_by_step() {
        let mut doubt = Doubt::new(at(10));
        for second in [20, 40, 60, 80] {
            doubt.nobody(true, at(second));
        }
        assert!((doubt.factor() - MOST).abs() < 1e-6, "it has an end");
        doubt.moved(true, at(100));
        doubt.moved(false, at(399));
        assert!((doubt.factor() - MOST).abs() < 1e-6);
        for second in [400, 700, 1_000] {
            doubt.moved(false, at(second));
        }
        assert!(!doubt.is_any());
    }

    proptest! {
        /// Whatever happens, the factor stays within its bounds and somebody ends it.
        #[test]
        fn the_factor_has_bounds(steps in prop::collection::vec((0_u8..6, 0_u64..400), 1..200)) {
            let mut doubt = Doubt::new(at(10));
            let mut now = Duration::ZERO;
            for (what, seconds) in steps {
                now += at(seconds);
                match what {
                    0 => doubt.moved(true, now),
                    1 => doubt.moved(false, now),
                    2 => doubt.nobody(true, now),
                    3 => doubt.woke(true, now),
                    4 => doubt.sleeps(now),
                    _ => {
                        doubt.somebody(now);
                        prop_assert!(!doubt.is_any());
                    }
                }
                prop_assert!((1.0..=MOST).contains(&doubt.factor()));
            }
        }
    }
}
