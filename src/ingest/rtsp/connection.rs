//! A camera that is being received, from without: its task begins, and it ends with whoever drops it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crossbeam_channel::{Receiver, bounded};
use tokio_util::sync::CancellationToken;

use super::receive::receive;
use super::runtime::RtspRuntime;
use crate::base::tasks::catch_panic;
use crate::ingest::deliver::Core;
use crate::ingest::error::{SourceError, SourceErrorKind};

/// One camera's task.
pub(in crate::ingest) struct RtspConnection {
    core: Arc<Core>,
    cancel: CancellationToken,
    gone: Receiver<()>,
    /// Ends after all its cameras.
    _runtime: Arc<RtspRuntime>,
}

impl RtspConnection {
    /// Begins to receive; the camera's errors come to its sink.
    pub(in crate::ingest) fn open(runtime: Arc<RtspRuntime>, core: &Arc<Core>) -> Self {
        let cancel = CancellationToken::new();
        let (alive, gone) = bounded(0);
        let (receiving, stop) = (Arc::clone(core), cancel.clone());
        let shared = runtime.shared();
        runtime.spawn(async move {
            let until = Box::pin(receive(&receiving, &shared, &alive));
            let work = async {
                tokio::select! {
                    biased;
                    () = stop.cancelled() => {}
                    outcome = until => match outcome {
                        Ok(()) => receiving.ended(),
                        Err(error) => receiving.fail(error),
                    },
                }
            };
            if let Some(message) = catch_panic(work).await {
                tracing::error!(camera = %receiving.id(), message, "receiving panicked");
                receiving.fail(SourceError::new(SourceErrorKind::Panicked, &message));
            }
            drop(receiving);
            drop(alive);
        });
        Self {
            core: Arc::clone(core),
            cancel,
            gone,
            _runtime: runtime,
        }
    }
}

impl Drop for RtspConnection {
    fn drop(&mut self) {
        self.core.stopped.store(true, Ordering::Release);
        self.cancel.cancel();
        // Nothing is ever sent: it ends when the task and its picture in the decoder have.
        let _ = self.gone.recv();
    }
}
