//! Opening the file: lock, format version, tables, the check of the last record.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _};

use super::JournalError;
use super::record::{chain_hash, from_column};
use crate::model::ids::Sequence;
use crate::model::time::UtcMicros;

/// The format this program writes.
const VERSION: i64 = 1;

const TABLES: &str = "
BEGIN IMMEDIATE;
CREATE TABLE records (
  sequence INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  incident TEXT NOT NULL,
  phase TEXT NOT NULL,
  kind TEXT NOT NULL,
  severity INTEGER NOT NULL,
  camera TEXT NOT NULL,
  rule TEXT,
  occurred_us INTEGER NOT NULL,
  committed_us INTEGER NOT NULL,
  previous_hash BLOB NOT NULL,
  hash BLOB NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX records_by_camera ON records (camera, sequence);
CREATE INDEX records_by_time ON records (occurred_us);
CREATE TABLE consumers (
  name TEXT PRIMARY KEY,
  acknowledged INTEGER NOT NULL,
  updated_us INTEGER NOT NULL
) WITHOUT ROWID;
PRAGMA user_version = 1;
COMMIT;
";

/// The end of the chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tail {
    pub(super) sequence: Sequence,
    pub(super) hash: [u8; 32],
}

pub(super) fn sqlite(
    path: &Path,
    doing: &'static str,
) -> impl FnOnce(rusqlite::Error) -> JournalError {
    let path = path.to_owned();
    move |source| JournalError::Sqlite {
        path,
        doing,
        source,
    }
}

/// Opens the file for writing and locks it against a second daemon.
pub(super) fn open(path: &Path) -> Result<(Connection, File), JournalError> {
    let lock = lock(path)?;
    let connection = Connection::open(path).map_err(sqlite(path, "opening"))?;
    prepare(&connection, path)?;
    Ok((connection, lock))
}

fn lock(path: &Path) -> Result<File, JournalError> {
    let io = |doing| {
        let path = path.to_owned();
        move |source| JournalError::Io {
            path,
            doing,
            source,
        }
    };
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::create_dir_all(folder).map_err(io("making its folder"))?;
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(PathBuf::from(name))
        .map_err(io("opening its lock file"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(JournalError::InUse {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(io("locking")(source)),
    }
}

fn prepare(connection: &Connection, path: &Path) -> Result<(), JournalError> {
    let failed = |doing| sqlite(path, doing);
    // Somebody with a `sqlite3` shell may hold the file for a moment.
    connection
        .busy_timeout(Duration::from_millis(250))
        .map_err(failed("setting up"))?;
    connection
        .query_row("PRAGMA journal_mode = WAL", [], |row| {
            row.get::<_, String>(0)
        })
        .map_err(failed("switching to WAL"))?;
    connection
        .execute_batch("PRAGMA synchronous = FULL")
        .map_err(failed("setting up"))?;
    let found: i64 = connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(failed("reading its format version"))?;
    match found {
        VERSION => Ok(()),
        0 => connection
            .execute_batch(TABLES)
            .map_err(failed("making its tables")),
        _ => Err(JournalError::Version {
            path: path.to_owned(),
            found,
            known: VERSION,
        }),
    }
}

/// The last record's sequence and hash, without a check.
pub(super) fn tail(connection: &Connection) -> rusqlite::Result<Tail> {
    let last = connection
        .query_row(
            "SELECT sequence, hash FROM records ORDER BY sequence DESC LIMIT 1",
            [],
            |row| {
                Ok(Tail {
                    sequence: Sequence(from_column(row.get(0)?)),
                    hash: row.get(1)?,
                })
            },
        )
        .optional()?;
    Ok(last.unwrap_or_default())
}

/// Checks that the last record is what its hash says and hangs on the one before it.
pub(super) fn check_tail(connection: &Connection, path: &Path) -> Result<Tail, JournalError> {
    type Stored = (i64, i64, [u8; 32], [u8; 32], String);
    let mut statement = connection
        .prepare(
            "SELECT sequence, committed_us, previous_hash, hash, body FROM records
             ORDER BY sequence DESC LIMIT 2",
        )
        .map_err(sqlite(path, "reading its last record"))?;
    let rows: Vec<Stored> = statement
        .query_map([], |row| {
            Ok((
                row.get(0)?,
                row.get(1)?,
                row.get(2)?,
                row.get(3)?,
                row.get(4)?,
            ))
        })
        .and_then(Iterator::collect)
        .map_err(sqlite(path, "reading its last record"))?;
    let Some((sequence, committed, previous, hash, body)) = rows.first() else {
        return Ok(Tail::default());
    };
    let sequence = Sequence(from_column(*sequence));
    let damaged = |what: &str| JournalError::Damaged {
        path: path.to_owned(),
        sequence: sequence.0,
        what: what.to_owned(),
    };
    if chain_hash(sequence, UtcMicros(*committed), previous, body) != *hash {
        return Err(damaged("its content does not fit its hash"));
    }
    let before = rows.get(1);
    let linked = match before {
        Some((number, _, _, hash, _)) if from_column(*number) + 1 == sequence.0 => hash == previous,
        Some(_) => return Err(damaged("the record before it is missing")),
        // The only record left; what was before it was dropped.
        None => sequence.0 > 1 || *previous == [0; 32],
    };
    if !linked {
        return Err(damaged("it does not hang on the record before it"));
    }
    Ok(Tail {
        sequence,
        hash: *hash,
    })
}
