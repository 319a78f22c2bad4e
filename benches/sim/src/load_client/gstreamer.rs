//! A viewer that is a pipeline of its own: `rtspsrc ! fakesink`, and for access units depayloader
//! and parser between them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gst::prelude::*;
use gstreamer as gst;

use super::config::LoadConfig;
use super::counts::Counts;
use crate::server::SimError;

/// Runs until it is dropped.
pub(super) struct Pipeline(gst::Pipeline);

impl Drop for Pipeline {
    fn drop(&mut self) {
        let _ = self.0.set_state(gst::State::Null);
        if let Some(bus) = self.0.bus() {
            bus.unset_sync_handler();
        }
    }
}

fn make(name: &str) -> Result<gst::Element, SimError> {
    gst::ElementFactory::make(name)
        .build()
        .map_err(|error| SimError::Server(error.to_string()))
}

/// Connects.
///
/// # Errors
/// `Server` when GStreamer has no `rtspsrc`.
pub(super) fn view(
    url: &str,
    config: &LoadConfig,
    counts: &Arc<Counts>,
) -> Result<Pipeline, SimError> {
    let source = make("rtspsrc")?;
    source.set_property("location", url);
    source.set_property_from_str("protocols", if config.udp { "udp" } else { "tcp" });
    source.set_property("latency", 0_u32);
    if let Some((user, password)) = &config.credentials {
        source.set_property("user-id", user);
        source.set_property("user-pw", password);
    }
    let sink = make("fakesink")?;
    sink.set_property("sync", false);
    sink.set_property("async", false);
    let pipeline = gst::Pipeline::new();
    pipeline
        .add_many([&source, &sink])
        .map_err(|error| SimError::Server(error.to_string()))?;
    connect(&source, &pipeline, &sink, config.units);
    count(&sink, counts, config.units);
    if let Some(bus) = pipeline.bus() {
        let counts = Arc::clone(counts);
        bus.set_sync_handler(move |_, message| {
            if let gst::MessageView::Error(error) = message.view() {
                counts.failed(error.error().message());
            }
            // Nobody reads the queue, so nothing may stay in it.
            gst::BusSyncReply::Drop
        });
    }
    let viewer = Pipeline(pipeline);
    if viewer.0.set_state(gst::State::Playing).is_err() {
        counts.failed("the viewer does not start");
    }
    Ok(viewer)
}

/// Links the first pad that shows.
fn connect(source: &gst::Element, pipeline: &gst::Pipeline, sink: &gst::Element, units: bool) {
    let linked = AtomicBool::new(false);
    let (weak_pipeline, weak_sink) = (pipeline.downgrade(), sink.downgrade());
    source.connect_pad_added(move |_, pad| {
        let (Some(pipeline), Some(sink)) = (weak_pipeline.upgrade(), weak_sink.upgrade()) else {
            return;
        };
        if linked.swap(true, Ordering::AcqRel) {
            return;
        }
        let chain = if units { parsers(pad) } else { Vec::new() };
        let joined = pipeline.add_many(&chain).and_then(|()| {
            gst::Element::link_many(chain.iter().chain([&sink]))?;
            chain
                .iter()
                .try_for_each(gst::Element::sync_state_with_parent)
        });
        let entry = chain.first().unwrap_or(&sink).static_pad("sink");
        if let (Ok(()), Some(entry)) = (joined, entry) {
            let _ = pad.link(&entry);
        }
    });
}

/// Depayloader and parser of a pad's codec; none of other codecs.
fn parsers(pad: &gst::Pad) -> Vec<gst::Element> {
    let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
    let encoding = caps
        .structure(0)
        .and_then(|structure| structure.get::<String>("encoding-name").ok());
    let codec = match encoding.as_deref() {
        Some("H264") => "h264",
        Some("H265") => "h265",
        _ => return Vec::new(),
    };
    let names = [format!("rtp{codec}depay"), format!("{codec}parse")];
    names.iter().filter_map(|name| make(name).ok()).collect()
}

fn count(sink: &gst::Element, counts: &Arc<Counts>, units: bool) {
    let Some(pad) = sink.static_pad("sink") else {
        return;
    };
    let counts = Arc::clone(counts);
    let kinds = gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST;
    pad.add_probe(kinds, move |_, info| {
        if let Some(buffer) = info.buffer() {
            take(&counts, buffer, units);
        }
        for buffer in info.buffer_list().iter().flat_map(|list| list.iter()) {
            take(&counts, buffer, units);
        }
        gst::PadProbeReturn::Ok
    });
}

fn take(counts: &Counts, buffer: &gst::BufferRef, units: bool) {
    // The last packet of a picture carries the marker bit (RFC 6184, RFC 7798); without parsers
    // the buffer is the packet as it came.
    let mut byte = [0];
    let whole = units || (buffer.copy_to_slice(1, &mut byte).is_ok() && byte[0] & 0x80 != 0);
    counts.take(buffer.size(), whole);
}
