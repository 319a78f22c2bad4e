//! How the daemon is: for the ops endpoint at once, for systemd's watchdog with patience.
//!
//! | part | is ill when | the watchdog starves after |
//! |---|---|---|
//! | inference | a worker has ended or is at one batch for 30 s, or frames wait and nobody cuts a batch for 30 s | that |
//! | analysis | its thread has ended or is at one picture for 30 s, the journal's deadline not counted | that |
//! | journal | its thread has ended or hangs in the disk for 30 s | 5 minutes of it without a break |
//!
//! No camera, or no picture, is no illness: a part that waits for work is well. A disk that takes
//! no events is none either: the journal keeps them in memory, opens its file anew by itself, and
//! a restart would lose what it holds. The daemon is then alive but not ready. A thread that hangs
//! gets patience, because most disks come back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::base::clock::{Monotonic, SharedClock};
use crate::fleet::handle::AnalysisHandle;
use crate::infer::InferencePool;
use crate::journal::Journal;
use crate::ops::HealthView;

/// A thread that is at one piece of work for longer than this is stuck.
const STUCK_AFTER: Duration = Duration::from_secs(30);
/// The journal may fail for this long before a restart is the better try.
const JOURNAL_TIMEOUT: Duration = Duration::from_secs(300);

/// Asks one part how it is; the error says in words what is wrong.
type Ask = Box<dyn Fn() -> Result<(), String> + Send + Sync>;

struct Part {
    ask: Ask,
    patience: Duration,
    ill_since: Mutex<Option<Monotonic>>,
}

/// Health for the ops endpoint and the watchdog.
pub struct Health {
    clock: SharedClock,
    parts: Vec<Part>,
    /// What keeps the daemon from being ready although no part is ill.
    limits: Vec<Ask>,
    started: AtomicBool,
}

impl Health {
    /// Of the daemon's own parts; `deadline` is how long one event may wait for the journal.
    pub(super) fn of(
        journal: Arc<Journal>,
        pool: Arc<InferencePool>,
        analysis: AnalysisHandle,
        deadline: Duration,
        clock: SharedClock,
    ) -> Self {
        let time = Arc::clone(&clock);
        let limit = STUCK_AFTER + deadline;
        let storage = journal.reader();
        Self::new(clock)
            .limit(move || storage.storage())
            .part(JOURNAL_TIMEOUT, move || journal.healthy(STUCK_AFTER))
            .part(Duration::ZERO, move || pool.healthy(STUCK_AFTER))
            .part(Duration::ZERO, move || analysis.healthy(time.now(), limit))
    }

    fn new(clock: SharedClock) -> Self {
        Self {
            clock,
            parts: Vec::new(),
            limits: Vec::new(),
            started: AtomicBool::new(false),
        }
    }

    fn part(
        mut self,
        patience: Duration,
        ask: impl Fn() -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        self.parts.push(Part {
            ask: Box::new(ask),
            patience,
            ill_since: Mutex::new(None),
        });
        self
    }

    fn limit(mut self, ask: impl Fn() -> Result<(), String> + Send + Sync + 'static) -> Self {
        self.limits.push(Box::new(ask));
        self
    }

    /// Says whether everything has started, and no longer once it stops.
    pub(super) fn set_started(&self, started: bool) {
        self.started.store(started, Ordering::Release);
    }

    /// Whether the watchdog is to be fed. Ask at its own pace: a part's illness is timed from
    /// the first asking that finds it.
    ///
    /// # Errors
    /// In words: what has been wrong for longer than is bearable.
    pub fn bearable(&self) -> Result<(), String> {
        let now = self.clock.now();
        let mut verdict = Ok(());
        for part in &self.parts {
            let mut ill_since = part.ill_since.lock();
            let Err(reason) = (part.ask)() else {
                *ill_since = None;
                continue;
            };
            let ill_for = now.since(*ill_since.get_or_insert(now));
            if ill_for >= part.patience && verdict.is_ok() {
                verdict = Err(reason);
            }
        }
        verdict
    }
}

impl HealthView for Health {
    fn alive(&self) -> Result<(), String> {
        self.parts.iter().try_for_each(|part| (part.ask)())
    }

    fn ready(&self) -> Result<(), String> {
        if self.started.load(Ordering::Acquire) {
            self.limits.iter().try_for_each(|ask| ask())?;
            self.alive()
        } else {
            Err("starting or stopping".to_owned())
        }
    }
}

#[cfg(test)]
mod tests;
