//! The threads that all cameras share, and the jobs that those do for a camera.
//!
//! Decoders that do not come back hold up all others: where something waits and nothing was begun for
//! [`STUCK_TIMEOUT`], one more thread begins to decode. That is found out in one place, by the runtime
//! itself ([`relieve_stuck`]).

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::Sender;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::time::MissedTickBehavior;

use super::decode_queue::{DecodeQueue, QueueEntry, Rank};
use crate::base::clock::SharedClock;
use crate::base::tasks::yielding_thread;
use crate::ingest::Waits;
use crate::ingest::decoding::Idle;
use crate::ingest::deliver::Core;
use crate::ingest::error::{SourceError, SourceErrorKind};

/// How long nothing at all is begun while something waits before the decoders count as stuck.
const STUCK_TIMEOUT: Duration = Duration::from_secs(1);
/// Looks at the queue in that time.
const STUCK_POLLS: u32 = 4;
/// From so many cores on a second thread receives.
const CORES_FOR_TWO: usize = 8;

/// Held by everything that may call a camera's sink; when the last is gone nothing does.
pub(super) type Alive = Sender<()>;

/// The runtime that receives; it ends with the last who holds it.
#[derive(Debug)]
pub(in crate::ingest) struct RtspRuntime {
    runtime: Option<Runtime>,
    shared: Arc<Shared>,
}

/// What a camera's task needs of it. The decoding threads end with the last who holds it.
#[derive(Debug)]
pub(super) struct Shared {
    queue: Arc<DecodeQueue>,
    waits: WaitSum,
    /// Decoders that no camera has.
    pub(super) idle: Arc<Idle>,
    pub(super) clock: SharedClock,
}

/// How long jobs of awake cameras have waited, together.
#[derive(Debug, Default)]
struct WaitSum {
    nanos: AtomicU64,
    count: AtomicU64,
}

impl WaitSum {
    fn add(&self, waited: Duration) {
        let nanos = u64::try_from(waited.as_nanos()).unwrap_or(u64::MAX);
        self.nanos.fetch_add(nanos, Ordering::AcqRel);
        self.count.fetch_add(1, Ordering::AcqRel);
    }
}

impl RtspRuntime {
    /// Starts the threads: one or two that receive, one a core that decodes.
    ///
    /// # Errors
    /// `Other` when the operating system gives none.
    pub(in crate::ingest) fn start(clock: SharedClock) -> Result<Arc<Self>, SourceError> {
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
            queue: Arc::default(),
            waits: WaitSum::default(),
            idle: Arc::default(),
            clock,
        });
        for _ in 0..cores {
            decoding_thread(&shared.queue).map_err(none)?;
        }
        runtime.spawn(relieve_stuck(Arc::clone(&shared.queue)));
        Ok(Arc::new(Self {
            runtime: Some(runtime),
            shared,
        }))
    }

    /// How long decoding has been waited for.
    pub(in crate::ingest) fn waits(&self) -> Waits {
        let waits = &self.shared.waits;
        Waits {
            total: Duration::from_nanos(waits.nanos.load(Ordering::Acquire)),
            count: waits.count.load(Ordering::Acquire),
        }
    }

    pub(super) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// Starts a camera's task, which its connection ends.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        if let Some(runtime) = &self.runtime {
            runtime.spawn(task);
        }
    }
}

/// Works until nobody can give it work any more.
fn decoding_thread(queue: &Arc<DecodeQueue>) -> std::io::Result<()> {
    let queue = Arc::clone(queue);
    yielding_thread("decode", move || {
        while let Some(work) = queue.next() {
            // Cameras catch their own panics; whatever else comes must not cost a thread.
            if catch_unwind(AssertUnwindSafe(work)).is_err() {
                tracing::error!("work of a decoding thread panicked");
            }
        }
    })
    .map(drop)
}

/// Adds a decoding thread whenever those that there are get nowhere. Ends with the runtime.
async fn relieve_stuck(queue: Arc<DecodeQueue>) {
    let mut polls = tokio::time::interval(STUCK_TIMEOUT / STUCK_POLLS);
    polls.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut before, mut same) = (None, 0);
    loop {
        polls.tick().await;
        let begun = queue.begun_while_waiting();
        same = if begun.is_some() && begun == before {
            same + 1
        } else {
            0
        };
        before = begun;
        if same < STUCK_POLLS {
            continue;
        }
        same = 0;
        if let Err(error) = decoding_thread(&queue) {
            tracing::error!(%error, "no thread beside those that are stuck");
        }
        tracing::warn!(timeout = ?STUCK_TIMEOUT, "decoders are stuck; others go on beside them");
    }
}

/// What a decoding thread does for a camera. The answer is `None` where it panicked, which ended the camera's
/// session; what comes with it goes last, after all that belongs to the camera.
pub(super) fn job<T>(
    core: &Arc<Core>,
    alive: &Alive,
    what: impl FnOnce(&Arc<Core>) -> T + Send + 'static,
) -> impl FnOnce() -> (Option<T>, Alive) + Send + 'static {
    let (core, alive) = (Arc::clone(core), alive.clone());
    move || {
        let done = core.guarded(None, || Some(what(&core)));
        drop(core);
        (done, alive)
    }
}

/// Work that waits, is being done or was; dropped while it waits it is not done.
#[derive(Debug)]
pub(super) struct Asked<T> {
    entry: QueueEntry,
    /// How long it waited, and what came of it.
    told: oneshot::Receiver<(Duration, T)>,
}

impl<T> Asked<T> {
    /// What came of it; `None` where it panicked. May be dropped and called again until it answers.
    pub(super) async fn done(&mut self) -> Option<T> {
        self.answer().await.map(|(_, done)| done)
    }

    /// Another place in the queue, where it still waits.
    pub(super) fn move_to(&mut self, rank: Rank) {
        self.entry.move_to(rank);
    }

    async fn answer(&mut self) -> Option<(Duration, T)> {
        let answer = (&mut self.told).await;
        self.entry.set_over();
        answer.ok()
    }
}

impl Shared {
    /// Has it done by a decoding thread when it is its turn. While it waits for that it says so with
    /// `waiting`, every [`STUCK_TIMEOUT`]. `None` where it panicked.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        rank: Rank,
        waiting: impl Fn() + Send,
        what: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let mut asked = self.ask(rank, what);
        let (waited, done) = loop {
            match tokio::time::timeout(STUCK_TIMEOUT, asked.answer()).await {
                Ok(answer) => break answer?,
                Err(_) if asked.entry.waits() => waiting(),
                Err(_) => break asked.answer().await?,
            }
        };
        self.waits.add(waited);
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
        let entry = self.queue.ask(rank, Box::new(work));
        Asked { entry, told }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl Drop for RtspRuntime {
    fn drop(&mut self) {
        // May be dropped by a thread of another runtime, where waiting is not allowed. Nothing
        // runs any more: all connections have ended.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::bounded;

    use super::*;
    use crate::base::clock::{Monotonic, SystemClock};
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
        let rtsp = RtspRuntime::start(SystemClock::shared()).expect("threads");
        let shared = rtsp.shared();
        let runtime = rtsp.runtime.as_ref().expect("runs");
        let (let_go, stuck) = bounded::<()>(0);
        for _ in 0..cores() {
            let (shared, stuck) = (rtsp.shared(), stuck.clone());
            let wait = move || stuck.recv().is_ok();
            runtime.spawn(async move { run(&shared, wait).await });
        }
        runtime.block_on(async {
            let more = tokio::time::timeout(STUCK_TIMEOUT * 20, run(&shared, || 7)).await;
            assert_eq!(more.expect("in time"), Some(7));
        });
        drop(let_go);
    }

    #[test]
    fn what_waits_can_be_taken_back_and_what_was_begun_cannot() {
        let rtsp = RtspRuntime::start(SystemClock::shared()).expect("threads");
        let shared = rtsp.shared();
        let runtime = rtsp.runtime.as_ref().expect("runs");
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
        assert!(held.iter().all(|begun| !begun.entry.take_back()));
        let waits = shared.ask(RANK, || 7);
        assert!(waits.entry.take_back());
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
        let rtsp = RtspRuntime::start(SystemClock::shared()).expect("threads");
        let shared = rtsp.shared();
        let runtime = rtsp.runtime.as_ref().expect("runs");
        runtime.block_on(async {
            for _ in 0..4 * cores() {
                let outcome: Option<()> = run(&shared, || panic!("asked to")).await;
                assert_eq!(outcome, None);
            }
            assert_eq!(run(&shared, || 7).await, Some(7));
        });
    }
}
