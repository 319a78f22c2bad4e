//! What an operator or admin can do to the daemon.

use std::sync::Arc;

use crate::model::ids::CameraId;

/// What can be done to a camera.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CameraAction {
    /// Close its source and open it anew.
    Restart,
    /// Stop it until it is resumed.
    Pause,
    /// Start it again.
    Resume,
}

/// What a reload changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reloaded {
    /// Cameras that are new.
    pub added: Vec<CameraId>,
    /// Cameras that are gone.
    pub removed: Vec<CameraId>,
    /// Cameras with other settings.
    pub changed: Vec<CameraId>,
    /// Sections that only a restart takes over.
    pub needs_restart: Vec<&'static str>,
    /// Whether new certificates are in force.
    pub certificates_changed: bool,
}

/// Why something could not be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlError {
    /// There is no such camera.
    Unknown(CameraId),
    /// Not in the state it is in.
    State(String),
    /// The configuration or the certificates are no good; everything that is wrong.
    Configuration(String),
    /// The audit log cannot be written.
    Audit,
    /// Nobody is there to do it, or it takes too long.
    Away,
}

/// Does what an operator or admin asks for.
#[tonic::async_trait]
pub trait Control: Send + Sync {
    /// Does something to a camera.
    ///
    /// # Errors
    /// [`ControlError`].
    async fn camera(
        &self,
        camera: CameraId,
        action: CameraAction,
        who: Arc<str>,
    ) -> Result<(), ControlError>;

    /// Reads configuration and certificates anew, and writes to the audit log who asked.
    ///
    /// # Errors
    /// [`ControlError`]; then nothing has changed.
    async fn reload(&self, who: Arc<str>) -> Result<Reloaded, ControlError>;
}
