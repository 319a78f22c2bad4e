//! What the analysis worker is told, and what it lets others see of itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::Sender;

use super::observed::CameraObserved;
use crate::base::metrics::CameraMetrics;
use crate::base::pulse::Pulse;
use crate::config::types::CameraConfig;
use crate::infer::Answer;
use crate::model::event::Event;
use crate::model::ids::{CameraId, IdSource};

/// Which life of which camera an answer belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SessionKey {
    /// The camera.
    pub camera: CameraId,
    /// Counts the camera's sessions.
    pub session: u64,
}

pub(super) enum Message {
    Attach {
        camera: Arc<CameraConfig>,
        ids: IdSource,
        metrics: Box<CameraMetrics>,
        observed: Arc<CameraObserved>,
    },
    Begin(SessionKey),
    Answer(SessionKey, Box<Answer>),
    EndSession(SessionKey, Sender<()>),
    SignalLost(CameraId, String),
    SignalBack(CameraId),
    Detach(CameraId, Sender<()>),
    Emit(Box<Event>),
    Stop,
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Message")
    }
}

/// How the thread is.
#[derive(Debug, Default)]
pub(super) struct Vitals {
    pub(super) pulse: Pulse,
    pub(super) ended: AtomicBool,
}

/// Marks the thread's end, however it comes.
pub(super) struct EndMark(pub(super) Arc<Vitals>);

impl Drop for EndMark {
    fn drop(&mut self) {
        self.0.ended.store(true, Ordering::Release);
    }
}
