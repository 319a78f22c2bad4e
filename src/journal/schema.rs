//! Opening the file: lock, format version, tables, the check of the last records.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, Row};

use super::error::JournalError;
use super::format::{self, Format};
use super::record::{COLUMNS, Tail, from_column, from_row};
use crate::model::entry::Entry;
use crate::model::ids::Sequence;

/// Records at the end that are checked when the file is opened.
const MAX_CHECKED: i64 = 1_000;

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
  body TEXT NOT NULL,
  first_sequence INTEGER
);
CREATE INDEX records_by_camera ON records (camera, sequence);
CREATE INDEX records_by_time ON records (occurred_us);
CREATE TABLE consumers (
  name TEXT PRIMARY KEY,
  acknowledged INTEGER NOT NULL,
  updated_us INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE anchor (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  sequence INTEGER NOT NULL,
  hash BLOB NOT NULL,
  dropped INTEGER NOT NULL,
  updated_us INTEGER NOT NULL
);
INSERT INTO anchor VALUES (1, 0, zeroblob(32), 0, 0);
PRAGMA user_version = 2;
COMMIT;
";

/// Version 1 had no gap records and no anchor; what stood before its first record was dropped by
/// hand.
const FROM_VERSION_1: &str = "
BEGIN IMMEDIATE;
ALTER TABLE records ADD COLUMN first_sequence INTEGER;
CREATE TABLE anchor (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  sequence INTEGER NOT NULL,
  hash BLOB NOT NULL,
  dropped INTEGER NOT NULL,
  updated_us INTEGER NOT NULL
);
INSERT INTO anchor
  SELECT 1, COALESCE(MIN(sequence), 1) - 1,
    COALESCE((SELECT previous_hash FROM records ORDER BY sequence LIMIT 1), zeroblob(32)),
    COALESCE(MIN(sequence), 1) - 1, 0
  FROM records;
PRAGMA user_version = 2;
COMMIT;
";

pub(super) fn sqlite(
    path: &Path,
    doing: &'static str,
) -> impl FnOnce(rusqlite::Error) -> JournalError + use<> {
    let path = path.to_owned();
    move |source| JournalError::Sqlite {
        path,
        doing,
        source,
    }
}

/// Opens the file for writing, makes its tables or brings an older format up.
pub(super) fn open(path: &Path) -> Result<Connection, JournalError> {
    let connection = Connection::open(path).map_err(sqlite(path, "opening"))?;
    prepare(&connection, path)?;
    Ok(connection)
}

/// Keeps a second daemon away from the file while it is held.
pub(super) fn lock(path: &Path) -> Result<File, JournalError> {
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
    let found: i64 = connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(failed("reading its format version"))?;
    match Format::of(found) {
        Format::Newer(found) => return Err(format::newer(path, found)),
        Format::Damaged(found) => {
            return Err(JournalError::Damaged {
                path: path.to_owned(),
                sequence: 0,
                what: format!("its format version is {found}"),
            });
        }
        Format::Empty | Format::Known(_) => {}
    }
    connection
        .query_row("PRAGMA journal_mode = WAL", [], |row| {
            row.get::<_, String>(0)
        })
        .map_err(failed("switching to WAL"))?;
    connection
        .execute_batch("PRAGMA synchronous = FULL")
        .map_err(failed("setting up"))?;
    match found {
        0 => connection
            .execute_batch(TABLES)
            .map_err(failed("making its tables")),
        1 => {
            connection
                .execute_batch(FROM_VERSION_1)
                .map_err(failed("bringing format 1 to 2"))?;
            tracing::info!(path = %path.display(), "journal brought from format 1 to 2");
            Ok(())
        }
        _ => Ok(()),
    }
}

/// The last record's sequence and hash, without a check; the anchor's where there is no record.
pub(super) fn tail(connection: &Connection) -> rusqlite::Result<Tail> {
    let last = connection
        .query_row(
            "SELECT sequence, hash FROM records ORDER BY sequence DESC LIMIT 1",
            [],
            tail_row,
        )
        .optional()?;
    last.map_or_else(|| anchor(connection), Ok)
}

/// What the first stored record hangs on: everything up to there was dropped.
pub(super) fn anchor(connection: &Connection) -> rusqlite::Result<Tail> {
    connection.query_row("SELECT sequence, hash FROM anchor", [], tail_row)
}

fn tail_row(row: &Row<'_>) -> rusqlite::Result<Tail> {
    Ok(Tail {
        sequence: Sequence(from_column(row.get(0)?)),
        hash: row.get(1)?,
    })
}

/// Checks that the last records are what their hashes say and hang on each other; returns the
/// last one.
pub(super) fn check_end(connection: &Connection, path: &Path) -> Result<Tail, JournalError> {
    let failed = |source| sqlite(path, "reading its last records")(source);
    let sql = format!("SELECT {COLUMNS} FROM records ORDER BY sequence DESC LIMIT {MAX_CHECKED}");
    let mut statement = connection.prepare(&sql).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let mut newest = None;
    let mut later: Option<Entry> = None;
    while let Some(row) = rows.next().map_err(failed)? {
        let entry = from_row(row).map_err(failed)?;
        if let Some(later) = &later {
            follows(entry.last(), entry.hash(), later, path)?;
        }
        newest.get_or_insert(Tail {
            sequence: entry.last(),
            hash: entry.hash(),
        });
        later = Some(entry);
    }
    let anchor = anchor(connection).map_err(failed)?;
    let Some(oldest) = later else {
        return Ok(anchor);
    };
    let before = connection
        .query_row(
            "SELECT MAX(sequence) FROM records WHERE sequence < ?1",
            [super::record::to_column(oldest.last().0)],
            |row| row.get::<_, Option<i64>>(0),
        )
        .map_err(failed)?;
    if before.is_none() {
        follows(anchor.sequence, anchor.hash, &oldest, path)?;
    }
    Ok(newest.unwrap_or(anchor))
}

fn follows(
    sequence: Sequence,
    hash: [u8; 32],
    later: &Entry,
    path: &Path,
) -> Result<(), JournalError> {
    let what = if later.first().0 != sequence.0 + 1 {
        "the record before it is missing"
    } else if later.previous_hash() != hash {
        "it does not hang on the record before it"
    } else {
        return Ok(());
    };
    Err(JournalError::Damaged {
        path: path.to_owned(),
        sequence: later.last().0,
        what: what.to_owned(),
    })
}
