//! Stand-ins for what a facility has, of which the daemon's package has none.
//!
//! ```text
//! 0 world        a place and who is in it at one moment
//!   expectation  what a clip must make the rules say
//!   mot          boxes in MOTChallenge's text format
//!   server       recordings as RTSP cameras that fail on command
//! 1 scene        scripted scenes
//!   render       draws them with exact truth
//!   load_client  counts what RTSP cameras deliver
//! 2 export       makes clips of scenes
//! ```

pub mod expectation;
pub mod export;
pub mod load_client;
pub mod mot;
pub mod render;
pub mod scene;
pub mod server;
pub mod world;

pub use server::{RtspServer, ServedCamera, ServerConfig, SimError};
