//! Floor 3: sources. A camera, a file or a test pattern goes in; frames and notes come out.
//!
//! ```text
//!  rtsp  retina ▸ [gate] ▸ parse ──────────▸ decoder ▸ appsink (module `rtsp`)
//!  rtsp  rtspsrc ▸ depay ▸ parse ┐
//!  file  filesrc ▸ parsebin      ├▸ [gate] ▸ decoder ▸ appsink ▸ Sink::frame
//!  test  videotestsrc ───────────┘  (neither)
//! ```
//!
//! [`gate`] decides what is decoded, [`gop_ring`] holds what is not, `watch` performs both. In always
//! mode everything passes but what the [policy's](Policy) level leaves out.
//!
//! One pipeline per camera, no main loop and no bus thread: messages are read by a sync handler
//! on the thread that posts them. The life of a session, as its [`Sink`] sees it:
//!
//! ```text
//!  open() = Ok ▸ Opened ▸ (Format ▸ frame*)* ▸ exactly one of Ended | Failed
//!  open() = Err ▸ nothing
//! ```
//!
//! `stop` may cut that short at any point; after it returned nothing is called any more.

mod appsink;
mod background;
mod baseline;
mod classify;
mod cost;
mod decoder;
mod decoding;
mod deliver;
mod downstream;
mod elements;
mod error;
pub mod fake;
mod gate;
mod gop_ring;
mod gst_source;
mod mask;
mod output;
mod pipeline;
mod planes;
pub mod playback;
mod progress;
mod routing;
mod rtsp;
mod sample;
mod slice;
mod stats;
mod timing;
mod watch;

use std::time::Duration;

use crate::config::types::CameraConfig;
use crate::model::camera::WakeReason;
use crate::model::frame::Frame;
use crate::model::geometry::Size;

pub use downstream::{Allowance, Downstream, Policy};
pub use error::{SourceError, SourceErrorKind};
pub use gst_source::{FileStart, GstSource};
pub use stats::{Liveness, StreamStats};

/// Opens cameras.
pub trait Source: Send + Sync {
    /// Starts to deliver the camera's frames and returns without waiting for the first.
    ///
    /// # Errors
    /// [`SourceError`] when nothing could be started; the sink then hears nothing.
    fn open(
        &self,
        camera: &CameraConfig,
        downstream: Downstream,
    ) -> Result<Box<dyn Session>, SourceError>;

    /// How long coded pictures have waited for a thread that decodes, where cameras share those: those of
    /// awake cameras.
    fn waits(&self) -> Waits {
        Waits::default()
    }
}

/// Waiting so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waits {
    /// Of all that waited, together.
    pub total: Duration,
    /// How many did.
    pub count: u64,
}

/// Takes what a source delivers. Called on the source's own threads, one call at a time for
/// frames; it must not stop its own session from within a call.
pub trait Sink: Send + Sync {
    /// A decoded picture. May block: a file at `Pace::Fast` then waits and loses nothing. A
    /// session's `stop` waits for this call, so whoever blocks here must let go at the stop.
    fn frame(&self, frame: Frame);
    /// A picture of a sleeping camera that the detector is to look at ([`Frame::probe`]).
    fn probe(&self, _frame: Frame) {}
    /// Something happened to the source.
    fn note(&self, note: Note);
}

/// A source that runs. Dropping it stops it.
pub trait Session: Send {
    /// Stops; when it returns no callback runs any more and everything is given back.
    fn stop(self: Box<Self>);
}

/// What a source says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// It answered and has video.
    Opened,
    /// The frames that follow are of this form; comes again when it changes in mid-stream.
    Format {
        /// The picture's size, both even.
        size: Size,
        /// The decoder element; `none` for the test pattern.
        decoder: String,
        /// `h264`, `h265`, …; `raw` for the test pattern.
        codec: String,
    },
    /// Every picture is decoded from here on, and this is why.
    Woke(WakeReason),
    /// Only keyframes are decoded from here on: in watch mode because it is quiet, in any mode
    /// because the sink's level says so.
    Asleep,
    /// The two latest keyframes were so far apart; comes when that changes.
    KeyframesApart(Duration),
    /// It is over in good order: end of file, or the server said goodbye.
    Ended,
    /// It is over because something went wrong.
    Failed(SourceError),
}
