//! From samples and bus messages to frames and notes: what stays of a session while its
//! pipelines come and go.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use gstreamer as gst;
use gstreamer_app as gst_app;
use parking_lot::Mutex;

use super::classify::classify;
use super::cost;
use super::error::{SourceError, SourceErrorKind};
use super::planes::GstPlanes;
use super::progress::Progress;
use super::sample::{ntp_nanos, stamp};
use super::timing::{from_file, from_ntp};
use super::watch::{Fate, Watch};
use super::{Downstream, Note, Policy, Sink, StreamStats};
use crate::base::clock::SharedClock;
use crate::base::tasks::panic_message;
use crate::config::types::{CameraConfig, Pace, SourceConfig};
use crate::model::frame::Frame;
use crate::model::ids::CameraId;
use crate::model::time::{CaptureTime, UtcMicros};

/// Where in their heartbeats cameras are that begin together: by the id, so that it is the same
/// every time.
fn phase(camera: &CameraId) -> f32 {
    // Ids that differ in their last letter have ranks that lie together.
    let mixed = camera.rank().wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed ^ (mixed >> 29)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f32
        / (1_u64 << 24) as f32
}

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
    pub(super) pipeline: Mutex<Option<gst::Pipeline>>,
    pub(super) stopped: AtomicBool,
    /// Decides what is decoded.
    pub(super) watch: Watch,
    clock: SharedClock,
    file_start: Option<UtcMicros>,
    downstream: Downstream,
    /// As it was told last; 0 before.
    keyframes_apart_nanos: AtomicU64,
    end: Mutex<End>,
    opened: AtomicBool,
    progress: Mutex<Progress>,
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
            watch: Watch::of(&camera.watch, phase(&camera.id)),
            camera,
            pipeline: Mutex::new(None),
            stopped: AtomicBool::new(false),
            clock,
            file_start,
            downstream,
            keyframes_apart_nanos: AtomicU64::new(0),
            end: Mutex::new(End::Opening(None)),
            opened: AtomicBool::new(false),
            progress: Mutex::new(Progress::new()),
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
        let media_time = self.progress.lock().media.beside(Some(stamp));
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
        self.stopped.load(Ordering::Acquire)
            || match &*self.end.lock() {
                End::Opening(kept) => kept.is_some(),
                End::Running => false,
                End::Over => true,
            }
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

    /// Notes which decoder the coming frames go through.
    pub(super) fn decoding(&self, decoder: &str, codec: &str) {
        let mut progress = self.progress.lock();
        decoder.clone_into(&mut progress.decoder);
        codec.clone_into(&mut progress.codec);
    }

    /// A file begins again.
    pub(super) fn new_run(&self) {
        self.watch.restart();
        let mut progress = self.progress.lock();
        let step = progress.step;
        progress.media.new_run(step);
        progress.caps = None;
        progress.frames_in_run = 0;
    }

    /// Frames since the source was opened or began again.
    pub(super) fn frames_in_run(&self) -> u64 {
        self.progress.lock().frames_in_run
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
        let pts = sample.buffer().and_then(gst::BufferRef::pts);
        let (fate, pts) = self.watch.fate(pts);
        match self.frame(&sample, fate, pts) {
            Ok((format, frame)) => {
                if let Some(note) = format {
                    self.tell(note);
                }
                if frame.glance {
                    if self.watch.beside(frame).is_some() {
                        self.stats().unused();
                    }
                } else {
                    self.watch.followed(&frame, pts);
                    self.sink().frame(frame);
                }
                Ok(gst::FlowSuccess::Ok)
            }
            Err(error) => {
                self.fail(error);
                Err(gst::FlowError::Error)
            }
        }
    }

    fn frame(
        &self,
        sample: &gst::Sample,
        fate: Fate,
        pts: Option<gst::ClockTime>,
    ) -> Result<(Option<Note>, Frame), SourceError> {
        let unsupported = |text: &str| SourceError::new(SourceErrorKind::Unsupported, text);
        let (Some(caps), Some(buffer)) = (sample.caps_owned(), sample.buffer_owned()) else {
            return Err(unsupported("a picture without a description or pixels"));
        };
        let mut progress = self.progress.lock();
        if progress.caps.as_ref() != Some(&caps) {
            progress.describe(caps)?;
        }
        let Some((info, picture)) = progress.info.clone() else {
            return Err(unsupported("a picture without a description"));
        };
        let arrived = self.clock.now();
        let (held, glance) = match fate {
            Fate::Follow(held) => (held, false),
            Fate::Beside(held) => (held, true),
        };
        let arrival = UtcMicros(self.clock.utc_micros()).before(held);
        let step = progress.step;
        let stamp = stamp(sample, pts);
        let media_time = if glance {
            progress.media.beside(stamp)
        } else {
            progress.media.next(stamp, step)
        };
        let capture = match self.file_start {
            Some(start) => from_file(start, media_time),
            None => ntp_nanos(&buffer)
                .and_then(|ntp| from_ntp(ntp, arrival))
                .unwrap_or_else(|| CaptureTime::arrival(arrival)),
        };
        let planes = GstPlanes::map(buffer, &info)
            .ok_or_else(|| unsupported("the decoder's memory cannot be read"))?;
        let frame = Frame {
            index: progress.index,
            size: picture.size,
            format: picture.format,
            colorimetry: picture.colorimetry,
            capture,
            media_time,
            arrived,
            held,
            glance,
            planes: Arc::new(planes),
        };
        progress.index += u64::from(!glance);
        progress.frames_in_run += 1;
        Ok((progress.format_note(picture), frame))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heartbeats_are_spread_whatever_the_cameras_are_called() {
        for prefix in ["gate-", "camera-0", "y"] {
            let mut tenths = [0; 10];
            for number in 0..1_000 {
                let id = CameraId::new(&format!("{prefix}{number}")).expect("a name");
                let phase = phase(&id);
                assert!((0.0..1.0).contains(&phase));
                tenths[(phase * 10.0) as usize] += 1;
            }
            assert!(tenths.iter().all(|n| (60..=140).contains(n)), "{tenths:?}");
        }
    }
}
