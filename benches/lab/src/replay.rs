//! Recorded footage through the same pipeline, and what its events are worth.
//!
//! ```text
//!  video ──────▶ source ▸ inference ▸ tracker ▸ rules ┐
//!                 (player: the daemon's own fleet)    ├▶ told ▶ matching ▶ score ▶ report
//!  detections ─────────────────────▶ tracker ▸ rules ┘          (what was expected)   │
//!                 (no model, no decoder)                         text, JSON, JUnit, HTML
//! ```
//!
//! Every frame at the analysis rate is looked at (nothing is superseded), one picture a batch on
//! one worker, ids and times come from the footage: two runs of the same files on the same machine
//! give the same bytes.

pub mod clip;
pub mod detections;
pub mod draft;
pub mod emitted;
pub mod frame_grabber;
pub mod gate;
pub mod interval;
pub mod matching;
pub mod modes;
pub mod player;
pub mod report;
pub mod score;

pub use clip::{Clip, MotForm, choose_camera};
pub use emitted::{Emissions, EventRecorder};
pub use player::{Played, Player, ReplayError, ReplayPorts, StageSeconds};
