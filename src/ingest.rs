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
//! mode everything passes but what the sink's [`level`](Sink::level) leaves out.
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

mod background;
mod baseline;
mod classify;
mod cost;
mod decoder;
mod decoding;
mod deliver;
mod ending;
mod error;
pub mod fake;
mod gate;
mod gop_ring;
mod gst_source;
mod pipeline;
mod planes;
pub mod playback;
mod progress;
mod rtsp;
mod sample;
mod slice;
mod timing;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use crate::config::types::CameraConfig;
use crate::model::camera::WakeReason;
use crate::model::coverage::CoverageLevel;
use crate::model::frame::Frame;
use crate::model::geometry::Size;

pub use error::{SourceError, SourceErrorKind};
pub use gst_source::{FileStart, GstSource};

/// Opens cameras.
pub trait Source: Send + Sync {
    /// Starts to deliver the camera's frames to `sink` and returns without waiting for the first.
    ///
    /// # Errors
    /// [`SourceError`] when nothing could be started; the sink then hears nothing.
    fn open(
        &self,
        camera: &CameraConfig,
        sink: Arc<dyn Sink>,
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
    /// Looks at sleeping cameras that were needed and taken; those that were put off are each
    /// camera's [`Tally::PutOff`].
    pub looks: u64,
}

/// Takes what a source delivers. Called on the source's own threads, one call at a time for
/// frames; it must not stop its own session from within a call.
pub trait Sink: Send + Sync {
    /// A decoded picture. May block: a file at `Pace::Fast` then waits and loses nothing. A
    /// session's `stop` waits for this call, so whoever blocks here must let go at the stop.
    fn frame(&self, frame: Frame);
    /// Something happened to the source.
    fn note(&self, note: Note);
    /// A picture of a sleeping camera to glance at ([`Frame::glance`]).
    fn glance(&self, _frame: Frame) {}
    /// Whether somebody is being followed or was seen in a glance, so that the camera must not
    /// sleep. A sink that loses nothing answers when it knows of every frame it was given.
    fn wanted(&self) -> bool {
        false
    }
    /// Whether the frame of this media time would be looked at, as far as can be known before it is
    /// decoded: false is a promise, for frames to come can only make it less wanted.
    fn needs(&self, _media_time: Duration) -> bool {
        true
    }
    /// Whether a frame would be looked at soon if it came now, rather than replace one that nobody
    /// looked at yet. Asked while what was held of a camera that woke is decoded, which goes faster
    /// than it was taken.
    fn has_room(&self) -> bool {
        true
    }
    /// Waits until it is so, `at_most` so long.
    fn wait_room(&self, _at_most: Duration) {}
    /// How much of the camera is to be looked at. Asked with every coded picture; from
    /// [`CoverageLevel::Keyframes`] on only keyframes come, as glances, unless it is
    /// [admitted](Sink::admits).
    fn level(&self) -> CoverageLevel {
        CoverageLevel::Full
    }
    /// Whether a camera in watch mode may be awake for this reason, although its level leaves only
    /// keyframes. Asked when it would wake, and as long as it is awake at each keyframe.
    fn admits(&self, _reason: WakeReason) -> bool {
        true
    }
    /// Whether there is so much for all that what nobody counts on may be looked at.
    fn is_plenty(&self) -> bool {
        true
    }
    /// To be counted. Comes with every coded picture, so it must be quick.
    fn tally(&self, _what: Tally) {}
}

/// What a watched camera's gate did, and what decoding cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tally {
    /// A coded picture came while the camera sleeps: it lives, although nothing may be decoded.
    Alive,
    /// So many coded pictures went by undecoded.
    Undecoded(u64),
    /// A picture was decoded and handed to nobody: it was compared, or the ones after it need it.
    Unused,
    /// A keyframe of a sleeping camera was to be decoded, and nobody had the time until the next one
    /// came.
    PutOff,
    /// Of the pictures that went by undecoded, so many of an awake camera that had fallen behind.
    Late(u64),
    /// A group of pictures did not fit and was decoded although nothing moved.
    Spilled,
    /// So far apart the two latest keyframes were.
    KeysApart(Duration),
    /// A picture came out of the decoder, which took so much processor time.
    Decoded(Duration),
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
    /// It is over in good order: end of file, or the server said goodbye.
    Ended,
    /// It is over because something went wrong.
    Failed(SourceError),
}
