//! Puts a camera's pipeline together, and anew where a file begins again. Closures hold the session weakly,
//! so that a dropped session takes everything with it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;

use super::appsink::{Owner, ending, retire};
use super::deliver::Core;
use super::elements::{make, other};
use super::error::{SourceError, SourceErrorKind};
use super::sample::{DEFAULT_STEP, step_of};
use super::watch::{self, Parked};
use super::{cost, decoder};
use crate::config::types::{Credentials, SourceConfig, Transport};
use crate::model::geometry::Size;

/// The camera's whole pipeline, not yet running; `parked` is what is known of its stream.
///
/// # Errors
/// `Unsupported` when an element is not installed.
pub(super) fn build(core: &Arc<Core>, parked: &Arc<Parked>) -> Result<gst::Pipeline, SourceError> {
    let name = format!("camera-{}", core.id());
    let again = Arc::clone(parked);
    let (pipeline, sink) = ending(&Owner::of(core), &name, core.paces(), move |core, ended| {
        start_again(core, ended, &again);
    })?;
    match &core.camera.source {
        SourceConfig::Rtsp {
            url,
            transport,
            credentials,
            latency,
            client: _,
        } => {
            let source = rtsp_source(core, url.as_str(), *transport, *latency)?;
            log_in(&source, credentials.as_ref());
            pipeline.add(&source).map_err(|error| other(&error))?;
            link_when_known(core, parked, &pipeline, &source, &sink);
        }
        SourceConfig::File { path, .. } => {
            let source = make("filesrc")?;
            source.set_property("location", path);
            let parse = make(opener(path))?;
            pipeline
                .add_many([&source, &parse])
                .and_then(|()| source.link(&parse))
                .map_err(|error| other(&error))?;
            link_when_known(core, parked, &pipeline, &parse, &sink);
            if opener(path) == "parsebin" {
                tell_unknown(core, &parse, &sink);
            }
            if core.paces() && is_elementary(path) {
                stamp_by_counting(&sink);
            }
        }
        SourceConfig::Test { size, fps } => test_pattern(core, &pipeline, &sink, *size, *fps)?,
    }
    Ok(pipeline)
}

/// Plays a file again from its beginning. The pipeline is built anew: that works for every
/// container, raw streams included, which a seek does not.
///
/// Asked for on a streaming thread, done on one of GStreamer's pool, because a pipeline cannot
/// wait for the thread that stops it.
fn start_again(core: &Arc<Core>, ended: &gst::Pipeline, parked: &Arc<Parked>) {
    let (core, parked) = (Arc::clone(core), Arc::clone(parked));
    ended.call_async(move |ended| {
        core.guarded((), || {
            // Held throughout, so that a stop waits for the new pipeline and then ends it.
            let mut place = core.pipeline.lock();
            let current = place.as_ref() == Some(ended);
            if !current || core.stopped.load(Ordering::Acquire) {
                return;
            }
            retire(ended);
            *place = None;
            parked.restart();
            core.output.lock().new_run();
            match build(&core, &parked) {
                Ok(next) => {
                    *place = Some(next.clone());
                    if next.set_state(gst::State::Playing).is_err() {
                        core.fail(SourceError::new(
                            SourceErrorKind::Io,
                            "the file does not open again",
                        ));
                    }
                }
                Err(error) => core.fail(error),
            }
        });
    });
}

fn rtsp_source(
    core: &Arc<Core>,
    url: &str,
    transport: Transport,
    latency: Duration,
) -> Result<gst::Element, SourceError> {
    let source = make("rtspsrc")?;
    let patience = u64::try_from(core.camera.connect_timeout.as_micros()).unwrap_or(u64::MAX);
    source.set_property("location", url);
    source.set_property_from_str(
        "protocols",
        match transport {
            Transport::Tcp => "tcp",
            Transport::Udp => "udp",
        },
    );
    source.set_property(
        "latency",
        u32::try_from(latency.as_millis()).unwrap_or(u32::MAX),
    );
    source.set_property("tcp-timeout", patience);
    source.set_property("timeout", patience);
    source.set_property("do-rtsp-keep-alive", true);
    source.set_property("add-reference-timestamp-meta", true);
    source.set_property_from_str("user-agent", concat!("parapet/", env!("CARGO_PKG_VERSION")));
    // Only the first video stream is set up; audio is never even sent to us.
    let chosen = AtomicU64::new(u64::MAX);
    source.connect("select-stream", false, move |values| {
        let offered = (
            values.get(1).and_then(|value| value.get::<u32>().ok()),
            values
                .get(2)
                .and_then(|value| value.get::<gst::Caps>().ok()),
        );
        let (Some(index), Some(caps)) = offered else {
            return Some(false.to_value());
        };
        let video = caps
            .structure(0)
            .and_then(|s| s.get::<&str>("media").ok())
            .is_some_and(|media| media == "video");
        // A retry offers the same streams again, and the same one is taken.
        let taken = chosen.load(Ordering::Acquire);
        let select = video && (taken == u64::MAX || taken == u64::from(index));
        if select {
            chosen.store(u64::from(index), Ordering::Release);
        }
        Some(select.to_value())
    });
    Ok(source)
}

fn log_in(source: &gst::Element, credentials: Option<&Credentials>) {
    if let Some(credentials) = credentials {
        source.set_property("user-id", &credentials.user);
        source.set_property("user-pw", credentials.password.reveal());
    }
}

fn test_pattern(
    core: &Arc<Core>,
    pipeline: &gst::Pipeline,
    sink: &gst_app::AppSink,
    size: Size,
    fps: u32,
) -> Result<(), SourceError> {
    let source = make("videotestsrc")?;
    source.set_property("is-live", true);
    source.set_property_from_str("pattern", "ball");
    let number = |value: u32| i32::try_from(value).unwrap_or(i32::MAX);
    let filter = make("capsfilter")?;
    filter.set_property(
        "caps",
        gst::Caps::builder("video/x-raw")
            .field("format", "I420")
            .field("width", number(size.width))
            .field("height", number(size.height))
            .field("framerate", gst::Fraction::new(number(fps.max(1)), 1))
            .build(),
    );
    pipeline
        .add_many([&source, &filter])
        .and_then(|()| gst::Element::link_many([&source, &filter, sink.upcast_ref()]))
        .map_err(|error| other(&error))?;
    core.say_opened();
    Ok(())
}

/// Links the first video pad that `source` shows; tells when it shows none.
fn link_when_known(
    core: &Arc<Core>,
    parked: &Arc<Parked>,
    pipeline: &gst::Pipeline,
    source: &gst::Element,
    sink: &gst_app::AppSink,
) {
    let (weak, parked) = (Arc::downgrade(core), Arc::clone(parked));
    let (weak_pipeline, weak_sink) = (pipeline.downgrade(), sink.downgrade());
    source.connect_pad_added(move |_, pad| {
        let alive = (weak.upgrade(), weak_pipeline.upgrade(), weak_sink.upgrade());
        let (Some(core), Some(pipeline), Some(sink)) = alive else {
            return;
        };
        core.guarded((), || {
            if let Err(error) = link(&core, &parked, &pipeline, pad, &sink) {
                core.fail(error);
            }
        });
    });
    let weak: Weak<Core> = Arc::downgrade(core);
    let weak_sink = sink.downgrade();
    source.connect_no_more_pads(move |_| {
        let (Some(core), Some(sink)) = (weak.upgrade(), weak_sink.upgrade()) else {
            return;
        };
        let linked = sink.static_pad("sink").is_some_and(|pad| pad.is_linked());
        if !linked {
            core.fail(SourceError::new(
                SourceErrorKind::Unsupported,
                "there is no video in it",
            ));
        }
    });
}

/// `parsebin` keeps the error of an element that fails while it is being plugged and goes on
/// looking for another; when there is none, this signal is all that is heard of it.
fn tell_unknown(core: &Arc<Core>, parse: &gst::Element, sink: &gst_app::AppSink) {
    let weak = Arc::downgrade(core);
    let weak_sink = sink.downgrade();
    parse.connect("unknown-type", false, move |values| {
        let caps = values
            .get(2)
            .and_then(|value| value.get::<gst::Caps>().ok());
        let (Some(core), Some(sink), Some(caps)) = (weak.upgrade(), weak_sink.upgrade(), caps)
        else {
            return None;
        };
        let linked = sink.static_pad("sink").is_some_and(|pad| pad.is_linked());
        let matters = caps.structure(0).is_some_and(|structure| {
            let name = structure.name();
            name.starts_with("video/") || name.starts_with("application/")
        });
        if matters && !linked {
            core.guarded((), || {
                core.fail(SourceError::new(
                    SourceErrorKind::Unsupported,
                    &format!("broken, or of a kind that nothing installed reads: {caps}"),
                ));
            });
        }
        None
    });
}

fn link(
    core: &Arc<Core>,
    parked: &Arc<Parked>,
    pipeline: &gst::Pipeline,
    pad: &gst::Pad,
    sink: &gst_app::AppSink,
) -> Result<(), SourceError> {
    let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
    let Some((before, encoded, codec)) = way_to_decoder(&caps)? else {
        return Ok(());
    };
    let place = sink.static_pad("sink");
    if place.is_some_and(|pad| pad.is_linked()) {
        return Ok(());
    }
    let (decoder, name) = decoder::choose(core.id(), &encoded, &core.camera.decoders)?;
    tracing::info!(camera = %core.id(), decoder = name, codec, "decoder chosen");
    core.output.lock().progress.decodes(&name, &codec);
    let has_parser = matches!(codec.as_str(), "h264" | "h265");
    if has_parser {
        watch::install(core, parked, &decoder, &codec);
    }
    // After the gate's probe, so that it begins with what the gate lets through.
    cost::begin_at(&decoder);
    let mut chain = before;
    if chain.is_empty() && has_parser && !decoder::takes(&decoder, &caps) {
        // Containers hold the stream in another form than some decoders take.
        chain.push(make(&format!("{codec}parse"))?);
    }
    chain.push(decoder);
    pipeline.add_many(&chain).map_err(|error| other(&error))?;
    gst::Element::link_many(chain.iter().chain([sink.upcast_ref()]))
        .map_err(|error| other(&error))?;
    for element in &chain {
        element
            .sync_state_with_parent()
            .map_err(|error| other(&error))?;
    }
    let entry = chain.first().and_then(|first| first.static_pad("sink"));
    core.say_opened();
    match entry.map(|entry| pad.link(&entry)) {
        Some(Ok(_)) => Ok(()),
        _ => Err(SourceError::new(
            SourceErrorKind::Unsupported,
            &format!("{name} does not take {caps}"),
        )),
    }
}

/// What stands before the decoder: elements, the caps it must decode and the codec's name.
type Way = (Vec<gst::Element>, gst::Caps, String);

/// Elements that lead from a pad of these caps to a decoder; `None` for what is no video.
fn way_to_decoder(caps: &gst::Caps) -> Result<Option<Way>, SourceError> {
    let Some(structure) = caps.structure(0) else {
        return Ok(None);
    };
    let media = structure.name().as_str();
    if let Some(codec) = media.strip_prefix("video/") {
        let codec = codec.trim_start_matches("x-").to_owned();
        // AVI gives whole pictures without saying so; a parser finds out.
        let needs_parser = matches!(codec.as_str(), "h264" | "h265")
            && !structure.get::<bool>("parsed").unwrap_or(false);
        let before = if needs_parser {
            vec![make(&format!("{codec}parse"))?]
        } else {
            Vec::new()
        };
        // Any form of H.264 and H.265 will do: a parser turns one into the other.
        let encoded = match codec.as_str() {
            "h264" | "h265" => gst::Caps::builder(media).build(),
            _ => caps.clone(),
        };
        return Ok(Some((before, encoded, codec)));
    }
    let is_video = structure
        .get::<&str>("media")
        .is_ok_and(|media| media == "video");
    if media != "application/x-rtp" || !is_video {
        return Ok(None);
    }
    let encoding = structure.get::<&str>("encoding-name").unwrap_or("?");
    let codec = match encoding {
        "H264" => "h264",
        "H265" => "h265",
        unknown => {
            return Err(SourceError::new(
                SourceErrorKind::Unsupported,
                &format!("the camera sends {unknown}; set it to H.264 or H.265"),
            ));
        }
    };
    let depay = make(&format!("rtp{codec}depay"))?;
    let parse = make(&format!("{codec}parse"))?;
    // Cameras that send SPS and PPS only once would stay dark after a lost packet.
    parse.set_property("config-interval", -1_i32);
    let encoded = gst::Caps::builder(format!("video/x-{codec}")).build();
    Ok(Some((vec![depay, parse], encoded, codec.to_owned())))
}

/// What opens a file. Known containers get their demuxer at once, because `parsebin` loses the
/// error of a demuxer that fails while it is plugged in; it opens everything else.
fn opener(path: &std::path::Path) -> &'static str {
    let extension = path.extension().and_then(|extension| extension.to_str());
    match extension.map(str::to_ascii_lowercase).as_deref() {
        Some("mp4" | "m4v" | "mov") => "qtdemux",
        Some("mkv" | "webm") => "matroskademux",
        Some("avi") => "avidemux",
        _ => "parsebin",
    }
}

/// Raw elementary streams carry no time.
fn is_elementary(path: &std::path::Path) -> bool {
    const NAMES: [&str; 6] = ["264", "h264", "avc", "265", "h265", "hevc"];
    path.extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| NAMES.contains(&extension.to_ascii_lowercase().as_str()))
}

/// Gives pictures of an elementary stream the time that counting them at their rate makes
/// (25 a second unless the stream says otherwise), so that the sink can pace them. Buffers are
/// only relabelled; their memory stays shared.
fn stamp_by_counting(sink: &gst_app::AppSink) {
    let Some(pad) = sink.static_pad("sink") else {
        return;
    };
    let count = AtomicU64::new(0);
    pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        let step = pad
            .current_caps()
            .and_then(|caps| gst_video::VideoInfo::from_caps(&caps).ok())
            .map_or(DEFAULT_STEP, |info| step_of(&info));
        let index = count.fetch_add(1, Ordering::AcqRel);
        if let Some(buffer) = info.buffer_mut() {
            let nanos = u64::try_from(step.as_nanos()).unwrap_or(0);
            let buffer = buffer.make_mut();
            buffer.set_pts(gst::ClockTime::from_nseconds(nanos.saturating_mul(index)));
        }
        gst::PadProbeReturn::Ok
    });
}
