//! Where a camera's pictures come from.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::config::secret::Secret;
use crate::model::geometry::Size;

/// Where pictures come from.
#[derive(Clone, Debug, PartialEq)]
pub enum SourceConfig {
    /// An RTSP camera (`rtsp://` or `rtsps://`), its URL without credentials.
    Rtsp {
        /// Address without user and password.
        url: Url,
        /// How RTP travels.
        transport: Transport,
        /// Who we say we are.
        credentials: Option<Credentials>,
        /// Jitter buffer of [`RtspClient::Gstreamer`].
        latency: Duration,
        /// What receives.
        client: RtspClient,
    },
    /// A recording: mp4, mkv, avi or raw H.264/H.265.
    File {
        /// The file.
        path: PathBuf,
        /// As recorded, or as fast as it goes.
        pace: Pace,
        /// Start again at the end.
        repeat: bool,
    },
    /// GStreamer's moving test pattern.
    Test {
        /// Picture size.
        size: Size,
        /// Frames per second.
        fps: u32,
    },
}

/// How RTP travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Interleaved in the RTSP connection.
    Tcp,
    /// Datagrams.
    Udp,
}

impl Transport {
    pub(crate) const NAMES: [(&str, Self); 2] = [("tcp", Self::Tcp), ("udp", Self::Udp)];
}

/// What receives an RTSP camera.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RtspClient {
    /// The `retina` crate: a task a camera, one or two threads for all. It speaks no TLS.
    /// Built in over TCP.
    Retina,
    /// GStreamer's `rtspsrc`: a pipeline with threads of its own a camera. Built in where
    /// the other one falls short.
    Gstreamer,
}

impl RtspClient {
    pub(crate) const NAMES: [(&str, Self); 2] =
        [("retina", Self::Retina), ("gstreamer", Self::Gstreamer)];
}

/// How fast a file plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As recorded.
    RealTime,
    /// As fast as its consumer takes frames; no frame is lost.
    Fast,
}

impl Pace {
    pub(crate) const NAMES: [(&str, Self); 2] =
        [("real_time", Self::RealTime), ("fast", Self::Fast)];
}

/// Who we say we are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// User.
    pub user: String,
    /// Password.
    pub password: Secret,
}
