//! Performs the effects of one camera's state machine. One task per camera; whatever may block
//! (opening and closing a pipeline) runs on the blocking pool.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::admission::Admission;
use super::board::BoardEntry;
use super::command::CameraCommand;
use super::handle::AnalysisHandle;
use super::message::SessionKey;
use super::observed::CameraObserved;
use super::parts::FleetParts;
use super::signals::{End, Signals};
use super::sink::{CameraSink, SinkParts};
use super::state::{Effect, Input, Machine, StatePolicy};
use crate::base::backoff::Backoff;
use crate::base::metrics::CameraMetrics;
use crate::base::slot::WhenFull;
use crate::config::types::{CameraConfig, Pace, SourceConfig};
use crate::infer::{CameraQueue, QueueSpec};
use crate::ingest::Session;
use crate::model::camera::{CameraState, CameraStatus};
use crate::model::time::UtcMicros;

struct OpenSession {
    session: Box<dyn Session>,
    signals: Arc<Signals>,
    sink: Arc<CameraSink>,
}

/// One camera's driver.
pub(super) struct Driver {
    config: Arc<CameraConfig>,
    parts: Arc<FleetParts>,
    analysis: AnalysisHandle,
    metrics: CameraMetrics,
    command: Arc<CameraCommand>,
    observed: Arc<CameraObserved>,
    admission: Arc<Admission>,
    status: watch::Sender<CameraStatus>,
    machine: Machine,
    open: Option<OpenSession>,
    sessions: u64,
    changed: Arc<Notify>,
}

/// A camera that accepts a connection answers well within this, or not at all. It is short, because
/// a camera that comes back meanwhile is found only by the next try.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// Pictures must come for this long before the platform is told that a camera is back.
const STEADY_AFTER: Duration = Duration::from_secs(2);

/// What a source's settings mean for the state machine.
pub(super) fn policy(config: &CameraConfig) -> StatePolicy {
    StatePolicy {
        stall_after: config.stall_after,
        answer_timeout: ANSWER_TIMEOUT,
        connect_timeout: config.connect_timeout,
        steady_after: STEADY_AFTER,
        backoff: config.backoff,
        end_is_final: matches!(config.source, SourceConfig::File { repeat: false, .. }),
    }
}

/// Recordings played as fast as they go lose no frame; everything else is live.
pub(super) fn when_full(config: &CameraConfig) -> WhenFull {
    match config.source {
        SourceConfig::File {
            pace: Pace::Fast, ..
        } => WhenFull::Block,
        _ => WhenFull::Overwrite,
    }
}

impl Driver {
    pub(super) fn new(
        camera: &BoardEntry,
        parts: Arc<FleetParts>,
        analysis: AnalysisHandle,
        admission: Arc<Admission>,
        status: watch::Sender<CameraStatus>,
    ) -> Self {
        let config = Arc::clone(&camera.config);
        let machine = Machine::new(policy(&config), Backoff::new(config.backoff));
        Self {
            config,
            parts,
            analysis,
            metrics: camera.metrics.clone(),
            command: Arc::clone(&camera.command),
            observed: Arc::clone(&camera.observed),
            admission,
            status,
            machine,
            open: None,
            sessions: 0,
            changed: Arc::new(Notify::new()),
        }
    }

    /// Drives the camera until it is cancelled.
    pub(super) async fn run(&mut self, cancel: &CancellationToken) {
        self.input(Input::Start).await;
        while !cancel.is_cancelled() {
            let wait = self
                .machine
                .deadline()
                .map(|at| at.since(self.parts.clock.now()));
            let timer = async {
                match wait {
                    Some(wait) => tokio::time::sleep(wait.max(Duration::from_millis(1))).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = cancel.cancelled() => break,
                () = self.changed.notified() => {}
                () = timer => {}
            }
            self.poll().await;
        }
        self.input(Input::Stop).await;
    }

    /// Whatever state a panic left behind: closes the source and forgets what was.
    pub(super) async fn abandon(&mut self) {
        self.close().await;
        self.machine = Machine::new(policy(&self.config), Backoff::new(self.config.backoff));
    }

    async fn poll(&mut self) {
        let seen = self.open.as_ref().map(|open| {
            let signals = &open.signals;
            (signals.answered(), signals.last_frame(), signals.take_end())
        });
        let (answered, frame, end) = seen.unwrap_or_default();
        if answered {
            self.input(Input::Answered).await;
        }
        if let Some(at) = frame {
            self.input(Input::Frame(at)).await;
        }
        match end {
            Some(End::Ended) => self.input(Input::Ended).await,
            Some(End::Failed(error)) => self.input(Input::Failed(error.to_string())).await,
            None => self.input(Input::Tick).await,
        }
        self.publish();
    }

    async fn input(&mut self, input: Input) {
        let before = self.machine.state();
        let mut effects = self.machine.on(input, self.parts.clock.now());
        // Opening can fail at once, which is one more input.
        while !effects.is_empty() {
            let mut next = Vec::new();
            for effect in effects {
                if let Some(failed) = self.perform(effect).await {
                    next.extend(
                        self.machine
                            .on(Input::Failed(failed), self.parts.clock.now()),
                    );
                }
            }
            effects = next;
        }
        if self.machine.state() != before {
            self.log(before);
        }
        self.publish();
    }

    async fn perform(&mut self, effect: Effect) -> Option<String> {
        match effect {
            Effect::Open => self.open().await.err(),
            Effect::Close => {
                self.close().await;
                None
            }
            Effect::SignalLost(reason) => {
                self.metrics.failures.inc();
                self.analysis.signal_lost(self.config.id.clone(), reason);
                None
            }
            Effect::SignalBack => {
                self.analysis.signal_back(self.config.id.clone());
                None
            }
        }
    }

    async fn open(&mut self) -> Result<(), String> {
        self.sessions += 1;
        self.metrics.connects.inc();
        self.observed.set_asleep(false);
        let key = SessionKey {
            camera: self.config.id.clone(),
            session: self.sessions,
        };
        self.analysis.begin(key.clone());
        let queue = self.queue(key)?;
        let signals = Signals::new(Arc::clone(&self.changed));
        let parts = SinkParts {
            camera: self.config.id.clone(),
            priority: self.config.priority,
            admission: Arc::clone(&self.admission),
            signals: Arc::clone(&signals),
            queue,
            metrics: self.metrics.clone(),
            command: Arc::clone(&self.command),
            observed: Arc::clone(&self.observed),
            when_full: when_full(&self.config),
            clock: Arc::clone(&self.parts.clock),
        };
        let sink = CameraSink::new(parts);
        let (source, config) = (Arc::clone(&self.parts.source), Arc::clone(&self.config));
        let downstream = sink.downstream();
        let opened = tokio::task::spawn_blocking(move || source.open(&config, downstream)).await;
        let session = match opened {
            Ok(Ok(session)) => session,
            Ok(Err(error)) => return Err(error.to_string()),
            Err(error) => return Err(format!("opening the source panicked: {error}")),
        };
        self.open = Some(OpenSession {
            session,
            signals,
            sink,
        });
        Ok(())
    }

    fn queue(&self, key: SessionKey) -> Result<CameraQueue, String> {
        let spec = QueueSpec {
            camera: self.config.id.clone(),
            model: self.config.model.clone(),
            priority: self.config.priority,
            when_full: when_full(&self.config),
            metrics: self.metrics.clone(),
        };
        let analysis = self.analysis.clone();
        let on_answer = Box::new(move |answer| analysis.answer(key.clone(), answer));
        self.parts
            .pool
            .camera_queue(spec, on_answer)
            .map_err(|error| error.to_string())
    }

    async fn close(&mut self) {
        let Some(OpenSession {
            session,
            signals: _,
            sink,
        }) = self.open.take()
        else {
            return;
        };
        let drain = when_full(&self.config) == WhenFull::Block
            && self.machine.state() == CameraState::Stopped;
        let analysis = self.analysis.clone();
        let key = SessionKey {
            camera: self.config.id.clone(),
            session: self.sessions,
        };
        let closed = tokio::task::spawn_blocking(move || {
            if drain {
                sink.drain(Duration::from_secs(3));
            }
            sink.close();
            session.stop();
            drop(sink);
            // The answer is the channel's end: all events of the session are handed on.
            let _ = analysis
                .end_session(key)
                .recv_timeout(Duration::from_secs(3));
        });
        if let Err(error) = closed.await {
            tracing::error!(camera = %self.config.id, %error, "closing the source panicked");
        }
    }

    fn log(&self, before: CameraState) {
        let (state, reason) = (self.machine.state(), self.machine.reason());
        let camera = &self.config.id;
        match state {
            CameraState::BackingOff | CameraState::Stalled => tracing::warn!(
                %camera, from = before.name(), to = state.name(), reason,
                failures = self.machine.failures(), "camera lost"
            ),
            _ => tracing::info!(%camera, from = before.name(), to = state.name(), reason, "camera"),
        }
    }

    fn publish(&self) {
        let format = self.open.as_ref().and_then(|open| open.signals.format());
        let woke_by = self.open.as_ref().and_then(|open| open.signals.woke_by());
        let asleep = self.open.is_some() && self.observed.is_asleep();
        let state = self.machine.state();
        let now = UtcMicros(self.parts.clock.utc_micros());
        self.metrics.state.set(match state {
            CameraState::Stopped => 0,
            CameraState::Connecting => 1,
            CameraState::Streaming => 2,
            CameraState::Stalled => 3,
            CameraState::BackingOff => 4,
        });
        self.status.send_if_modified(|status| {
            let before = status.clone();
            if status.state != state {
                status.state = state;
                status.since = now;
            }
            self.machine.reason().clone_into(&mut status.reason);
            status.failures = self.machine.failures();
            status.size = format.as_ref().map(|format| format.size).or(status.size);
            status.decoder = format
                .map(|format| format.decoder)
                .or(status.decoder.take());
            status.asleep = asleep;
            status.woke_by = woke_by.or(status.woke_by);
            *status != before
        });
    }
}
