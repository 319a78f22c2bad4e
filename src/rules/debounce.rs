//! Debounce: a condition must hold for a while before an incident starts and be gone for a while
//! before it ends.
//!
//! ```text
//!            holds                 held for `hold`, may start
//!   Idle ──────────────▶ Holding ─────────────────────────────▶ Open
//!    ▲                    │                                      │
//!    └── fails (strict) ──┤                                      │
//!    └── gone for clear_after ◀──────────────────────────────────┘ (ends)
//! ```

use std::time::Duration;

/// What one frame says of the condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// It holds.
    Holds,
    /// It does not.
    Fails,
    /// The frame does not tell: the object was not seen.
    Unseen,
}

/// What follows from a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// No incident.
    Idle,
    /// An incident starts.
    Start,
    /// It goes on, its cause before our eyes.
    Stands,
    /// It goes on although its cause is not seen now.
    Fades,
    /// It is over.
    End,
}

/// How long it must hold, and how long be gone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    /// From the first holding frame to the incident.
    pub(super) hold: Duration,
    /// From the last holding frame to the end.
    pub(super) clear_after: Duration,
    /// Before the incident, a failing frame does not start the count again if the condition is
    /// back within `clear_after`.
    pub(super) forgiving: bool,
}

/// The condition's state.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Debounce {
    since: Option<Duration>,
    last: Duration,
    /// A frame without the condition came since `last`. Frames that never came tell nothing: a
    /// camera analysed every 10 s must not end what stands with `clear_after` = 5 s.
    interrupted: bool,
    open: bool,
}

impl Debounce {
    /// Takes one frame's reading; `may_start` false keeps the count without starting.
    pub(super) fn update(
        &mut self,
        at: Duration,
        reading: Reading,
        may_start: bool,
        timing: &Timing,
    ) -> Step {
        let gone = at.saturating_sub(self.last);
        if reading == Reading::Holds {
            if self.interrupted && self.since.is_some() && gone > timing.clear_after {
                let was_open = self.open;
                *self = Self {
                    since: Some(at),
                    last: at,
                    interrupted: false,
                    open: false,
                };
                return if was_open { Step::End } else { Step::Idle };
            }
            let since = *self.since.get_or_insert(at);
            self.last = at;
            self.interrupted = false;
            if self.open {
                return Step::Stands;
            }
            self.open = may_start && at.saturating_sub(since) >= timing.hold;
            return if self.open { Step::Start } else { Step::Idle };
        }
        if self.since.is_none() {
            return Step::Idle;
        }
        self.interrupted = true;
        let strict = reading == Reading::Fails && !timing.forgiving && !self.open;
        if strict || gone >= timing.clear_after {
            let was_open = self.open;
            *self = Self::default();
            return if was_open { Step::End } else { Step::Idle };
        }
        if self.open { Step::Fades } else { Step::Idle }
    }

    /// From the first to the last holding frame.
    pub(super) fn lasted(&self) -> Duration {
        self.since
            .map_or(Duration::ZERO, |since| self.last.saturating_sub(since))
    }

    /// Whether there is anything to remember.
    pub(super) fn is_idle(&self) -> bool {
        self.since.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(s: f32) -> Duration {
        Duration::from_secs_f32(s)
    }

    const TIMING: Timing = Timing {
        hold: Duration::from_secs(2),
        clear_after: Duration::from_secs(3),
        forgiving: false,
    };

    fn steps(timing: &Timing, readings: &[(f32, Reading)]) -> Vec<Step> {
        let mut debounce = Debounce::default();
        readings
            .iter()
            .map(|(at, reading)| debounce.update(secs(*at), *reading, true, timing))
            .collect()
    }

    #[test]
    fn an_incident_starts_after_the_hold_and_ends_after_the_clear() {
        use Reading::{Fails, Holds, Unseen};
        assert_eq!(
            steps(
                &TIMING,
                &[
                    (0.0, Holds),
                    (1.9, Holds),
                    (2.0, Holds),
                    (3.0, Fails),
                    (4.0, Unseen),
                    (5.0, Unseen)
                ]
            ),
            [
                Step::Idle,
                Step::Idle,
                Step::Start,
                Step::Fades,
                Step::Fades,
                Step::End
            ]
        );
    }

    #[test]
    fn a_strict_count_starts_again_after_a_failing_frame_and_a_forgiving_one_does_not() {
        let readings = [
            (0.0, Reading::Holds),
            (1.0, Reading::Fails),
            (2.0, Reading::Holds),
        ];
        assert_eq!(steps(&TIMING, &readings)[2], Step::Idle);
        let forgiving = Timing {
            forgiving: true,
            ..TIMING
        };
        assert_eq!(steps(&forgiving, &readings)[2], Step::Start);
    }

    #[test]
    fn frames_that_never_came_end_nothing() {
        let readings = [
            (0.0, Reading::Holds),
            (2.0, Reading::Holds),
            (12.0, Reading::Holds),
        ];
        assert_eq!(steps(&TIMING, &readings)[2], Step::Stands);
        let left = [
            (0.0, Reading::Holds),
            (2.0, Reading::Holds),
            (3.0, Reading::Fails),
            (12.0, Reading::Holds),
        ];
        assert_eq!(steps(&TIMING, &left)[3], Step::End);
    }
}
