//! What is known of a camera while it is watched.

use serde::{Deserialize, Serialize};

use super::coverage::Coverage;
use super::geometry::Size;
use super::ids::CameraId;
use super::time::UtcMicros;

/// Where a camera's source stands. The diagram is at the head of `fleet::state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CameraState {
    /// Nobody wants it to run.
    Stopped,
    /// Opened; the first frame has not come yet.
    Connecting,
    /// Frames come.
    Streaming,
    /// Frames came and stopped without a word.
    Stalled,
    /// Failed; waiting before the next try.
    BackingOff,
}

impl CameraState {
    /// The name used in the API, logs and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Connecting => "connecting",
            Self::Streaming => "streaming",
            Self::Stalled => "stalled",
            Self::BackingOff => "backing_off",
        }
    }
}

/// Why a camera in watch mode has every picture decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WakeReason {
    /// It was just opened: every camera begins awake, up to its first keyframe.
    Start,
    /// The compressed pictures grew against what is usual.
    Stream,
    /// A keyframe differs from the background.
    Picture,
    /// The detector saw something in a keyframe, or something is still being followed.
    Detector,
    /// The stream's time jumped or its format changed.
    Discontinuity,
    /// The load recovered: the governor lets it be decoded again.
    LoadRecovered,
}

impl WakeReason {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Start,
        Self::Stream,
        Self::Picture,
        Self::Detector,
        Self::Discontinuity,
        Self::LoadRecovered,
    ];

    /// The name used in the API, logs and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stream => "stream",
            Self::Picture => "picture",
            Self::Detector => "detector",
            Self::Discontinuity => "discontinuity",
            Self::LoadRecovered => "load_recovered",
        }
    }
}

/// One camera's state for those who ask.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CameraStatus {
    /// Which.
    pub camera: CameraId,
    /// Where its source stands.
    pub state: CameraState,
    /// Since when.
    pub since: UtcMicros,
    /// Why it is not streaming, in words; empty while it is.
    pub reason: String,
    /// Failures since it last streamed.
    pub failures: u32,
    /// The picture's size, once known.
    pub size: Option<Size>,
    /// The decoder element in use, once known.
    pub decoder: Option<String>,
    /// Its source, without credentials.
    pub source: String,
    /// Frames out of the decoder since the daemon started.
    pub decoded: u64,
    /// Frames analysed since the daemon started.
    pub analysed: u64,
    /// Frames that a newer one replaced.
    pub superseded: u64,
    /// Only keyframes are decoded: in watch mode while it is quiet, in any mode where the governor
    /// says so.
    pub asleep: bool,
    /// What woke it last; none in always mode.
    pub woke_by: Option<WakeReason>,
    /// How often it woke since the daemon started.
    pub wakes: u64,
    /// What it promises and what it did; none while it is stopped.
    pub coverage: Option<Coverage>,
}
