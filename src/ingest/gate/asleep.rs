//! What wakes a sleeping camera in watch mode, and what of it is looked at until then.

use std::time::Duration;

use super::judge::{Activity, StreamActivity};
use super::memory::Memory;
use super::phase::{Asleep, Awake, Because, Input, Phase, Picture, Step};
use super::unit::{Action, Ask, Decision, Urgency};
use crate::ingest::background::Change;
use crate::ingest::gop_ring::Rewind;
use crate::model::camera::WakeReason;
use crate::model::coverage::CoverageLevel;

/// What is suppressed waits so long for a keyframe.
pub(super) const SUPPRESSED_WAIT: Duration = Duration::from_secs(4);
/// While it is not known what is usual in the stream, and no longer than this after its begin, the
/// detector glances at every keyframe where the level allows it.
const BLIND_FOR: Duration = Duration::from_secs(60);

/// Why it wakes, and from where on it is decoded.
type Wake = (WakeReason, Rewind);

impl Asleep {
    /// Takes one input.
    pub(super) fn on(self, input: Input, memory: &mut Memory, ask: &impl Ask) -> Step {
        match input {
            Input::Picture(picture) => self.picture(picture, memory, ask),
            Input::Compared(change) => self.compared(change, memory, ask),
            Input::Glanced => self.glanced(memory, ask),
            Input::PutOff(urgency) => self.put_off(urgency),
            Input::Overflowed => self.overflowed(memory),
        }
    }

    /// A picture comes.
    fn picture(mut self, picture: Picture, memory: &mut Memory, ask: &impl Ask) -> Step {
        let Picture { key, activity, .. } = picture;
        self.keys.gap.jump |= picture.jumped;
        if self.misses_pictures(key, memory.level) {
            if activity == Activity::Certain {
                self.pending.defers(Urgency::Hint);
            }
            return self.stays(Decision::SKIP);
        }
        if let Some(wake) = self.wakes_by(picture, memory, ask) {
            return self.wakes(wake, memory);
        }
        if matches!(activity, Activity::Certain | Activity::Suppressed) {
            self.pending.suppresses(memory.time.now());
        }
        let decision = if key {
            self.key(memory, ask)
        } else {
            self.between(activity, memory)
        };
        self.stays(decision)
    }

    /// Whether pictures before this one are neither decoded nor held, so that it cannot be decoded.
    fn misses_pictures(&mut self, key: bool, level: CoverageLevel) -> bool {
        let gap = &mut self.keys.gap;
        // Nobody is decoded for a jump's sake while there is not enough for all.
        gap.pictures |= gap.jump && level.is_sparse();
        gap.pictures &= !key;
        gap.pictures
    }

    fn wakes_by(&mut self, picture: Picture, memory: &Memory, ask: &impl Ask) -> Option<Wake> {
        if self.keys.gap.jump && picture.key {
            self.keys.gap.jump = false;
            if memory.admits(WakeReason::Discontinuity, ask) {
                return Some((WakeReason::Discontinuity, Rewind::Current));
            }
            self.pending.suppresses(memory.time.now());
        }
        if picture.activity == Activity::Certain && memory.admits(WakeReason::Stream, ask) {
            // A keyframe's own size tells of the group before it.
            let from = if picture.key {
                Rewind::Previous
            } else {
                Rewind::Current
            };
            return Some((WakeReason::Stream, from));
        }
        if !ask.wanted() {
            return None;
        }
        if memory.admits(WakeReason::Detector, ask) {
            return Some((WakeReason::Detector, Rewind::Previous));
        }
        self.pending.defers(Urgency::Hint);
        None
    }

    /// A picture between keyframes that wakes nobody.
    fn between(&mut self, activity: Activity, memory: &mut Memory) -> Decision {
        if activity == Activity::Lasting {
            self.pending.suppressed_at = None;
            memory.heartbeat.looks(memory.time.now());
            return Decision::of(Action::CatchUp, Urgency::Hint);
        }
        // Where not all can be had, what is suppressed waits for its keyframe.
        let waited = |at| memory.time.since(at) >= SUPPRESSED_WAIT;
        let suppressed =
            !memory.level.is_sparse() && self.pending.suppressed_at.is_some_and(waited);
        let Memory {
            heartbeat, time, ..
        } = memory;
        if suppressed || (!heartbeat.has_key_ahead(time) && heartbeat.takes(time.step(), time)) {
            self.pending.take_suppressed(memory);
            let urgency = if suppressed {
                Urgency::Hint
            } else {
                Urgency::Due
            };
            return Decision::of(Action::CatchUp, urgency);
        }
        Decision::HOLD
    }

    /// A keyframe that wakes nobody.
    fn key(&mut self, memory: &mut Memory, ask: &impl Ask) -> Decision {
        let now = memory.time.now();
        let suppressed = self.pending.take_suppressed(memory);
        let stream = memory.judge.stream_activity();
        let unknown = memory.level == CoverageLevel::Full
            && stream == StreamActivity::Unknown
            && memory.time.is_spaced(self.keys.unknown_at)
            && ask.is_plenty();
        if unknown {
            self.keys.unknown_at = now;
        }
        let due = memory.heartbeat.takes_key(&memory.time);
        let deferred = self.pending.deferred.take();
        let analyse = due || suppressed || unknown || deferred.is_some();
        let active = stream == StreamActivity::Active;
        let urgency = if suppressed || (due && active) {
            Urgency::Hint
        } else if due {
            Urgency::Due
        } else if active {
            // It is worth comparing.
            Urgency::Stirs
        } else {
            Urgency::Spare
        }
        .max(deferred.unwrap_or(Urgency::Spare));
        // What nobody counts on waits until there is plenty, or it is clear that no more becomes known.
        let waits = now < BLIND_FOR && !ask.is_plenty();
        self.keys.kept = !analyse
            && match (memory.level, stream) {
                (_, StreamActivity::Active) => false,
                (CoverageLevel::Full, StreamActivity::Calm) => !self.keys.kept,
                (CoverageLevel::Full, StreamActivity::Unknown) => waits,
                _ => true,
            };
        let action = if self.keys.kept {
            Action::Keep
        } else {
            Action::Look { analyse }
        };
        Decision::of(action, urgency)
    }

    /// A keyframe was compared with the background; what changed all over it is suppressed.
    fn compared(mut self, change: Change, memory: &mut Memory, ask: &impl Ask) -> Step {
        if change == Change::None {
            return (Phase::Asleep(self), None);
        }
        let now = memory.time.now();
        memory.nuisance.moved(true, now);
        let suppressed = memory.nuisance.is_any() || change == Change::Scattered;
        if suppressed || !memory.admits(WakeReason::Picture, ask) {
            self.pending.suppresses(now);
            return (Phase::Asleep(self), None);
        }
        self.wakes((WakeReason::Picture, Rewind::Previous), memory)
    }

    /// The detector looked; if it found somebody, as it would turn out at the next picture.
    fn glanced(self, memory: &mut Memory, ask: &impl Ask) -> Step {
        if ask.wanted() && memory.admits(WakeReason::Detector, ask) {
            return self.wakes((WakeReason::Detector, Rewind::Previous), memory);
        }
        (Phase::Asleep(self), None)
    }

    /// A look did not take place; its keyframe is held.
    fn put_off(mut self, urgency: Urgency) -> Step {
        self.keys.kept = true;
        self.pending.defers(urgency);
        (Phase::Asleep(self), None)
    }

    /// What was to be held does not fit; at a sparse level it goes undecoded.
    fn overflowed(mut self, memory: &Memory) -> Step {
        let goes = memory.level.is_sparse();
        self.keys.gap.pictures |= goes;
        (Phase::Asleep(self), goes.then_some(Decision::SKIP))
    }

    fn stays(self, decision: Decision) -> Step {
        (Phase::Asleep(self), Some(decision))
    }

    /// From here on every picture is decoded.
    fn wakes(self, (reason, from): Wake, memory: &mut Memory) -> Step {
        let now = memory.time.now();
        memory.judge.forget_hot();
        let moved = matches!(reason, WakeReason::Stream | WakeReason::Picture);
        memory.nuisance.woke(moved, now);
        let by_glance = reason == WakeReason::Detector;
        if by_glance {
            memory.nuisance.somebody(now);
            memory.judge.somebody();
        }
        let awake = Awake {
            because: if by_glance {
                Because::Glance(now)
            } else {
                Because::Activity
            },
            active_at: now,
            asked_at: now,
            keys: self.keys,
        };
        let wake = Decision::wake(reason, memory.rewind(from));
        (Phase::Awake(awake), Some(wake))
    }
}
