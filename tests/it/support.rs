//! A camera of which only what a test is about differs.

use std::time::Duration;

use parapet::base::backoff::BackoffPolicy;
use parapet::config::types::{CameraConfig, SourceConfig, TrackerConfig, WatchConfig};
use parapet::model::ids::{CameraId, ModelName};

/// A camera called `test`, without rules.
pub(crate) fn camera_for_test(source: SourceConfig) -> CameraConfig {
    CameraConfig {
        id: CameraId::new("test").expect("name"),
        source,
        model: ModelName::new("none").expect("name"),
        analysis_fps: 5.0,
        analysis_fps_near: 5.0,
        watch: WatchConfig::default(),
        priority: 0,
        decoders: Vec::new(),
        stall_after: Duration::from_secs(5),
        connect_timeout: Duration::from_secs(2),
        backoff: BackoffPolicy {
            first: Duration::from_millis(500),
            ceiling: Duration::from_secs(8),
        },
        tracker: TrackerConfig::default(),
        calibration: None,
        masks: Vec::new(),
        rules: Vec::new(),
    }
}
