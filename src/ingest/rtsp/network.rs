//! The threads that all cameras share.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use super::PATIENCE;
use super::line::{Entry, Line, Rank};
use crate::base::clock::{Monotonic, SharedClock};
use crate::base::tasks::yielding_thread;
use crate::ingest::Waits;
use crate::ingest::decoding::Idle;
use crate::ingest::error::{SourceError, SourceErrorKind};

/// From so many cores on a second thread receives.
const CORES_FOR_TWO: usize = 8;
/// The runtime that receives; it ends with the last who holds it.
#[derive(Debug)]
pub(in super::super) struct Network {
    runtime: Option<Runtime>,
    shared: Arc<Shared>,
}

/// What a camera's task needs of it. The decoding threads end with the last who holds it.
#[derive(Debug)]
pub(super) struct Shared {
    line: Arc<Line>,
    progress: Mutex<Progress>,
    /// Decoders that no camera has.
    pub(super) idle: Arc<Idle>,
    pub(super) clock: SharedClock,
}

#[derive(Debug, Default)]
struct Progress {
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
        let shared = Arc::new(Shared {
            line: Arc::default(),
            progress: Mutex::default(),
            idle: Arc::default(),
            clock,
        });
        for _ in 0..cores {
            decoding_thread(&shared.line).map_err(none)?;
        }
        Ok(Arc::new(Self {
            runtime: Some(runtime),
            shared,
        }))
    }

    /// How long decoding has been waited for.
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
fn decoding_thread(line: &Arc<Line>) -> std::io::Result<()> {
    let line = Arc::clone(line);
    yielding_thread("decode", move || {
        while let Some(work) = line.next() {
            // Cameras catch their own panics; whatever else comes must not cost a thread.
            if catch_unwind(AssertUnwindSafe(work)).is_err() {
                tracing::error!("work of a decoding thread panicked");
            }
        }
    })
    .map(drop)
}

/// Work that waits, is being done or was; dropped while it waits it is not done.
#[derive(Debug)]
pub(super) struct Asked<T> {
    entry: Entry,
    /// How long it waited, and what came of it.
    told: oneshot::Receiver<(Duration, T)>,
}

impl<T> Asked<T> {
    /// What came of it; `None` where it panicked. May be dropped and called again until it answers.
    pub(super) async fn done(&mut self) -> Option<T> {
        let answer = (&mut self.told).await;
        answer.ok().map(|(_, done)| done)
    }

    /// Gives it up; false where it was begun.
    pub(super) fn take_back(&self) -> bool {
        self.entry.take_back()
    }
}

impl Shared {
    /// Has it done by a decoding thread when it is its turn. While it waits for that it says so with
    /// `waiting`, every [`PATIENCE`]. Where nothing is begun for that long the decoders are stuck, and
    /// there is one thread more. `None` where it panicked.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        rank: Rank,
        waiting: impl Fn() + Send,
        what: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let mut asked = self.ask(rank, what);
        let (waited, done) = loop {
            let seen = self.line.begun();
            if let Ok(answer) = tokio::time::timeout(PATIENCE, &mut asked.told).await {
                break answer.ok()?;
            }
            if !asked.entry.waits() {
                break asked.told.await.ok()?;
            }
            waiting();
            self.relieve(seen);
        };
        let mut progress = self.progress.lock();
        progress.waits.total += waited;
        progress.waits.count += 1;
        Some(done)
    }

    /// Lets it be done by a decoding thread when it is its turn.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        rank: Rank,
        what: impl FnOnce() -> T + Send + 'static,
    ) -> Asked<T> {
        let (tell, told) = oneshot::channel();
        let (begun, clock) = (self.clock.now(), Arc::clone(&self.clock));
        let work = move || {
            let waited = clock.now().since(begun);
            // Nobody listens where the camera was stopped meanwhile.
            let _ = tell.send((waited, what()));
        };
        let entry = self.line.ask(rank, Box::new(work));
        Asked { entry, told }
    }

    /// What was begun so far; for [`Shared::relieve`].
    pub(super) fn begun(&self) -> u64 {
        self.line.begun()
    }

    /// Counts a look that somebody counted on and that was taken.
    pub(super) fn count_look(&self) {
        self.progress.lock().waits.looks += 1;
    }

    /// Nothing was begun since `begun` was all that was, and somebody waited for [`PATIENCE`].
    pub(super) fn relieve(&self, begun: u64) {
        let now = self.clock.now();
        let mut progress = self.progress.lock();
        // All who wait find out at about the same time; the first helps.
        if self.line.begun() != begun || now.since(progress.relieved) < PATIENCE {
            return;
        }
        progress.relieved = now;
        if let Err(error) = decoding_thread(&self.line) {
            tracing::error!(%error, "no thread beside those that are stuck");
        }
        tracing::warn!(patience = ?PATIENCE, "decoders are stuck; others go on beside them");
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.line.close();
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
    use crossbeam_channel::bounded;

    use super::*;
    use crate::base::clock::SystemClock;
    use crate::ingest::gate::Urgency;

    const RANK: Rank = Rank {
        urgency: Urgency::Followed,
        priority: 100,
        since: Monotonic(Duration::ZERO),
    };

    async fn run<T: Send + 'static>(
        shared: &Shared,
        what: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        shared.run(RANK, || {}, what).await
    }

    fn cores() -> usize {
        std::thread::available_parallelism().map_or(1, usize::from)
    }

    #[test]
    fn decoders_that_do_not_come_back_leave_the_others_a_thread() {
        let network = Network::start(SystemClock::shared()).expect("threads");
        let shared = network.shared();
        let runtime = network.runtime.as_ref().expect("runs");
        let (let_go, stuck) = bounded::<()>(0);
        for _ in 0..cores() {
            let (shared, stuck) = (network.shared(), stuck.clone());
            let wait = move || stuck.recv().is_ok();
            runtime.spawn(async move { run(&shared, wait).await });
        }
        runtime.block_on(async {
            let more = tokio::time::timeout(PATIENCE * 20, run(&shared, || 7)).await;
            assert_eq!(more.expect("in time"), Some(7));
        });
        drop(let_go);
    }

    #[test]
    fn what_waits_can_be_taken_back_and_what_was_begun_cannot() {
        let network = Network::start(SystemClock::shared()).expect("threads");
        let shared = network.shared();
        let runtime = network.runtime.as_ref().expect("runs");
        let (let_go, stuck) = bounded::<()>(0);
        let (began, begins) = bounded(cores());
        let mut held = Vec::new();
        for _ in 0..cores() {
            let (stuck, began) = (stuck.clone(), began.clone());
            held.push(shared.ask(RANK, move || began.send(()).is_ok() && stuck.recv().is_ok()));
        }
        for _ in 0..cores() {
            begins.recv().expect("it began");
        }
        assert!(held.iter().all(|begun| !begun.take_back()));
        let waits = shared.ask(RANK, || 7);
        assert!(waits.take_back());
        drop(let_go);
        runtime.block_on(async {
            for mut begun in held {
                assert_eq!(begun.done().await, Some(false), "the channel's end");
            }
            assert_eq!(run(&shared, || 8).await, Some(8));
        });
    }

    #[test]
    fn a_panic_costs_no_thread() {
        let network = Network::start(SystemClock::shared()).expect("threads");
        let shared = network.shared();
        let runtime = network.runtime.as_ref().expect("runs");
        runtime.block_on(async {
            for _ in 0..4 * cores() {
                let outcome: Option<()> = run(&shared, || panic!("asked to")).await;
                assert_eq!(outcome, None);
            }
            assert_eq!(run(&shared, || 7).await, Some(7));
        });
    }
}
