//! What a camera's activity is worth, as its detector teaches: in a yard where trees wave and rain
//! falls something always moves, and it is nobody. Pure.
//!
//! Activity that leads to nobody raises a factor, by [`STEP`] each time up to [`MOST`]:
//! * the camera has been awake for [`PATIENCE`] of its quiet periods and still something moves, or
//! * it woke, found nobody and slept again, and had not slept for [`FITFUL`] before.
//!
//! Activity that is above the camera's threshold, but not by that factor, is suppressed: it does not
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
pub(super) struct Nuisance {
    factor: f32,
    patience: Duration,
    /// When somebody was last there, the camera woke, or a step was taken.
    nobody_since: Duration,
    calm_since: Duration,
    slept_at: Option<Duration>,
    /// It woke out of so long a sleep, and nobody was seen since.
    false_wake_after: Option<Duration>,
}

impl Nuisance {
    pub(super) fn new(quiet: Duration) -> Self {
        Self {
            factor: 1.0,
            patience: quiet * PATIENCE,
            nobody_since: Duration::ZERO,
            calm_since: Duration::ZERO,
            slept_at: None,
            false_wake_after: None,
        }
    }

    /// By how much activity must be above the threshold to be believed; 1 where nothing is suppressed.
    pub(super) fn factor(&self) -> f32 {
        self.factor
    }

    /// Whether anything is suppressed at all.
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
        self.false_wake_after = None;
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
        self.false_wake_after = slept.filter(|_| moved).map(|at| now.saturating_sub(at));
    }

    /// The camera falls asleep.
    pub(super) fn sleeps(&mut self, now: Duration) {
        self.slept_at = Some(now);
        if self
            .false_wake_after
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
    fn what_moves_for_long_and_is_nobody_is_suppressed_until_somebody_comes() {
        let mut nuisance = Nuisance::new(at(10));
        nuisance.nobody(true, at(19));
        assert!(!nuisance.is_any());
        nuisance.nobody(false, at(20));
        assert!(!nuisance.is_any(), "nothing moves");
        nuisance.nobody(true, at(20));
        nuisance.nobody(true, at(39));
        assert!((nuisance.factor() - STEP).abs() < 1e-6);
        nuisance.nobody(true, at(40));
        assert!((nuisance.factor() - STEP * STEP).abs() < 1e-6);
        nuisance.somebody(at(41));
        assert!(!nuisance.is_any());
    }

    #[test]
    fn false_wakes_again_and_again_suppress_and_one_in_a_while_does_not() {
        let mut nuisance = Nuisance::new(at(10));
        nuisance.sleeps(at(10));
        nuisance.woke(true, at(200));
        nuisance.sleeps(at(210));
        assert!(!nuisance.is_any(), "it had slept for long");
        nuisance.woke(true, at(230));
        nuisance.sleeps(at(240));
        assert!(nuisance.is_any());
        let mut right = Nuisance::new(at(10));
        right.sleeps(at(10));
        right.woke(true, at(30));
        right.somebody(at(31));
        right.sleeps(at(50));
        assert!(!right.is_any(), "somebody was there");
    }

    #[test]
    fn calm_takes_it_away_step_by_step() {
        let mut nuisance = Nuisance::new(at(10));
        for second in [20, 40, 60, 80] {
            nuisance.nobody(true, at(second));
        }
        assert!((nuisance.factor() - MOST).abs() < 1e-6, "it has an end");
        nuisance.moved(true, at(100));
        nuisance.moved(false, at(399));
        assert!((nuisance.factor() - MOST).abs() < 1e-6);
        for second in [400, 700, 1_000] {
            nuisance.moved(false, at(second));
        }
        assert!(!nuisance.is_any());
    }

    proptest! {
        /// Whatever happens, the factor stays within its bounds and somebody ends it.
        #[test]
        fn the_factor_has_bounds(steps in prop::collection::vec((0_u8..6, 0_u64..400), 1..200)) {
            let mut nuisance = Nuisance::new(at(10));
            let mut now = Duration::ZERO;
            for (what, seconds) in steps {
                now += at(seconds);
                match what {
                    0 => nuisance.moved(true, now),
                    1 => nuisance.moved(false, now),
                    2 => nuisance.nobody(true, now),
                    3 => nuisance.woke(true, now),
                    4 => nuisance.sleeps(now),
                    _ => {
                        nuisance.somebody(now);
                        prop_assert!(!nuisance.is_any());
                    }
                }
                prop_assert!((1.0..=MOST).contains(&nuisance.factor()));
            }
        }
    }
}
