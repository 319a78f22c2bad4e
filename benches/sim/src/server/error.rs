//! Why a camera server does not start.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// A recording is missing or may not be read.
    #[error("cannot open the recording {}; give the path of a readable mp4, mkv or .264 file", file.display())]
    Open {
        file: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// A file cannot be played.
    #[error("cannot play the recording {}: {why}; give an mp4, mkv or raw file with H.264 or H.265", file.display())]
    Recording {
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
        why: String,
    },
    /// The control socket cannot be served.
    #[error("cannot listen on the socket {}: {source}; choose another path, at most 107 bytes long", path.display())]
    Control {
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
