//! What is known of a stream before its decoder: the gate, what is held, and how far the decoder was fed.
//!
//! It has one owner at a time and no lock: the task that receives, the decoding thread that a job took
//! it to ([`super::super::rtsp`]), or the pipeline's pad between two pictures ([`Parked`]).

use std::collections::VecDeque;
use std::time::Duration;

use gstreamer as gst;

use crate::base::locks::Stream;
use crate::config::types::{CameraConfig, WatchMode};
use crate::ingest::Allowance;
use crate::ingest::gate::{Gate, Unit, UnitKind, Urgency};
use crate::ingest::gop_ring::{Bounds, GopRing};
use crate::ingest::slice::{Continuity, SliceHeader, SliceReader};
use crate::model::ids::CameraId;

/// Pictures held at most, whatever their size: a group of a minute at 10 a second.
const RING_PICTURES: usize = 600;

/// A coded picture.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) buffer: gst::Buffer,
    pub(super) pts: gst::ClockTime,
}

/// A probe that waits for somebody who decodes; what is to be decoded for it is in the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PendingProbe {
    pub(super) what: ProbeTarget,
    pub(super) urgency: Urgency,
}

impl PendingProbe {
    /// How much the detector's probe is needed that did not take place. What was only to be
    /// compared the next keyframe shows as well.
    pub(super) fn owes(self) -> Urgency {
        match self.what {
            ProbeTarget::Key { analyse: false } => Urgency::Spare,
            _ => self.urgency,
        }
    }
}

/// What is probed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProbeTarget {
    /// The latest keyframe is compared, and given to the detector too if `analyse`.
    Key { analyse: bool },
    /// All that is held is decoded, and the detector gets the newest.
    Newest,
}

/// One stream's; its pipelines and decoders come and go.
pub(in crate::ingest) struct StreamState {
    /// In always mode: nothing but the policy's level leaves out a picture.
    pub(super) always: bool,
    pub(super) gate: Gate,
    pub(super) ring: GopRing<Held>,
    pub(super) reader: SliceReader,
    /// What the policy said when the latest picture came.
    pub(super) allowance: Allowance,
    /// What was read of the present picture.
    pub(super) slice: Option<SliceHeader>,
    pub(super) continuity: Continuity,
    pub(super) segment: gst::FormattedSegment<gst::ClockTime>,
    pub(super) pending: Option<PendingProbe>,
    /// What a wake left to be decoded before the next picture.
    pub(super) backlog: VecDeque<Held>,
    /// The latest time that the decoder was fed with.
    pub(super) fed: gst::ClockTime,
    /// The decoder gave all that went in, and what comes next begins with a keyframe.
    pub(super) rests: bool,
    /// Keyframes in sequence that gave no picture.
    pub(super) blind: u32,
    /// The sink knows that the camera begins awake.
    pub(super) told: bool,
}

impl StreamState {
    /// Of a stream that has not begun.
    pub(in crate::ingest) fn of(camera: &CameraConfig) -> Self {
        let config = &camera.watch;
        Self {
            always: config.mode == WatchMode::Always,
            gate: Gate::new(*config, phase(&camera.id)),
            ring: GopRing::new(Bounds {
                bytes: config.ring_bytes,
                pictures: RING_PICTURES,
            }),
            reader: SliceReader::default(),
            allowance: Allowance::FULL,
            slice: None,
            continuity: Continuity::default(),
            segment: gst::FormattedSegment::new(),
            pending: None,
            backlog: VecDeque::new(),
            fed: gst::ClockTime::ZERO,
            rests: false,
            blind: 0,
            told: false,
        }
    }

    /// What the pictures that follow are, where no caps pass a pad to tell.
    pub(in crate::ingest) fn configure(
        &mut self,
        caps: &gst::CapsRef,
        segment: gst::FormattedSegment<gst::ClockTime>,
    ) {
        let h264 = caps
            .structure(0)
            .is_some_and(|structure| structure.name() == "video/x-h264");
        self.reader.configure(caps, h264);
        self.segment = segment;
    }

    /// As [`StreamState::configure`], from what passes before the pictures.
    pub(super) fn event(&mut self, event: &gst::Event, h264: bool) {
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

    /// The stream begins anew, at a keyframe; its times do too.
    pub(in crate::ingest) fn restart(&mut self) {
        self.gate.restart();
        self.ring.clear();
        self.backlog.clear();
        self.pending = None;
        self.reader = SliceReader::default();
        self.continuity = Continuity::default();
        self.fed = gst::ClockTime::ZERO;
    }

    /// Whether the decoder is not needed before the next keyframe, and has nothing in it.
    pub(in crate::ingest) fn rests(&self) -> bool {
        self.rests
    }

    /// How much it is needed that somebody decodes what is held, where it is.
    pub(in crate::ingest) fn pending_urgency(&self) -> Option<Urgency> {
        self.pending.map(|pending| pending.urgency)
    }

    /// How much the pictures of the awake camera are needed: in always mode nothing says that they
    /// show anything.
    pub(in crate::ingest) fn followed_urgency(&self) -> Urgency {
        if self.always {
            Urgency::Due
        } else {
            Urgency::Followed
        }
    }

    /// The present picture, as far as the gate must know it.
    pub(super) fn measure(&self, buffer: &gst::Buffer, pts: gst::ClockTime) -> Unit {
        let kind = match self.slice {
            _ if is_key(buffer) => UnitKind::Key,
            Some(slice) if !slice.reference => UnitKind::NonReference,
            _ => UnitKind::Reference,
        };
        Unit {
            kind,
            bytes: buffer.size(),
            qp: self.slice.and_then(|slice| slice.qp),
            pts: Duration::from_nanos(pts.nseconds()),
        }
    }
}

pub(super) fn is_key(buffer: &gst::Buffer) -> bool {
    !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT)
}

/// A state between two pictures of a pipeline. Whoever handles one takes it out and brings it back; where
/// it is out, what comes by is what he feeds the decoder with.
pub(in crate::ingest) struct Parked(Stream<Option<Box<StreamState>>>);

impl Parked {
    pub(in crate::ingest) fn new(state: StreamState) -> Self {
        Self(Stream::new(Some(Box::new(state))))
    }

    pub(super) fn take(&self) -> Option<Box<StreamState>> {
        self.0.lock().take()
    }

    pub(super) fn bring_back(&self, state: Box<StreamState>) {
        *self.0.lock() = Some(state);
    }

    /// The stream begins anew; nothing of it passes meanwhile.
    pub(in crate::ingest) fn restart(&self) {
        if let Some(state) = &mut *self.0.lock() {
            state.restart();
        }
    }
}

/// Where in their heartbeats cameras are that begin together, 0 to 1: by the id, so that it is the same
/// every time.
fn phase(camera: &CameraId) -> f32 {
    // Ids that differ in their last letter have ranks that lie together.
    let mixed = camera.rank().wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed ^ (mixed >> 29)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f32
        / (1_u64 << 24) as f32
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
