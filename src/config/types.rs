//! The checked configuration. A value of these types cannot be wrong: names exist, numbers are
//! in range, polygons have an area; only `config::load` makes one from text.

mod api;
mod governor;
pub(super) mod shape;
mod source;
mod watch;

pub use api::{ApiConfig, ClientConfig, Door, LimitsConfig, TlsConfig};
pub use governor::GovernorConfig;
pub use shape::{Calibration, Line, Zone};
pub use source::{Credentials, Pace, RtspClient, SourceConfig, Transport};
pub use watch::{Sensitivity, WatchConfig, WatchMode};

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

pub use super::rule::{Anchor, Directions, RuleConfig, RuleKind};
use super::secret_file::SecretPath;
use crate::base::backoff::BackoffPolicy;
use crate::model::ids::{CameraId, ConsumerName, ModelName, NodeName, SiteName};

/// Everything one daemon needs to know.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The facility.
    pub site: SiteName,
    /// This server.
    pub node: NodeName,
    /// Where the journal lies when it names no path of its own.
    pub state_dir: PathBuf,
    /// How to log.
    pub log: LogConfig,
    /// The gRPC listener.
    pub api: ApiConfig,
    /// The health and metrics listener.
    pub console: ConsoleConfig,
    /// The durable event log.
    pub journal: JournalConfig,
    /// Who did what.
    pub audit: AuditConfig,
    /// The outbound way to the platform, where the daemon dials.
    pub uplink: Option<UplinkConfig>,
    /// The inference pool.
    pub inference: InferenceConfig,
    /// Who gets less when there is not enough for all.
    pub governor: GovernorConfig,
    /// Model folders by name.
    pub models: BTreeMap<ModelName, ModelConfig>,
    /// Cameras by id.
    pub cameras: BTreeMap<CameraId, Arc<CameraConfig>>,
}

/// How to log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// Lines for people or JSON objects for machines.
    pub format: LogFormat,
    /// A `tracing` filter such as `info,parapet::ingest=debug`.
    pub filter: String,
}

/// The shape of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

/// The health and metrics listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsoleConfig {
    /// Address and port.
    pub listen: SocketAddr,
    /// Whether it speaks TLS, and then whether the other side must show a certificate.
    pub tls: Option<bool>,
}

/// The durable event log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalConfig {
    /// The SQLite file.
    pub path: PathBuf,
    /// At most this many events share one commit.
    pub group_max: usize,
    /// How long a rule waits for room in the journal's queue before the event counts as lost.
    pub deadline: Duration,
    /// Events held in memory while the disk fails, at most; as many again may wait in the queue.
    pub memory_events: usize,
    /// The oldest records are dropped when the stored ones take more than this.
    pub max_bytes: u64,
    /// Records are dropped when they are older than this; dropping younger ones raises an event.
    pub max_age: Duration,
    /// Stands in the events that the journal itself raises.
    pub site: SiteName,
    /// As `site`.
    pub node: NodeName,
}

impl JournalConfig {
    /// The built-in settings for a file.
    #[must_use]
    pub fn new(path: PathBuf, site: SiteName, node: NodeName) -> Self {
        Self {
            path,
            group_max: 256,
            deadline: Duration::from_secs(2),
            memory_events: 10_000,
            max_bytes: 32 << 30,
            max_age: Duration::from_secs(180 * 86_400),
            site,
            node,
        }
    }
}

/// What a client shows, and whom it believes. The files are read at each connection, so that
/// renewed ones are taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientTls {
    /// Who signs the server's certificate, PEM.
    pub authority: PathBuf,
    /// Its own certificate, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: SecretPath,
    /// The name the server's certificate must carry, where it is not the address's host.
    pub server_name: Option<String>,
}

/// The outbound way to the platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UplinkConfig {
    /// `https://host:port` of the platform's `parapet.v1.Uplink` service; `http` on loopback only.
    pub url: Url,
    /// Certificates; there where the address is `https`.
    pub tls: Option<ClientTls>,
    /// The durable consumer whose position the platform's acknowledgements move.
    pub consumer: ConsumerName,
}

/// The audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditConfig {
    /// The SQLite file; none means beside the journal.
    pub path: Option<PathBuf>,
    /// How long entries are kept.
    pub keep: Duration,
}

/// The inference pool.
#[derive(Clone, Debug, PartialEq)]
pub struct InferenceConfig {
    /// `libonnxruntime.so`; none means `ORT_DYLIB_PATH` or the folders beside the binary.
    pub runtime_library: Option<PathBuf>,
    /// Worker threads, each with a session of its own per model.
    pub workers: usize,
    /// ONNX Runtime's own threads per session; none are found by a short calibration at start.
    pub threads_per_worker: Option<usize>,
    /// Pictures per batch at most; a model of a fixed batch size keeps its own. None as above.
    pub max_batch: Option<usize>,
    /// Longest wait for a fuller batch; zero cuts as soon as a worker is idle.
    pub max_wait: Duration,
    /// Frames older than this are not worth a run.
    pub max_age: Duration,
    /// Who computes.
    pub execution_provider: ExecutionProvider,
    /// Which of a model's weights.
    pub precision: Precision,
}

impl Default for InferenceConfig {
    /// What is built in, but for one core.
    fn default() -> Self {
        Self {
            runtime_library: None,
            workers: 1,
            threads_per_worker: Some(1),
            max_batch: Some(8),
            max_wait: Duration::ZERO,
            max_age: Duration::from_secs(1),
            execution_provider: ExecutionProvider::Cpu,
            precision: Precision::Auto,
        }
    }
}

/// Which weights of a model are taken that has them in 8-bit integers too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// Those that a short measurement at the start finds cheaper on this processor.
    Auto,
    /// Floating point.
    Float,
    /// 8-bit integers.
    Int8,
}

/// Who computes a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExecutionProvider {
    /// ONNX Runtime's own CPU kernels.
    Cpu,
    /// Intel OpenVINO.
    OpenVino,
    /// NVIDIA CUDA.
    Cuda,
    /// NVIDIA TensorRT.
    TensorRt,
}

impl ExecutionProvider {
    /// What each is called in the configuration and on the command line.
    pub const NAMES: [(&str, Self); 4] = [
        ("cpu", Self::Cpu),
        ("openvino", Self::OpenVino),
        ("cuda", Self::Cuda),
        ("tensorrt", Self::TensorRt),
    ];
}

/// One model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelConfig {
    /// The folder that holds `model.toml`.
    pub folder: PathBuf,
}

/// One camera.
#[derive(Clone, Debug, PartialEq)]
pub struct CameraConfig {
    /// Its id.
    pub id: CameraId,
    /// Where its pictures come from.
    pub source: SourceConfig,
    /// Which model looks at them.
    pub model: ModelName,
    /// Pictures analysed a second, at most.
    pub analysis_fps: f32,
    /// The same while somebody is near a line or fast; not below `analysis_fps`.
    pub analysis_fps_near: f32,
    /// How much of its stream is decoded.
    pub watch: WatchConfig,
    /// Who goes first when there is not enough for all: larger first.
    pub priority: u8,
    /// GStreamer decoder elements to prefer, best first; then the rest by rank.
    pub decoders: Vec<String>,
    /// No frame for this long is a silent stall.
    pub stall_after: Duration,
    /// A source must deliver its first frame within this.
    pub connect_timeout: Duration,
    /// Waits between tries.
    pub backoff: BackoffPolicy,
    /// The tracker's settings.
    pub tracker: TrackerConfig,
    /// Picture to ground, where somebody measured it.
    pub calibration: Option<Calibration>,
    /// What to tell the platform about.
    pub rules: Vec<RuleConfig>,
}

/// The tracker's settings (names as in ByteTrack, Zhang et al., ECCV 2022).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrackerConfig {
    /// Detections at or above it take part in the first association.
    pub high_score: f32,
    /// Detections between this and `high_score` take part in the second.
    pub low_score: f32,
    /// An unmatched detection needs this to begin a track.
    pub new_track_score: f32,
    /// Least IoU of the first association.
    pub match_iou: f32,
    /// Frames with a detection before a track is confirmed.
    pub confirm_hits: u32,
    /// How long a lost track is remembered.
    pub lost_memory: Duration,
}

impl Default for TrackerConfig {
    fn default() -> Self {
        Self {
            high_score: 0.5,
            low_score: 0.1,
            new_track_score: 0.55,
            match_iou: 0.2,
            confirm_hits: 3,
            lost_memory: Duration::from_secs(2),
        }
    }
}
