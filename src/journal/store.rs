//! The open file, and what is written to it. One transaction per call; what it returns is durable.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};

use super::error::{AcknowledgeError, JournalError};
use super::format::allow_numbered_kinds;
use super::head::HeadFile;
use super::held::Waiting;
use super::record::{
    COLUMNS, Tail, chain_hash, from_column, gap_body, in_order, json, phase_column,
    severity_column, to_column,
};
use super::schema::{self, sqlite};
use super::writer::PendingAcknowledge;
use crate::model::entry::GapReason;
use crate::model::event::{Event, Severity};
use crate::model::ids::{ConsumerName, Sequence};
use crate::model::time::UtcMicros;

/// What a transaction did.
pub(super) struct Written {
    pub(super) tail: Tail,
    /// The sequence of each written thing, in order.
    pub(super) sequences: Vec<Sequence>,
    pub(super) acknowledged: Vec<Result<Sequence, AcknowledgeError>>,
}

/// The end of the file if a write that seemed to fail has succeeded, and what it wrote.
pub(super) type Attempt = (Tail, Vec<Sequence>);

/// How the opened file fits what is known of it.
pub(super) enum Fit {
    /// Nothing is missing.
    Whole,
    /// The write that seemed to fail had reached the disk.
    Durable,
    /// Its end is missing: the record with this sequence and hash once was its last.
    Short(Tail),
}

/// The open file.
#[derive(Debug)]
pub(super) struct Store {
    path: PathBuf,
    pub(super) connection: Connection,
    head: HeadFile,
    /// Device and inode: a file that was moved away takes writes that nobody will find.
    place: (u64, u64),
    pub(super) tail: Tail,
}

impl Store {
    /// Opens and checks the file; the caller holds its lock.
    pub(super) fn open(path: &Path) -> Result<Self, JournalError> {
        let io = |doing| {
            let path = path.to_owned();
            move |source| JournalError::Io {
                path,
                doing,
                source,
            }
        };
        let connection = schema::open(path)?;
        let tail = schema::check_end(&connection, path)?;
        // Read here once, so that damage to them is met now and not by the first consumer.
        cursors(&connection).map_err(sqlite(path, "reading the consumers"))?;
        let found = std::fs::metadata(path).map_err(io("looking for its file"))?;
        Ok(Self {
            path: path.to_owned(),
            connection,
            head: HeadFile::open(path).map_err(io("opening the file of its head"))?,
            place: place(&found),
            tail,
        })
    }

    /// Compares the file with the last record that is known, and with a write that may have
    /// succeeded although it failed.
    pub(super) fn fit(
        &self,
        known: Option<Tail>,
        attempted: Option<&Attempt>,
    ) -> Result<Fit, JournalError> {
        if attempted.is_some_and(|(attempted, _)| *attempted == self.tail) {
            return Ok(Fit::Durable);
        }
        let Some(known) = known.filter(|known| known.sequence.0 > 0 && *known != self.tail) else {
            return Ok(Fit::Whole);
        };
        if known.sequence > self.tail.sequence {
            return Ok(Fit::Short(known));
        }
        let read = || {
            let anchor = schema::anchor(&self.connection)?;
            // The record itself, or the gap that stands for it.
            self.connection.query_row(
                "SELECT sequence, hash, first_sequence FROM records WHERE sequence >= ?1
                 ORDER BY sequence LIMIT 1",
                [to_column(known.sequence.0)],
                |row| {
                    let (sequence, first): (i64, Option<i64>) = (row.get(0)?, row.get(2)?);
                    let itself = from_column(sequence) == known.sequence.0;
                    let same = row.get::<_, [u8; 32]>(1)? == known.hash;
                    let covered = first.is_some_and(|first| from_column(first) <= known.sequence.0);
                    Ok((itself && same) || covered || known.sequence <= anchor.sequence)
                },
            )
        };
        if read().map_err(sqlite(&self.path, "reading its last records"))? {
            return Ok(Fit::Whole);
        }
        Err(JournalError::Damaged {
            path: self.path.clone(),
            sequence: known.sequence.0,
            what: "it is not the one that was written; this is another journal".to_owned(),
        })
    }

    /// Commits what waits and the acknowledgements; `attempted` is the tail that stands in the
    /// file if the commit succeeds after all.
    pub(super) fn write<'w>(
        &mut self,
        items: impl Iterator<Item = &'w Waiting>,
        acknowledges: &[PendingAcknowledge],
        utc_micros: i64,
        attempted: &mut Option<Attempt>,
    ) -> Result<Written, JournalError> {
        self.still_there()?;
        let failed = sqlite(&self.path, "committing");
        let written = self.transact(items, acknowledges, utc_micros, attempted);
        let written = written.map_err(failed)?;
        self.tail = written.tail;
        self.write_head();
        Ok(written)
    }

    fn transact<'w>(
        &mut self,
        items: impl Iterator<Item = &'w Waiting>,
        acknowledges: &[PendingAcknowledge],
        utc_micros: i64,
        attempted: &mut Option<Attempt>,
    ) -> rusqlite::Result<Written> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let (mut tail, mut sequences) = (self.tail, Vec::new());
        let committed = UtcMicros(utc_micros);
        for item in items {
            tail = match item {
                Waiting::Event(pending) => {
                    insert_event(&transaction, &pending.event, tail, committed)?
                }
                Waiting::Lost(count) => {
                    let last = Sequence(tail.sequence.0 + count);
                    let note = "the disk failed for longer than memory could hold events";
                    let gap = (last, *count, GapReason::MemoryFull, note);
                    insert_gap(&transaction, gap, tail, committed)?
                }
            };
            sequences.push(tail.sequence);
        }
        let mut acknowledged = Vec::with_capacity(acknowledges.len());
        for asked in acknowledges {
            acknowledged.push(acknowledge(&transaction, asked, tail, utc_micros)?);
        }
        if !sequences.is_empty() {
            *attempted = Some((tail, sequences.clone()));
        }
        transaction.commit()?;
        *attempted = None;
        Ok(Written {
            tail,
            sequences,
            acknowledged,
        })
    }

    /// Declares that records from the file's end up to `last` are missing, `count` of them known.
    pub(super) fn write_gap(
        &mut self,
        last: Sequence,
        count: u64,
        note: &str,
        utc_micros: i64,
    ) -> Result<(), JournalError> {
        let gap = (last, count, GapReason::Damaged, note);
        let (tail, path) = (self.tail, self.path.clone());
        let mut write = || {
            let transaction = self
                .connection
                .transaction_with_behavior(TransactionBehavior::Immediate)?;
            let tail = insert_gap(&transaction, gap, tail, UtcMicros(utc_micros))?;
            transaction.commit()?;
            Ok(tail)
        };
        self.tail = write().map_err(sqlite(&path, "declaring a gap"))?;
        self.write_head();
        Ok(())
    }

    /// Reads and checks what a reader met damage in.
    pub(super) fn check_after(&self, after: Sequence) -> Result<(), JournalError> {
        /// As much as a reader reads at once.
        const READ_AT_ONCE: u64 = 10_000;
        let read = || {
            let sql = format!(
                "SELECT {COLUMNS} FROM records WHERE sequence > ?1 ORDER BY sequence LIMIT ?2"
            );
            // This connection's own cache may still hold the page as it was written.
            let fresh = Connection::open(&self.path)?;
            let mut statement = fresh.prepare(&sql)?;
            let mut rows = statement.query((to_column(after.0), to_column(READ_AT_ONCE)))?;
            let mut check = in_order(after, true);
            while let Some(row) = rows.next()? {
                check(row)?;
            }
            Ok(())
        };
        read().map_err(sqlite(
            &self.path,
            "looking at a page that a reader could not read",
        ))
    }

    /// Whether the file's own end is the tail of a write that seemed to fail.
    pub(super) fn holds(&mut self, attempted: Tail) -> bool {
        let found = schema::tail(&self.connection).is_ok_and(|tail| tail == attempted);
        if found {
            self.tail = attempted;
            self.write_head();
        }
        found
    }

    /// Every consumer's position.
    pub(super) fn cursors(&self) -> Result<Vec<(ConsumerName, Sequence)>, JournalError> {
        cursors(&self.connection).map_err(sqlite(&self.path, "reading the consumers"))
    }

    pub(super) fn write_head(&self) {
        // It may lag: the next commit writes it again.
        if let Err(error) = self.head.write(self.tail) {
            tracing::warn!(%error, "the journal's head could not be written");
        }
    }

    fn still_there(&self) -> Result<(), JournalError> {
        let gone = |source| JournalError::Io {
            path: self.path.clone(),
            doing: "looking for its file",
            source,
        };
        let found = std::fs::metadata(&self.path).map_err(gone)?;
        if place(&found) == self.place {
            return Ok(());
        }
        let words = "the file was moved away under the daemon";
        Err(gone(std::io::Error::other(words)))
    }
}

fn place(found: &Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}

/// Every consumer's position, of any open journal.
pub(super) fn cursors(connection: &Connection) -> rusqlite::Result<Vec<(ConsumerName, Sequence)>> {
    let mut statement = connection.prepare("SELECT name, acknowledged FROM consumers")?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
    let rows: Vec<_> = rows.collect::<rusqlite::Result<_>>()?;
    let named = rows.into_iter().filter_map(|(name, position)| {
        let name = ConsumerName::new(&name).ok()?;
        Some((name, Sequence(from_column(position))))
    });
    Ok(named.collect())
}

/// Writes an event after `tail` and returns the new one.
pub(super) fn insert_event(
    transaction: &Transaction<'_>,
    event: &Event,
    tail: Tail,
    committed: UtcMicros,
) -> rusqlite::Result<Tail> {
    insert_body(transaction, (event, &json(event)?), tail, committed)
}

/// Writes an event in the words of `body`, which may say more than this program reads of it.
pub(super) fn insert_body(
    transaction: &Transaction<'_>,
    (event, body): (&Event, &str),
    tail: Tail,
    committed: UtcMicros,
) -> rusqlite::Result<Tail> {
    if !event.kind.is_stored_by_name() {
        allow_numbered_kinds(transaction)?;
    }
    let sequence = Sequence(tail.sequence.0 + 1);
    let hash = chain_hash(sequence, committed, &tail.hash, body);
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
            event.kind.stored_name(),
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

/// Writes a gap record from after `tail` to its last sequence, which is its own place.
pub(super) fn insert_gap(
    transaction: &Transaction<'_>,
    (last, count, reason, note): (Sequence, u64, GapReason, &str),
    tail: Tail,
    committed: UtcMicros,
) -> rusqlite::Result<Tail> {
    let first = Sequence(tail.sequence.0 + 1);
    let body = gap_body(first, last, count, reason, note)?;
    let hash = chain_hash(last, committed, &tail.hash, &body);
    transaction
        .prepare_cached(
            "INSERT INTO records (sequence, id, incident, phase, kind, severity, camera,
             occurred_us, committed_us, previous_hash, hash, body, first_sequence)
             VALUES (?1, '', '', '', 'gap', ?2, '', ?3, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            to_column(last.0),
            severity_column(Severity::Critical),
            committed.0,
            tail.hash,
            hash,
            body,
            to_column(first.0),
        ])?;
    let sequence = last;
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
    set_cursor(transaction, name, position, utc_micros)?;
    Ok(Ok(position))
}

/// Writes a consumer's position.
pub(super) fn set_cursor(
    transaction: &Transaction<'_>,
    name: &str,
    position: Sequence,
    utc_micros: i64,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO consumers (name, acknowledged, updated_us) VALUES (?1, ?2, ?3)
             ON CONFLICT (name) DO UPDATE SET acknowledged = ?2, updated_us = ?3",
        )?
        .execute(params![name, to_column(position.0), utc_micros])?;
    Ok(())
}
