//! The way out: reads of the committed part, each on a connection of its own, so that a slow
//! reader holds up neither the writer nor another reader.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crossbeam_channel::{Sender, bounded};
use parking_lot::Mutex;
use rusqlite::{Connection, OpenFlags, params_from_iter};
use tokio::sync::watch;

use super::error::{AcknowledgeError, JournalError};
use super::filter::Filter;
use super::record::{COLUMNS, from_column, in_order, to_column};
use super::schema::sqlite;
use super::state::Shared;
use super::writer::{Command, PendingAcknowledge};
use crate::model::entry::Entry;
use crate::model::event::{Event, Record};
use crate::model::ids::{ConsumerName, Sequence};

/// Idle connections kept open.
const POOL: usize = 8;

/// A consumer's durable position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consumer {
    /// Its name.
    pub name: ConsumerName,
    /// The last sequence it acknowledged.
    pub acknowledged: Sequence,
}

/// Reads the journal and keeps the consumers' cursors. Clones share a few connections. Methods
/// that return a [`JournalError`] block on the disk: async code calls them by `spawn_blocking`.
#[derive(Clone, Debug)]
pub struct JournalReader {
    path: Arc<PathBuf>,
    idle: Arc<Mutex<Vec<(u64, Connection)>>>,
    commands: Sender<Command>,
    shared: Arc<Shared>,
    committed: watch::Receiver<Sequence>,
    deadline: Duration,
}

impl JournalReader {
    pub(super) fn new(
        path: PathBuf,
        commands: Sender<Command>,
        shared: Arc<Shared>,
        committed: watch::Receiver<Sequence>,
        deadline: Duration,
    ) -> Self {
        Self {
            path: Arc::new(path),
            idle: Arc::default(),
            commands,
            shared,
            committed,
            deadline,
        }
    }

    /// At most `limit` entries after `sequence`, in order: events and gap records.
    ///
    /// # Errors
    /// [`JournalError`] when the file cannot be read or is damaged there; the journal is told of
    /// damage and looks for itself.
    pub fn entries_after(
        &self,
        sequence: Sequence,
        limit: usize,
    ) -> Result<Vec<Entry>, JournalError> {
        let sql =
            format!("SELECT {COLUMNS} FROM records WHERE sequence > ?1 ORDER BY sequence LIMIT ?2");
        let read = self.with("reading records", |connection| {
            connection
                .prepare_cached(&sql)?
                .query_map(
                    (to_column(sequence.0), to_column(limit as u64)),
                    in_order(sequence, true),
                )?
                .collect()
        });
        self.report_damage(sequence, &read);
        read
    }

    /// At most `limit` events after `sequence`, in order.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub fn read_after(
        &self,
        sequence: Sequence,
        limit: usize,
    ) -> Result<Vec<Record>, JournalError> {
        self.query(
            &Filter {
                after_sequence: sequence,
                ..Filter::default()
            },
            limit,
        )
    }

    /// At most `limit` of the wanted events, in order of their sequence.
    ///
    /// # Errors
    /// [`JournalError`] when the file cannot be read or is damaged there.
    pub fn query(&self, filter: &Filter, limit: usize) -> Result<Vec<Record>, JournalError> {
        let (sql, values) = filter.sql(limit);
        let read = self.with("reading records", |connection| {
            connection
                .prepare_cached(&sql)?
                .query_map(
                    params_from_iter(values),
                    in_order(filter.after_sequence, false),
                )?
                .filter_map(|entry| entry.map(Entry::into_record).transpose())
                .collect()
        });
        self.report_damage(filter.after_sequence, &read);
        read
    }

    fn report_damage<T>(&self, after: Sequence, read: &Result<T, JournalError>) {
        let Some(error) = read.as_ref().err().filter(|error| error.is_damage()) else {
            return;
        };
        let after = error
            .damaged_record()
            .map_or(after, |at| Sequence(at.0 - 1));
        // A full queue: the next reader that meets it reports again.
        let _ = self.commands.try_send(Command::Damaged(after));
    }

    /// The last record dropped for the quota; 0 when none was.
    ///
    /// # Errors
    /// [`JournalError`] when the file cannot be read.
    pub fn dropped_through(&self) -> Result<Sequence, JournalError> {
        self.edge("SELECT sequence FROM anchor")
    }

    /// The last committed sequence, changed after each commit.
    #[must_use]
    pub fn committed(&self) -> watch::Receiver<Sequence> {
        self.committed.clone()
    }

    /// Whether the file was ever open: before that nobody's position is known.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.shared.generation.load(Ordering::Acquire) > 0
    }

    /// Events that the failing disk does not take, from the place `from` on, and the place after
    /// them. Each is read again as a record once it is stored.
    #[must_use]
    pub fn provisional(&self, from: u64, limit: usize) -> (Vec<Arc<Event>>, u64) {
        self.shared.provisional.lock().read(from, limit)
    }

    /// The place after the newest provisional event; changes with each.
    #[must_use]
    pub fn provisional_end(&self) -> watch::Receiver<u64> {
        self.shared.provisional_next.subscribe()
    }

    /// Whether the disk takes events.
    ///
    /// # Errors
    /// Why it does not, and what is held in memory, in words.
    pub fn storage(&self) -> Result<(), String> {
        self.shared.storage()
    }

    /// The newest record's sequence; 0 when there is none.
    ///
    /// # Errors
    /// [`JournalError::Sqlite`] when the file cannot be read.
    pub fn last_sequence(&self) -> Result<Sequence, JournalError> {
        self.edge("SELECT COALESCE(MAX(sequence), 0) FROM records")
    }

    /// The oldest stored record's sequence; 0 when there is none.
    ///
    /// # Errors
    /// [`JournalError::Sqlite`] when the file cannot be read.
    pub fn first_sequence(&self) -> Result<Sequence, JournalError> {
        self.edge("SELECT COALESCE(MIN(sequence), 0) FROM records")
    }

    /// What a consumer last acknowledged; `None` when it never did.
    #[must_use]
    pub fn acknowledged(&self, consumer: &ConsumerName) -> Option<Sequence> {
        self.shared.cursors.lock().get(consumer).copied()
    }

    /// Every consumer, by name.
    #[must_use]
    pub fn consumers(&self) -> Vec<Consumer> {
        let cursors = self.shared.cursors.lock();
        let consumer = |(name, position): (&ConsumerName, &Sequence)| Consumer {
            name: name.clone(),
            acknowledged: *position,
        };
        cursors.iter().map(consumer).collect()
    }

    /// Forgets a consumer; whether there was one. One that goes on acknowledging comes back.
    ///
    /// # Errors
    /// [`JournalError::Sqlite`] when the file cannot be written.
    pub fn forget(&self, consumer: &ConsumerName) -> Result<bool, JournalError> {
        let delete = || {
            // Not one of the pool's: those refuse to write.
            let connection = Connection::open(self.path.as_path())?;
            connection.busy_timeout(Duration::from_secs(2))?;
            connection.execute_batch("PRAGMA synchronous = FULL")?;
            connection.execute("DELETE FROM consumers WHERE name = ?1", [consumer.as_str()])
        };
        let gone = delete().map_err(sqlite(&self.path, "deleting a consumer"))?;
        self.shared.cursors.lock().remove(consumer);
        Ok(gone > 0)
    }

    /// Moves a consumer's cursor forward and returns where it now stands, durably. A sequence
    /// before the cursor leaves it where it is.
    ///
    /// # Errors
    /// [`AcknowledgeError`]: beyond the last record, not durable in time, or stopped.
    pub fn acknowledge(
        &self,
        consumer: &ConsumerName,
        sequence: Sequence,
    ) -> Result<Sequence, AcknowledgeError> {
        let (reply, answer) = bounded(1);
        let asked = PendingAcknowledge {
            consumer: consumer.clone(),
            sequence,
            reply,
        };
        self.commands
            .send_timeout(Command::Acknowledge(asked), self.deadline)
            .map_err(|error| match error {
                crossbeam_channel::SendTimeoutError::Timeout(_) => {
                    AcknowledgeError::Late(self.deadline)
                }
                crossbeam_channel::SendTimeoutError::Disconnected(_) => AcknowledgeError::Stopped,
            })?;
        match answer.recv_timeout(self.deadline) {
            Ok(result) => result,
            Err(crossbeam_channel::RecvTimeoutError::Timeout) => {
                Err(AcknowledgeError::Late(self.deadline))
            }
            Err(crossbeam_channel::RecvTimeoutError::Disconnected) => {
                Err(AcknowledgeError::Stopped)
            }
        }
    }

    fn edge(&self, sql: &'static str) -> Result<Sequence, JournalError> {
        self.with("reading its edges", |connection| {
            let edge = connection
                .prepare_cached(sql)?
                .query_row([], |row| row.get(0))?;
            Ok(Sequence(from_column(edge)))
        })
    }

    fn with<T>(
        &self,
        doing: &'static str,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, JournalError> {
        let generation = self.shared.generation.load(Ordering::Acquire);
        let idle = {
            let mut idle = self.idle.lock();
            idle.retain(|(of, _)| *of == generation);
            idle.pop()
        };
        let connection = match idle {
            Some((_, connection)) => connection,
            None => self
                .connect()
                .map_err(sqlite(&self.path, "opening for reading"))?,
        };
        let result = read(&connection).map_err(sqlite(&self.path, doing));
        let mut idle = self.idle.lock();
        if result.is_ok() && idle.len() < POOL {
            idle.push((generation, connection));
        }
        result
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(self.path.as_path(), flags)?;
        connection.busy_timeout(Duration::from_secs(2))?;
        // Not a read-only connection: a WAL reader must be able to write the shared index.
        connection.execute_batch("PRAGMA query_only = ON")?;
        Ok(connection)
    }
}
