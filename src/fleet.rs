//! Floor 4: the cameras as living things.
//!
//! [`state`] is one camera's state machine (pure), [`camera`] performs its effects, [`sink`] is
//! where a camera's frames and notes arrive, [`worker`] owns every camera's tracker and rules on one
//! thread and [`handle`] speaks to it, [`supervisor`] adds, changes and removes cameras while the rest
//! goes on. [`governor_loop`] measures the load and asks the [`governor`] (pure) who is looked at less.
//! [`admission`] (pure) says which of those may be awake all the same.
//!
//! ```text
//!  governor loop ─▶ command  (level, rates) ─▶ sink, analysis worker
//!  governor loop ◀─ observed (asleep, active, near-event rate, coverage) ◀─ sink, analysis worker
//! ```

mod admission;
pub mod analysis;
mod board;
mod camera;
pub mod command;
mod coverage;
mod emitted;
mod governor;
mod governor_loop;
pub mod handle;
mod message;
pub mod observed;
mod pace;
mod parts;
mod probes;
mod rate;
mod signals;
mod sink;
pub mod state;
mod supervisor;
mod worker;

pub use board::StatusBoard;
pub use emitted::{Analysed, AnalysedSink, Emitted, EventSink};
pub use message::SessionKey;
pub use parts::{FleetParts, GovernorParts};
pub use rate::RateLimit;
pub use supervisor::Fleet;
