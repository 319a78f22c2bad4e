//! The threads that all cameras share.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};
use parking_lot::Mutex;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::PATIENCE;
use crate::base::clock::{Monotonic, SharedClock};
use crate::base::tasks::named_thread;
use crate::ingest::Waits;
use crate::ingest::decoding::Idle;
use crate::ingest::error::{SourceError, SourceErrorKind};

/// From so many cores on a second thread receives.
const CORES_FOR_TWO: usize = 8;
/// Work that may wait for a decoding thread. There is as much as there are turns, and that of
/// cameras that were stopped in theirs; more than this is refused.
const MAX_WAITING: usize = 4_096;

type Work = Box<dyn FnOnce() + Send>;

/// The runtime that receives; it ends with the last who holds it.
#[derive(Debug)]
pub(in super::super) struct Network {
    runtime: Option<Runtime>,
    shared: Arc<Shared>,
}

/// What a camera's task needs of it. The decoding threads end with the last who holds it.
#[derive(Debug)]
pub(super) struct Shared {
    turns: Arc<Semaphore>,
    progress: Mutex<Progress>,
    work: Sender<Work>,
    /// For decoding threads that are yet to be started.
    waiting: Receiver<Work>,
    /// Decoders that no camera has.
    pub(super) idle: Arc<Idle>,
    pub(super) clock: SharedClock,
}

#[derive(Debug, Default)]
struct Progress {
    /// Turns that ended.
    ended: u64,
    /// How long those were waited for that began.
    waits: Waits,
    /// When there was last one more.
    relieved: Monotonic,
}

impl Network {
    /// Starts the threads: one or two that receive, one a core that decodes.
    ///
    /// # Errors
    /// `Other` when the operating system gives none.
    pub(in super::super) fn start(clock: SharedClock) -> Result<Arc<Self>, SourceError> {
        let none = |error: std::io::Error| {
            let text = format!("no threads to receive cameras with: {error}");
            SourceError::new(SourceErrorKind::Other, &text)
        };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let runtime = Builder::new_multi_thread()
            .worker_threads(if cores < CORES_FOR_TWO { 1 } else { 2 })
            .thread_name("rtsp")
            .enable_all()
            .build()
            .map_err(none)?;
        let (work, waiting) = bounded(MAX_WAITING);
        for _ in 0..cores {
            decoding_thread(&waiting).map_err(none)?;
        }
        Ok(Arc::new(Self {
            runtime: Some(runtime),
            shared: Arc::new(Shared {
                turns: Arc::new(Semaphore::new(cores)),
                progress: Mutex::default(),
                work,
                waiting,
                idle: Arc::default(),
                clock,
            }),
        }))
    }

    /// How long turns have been waited for.
    pub(in super::super) fn waits(&self) -> Waits {
        self.shared.progress.lock().waits
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

/// Works until nobody can give it work any more.
fn decoding_thread(waiting: &Receiver<Work>) -> std::io::Result<()> {
    let waiting = waiting.clone();
    named_thread("decode", move || {
        for work in &waiting {
            // Cameras catch their own panics; whatever else comes must not cost a thread.
            if catch_unwind(AssertUnwindSafe(work)).is_err() {
                tracing::error!("work of a decoding thread panicked");
            }
        }
    })
    .map(drop)
}

impl Shared {
    /// Has it done by a decoding thread, when it is its turn; `None` where it was not. While it waits
    /// for that it says so with `waiting`, every [`PATIENCE`].
    pub(super) async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        what: impl FnOnce() -> T + Send + 'static,
        waiting: impl Fn() + Send,
    ) -> Option<T> {
        let turn = self.turn(waiting).await?;
        let (tell, told) = oneshot::channel();
        let work: Work = Box::new(move || {
            // Nobody listens where the camera was stopped meanwhile.
            let _ = tell.send(what());
        });
        self.work.try_send(work).ok()?;
        let done = told.await.ok();
        drop(turn);
        done
    }

    /// Waits for a turn to decode, in the order of asking. Where none ends for [`PATIENCE`] their
    /// decoders are stuck, and there is one turn more.
    async fn turn(self: &Arc<Self>, waiting: impl Fn() + Send) -> Option<Turn> {
        let begun = self.clock.now();
        let mut asked = pin!(Arc::clone(&self.turns).acquire_owned());
        loop {
            let ended = self.progress.lock().ended;
            match tokio::time::timeout(PATIENCE, &mut asked).await {
                Ok(permit) => {
                    let waited = self.clock.now().since(begun);
                    let mut progress = self.progress.lock();
                    progress.waits.total += waited;
                    progress.waits.count += 1;
                    drop(progress);
                    return permit.ok().map(|permit| Turn {
                        shared: Arc::clone(self),
                        _permit: permit,
                    });
                }
                Err(_) => {
                    waiting();
                    self.relieve(ended);
                }
            }
        }
    }

    fn relieve(&self, ended: u64) {
        let now = self.clock.now();
        let mut progress = self.progress.lock();
        // All who wait find out at about the same time; the first helps.
        if progress.ended != ended || now.since(progress.relieved) < PATIENCE {
            return;
        }
        progress.relieved = now;
        match decoding_thread(&self.waiting) {
            Ok(()) => self.turns.add_permits(1),
            Err(error) => tracing::error!(%error, "no thread beside those that are stuck"),
        }
        tracing::warn!(patience = ?PATIENCE, "decoders are stuck; others go on beside them");
    }
}

/// A turn to decode; ends when it is dropped.
#[derive(Debug)]
struct Turn {
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
    fn decoders_that_do_not_come_back_leave_the_others_a_thread() {
        let network = Network::start(SystemClock::shared()).expect("threads");
        let shared = network.shared();
        let runtime = network.runtime.as_ref().expect("runs");
        let (let_go, stuck) = bounded::<()>(0);
        let cores = shared.turns.available_permits();
        for _ in 0..cores {
            let (shared, stuck) = (network.shared(), stuck.clone());
            let wait = move || stuck.recv().is_ok();
            runtime.spawn(async move { shared.run(wait, || {}).await });
        }
        runtime.block_on(async {
            let more = tokio::time::timeout(PATIENCE * 20, shared.run(|| 7, || {})).await;
            assert_eq!(more.expect("in time"), Some(7));
        });
        drop(let_go);
    }

    #[test]
    fn a_panic_costs_no_thread() {
        let network = Network::start(SystemClock::shared()).expect("threads");
        let shared = network.shared();
        let runtime = network.runtime.as_ref().expect("runs");
        runtime.block_on(async {
            for _ in 0..4 * shared.turns.available_permits() {
                let outcome: Option<()> = shared.run(|| panic!("asked to"), || {}).await;
                assert_eq!(outcome, None);
            }
            assert_eq!(shared.run(|| 7, || {}).await, Some(7));
        });
    }
}
