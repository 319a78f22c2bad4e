//! The one thread that writes.
//!
//! ```text
//!            first command               up to group_max more, without waiting
//!  waiting ─────────────────▶ gathering ───────────────────────────────▶ committing ─ok─▶ publish ─▶ waiting
//!                                                                          ▲     │ failed
//!                                                                          │     ▼
//!                                                                          └─ backing off (healthy() says why;
//!                                                                               events stay, the queue fills)
//! ```

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};
use parking_lot::Mutex;
use prometheus_client::metrics::histogram::Histogram;
use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};
use tokio::sync::watch;

use super::AcknowledgeError;
use super::record::{
    chain_hash, from_column, make_storable, phase_column, severity_column, to_column,
};
use super::schema::{self, Tail};
use super::writer::{Command, Pending, PendingAcknowledge, count_lost};
use crate::base::backoff::{Backoff, BackoffPolicy};
use crate::base::clock::SharedClock;
use crate::base::metrics::Metrics;
use crate::model::event::Event;
use crate::model::ids::Sequence;
use crate::model::time::UtcMicros;

const RETRY: BackoffPolicy = BackoffPolicy {
    first: Duration::from_millis(50),
    ceiling: Duration::from_secs(2),
};

/// What the thread tells the rest of the process.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Why commits fail right now.
    pub(super) failing: Mutex<Option<String>>,
}

/// What one transaction does.
#[derive(Default)]
struct Group {
    events: Vec<Pending>,
    acknowledges: Vec<PendingAcknowledge>,
    flushes: Vec<Sender<()>>,
    last: bool,
}

impl Group {
    fn take(&mut self, command: Command) {
        match command {
            Command::Append(mut pending) => {
                make_storable(&mut pending.event);
                self.events.push(*pending);
            }
            Command::Acknowledge(acknowledge) => self.acknowledges.push(acknowledge),
            Command::Flush(reply) => self.flushes.push(reply),
            Command::Stop => self.last = true,
        }
    }

    fn size(&self) -> usize {
        self.events.len() + self.acknowledges.len()
    }
}

/// What a transaction did, to be told once it is durable.
struct Done {
    tail: Tail,
    acknowledged: Vec<Result<Sequence, AcknowledgeError>>,
}

/// The thread's state.
pub(super) struct Committer {
    pub(super) connection: Connection,
    pub(super) tail: Tail,
    pub(super) queue: Receiver<Command>,
    pub(super) gives_up: Receiver<()>,
    pub(super) published: watch::Sender<Sequence>,
    pub(super) group_max: usize,
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
            let first = if stopping {
                self.queue.try_recv().ok()
            } else {
                self.queue.recv().ok()
            };
            let Some(first) = first else { return };
            let mut group = Group::default();
            group.take(first);
            while group.size() < self.group_max {
                let Ok(next) = self.queue.try_recv() else {
                    break;
                };
                group.take(next);
            }
            stopping |= group.last;
            if !self.commit(group) {
                self.abandon_queue();
                return;
            }
        }
    }

    /// Commits a group, however often that takes; false when told to give up.
    fn commit(&mut self, group: Group) -> bool {
        let mut backoff = Backoff::new(RETRY);
        loop {
            match write(
                &mut self.connection,
                &group,
                self.tail,
                self.clock.utc_micros(),
            ) {
                Ok(done) => {
                    self.recovered(backoff.failures());
                    self.publish(group, done);
                    return true;
                }
                Err(error) => {
                    let wait = backoff.fail();
                    self.failed(&error, wait);
                    if self.gives_up.recv_timeout(wait).is_ok() {
                        for pending in &group.events {
                            count_lost(&self.metrics, &pending.event, "stopped while commits fail");
                        }
                        return false;
                    }
                    if let Some(done) = self.already_durable(&group) {
                        self.recovered(backoff.failures());
                        self.publish(group, done);
                        return true;
                    }
                }
            }
        }
    }

    /// A commit may fail after its data reached the disk. There is one writer, so the file's own
    /// end tells; a repeat would store the events twice.
    fn already_durable(&mut self, group: &Group) -> Option<Done> {
        let found = schema::tail(&self.connection).ok()?;
        let added = group.events.len() as u64;
        if added == 0 || found.sequence.0 != self.tail.sequence.0 + added {
            return None;
        }
        let last = found.sequence;
        let answer = |asked: &PendingAcknowledge| match asked.sequence {
            beyond if beyond > last => Err(AcknowledgeError::Beyond {
                asked: beyond.0,
                last: last.0,
            }),
            durable => Ok(durable),
        };
        let acknowledged = group.acknowledges.iter().map(answer).collect();
        Some(Done {
            tail: found,
            acknowledged,
        })
    }

    fn failed(&self, error: &rusqlite::Error, wait: Duration) {
        *self.shared.failing.lock() = Some(error.to_string());
        let retry_millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        tracing::error!(%error, retry_millis, "commit failed; events wait in memory");
    }

    fn recovered(&self, failures: u32) {
        if failures > 0 {
            *self.shared.failing.lock() = None;
            tracing::warn!(failures, "commits work again; nothing was lost");
        }
    }

    fn publish(&mut self, group: Group, done: Done) {
        let first = self.tail.sequence.0 + 1;
        self.tail = done.tail;
        let now = self.clock.now();
        for (sequence, pending) in (first..).zip(group.events) {
            self.metrics.events_committed.inc();
            self.commit_seconds
                .observe(now.since(pending.queued).as_secs_f64());
            if let Some(arrived) = pending.frame_arrived {
                self.frame_seconds.observe(now.since(arrived).as_secs_f64());
            }
            if let Some(reply) = pending.reply {
                let _ = reply.try_send(Sequence(sequence));
            }
        }
        if self.tail.sequence.0 >= first {
            self.metrics
                .journal_sequence
                .set(to_column(self.tail.sequence.0));
            self.published.send_replace(self.tail.sequence);
        }
        for (asked, result) in group.acknowledges.into_iter().zip(done.acknowledged) {
            let _ = asked.reply.try_send(result);
        }
        for reply in group.flushes {
            let _ = reply.try_send(());
        }
    }

    fn abandon_queue(&self) {
        for command in self.queue.try_iter() {
            if let Command::Append(pending) = command {
                count_lost(&self.metrics, &pending.event, "stopped while commits fail");
            }
        }
    }
}

fn write(
    connection: &mut Connection,
    group: &Group,
    tail: Tail,
    utc_micros: i64,
) -> rusqlite::Result<Done> {
    if group.size() == 0 {
        return Ok(Done {
            tail,
            acknowledged: Vec::new(),
        });
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut tail = tail;
    for pending in &group.events {
        tail = insert(&transaction, &pending.event, tail, UtcMicros(utc_micros))?;
    }
    let mut acknowledged = Vec::with_capacity(group.acknowledges.len());
    for asked in &group.acknowledges {
        acknowledged.push(acknowledge(&transaction, asked, tail, utc_micros)?);
    }
    transaction.commit()?;
    Ok(Done { tail, acknowledged })
}

fn insert(
    transaction: &Transaction<'_>,
    event: &Event,
    tail: Tail,
    committed: UtcMicros,
) -> rusqlite::Result<Tail> {
    let sequence = Sequence(tail.sequence.0 + 1);
    let body = serde_json::to_string(event)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    let hash = chain_hash(sequence, committed, &tail.hash, &body);
    transaction
        .prepare_cached(
            "INSERT INTO records (sequence, id, incident, phase, kind, severity, camera, rule,
             occurred_us, committed_us, previous_hash, hash, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?
        .execute(params![
            to_column(sequence.0),
            event.id.0.to_string(),
            event.incident.0.to_string(),
            phase_column(event.phase),
            event.kind.name(),
            severity_column(event.severity),
            event.camera.as_str(),
            event.rule.as_ref().map(|rule| rule.as_str()),
            event.occurred.utc.0,
            committed.0,
            tail.hash,
            hash,
            body,
        ])?;
    Ok(Tail { sequence, hash })
}

fn acknowledge(
    transaction: &Transaction<'_>,
    asked: &PendingAcknowledge,
    tail: Tail,
    utc_micros: i64,
) -> rusqlite::Result<Result<Sequence, AcknowledgeError>> {
    if asked.sequence > tail.sequence {
        let (asked, last) = (asked.sequence.0, tail.sequence.0);
        return Ok(Err(AcknowledgeError::Beyond { asked, last }));
    }
    let name = asked.consumer.as_str();
    let before: Option<i64> = transaction
        .prepare_cached("SELECT acknowledged FROM consumers WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?;
    let position = Sequence(before.map_or(0, from_column)).max(asked.sequence);
    transaction
        .prepare_cached(
            "INSERT INTO consumers (name, acknowledged, updated_us) VALUES (?1, ?2, ?3)
             ON CONFLICT (name) DO UPDATE SET acknowledged = ?2, updated_us = ?3",
        )?
        .execute(params![name, to_column(position.0), utc_micros])?;
    Ok(Ok(position))
}
