//! Performs the [`gate`](super::gate)'s decisions before the decoder.
//!
//! Everything runs on one thread at a time, the one that has the stream's [state](StreamState): a coded
//! picture that is decoded is chained into the decoder from there, so that replayed pictures stand before
//! the one that woke the camera and nothing can come between. Where GStreamer receives, that thread is its
//! streaming thread, inside a probe on the decoder's sink pad ([`install`]); where `rtsp` receives, a
//! picture is decided on by the task that received it ([`judge`]), and what needs the decoder is done by
//! another thread, which the state is handed to and comes back from ([`DecodeStep::perform`]). What the
//! decoder gives is told apart by its presentation time ([`routing`](super::routing)), which holds for
//! decoders with threads of their own too.
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
mod state;
mod step;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use gst::prelude::*;
use gstreamer as gst;

use super::deliver::Core;

pub(super) use decide::{Job, Next, defer, judge};
pub(super) use state::{Parked, StreamState};
pub(super) use step::{CATCH_UP_WAIT, DecodeStep};

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
pub(super) fn install(core: &Arc<Core>, parked: &Arc<Parked>, decoder: &gst::Element, codec: &str) {
    let Some(pad) = decoder.static_pad("sink") else {
        return;
    };
    end_drains(decoder);
    let h264 = codec == "h264";
    let (weak, parked) = (Arc::downgrade(core), Arc::clone(parked));
    let kinds = gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM;
    pad.add_probe(kinds, move |pad, info| {
        let Some(core) = weak.upgrade() else {
            return gst::PadProbeReturn::Ok;
        };
        let Some(mut state) = parked.take() else {
            return gst::PadProbeReturn::Ok;
        };
        let done = pass(&core, &mut state, pad, info, h264);
        parked.bring_back(state);
        done
    });
}

/// What comes by before the decoder.
fn pass(
    core: &Core,
    state: &mut StreamState,
    pad: &gst::Pad,
    info: &mut gst::PadProbeInfo<'_>,
    h264: bool,
) -> gst::PadProbeReturn {
    match info.data.take() {
        Some(gst::PadProbeData::Buffer(buffer)) => {
            let failed = Err(gst::FlowError::Error);
            info.flow_res = match core.guarded(None, || Some(judge(core, state, buffer, h264))) {
                Some(Next::Through(buffer)) => {
                    info.data = Some(gst::PadProbeData::Buffer(buffer));
                    return gst::PadProbeReturn::Ok;
                }
                Some(Next::Gone) => Ok(gst::FlowSuccess::Ok),
                Some(Next::Decided(job)) => core.guarded(failed, || {
                    DecodeStep {
                        core,
                        state,
                        entry: pad,
                        decoder: pad,
                    }
                    .whole(job)
                }),
                None => failed,
            };
            gst::PadProbeReturn::Handled
        }
        other => {
            if let Some(gst::PadProbeData::Event(event)) = &other {
                state.event(event, h264);
            }
            info.data = other;
            gst::PadProbeReturn::Ok
        }
    }
}
