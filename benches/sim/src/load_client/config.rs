//! How viewers connect.

use std::time::Duration;

/// Whose RTSP client watches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Client {
    /// GStreamer's `rtspsrc`, a pipeline a camera.
    #[default]
    Gstreamer,
    /// The `retina` crate, one thread for all cameras.
    Retina,
}

/// How viewers connect.
#[derive(Clone, Debug)]
pub struct LoadConfig {
    /// The RTSP client.
    pub client: Client,
    /// Whether GStreamer's viewers put access units together too; `retina`'s always do.
    pub units: bool,
    /// RTP in datagrams rather than in the connection.
    pub udp: bool,
    /// User and password, where the cameras ask.
    pub credentials: Option<(String, String)>,
    /// From one viewer's start to the next.
    pub stagger: Duration,
}
