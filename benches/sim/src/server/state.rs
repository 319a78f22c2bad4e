//! What all connections of a camera server share.

use std::collections::HashMap;
use std::sync::Arc;

use super::camera::Camera;
use super::description::TRACK;
use super::packet_writer::UdpPorts;
use parapet::base::clock::SharedClock;

/// What all connections of a server share.
#[derive(Debug)]
pub(super) struct ServerState {
    /// By mount, without the leading `/`.
    pub(super) cameras: HashMap<String, Arc<Camera>>,
    pub(super) udp: Arc<UdpPorts>,
    pub(super) clock: SharedClock,
}

impl ServerState {
    /// The camera that a URL's path leads to: a mount, or a track of it.
    pub(super) fn camera(&self, path: &str) -> Option<&Arc<Camera>> {
        let path = path.trim_matches('/');
        let above = || path.strip_suffix(TRACK).map(|path| path.trim_matches('/'));
        self.cameras
            .get(path)
            .or_else(|| above().and_then(|path| self.cameras.get(path)))
    }
}
