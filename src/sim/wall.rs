//! Recordings played as RTSP cameras, for the demo and for tests.
//!
//! Each file is read once into encoded access units ([`recording`]); nothing is decoded or encoded.
//! A mount plays them round after round with timestamps that go on ([`looped`]); the server's sinks
//! hold each unit back until its time, so a camera sends as fast as it filmed. All clients of a
//! mount share one media, and all mounts of a file share its bytes.

mod access;
mod looped;
mod recording;

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use gst::glib;
use gst_rtsp_server::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;
use gstreamer_rtsp_server as gst_rtsp_server;

use self::looped::Place;
use self::recording::Recording;
use crate::base::tasks::named_thread;

/// What the source is called inside a mount's pipeline.
const SOURCE: &str = "recording";

/// Which cameras to play, and where.
#[derive(Clone, Debug)]
pub struct WallConfig {
    /// The address to listen on.
    pub address: IpAddr,
    /// The port to listen on; 0 takes any free one, see [`Wall::port`].
    pub port: u16,
    /// One mount each.
    pub cameras: Vec<WallCamera>,
}

impl Default for WallConfig {
    fn default() -> Self {
        Self {
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            cameras: Vec::new(),
        }
    }
}

/// A recording that plays as a camera.
#[derive(Clone)]
pub struct WallCamera {
    /// The URL's path, with or without its leading `/`.
    pub mount: String,
    /// An mp4, mkv or raw file with H.264 or H.265.
    pub file: PathBuf,
    /// User and password (digest); anybody may watch where there are none.
    pub credentials: Option<(String, String)>,
}

impl std::fmt::Debug for WallCamera {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WallCamera")
            .field("mount", &self.mount)
            .field("file", &self.file)
            .field("user", &self.credentials.as_ref().map(|(user, _)| user))
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
    /// One user with two passwords.
    #[error("the user `{user}` has two passwords; give each user one for the whole wall")]
    Credentials {
        /// The user.
        user: String,
    },
    /// Nothing can listen there.
    #[error("cannot listen on {at}: {why}; choose another port, or 0 for any free one")]
    Listen {
        /// The address asked for.
        at: SocketAddr,
        /// The reason.
        why: String,
    },
    /// GStreamer or its RTSP server is not usable.
    #[error("the RTSP server does not start: {0}; check the GStreamer installation")]
    Server(String),
    /// No thread for the server.
    #[error("no thread for the RTSP server: {0}; raise the limit of threads")]
    Thread(#[source] io::Error),
}

/// RTSP cameras that play until [`Wall::stop`] or drop.
#[derive(Debug)]
pub struct Wall {
    server: gst_rtsp_server::RTSPServer,
    address: IpAddr,
    port: u16,
    main_loop: glib::MainLoop,
    listener: glib::Source,
    thread: Option<JoinHandle<()>>,
}

impl Wall {
    /// Reads the recordings and listens; clients may connect at once after.
    ///
    /// # Errors
    /// [`SimError`], which names the file, mount or address at fault and what to do.
    pub fn start(config: WallConfig) -> Result<Self, SimError> {
        gst::init().map_err(|error| SimError::Server(error.to_string()))?;
        let server = gst_rtsp_server::RTSPServer::new();
        server.set_address(&config.address.to_string());
        server.set_service(&config.port.to_string());
        let mounts = gst_rtsp_server::RTSPMountPoints::new();
        let mut recordings: HashMap<PathBuf, Arc<Recording>> = HashMap::new();
        let mut doors = access::Doors::default();
        for camera in &config.cameras {
            let path = mount_path(&camera.mount)?;
            let recording = match recordings.get(&camera.file) {
                Some(known) => Arc::clone(known),
                None => Arc::new(Recording::read(&camera.file)?),
            };
            recordings.insert(camera.file.clone(), Arc::clone(&recording));
            let factory = factory(recording);
            doors.add(&path, &factory, camera)?;
            mounts.add_factory(&path, factory);
        }
        server.set_mount_points(Some(&mounts));
        doors.close(&server);
        Self::listen(server, &config)
    }

    fn listen(server: gst_rtsp_server::RTSPServer, config: &WallConfig) -> Result<Self, SimError> {
        let listener = server
            .create_source(gst_rtsp_server::gio::Cancellable::NONE)
            .map_err(|error| SimError::Listen {
                at: SocketAddr::new(config.address, config.port),
                why: error.message().to_owned(),
            })?;
        let port = u16::try_from(server.bound_port())
            .map_err(|_| SimError::Server("it does not tell its port".to_owned()))?;
        let context = glib::MainContext::new();
        listener.attach(Some(&context));
        let main_loop = glib::MainLoop::new(Some(&context), false);
        let running = main_loop.clone();
        let (ready, begun) = std::sync::mpsc::sync_channel(1);
        let thread = named_thread("sim-wall", move || {
            // Says so from inside the loop: a stop before it would be forgotten.
            context.invoke(move || {
                let _ = ready.send(());
            });
            let ran = context.with_thread_default(|| running.run());
            if let Err(error) = ran {
                tracing::error!(%error, "camera simulator has no main context");
            }
        })
        .map_err(SimError::Thread)?;
        let wall = Self {
            server,
            address: config.address,
            port,
            main_loop,
            listener,
            thread: Some(thread),
        };
        begun
            .recv()
            .map_err(|_| SimError::Server("its thread ended at once".to_owned()))?;
        tracing::info!(%wall.address, wall.port, cameras = config.cameras.len(), "camera simulator listens");
        Ok(wall)
    }

    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The URL of a mount, without user and password.
    #[must_use]
    pub fn url(&self, mount: &str) -> String {
        let at = SocketAddr::new(self.address, self.port);
        format!("rtsp://{at}/{}", mount.trim_start_matches('/'))
    }

    /// Hangs up on every client and closes the port, which is free again after.
    pub fn stop(mut self) {
        self.close();
    }

    fn close(&mut self) {
        let Some(thread) = self.thread.take() else {
            return;
        };
        // First nobody new, then the loop, so that no client is accepted in between.
        self.listener.destroy();
        self.main_loop.quit();
        if thread.join().is_err() {
            tracing::error!("camera simulator's thread panicked");
        }
        self.server
            .client_filter(Some(&mut |_, _| gst_rtsp_server::RTSPFilterResult::Remove));
        if let Some(sessions) = self.server.session_pool() {
            sessions.filter(Some(&mut |_, _| gst_rtsp_server::RTSPFilterResult::Remove));
        }
    }
}

impl Drop for Wall {
    fn drop(&mut self) {
        self.close();
    }
}

/// The mount as the path of a URL.
fn mount_path(mount: &str) -> Result<String, SimError> {
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
    Ok(format!("/{name}"))
}

/// One media for all clients of a mount, fed from memory.
fn factory(recording: Arc<Recording>) -> gst_rtsp_server::RTSPMediaFactory {
    let factory = gst_rtsp_server::RTSPMediaFactory::new();
    factory.set_shared(true);
    factory.set_launch(&format!(
        "( appsrc name={SOURCE} is-live=true format=time ! rtp{}pay name=pay0 config-interval=1 pt=96 )",
        recording.codec.name()
    ));
    factory.connect_media_configure(move |_, media| {
        let bin = media.element().downcast::<gst::Bin>().ok();
        let source = bin.and_then(|bin| bin.by_name_recurse_up(SOURCE));
        match source.and_then(|source| source.downcast::<gst_app::AppSrc>().ok()) {
            Some(source) => feed(&source, &recording),
            None => tracing::error!("camera simulator's pipeline has no source"),
        }
    });
    factory
}

/// Gives one access unit whenever the source has none left. The sinks wait for each unit's time,
/// so the source asks in the file's pace.
fn feed(source: &gst_app::AppSrc, recording: &Arc<Recording>) {
    source.set_caps(Some(&recording.caps));
    let recording = Arc::clone(recording);
    let mut place = Place::default();
    source.set_callbacks(
        gst_app::AppSrcCallbacks::builder()
            .need_data(move |source, _| {
                let (at, offset) = place.advance(recording.units.len(), recording.length);
                let unit = &recording.units[at];
                // Copies the head only; the bytes stay shared.
                let mut buffer = unit.buffer.copy();
                let head = buffer.make_mut();
                head.set_pts(gst::ClockTime::from_nseconds(offset + unit.timing.pts));
                head.set_dts(gst::ClockTime::from_nseconds(offset + unit.timing.dts));
                // Refused only while the media is being taken down.
                let _ = source.push_buffer(buffer);
            })
            .build(),
    );
}
