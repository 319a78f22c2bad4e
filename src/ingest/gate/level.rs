//! What the governor's level leaves of a camera: see the table in the [gate](super)'s own words.

use super::{Action, Ask, Gate, JITTER, KEY_SPACING, Urgency};
use crate::ingest::gop_ring::Rewind;
use crate::model::camera::WakeReason;
use crate::model::coverage::CoverageLevel;

impl Gate {
    /// Whether the level keeps it asleep, whatever happens in it.
    pub(super) fn is_forced(&self) -> bool {
        self.level.is_sparse() && self.is_always()
    }

    /// Whether the level lets it be awake for this reason: a sparse one only so many at a time.
    pub(super) fn admits(&self, reason: WakeReason, ask: &impl Ask) -> bool {
        !self.level.is_sparse() || ask.admits(reason)
    }

    /// The level leaves only keyframes, in always mode.
    pub(super) fn sparse_unit(&mut self, key: bool, level: CoverageLevel) -> Action {
        if self.awake {
            self.analysed_at = self.now;
            if !key {
                return Action::Follow;
            }
            (self.awake, self.gapped, self.broken) = (false, false, false);
            self.keyframe_at = self.now;
            return Action::Sleep { analyse: true };
        }
        // What is held does not go on over a jump.
        self.gapped |= std::mem::take(&mut self.broken);
        let held = level == CoverageLevel::Keyframes;
        if !key {
            self.gapped |= !held;
            return if self.gapped {
                Action::Skip
            } else {
                Action::Hold
            };
        }
        let spaced = self.now.saturating_sub(self.keyframe_at) + JITTER >= KEY_SPACING;
        let owed = self.owed.take().is_some();
        let looks = if held {
            spaced
        } else {
            self.key_glance_is_due() || owed
        };
        if looks {
            self.gapped = false;
            (self.keyframe_at, self.analysed_at) = (self.now, self.now);
            self.urgency = Urgency::Due;
            return Action::Look { analyse: true };
        }
        self.gapped = true;
        Action::Skip
    }

    /// Where not all can be had, not all is caught up with: many cameras that wake at once (the lamps
    /// go on) would ask for twice as much as is held of a group.
    pub(super) fn rewind(&self, from: Rewind) -> Rewind {
        match self.level {
            CoverageLevel::Full => from,
            _ => Rewind::Current,
        }
    }
}
