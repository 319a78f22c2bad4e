//! Floor 4: the cameras as living things.
//!
//! [`state`] is one camera's state machine (pure), [`camera`] performs its effects, [`sink`] is
//! where a camera's frames and notes arrive, [`analyst`] owns every camera's tracker and rules on
//! one thread, [`supervisor`] adds, changes and removes cameras while the rest goes on. [`rounds`]
//! measures the load and asks the [`governor`] (pure) who is looked at less; each camera's sink
//! follows its [`dial`]. [`admission`] (pure) says which of those may be awake all the same.

mod admission;
pub mod analysis;
pub mod analyst;
mod camera;
mod coverage;
pub mod dial;
mod glances;
mod governor;
mod pace;
mod rate;
mod rounds;
mod sink;
pub mod state;
pub mod supervisor;

use std::sync::Arc;

use crate::base::clock::Monotonic;
use crate::model::detection::Detection;
use crate::model::event::Event;
use crate::model::frame::Frame;
use crate::model::track::Track;

/// Where events go: the journal in the daemon, a collector in replay. The second value is when
/// the frame behind it left the decoder.
pub type EventSink = Arc<dyn Fn(Event, Option<Monotonic>) + Send + Sync>;

/// One analysed picture and who is in it.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// The picture.
    pub frame: &'a Frame,
    /// What the detector found in it.
    pub found: &'a [Detection],
    /// The tracks as they are now, unconfirmed ones too.
    pub tracks: &'a [Track],
}

/// Sees every analysed picture after its events were handed on, on the analyst's thread: it must
/// be quick. Replay's reports draw from it; the daemon has none.
pub type LookSink = Arc<dyn Fn(&Look<'_>) + Send + Sync>;

pub use rate::RateLimit;
pub use rounds::GovernorParts;
pub use supervisor::{Fleet, FleetParts};
