//! What the gate knows of a camera in every phase.

use std::time::Duration;

use super::heartbeat::Heartbeat;
use super::judge::{Activity, Judge};
use super::nuisance::Nuisance;
use super::timeline::Timeline;
use super::unit::{Ask, Unit};
use crate::config::types::WatchConfig;
use crate::ingest::gop_ring::Rewind;
use crate::model::camera::WakeReason;
use crate::model::coverage::CoverageLevel;

/// One camera's.
#[derive(Debug)]
pub(super) struct Memory {
    pub(super) quiet: Duration,
    /// What the governor left it with at the latest picture.
    pub(super) level: CoverageLevel,
    pub(super) time: Timeline,
    pub(super) heartbeat: Heartbeat,
    pub(super) judge: Judge,
    pub(super) nuisance: Nuisance,
}

impl Memory {
    pub(super) fn new(policy: &WatchConfig, phase: f32) -> Self {
        Self {
            quiet: policy.quiet,
            level: CoverageLevel::Full,
            time: Timeline::default(),
            heartbeat: Heartbeat::new(policy.heartbeat, phase),
            judge: Judge::new(policy.sensitivity),
            nuisance: Nuisance::new(policy.quiet),
        }
    }

    /// Whether the coded picture tells of activity; learns from it.
    pub(super) fn judges(&mut self, unit: &Unit) -> Activity {
        let now = self.time.now();
        let activity = self.judge.take(unit, self.nuisance.factor(), now);
        self.nuisance.moved(activity != Activity::None, now);
        activity
    }

    /// Whether the level lets it be awake for this reason: a sparse one only so many at a time.
    pub(super) fn admits(&self, reason: WakeReason, ask: &impl Ask) -> bool {
        !self.level.is_sparse() || ask.admits(reason)
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
