//! The configured cameras, as far as others may see them.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::RwLock;
use tokio::sync::watch;

use super::command::CameraCommand;
use super::observed::CameraObserved;
use crate::base::clock::SharedClock;
use crate::base::metrics::CameraMetrics;
use crate::config::redact_url;
use crate::config::types::{CameraConfig, SourceConfig};
use crate::model::camera::{CameraState, CameraStatus, WakeReason};
use crate::model::ids::CameraId;
use crate::model::time::UtcMicros;

/// One camera.
pub(super) struct BoardEntry {
    pub(super) config: Arc<CameraConfig>,
    pub(super) status: watch::Receiver<CameraStatus>,
    pub(super) metrics: CameraMetrics,
    pub(super) command: Arc<CameraCommand>,
    pub(super) observed: Arc<CameraObserved>,
}

/// Reads every camera's status; any thread may hold one.
#[derive(Clone)]
pub struct StatusBoard {
    clock: SharedClock,
    pub(super) cameras: Arc<RwLock<BTreeMap<CameraId, BoardEntry>>>,
}

impl StatusBoard {
    pub(super) fn new(clock: SharedClock) -> Self {
        Self {
            clock,
            cameras: Arc::default(),
        }
    }

    /// Every camera's status, by id.
    #[must_use]
    pub fn cameras(&self) -> Vec<CameraStatus> {
        let now = self.clock.now();
        let cameras = self.cameras.read();
        cameras
            .values()
            .map(|entry| (entry, entry.status.borrow().clone()))
            .map(|(entry, status)| CameraStatus {
                decoded: entry.metrics.decoded.get(),
                analysed: entry.metrics.analysed.get(),
                superseded: entry.metrics.superseded.get(),
                wakes: WakeReason::ALL
                    .iter()
                    .filter(|reason| **reason != WakeReason::Start)
                    .map(|reason| entry.metrics.watch.wakes(reason.name()))
                    .sum(),
                coverage: (status.state != CameraState::Stopped)
                    .then(|| entry.observed.coverage(now)),
                ..status
            })
            .collect()
    }
}

/// The status of a camera that was not opened yet.
pub(super) fn first_status(config: &CameraConfig, since: UtcMicros) -> CameraStatus {
    let source = match &config.source {
        SourceConfig::Rtsp { url, .. } => redact_url(url.as_str()),
        SourceConfig::File { path, .. } => path.display().to_string(),
        SourceConfig::Test { size, fps } => {
            format!("test pattern {}x{} {fps} fps", size.width, size.height)
        }
    };
    CameraStatus {
        camera: config.id.clone(),
        state: CameraState::Stopped,
        since,
        reason: String::new(),
        failures: 0,
        size: None,
        decoder: None,
        source,
        decoded: 0,
        analysed: 0,
        superseded: 0,
        asleep: false,
        woke_by: None,
        wakes: 0,
        coverage: None,
    }
}
