//! Where one session of a camera's source delivers and whom it asks: frames go on to inference at the
//! asked-for rate, notes wait for the driver.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::admission::{Admission, Claim};
use super::command::CameraCommand;
use super::observed::CameraObserved;
use super::rate::SharedRateLimit;
use super::signals::{End, Format, Signals};
use crate::base::clock::SharedClock;
use crate::base::metrics::CameraMetrics;
use crate::base::slot::WhenFull;
use crate::infer::CameraQueue;
use crate::ingest::{Allowance, Downstream, Note, Policy, Sink, StreamStats};
use crate::model::camera::WakeReason;
use crate::model::coverage::CoverageLevel;
use crate::model::frame::Frame;
use crate::model::ids::CameraId;

/// The receiving end of one session.
pub(super) struct CameraSink {
    camera: CameraId,
    priority: u8,
    admission: Arc<Admission>,
    /// It may be awake although its level is sparse.
    admitted: AtomicBool,
    signals: Arc<Signals>,
    queue: CameraQueue,
    metrics: CameraMetrics,
    command: Arc<CameraCommand>,
    observed: Arc<CameraObserved>,
    when_full: WhenFull,
    clock: SharedClock,
    rate: SharedRateLimit,
}

/// What a session's sink stands on.
pub(super) struct SinkParts {
    pub(super) camera: CameraId,
    pub(super) priority: u8,
    pub(super) admission: Arc<Admission>,
    pub(super) signals: Arc<Signals>,
    pub(super) queue: CameraQueue,
    pub(super) metrics: CameraMetrics,
    pub(super) command: Arc<CameraCommand>,
    pub(super) observed: Arc<CameraObserved>,
    pub(super) when_full: WhenFull,
    pub(super) clock: SharedClock,
}

/// A recording's frames are all looked at within this, or something hangs and it goes on.
const SETTLE: Duration = Duration::from_secs(30);

impl CameraSink {
    pub(super) fn new(parts: SinkParts) -> Arc<Self> {
        Arc::new(Self {
            camera: parts.camera,
            priority: parts.priority,
            admission: parts.admission,
            admitted: AtomicBool::new(false),
            signals: parts.signals,
            queue: parts.queue,
            metrics: parts.metrics,
            command: parts.command,
            observed: parts.observed,
            when_full: parts.when_full,
            clock: parts.clock,
            rate: SharedRateLimit::default(),
        })
    }

    /// Where the session's source delivers, asks and counts.
    pub(super) fn downstream(self: &Arc<Self>) -> Downstream {
        let metrics = &self.metrics;
        let watch = &metrics.watch;
        let stats = StreamStats {
            liveness: Arc::clone(self.signals.liveness()),
            decoded: metrics.decoded.clone(),
            undecoded: watch.undecoded.clone(),
            unused: watch.unused.clone(),
            probes_taken: watch.probes_taken.clone(),
            probes_deferred: watch.probes_deferred.clone(),
            late: watch.late.clone(),
            spilled: watch.spills.clone(),
            decode_cpu: metrics.decode_cpu.clone(),
        };
        Downstream::new(self, stats)
    }

    /// Waits until every frame that came has been analysed and its answer handed on.
    pub(super) fn drain(&self, deadline: Duration) -> bool {
        self.queue.wait_idle(deadline)
    }

    /// How many frames a second are wanted around `media_time`.
    fn fps(&self, media_time: Duration) -> f32 {
        let pace = &self.command.pace;
        let level = match self.command.level() {
            // It is one of few.
            level if level.is_sparse() && self.admitted.load(Ordering::Acquire) => {
                CoverageLevel::Full
            }
            level => level,
        };
        let (calm, near) = (pace.fps(level, false), pace.fps(level, true));
        // Replay must decide alike every time: where it depends on who is in the frames before,
        // it waits until they have been looked at.
        if self.when_full == WhenFull::Block && calm < near {
            let due = |fps| self.rate.is_due(media_time, fps);
            if due(near) && !due(calm) {
                self.drain(SETTLE);
            }
        }
        if self.observed.needs_near_rate() {
            near
        } else {
            calm
        }
    }

    /// Refuses further frames; a writer that waits for room goes on.
    pub(super) fn close(&self) {
        self.gives_up_its_place();
        self.queue.close();
    }

    fn gives_up_its_place(&self) {
        if self.admitted.swap(false, Ordering::AcqRel) {
            self.admission.leaves(&self.camera);
        }
    }
}

impl Sink for CameraSink {
    fn frame(&self, frame: Frame) {
        self.metrics.decoded.inc();
        self.signals.liveness().mark(frame.arrived);
        let fps = self.fps(frame.media_time);
        if !self.rate.wants(frame.media_time, fps) {
            self.metrics.above_rate.inc();
        } else if self.command.pace.sleeps() {
            self.queue.offer_woken(frame);
        } else {
            self.queue.offer(frame);
        }
    }

    fn probe(&self, frame: Frame) {
        self.metrics.decoded.inc();
        self.signals.liveness().mark(frame.arrived);
        // The governor's keyframes are part of what is followed, so the rate counts them. In watch
        // mode the gate says which.
        if self.command.follows_keyframes() {
            let fps = self.command.pace.keyframes_fps();
            if !self.rate.wants(frame.media_time, fps) {
                self.metrics.above_rate.inc();
                return;
            }
        }
        self.metrics.watch.probed.inc();
        self.observed.set_headroom(self.admission.has_headroom());
        self.queue.offer(frame);
    }

    fn note(&self, note: Note) {
        match note {
            Note::Opened => self.signals.set_answered(),
            Note::Format {
                size,
                decoder,
                codec,
            } => {
                tracing::info!(%codec, %decoder, width = size.width, height = size.height, "stream format");
                self.signals.set_format(Format { size, decoder });
            }
            Note::Woke(reason) => {
                self.signals.set_woke_by(reason);
                // It goes to sleep at its first keyframe, and until then promises no more.
                self.observed
                    .set_asleep(reason == WakeReason::Start && self.command.pace.sleeps());
                self.metrics.watch.asleep.set(0);
                self.metrics.watch.woke(reason.name());
            }
            Note::Asleep => {
                self.gives_up_its_place();
                self.observed.set_asleep(true);
                self.metrics.watch.asleep.set(1);
            }
            Note::KeyframesApart(apart) => {
                self.observed.set_keyframes_apart(apart);
                // Nothing that the driver waits for.
                return;
            }
            Note::Ended => self.signals.set_end(End::Ended),
            Note::Failed(error) => self.signals.set_end(End::Failed(error)),
        }
        self.signals.tell();
    }
}

impl Policy for CameraSink {
    fn allowance(&self) -> Allowance {
        Allowance {
            level: self.command.level(),
            headroom: self.admission.has_headroom(),
        }
    }

    fn wanted(&self) -> bool {
        // Replay must decide alike every time, so it waits until every answer is there.
        if self.when_full == WhenFull::Block {
            self.drain(SETTLE);
        }
        self.observed.is_active()
    }

    fn needs(&self, media_time: Duration) -> bool {
        let fps = self.fps(media_time);
        self.rate.is_due(media_time, fps)
    }

    fn admits(&self, reason: WakeReason) -> bool {
        if !self.command.level().is_sparse() {
            return true;
        }
        let claim = Claim::of(reason, self.priority);
        let admitted = self.admission.asks(&self.camera, claim, self.clock.now());
        self.admitted.store(admitted, Ordering::Release);
        admitted
    }

    fn has_room(&self, at_most: Duration) -> bool {
        // A lossless queue replaces nothing: whoever offers waits there.
        if self.when_full == WhenFull::Block {
            return true;
        }
        if !at_most.is_zero() {
            self.queue.wait_room(at_most);
        }
        self.queue.has_room()
    }
}
