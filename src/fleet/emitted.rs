//! What leaves the fleet: events with the frames that told them, and analysed frames.

use std::sync::Arc;

use crate::model::detection::Detection;
use crate::model::event::Event;
use crate::model::frame::Frame;
use crate::model::track::Track;

/// An event and the frame at which it was told.
///
/// The frame is a reference into a decoder's pool, which is small (a handful of pictures for a camera):
/// a decoder whose pictures are all held waits, and its camera with it. Whoever takes it lets go of it
/// before the sink returns, or hands it to a bounded queue that drops the frame, never the event, when
/// it is full; nobody keeps one for longer than the work on that one picture takes, or copies what he
/// must keep. The hand-over to the journal takes its arrival time and drops it at once.
#[derive(Clone, Debug)]
pub struct Emitted {
    /// What the platform is told.
    pub event: Event,
    /// The very frame at which it was told; none where no picture did: the node speaks of itself, a
    /// camera is lost or back, its session ends.
    pub frame: Option<Frame>,
}

impl Emitted {
    /// An event that no picture told.
    #[must_use]
    pub fn without_frame(event: Event) -> Self {
        Self { event, frame: None }
    }
}

/// Where events go: the journal in the daemon, a collector in replay.
pub type EventSink = Arc<dyn Fn(Emitted) + Send + Sync>;

/// One analysed frame and who is in it.
#[derive(Clone, Copy, Debug)]
pub struct Analysed<'a> {
    /// The picture.
    pub frame: &'a Frame,
    /// What the detector found in it.
    pub found: &'a [Detection],
    /// The tracks as they are now, unconfirmed ones too.
    pub tracks: &'a [Track],
}

/// Sees every analysed frame after its events were handed on, on the analysis worker's thread: it must
/// be quick. Replay's reports draw from it; the daemon has none.
pub type AnalysedSink = Arc<dyn Fn(&Analysed<'_>) + Send + Sync>;
