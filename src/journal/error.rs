//! What can go wrong, and which part of it is damage.

use std::path::PathBuf;
use std::time::Duration;

use crate::model::ids::Sequence;

/// Why the journal could not be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// SQLite refused.
    #[error("journal {path}: {doing} failed; check free space, permissions and the disk")]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// SQLite's own words.
        source: rusqlite::Error,
    },
    /// The operating system refused.
    #[error("journal {path}: {doing} failed")]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// The system's own words.
        source: std::io::Error,
    },
    /// Another process writes to it.
    #[error("journal {path} is in use by another process; stop that one or set another path")]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// Written by a newer version; nothing was changed.
    #[error(
        "journal {path} has format {found}, this daemon reads formats 1 to {known}: run the newer \
         version that wrote it, or set another path in [journal]; the file was left as it is"
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// In the file.
        found: i64,
        /// Known here.
        known: i64,
    },
    /// A record is not what its hash says. The daemon sets such a file aside and goes on.
    #[error("journal {path}: record {sequence} is damaged: {what}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Which record; 0 where that cannot be said.
        sequence: u64,
        /// In which way.
        what: String,
    },
}

impl JournalError {
    /// Whether the file's content is wrong, other than the disk under it.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Damaged { .. } => true,
            Self::Sqlite { source, .. } => is_damage(source),
            Self::Io { .. } | Self::InUse { .. } | Self::Version { .. } => false,
        }
    }

    /// The record that does not fit its hash, where that is the damage.
    pub(super) fn damaged_record(&self) -> Option<Sequence> {
        match self {
            Self::Sqlite {
                source: rusqlite::Error::FromSqlConversionFailure(_, _, inner),
                ..
            } => {
                let unfit = inner.downcast_ref::<Unfit>()?;
                Some(Sequence(unfit.sequence)).filter(|at| at.0 > 0)
            }
            _ => None,
        }
    }

    /// The error and what lies beneath it, in one line.
    #[must_use]
    pub fn in_full(&self) -> String {
        match std::error::Error::source(self) {
            Some(source) => format!("{self}: {source}"),
            None => self.to_string(),
        }
    }
}

/// A stored record that does not fit its own hash or columns.
#[derive(Debug, thiserror::Error)]
#[error("record {sequence} is damaged: {what}")]
pub(super) struct Unfit {
    pub(super) sequence: u64,
    pub(super) what: String,
}

impl Unfit {
    pub(super) fn at(sequence: u64, what: impl Into<String>) -> rusqlite::Error {
        let unfit = Self {
            sequence,
            what: what.into(),
        };
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Blob, Box::new(unfit))
    }
}

/// Whether SQLite's error means that the content of the file is wrong. The disk, a lock and the
/// system's refusals are not; what is left once they are excluded is a file that is not as it was
/// written ("unsupported file format", "no such table", a key that is there already).
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode as Code;
    match error {
        rusqlite::Error::SqliteFailure(failure, _) => matches!(
            failure.code,
            Code::DatabaseCorrupt
                | Code::NotADatabase
                | Code::ConstraintViolation
                | Code::TypeMismatch
                | Code::SchemaChanged
                | Code::NotFound
                | Code::Unknown
        ),
        rusqlite::Error::SqlInputError { .. }
        | rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::InvalidColumnIndex(..)
        | rusqlite::Error::QueryReturnedNoRows
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::Utf8Error(..) => true,
        _ => false,
    }
}

/// Whether SQLite's error means that there is no room.
pub(super) fn is_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
}

/// Why an event was not, or not yet, taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// No room within the deadline: the event is lost and counted.
    #[error("the journal's queue stayed full for {0:?}: the event is lost")]
    Full(Duration),
    /// The disk fails and memory is full: the event is lost, counted, and declared by a gap.
    #[error("the journal's disk fails and its memory is full: the event is lost")]
    MemoryFull,
    /// The journal has stopped: the event is lost and counted.
    #[error("the journal has stopped: the event is lost")]
    Stopped,
    /// It lies in the queue, but its commit has not come within the deadline.
    #[error("the event is queued, its commit has not come within {0:?}")]
    NotYetCommitted(Duration),
}

/// Why an acknowledgement was refused.
#[derive(Debug, thiserror::Error)]
pub enum AcknowledgeError {
    /// Nothing with that sequence was ever committed.
    #[error("sequence {asked} is beyond the journal's last, {last}")]
    Beyond {
        /// The asked-for sequence.
        asked: u64,
        /// The last committed one.
        last: u64,
    },
    /// Not durable within the deadline; ask again.
    #[error("the acknowledgement was not durable within {0:?}; repeat it")]
    Late(Duration),
    /// The disk does not take it now; ask again later.
    #[error("the journal's disk does not take the acknowledgement now; repeat it later")]
    NotDurable,
    /// The journal has stopped.
    #[error("the journal has stopped")]
    Stopped,
}
