//! Parapet: an edge daemon that watches the cameras of a correctional facility and tells the
//! central platform that somebody is where nobody may be, and never loses that word.
//!
//! The modules stand on floors. A module uses `crate::x` only when `x` stands on a lower floor;
//! modules on one floor do not see each other (`tests/it/floors.rs` enforces it):
//!
//! ```text
//! 0 base      clock, backoff, newest-wins slot, named task set, metrics
//! 1 model     ids, time, geometry, frame, detection, track, event: pure data
//! 2 config    TOML ▸ check ▸ Config that cannot be wrong ▸ diff
//!   proto     generated from proto/parapet/v1
//! 3 ingest    GStreamer sources: cameras and files in, frames out
//!   infer     model folders, batch planner, worker pool, preprocessing, heads
//!   track     Kalman, assignment, tracker
//!   rules     line, zone, loitering, crowding, running
//!   journal   durable event log and consumer cursors on SQLite
//!   access    certificates, roles, sessions, limits: who may come in and do what
//!   audit     append-only, hash-chained log of who did what
//! 4 fleet     one camera's state machine and driver, supervisor, live add/change/remove
//! 5 api       gRPC services, domain ↔ wire conversion
//!   ops       health and /metrics on their own thread
//! 6 app       build(Config, Ports) → App; start order, stop order, signals, sd_notify
//! 7 cli       the commands of the binary
//! ```

pub mod access;
pub mod api;
pub mod app;
pub mod audit;
pub mod base;
pub mod cli;
pub mod config;
pub mod fleet;
pub mod infer;
pub mod ingest;
pub mod journal;
pub mod model;
pub mod ops;
pub mod proto;
pub mod rules;
pub mod track;
