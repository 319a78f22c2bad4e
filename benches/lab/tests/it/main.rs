//! The daemon before simulated cameras, and the tools as they are typed.

mod daemon;
mod durability;
mod eval;
mod faults;
mod mot;
mod pull;
mod replay;
mod rtsp_threads;
#[path = "../../../../tests/it/support.rs"]
mod support;
mod watch;
