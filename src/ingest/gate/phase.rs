//! The phases of a camera, what each of them knows, and what the gate is told.

use std::time::Duration;

use super::judge::Activity;
use super::memory::Memory;
use super::unit::{Decision, Urgency};
use crate::ingest::background::Change;

/// Where a camera stands; the diagram is in the [gate](super)'s own words.
#[derive(Clone, Copy, Debug)]
pub(super) enum Phase {
    /// In watch mode: every picture is decoded.
    Awake(Awake),
    /// In watch mode: keyframes are looked at, the rest is held.
    Asleep(Asleep),
    /// In always mode: every picture is decoded.
    Continuous,
    /// In always mode, at a sparse level: keyframes alone.
    Reduced(Reduced),
}

/// The next phase, and what is to be done.
pub(super) type Step = (Phase, Option<Decision>);

/// What the gate is told.
#[derive(Clone, Copy, Debug)]
pub(super) enum Input {
    /// The next coded picture.
    Picture(Picture),
    /// The picture decoded last was compared with the background.
    Compared(Change),
    /// The detector looked.
    Glanced,
    /// A look that was needed so much did not take place; its keyframe is held.
    PutOff(Urgency),
    /// What was to be held does not fit.
    Overflowed,
}

/// What a phase is told of a coded picture.
#[derive(Clone, Copy, Debug)]
pub(super) struct Picture {
    pub(super) key: bool,
    /// The stream's time jumped before it.
    pub(super) jumped: bool,
    /// Nothing in always mode, where nobody asks.
    pub(super) activity: Activity,
}

/// What is known while it is awake.
#[derive(Clone, Copy, Debug)]
pub(super) struct Awake {
    pub(super) because: Because,
    pub(super) active_at: Duration,
    /// When it was asked last whether somebody is there.
    pub(super) asked_at: Duration,
    /// From the sleep before, for the next one.
    pub(super) keys: Keys,
}

/// Why it is awake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Because {
    /// It begins: no keyframe came yet.
    Begins,
    /// A glance at that time woke it, and it is not known yet whether somebody is there.
    Glance(Duration),
    /// Something moved, or somebody is there.
    Activity,
}

/// What is known while it is asleep.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asleep {
    pub(super) pending: Pending,
    pub(super) keys: Keys,
}

/// What is known while only keyframes are looked at.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reduced {
    pub(super) pending: Pending,
    /// As in [`Gap::pictures`].
    pub(super) gapped: bool,
    /// The last keyframe that was looked at.
    pub(super) looked_at: Duration,
}

/// What the next keyframe is to be looked at for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pending {
    /// A glance was put off that was needed so much.
    pub(super) deferred: Option<Urgency>,
    /// Something moved that is suppressed and that nobody glanced at yet.
    pub(super) suppressed_at: Option<Duration>,
}

impl Pending {
    /// The next keyframe must be looked at, as urgently as this.
    pub(super) fn defers(&mut self, urgency: Urgency) {
        if urgency.counts() {
            self.deferred = self.deferred.max(Some(urgency));
        }
    }

    /// Something moved that is suppressed, since now or for longer.
    pub(super) fn suppresses(&mut self, now: Duration) {
        self.suppressed_at.get_or_insert(now);
    }

    /// Whether something moved that is suppressed since the detector looked last; it is about to look now.
    pub(super) fn take_suppressed(&mut self, memory: &mut Memory) -> bool {
        let suppressed = self.suppressed_at.take().is_some();
        if suppressed {
            memory.heartbeat.looks(memory.time.now());
        }
        suppressed
    }
}

/// How a sleeping camera's keyframes are dealt with. It outlasts a wake.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Keys {
    /// The latest was not decoded.
    pub(super) kept: bool,
    /// When the detector last glanced at one because the stream could not tell.
    pub(super) unknown_at: Duration,
    pub(super) gap: Gap,
}

/// What lies between the pictures that were decoded or are held, and those that come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Gap {
    /// The stream's time jumped.
    pub(super) jump: bool,
    /// Pictures went by since the last keyframe that was decoded; nothing can be decoded before
    /// the next.
    pub(super) pictures: bool,
}
