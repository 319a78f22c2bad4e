//! How a camera in watch mode wakes, stays awake and falls asleep.

use super::judge::Activity;
use super::{ASK, Action, Ask, CONFIRMED_AFTER, Gate, IN_VAIN, Urgency};
use crate::ingest::gop_ring::Rewind;
use crate::model::camera::WakeReason;

impl Gate {
    /// A picture of a camera that is awake in watch mode; at a keyframe it may fall asleep.
    pub(super) fn awake_unit(&mut self, key: bool, activity: Activity, ask: &impl Ask) -> Action {
        self.analysed_at = self.now;
        self.doubted_at = None;
        if activity == Activity::Certain {
            self.active_at = self.now;
        }
        let mut somebody = false;
        if key || self.now >= self.asked_at + ASK {
            self.asked_at = self.now;
            somebody = ask.wanted();
            let seen_long = |since| self.now.saturating_sub(since) >= CONFIRMED_AFTER;
            if somebody && self.glanced.is_some_and(seen_long) {
                self.glanced = None;
            }
            if somebody {
                self.active_at = self.now;
                self.doubt.somebody(self.now);
                self.judge.somebody();
            } else {
                let moving = self.now.saturating_sub(self.active_at) < self.policy.quiet;
                self.doubt.nobody(moving, self.now);
            }
        }
        // Only a keyframe can be the first of those that are looked at.
        if !key {
            return Action::Follow;
        }
        let begins = std::mem::take(&mut self.begins);
        let quiet_since = self.now.saturating_sub(self.active_at);
        let quiet = match self.glanced {
            Some(_) => self.policy.quiet / IN_VAIN,
            None => self.policy.quiet,
        };
        if somebody || (!begins && quiet_since < quiet) {
            let reason = if somebody {
                WakeReason::Detector
            } else {
                WakeReason::Stream
            };
            if self.admits(reason, ask) {
                return Action::Follow;
            }
            // Others come first; what it shows is not forgotten.
            self.owes(Urgency::Hint);
        }
        self.awake = false;
        self.judge.forget_hot();
        self.doubt.sleeps(self.now);
        let owed = self.owed.take();
        let analyse = begins || owed.is_some() || self.key_glance_is_due();
        self.urgency = owed.unwrap_or(if analyse {
            Urgency::Due
        } else {
            Urgency::Spare
        });
        Action::Sleep { analyse }
    }

    /// From here on every picture is decoded.
    pub(super) fn wake(&mut self, reason: WakeReason, from: Rewind) -> Action {
        self.awake = true;
        self.judge.forget_hot();
        self.active_at = self.now;
        self.asked_at = self.now;
        self.doubted_at = None;
        self.owed = None;
        self.urgency = Urgency::Followed;
        let moved = matches!(reason, WakeReason::Stream | WakeReason::Picture);
        self.doubt.woke(moved, self.now);
        self.glanced = (reason == WakeReason::Detector).then_some(self.now);
        if reason == WakeReason::Detector {
            self.doubt.somebody(self.now);
            self.judge.somebody();
        }
        Action::Wake(reason, self.rewind(from))
    }
}
