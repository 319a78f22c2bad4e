//! Logins and refused calls on their way to the audit log: a bounded queue in front of a task
//! that counts repetitions. When the queue is full, an entry is counted, and told as one of
//! "others": nothing here holds up a connection. Those who were let in have a queue of their own,
//! which a flood of others does not fill.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::audit::{AuditLog, Entry, Outcome, Tally};
use crate::base::clock::SharedClock;

/// Entries that wait for the task.
const QUEUE: usize = 256;
/// How often windows are looked at.
const TICK: Duration = Duration::from_secs(1);
/// Entries of one transaction.
const MAX_AT_ONCE: usize = 128;

/// Takes notes.
#[derive(Clone)]
pub(super) struct Logins {
    accepted: mpsc::Sender<Entry>,
    refused: mpsc::Sender<Entry>,
    missed: Arc<AtomicU64>,
}

/// The task's end.
pub(super) struct LoginTask {
    accepted: mpsc::Receiver<Entry>,
    refused: mpsc::Receiver<Entry>,
    missed: Arc<AtomicU64>,
    audit: Arc<AuditLog>,
    clock: SharedClock,
}

pub(super) fn channel(audit: Arc<AuditLog>, clock: SharedClock) -> (Logins, LoginTask) {
    let (accepted, taken) = mpsc::channel(QUEUE);
    let (refused, turned_away) = mpsc::channel(QUEUE);
    let missed = Arc::new(AtomicU64::new(0));
    let logins = Logins {
        accepted,
        refused,
        missed: Arc::clone(&missed),
    };
    let task = LoginTask {
        accepted: taken,
        refused: turned_away,
        missed,
        audit,
        clock,
    };
    (logins, task)
}

impl Logins {
    /// Notes an entry; never waits.
    pub(super) fn note(&self, entry: Entry) {
        let queue = match entry.outcome {
            Outcome::Refused => &self.refused,
            _ => &self.accepted,
        };
        if queue.try_send(entry).is_err() {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl LoginTask {
    /// Until cancelled; then what is left is written.
    pub(super) async fn run(mut self, cancel: CancellationToken) {
        let mut tally = Tally::default();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut taken = Vec::with_capacity(MAX_AT_ONCE);
        loop {
            tokio::select! {
                () = cancel.cancelled() => break,
                Some(entry) = self.accepted.recv() => taken.push(entry),
                Some(entry) = self.refused.recv() => taken.push(entry),
                _ = tick.tick() => {}
            }
            while taken.len() < MAX_AT_ONCE
                && let Some(entry) = self.next()
            {
                taken.push(entry);
            }
            let now = self.clock.now();
            let mut due: Vec<Entry> = taken
                .drain(..)
                .filter_map(|entry| tally.note(entry, now))
                .collect();
            due.extend(tally.due(now));
            due.extend(self.missed());
            self.write(due).await;
        }
        while let Some(entry) = self.next() {
            taken.extend(tally.note(entry, self.clock.now()));
        }
        taken.extend(tally.rest());
        taken.extend(self.missed());
        self.write(taken).await;
    }

    fn next(&mut self) -> Option<Entry> {
        let accepted = self.accepted.try_recv();
        accepted.or_else(|_| self.refused.try_recv()).ok()
    }

    fn missed(&self) -> Option<Entry> {
        let times = self.missed.swap(0, Ordering::Relaxed);
        (times > 0).then(|| Entry {
            times,
            ..Entry::once("others", "login", Outcome::Refused)
                .saying("too many at once to tell apart")
        })
    }

    async fn write(&self, entries: Vec<Entry>) {
        if entries.is_empty() {
            return;
        }
        let audit = Arc::clone(&self.audit);
        // A failure is counted and logged there; a login is no change, so it stands.
        let written = tokio::task::spawn_blocking(move || audit.append(&entries)).await;
        if let Err(error) = written {
            tracing::error!(%error, "writing the audit log panicked");
        }
    }
}
