//! What the governor's level leaves of a camera: see the table in the [gate](super)'s own words.

use super::judge::Activity;
use super::{Action, BLIND_FOR, Gate, JITTER, KEY_SPACING};
use crate::config::types::WatchMode;
use crate::ingest::gop_ring::Rewind;
use crate::model::coverage::CoverageLevel;

impl Gate {
    /// A keyframe that wakes nobody.
    pub(super) fn asleep_key(&mut self, level: CoverageLevel) -> Action {
        let doubted = self.take_doubt();
        let blind = level == CoverageLevel::Full
            && self.judge.is_blind()
            && self.now < BLIND_FOR
            && self.now.saturating_sub(self.keyframe_at) + JITTER >= KEY_SPACING;
        if blind {
            self.keyframe_at = self.now;
        }
        let analyse = self.key_glance_is_due() || doubted || blind;
        let calm = self.judge.is_calm();
        self.kept = !analyse
            && match level {
                CoverageLevel::HalfRate => !self.kept || calm,
                CoverageLevel::QuarterRate => true,
                _ => calm && !self.kept,
            };
        if self.kept {
            return Action::Keep;
        }
        Action::Look { analyse }
    }

    /// The level leaves only keyframes.
    pub(super) fn sparse_unit(
        &mut self,
        key: bool,
        activity: Activity,
        level: CoverageLevel,
    ) -> Action {
        if self.awake {
            self.judge.forget_hot();
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
        if held && activity != Activity::None {
            self.doubted_at.get_or_insert(self.now);
        }
        if !key {
            self.gapped |= !held;
            return if self.gapped {
                Action::Skip
            } else {
                Action::Hold
            };
        }
        let spaced = self.now.saturating_sub(self.keyframe_at) + JITTER >= KEY_SPACING;
        let sleeps = self.policy.mode == WatchMode::Watch;
        let analyse = match level {
            CoverageLevel::Keyframes if !sleeps => spaced,
            // What sleeps by itself must not cost more by this.
            CoverageLevel::Keyframes => self.key_glance_is_due() || (spaced && self.take_doubt()),
            _ => self.key_glance_is_due(),
        };
        if analyse {
            self.gapped = false;
            (self.keyframe_at, self.analysed_at) = (self.now, self.now);
            return Action::Look { analyse: true };
        }
        if held && sleeps {
            self.gapped = false;
            return Action::Keep;
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
