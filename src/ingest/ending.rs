//! What every pipeline ends in: the sink that takes its pictures, the bus that tells its troubles, and
//! whose both are.

use std::sync::{Arc, Weak};

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;
use parking_lot::Mutex;

use super::decoder;
use super::deliver::Core;
use super::error::SourceError;
use super::gst_source::start_again;
use super::pipeline::other;

/// Whose pictures and messages come out of a pipeline. Held weakly: a dropped session takes
/// everything with it.
#[derive(Debug)]
pub(super) struct Owner(Mutex<Weak<Core>>);

impl Owner {
    pub(super) fn of(core: &Arc<Core>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Arc::downgrade(core))))
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
/// time.
///
/// # Errors
/// Only such as cannot happen.
pub(super) fn ending(
    owner: &Arc<Owner>,
    name: &str,
    paced: bool,
) -> Result<(gst::Pipeline, gst_app::AppSink), SourceError> {
    let pipeline = gst::Pipeline::with_name(name);
    pipeline.use_clock(Some(&gst::SystemClock::obtain()));
    let sink = picture_sink(owner, paced);
    pipeline.add(&sink).map_err(|error| other(&error))?;
    watch_bus(owner, &pipeline);
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

fn watch_bus(owner: &Arc<Owner>, pipeline: &gst::Pipeline) {
    let Some(bus) = pipeline.bus() else { return };
    let owner = Arc::clone(owner);
    let weak_pipeline = pipeline.downgrade();
    bus.set_sync_handler(move |_, message| {
        if let (Some(core), Some(pipeline)) = (owner.session(), weak_pipeline.upgrade()) {
            let again = core.guarded(false, || core.message(message));
            if again {
                start_again(&core, &pipeline);
            }
        }
        // Nobody reads the queue, so nothing may stay in it.
        gst::BusSyncReply::Drop
    });
}
