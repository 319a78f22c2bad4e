//! The quota: which records go, oldest first, and what is said before they do.
//!
//! ```text
//!  every second: measure ──older than max_age──▶ drop one batch, counted as `age`
//!                    │
//!                    │ more than max_bytes, and what must go is younger than max_age
//!                    ▼
//!              announce (STORAGE_LOW STARTED, committed first) ─▶ drop batch by batch, counted as
//!              `size` ─▶ 2 % below max_bytes ─▶ STORAGE_LOW ENDED with range and count
//! ```
//!
//! The anchor moves in the same transaction as the deletion, so that the chain stays whole; the
//! newest record always stays. Age trusts the wall clock only after it has run an hour without a
//! jump: a wrong date after a restart must not empty the journal.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};

use super::record::{from_column, to_column};
use crate::base::clock::Monotonic;
use crate::model::ids::{IncidentId, Sequence};

/// Records dropped in one transaction, at most: a few milliseconds between two commits.
const BATCH: i64 = 1_000;
const EVERY: Duration = Duration::from_secs(1);
const AFTER_FAILURE: Duration = Duration::from_secs(60);
/// The wall clock must have kept step with the monotonic one for this long.
const TRUSTED_AFTER: Duration = Duration::from_secs(3_600);
const KEPT_STEP_MICROS: i64 = 60_000_000;

/// Why records go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// They have been kept for as long as promised.
    Age,
    /// There is no room to keep them for as long as promised.
    Size,
}

impl Cause {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Age => "age",
            Self::Size => "size",
        }
    }
}

/// What one step did or wants said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Nothing,
    /// Say this first; then answer with [`Pruner::announced`].
    Begins(String),
    Dropped(Cause, u64),
    Ends(IncidentId, String, u64),
}

/// A run of dropping for size.
#[derive(Debug)]
struct Pass {
    incident: IncidentId,
    first: Sequence,
    through: Sequence,
    count: u64,
    unacknowledged: u64,
}

/// Keeps the journal to its quota.
#[derive(Debug)]
pub(super) struct Pruner {
    max_bytes: u64,
    max_age_micros: i64,
    started: (Monotonic, i64),
    next: Monotonic,
    pass: Option<Pass>,
    more: bool,
    measured: Option<(i64, i64)>,
}

/// The oldest records that would go.
struct Batch {
    first: Sequence,
    through: Sequence,
    hash: [u8; 32],
    youngest_micros: i64,
}

impl Pruner {
    pub(super) fn new(max_bytes: u64, max_age: Duration, now: Monotonic, utc_micros: i64) -> Self {
        Self {
            max_bytes,
            max_age_micros: i64::try_from(max_age.as_micros()).unwrap_or(i64::MAX),
            started: (now, utc_micros),
            next: now,
            pass: None,
            more: false,
            measured: None,
        }
    }

    /// Whether it wants to be asked again at once.
    pub(super) fn is_busy(&self) -> bool {
        self.more || self.pass.is_some()
    }

    /// Bytes and oldest sequence, where they were measured since the last call.
    pub(super) fn measured(&mut self) -> Option<(i64, i64)> {
        self.measured.take()
    }

    /// The announcement is on its way to the file; dropping begins when it is there.
    pub(super) fn announced(&mut self, incident: IncidentId) {
        self.pass = Some(Pass {
            incident,
            first: Sequence(0),
            through: Sequence(0),
            count: 0,
            unacknowledged: 0,
        });
    }

    /// After a failure: not again at once.
    pub(super) fn postpone(&mut self, now: Monotonic) {
        self.more = false;
        self.pass = None;
        self.next = now.after(AFTER_FAILURE);
    }

    /// At most one batch. `times` are the monotonic and the wall clock, `lowest` the position of
    /// the consumer that is furthest behind.
    pub(super) fn step(
        &mut self,
        connection: &mut Connection,
        times: (Monotonic, i64),
        lowest: Option<Sequence>,
    ) -> rusqlite::Result<Step> {
        let (now, utc_micros) = times;
        if !self.is_busy() && now < self.next {
            return Ok(Step::Nothing);
        }
        self.next = now.after(EVERY);
        self.more = false;
        let bytes = used_bytes(connection)?;
        let oldest = oldest(connection)?.map_or(0, |(sequence, _)| sequence);
        self.measured = Some((to_column(bytes), oldest));
        if self.pass.is_some() {
            return self.go_on(connection, bytes, utc_micros, lowest);
        }
        if self.trusts_the_clock(now, utc_micros) {
            let cutoff = utc_micros.saturating_sub(self.max_age_micros);
            let batch = next_batch(connection, Some(cutoff))?;
            if let Some(batch) = batch {
                self.more = true;
                let count = drop_through(connection, &batch, utc_micros)?;
                return Ok(Step::Dropped(Cause::Age, count));
            }
        }
        if bytes <= self.max_bytes {
            return Ok(Step::Nothing);
        }
        Ok(match next_batch(connection, None)? {
            None => Step::Nothing,
            Some(batch) => Step::Begins(format!(
                "the journal takes {bytes} bytes, max_bytes is {}: records from {} on are dropped \
                 before max_age_days",
                self.max_bytes, batch.first.0
            )),
        })
    }

    fn go_on(
        &mut self,
        connection: &mut Connection,
        bytes: u64,
        utc_micros: i64,
        lowest: Option<Sequence>,
    ) -> rusqlite::Result<Step> {
        let Some(mut pass) = self.pass.take() else {
            return Ok(Step::Nothing);
        };
        let enough = bytes <= self.max_bytes - self.max_bytes / 50;
        let batch = if enough {
            None
        } else {
            next_batch(connection, None)?
        };
        let Some(batch) = batch else {
            let words = format!(
                "records {} to {} were dropped for max_bytes, {} of them not acknowledged by \
                 every consumer",
                pass.first.0, pass.through.0, pass.unacknowledged
            );
            return Ok(Step::Ends(pass.incident, words, pass.count));
        };
        let count = drop_through(connection, &batch, utc_micros)?;
        if pass.count == 0 {
            pass.first = batch.first;
        }
        pass.through = batch.through;
        pass.count += count;
        if let Some(lowest) = lowest {
            let unread_from = lowest.0.max(batch.first.0 - 1);
            pass.unacknowledged += batch.through.0.saturating_sub(unread_from);
        }
        self.pass = Some(pass);
        let age = utc_micros.saturating_sub(batch.youngest_micros);
        let cause = if age > self.max_age_micros {
            Cause::Age
        } else {
            Cause::Size
        };
        Ok(Step::Dropped(cause, count))
    }

    fn trusts_the_clock(&self, now: Monotonic, utc_micros: i64) -> bool {
        let (started, started_utc) = self.started;
        let ran = now.since(started);
        let ran_micros = i64::try_from(ran.as_micros()).unwrap_or(i64::MAX);
        let drift = utc_micros
            .saturating_sub(started_utc)
            .saturating_sub(ran_micros);
        ran >= TRUSTED_AFTER && drift.saturating_abs() <= KEPT_STEP_MICROS
    }
}

/// What the stored records take: the file's pages that are in use.
fn used_bytes(connection: &Connection) -> rusqlite::Result<u64> {
    let pragma = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let pages = pragma("PRAGMA page_count")? - pragma("PRAGMA freelist_count")?;
    Ok(from_column(pages) * from_column(pragma("PRAGMA page_size")?))
}

/// Sequence and time of the oldest record.
fn oldest(connection: &Connection) -> rusqlite::Result<Option<(i64, i64)>> {
    connection
        .prepare_cached("SELECT sequence, committed_us FROM records ORDER BY sequence LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
}

/// The next batch: never the newest record, and only records committed before `cutoff`.
fn next_batch(connection: &Connection, cutoff: Option<i64>) -> rusqlite::Result<Option<Batch>> {
    let Some((first, committed)) = oldest(connection)? else {
        return Ok(None);
    };
    if cutoff.is_some_and(|cutoff| committed >= cutoff) {
        return Ok(None);
    }
    let mut statement = connection.prepare_cached(
        "SELECT sequence, hash, committed_us FROM records ORDER BY sequence LIMIT ?1",
    )?;
    let rows = statement.query_map([BATCH + 1], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })?;
    let mut rows: Vec<(i64, [u8; 32], i64)> = rows.collect::<rusqlite::Result<_>>()?;
    // The last one stays: either it is the newest record or the next batch's first.
    rows.pop();
    let cutoff = cutoff.unwrap_or(i64::MAX);
    let last = rows.iter().take_while(|(_, _, at)| *at < cutoff).last();
    Ok(last.map(|(through, hash, at)| Batch {
        first: Sequence(from_column(first)),
        through: Sequence(from_column(*through)),
        hash: *hash,
        youngest_micros: *at,
    }))
}

/// Drops a batch and moves the anchor; returns how many records went.
fn drop_through(
    connection: &mut Connection,
    batch: &Batch,
    utc_micros: i64,
) -> rusqlite::Result<u64> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let count = transaction
        .prepare_cached("DELETE FROM records WHERE sequence <= ?1")?
        .execute([to_column(batch.through.0)])? as u64;
    transaction.execute(
        "UPDATE anchor SET sequence = ?1, hash = ?2, dropped = dropped + ?3, updated_us = ?4",
        (
            to_column(batch.through.0),
            batch.hash,
            to_column(count),
            utc_micros,
        ),
    )?;
    transaction.commit()?;
    Ok(count)
}
