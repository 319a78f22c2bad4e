//! A camera server: recordings served as RTSP cameras, with faults on command.
//!
//! ```text
//!  file ─▶ access units ─▶ (coded anew where asked) ─▶ RTP payloads   once per file and coding
//!                                                          │ shared by every camera and viewer
//!  viewer ◀─ RTP headers, pace, faults ◀─ one small task per viewer ┘
//!  control socket, script, random faults ─▶ server task (owns the server) ─▶ cameras
//! ```
//!
//! GStreamer reads, codes and payloads; the server itself is ours (messages by `rtsp-types`). Its
//! stock one, gst-rtsp-server, shares a media only by sending all of its viewers the same packets,
//! and has no hook per viewer; a media of its own for each camera, which faults per camera need,
//! costs several threads and a pipeline. Here a viewer is a task of a few hundred bytes, every
//! camera may fail in its own way at any time, over TCP and UDP, and 1,042 of them fit one thread.
//!
//! Not served: audio, multicast, RTSP over HTTP or TLS, seeking. A session does not time out; it
//! ends with its connection.

mod camera;
mod coding;
mod command;
mod config;
mod connection;
mod control;
mod description;
mod error;
mod fault;
mod file;
mod handle;
mod library;
mod login;
mod looped;
mod packet_writer;
mod packets;
mod plan;
mod playback;
mod playing;
mod recording;
mod report;
mod rtp;
mod rtsp_server;
mod server_task;
mod state;

pub use coding::Coding;
pub use command::{Cameras, Command, Reply};
pub use config::{ServedCamera, ServerConfig};
pub use control::ask;
pub use error::SimError;
pub use fault::{Fault, FaultError};
pub use file::{load, parse, spread_start};
pub use handle::ServerHandle;
pub use plan::{ChaosConfig, Planned};
pub use recording::Codec;
pub use report::{CameraReport, Report, Usage};
pub use rtsp_server::RtspServer;
