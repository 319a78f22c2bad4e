//! What the API shows of the daemon.

use std::sync::Arc;

use super::control::Control;
use crate::access::owners::Owners;
use crate::audit::AuditLog;
use crate::base::metrics::Metrics;
use crate::journal::JournalReader;
use crate::model::camera::CameraStatus;

/// What the API shows of the daemon.
#[derive(Clone)]
pub struct ApiDeps {
    /// Reads the journal and keeps the consumers' positions.
    pub reader: JournalReader,
    /// The cameras.
    pub cameras: Arc<dyn CameraView>,
    /// Counts the subscribers.
    pub metrics: Arc<Metrics>,
    /// Who did what.
    pub audit: Arc<AuditLog>,
    /// Owner of each consumer name.
    pub owners: Arc<Owners>,
    /// What an operator or admin can do to the daemon.
    pub control: Arc<dyn Control>,
}

/// Knows every camera's status.
pub trait CameraView: Send + Sync {
    /// The configured cameras.
    fn cameras(&self) -> Vec<CameraStatus>;
}
