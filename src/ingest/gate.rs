//! Which coded pictures of a watched camera are decoded. Pure: pictures and their times go in,
//! actions come out; `watch` performs them.
//!
//! ```text
//!          a keyframe, quiet for `quiet`, and nobody is followed
//!   Awake ─────────────────────────────────────────────────────▶ Asleep             in watch mode
//!  Follow ◀───────────────────────────────────────────────────── Look at keyframes, Hold the rest
//!          Stream:        coded pictures cost more than is usual
//!          Picture:       a keyframe differs from the background
//!          Detector:      a glance found somebody, or somebody is followed
//!          Discontinuity: the stream's time jumped
//!
//!                   a keyframe, at a sparse level
//!   Continuous ───────────────────────────────▶ Reduced                             in always mode
//!       Follow ◀─────────────────────────────── Look at keyframes, Hold or Skip the rest
//!                   LoadRecovered: the level is no longer sparse
//! ```
//!
//! In watch mode a camera begins awake and goes to sleep at its first keyframe, at which the detector glances: a
//! fleet that starts costs little more than one that sleeps, and who stands there is seen at once.
//! Asleep, each keyframe is decoded and compared with the background; the detector glances at the last
//! keyframe before the heartbeat is due. Where no keyframe comes in time (a group longer than the
//! heartbeat, as "smart codecs" send them), all that is held is decoded at the heartbeat and the
//! detector glances at the newest picture ([`Action::CatchUp`]): such a stream costs its decoding but not
//! its inference, and keeps the promise.
//!
//! What the pictures between two keyframes tell ([`Judge::stream_activity`]) decides on the second of them:
//!
//! ```text
//!   Calm      nothing stirs, and somebody would show: every other of the keyframes between two glances
//!             goes undecoded, for half of what a quiet camera costs is the decoding of its keyframes
//!   Active    it is compared
//!   Unknown   the stream cannot tell: too little was seen of it, or it spends so much on noise (a high
//!             constant bitrate) that somebody is lost in that. It is compared, and where there is
//!             plenty for all the detector glances at it
//! ```
//!
//! The detector glances in the same way when pictures stay a little above what is usual at their place
//! in the group, by less than would be believed of a single one: somebody small or far away.
//!
//! Over all that stands the level that the governor leaves the camera with, in always mode too.
//! At lower rates of a sleeping camera's keyframes only those are decoded in which something stirs and
//! those at which the detector glances; movement in the stream wakes it as ever. So it does while the
//! level is sparse, but then only so many may be awake at a time: it must be admitted ([`Ask::admits`]),
//! and at each keyframe again. Who is not goes on sleeping, and the detector glances at its next
//! keyframe. What is not held is let go, never decoded for nobody.
//!
//! In always mode a camera whose level is sparse is asleep whatever happens in it, and nothing but the
//! level wakes it ([`WakeReason::LoadRecovered`]):
//!
//! ```text
//!   Keyframes   Look at each keyframe, at most one a second. Hold the rest where it fits, so
//!               that a camera that gets its rate back is decoded from its last keyframe on
//!   Heartbeat   Look at one keyframe in each heartbeat; Skip the rest
//! ```
//!
//! A look that nobody had the time for was put off ([`Gate::put_off`]): the keyframe is held, and the
//! next one is looked at instead.
//!
//! Where something always moves and nobody is ever there, what moves is [suppressed](nuisance): such a camera
//! sleeps although it is not quiet, and instead of waking it the detector glances at the next
//! keyframe, from before which on it is decoded if somebody is there.
//!
//! All times are the stream's own, so that a recording is decided alike at any pace.

mod always;
mod asleep;
mod awake;
mod group;
mod heartbeat;
mod judge;
mod memory;
mod nuisance;
mod phase;
mod timeline;
mod unit;

use std::time::Duration;

use judge::Activity;
use memory::Memory;
use phase::{Awake, Input, Phase, Picture};
pub(super) use unit::{Action, Ask, Decision, Unit, UnitKind, Urgency};

use super::background::Change;
use super::gop_ring::Rewind;
use crate::config::types::{WatchConfig, WatchMode};
use crate::model::camera::WakeReason;
use crate::model::coverage::CoverageLevel;

/// The policy of one camera.
#[derive(Debug)]
pub(super) struct Gate {
    phase: Phase,
    memory: Memory,
    /// How much the latest action's decoding is needed.
    urgency: Urgency,
    jumped: bool,
}

impl Gate {
    /// `phase`, 0 to 1: where in their heartbeats cameras are that begin together.
    pub(super) fn new(policy: WatchConfig, phase: f32) -> Self {
        Self {
            phase: match policy.mode {
                WatchMode::Watch => Phase::Awake(Awake::begins()),
                WatchMode::Always => Phase::Continuous,
            },
            memory: Memory::new(&policy, phase),
            urgency: Urgency::Followed,
            jumped: false,
        }
    }

    /// Takes one input.
    fn on(&mut self, input: Input, ask: &impl Ask) -> Option<Decision> {
        let memory = &mut self.memory;
        let (phase, decision) = match self.phase {
            Phase::Awake(awake) => awake.on(input, memory, ask),
            Phase::Asleep(asleep) => asleep.on(input, memory, ask),
            Phase::Continuous => always::continuous(input, memory),
            Phase::Reduced(reduced) => reduced.on(input, memory, ask),
        };
        self.phase = phase;
        if let Some(decision) = decision {
            self.urgency = decision.urgency;
        }
        decision
    }

    /// Decides on the next coded picture.
    pub(super) fn unit(&mut self, unit: &Unit, level: CoverageLevel, ask: impl Ask) -> Action {
        let key = unit.kind == UnitKind::Key;
        let jumped = self.memory.time.pass(unit.pts, key);
        self.jumped |= jumped;
        let activity = match self.phase {
            Phase::Awake(_) | Phase::Asleep(_) => self.memory.judges(unit),
            Phase::Continuous | Phase::Reduced(_) => Activity::None,
        };
        self.memory.level = level;
        let picture = Picture {
            key,
            jumped,
            activity,
        };
        let decision = self.on(Input::Picture(picture), &ask);
        decision.unwrap_or(Decision::FOLLOW).action
    }

    /// A picture of a camera that is awake went by and nothing had to be decided on it; as
    /// [`Gate::unit`], time moves on.
    pub(super) fn pass(&mut self, pts: Duration, key: bool) {
        self.jumped |= self.memory.time.pass(pts, key);
    }

    /// Whether every picture is decoded.
    pub(super) fn is_awake(&self) -> bool {
        matches!(self.phase, Phase::Awake(_) | Phase::Continuous)
    }

    /// How far the two latest keyframes were apart; zero while that is not known.
    pub(super) fn keys_apart(&self) -> Duration {
        self.memory.time.keys_apart()
    }

    /// What was to be held does not fit. True where it must go undecoded.
    pub(super) fn overflows(&mut self) -> bool {
        self.on(Input::Overflowed, &|| false).is_some()
    }

    /// How much the decoding is needed that was decided on last.
    pub(super) fn urgency(&self) -> Urgency {
        self.urgency
    }

    /// A look at a sleeping camera that was needed so much did not take place; its keyframe is held.
    pub(super) fn put_off(&mut self, urgency: Urgency) {
        self.on(Input::PutOff(urgency), &|| false);
    }

    /// Whether something moved that is suppressed since the detector looked last; it is about to look now.
    pub(super) fn take_suppressed(&mut self) -> bool {
        match &mut self.phase {
            Phase::Awake(_) | Phase::Continuous => false,
            Phase::Asleep(asleep) => asleep.pending.take_suppressed(&mut self.memory),
            Phase::Reduced(reduced) => reduced.pending.take_suppressed(&mut self.memory),
        }
    }

    /// The picture decoded last was compared with the background. Says from where to decode if that
    /// wakes the camera; what changed all over the picture is suppressed.
    pub(super) fn looked(&mut self, change: Change, ask: impl Ask) -> Option<(WakeReason, Rewind)> {
        self.on(Input::Compared(change), &ask)?.woken()
    }

    /// A glance was taken; if it found somebody, as [`Gate::unit`] would find out at the next picture.
    pub(super) fn glanced(&mut self, ask: impl Ask) -> Option<(WakeReason, Rewind)> {
        self.on(Input::Glanced, &ask)?.woken()
    }

    /// Whether the stream's time jumped since this was asked last.
    pub(super) fn take_jump(&mut self) -> bool {
        std::mem::take(&mut self.jumped)
    }

    /// The stream begins anew (a file repeats, the format changed): its time may jump.
    pub(super) fn restart(&mut self) {
        self.memory.time.restart();
    }
}

#[cfg(test)]
#[path = "gate/tests.rs"]
mod tests;
