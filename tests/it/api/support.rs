//! A daemon's journal and API in process, and what the tests ask of them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parapet::access::owners::Owners;
use parapet::access::{Authorizer, Policy, ServerTls};
use parapet::api::client::{Client, ClientError, Subscription};
use parapet::api::{ApiDeps, CameraAction, CameraView, ControlError, ListenConfig, Reloaded};
use parapet::audit::{AuditLog, MIN_KEEP};
use parapet::base::clock::SystemClock;
use parapet::base::metrics::Metrics;
use parapet::base::tasks::TaskSet;
use parapet::config::types::{ApiConfig, Door, JournalConfig, LimitsConfig};
use parapet::journal::{Journal, JournalWriter};
use parapet::model::access::Role;
use parapet::model::camera::{CameraState, CameraStatus};
use parapet::model::event::{Event, EventDetail, EventKind, Phase, Severity};
use parapet::model::ids::{CameraId, ConsumerName, EventId, IncidentId, NodeName, SiteName};
use parapet::model::time::{CaptureTime, ClockSource, UtcMicros};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use tonic::Code;
use tonic::transport::Channel;
use uuid::Uuid;

pub(crate) const LONG: Duration = Duration::from_secs(30);

pub(crate) struct OneCamera;

impl CameraView for OneCamera {
    fn cameras(&self) -> Vec<CameraStatus> {
        vec![CameraStatus {
            camera: CameraId::new("yard-1").expect("name"),
            state: CameraState::BackingOff,
            since: UtcMicros(9),
            reason: "connection refused".to_owned(),
            failures: 4,
            size: None,
            decoder: None,
            source: "rtsp://10.0.0.1/".to_owned(),
            decoded: 1,
            analysed: 2,
            superseded: 3,
            asleep: false,
            woke_by: None,
            wakes: 0,
            coverage: None,
        }]
    }
}

/// Does as asked, and remembers what that was.
#[derive(Default)]
pub(crate) struct Control {
    pub(crate) asked: Mutex<Vec<String>>,
}

#[tonic::async_trait]
impl parapet::api::Control for Control {
    async fn camera(
        &self,
        camera: CameraId,
        action: CameraAction,
        who: Arc<str>,
    ) -> Result<(), ControlError> {
        self.asked.lock().push(format!("{who} {action:?} {camera}"));
        Ok(())
    }

    async fn reload(&self, who: Arc<str>) -> Result<Reloaded, ControlError> {
        self.asked.lock().push(format!("{who} reload"));
        Ok(Reloaded::default())
    }
}

pub(crate) struct Daemon {
    pub(crate) journal: Journal,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) servers: TaskSet,
    pub(crate) address: SocketAddr,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) authorizer: Arc<Authorizer>,
    pub(crate) tls: Option<Arc<ServerTls>>,
    pub(crate) control: Arc<Control>,
}

/// Plain text, and everybody is an operator.
pub(crate) fn open_door() -> ApiConfig {
    ApiConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        door: Door::Plaintext {
            role: Role::Operator,
        },
        clients: Vec::new(),
        limits: LimitsConfig::default(),
    }
}

impl Daemon {
    pub(crate) async fn start() -> Self {
        Self::start_on(tempfile::tempdir().expect("folder")).await
    }

    pub(crate) async fn start_on(folder: tempfile::TempDir) -> Self {
        Self::start_behind(&open_door(), folder).await
    }

    pub(crate) async fn start_behind(api: &ApiConfig, folder: tempfile::TempDir) -> Self {
        let config = JournalConfig {
            group_max: 64,
            deadline: LONG,
            ..JournalConfig::new(
                folder.path().join("journal.sqlite"),
                SiteName::new("site").expect("name"),
                NodeName::new("node").expect("name"),
            )
        };
        let (metrics, clock) = (Metrics::new(), SystemClock::shared());
        let journal =
            Journal::open(&config, Arc::clone(&clock), Arc::clone(&metrics)).expect("journal");
        let mut servers = TaskSet::under(&CancellationToken::new());
        let authorizer = Authorizer::new(Policy::of(api), Arc::clone(&metrics), Arc::clone(&clock));
        let tls = match &api.door {
            Door::Plaintext { .. } => None,
            Door::Tls(files) => {
                let tls = ServerTls::open(files.clone(), None, Arc::clone(&clock));
                Some(Arc::new(tls.expect("certificates")))
            }
        };
        let audit = AuditLog::open(
            &folder.path().join("audit.sqlite3"),
            MIN_KEEP,
            clock,
            Arc::clone(&metrics),
        );
        let control = Arc::new(Control::default());
        let owners = Owners::open(&folder.path().join("consumers.sqlite3"));
        let deps = ApiDeps {
            reader: journal.reader(),
            cameras: Arc::new(OneCamera),
            metrics: Arc::clone(&metrics),
            audit,
            owners: Arc::new(owners),
            control: Arc::clone(&control) as _,
        };
        let listen_config = ListenConfig {
            listen: api.listen,
            authorizer: Arc::clone(&authorizer),
            tls: tls.clone(),
        };
        let (address, serving) = parapet::api::serve(listen_config, deps, servers.token())
            .await
            .expect("serve");
        servers.spawn("api", serving);
        Self {
            journal,
            metrics,
            servers,
            address,
            folder,
            authorizer,
            tls,
            control,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) async fn client(&self) -> Client {
        Client::connect(&self.url()).await.expect("connect")
    }

    pub(crate) async fn channel(&self) -> Channel {
        Channel::from_shared(self.url())
            .expect("url")
            .connect()
            .await
            .expect("connect")
    }

    /// Waits until at least so many were turned away for these reasons, since a client may hear of it
    /// before it is counted; how many it were.
    pub(crate) async fn counted(&self, reasons: &[&'static str], times: u64) -> u64 {
        let all = || -> u64 {
            let each = reasons.iter().map(|reason| self.metrics.refusals(reason));
            each.sum()
        };
        let seen = async {
            while all() < times {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(10), seen).await;
        assert!(
            in_time.is_ok(),
            "{reasons:?} counted {} times of {times}",
            all()
        );
        all()
    }

    /// Commits events number `from` to `to`.
    pub(crate) async fn commit(&self, from: u64, to: u64) {
        let writer = self.journal.writer();
        for number in from..=to {
            append(&writer, number);
        }
        // Read elsewhere, the watch tells when all is on disk.
        let mut committed = self.journal.committed();
        committed
            .wait_for(|last| last.0 >= to)
            .await
            .expect("commit");
    }
}

pub(crate) fn append(writer: &JournalWriter, number: u64) {
    writer.append(event(number), None).expect("append");
}

pub(crate) fn event(number: u64) -> Event {
    Event {
        id: EventId(Uuid::from_u128(number.into())),
        incident: IncidentId(Uuid::from_u128(1)),
        phase: Phase::Started,
        kind: if number.is_multiple_of(2) {
            EventKind::RUNNING
        } else {
            EventKind::LOITERING
        },
        severity: if number.is_multiple_of(5) {
            Severity::Critical
        } else {
            Severity::Info
        },
        site: SiteName::new("site").expect("name"),
        node: NodeName::new("node").expect("name"),
        camera: camera(number % 3),
        rule: None,
        zone: None,
        occurred: CaptureTime {
            utc: UtcMicros(number as i64),
            source: ClockSource::CameraNtp,
            offset_micros: -3,
        },
        observed: UtcMicros(1),
        objects: Vec::new(),
        detail: EventDetail::default(),
        model: None,
    }
}

pub(crate) fn camera(number: u64) -> CameraId {
    CameraId::new(&format!("cam-{number}")).expect("name")
}

pub(crate) fn consumer() -> ConsumerName {
    ConsumerName::new("platform").expect("name")
}

pub(crate) async fn take(events: &mut Subscription, count: usize) -> Vec<u64> {
    let mut sequences = Vec::new();
    while sequences.len() < count {
        let next = tokio::time::timeout(LONG, events.next())
            .await
            .expect("an event in time");
        let record = next.expect("stream goes on").expect("event");
        assert_eq!(record.event.id.0.as_u128(), record.sequence.0.into());
        sequences.push(record.sequence.0);
    }
    sequences
}

pub(crate) fn code(error: ClientError) -> (Code, String) {
    match error {
        ClientError::Refused(status) => (status.code(), status.message().to_owned()),
        other => panic!("{other}"),
    }
}
