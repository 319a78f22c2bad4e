//! Performs the [`gate`](super::gate)'s decisions before the decoder.
//!
//! Everything runs on one thread at a time: a coded picture that is decoded is chained into the
//! decoder from there, so that replayed pictures stand before the one that woke the camera and
//! nothing can come between. Where GStreamer receives, that thread is its streaming thread, inside a
//! probe on the decoder's sink pad ([`install`]); where `rtsp` receives, a picture is decided on by
//! the thread that received it and what needs the decoder is done by another ([`judge`],
//! [`Turn::perform`]). What the decoder gives is told apart by its presentation time ([`Fates`]),
//! which holds for decoders with threads of their own too.
//!
//! A sleeping camera's keyframe must come out at once, and a decoder may keep it for reordering:
//! where none came out the decoder is drained. Of the events that do that a SEGMENT_DONE changes
//! nothing else (a GAP drains only in trick modes); it ends at the decoder. A drained decoder needs
//! a keyframe to go on from, which is what it gets: the next one, or the one that a wake begins
//! with. Pictures without time (raw streams) cannot be gated and are all decoded.
//!
//! Awake, a picture that no other refers to (H.264: `nal_ref_idc` 0) is decoded only if the sink
//! would look at it at its analysis rate. Of H.265 all are decoded: there the type of a picture
//! alone does not tell whether one of a higher layer refers to it.
//!
//! In always mode at the full level a picture is only read, counted and goes its way.

mod decide;
mod fates;
#[cfg(test)]
mod tests;
mod turn;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gst::prelude::*;
use gstreamer as gst;
use parking_lot::Mutex;

use super::background::{Background, Change};
use super::deliver::Core;
use super::error::{SourceError, SourceErrorKind};
use super::gate::{Gate, Unit, UnitKind, Urgency};
use super::gop_ring::{Bounds, GopRing};
use super::slice::{Continuity, Slice, SliceReader, Verdict};
use crate::config::types::{WatchConfig, WatchMode};
use crate::model::frame::Frame;
use fates::Fates;

use decide::Wish;
pub(super) use decide::{Job, Next, defer, judge};
pub(super) use fates::Fate;
pub(super) use turn::Turn;

/// While a camera that woke catches up, its frames come faster than they were taken: each waits
/// this long at most for the one before to be looked at, so that it is not simply replaced.
pub(super) const CATCH_UP_WAIT: Duration = Duration::from_millis(100);

/// Pictures held at most, whatever their size: a group of a minute at 10 a second.
const RING_PICTURES: usize = 600;

/// A coded picture.
#[derive(Debug)]
struct Held {
    buffer: gst::Buffer,
    pts: gst::ClockTime,
}

struct Course {
    gate: Gate,
    ring: GopRing<Held>,
    reader: SliceReader,
    /// What was read of the present picture.
    slice: Option<Slice>,
    continuity: Continuity,
    segment: gst::FormattedSegment<gst::ClockTime>,
    /// A look that waits for somebody who decodes.
    wish: Option<Wish>,
    /// What a wake left to be decoded before the next picture.
    backlog: VecDeque<Held>,
    /// The latest time that the decoder was fed with.
    fed: gst::ClockTime,
    /// The decoder gave all that went in, and what comes next begins with a keyframe.
    rests: bool,
    blind: u32,
    told: bool,
}

impl Course {
    fn event(&mut self, event: &gst::Event, h264: bool) {
        match event.view() {
            gst::EventView::Caps(caps) => self.reader.configure(caps.caps(), h264),
            gst::EventView::Segment(segment) => {
                if let Some(segment) = segment.segment().downcast_ref::<gst::ClockTime>() {
                    self.segment = segment.clone();
                }
            }
            _ => {}
        }
    }
}

/// One session's gate; its pipelines come and go.
pub(super) struct Watch {
    /// In always mode: nothing but the sink's level leaves out a picture.
    always: bool,
    course: Mutex<Course>,
    fates: Mutex<Fates>,
    background: Mutex<(Background, Change)>,
    /// The probe is chaining a picture, which passes it once more.
    passing: AtomicBool,
}

impl Watch {
    /// Of a camera whose heartbeats begin at `phase`, 0 to 1.
    pub(super) fn of(config: &WatchConfig, phase: f32) -> Self {
        Self {
            always: config.mode == WatchMode::Always,
            course: Mutex::new(Course {
                gate: Gate::new(*config, phase),
                ring: GopRing::new(Bounds {
                    bytes: config.ring_bytes,
                    pictures: RING_PICTURES,
                }),
                reader: SliceReader::default(),
                slice: None,
                continuity: Continuity::default(),
                segment: gst::FormattedSegment::new(),
                wish: None,
                backlog: VecDeque::new(),
                fed: gst::ClockTime::ZERO,
                rests: false,
                blind: 0,
                told: false,
            }),
            fates: Mutex::new(Fates {
                from: Some(gst::ClockTime::ZERO),
                ..Fates::default()
            }),
            background: Mutex::new((Background::new(config.sensitivity), Change::None)),
            passing: AtomicBool::new(false),
        }
    }

    /// What the pictures that follow are, where no caps pass a probe to tell.
    pub(super) fn configure(
        &self,
        caps: &gst::CapsRef,
        segment: gst::FormattedSegment<gst::ClockTime>,
    ) {
        let h264 = caps
            .structure(0)
            .is_some_and(|structure| structure.name() == "video/x-h264");
        let mut course = self.course.lock();
        course.reader.configure(caps, h264);
        course.segment = segment;
    }

    /// The stream begins anew, at a keyframe; its times do too.
    pub(super) fn restart(&self) {
        let mut course = self.course.lock();
        course.gate.restart();
        course.ring.clear();
        course.backlog.clear();
        course.wish = None;
        course.reader = SliceReader::default();
        course.continuity = Continuity::default();
        course.fed = gst::ClockTime::ZERO;
        let mut fates = self.fates.lock();
        *fates = Fates {
            from: fates.from.map(|_| gst::ClockTime::ZERO),
            ..Fates::default()
        };
    }

    /// Whether the picture can be one of the stream; notes what was read of it. An H.264 keyframe that is
    /// none goes undecoded; where pictures do not follow on each other the source has failed.
    fn admits(&self, core: &Core, buffer: &gst::Buffer, h264: bool) -> bool {
        let mut course = self.course.lock();
        let map = buffer.map_readable().ok().filter(|_| h264);
        course.slice = map.and_then(|map| course.reader.read(map.as_slice()));
        let Some(slice) = course.slice else {
            return true;
        };
        let verdict = course.continuity.take(&slice);
        drop(course);
        match verdict {
            Verdict::Sound => return true,
            Verdict::Senseless => drop(core.stats().undecoded.inc()),
            Verdict::Broken => core.fail(SourceError::new(
                SourceErrorKind::Decode,
                "the pictures do not follow on each other; what comes is no H.264 stream",
            )),
        }
        false
    }

    /// Whether the decoder is not needed before the next keyframe, and has nothing in it.
    pub(super) fn rests(&self) -> bool {
        self.course.lock().rests
    }

    /// How much the pictures of the awake camera are needed: in always mode nothing says that they
    /// show anything.
    pub(super) fn followed_urgency(&self) -> Urgency {
        if self.always {
            Urgency::Due
        } else {
            Urgency::Followed
        }
    }

    /// How much it is needed that somebody decodes what is held, where it is.
    pub(super) fn wishes(&self) -> Option<Urgency> {
        self.course.lock().wish.map(|wish| wish.urgency)
    }

    /// What becomes of a picture that the decoder gives, and its own time.
    pub(super) fn fate(&self, pts: Option<gst::ClockTime>) -> (Fate, Option<gst::ClockTime>) {
        let Some(pts) = pts else {
            return (Fate::Follow(Duration::ZERO), None);
        };
        let mut fates = self.fates.lock();
        let own = fates.real(pts);
        (fates.of(own), Some(own))
    }

    /// A picture of the sequence came: a keyframe is compared with the background.
    pub(super) fn followed(&self, frame: &Frame, pts: Option<gst::ClockTime>) {
        let mut fates = self.fates.lock();
        let Some(place) = fates.keys.iter().position(|key| Some(*key) == pts) else {
            return;
        };
        fates.keys.drain(..=place);
        drop(fates);
        self.compare(frame);
    }

    /// A picture beside the sequence came; the newest is kept, the one before comes back.
    pub(super) fn beside(&self, frame: Frame) -> Option<Frame> {
        self.fates.lock().beside.replace(frame)
    }

    fn compare(&self, frame: &Frame) {
        if self.always {
            return;
        }
        let mut background = self.background.lock();
        let luma = (frame.planes.plane(0), frame.planes.stride(0));
        let changed = background
            .0
            .look(luma.0, luma.1, frame.size, frame.media_time);
        background.1 = background.1.max(changed);
    }

    fn changed(&self) -> Change {
        std::mem::take(&mut self.background.lock().1)
    }
}

/// Lets the event that drains a decoder end there.
pub(super) fn end_drains(decoder: &gst::Element) {
    if let Some(out) = decoder.static_pad("src") {
        out.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, |_, info| {
            match info.event().map(|event| event.type_()) {
                // Handled and not dropped: the bindings hold the event, which ends with `info`.
                Some(gst::EventType::SegmentDone) => gst::PadProbeReturn::Handled,
                _ => gst::PadProbeReturn::Ok,
            }
        });
    }
}

/// Puts the session's gate before the decoder.
pub(super) fn install(core: &Arc<Core>, decoder: &gst::Element, codec: &str) {
    let Some(pad) = decoder.static_pad("sink") else {
        return;
    };
    end_drains(decoder);
    let h264 = codec == "h264";
    let weak = Arc::downgrade(core);
    let kinds = gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM;
    pad.add_probe(kinds, move |pad, info| {
        let Some(core) = weak.upgrade() else {
            return gst::PadProbeReturn::Ok;
        };
        let watch = &core.watch;
        if watch.passing.load(Ordering::Acquire) {
            return gst::PadProbeReturn::Ok;
        }
        match info.data.take() {
            Some(gst::PadProbeData::Buffer(buffer)) => {
                let turn = Turn {
                    core: &core,
                    watch,
                    entry: pad,
                    decoder: pad,
                };
                let failed = Err(gst::FlowError::Error);
                info.flow_res = match core.guarded(None, || Some(judge(&core, buffer, h264))) {
                    Some(Next::Through(buffer)) => {
                        info.data = Some(gst::PadProbeData::Buffer(buffer));
                        return gst::PadProbeReturn::Ok;
                    }
                    Some(Next::Gone) => Ok(gst::FlowSuccess::Ok),
                    Some(Next::Decided(job)) => core.guarded(failed, || turn.whole(job)),
                    None => failed,
                };
                gst::PadProbeReturn::Handled
            }
            other => {
                if let Some(gst::PadProbeData::Event(event)) = &other {
                    watch.course.lock().event(event, h264);
                }
                info.data = other;
                gst::PadProbeReturn::Ok
            }
        }
    });
}

fn is_key(buffer: &gst::Buffer) -> bool {
    !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT)
}

/// What the gate must know of a coded picture.
fn measure(buffer: &gst::Buffer, pts: gst::ClockTime, slice: Option<Slice>) -> Unit {
    let kind = match slice {
        _ if is_key(buffer) => UnitKind::Key,
        Some(slice) if !slice.reference => UnitKind::NonReference,
        _ => UnitKind::Reference,
    };
    Unit {
        kind,
        bytes: buffer.size(),
        qp: slice.and_then(|slice| slice.qp),
        pts: Duration::from_nanos(pts.nseconds()),
    }
}
