//! Pictures into an MP4 file, as a camera would compress them: constant bitrate, keyframes at a
//! fixed distance, no B-frames.
//!
//! One encoder thread and fixed settings: on one machine the same pictures give the same bytes
//! (the container's times of making are struck out, [`super::container`]).

use std::path::{Path, PathBuf};

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;

use super::container;
use super::error::ExportError;
use crate::render::Matrix;
use crate::scene::Encoding;
use parapet::model::geometry::Size;

/// Pictures that may wait for the encoder; the renderer then waits.
const QUEUE_FRAMES: u64 = 4;
/// How long the file may take to be finished after its last picture.
const FINISH_DEADLINE: gst::ClockTime = gst::ClockTime::from_seconds(120);

/// An MP4 file in the making. Dropped before [`Encoder::finish`], it leaves no file.
pub(super) struct Encoder {
    pipeline: gst::Pipeline,
    source: gst_app::AppSrc,
    info: gst_video::VideoInfo,
    file: PathBuf,
    nanos_per_frame: f64,
    finished: bool,
}

impl Encoder {
    /// Opens the file for pictures of one size.
    pub(super) fn open(
        file: &Path,
        (size, matrix): (Size, Matrix),
        fps: f64,
        encoding: Encoding,
    ) -> Result<Self, ExportError> {
        let refuse = |why: String| ExportError::Encode {
            file: file.to_owned(),
            why,
        };
        gst::init().map_err(|error| refuse(format!("GStreamer does not load: {error}")))?;
        let colours = colorimetry(matrix);
        let info =
            gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, size.width, size.height)
                .fps(gst::Fraction::new((fps * 2.0).round() as i32, 2))
                .colorimetry(&colours)
                .build()
                .map_err(|error| refuse(error.to_string()))?;
        let made = pipeline(file, &info, encoding).map_err(|error| refuse(error.to_string()))?;
        let (pipeline, source) = made;
        let encoder = Self {
            pipeline,
            source,
            info,
            file: file.to_owned(),
            nanos_per_frame: 1e9 / fps,
            finished: false,
        };
        match encoder.pipeline.set_state(gst::State::Playing) {
            Ok(_) => Ok(encoder),
            Err(error) => Err(encoder.failed(&error.to_string())),
        }
    }

    /// Appends a picture: planes Y, U, V without padding. Waits while the encoder is behind.
    pub(super) fn push(&self, frame: u64, planes: [&[u8]; 3]) -> Result<(), ExportError> {
        let buffer = self
            .buffer(frame, planes)
            .ok_or_else(|| self.failed("no memory for a picture"))?;
        self.source
            .push_buffer(buffer)
            .map(|_| ())
            .map_err(|error| self.failed(&error.to_string()))
    }

    fn buffer(&self, frame: u64, planes: [&[u8]; 3]) -> Option<gst::Buffer> {
        let mut buffer = gst::Buffer::with_size(self.info.size()).ok()?;
        let writable = buffer.get_mut()?;
        {
            let mut map = writable.map_writable().ok()?;
            for (plane, from) in planes.into_iter().enumerate() {
                let (width, height) = if plane == 0 {
                    (self.info.width(), self.info.height())
                } else {
                    (self.info.width() / 2, self.info.height() / 2)
                };
                let stride = usize::try_from(*self.info.stride().get(plane)?).ok()?;
                let begin = *self.info.offset().get(plane)?;
                let to = map.as_mut_slice().get_mut(begin..)?;
                let rows = from.chunks_exact(width as usize).take(height as usize);
                for (row, to) in rows.zip(to.chunks_mut(stride)) {
                    to.get_mut(..row.len())?.copy_from_slice(row);
                }
            }
        }
        let at = |frame: u64| (frame as f64 * self.nanos_per_frame).round() as u64;
        writable.set_pts(gst::ClockTime::from_nseconds(at(frame)));
        writable.set_duration(gst::ClockTime::from_nseconds(at(frame + 1) - at(frame)));
        Some(buffer)
    }

    pub(super) fn finish(mut self) -> Result<(), ExportError> {
        self.source
            .end_of_stream()
            .map_err(|error| self.failed(&error.to_string()))?;
        let bus = self.pipeline.bus();
        let kinds = [gst::MessageType::Eos, gst::MessageType::Error];
        let message = bus.and_then(|bus| bus.timed_pop_filtered(FINISH_DEADLINE, &kinds));
        match message.as_deref().map(gst::MessageRef::view) {
            Some(gst::MessageView::Eos(_)) => {}
            Some(gst::MessageView::Error(error)) => {
                return Err(self.failed(error.error().message()));
            }
            _ => return Err(self.failed("it was not finished within 120 s")),
        }
        self.stop();
        self.finished = true;
        container::strike_times(&self.file).map_err(|error| self.failed(&error.to_string()))
    }

    fn stop(&self) {
        if let Err(error) = self.pipeline.set_state(gst::State::Null) {
            tracing::warn!(file = %self.file.display(), %error, "the encoder does not stop");
        }
    }

    /// An error with the pipeline's own words where it has some.
    fn failed(&self, else_why: &str) -> ExportError {
        let bus = self.pipeline.bus();
        let said = bus.and_then(|bus| bus.pop_filtered(&[gst::MessageType::Error]));
        let why = match said.as_deref().map(gst::MessageRef::view) {
            Some(gst::MessageView::Error(error)) => error.error().message().to_owned(),
            _ => else_why.to_owned(),
        };
        ExportError::Encode {
            file: self.file.clone(),
            why,
        }
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        self.stop();
        if !self.finished {
            // Half a file is worse than none; there may also be none yet.
            let _ = std::fs::remove_file(&self.file);
        }
    }
}

fn colorimetry(matrix: Matrix) -> gst_video::VideoColorimetry {
    let (matrix, primaries) = match matrix {
        Matrix::Bt601 => (
            gst_video::VideoColorMatrix::Bt601,
            gst_video::VideoColorPrimaries::Smpte170m,
        ),
        Matrix::Bt709 => (
            gst_video::VideoColorMatrix::Bt709,
            gst_video::VideoColorPrimaries::Bt709,
        ),
    };
    gst_video::VideoColorimetry::new(
        gst_video::VideoColorRange::Range16_235,
        matrix,
        gst_video::VideoTransferFunction::Bt709,
        primaries,
    )
}

fn pipeline(
    file: &Path,
    info: &gst_video::VideoInfo,
    encoding: Encoding,
) -> Result<(gst::Pipeline, gst_app::AppSrc), gst::glib::BoolError> {
    let caps = info.to_caps()?;
    let source = gst_app::AppSrc::builder()
        .caps(&caps)
        .format(gst::Format::Time)
        .block(true)
        .max_buffers(QUEUE_FRAMES)
        .build();
    let name = if encoding.h265 { "h265" } else { "h264" };
    let encoder = encoder(encoding)?;
    let parser = gst::ElementFactory::make(&format!("{name}parse")).build()?;
    let muxer = gst::ElementFactory::make("mp4mux").build()?;
    let sink = gst::ElementFactory::make("filesink")
        .property("location", file)
        .build()?;
    let pipeline = gst::Pipeline::new();
    let elements = [source.upcast_ref(), &encoder, &parser, &muxer, &sink];
    pipeline.add_many(elements)?;
    gst::Element::link_many(elements)?;
    Ok((pipeline, source))
}

fn encoder(encoding: Encoding) -> Result<gst::Element, gst::glib::BoolError> {
    if encoding.h265 {
        return gst::ElementFactory::make("x265enc")
            .property("bitrate", encoding.bitrate_kbps)
            .property("key-int-max", encoding.gop_frames as i32)
            .property_from_str("speed-preset", "ultrafast")
            .property_from_str("log-level", "none")
            .property(
                "option-string",
                format!(
                    "pools=1:frame-threads=1:bframes=0:scenecut=0:min-keyint={}",
                    encoding.gop_frames
                ),
            )
            .build();
    }
    gst::ElementFactory::make("x264enc")
        .property("bitrate", encoding.bitrate_kbps)
        .property("key-int-max", encoding.gop_frames)
        .property("threads", 1_u32)
        .property("bframes", 0_u32)
        .property_from_str("speed-preset", "superfast")
        .property("option-string", "scenecut=0")
        .build()
}
