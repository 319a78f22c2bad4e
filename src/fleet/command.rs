//! What is commanded of one camera: its rates, which its configuration says, and its level, which the
//! governor sets and the camera's sink follows. It lives as long as the camera is configured, whatever
//! its sessions do.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::pace::Pace;
use crate::config::types::CameraConfig;
use crate::model::coverage::CoverageLevel;

/// One camera's. Written by the governor's loop, read by all.
#[derive(Debug)]
pub struct CameraCommand {
    pub(super) pace: Pace,
    level: AtomicUsize,
}

impl CameraCommand {
    /// A camera at its full level.
    #[must_use]
    pub fn of(config: &CameraConfig) -> Self {
        Self {
            pace: Pace::of(config),
            level: AtomicUsize::new(0),
        }
    }

    pub(super) fn level(&self) -> CoverageLevel {
        let index = self.level.load(Ordering::Acquire);
        CoverageLevel::ALL.get(index).copied().unwrap_or_default()
    }

    pub(super) fn set_level(&self, level: CoverageLevel) {
        self.level.store(level.index(), Ordering::Release);
    }

    /// Whether its keyframes are followed, as far as they go: in always mode, where the level leaves
    /// nothing else. In watch mode they are probes.
    pub(super) fn follows_keyframes(&self) -> bool {
        self.level().is_sparse() && !self.pace.sleeps()
    }
}
