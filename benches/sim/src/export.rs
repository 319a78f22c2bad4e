//! Scenes become clips: what the renderer draws goes through an encoder into `<stem>.mp4`, and
//! beside it lie
//!
//! * `<stem>.toml`: a configuration with the scene's zones, lines, rules and calibration;
//! * `<stem>.expect.toml`: the events that must come of it (`config::expectation`);
//! * `<stem>.truth.jsonl`: who was where in every frame (`truth.rs` is the contract);
//! * `<stem>.mot.txt`: everybody's boxes as a perfect detector would give them.
//!
//! The same scene, size and build give the same bytes in all of them.

mod cache;
mod clip;
mod container;
mod encoder;
mod error;
#[cfg(test)]
mod tests;
mod truth;
mod writer;

pub use cache::{Cache, default_cache};
pub use clip::Clip;
pub use error::ExportError;
pub use writer::{ExportOptions, expected, export_clip, with_options};
