//! What goes into the gate and what comes out: coded pictures and what to do with them.

use std::time::Duration;

use crate::ingest::gop_ring::Rewind;
use crate::model::camera::WakeReason;

/// What the parser knows of a coded picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ingest) enum UnitKind {
    /// Decodable by itself.
    Key,
    /// Others refer to it, or nobody can tell.
    Reference,
    /// Nobody refers to it.
    NonReference,
}

/// One coded picture.
#[derive(Clone, Copy, Debug)]
pub(in crate::ingest) struct Unit {
    pub(in crate::ingest) kind: UnitKind,
    pub(in crate::ingest) bytes: usize,
    /// The quantiser of its first slice, where it could be read.
    pub(in crate::ingest) qp: Option<f32>,
    /// Its presentation time in the stream.
    pub(in crate::ingest) pts: Duration,
}

/// What to do with a coded picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ingest) enum Action {
    /// Decode it and hand it on.
    Follow,
    /// Keep it undecoded.
    Hold,
    /// As `Hold` for a keyframe: a new group begins with it.
    Keep,
    /// Let it and all that is held go undecoded.
    Skip,
    /// Decode this keyframe, compare it and, if `analyse`, let the detector glance at it.
    Look { analyse: bool },
    /// Hand on what is still in the decoder; then as `Look`.
    Sleep { analyse: bool },
    /// Decode what is held and this one; let the detector glance at the newest.
    CatchUp,
    /// Decode what is held from there on and this one; hand all of it on.
    Wake(WakeReason, Rewind),
}

/// How much a picture's decoding is needed; more is larger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::ingest) enum Urgency {
    /// Nobody counts on it: it is compared, or looked at because little is known yet.
    Spare,
    /// Something may stir in the stream: it is worth comparing.
    Stirs,
    /// The heartbeat's glance.
    Due,
    /// Something moved in the stream.
    Hint,
    /// The camera is awake.
    Followed,
}

impl Urgency {
    /// Whether somebody counts on it: a promise, or what may be an alarm.
    pub(in crate::ingest) fn counts(self) -> bool {
        self >= Self::Due
    }
}

/// What to do with a coded picture, and how much its decoding is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ingest) struct Decision {
    pub(in crate::ingest) action: Action,
    pub(in crate::ingest) urgency: Urgency,
}

impl Decision {
    pub(super) const FOLLOW: Self = Self::of(Action::Follow, Urgency::Followed);
    pub(super) const HOLD: Self = Self::of(Action::Hold, Urgency::Followed);
    pub(super) const SKIP: Self = Self::of(Action::Skip, Urgency::Followed);

    pub(super) const fn of(action: Action, urgency: Urgency) -> Self {
        Self { action, urgency }
    }

    pub(super) fn wake(reason: WakeReason, from: Rewind) -> Self {
        Self::of(Action::Wake(reason, from), Urgency::Followed)
    }

    /// Why it wakes the camera and from where on, if it does.
    pub(super) fn woken(self) -> Option<(WakeReason, Rewind)> {
        match self.action {
            Action::Wake(reason, from) => Some((reason, from)),
            _ => None,
        }
    }
}

/// Whom the gate asks.
pub(in crate::ingest) trait Ask {
    /// Whether somebody is followed, or was seen in a glance.
    fn wanted(&self) -> bool;
    /// Whether there is so much for all that what nobody counts on may be looked at.
    fn is_plenty(&self) -> bool {
        true
    }
    /// Whether the camera may be awake for this reason, although its level is sparse.
    fn admits(&self, _reason: WakeReason) -> bool {
        true
    }
}

/// Says whether somebody is wanted; any camera may be awake.
impl<F: Fn() -> bool> Ask for F {
    fn wanted(&self) -> bool {
        self()
    }
}
