//! Adds, changes and removes cameras while the others go on.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::RwLock;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::admission::Admission;
use super::analysis::Identity;
use super::analyst::Analyst;
use super::camera::Driver;
use super::dial::Dial;
use super::rounds::{GovernorParts, Rounds};
use super::{EventSink, LookSink};
use crate::base::backoff::Backoff;
use crate::base::clock::SharedClock;
use crate::base::metrics::{CameraMetrics, Metrics};
use crate::base::tasks::{TaskSet, catch_panic};
use crate::config::redact_url;
use crate::config::types::{CameraConfig, SourceConfig};
use crate::infer::InferencePool;
use crate::ingest::Source;
use crate::model::camera::{CameraState, CameraStatus, WakeReason};
use crate::model::ids::{CameraId, IdSource};
use crate::model::time::UtcMicros;

/// What the fleet stands on.
pub struct FleetParts {
    /// Opens cameras.
    pub source: Arc<dyn Source>,
    /// Looks at pictures.
    pub pool: Arc<InferencePool>,
    /// Tells the time.
    pub clock: SharedClock,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// Looks over the analyst's shoulder, where somebody wants to.
    pub looks: Option<LookSink>,
    /// Who gets less when there is not enough for all; none where every frame is to be looked at,
    /// however long it takes.
    pub governor: Option<GovernorParts>,
}

struct Running {
    config: Arc<CameraConfig>,
    cancel: CancellationToken,
    gone: watch::Receiver<bool>,
}

/// A configured camera, as far as others may see it.
pub(super) struct Seen {
    pub(super) config: Arc<CameraConfig>,
    pub(super) status: watch::Receiver<CameraStatus>,
    pub(super) metrics: CameraMetrics,
    pub(super) dial: Arc<Dial>,
}

/// Reads every camera's status; any thread may hold one.
#[derive(Clone)]
pub struct StatusBoard {
    clock: SharedClock,
    cameras: Arc<RwLock<BTreeMap<CameraId, Seen>>>,
}

impl StatusBoard {
    /// Every camera's status, by id.
    #[must_use]
    pub fn cameras(&self) -> Vec<CameraStatus> {
        let now = self.clock.now();
        let cameras = self.cameras.read();
        cameras
            .values()
            .map(|seen| (seen, seen.status.borrow().clone()))
            .map(|(seen, status)| CameraStatus {
                decoded: seen.metrics.decoded.get(),
                analysed: seen.metrics.analysed.get(),
                superseded: seen.metrics.superseded.get(),
                wakes: WakeReason::ALL
                    .iter()
                    .filter(|reason| **reason != WakeReason::Start)
                    .map(|reason| seen.metrics.watch.wakes(reason.name()))
                    .sum(),
                coverage: (status.state != CameraState::Stopped).then(|| seen.dial.coverage(now)),
                ..status
            })
            .collect()
    }
}

/// All cameras of this server.
pub struct Fleet {
    parts: Arc<FleetParts>,
    analyst: Analyst,
    analyst_thread: Option<JoinHandle<()>>,
    ids: IdSource,
    tasks: TaskSet,
    running: BTreeMap<CameraId, Running>,
    paused: BTreeMap<CameraId, Arc<CameraConfig>>,
    board: StatusBoard,
    admission: Arc<Admission>,
}

impl Fleet {
    /// A fleet without cameras.
    ///
    /// # Errors
    /// The operating system's, when it gives no thread.
    pub fn start(
        parts: FleetParts,
        identity: Identity,
        events: EventSink,
        mut ids: IdSource,
    ) -> io::Result<Self> {
        let clock = Arc::clone(&parts.clock);
        let looks = parts.looks.clone();
        let known = identity.clone();
        let (analyst, thread) = Analyst::start(known, events, looks, clock, &parts.metrics)?;
        let board = StatusBoard {
            clock: Arc::clone(&parts.clock),
            cameras: Arc::default(),
        };
        // Without a governor no level is sparse and nobody asks.
        let governor = parts.governor.as_ref();
        let cores = governor.map_or(0.0, |governor| governor.config.budget_cores);
        let admission = Arc::new(Admission::of_cores(cores));
        let mut tasks = TaskSet::under(&CancellationToken::new());
        if let Some(governor) = &parts.governor {
            let rounds = Rounds {
                parts: governor.clone(),
                board: Arc::clone(&board.cameras),
                source: Arc::clone(&parts.source),
                admission: Arc::clone(&admission),
                pool: Arc::clone(&parts.pool),
                clock: Arc::clone(&parts.clock),
                metrics: Arc::clone(&parts.metrics),
                analyst: analyst.clone(),
                identity,
                ids: IdSource::seeded(ids.next_seed()),
            };
            let token = tasks.token();
            tasks.spawn("governor", rounds.run(token));
        }
        Ok(Self {
            parts: Arc::new(parts),
            analyst,
            analyst_thread: Some(thread),
            ids,
            tasks,
            running: BTreeMap::new(),
            paused: BTreeMap::new(),
            board,
            admission,
        })
    }

    /// What nobody counts on is not looked at, as on a server that its cameras take whole. With a
    /// governor, until that finds otherwise.
    pub fn spares_nothing(&self) {
        self.admission.set_plenty(false);
    }

    /// Where to read the cameras' status.
    #[must_use]
    pub fn board(&self) -> StatusBoard {
        self.board.clone()
    }

    /// Whom to ask whether the analyst's thread gets on.
    #[must_use]
    pub fn analyst(&self) -> Analyst {
        self.analyst.clone()
    }

    /// Makes the cameras what `wanted` says: starts new ones, restarts changed ones, stops the
    /// rest. Cameras whose settings did not change are not touched.
    pub async fn apply(&mut self, wanted: &BTreeMap<CameraId, Arc<CameraConfig>>) {
        for end in self.tasks.reap() {
            tracing::debug!(task = %end.name, "ended");
        }
        let gone: Vec<CameraId> = self
            .running
            .iter()
            .filter(|(id, running)| wanted.get(*id).is_none_or(|new| *new != running.config))
            .map(|(id, _)| id.clone())
            .collect();
        self.halt(gone).await;
        let known: Vec<CameraId> = self.board.cameras.read().keys().cloned().collect();
        for id in known.iter().filter(|id| !wanted.contains_key(*id)) {
            self.paused.remove(id);
            self.board.cameras.write().remove(id);
            self.parts.metrics.forget_camera(id.as_str());
        }
        for (id, config) in wanted {
            if let Some(paused) = self.paused.get_mut(id) {
                *paused = Arc::clone(config);
            } else if !self.running.contains_key(id) {
                self.add(Arc::clone(config));
            }
        }
    }

    /// Stops cameras, all at once, and waits for their ends.
    async fn halt(&mut self, ids: Vec<CameraId>) {
        for running in ids.iter().filter_map(|id| self.running.get(id)) {
            running.cancel.cancel();
        }
        for id in ids {
            let Some(mut running) = self.running.remove(&id) else {
                continue;
            };
            let stopped = running.gone.wait_for(|gone| *gone);
            if tokio::time::timeout(Duration::from_secs(10), stopped)
                .await
                .is_err()
            {
                tracing::error!(camera = %id, "did not stop in time; it is left behind");
            }
        }
    }

    /// Closes a camera's source and opens it anew; false when it does not run.
    pub async fn restart(&mut self, id: &CameraId) -> bool {
        let Some(config) = self
            .running
            .get(id)
            .map(|running| Arc::clone(&running.config))
        else {
            return false;
        };
        self.halt(vec![id.clone()]).await;
        self.add(config);
        true
    }

    /// Stops a camera, whatever [`Fleet::apply`] says, until [`Fleet::resume`]; its status says
    /// why. False when it does not run.
    pub async fn pause(&mut self, id: &CameraId, why: &str) -> bool {
        let Some(config) = self
            .running
            .get(id)
            .map(|running| Arc::clone(&running.config))
        else {
            return false;
        };
        self.halt(vec![id.clone()]).await;
        let now = UtcMicros(self.parts.clock.utc_micros());
        let (_, status) = watch::channel(CameraStatus {
            reason: why.to_owned(),
            ..first_status(&config, now)
        });
        let metrics = self.parts.metrics.camera(id.as_str());
        metrics.state.set(0);
        let dial = Dial::new(&config, self.parts.clock.now());
        let seen = Seen {
            config: Arc::clone(&config),
            status,
            metrics,
            dial,
        };
        self.board.cameras.write().insert(id.clone(), seen);
        self.paused.insert(id.clone(), config);
        true
    }

    /// Starts a paused camera with the settings it would have by now; false when it is not paused.
    pub fn resume(&mut self, id: &CameraId) -> bool {
        let Some(config) = self.paused.remove(id) else {
            return false;
        };
        self.add(config);
        true
    }

    /// Whether somebody has paused it.
    #[must_use]
    pub fn is_paused(&self, id: &CameraId) -> bool {
        self.paused.contains_key(id)
    }

    fn add(&mut self, config: Arc<CameraConfig>) {
        let id = config.id.clone();
        let metrics = self.parts.metrics.camera(id.as_str());
        let ids = IdSource::seeded(self.ids.next_seed());
        let dial = Dial::new(&config, self.parts.clock.now());
        self.analyst
            .attach(Arc::clone(&config), ids, metrics.clone(), Arc::clone(&dial));
        let now = UtcMicros(self.parts.clock.utc_micros());
        let (status, seen) = watch::channel(first_status(&config, now));
        let (gone_tx, gone) = watch::channel(false);
        let cancel = self.tasks.token().child_token();
        self.board.cameras.write().insert(
            id.clone(),
            Seen {
                config: Arc::clone(&config),
                status: seen,
                metrics: metrics.clone(),
                dial: Arc::clone(&dial),
            },
        );
        let driver = Driver::new(
            Arc::clone(&config),
            Arc::clone(&self.parts),
            self.analyst.clone(),
            metrics,
            dial,
            Arc::clone(&self.admission),
            status,
        );
        let (analyst, stop) = (self.analyst.clone(), cancel.clone());
        let camera = id.clone();
        self.tasks.spawn(format!("camera {id}"), async move {
            keep_running(driver, &stop, &camera).await;
            let heard = analyst.detach(camera);
            let _ = tokio::task::spawn_blocking(move || heard.recv_timeout(Duration::from_secs(3)))
                .await;
            let _ = gone_tx.send(true);
        });
        self.running.insert(
            id,
            Running {
                config,
                cancel,
                gone,
            },
        );
    }

    /// Stops every camera, then the analyst, so that every event is handed on before it returns.
    /// Returns false when something did not stop within `deadline`.
    pub async fn stop(mut self, deadline: Duration) -> bool {
        let (_, late) = self.tasks.stop(deadline).await;
        self.analyst.stop();
        let Some(thread) = self.analyst_thread.take() else {
            return !late;
        };
        let joined = tokio::task::spawn_blocking(move || thread.join().is_ok());
        let joined = tokio::time::timeout(Duration::from_secs(1), joined).await;
        !late && matches!(joined, Ok(Ok(true)))
    }
}

/// Runs a driver until it is cancelled; a panic in it restarts it after a jittered wait.
async fn keep_running(mut driver: Driver, cancel: &CancellationToken, camera: &CameraId) {
    let policy = crate::base::backoff::BackoffPolicy {
        first: Duration::from_secs(1),
        ceiling: Duration::from_secs(30),
    };
    let mut backoff = Backoff::new(policy);
    while let Some(panic) = catch_panic(driver.run(cancel)).await {
        let wait = backoff.fail();
        tracing::error!(%camera, panic, ?wait, "camera driver panicked; it starts again");
        driver.abandon().await;
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
    }
}

fn first_status(config: &CameraConfig, since: UtcMicros) -> CameraStatus {
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
