//! Events that can be recognised: everything in them follows from the run and the number.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use parapet::access::owners::Owners;
use parapet::access::{Authorizer, Policy};
use parapet::api::{
    ApiDeps, CameraAction, CameraView, Control, ControlError, ListenConfig, Reloaded,
};
use parapet::audit::{AuditLog, MIN_KEEP};
use parapet::base::clock::SystemClock;
use parapet::base::metrics::Metrics;
use parapet::base::tasks::TaskSet;
use parapet::config::types::{ApiConfig, Door, JournalConfig, LimitsConfig};
use parapet::journal::Journal;
use parapet::model::access::Role;
use parapet::model::camera::CameraStatus;
use parapet::model::event::{Event, EventDetail, EventKind, EventObject, Phase, Severity};
use parapet::model::geometry::Rect;
use parapet::model::ids::{CameraId, EventId, IncidentId, NodeName, SiteName, TrackId};
use parapet::model::time::{CaptureTime, UtcMicros};

/// Event `number` of run `run`, observed at `observed`.
pub(in crate::cli::bench) fn event(
    run: u64,
    number: u64,
    observed: UtcMicros,
) -> anyhow::Result<Event> {
    let id = (u128::from(run) << 64) | u128::from(number);
    let part = |divisor: u64| (number % divisor) as f32 / divisor as f32;
    Ok(Event {
        id: EventId(Uuid::from_u128(id)),
        incident: IncidentId(Uuid::from_u128(id / 2)),
        phase: Phase::Started,
        kind: EventKind::ZONE_INTRUSION,
        severity: Severity::Alarm,
        site: SiteName::new("bench")?,
        node: NodeName::new("bench")?,
        camera: CameraId::new(&format!("camera-{}", number % 116))?,
        rule: None,
        zone: None,
        occurred: CaptureTime::arrival(observed),
        observed,
        objects: vec![EventObject {
            track: TrackId(number),
            class: "person".into(),
            score: 0.5 + part(97) / 2.0,
            box_in_frame: Rect::from_corners(part(31) / 2.0, part(37) / 2.0, 0.8, 0.9),
            ground_metres: None,
            speed_mps: None,
        }],
        detail: EventDetail {
            reason: Some(format!("event {number} of run {run}")),
            ..EventDetail::default()
        },
        model: None,
    })
}

/// Run and number of such an event's id.
pub(super) fn number(id: EventId) -> (u64, u64) {
    let id = id.0.as_u128();
    ((id >> 64) as u64, id as u64)
}

/// No cameras: the benches speak of events alone.
pub(in crate::cli::bench) struct NoCameras;

impl CameraView for NoCameras {
    fn cameras(&self) -> Vec<CameraStatus> {
        Vec::new()
    }
}

#[tonic::async_trait]
impl Control for NoCameras {
    async fn camera(
        &self,
        camera: CameraId,
        _action: CameraAction,
        _who: Arc<str>,
    ) -> Result<(), ControlError> {
        Err(ControlError::Unknown(camera))
    }

    async fn reload(&self, _who: Arc<str>) -> Result<Reloaded, ControlError> {
        Err(ControlError::Away)
    }
}

/// The settings of every bench's journal.
pub(in crate::cli::bench) fn config(path: PathBuf) -> anyhow::Result<JournalConfig> {
    let (site, node) = (SiteName::new("bench")?, NodeName::new("bench")?);
    Ok(JournalConfig {
        deadline: Duration::from_secs(30),
        ..JournalConfig::new(path, site, node)
    })
}

/// A journal with its API on a free port of this machine.
pub(super) struct Node {
    pub(super) journal: Journal,
    pub(super) servers: TaskSet,
    pub(super) url: String,
}

impl Node {
    pub(super) async fn start(path: PathBuf) -> anyhow::Result<Self> {
        let (metrics, clock) = (Metrics::new(), SystemClock::shared());
        let folder = path.parent().unwrap_or(Path::new(".")).to_owned();
        let journal = Journal::open(&config(path)?, Arc::clone(&clock), Arc::clone(&metrics))?;
        let mut servers = TaskSet::under(&CancellationToken::new());
        let door = ApiConfig {
            listen: "127.0.0.1:0".parse()?,
            door: Door::Plaintext {
                role: Role::Subscriber,
            },
            clients: Vec::new(),
            limits: LimitsConfig {
                requests_per_second: 1e6,
                request_burst: 1_000_000,
                ..LimitsConfig::default()
            },
        };
        let audit = AuditLog::open(
            &folder.join("audit.sqlite3"),
            MIN_KEEP,
            Arc::clone(&clock),
            Arc::clone(&metrics),
        );
        let deps = ApiDeps {
            reader: journal.reader(),
            cameras: Arc::new(NoCameras),
            metrics: Arc::clone(&metrics),
            audit,
            owners: Arc::new(Owners::open(&folder.join("consumers.sqlite3"))),
            control: Arc::new(NoCameras),
        };
        let listen_config = ListenConfig {
            listen: door.listen,
            authorizer: Authorizer::new(Policy::of(&door), metrics, clock),
            tls: None,
        };
        let (address, serving) = parapet::api::serve(listen_config, deps, servers.token()).await?;
        servers.spawn("grpc api", serving);
        Ok(Self {
            journal,
            servers,
            url: format!("http://{address}"),
        })
    }

    pub(super) async fn stop(self) -> anyhow::Result<bool> {
        let (_, late) = self.servers.stop(Duration::from_secs(1)).await;
        let journal = self.journal;
        let whole =
            tokio::task::spawn_blocking(move || journal.stop(Duration::from_secs(30))).await?;
        Ok(whole && !late)
    }
}
