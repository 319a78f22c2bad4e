//! The version of the file's format, and the refusal of a newer one before anything is touched.
//!
//! `PRAGMA user_version` is four bytes in the header of the file, or of the page that takes the
//! header's place in the write-ahead log. They are looked at before SQLite opens the file for
//! writing, because that folds the log into the file, and before damage is looked for, because a
//! newer file is none: it is left as it is, to the byte.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction};

use super::error::JournalError;
use super::head::beside;

/// As format 2, and some record's kind is one that the programs of format 2 do not know.
const NUMBERED_KINDS: i64 = 3;
/// The newest format that this program reads and writes.
pub(super) const NEWEST: i64 = NUMBERED_KINDS;
/// A version above this was never written by anybody: the header is damaged.
const MAX_PLAUSIBLE: i64 = 1_000;

const MAGIC: &[u8; 16] = b"SQLite format 3\0";
const VERSION_AT: u64 = 60;

/// What a version says of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// A file without tables yet.
    Empty,
    /// Read and written as it is, or brought up first.
    Known(i64),
    /// Written by a newer program.
    Newer(i64),
    /// Written by nobody.
    Damaged(i64),
}

impl Format {
    pub(super) fn of(version: i64) -> Self {
        match version {
            0 => Self::Empty,
            1..=NEWEST => Self::Known(version),
            _ if (0..=MAX_PLAUSIBLE).contains(&version) => Self::Newer(version),
            _ => Self::Damaged(version),
        }
    }
}

/// Refuses a file of a newer format and leaves it and its write-ahead log as they are. A file that
/// is missing or not readable as one is none of a newer format.
///
/// # Errors
/// [`JournalError::Version`].
pub(super) fn refuse_newer(path: &Path) -> Result<(), JournalError> {
    let refuse = |version| match Format::of(version) {
        Format::Newer(found) => Err(newer(path, found)),
        Format::Empty | Format::Known(_) | Format::Damaged(_) => Ok(()),
    };
    let Ok(Some(version)) = in_header(path) else {
        return Ok(());
    };
    refuse(version)?;
    let has_log = std::fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0);
    let logged = Some(path).filter(|_| has_log).map(with_log);
    logged.and_then(Result::ok).map_or(Ok(()), refuse)
}

/// The refusal of a newer format, in words.
pub(super) fn newer(path: &Path, found: i64) -> JournalError {
    JournalError::Version {
        path: path.to_owned(),
        found,
        known: NEWEST,
    }
}

/// What the file itself says, without its log.
fn in_header(path: &Path) -> io::Result<Option<i64>> {
    let mut header = [0; VERSION_AT as usize + 4];
    File::open(path)?.read_exact_at(&mut header, 0)?;
    let (start, version) = header.split_at(VERSION_AT as usize);
    let version: Option<[u8; 4]> = version.try_into().ok();
    let version = version.filter(|_| start.starts_with(MAGIC));
    Ok(version.map(|bytes| i32::from_be_bytes(bytes).into()))
}

/// What the file and its log say; writes to neither.
fn with_log(path: &Path) -> rusqlite::Result<i64> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    // The last connection that closes would fold the log into the file.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.execute_batch("PRAGMA query_only = ON")?;
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Raises the file to the format whose records may have kinds that format 2 does not know. From
/// then on the programs of format 2 refuse it, where they would call such a record damaged.
pub(super) fn allow_numbered_kinds(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let found: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found < NUMBERED_KINDS {
        transaction.execute_batch(&format!("PRAGMA user_version = {NUMBERED_KINDS}"))?;
    }
    Ok(())
}
