//! What wakes a sleeping camera, and what of it is looked at until then.

use super::judge::{Activity, Stir};
use super::{Action, Ask, BLIND_FOR, DOUBT_WAIT, Gate, JITTER, KEY_SPACING, Urgency};
use crate::ingest::gop_ring::Rewind;
use crate::model::camera::WakeReason;
use crate::model::coverage::CoverageLevel;

impl Gate {
    /// Whether pictures before this one are neither decoded nor held, so that it cannot be decoded.
    pub(super) fn misses_pictures(&mut self, key: bool) -> bool {
        // In always mode nothing else looks at a jump; what is held does not go on over it. Nor is
        // a camera decoded for its sake while there is not enough for all.
        if self.is_always() {
            self.gapped |= std::mem::take(&mut self.broken);
        } else {
            self.gapped |= self.broken && self.level.is_sparse();
        }
        self.gapped &= !key;
        self.gapped
    }

    /// Why a sleeping camera in watch mode wakes, and from where on it is decoded.
    pub(super) fn wakes_by(
        &mut self,
        key: bool,
        activity: Activity,
        ask: &impl Ask,
    ) -> Option<(WakeReason, Rewind)> {
        if self.broken && key {
            self.broken = false;
            if self.admits(WakeReason::Break, ask) {
                return Some((WakeReason::Break, Rewind::Current));
            }
            self.doubted_at.get_or_insert(self.now);
        }
        if activity == Activity::Certain && self.admits(WakeReason::Stream, ask) {
            // A keyframe's own size tells of the group before it.
            let from = if key {
                Rewind::Previous
            } else {
                Rewind::Current
            };
            return Some((WakeReason::Stream, from));
        }
        if !ask.wanted() {
            return None;
        }
        if self.admits(WakeReason::Detector, ask) {
            return Some((WakeReason::Detector, Rewind::Previous));
        }
        self.owes(Urgency::Hint);
        None
    }

    /// A picture between keyframes that wakes nobody.
    pub(super) fn asleep_unit(&mut self, activity: Activity) -> Action {
        if activity == Activity::Lasting {
            (self.doubted_at, self.analysed_at) = (None, self.now);
            self.urgency = Urgency::Hint;
            return Action::CatchUp;
        }
        // Where not all can be had, a doubt waits for its keyframe.
        let waited = |at| self.now.saturating_sub(at) >= DOUBT_WAIT;
        let doubted = !self.level.is_sparse() && self.doubted_at.is_some_and(waited);
        if doubted || (!self.key_is_near() && self.glance_is_due(self.step)) {
            self.take_doubt();
            self.urgency = if doubted { Urgency::Hint } else { Urgency::Due };
            return Action::CatchUp;
        }
        Action::Hold
    }

    /// A keyframe that wakes nobody.
    pub(super) fn asleep_key(&mut self, level: CoverageLevel, ask: &impl Ask) -> Action {
        let doubted = self.take_doubt();
        let stir = self.judge.stir();
        let unknown = level == CoverageLevel::Full
            && stir == Stir::Unknown
            && self.now.saturating_sub(self.keyframe_at) + JITTER >= KEY_SPACING
            && ask.is_plenty();
        if unknown {
            self.keyframe_at = self.now;
        }
        let due = self.key_glance_is_due();
        let owed = self.owed.take();
        let analyse = due || doubted || unknown || owed.is_some();
        let stirs = stir == Stir::Stirs;
        self.urgency = if doubted || (due && stirs) {
            Urgency::Hint
        } else if due {
            Urgency::Due
        } else if stirs {
            // It is worth comparing.
            Urgency::Stirs
        } else {
            Urgency::Spare
        }
        .max(owed.unwrap_or(Urgency::Spare));
        // What nobody counts on waits until there is plenty, or it is clear that no more becomes known.
        let waits = self.now < BLIND_FOR && !ask.is_plenty();
        self.kept = !analyse
            && match (level, stir) {
                (_, Stir::Stirs) => false,
                (CoverageLevel::Full, Stir::Calm) => !self.kept,
                (CoverageLevel::Full, Stir::Unknown) => waits,
                _ => true,
            };
        if self.kept {
            return Action::Keep;
        }
        Action::Look { analyse }
    }
}
