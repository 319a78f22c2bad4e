//! The checked configuration. A value of these types cannot be wrong: names exist, numbers are
//! in range, polygons have an area; only `config::load` makes one from text.

mod api;
mod governor;
pub(super) mod shape;
mod source;
mod watch;

pub use api::{ApiConfig, ClientConfig, Door, LimitsConfig, TlsConfig};
pub use governor::GovernorConfig;
pub use shape::{Calibration, Line, Mask, Zone};
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
use super::section::section;
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
    pub ops: OpsConfig,
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

section! {
    /// How to log.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct LogConfig {
        /// Lines for people or JSON objects for machines.
        format: LogFormat = LogFormat::Human, choice("format", &LogFormat::NAMES);
        /// A `tracing` filter such as `info,parapet::ingest=debug`.
        filter: String = "info".to_owned(), text("filter").owned;
    }
}

/// The shape of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

impl LogFormat {
    const NAMES: [(&str, Self); 2] = [("human", Self::Human), ("json", Self::Json)];
}

/// The health and metrics listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpsConfig {
    /// Address and port.
    pub listen: SocketAddr,
    /// Whether it speaks TLS, and then whether the other side must show a certificate.
    pub tls: Option<bool>,
}

section! {
    /// The durable event log.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct JournalConfig (
        /// The SQLite file.
        path: PathBuf,
        /// Stands in the events that the journal itself raises.
        site: SiteName,
        /// As `site`.
        node: NodeName,
    ) {
        /// At most this many events share one commit.
        group_max: usize = 256, whole("group_max", 1..=100_000);
        /// How long a rule waits for room in the journal's queue before the event counts as lost.
        deadline: Duration = Duration::from_secs(2), millis("deadline_millis", 1..=60_000);
        /// Events held in memory while the disk fails, at most; as many again may wait in the queue.
        memory_events: usize = 10_000, whole("memory_events", 100..=1_000_000);
        /// The oldest records are dropped when the stored ones take more than this.
        max_bytes: u64 = 32 << 30, whole("max_bytes", 1 << 20..=i64::MAX);
        /// Records are dropped when they are older than this; dropping younger ones raises an event.
        max_age: Duration = Duration::from_secs(180 * 86_400), days("max_age_days", 1..=36_500);
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

section! {
    /// The audit log.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct AuditConfig {
        /// The SQLite file; none means beside the journal.
        path: Option<PathBuf> = None, text("path").path.some;
        /// How long entries are kept.
        keep: Duration = Duration::from_secs(180 * 86_400), days("keep_days", 180..=36_500);
    }
}

section! {
    /// The inference pool. Built in for one core.
    #[derive(Clone, Debug, PartialEq)]
    pub struct InferenceConfig {
        /// `libonnxruntime.so`; none means `ORT_DYLIB_PATH` or the folders beside the binary.
        runtime_library: Option<PathBuf> = None, text("runtime_library").path.some;
        /// Worker threads, each with a session of its own per model.
        workers: usize = 1, whole("workers", 1..=256);
        /// ONNX Runtime's own threads per session; none are found by a short calibration at start.
        threads_per_worker: Option<usize> = Some(1), whole_or_auto("threads_per_worker", 1..=256);
        /// Pictures per batch at most; a model of a fixed batch size keeps its own. None as above.
        max_batch: Option<usize> = Some(8), whole_or_auto("max_batch", 1..=256);
        /// Longest wait for a fuller batch; zero cuts as soon as a worker is idle.
        max_wait: Duration = Duration::ZERO, millis("max_wait_millis", 0..=10_000);
        /// Frames older than this are not worth a run.
        max_age: Duration = Duration::from_secs(1), millis("max_age_millis", 10..=600_000);
        /// Who computes.
        execution_provider: ExecutionProvider = ExecutionProvider::Cpu,
            choice("execution_provider", &ExecutionProvider::NAMES);
        /// Which of a model's weights.
        precision: Precision = Precision::Auto, choice("precision", &Precision::NAMES);
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

impl Precision {
    const NAMES: [(&str, Self); 3] = [
        ("auto", Self::Auto),
        ("float", Self::Float),
        ("int8", Self::Int8),
    ];
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
    /// What of its picture is painted over before anything sees it.
    pub masks: Vec<Mask>,
    /// What to tell the platform about.
    pub rules: Vec<RuleConfig>,
}

section! {
    /// The tracker's settings (names as in ByteTrack, Zhang et al., ECCV 2022).
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct TrackerConfig {
        /// Detections at or above it take part in the first association.
        high_score: f32 = 0.5, single("high_score", 0.0..=1.0);
        /// Detections between this and `high_score` take part in the second.
        low_score: f32 = 0.1, single("low_score", 0.0..=1.0);
        /// An unmatched detection needs this to begin a track.
        new_track_score: f32 = 0.55, single("new_track_score", 0.0..=1.0);
        /// Least IoU of the first association.
        match_iou: f32 = 0.2, single("match_iou", 0.0..=1.0);
        /// Frames with a detection before a track is confirmed.
        confirm_hits: u32 = 3, whole("confirm_hits", 1..=1_000);
        /// How long a lost track is remembered.
        lost_memory: Duration = Duration::from_secs(2), seconds("lost_memory_seconds", 0.0..=600.0);
    }
}
