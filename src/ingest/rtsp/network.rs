//! The threads that all cameras share.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::PATIENCE;
use crate::base::clock::{Monotonic, SharedClock};
use crate::ingest::error::{SourceError, SourceErrorKind};

/// From so many cores on a second thread receives.
const CORES_FOR_TWO: usize = 8;
/// Decoding threads at most, those included whose decoder does not come back.
const MAX_DECODING: usize = 512;
/// A decoding thread that has nothing to do ends after this.
const IDLE: Duration = Duration::from_secs(10);

/// The runtime that receives; it ends with the last who holds it.
#[derive(Debug)]
pub(in super::super) struct Network {
    runtime: Option<Runtime>,
    shared: Arc<Shared>,
}

/// What a camera's task needs of it.
#[derive(Debug)]
pub(super) struct Shared {
    turns: Arc<Semaphore>,
    progress: Mutex<Progress>,
    pub(super) clock: SharedClock,
}

#[derive(Debug, Default)]
struct Progress {
    /// Turns that ended.
    ended: u64,
    /// When there was last one more.
    relieved: Monotonic,
}

impl Network {
    /// Starts the threads.
    ///
    /// # Errors
    /// `Other` when the operating system gives none.
    pub(in super::super) fn start(clock: SharedClock) -> Result<Arc<Self>, SourceError> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let receiving = if cores < CORES_FOR_TWO { 1 } else { 2 };
        let started = AtomicUsize::new(0);
        let runtime = Builder::new_multi_thread()
            .worker_threads(receiving)
            .max_blocking_threads(MAX_DECODING)
            .thread_keep_alive(IDLE)
            // The workers are started first.
            .thread_name_fn(move || {
                let first = started.fetch_add(1, Ordering::AcqRel) < receiving;
                let name = if first { "rtsp" } else { "decode" };
                name.to_owned()
            })
            .enable_all()
            .build()
            .map_err(|error| {
                let text = format!("no threads to receive cameras with: {error}");
                SourceError::new(SourceErrorKind::Other, &text)
            })?;
        Ok(Arc::new(Self {
            runtime: Some(runtime),
            shared: Arc::new(Shared {
                turns: Arc::new(Semaphore::new(cores)),
                progress: Mutex::default(),
                clock,
            }),
        }))
    }

    pub(super) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// Starts a camera's task, which its [`super::Link`] ends.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        if let Some(runtime) = &self.runtime {
            runtime.spawn(task);
        }
    }
}

impl Shared {
    /// Waits for a turn to decode, in the order of asking. Where none ends for [`PATIENCE`] their
    /// decoders are stuck, and there is one turn more.
    pub(super) async fn turn(self: &Arc<Self>) -> Option<Turn> {
        let mut asked = pin!(Arc::clone(&self.turns).acquire_owned());
        loop {
            let ended = self.progress.lock().ended;
            match tokio::time::timeout(PATIENCE, &mut asked).await {
                Ok(permit) => {
                    return permit.ok().map(|permit| Turn {
                        shared: Arc::clone(self),
                        _permit: permit,
                    });
                }
                Err(_) => self.relieve(ended),
            }
        }
    }

    fn relieve(&self, ended: u64) {
        let now = self.clock.now();
        let mut progress = self.progress.lock();
        // All who wait find out at about the same time; the first helps.
        if progress.ended == ended && now.since(progress.relieved) >= PATIENCE {
            progress.relieved = now;
            self.turns.add_permits(1);
            tracing::warn!(patience = ?PATIENCE, "decoders are stuck; others go on beside them");
        }
    }
}

/// A turn to decode; ends when it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    shared: Arc<Shared>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.shared.progress.lock().ended += 1;
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // May be dropped by a thread of another runtime, where waiting is not allowed. Nothing
        // runs any more: all links have ended.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::SystemClock;

    #[test]
    fn one_that_does_not_come_back_gives_its_turn_to_the_next() {
        let network = Network::start(SystemClock::shared()).expect("threads");
        let shared = network.shared();
        let runtime = network.runtime.as_ref().expect("runs");
        runtime.block_on(async {
            let mut stuck = Vec::new();
            while shared.turns.available_permits() > 0 {
                stuck.push(shared.turn().await.expect("a turn"));
            }
            let more = tokio::time::timeout(PATIENCE * 10, shared.turn()).await;
            assert!(more.expect("in time").is_some());
            assert!(!stuck.is_empty());
        });
    }
}
