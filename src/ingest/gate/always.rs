//! What the governor's level leaves of a camera in always mode: see the table in the
//! [gate](super)'s own words.

use super::memory::Memory;
use super::phase::{Input, Phase, Picture, Reduced, Step};
use super::unit::{Action, Ask, Decision, Urgency};
use crate::ingest::background::Change;
use crate::ingest::gop_ring::Rewind;
use crate::model::camera::WakeReason;
use crate::model::coverage::CoverageLevel;

/// Every picture is decoded, at a sparse level no longer than to the next keyframe. So nothing is
/// missed and nothing more is to be looked at.
pub(super) fn continuous(input: Input, memory: &mut Memory) -> Step {
    let Input::Picture(Picture { key, .. }) = input else {
        return (Phase::Continuous, None);
    };
    if !memory.level.is_sparse() {
        return (Phase::Continuous, Some(Decision::FOLLOW));
    }
    let now = memory.time.now();
    memory.heartbeat.looks(now);
    if !key {
        return (Phase::Continuous, Some(Decision::FOLLOW));
    }
    let reduced = Reduced {
        looked_at: now,
        ..Reduced::default()
    };
    let sleep = Decision::of(Action::Sleep { analyse: true }, Urgency::Followed);
    (Phase::Reduced(reduced), Some(sleep))
}

impl Reduced {
    /// Takes one input.
    pub(super) fn on(self, input: Input, memory: &mut Memory, ask: &impl Ask) -> Step {
        match input {
            Input::Picture(picture) => self.picture(picture, memory),
            Input::Compared(change) => self.compared(change, memory),
            Input::Glanced => self.glanced(memory, ask),
            Input::PutOff(urgency) => self.put_off(urgency),
            Input::Overflowed => self.overflowed(memory),
        }
    }

    /// A picture comes.
    fn picture(mut self, picture: Picture, memory: &mut Memory) -> Step {
        let key = picture.key;
        // What is held does not go on over a jump.
        self.gapped |= picture.jumped;
        if memory.level.is_sparse() {
            let decision = if key {
                self.key(memory)
            } else {
                self.between(memory.level)
            };
            return (Phase::Reduced(self), Some(decision));
        }
        if self.gapped && !key {
            return (Phase::Reduced(self), Some(Decision::SKIP));
        }
        continues(WakeReason::LoadRecovered, Rewind::Current, memory)
    }

    fn key(&mut self, memory: &mut Memory) -> Decision {
        let deferred = self.pending.deferred.take().is_some();
        let looks = if memory.level == CoverageLevel::Keyframes {
            memory.time.is_spaced(self.looked_at)
        } else {
            memory.heartbeat.takes_key(&memory.time) || deferred
        };
        self.gapped = !looks;
        if !looks {
            return Decision::SKIP;
        }
        self.looked_at = memory.time.now();
        memory.heartbeat.looks(self.looked_at);
        Decision::of(Action::Look { analyse: true }, Urgency::Due)
    }

    fn between(&mut self, level: CoverageLevel) -> Decision {
        self.gapped |= level != CoverageLevel::Keyframes;
        if self.gapped {
            Decision::SKIP
        } else {
            Decision::HOLD
        }
    }

    /// A keyframe was compared with the background. Nothing does that in always mode; where the level has
    /// changed since, it counts.
    fn compared(mut self, change: Change, memory: &Memory) -> Step {
        match change {
            Change::Local if !memory.level.is_sparse() => {
                return continues(WakeReason::Picture, Rewind::Previous, memory);
            }
            Change::None | Change::Local => {}
            Change::Scattered => self.pending.suppresses(memory.time.now()),
        }
        (Phase::Reduced(self), None)
    }

    /// The detector looked. At a sparse level nothing but the level wakes it.
    fn glanced(self, memory: &Memory, ask: &impl Ask) -> Step {
        if !memory.level.is_sparse() && ask.wanted() {
            return continues(WakeReason::Detector, Rewind::Previous, memory);
        }
        (Phase::Reduced(self), None)
    }

    /// A look did not take place.
    fn put_off(mut self, urgency: Urgency) -> Step {
        self.pending.defers(urgency);
        (Phase::Reduced(self), None)
    }

    /// What was to be held does not fit; at a sparse level it goes undecoded.
    fn overflowed(mut self, memory: &Memory) -> Step {
        let goes = memory.level.is_sparse();
        self.gapped |= goes;
        (Phase::Reduced(self), goes.then_some(Decision::SKIP))
    }
}

/// From here on every picture is decoded.
fn continues(reason: WakeReason, from: Rewind, memory: &Memory) -> Step {
    let wake = Decision::wake(reason, memory.rewind(from));
    (Phase::Continuous, Some(wake))
}
