//! What a source is opened with: where its pictures go, whom it asks how much of them is wanted, and
//! where it counts.
//!
//! ```text
//!            Sink      takes pictures and notes                        a call for each
//!  source ─▶ Policy    an allowance, read once with a coded picture    a call; answers that cost or commit
//!                                                                      something only when they decide
//!            stats     plain counters                                  no call
//! ```

use std::sync::Arc;
use std::time::Duration;

use super::Sink;
use super::stats::StreamStats;
use crate::model::camera::WakeReason;
use crate::model::coverage::CoverageLevel;

/// Where a session's pictures go. Clones share everything.
#[derive(Clone)]
pub struct Downstream {
    /// Takes pictures and notes.
    pub sink: Arc<dyn Sink>,
    /// Says how much is wanted.
    pub policy: Arc<dyn Policy>,
    /// What the source did.
    pub stats: StreamStats,
}

impl Downstream {
    /// Where the sink decides on its own pictures.
    #[must_use]
    pub fn new<T: Sink + Policy + 'static>(target: &Arc<T>, stats: StreamStats) -> Self {
        Self {
            sink: Arc::clone(target) as Arc<dyn Sink>,
            policy: Arc::clone(target) as Arc<dyn Policy>,
            stats,
        }
    }

    /// To a sink that takes whatever comes.
    #[must_use]
    pub fn unlimited(sink: Arc<dyn Sink>) -> Self {
        Self {
            sink,
            policy: Arc::new(Unlimited),
            stats: StreamStats::default(),
        }
    }
}

/// What a camera is left with; a copy for one coded picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// How much of the camera is to be looked at: from [`CoverageLevel::Keyframes`] on only keyframes
    /// come, as probes, unless it is [admitted](Policy::admits).
    pub level: CoverageLevel,
    /// There is so much for all that what nobody counts on may be looked at.
    pub headroom: bool,
}

impl Allowance {
    /// Everything.
    pub const FULL: Self = Self {
        level: CoverageLevel::Full,
        headroom: true,
    };
}

/// Says how much of a camera is wanted. Asked on the source's own threads, one question at a time.
///
/// [`Policy::allowance`] is read once with every coded picture. What the other methods answer costs
/// something, commits somebody or is another thing a moment later, so each is asked only where its
/// answer decides.
pub trait Policy: Send + Sync {
    /// What the camera is left with. Quick, and without effect.
    fn allowance(&self) -> Allowance {
        Allowance::FULL
    }

    /// Whether somebody is being followed or was seen in a probe, so that the camera must not sleep.
    /// A sink that loses nothing answers when it knows of every frame it was given: it may block.
    fn wanted(&self) -> bool {
        false
    }

    /// Whether the frame of this media time would be looked at, as far as can be known before it is
    /// decoded: false is a promise, for frames to come can only make it less wanted. May block as
    /// [`Policy::wanted`] does where that depends on the frames before.
    fn needs(&self, _media_time: Duration) -> bool {
        true
    }

    /// Whether a camera in watch mode may be awake for this reason, although its level leaves only
    /// keyframes; where it may it has taken a place. Asked when it would wake, and as long as it is
    /// awake at each keyframe.
    fn admits(&self, _reason: WakeReason) -> bool {
        true
    }

    /// Whether a frame would be looked at soon if it came now, rather than replace one that nobody
    /// looked at yet; waits until it is so, `at_most` so long. Asked before each frame while what was
    /// held of a camera that woke is decoded, which goes faster than it was taken.
    fn has_room(&self, _at_most: Duration) -> bool {
        true
    }
}

/// Everything is wanted, at any time.
#[derive(Clone, Copy, Debug)]
struct Unlimited;

impl Policy for Unlimited {}
