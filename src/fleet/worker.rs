//! One thread owns every camera's tracker and rules and turns answers into events. A panic in one
//! camera's analysis ends that session and touches no other camera.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crossbeam_channel::Receiver;
use prometheus_client::metrics::histogram::Histogram;

use super::analysis::{Analysis, Identity};
use super::emitted::{Analysed, AnalysedSink, Emitted, EventSink};
use super::message::{Message, SessionKey, Vitals};
use super::observed::CameraObserved;
use crate::base::clock::{Monotonic, SharedClock, thread_cpu};
use crate::base::metrics::{CameraMetrics, CpuSeconds, Metrics, Stage};
use crate::base::tasks::panic_message;
use crate::config::types::CameraConfig;
use crate::infer::Answer;
use crate::model::event::Event;
use crate::model::frame::Frame;
use crate::model::ids::{CameraId, IdSource};
use crate::model::time::UtcMicros;

struct AttachedCamera {
    analysis: Analysis,
    metrics: CameraMetrics,
    config: Arc<CameraConfig>,
    ids: IdSource,
    session: u64,
    last_analysed: Option<Monotonic>,
    observed: Arc<CameraObserved>,
}

/// All that the thread owns.
pub(super) struct AnalysisWorker {
    vitals: Arc<Vitals>,
    identity: Identity,
    events: EventSink,
    analysed: Option<AnalysedSink>,
    clock: SharedClock,
    analyse: Histogram,
    analyse_cpu: CpuSeconds,
    gaps: Histogram,
    cameras: HashMap<CameraId, AttachedCamera>,
}

impl AnalysisWorker {
    pub(super) fn new(
        vitals: Arc<Vitals>,
        identity: Identity,
        events: EventSink,
        analysed: Option<AnalysedSink>,
        clock: SharedClock,
        metrics: &Metrics,
    ) -> Self {
        Self {
            vitals,
            identity,
            events,
            analysed,
            clock,
            analyse: metrics.stage(Stage::Analyse),
            analyse_cpu: metrics.cpu.analyse.clone(),
            gaps: metrics.gaps.clone(),
            cameras: HashMap::new(),
        }
    }

    /// Works until it is told to stop or nobody can tell it anything any more.
    pub(super) fn run(&mut self, inbox: &Receiver<Message>) {
        for message in inbox {
            if matches!(message, Message::Stop) {
                return;
            }
            self.vitals.pulse.begin(self.clock.now());
            self.take(message);
            self.vitals.pulse.rest();
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Attach {
                camera,
                ids,
                metrics,
                observed,
            } => self.attach(camera, ids, *metrics, observed),
            Message::Begin(key) => {
                if let Some(attached) = self.cameras.get_mut(&key.camera) {
                    attached.session = key.session;
                    attached.last_analysed = None;
                    attached.observed.set_shown(false, false);
                }
            }
            Message::Answer(key, answer) => self.answer(&key, *answer),
            Message::EndSession(key, done) => {
                self.act(&key.camera, None, Analysis::end_session);
                if let Some(attached) = self.cameras.get(&key.camera) {
                    attached.observed.set_shown(false, false);
                }
                drop(done);
            }
            Message::SignalLost(camera, reason) => {
                let now = UtcMicros(self.clock.utc_micros());
                self.act(&camera, None, |a| {
                    a.signal_lost(&reason, now).into_iter().collect()
                });
            }
            Message::SignalBack(camera) => {
                let now = UtcMicros(self.clock.utc_micros());
                self.act(&camera, None, |a| a.signal_back(now).into_iter().collect());
            }
            Message::Detach(camera, done) => {
                self.act(&camera, None, Analysis::end_session);
                self.cameras.remove(&camera);
                drop(done);
            }
            Message::Emit(event) => (self.events)(Emitted::without_frame(*event)),
            Message::Stop => {}
        }
    }

    fn attach(
        &mut self,
        camera: Arc<CameraConfig>,
        mut ids: IdSource,
        metrics: CameraMetrics,
        observed: Arc<CameraObserved>,
    ) {
        let fresh = IdSource::seeded(ids.next_seed());
        let analysis = Analysis::new(self.identity.clone(), Arc::clone(&camera), fresh);
        let id = camera.id.clone();
        let attached = AttachedCamera {
            analysis,
            metrics,
            config: camera,
            ids,
            session: 0,
            last_analysed: None,
            observed,
        };
        self.cameras.insert(id, attached);
    }

    fn answer(&mut self, key: &SessionKey, answer: Answer) {
        let Some(attached) = self.cameras.get_mut(&key.camera) else {
            return;
        };
        if attached.session != key.session {
            return;
        }
        let found = match &answer.detections {
            Ok(found) => found,
            Err(error) => {
                tracing::error!(camera = %key.camera, %error, "a frame could not be analysed");
                return;
            }
        };
        let frame = &answer.frame;
        if let Some(gap) = attached.count(frame, answer.cut_at) {
            self.gaps.observe(gap);
        }
        let observed = &attached.observed;
        let headroom = observed.had_headroom();
        let triggered = frame.probe
            && attached
                .analysis
                .triggers(found, frame.media_time, headroom);
        // In always mode, where the governor leaves only keyframes, they are followed as far as they
        // go.
        if frame.probe && !observed.command().follows_keyframes() {
            observed.set_shown(triggered, false);
            return;
        }
        let (begun, cpu_begun) = (self.clock.now(), thread_cpu());
        let model = &answer.model;
        self.act(&key.camera, Some(frame), |analysis| {
            analysis.frame(frame, found, model)
        });
        self.analyse
            .observe(self.clock.now().since(begun).as_secs_f64());
        self.analyse_cpu.add(thread_cpu().saturating_sub(cpu_begun));
        let Some(attached) = self.cameras.get(&key.camera) else {
            return;
        };
        let active = triggered || attached.analysis.is_active();
        let near_rate = attached.analysis.needs_near_rate(frame.size);
        attached.observed.set_shown(active, near_rate);
        if let Some(analysed) = &self.analysed {
            let tracks = attached.analysis.tracks();
            analysed(&Analysed {
                frame,
                found,
                tracks,
            });
        }
    }

    /// Runs one step of a camera's analysis and hands its events on, with the frame that told them. A
    /// panic ends the camera's session: it begins again with fresh tracks and rules.
    fn act(
        &mut self,
        camera: &CameraId,
        frame: Option<&Frame>,
        step: impl FnOnce(&mut Analysis) -> Vec<Event>,
    ) {
        let Some(attached) = self.cameras.get_mut(camera) else {
            return;
        };
        match catch_unwind(AssertUnwindSafe(|| step(&mut attached.analysis))) {
            Ok(events) => {
                for event in events {
                    let frame = frame.cloned();
                    (self.events)(Emitted { event, frame });
                    self.vitals.pulse.begin(self.clock.now());
                }
            }
            Err(payload) => {
                let panic = panic_message(payload.as_ref());
                tracing::error!(%camera, panic, "analysis panicked; its tracks begin anew");
                let fresh = IdSource::seeded(attached.ids.next_seed());
                attached.analysis =
                    Analysis::new(self.identity.clone(), Arc::clone(&attached.config), fresh);
            }
        }
    }
}

impl AttachedCamera {
    /// Counts an analysed frame whose batch was cut at `cut_at`; the seconds since the one before.
    fn count(&mut self, frame: &Frame, cut_at: Monotonic) -> Option<f64> {
        self.metrics.analysed.inc();
        self.observed.analysed(frame.arrived);
        self.metrics
            .age_seconds
            .set(cut_at.since(frame.arrived).as_secs_f64());
        let before = self.last_analysed.replace(frame.arrived)?;
        let gap = frame.arrived.since(before).as_secs_f64();
        self.metrics.gap_seconds.set(gap);
        Some(gap)
    }
}
