//! What a camera server is to play.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use super::coding::Coding;
use super::plan::{ChaosConfig, Planned};

/// Which cameras to play, and where.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The address to listen on.
    pub address: IpAddr,
    /// The port to listen on; 0 takes any free one, see [`super::RtspServer::port`].
    pub port: u16,
    /// One mount each.
    pub cameras: Vec<ServedCamera>,
    /// Where to listen for commands, besides [`super::RtspServer::handle`].
    pub control: Option<PathBuf>,
    /// Commands with times.
    pub script: Vec<Planned>,
    pub chaos: Option<ChaosConfig>,
    /// Makes the pictures of `resolution` and `codec` faults at the start rather than when the
    /// first such fault comes.
    pub stand_ins: bool,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            cameras: Vec::new(),
            control: None,
            script: Vec::new(),
            chaos: None,
            stand_ins: false,
        }
    }
}

/// A recording that plays as a camera.
#[derive(Clone, Default)]
pub struct ServedCamera {
    /// The URL's path, with or without its leading `/`.
    pub mount: String,
    /// An mp4, mkv or raw file with H.264 or H.265.
    pub file: PathBuf,
    /// User and password (digest); anybody may watch where there are none.
    pub credentials: Option<(String, String)>,
    /// How it is coded; by default as recorded.
    pub coding: Coding,
    /// Where in the recording it is when its first viewer comes.
    pub start: Duration,
}

impl std::fmt::Debug for ServedCamera {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServedCamera")
            .field("mount", &self.mount)
            .field("file", &self.file)
            .field("user", &self.credentials.as_ref().map(|(user, _)| user))
            .field("coding", &self.coding)
            .finish_non_exhaustive()
    }
}
