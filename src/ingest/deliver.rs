//! From samples and bus messages to frames and notes: what stays of a session while its
//! pipelines come and go.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use gstreamer as gst;
use gstreamer_app as gst_app;

use super::classify::classify;
use super::cost;
use super::error::{SourceError, SourceErrorKind};
use super::output::{LatestChange, Output};
use super::progress::Arrival;
use super::{Downstream, Note, Policy, Sink, StreamStats};
use crate::base::clock::SharedClock;
use crate::base::locks::{Leaf, Session};
use crate::base::tasks::panic_message;
use crate::config::types::{CameraConfig, Pace, SourceConfig};
use crate::model::frame::Frame;
use crate::model::ids::CameraId;
use crate::model::time::UtcMicros;

/// How the end of a session is told exactly once.
enum End {
    /// `open` has not returned yet: an end is kept, for `open` may return it as its error.
    Opening(Option<Note>),
    Running,
    Over,
}

/// What all pipelines of one session share.
pub(super) struct Core {
    pub(super) camera: CameraConfig,
    pub(super) pipeline: Session<Option<gst::Pipeline>>,
    pub(super) stopped: AtomicBool,
    pub(super) output: Leaf<Output>,
    /// What followed keyframes showed.
    pub(super) changed: LatestChange,
    clock: SharedClock,
    file_start: Option<UtcMicros>,
    downstream: Downstream,
    /// As it was told last; 0 before.
    keyframes_apart_nanos: AtomicU64,
    end: Leaf<End>,
    /// An end was told, or is kept to be; asked for with every picture.
    over: AtomicBool,
    opened: AtomicBool,
}

impl Core {
    /// `file_start` is the capture time of a file's first frame; none for live sources.
    pub(super) fn new(
        camera: CameraConfig,
        clock: SharedClock,
        file_start: Option<UtcMicros>,
        downstream: Downstream,
    ) -> Arc<Self> {
        Arc::new(Self {
            output: Leaf::new(Output::new(&camera)),
            changed: LatestChange::default(),
            camera,
            pipeline: Session::new(None),
            stopped: AtomicBool::new(false),
            clock,
            file_start,
            downstream,
            keyframes_apart_nanos: AtomicU64::new(0),
            end: Leaf::new(End::Opening(None)),
            over: AtomicBool::new(false),
            opened: AtomicBool::new(false),
        })
    }

    pub(super) fn id(&self) -> &CameraId {
        &self.camera.id
    }

    pub(super) fn sink(&self) -> &dyn Sink {
        self.downstream.sink.as_ref()
    }

    pub(super) fn policy(&self) -> &dyn Policy {
        self.downstream.policy.as_ref()
    }

    pub(super) fn stats(&self) -> &StreamStats {
        &self.downstream.stats
    }

    /// A coded picture came: the camera lives, although nothing may be decoded.
    pub(super) fn alive(&self) {
        self.stats().liveness.mark(self.clock.now());
    }

    /// The two latest keyframes are so far apart.
    pub(super) fn keyframes_apart(&self, apart: Duration) {
        let nanos = u64::try_from(apart.as_nanos()).unwrap_or(u64::MAX);
        if self.keyframes_apart_nanos.swap(nanos, Ordering::Relaxed) != nanos {
            self.tell(Note::KeyframesApart(apart));
        }
    }

    /// Whether the picture of this time would be looked at (running time of its segment).
    pub(super) fn needs(&self, stamp: Duration) -> bool {
        let media_time = self
            .output
            .lock()
            .progress
            .media
            .out_of_sequence(Some(stamp));
        self.policy().needs(media_time)
    }

    /// Whether the file is to start again at its end.
    pub(super) fn repeats(&self) -> bool {
        matches!(self.camera.source, SourceConfig::File { repeat: true, .. })
    }

    /// Whether buffers need presentation times of our making, and the sink paces by them.
    pub(super) fn paces(&self) -> bool {
        let pace = Pace::RealTime;
        matches!(&self.camera.source, SourceConfig::File { pace: wanted, .. } if *wanted == pace)
    }

    /// Runs a callback's body; a panic in it ends this session and nothing else.
    pub(super) fn guarded<T>(&self, fallback: T, body: impl FnOnce() -> T) -> T {
        catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| {
            let message = panic_message(payload.as_ref());
            tracing::error!(camera = %self.id(), message, "a source's callback panicked");
            self.finish(Note::Failed(SourceError::new(
                SourceErrorKind::Panicked,
                &message,
            )));
            fallback
        })
    }

    pub(super) fn fail(&self, error: SourceError) {
        self.finish(Note::Failed(error));
    }

    /// Tells the end, the first time it is called. What elements post while the source is being
    /// stopped (a server that hangs up on the farewell) is no end of its own.
    pub(super) fn finish(&self, note: Note) {
        if self.stopped.load(Ordering::Acquire) {
            return;
        }
        {
            let mut end = self.end.lock();
            self.over.store(true, Ordering::Release);
            match &mut *end {
                End::Opening(kept) => {
                    kept.get_or_insert(note);
                    return;
                }
                End::Running => *end = End::Over,
                End::Over => return,
            }
        }
        self.tell(note);
    }

    /// `open` is about to return: hands out the error that came so far, or lets ends through.
    pub(super) fn opened_with(&self, started: bool) -> Result<(), SourceError> {
        let kept = {
            let mut end = self.end.lock();
            let kept = match &mut *end {
                End::Opening(kept) => kept.take(),
                _ => None,
            };
            *end = if started && kept.is_none() {
                End::Running
            } else {
                self.over.store(true, Ordering::Release);
                End::Over
            };
            kept
        };
        match kept {
            Some(Note::Failed(error)) if !started => Err(error),
            Some(note) => {
                self.tell(note);
                Ok(())
            }
            None if started => Ok(()),
            None => Err(SourceError::new(
                SourceErrorKind::Other,
                "the pipeline does not start",
            )),
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.stopped.load(Ordering::Acquire) || self.over.load(Ordering::Acquire)
    }

    /// Says `Opened` once, however many runs the session has.
    pub(super) fn say_opened(&self) {
        if !self.opened.swap(true, Ordering::AcqRel) {
            self.tell(Note::Opened);
        }
    }

    pub(super) fn tell(&self, note: Note) {
        let told = catch_unwind(AssertUnwindSafe(|| self.sink().note(note)));
        if told.is_err() {
            tracing::error!(camera = %self.id(), "a sink panicked while it was told something");
        }
    }

    /// Frames since the source was opened or began again.
    pub(super) fn frames_in_run(&self) -> u64 {
        self.output.lock().progress.frames_in_run
    }

    /// The stream is over in good order; without a picture it was none.
    pub(super) fn ended(&self) {
        if self.frames_in_run() == 0 {
            let text = "the source ended without a single picture";
            self.fail(SourceError::new(SourceErrorKind::Decode, text));
        } else {
            self.finish(Note::Ended);
        }
    }

    /// Reads a bus message; called on whatever thread posts it.
    pub(super) fn message(&self, message: &gst::Message) -> bool {
        match message.view() {
            gst::MessageView::Error(error) => {
                let debug = error.debug();
                self.fail(classify(&error.error(), debug.as_deref()));
                false
            }
            gst::MessageView::Eos(_) if self.repeats() && self.frames_in_run() > 0 => true,
            gst::MessageView::Eos(_) => {
                self.ended();
                false
            }
            _ => false,
        }
    }

    /// Takes a decoded picture out of the sink and hands it on.
    pub(super) fn sample(
        &self,
        sink: &gst_app::AppSink,
    ) -> Result<gst::FlowSuccess, gst::FlowError> {
        if let Some(spent) = cost::end() {
            self.stats().decode_cpu.add(spent);
        }
        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Flushing)?;
        if self.is_over() {
            return Err(gst::FlowError::Eos);
        }
        let arrival = Arrival {
            now: self.clock.now(),
            utc: UtcMicros(self.clock.utc_micros()),
            file_start: self.file_start,
        };
        let decoded = self.output.lock().decoded(&sample, arrival);
        match decoded {
            Ok(decoded) => {
                if let Some(note) = decoded.format {
                    self.tell(note);
                }
                self.changed.note(decoded.change);
                if decoded.frame.probe {
                    self.keep_out_of_sequence(decoded.frame);
                } else {
                    self.sink().frame(decoded.frame);
                }
                Ok(gst::FlowSuccess::Ok)
            }
            Err(error) => {
                self.fail(error);
                Err(gst::FlowError::Error)
            }
        }
    }

    /// Keeps the newest; whoever had it decoded takes it.
    fn keep_out_of_sequence(&self, frame: Frame) {
        let before = self.output.lock().routing.out_of_sequence.replace(frame);
        if before.is_some() {
            self.stats().unused();
        }
    }
}
