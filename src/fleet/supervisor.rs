//! Adds, changes and removes cameras while the others go on.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::admission::Admission;
use super::analysis::Identity;
use super::board::{BoardEntry, StatusBoard, first_status};
use super::camera::Driver;
use super::command::CameraCommand;
use super::emitted::EventSink;
use super::governor_loop::GovernorLoop;
use super::handle::AnalysisHandle;
use super::observed::CameraObserved;
use super::parts::FleetParts;
use crate::base::backoff::Backoff;
use crate::base::tasks::{TaskSet, catch_panic};
use crate::config::types::CameraConfig;
use crate::model::camera::CameraStatus;
use crate::model::ids::{CameraId, IdSource};
use crate::model::time::UtcMicros;

struct Running {
    config: Arc<CameraConfig>,
    cancel: CancellationToken,
    gone: watch::Receiver<bool>,
}

/// All cameras of this server.
pub struct Fleet {
    parts: Arc<FleetParts>,
    analysis: AnalysisHandle,
    analysis_thread: Option<JoinHandle<()>>,
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
        let analysed = parts.analysed.clone();
        let known = identity.clone();
        let (analysis, thread) =
            AnalysisHandle::start(known, events, analysed, clock, &parts.metrics)?;
        let board = StatusBoard::new(Arc::clone(&parts.clock));
        // Without a governor no level is sparse and nobody asks.
        let governor = parts.governor.as_ref();
        let cores = governor.map_or(0.0, |governor| governor.config.budget_cores);
        let admission = Arc::new(Admission::of_cores(cores));
        let mut tasks = TaskSet::under(&CancellationToken::new());
        if let Some(governor) = &parts.governor {
            let governor_loop = GovernorLoop {
                parts: governor.clone(),
                board: Arc::clone(&board.cameras),
                source: Arc::clone(&parts.source),
                admission: Arc::clone(&admission),
                pool: Arc::clone(&parts.pool),
                clock: Arc::clone(&parts.clock),
                metrics: Arc::clone(&parts.metrics),
                analysis: analysis.clone(),
                identity,
                ids: IdSource::seeded(ids.next_seed()),
            };
            let token = tasks.token();
            tasks.spawn("governor", governor_loop.run(token));
        }
        Ok(Self {
            parts: Arc::new(parts),
            analysis,
            analysis_thread: Some(thread),
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
    pub fn without_headroom(&self) {
        self.admission.set_headroom(false);
    }

    /// Where to read the cameras' status.
    #[must_use]
    pub fn board(&self) -> StatusBoard {
        self.board.clone()
    }

    /// Whom to ask whether the analysis thread gets on.
    #[must_use]
    pub fn analysis(&self) -> AnalysisHandle {
        self.analysis.clone()
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
        let entry = self.entry(Arc::clone(&config), status);
        entry.metrics.state.set(0);
        self.board.cameras.write().insert(id.clone(), entry);
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

    /// A camera that is taken in now.
    fn entry(
        &self,
        config: Arc<CameraConfig>,
        status: watch::Receiver<CameraStatus>,
    ) -> BoardEntry {
        let command = Arc::new(CameraCommand::of(&config));
        BoardEntry {
            metrics: self.parts.metrics.camera(config.id.as_str()),
            observed: CameraObserved::new(Arc::clone(&command), self.parts.clock.now()),
            command,
            config,
            status,
        }
    }

    fn add(&mut self, config: Arc<CameraConfig>) {
        let id = config.id.clone();
        let now = UtcMicros(self.parts.clock.utc_micros());
        let (status, seen) = watch::channel(first_status(&config, now));
        let entry = self.entry(Arc::clone(&config), seen);
        let ids = IdSource::seeded(self.ids.next_seed());
        self.analysis.attach(
            Arc::clone(&config),
            ids,
            entry.metrics.clone(),
            Arc::clone(&entry.observed),
        );
        let (gone_tx, gone) = watch::channel(false);
        let cancel = self.tasks.token().child_token();
        let driver = Driver::new(
            &entry,
            Arc::clone(&self.parts),
            self.analysis.clone(),
            Arc::clone(&self.admission),
            status,
        );
        self.board.cameras.write().insert(id.clone(), entry);
        let (analysis, stop) = (self.analysis.clone(), cancel.clone());
        let camera = id.clone();
        self.tasks.spawn(format!("camera {id}"), async move {
            keep_running(driver, &stop, &camera).await;
            let heard = analysis.detach(camera);
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

    /// Stops every camera, then the analysis, so that every event is handed on before it returns.
    /// Returns false when something did not stop within `deadline`.
    pub async fn stop(mut self, deadline: Duration) -> bool {
        let (_, late) = self.tasks.stop(deadline).await;
        self.analysis.stop();
        let Some(thread) = self.analysis_thread.take() else {
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
