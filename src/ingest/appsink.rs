//! What every pipeline ends in: the sink that takes its pictures, the bus that tells its troubles,
//! whose both are, and how it is stopped.

use std::sync::{Arc, Weak};

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;

use super::decoder;
use super::deliver::Core;
use super::elements::other;
use super::error::SourceError;
use crate::base::locks::Leaf;

/// Whose pictures and messages come out of a pipeline. Held weakly: a dropped session takes
/// everything with it.
#[derive(Debug)]
pub(super) struct Owner(Leaf<Weak<Core>>);

impl Owner {
    pub(super) fn of(core: &Arc<Core>) -> Arc<Self> {
        Arc::new(Self(Leaf::new(Arc::downgrade(core))))
    }

    /// From now on they are this session's.
    pub(super) fn enter(&self, core: &Arc<Core>) {
        *self.0.lock() = Arc::downgrade(core);
    }

    /// From now on they are nobody's.
    pub(super) fn leave(&self) {
        *self.0.lock() = Weak::new();
    }

    fn session(&self) -> Option<Arc<Core>> {
        self.0.lock().upgrade()
    }
}

/// What every pipeline has: its end, and whom it tells. With `paced` it waits for each picture's
/// time; `again` is called where it has ended and is to begin anew, on the thread that found out.
///
/// # Errors
/// Only such as cannot happen.
pub(super) fn ending(
    owner: &Arc<Owner>,
    name: &str,
    paced: bool,
    again: impl Fn(&Arc<Core>, &gst::Pipeline) + Send + Sync + 'static,
) -> Result<(gst::Pipeline, gst_app::AppSink), SourceError> {
    let pipeline = gst::Pipeline::with_name(name);
    pipeline.use_clock(Some(&gst::SystemClock::obtain()));
    let sink = picture_sink(owner, paced);
    pipeline.add(&sink).map_err(|error| other(&error))?;
    hear_bus(owner, &pipeline, again);
    Ok((pipeline, sink))
}

fn picture_sink(owner: &Arc<Owner>, paced: bool) -> gst_app::AppSink {
    let sink = gst_app::AppSink::builder()
        .caps(&decoder::picture_caps())
        .max_buffers(1)
        .drop(false)
        .sync(paced)
        .qos(false)
        .enable_last_sample(false)
        .wait_on_eos(false)
        .build();
    let owner = Arc::clone(owner);
    sink.set_callbacks(
        gst_app::AppSinkCallbacks::builder()
            .new_sample(move |sink| match owner.session() {
                Some(core) => core.guarded(Err(gst::FlowError::Error), || core.sample(sink)),
                None => Err(gst::FlowError::Flushing),
            })
            .build(),
    );
    if let Some(pad) = sink.static_pad("sink") {
        // Without the promise to read GstVideoMeta a decoder copies each picture into
        // tightly packed planes.
        pad.add_probe(gst::PadProbeType::QUERY_DOWNSTREAM, |_, info| {
            match info.query_mut().map(gst::QueryRef::view_mut) {
                Some(gst::QueryViewMut::Allocation(allocation)) => {
                    allocation.add_allocation_meta::<gst_video::VideoMeta>(None);
                    gst::PadProbeReturn::Handled
                }
                _ => gst::PadProbeReturn::Ok,
            }
        });
    }
    sink
}

fn hear_bus(
    owner: &Arc<Owner>,
    pipeline: &gst::Pipeline,
    again: impl Fn(&Arc<Core>, &gst::Pipeline) + Send + Sync + 'static,
) {
    let Some(bus) = pipeline.bus() else { return };
    let owner = Arc::clone(owner);
    let weak_pipeline = pipeline.downgrade();
    bus.set_sync_handler(move |_, message| {
        if let (Some(core), Some(pipeline)) = (owner.session(), weak_pipeline.upgrade())
            && core.guarded(false, || core.message(message))
        {
            again(&core, &pipeline);
        }
        // Nobody reads the queue, so nothing may stay in it.
        gst::BusSyncReply::Drop
    });
}

/// Stops a pipeline and waits until none of its threads runs.
pub(super) fn retire(pipeline: &gst::Pipeline) {
    // Going to NULL cannot fail for any element in use here, and waits for streaming threads.
    if let Err(error) = pipeline.set_state(gst::State::Null) {
        tracing::warn!(pipeline = %pipeline.name(), %error, "pipeline does not stop");
    }
    if let Some(bus) = pipeline.bus() {
        bus.unset_sync_handler();
    }
}
