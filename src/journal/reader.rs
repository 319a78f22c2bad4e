//! The way out: reads of the committed part, each on a connection of its own, so that a slow
//! reader holds up neither the writer nor another reader.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Sender, bounded};
use parking_lot::Mutex;
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params_from_iter};

use super::record::{COLUMNS, from_column, from_row, severity_column, to_column};
use super::schema::sqlite;
use super::writer::{Command, PendingAcknowledge};
use super::{AcknowledgeError, Consumer, JournalError};
use crate::model::access::Scope;
use crate::model::event::{EventKind, Record, Severity};
use crate::model::ids::{CameraId, ConsumerName, Sequence};
use crate::model::time::UtcMicros;

/// Idle connections kept open.
const POOL: usize = 8;

/// Which records are wanted. The default is all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Only these cameras; empty means all.
    pub cameras: Vec<CameraId>,
    /// Only these kinds; empty means all.
    pub kinds: Vec<EventKind>,
    /// Only this severity and worse.
    pub min_severity: Option<Severity>,
    /// Occurred at or after.
    pub from: Option<UtcMicros>,
    /// Occurred before.
    pub to: Option<UtcMicros>,
    /// Only records after this one.
    pub after_sequence: Sequence,
    /// Only cameras that somebody may see at all.
    pub scope: Scope,
}

impl Filter {
    /// Whether a record is wanted.
    #[must_use]
    pub fn matches(&self, record: &Record) -> bool {
        let event = &record.event;
        record.sequence > self.after_sequence
            && (self.cameras.is_empty() || self.cameras.contains(&event.camera))
            && self.scope.allows(&event.camera)
            && (self.kinds.is_empty() || self.kinds.contains(&event.kind))
            && self
                .min_severity
                .is_none_or(|least| event.severity >= least)
            && self.from.is_none_or(|from| event.occurred.utc >= from)
            && self.to.is_none_or(|to| event.occurred.utc < to)
    }

    fn sql(&self, limit: usize) -> (String, Vec<Value>) {
        let mut sql = format!("SELECT {COLUMNS} FROM records WHERE sequence > ?");
        let mut values = vec![Value::Integer(to_column(self.after_sequence.0))];
        let mut any_of = |column: &str, names: Vec<String>| {
            if !names.is_empty() {
                let marks = vec!["?"; names.len()].join(", ");
                sql.push_str(&format!(" AND {column} IN ({marks})"));
                values.extend(names.into_iter().map(Value::Text));
            }
        };
        any_of(
            "camera",
            self.cameras
                .iter()
                .map(|id| id.as_str().to_owned())
                .collect(),
        );
        any_of(
            "kind",
            self.kinds
                .iter()
                .map(|kind| kind.name().to_owned())
                .collect(),
        );
        let bounds = [
            (" AND severity >= ?", self.min_severity.map(severity_column)),
            (" AND occurred_us >= ?", self.from.map(|time| time.0)),
            (" AND occurred_us < ?", self.to.map(|time| time.0)),
        ];
        for (text, bound) in bounds {
            if let Some(bound) = bound {
                sql.push_str(text);
                values.push(Value::Integer(bound));
            }
        }
        if let Scope::Only(patterns) = &self.scope {
            // A pattern of ours is a GLOB of SQLite's: of its signs only `*` can be in one.
            let globs = vec!["camera GLOB ?"; patterns.len()].join(" OR ");
            sql.push_str(&format!(" AND ({globs})"));
            let texts = patterns.iter().map(|pattern| pattern.as_str().to_owned());
            values.extend(texts.map(Value::Text));
        }
        sql.push_str(" ORDER BY sequence LIMIT ?");
        values.push(Value::Integer(to_column(limit as u64)));
        (sql, values)
    }
}

/// Reads the journal and keeps the consumers' cursors. Clones share a few connections. Every
/// method blocks on the disk: async code calls it by `spawn_blocking`.
#[derive(Clone, Debug)]
pub struct JournalReader {
    path: Arc<PathBuf>,
    idle: Arc<Mutex<Vec<Connection>>>,
    commands: Sender<Command>,
    deadline: Duration,
}

impl JournalReader {
    pub(super) fn new(path: PathBuf, commands: Sender<Command>, deadline: Duration) -> Self {
        Self {
            path: Arc::new(path),
            idle: Arc::default(),
            commands,
            deadline,
        }
    }

    /// At most `limit` records after `sequence`, in order.
    ///
    /// # Errors
    /// [`JournalError::Sqlite`] when the file cannot be read.
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

    /// At most `limit` of the wanted records, in order of their sequence.
    ///
    /// # Errors
    /// [`JournalError::Sqlite`] when the file cannot be read.
    pub fn query(&self, filter: &Filter, limit: usize) -> Result<Vec<Record>, JournalError> {
        let (sql, values) = filter.sql(limit);
        self.with("reading records", |connection| {
            connection
                .prepare_cached(&sql)?
                .query_map(params_from_iter(values), from_row)?
                .collect()
        })
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
    ///
    /// # Errors
    /// [`JournalError::Sqlite`] when the file cannot be read.
    pub fn acknowledged(&self, consumer: &ConsumerName) -> Result<Option<Sequence>, JournalError> {
        self.with("reading a consumer", |connection| {
            connection
                .prepare_cached("SELECT acknowledged FROM consumers WHERE name = ?1")?
                .query_row([consumer.as_str()], |row| {
                    Ok(Sequence(from_column(row.get(0)?)))
                })
                .optional()
        })
    }

    /// Every consumer, by name.
    ///
    /// # Errors
    /// [`JournalError::Sqlite`] when the file cannot be read.
    pub fn consumers(&self) -> Result<Vec<Consumer>, JournalError> {
        let rows: Vec<(String, i64)> = self.with("reading the consumers", |connection| {
            connection
                .prepare_cached("SELECT name, acknowledged FROM consumers ORDER BY name")?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })?;
        let named = rows.into_iter().filter_map(|(name, position)| {
            let name = ConsumerName::new(&name).ok()?;
            Some(Consumer {
                name,
                acknowledged: Sequence(from_column(position)),
            })
        });
        Ok(named.collect())
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
        let idle = self.idle.lock().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self
                .connect()
                .map_err(sqlite(&self.path, "opening for reading"))?,
        };
        let result = read(&connection).map_err(sqlite(&self.path, doing));
        let mut idle = self.idle.lock();
        if result.is_ok() && idle.len() < POOL {
            idle.push(connection);
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
