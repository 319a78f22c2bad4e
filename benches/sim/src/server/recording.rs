//! A recording, read once into encoded access units.

use std::path::Path;
use std::sync::Arc;

use gst::glib;
use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::error::SimError;
use super::looped::{Timing, loop_length, retime};
use parapet::model::geometry::Size;

/// More than this is not kept in memory: a demo loop has no need of it.
const MAX_BYTES: usize = 1 << 30;
/// How long a file may take to be read, or to be coded anew.
const READ_DEADLINE: gst::ClockTime = gst::ClockTime::from_seconds(600);

/// How the pictures are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Codec {
    /// ITU-T H.264.
    H264,
    /// ITU-T H.265.
    H265,
}

impl Codec {
    fn of(caps: &gst::CapsRef) -> Option<Self> {
        match caps.structure(0)?.name().as_str() {
            "video/x-h264" => Some(Self::H264),
            "video/x-h265" => Some(Self::H265),
            _ => None,
        }
    }

    /// `h264` or `h265`, as in the names of GStreamer's elements.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::H264 => "h264",
            Self::H265 => "h265",
        }
    }
}

/// One access unit with its place in the loop.
#[derive(Debug)]
pub(super) struct AccessUnit {
    /// Bytes in Annex B; its own timestamps are the file's and not used.
    pub(super) buffer: gst::Buffer,
    /// When it is shown and decoded, from the loop's start.
    pub(super) timing: Timing,
    /// Decodes by itself.
    pub(super) keyframe: bool,
}

/// What a recording is like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Measured {
    pub(super) fps: f64,
    pub(super) bitrate_kbps: f64,
    pub(super) gop_frames: u32,
    pub(super) size: Option<Size>,
    pub(super) codec: Codec,
}

/// A whole file, from its first keyframe on.
#[derive(Debug)]
pub(super) struct Recording {
    pub(super) codec: Codec,
    pub(super) caps: gst::Caps,
    /// In decoding order; never empty.
    pub(super) units: Vec<AccessUnit>,
    /// What one round takes, in nanoseconds; more than zero.
    pub(super) length: u64,
}

/// What the reading threads leave behind.
#[derive(Default)]
struct Taken {
    codec: Option<Codec>,
    caps: Option<gst::Caps>,
    buffers: Vec<gst::Buffer>,
    bytes: usize,
    problem: Option<String>,
}

impl Recording {
    /// Reads `file` to its end.
    ///
    /// # Errors
    /// [`SimError`] with the file's name: it is missing, is no recording, or has no H.264 or
    /// H.265 picture.
    pub(super) fn read(file: &Path) -> Result<Self, SimError> {
        if let Err(source) = std::fs::File::open(file) {
            return Err(SimError::Open {
                file: file.to_owned(),
                source,
            });
        }
        let refuse = |why: String| SimError::Recording {
            file: file.to_owned(),
            why,
        };
        let taken = Arc::new(Mutex::new(Taken::default()));
        let pipeline = pipeline(file, &taken).map_err(|error| refuse(error.to_string()))?;
        let outcome = run_to_end(&pipeline);
        // Streaming threads end here, so what they took is complete.
        let _ = pipeline.set_state(gst::State::Null);
        let taken = std::mem::take(&mut *taken.lock());
        if let Some(problem) = taken.problem {
            return Err(refuse(problem));
        }
        outcome.map_err(refuse)?;
        Self::from_taken(taken).map_err(refuse)
    }

    /// Runs a pipeline that ends in an `appsink` called `out`, to its end.
    ///
    /// # Errors
    /// The reason in words.
    pub(super) fn from_pipeline(pipeline: &gst::Pipeline, codec: Codec) -> Result<Self, String> {
        let sink = pipeline
            .by_name("out")
            .and_then(|sink| sink.downcast::<gst_app::AppSink>().ok())
            .ok_or("the pipeline has no sink")?;
        let taken = Arc::new(Mutex::new(Taken {
            codec: Some(codec),
            ..Taken::default()
        }));
        sink.set_caps(Some(&byte_stream(codec)));
        take_all(&sink, &taken);
        let outcome = run_to_end(pipeline);
        let _ = pipeline.set_state(gst::State::Null);
        let taken = std::mem::take(&mut *taken.lock());
        if let Some(problem) = taken.problem {
            return Err(problem);
        }
        outcome?;
        Self::from_taken(taken)
    }

    /// What it is like.
    pub(super) fn measured(&self) -> Measured {
        let seconds = self.length as f64 / 1e9;
        let bytes: usize = self.units.iter().map(|unit| unit.buffer.size()).sum();
        let keyframes = self.units.iter().filter(|unit| unit.keyframe).count();
        let frames = self.units.len();
        Measured {
            fps: frames as f64 / seconds,
            bitrate_kbps: bytes as f64 * 8.0 / 1_000.0 / seconds,
            gop_frames: u32::try_from(frames.div_ceil(keyframes.max(1))).unwrap_or(u32::MAX),
            size: self.size(),
            codec: self.codec,
        }
    }

    fn size(&self) -> Option<Size> {
        let structure = self.caps.structure(0)?;
        let side = |name| u32::try_from(structure.get::<i32>(name).ok()?).ok();
        Some(Size {
            width: side("width")?,
            height: side("height")?,
        })
    }

    fn from_taken(taken: Taken) -> Result<Self, String> {
        let (Some(codec), Some(caps)) = (taken.codec, taken.caps) else {
            return Err("it has no H.264 or H.265 picture".to_owned());
        };
        let buffers: Vec<_> = taken
            .buffers
            .into_iter()
            .skip_while(|buffer| buffer.flags().contains(gst::BufferFlags::DELTA_UNIT))
            .collect();
        let fallback = frame_nanos(&caps);
        let found: Vec<_> = buffers
            .iter()
            .map(|b| (nanos(b.pts()), nanos(b.dts())))
            .collect();
        let durations: Vec<_> = buffers.iter().map(|b| nanos(b.duration())).collect();
        let timings = retime(&found, fallback);
        let Some(length) = loop_length(&timings, &durations, fallback) else {
            return Err("it has no keyframe".to_owned());
        };
        let units = buffers
            .into_iter()
            .zip(timings)
            .map(|(buffer, timing)| AccessUnit {
                keyframe: !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT),
                buffer,
                timing,
            })
            .collect();
        Ok(Self {
            codec,
            caps,
            units,
            length,
        })
    }
}

fn nanos(time: Option<gst::ClockTime>) -> Option<u64> {
    time.map(gst::ClockTime::nseconds)
}

/// A frame's time by the caps' frame rate, by 25 frames a second where they have none.
fn frame_nanos(caps: &gst::CapsRef) -> u64 {
    let rate = caps
        .structure(0)
        .and_then(|s| s.get::<gst::Fraction>("framerate").ok())
        .filter(|rate| rate.numer() > 0 && rate.denom() > 0)
        .unwrap_or_else(|| gst::Fraction::new(25, 1));
    let (numer, denom) = (rate.numer().unsigned_abs(), rate.denom().unsigned_abs());
    (1_000_000_000 * u64::from(denom) / u64::from(numer)).max(1)
}

/// `filesrc ! parsebin`, to which each stream's end is added when it shows.
fn pipeline(file: &Path, taken: &Arc<Mutex<Taken>>) -> Result<gst::Pipeline, glib::BoolError> {
    let pipeline = gst::Pipeline::new();
    let source = gst::ElementFactory::make("filesrc")
        .property("location", file)
        .build()?;
    let opener = gst::ElementFactory::make("parsebin").build()?;
    pipeline.add_many([&source, &opener])?;
    source.link(&opener)?;
    let (inside, taken) = (pipeline.downgrade(), Arc::downgrade(taken));
    opener.connect_pad_added(move |_, pad| {
        let (Some(pipeline), Some(taken)) = (inside.upgrade(), taken.upgrade()) else {
            return;
        };
        let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
        let codec = Codec::of(&caps).filter(|_| taken.lock().codec.is_none());
        if let Err(error) = attach(&pipeline, pad, codec, &taken) {
            taken.lock().problem = Some(error.to_string());
        }
    });
    Ok(pipeline)
}

/// Ends the first picture in the memory and all else in nothing.
fn attach(
    pipeline: &gst::Pipeline,
    pad: &gst::Pad,
    codec: Option<Codec>,
    taken: &Arc<Mutex<Taken>>,
) -> Result<(), glib::BoolError> {
    let elements = match codec {
        None => vec![
            gst::ElementFactory::make("fakesink")
                .property("sync", false)
                .build()?,
        ],
        Some(codec) => {
            taken.lock().codec = Some(codec);
            let parse = gst::ElementFactory::make(&format!("{}parse", codec.name()))
                // Parameter sets before every keyframe: a late joiner needs them.
                .property("config-interval", -1)
                .build()?;
            let sink = gst_app::AppSink::builder()
                .caps(&byte_stream(codec))
                .sync(false)
                .max_buffers(8)
                .build();
            take_all(&sink, taken);
            vec![parse, sink.upcast()]
        }
    };
    pipeline.add_many(&elements)?;
    gst::Element::link_many(&elements)?;
    for element in elements.iter().rev() {
        element.sync_state_with_parent()?;
    }
    let into = elements
        .first()
        .and_then(|element| element.static_pad("sink"));
    let into = into.ok_or_else(|| glib::bool_error!("a stream's end has no sink pad"))?;
    pad.link(&into)
        .map(|_| ())
        .map_err(|error| glib::bool_error!("a stream cannot be linked: {error}"))
}

/// Whole access units in Annex B.
fn byte_stream(codec: Codec) -> gst::Caps {
    gst::Caps::builder(format!("video/x-{}", codec.name()))
        .field("stream-format", "byte-stream")
        .field("alignment", "au")
        .build()
}

/// Keeps every sample of the sink.
fn take_all(sink: &gst_app::AppSink, taken: &Arc<Mutex<Taken>>) {
    let into = Arc::downgrade(taken);
    sink.set_callbacks(
        gst_app::AppSinkCallbacks::builder()
            .new_sample(move |sink| {
                let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                let taken = into.upgrade().ok_or(gst::FlowError::Eos)?;
                take(&mut taken.lock(), &sample)
            })
            .build(),
    );
}

fn take(taken: &mut Taken, sample: &gst::Sample) -> Result<gst::FlowSuccess, gst::FlowError> {
    let buffer = sample.buffer_owned().ok_or(gst::FlowError::Error)?;
    taken.bytes = taken.bytes.saturating_add(buffer.size());
    if taken.bytes > MAX_BYTES {
        taken.problem = Some("it is larger than 1 GiB; cut a shorter piece".to_owned());
        return Err(gst::FlowError::Error);
    }
    taken.caps = sample.caps_owned();
    taken.buffers.push(buffer);
    Ok(gst::FlowSuccess::Ok)
}

/// Plays until the end of the stream.
fn run_to_end(pipeline: &gst::Pipeline) -> Result<(), String> {
    let bus = pipeline.bus().ok_or("the pipeline has no bus")?;
    // A refused start leaves its reason on the bus.
    let started = pipeline.set_state(gst::State::Playing);
    let kinds = [gst::MessageType::Eos, gst::MessageType::Error];
    let wait = if started.is_ok() {
        READ_DEADLINE
    } else {
        gst::ClockTime::ZERO
    };
    let Some(message) = bus.timed_pop_filtered(wait, &kinds) else {
        return Err("it was not read within 10 minutes".to_owned());
    };
    match message.view() {
        gst::MessageView::Error(error) => Err(error.error().message().to_owned()),
        _ => Ok(()),
    }
}
