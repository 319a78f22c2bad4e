//! A wall of cameras: recordings served as RTSP cameras, with faults on command.
//!
//! ```text
//!  file ─▶ access units ─▶ (coded anew where asked) ─▶ RTP payloads   once per file and coding
//!                                                          │ shared by every camera and viewer
//!  viewer ◀─ RTP headers, pace, faults ◀─ one small task per viewer ┘
//!  control socket, script, random faults ─▶ desk (owns the wall) ─▶ cameras
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
mod control;
mod conversation;
mod description;
mod desk;
mod fault;
mod file;
mod film;
mod library;
mod login;
mod looped;
mod order;
mod outlet;
mod packets;
mod plan;
mod playing;
mod recording;
mod report;
mod rtp;
mod running;

use std::collections::HashSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use gstreamer as gst;

pub use coding::Coding;
pub use control::ask;
pub use fault::{Fault, FaultError};
pub use file::{load, parse, spread_start};
pub use order::{Cameras, Order, Reply};
pub use plan::{ChaosConfig, Planned};
pub use recording::Codec;
pub use report::{CameraReport, Report, Usage};
pub use running::{Wall, WallHandle};

use self::camera::Camera;
use self::fault::Picture;
use self::library::Library;
use parapet::base::clock::SystemClock;

/// Which cameras to play, and where.
#[derive(Clone, Debug)]
pub struct WallConfig {
    /// The address to listen on.
    pub address: IpAddr,
    /// The port to listen on; 0 takes any free one, see [`Wall::port`].
    pub port: u16,
    /// One mount each.
    pub cameras: Vec<WallCamera>,
    /// Where to listen for orders, besides [`Wall::handle`].
    pub control: Option<PathBuf>,
    /// Orders with times.
    pub script: Vec<Planned>,
    /// Random faults.
    pub chaos: Option<ChaosConfig>,
    /// Makes the pictures of `resolution` and `codec` faults at the start rather than when the
    /// first such fault comes.
    pub stand_ins: bool,
}

impl Default for WallConfig {
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
pub struct WallCamera {
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

impl std::fmt::Debug for WallCamera {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WallCamera")
            .field("mount", &self.mount)
            .field("file", &self.file)
            .field("user", &self.credentials.as_ref().map(|(user, _)| user))
            .field("coding", &self.coding)
            .finish_non_exhaustive()
    }
}

/// Why a wall did not start.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// A recording is missing or may not be read.
    #[error("cannot open the recording {}; give the path of a readable mp4, mkv or .264 file", file.display())]
    Open {
        /// The recording.
        file: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// A file cannot be played.
    #[error("cannot play the recording {}: {why}; give an mp4, mkv or raw file with H.264 or H.265", file.display())]
    Recording {
        /// The recording.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A mount's name is empty, used twice, or no path of a URL.
    #[error("the mount `{mount}` {why}")]
    Mount {
        /// The name as given.
        mount: String,
        /// What is wrong with it and what to do.
        why: &'static str,
    },
    /// Nothing can listen there.
    #[error("cannot listen on {at}: {why}; choose another port, or 0 for any free one")]
    Listen {
        /// The address asked for.
        at: SocketAddr,
        /// The reason.
        why: String,
    },
    /// The control socket cannot be served.
    #[error("cannot listen on the socket {}: {source}; choose another path, at most 107 bytes long", path.display())]
    Control {
        /// The socket.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// GStreamer or the server's thread is not usable.
    #[error("the RTSP server does not start: {0}; check the GStreamer installation")]
    Server(String),
    /// No thread for the server.
    #[error("no thread for the RTSP server: {0}; raise the limit of threads")]
    Thread(#[source] io::Error),
}

impl Wall {
    /// Reads and codes the recordings and listens; clients may connect at once after. Blocks for
    /// as long as coding takes; [`Report::recordings`] tells.
    ///
    /// # Errors
    /// [`SimError`], which names the file, mount or address at fault and what to do.
    pub fn start(config: WallConfig) -> Result<Self, SimError> {
        gst::init().map_err(|error| SimError::Server(error.to_string()))?;
        let clock = SystemClock::shared();
        let library = Arc::new(Library::new(Arc::clone(&clock)));
        let mut taken = HashSet::new();
        let mut cameras = Vec::new();
        for camera in &config.cameras {
            let mount = mount_name(&camera.mount)?;
            if !taken.insert(mount.clone()) {
                return Err(SimError::Mount {
                    mount: camera.mount.clone(),
                    why: "is used twice; give each camera its own",
                });
            }
            library.get(&camera.file, &camera.coding)?;
            let camera = Camera::new(
                mount,
                camera.credentials.clone(),
                (camera.file.clone(), camera.coding),
                camera.start,
                Arc::clone(&library),
            );
            if config.stand_ins {
                camera.make(Picture::OtherSize)?;
                camera.make(Picture::OtherCodec)?;
            }
            cameras.push(Arc::new(camera));
        }
        Self::listen(config, cameras, library, clock)
    }
}

/// The mount as the path of a URL, without its leading `/`.
fn mount_name(mount: &str) -> Result<String, SimError> {
    let name = mount.trim_matches('/');
    let wrong = |why| SimError::Mount {
        mount: mount.to_owned(),
        why,
    };
    if name.is_empty() {
        return Err(wrong("is empty; give it a name"));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    if !name.chars().all(plain) {
        return Err(wrong(
            "is no path; use letters, digits, `-`, `_`, `.` and `/`",
        ));
    }
    Ok(name.to_owned())
}
