//! The one thread that writes.
//!
//! ```text
//!             commit failed: events stay, in order and bounded; caught-up
//!             subscribers see them as provisional; retry with back-off
//!   working ──────────────────────────────────────────────────────────────▶ holding
//!      ▲  ▲                                                                 │     │
//!      │  └───────────── a commit succeeds: what is held follows ───────────┘     │ held = bound:
//!      │                                                                          │ the newest is lost,
//!      │ new file, gap record, event                                              ▼ counted, and a gap
//!   starting over ◀── damage met by a commit, a reader or at the start       (holding)  stands for it
//! ```
//!
//! A failing connection is closed and the file opened by its path again, so that a disk that
//! comes back is found. The file is then held against the last commit: a write that seemed to
//! fail but reached the disk is not repeated, and an end that is missing is declared by a gap.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use prometheus_client::metrics::histogram::Histogram;
use tokio::sync::watch;

use super::error::{AcknowledgeError, AppendError, JournalError, is_full};
use super::held::{Held, Waiting};
use super::notice::{Notice, Notices};
use super::prune::Pruner;
use super::record::{Tail, to_column};
use super::state::Shared;
use super::store::{Attempt, Store};
use super::writer::{Command, Pending, PendingAcknowledge, count_lost};
use crate::base::backoff::{Backoff, BackoffPolicy};
use crate::base::clock::{Monotonic, SharedClock};
use crate::base::metrics::Metrics;
use crate::config::types::JournalConfig;
use crate::model::event::{EventKind, Phase};
use crate::model::ids::{IncidentId, Sequence};

const RETRY: BackoffPolicy = BackoffPolicy {
    first: Duration::from_millis(50),
    ceiling: Duration::from_secs(2),
};
/// Trouble shorter than this is logged but raises no event: somebody's `sqlite3` shell.
const RAISED_AFTER: Duration = Duration::from_secs(1);
/// Longest sleep while there is nothing to do.
const TICK: Duration = Duration::from_secs(1);
/// Commands taken before the next try while commits fail.
const MAX_TAKEN: usize = 4_096;

/// Commits fail.
pub(super) struct Trouble {
    since: Monotonic,
    backoff: Backoff,
    retry_at: Monotonic,
    kind: EventKind,
    /// Raised to the subscribers as this happening.
    raised: Option<IncidentId>,
}

/// The thread's state.
pub(super) struct Committer {
    pub(super) config: JournalConfig,
    pub(super) lock: Option<File>,
    pub(super) store: Option<Store>,
    /// The last durable record; `None` until the file was open once.
    pub(super) tail: Option<Tail>,
    pub(super) attempted: Option<Attempt>,
    /// When a new file last took a damaged one's place.
    pub(super) started_over: Option<Monotonic>,
    pub(super) held: Held,
    pub(super) acknowledges: Vec<PendingAcknowledge>,
    pub(super) flushes: Vec<Sender<()>>,
    pub(super) trouble: Option<Trouble>,
    pub(super) notices: Notices,
    pub(super) pruner: Pruner,
    pub(super) queue: Receiver<Command>,
    pub(super) gives_up: Receiver<()>,
    pub(super) published: watch::Sender<Sequence>,
    pub(super) clock: SharedClock,
    pub(super) commit_seconds: Histogram,
    pub(super) frame_seconds: Histogram,
    pub(super) metrics: Arc<Metrics>,
    pub(super) shared: Arc<Shared>,
}

impl Committer {
    /// Until told to stop or until nobody is left to ask.
    pub(super) fn run(mut self) {
        let mut stopping = false;
        loop {
            self.shared.is_idle();
            match self.queue.recv_timeout(self.patience()) {
                Ok(command) => stopping |= self.take(command),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => stopping = true,
            }
            self.shared.is_busy(self.clock.now());
            self.gather(&mut stopping);
            let lost = self.shared.lost_in_front.swap(0, Ordering::AcqRel);
            self.held.lose(lost);
            self.commit();
            self.show();
            if self.gives_up.try_recv().is_ok() {
                self.abandon();
                return;
            }
            if stopping && self.queue.is_empty() && self.held.is_empty() {
                return;
            }
            self.housekeep();
        }
    }

    fn patience(&self) -> Duration {
        match &self.trouble {
            Some(trouble) => {
                let left = trouble.retry_at.since(self.clock.now());
                left.min(Duration::from_millis(50))
            }
            None if !self.held.is_empty() || self.pruner.is_busy() => Duration::ZERO,
            None => TICK,
        }
    }

    /// Takes what waits in the queue: one group while commits work, all while they do not.
    fn gather(&mut self, stopping: &mut bool) {
        let most = match self.trouble {
            Some(_) => MAX_TAKEN,
            None => self.config.group_max.saturating_sub(1),
        };
        for command in self.queue.clone().try_iter().take(most) {
            *stopping |= self.take(command);
        }
    }

    /// Whether it was the last one.
    fn take(&mut self, command: Command) -> bool {
        match command {
            Command::Append(pending) => {
                if let Err(pending) = self.held.push(pending) {
                    self.shared.lost.fetch_add(1, Ordering::AcqRel);
                    let why = AppendError::MemoryFull;
                    count_lost(&self.metrics, &pending.event, &why.to_string());
                    if let Some(reply) = pending.reply {
                        let _ = reply.try_send(Err(why));
                    }
                }
            }
            Command::Acknowledge(acknowledge) => self.acknowledges.push(acknowledge),
            Command::Flush(reply) => self.flushes.push(reply),
            Command::Damaged(after) => self.look_again(after),
            Command::Stop => return true,
        }
        false
    }

    fn commit(&mut self) {
        if self.held.is_empty() && self.acknowledges.is_empty() && self.trouble.is_none() {
            self.flushes.drain(..).for_each(|reply| {
                let _ = reply.try_send(());
            });
            return;
        }
        let now = self.clock.now();
        if let Some(trouble) = &self.trouble
            && now < trouble.retry_at
        {
            return self.refuse_acknowledges();
        }
        match self.try_commit() {
            Ok(()) => self.recovered(),
            Err(error) => self.failed(&error),
        }
    }

    fn try_commit(&mut self) -> Result<(), JournalError> {
        if self.store.is_none() {
            self.open_store()?;
        }
        let Some(store) = self.store.as_mut() else {
            return Ok(());
        };
        if let Some((tail, sequences)) = self.attempted.take()
            && store.holds(tail)
        {
            self.settle(&sequences, tail);
            return Ok(());
        }
        let utc_micros = self.clock.utc_micros();
        let items = self.held.front(self.config.group_max);
        let written = store.write(items, &self.acknowledges, utc_micros, &mut self.attempted);
        match written {
            Ok(written) => {
                self.settle(&written.sequences, written.tail);
                let asked = std::mem::take(&mut self.acknowledges);
                for (asked, result) in asked.into_iter().zip(written.acknowledged) {
                    if let Ok(position) = &result {
                        self.shared
                            .cursors
                            .lock()
                            .insert(asked.consumer.clone(), *position);
                        self.show_cursor(asked.consumer.as_str(), *position);
                    }
                    let _ = asked.reply.try_send(result);
                }
                Ok(())
            }
            Err(error) if error.is_damage() => {
                self.store = None;
                self.start_over(self.tail, &error)
            }
            Err(error) => Err(error),
        }
    }

    pub(super) fn show_cursor(&self, consumer: &str, position: Sequence) {
        let labels = vec![("consumer", consumer.to_owned())];
        let gauge = &self.metrics.journal.acknowledged;
        gauge.get_or_create(&labels).set(to_column(position.0));
    }

    /// The first held things are durable.
    pub(super) fn settle(&mut self, sequences: &[Sequence], tail: Tail) {
        self.tail = Some(tail);
        let now = self.clock.now();
        let durable = self.held.remove_front(sequences.len());
        let mut events = 0;
        let mut replies = Vec::new();
        for (sequence, waiting) in sequences.iter().zip(durable) {
            let Waiting::Event(pending) = waiting else {
                continue;
            };
            events += 1;
            self.metrics.events_committed.inc();
            self.commit_seconds
                .observe(now.since(pending.queued).as_secs_f64());
            if let Some(arrived) = pending.frame_arrived {
                self.frame_seconds.observe(now.since(arrived).as_secs_f64());
            }
            if let Some(reply) = pending.reply {
                replies.push((reply, *sequence));
            }
        }
        self.shared.provisional.lock().remove_front(events);
        if !sequences.is_empty() {
            self.publish(tail);
        }
        // Last, so that whoever is answered finds the event committed wherever he looks.
        for (reply, sequence) in replies {
            let _ = reply.try_send(Ok(sequence));
        }
    }

    pub(super) fn publish(&self, tail: Tail) {
        let sequence = to_column(tail.sequence.0);
        self.metrics.journal.sequence.set(sequence);
        self.published.send_replace(tail.sequence);
    }

    /// Shows what is held to the subscribers that are caught up.
    fn show(&mut self) {
        let held = self.held.events();
        self.shared.held.store(held, Ordering::Release);
        self.metrics
            .journal
            .held
            .set(i64::try_from(held).unwrap_or(i64::MAX));
        if self.trouble.is_some() {
            self.shared.show(self.held.each_event());
        }
    }

    pub(super) fn failed(&mut self, error: &JournalError) {
        let now = self.clock.now();
        let full = matches!(error, JournalError::Sqlite { source, .. } if is_full(source));
        // A full disk and a lock leave the connection whole; anything else is opened anew.
        let keeps = matches!(error, JournalError::Sqlite { source, .. } if matches!(
            source.sqlite_error_code(),
            Some(rusqlite::ErrorCode::DiskFull | rusqlite::ErrorCode::DatabaseBusy
                | rusqlite::ErrorCode::DatabaseLocked)
        ));
        if !keeps {
            self.store = None;
        }
        let trouble = self.trouble.get_or_insert_with(|| Trouble {
            since: now,
            backoff: Backoff::new(RETRY),
            retry_at: now,
            kind: EventKind::STORAGE_FAULT,
            raised: None,
        });
        let wait = trouble.backoff.fail();
        trouble.retry_at = now.after(wait);
        let reason = error.in_full();
        let raise = trouble.raised.is_none() && now.since(trouble.since) >= RAISED_AFTER;
        if raise {
            trouble.kind = if full {
                EventKind::STORAGE_LOW
            } else {
                EventKind::STORAGE_FAULT
            };
            let incident = self.notices.incident();
            trouble.raised = Some(incident);
            let kind = trouble.kind;
            let text = format!("events are held in memory: {reason}");
            self.raise(kind, Phase::Started, incident, text, None);
        }
        let retry_millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        tracing::error!(error = %reason, retry_millis, held = self.held.events(), "commit failed; events wait in memory");
        *self.shared.failing.lock() = Some(reason);
        self.metrics.journal.state.set(1);
        self.refuse_acknowledges();
    }

    fn refuse_acknowledges(&mut self) {
        for asked in self.acknowledges.drain(..) {
            let _ = asked.reply.try_send(Err(AcknowledgeError::NotDurable));
        }
    }

    fn recovered(&mut self) {
        let Some(trouble) = self.trouble.take() else {
            return;
        };
        *self.shared.failing.lock() = None;
        self.metrics.journal.state.set(0);
        let lost = self.shared.lost.swap(0, Ordering::AcqRel);
        let failures = trouble.backoff.failures();
        tracing::warn!(failures, lost, "commits work again");
        if let Some(incident) = trouble.raised {
            let seconds = self.clock.now().since(trouble.since).as_secs();
            let reason = format!("commits work again after {seconds} s; {lost} events were lost");
            self.raise(trouble.kind, Phase::Ended, incident, reason, Some(lost));
        }
    }

    /// Puts one of the journal's own events behind what waits.
    pub(super) fn raise(
        &mut self,
        kind: EventKind,
        phase: Phase,
        incident: IncidentId,
        reason: String,
        count: Option<u64>,
    ) {
        let event = self.notices.event(Notice {
            kind,
            phase,
            incident,
            reason,
            count,
        });
        self.held.push_own(Box::new(Pending {
            event: Arc::new(event),
            queued: self.clock.now(),
            frame_arrived: None,
            reply: None,
        }));
    }

    fn abandon(&mut self) {
        const WHY: &str = "stopped while commits fail";
        let rest = self.held.len();
        for waiting in self.held.remove_front(rest) {
            if let Waiting::Event(pending) = waiting {
                count_lost(&self.metrics, &pending.event, WHY);
            }
        }
        for command in self.queue.try_iter() {
            if let Command::Append(pending) = command {
                count_lost(&self.metrics, &pending.event, WHY);
            }
        }
    }
}
