//! The file.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Row, TransactionBehavior, params};
use sha2::{Digest as _, Sha256};

use super::entry::{Entry, Outcome, Verdict, Written};

const VERSION: i64 = 1;

/// Entries younger than 180 days cannot be deleted even by somebody with a shell on the file,
/// who would have to drop the trigger first.
const TABLES: &str = "
BEGIN IMMEDIATE;
CREATE TABLE entries (
  sequence INTEGER PRIMARY KEY,
  at_us INTEGER NOT NULL,
  who TEXT NOT NULL,
  what TEXT NOT NULL,
  target TEXT NOT NULL,
  result TEXT NOT NULL,
  detail TEXT NOT NULL,
  times INTEGER NOT NULL,
  previous_hash BLOB NOT NULL,
  hash BLOB NOT NULL
);
CREATE TRIGGER entries_stay BEFORE UPDATE ON entries
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER entries_are_kept BEFORE DELETE ON entries
WHEN OLD.at_us > (CAST(strftime('%s', 'now') AS INTEGER) - 180 * 86400) * 1000000
BEGIN SELECT RAISE(ABORT, 'audit entries are kept for 180 days'); END;
PRAGMA user_version = 1;
COMMIT;
";

const COLUMNS: &str =
    "sequence, at_us, who, what, target, result, detail, times, previous_hash, hash";

/// Entries verified at a time.
const PAGE: usize = 1_000;
/// Problems told; a broken chain need not be told a million times.
const MAX_PROBLEMS: usize = 20;

pub(super) struct Store {
    connection: Connection,
}

fn to_column(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn from_column(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

fn refused(words: &str) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(
        rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_NOTADB),
        Some(words.to_owned()),
    )
}

impl Store {
    pub(super) fn open(path: &Path) -> rusqlite::Result<Self> {
        if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|error| refused(&error.to_string()))?;
        }
        let connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(1))?;
        connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
        connection.execute_batch("PRAGMA synchronous = FULL")?;
        let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        match found {
            VERSION => {}
            0 => connection.execute_batch(TABLES)?,
            newer => {
                return Err(refused(&format!(
                    "it has format {newer}, this program knows {VERSION}"
                )));
            }
        }
        Ok(Self { connection })
    }

    pub(super) fn open_to_read(path: &Path) -> rusqlite::Result<Self> {
        // Not read-only: a reader of a WAL file must be able to write its shared index.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(Duration::from_secs(2))?;
        connection.execute_batch("PRAGMA query_only = ON")?;
        Ok(Self { connection })
    }

    fn tail(connection: &Connection) -> rusqlite::Result<(u64, [u8; 32])> {
        let tail = connection
            .query_row(
                "SELECT sequence, hash FROM entries ORDER BY sequence DESC LIMIT 1",
                [],
                |row| Ok((from_column(row.get(0)?), row.get(1)?)),
            )
            .optional()?;
        Ok(tail.unwrap_or_default())
    }

    /// Returns each entry's sequence and hash.
    pub(super) fn append(
        &mut self,
        entries: &[Entry],
        now_us: i64,
    ) -> rusqlite::Result<Vec<(u64, [u8; 32])>> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let (mut sequence, mut previous) = Self::tail(&transaction)?;
        let mut hashes = Vec::with_capacity(entries.len());
        for entry in entries {
            sequence += 1;
            let mut row = Written {
                sequence,
                at_utc_micros: now_us,
                who: entry.who.clone(),
                what: entry.what.to_owned(),
                target: entry.target.clone(),
                result: entry.outcome.name().to_owned(),
                detail: entry.detail.clone(),
                times: entry.times,
                previous_hash: previous,
                hash: [0; 32],
            };
            row.hash = hash(&row);
            transaction
                .prepare_cached(
                    "INSERT INTO entries (sequence, at_us, who, what, target, result, detail, times,
                     previous_hash, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                )?
                .execute(params![
                    to_column(row.sequence),
                    row.at_utc_micros,
                    row.who,
                    row.what,
                    row.target,
                    row.result,
                    row.detail,
                    to_column(row.times),
                    row.previous_hash,
                    row.hash,
                ])?;
            previous = row.hash;
            hashes.push((sequence, row.hash));
        }
        transaction.commit()?;
        Ok(hashes)
    }

    pub(super) fn read_after(&self, after: u64, limit: usize) -> rusqlite::Result<Vec<Written>> {
        let sql =
            format!("SELECT {COLUMNS} FROM entries WHERE sequence > ?1 ORDER BY sequence LIMIT ?2");
        self.connection
            .prepare_cached(&sql)?
            .query_map(params![to_column(after), to_column(limit as u64)], from_row)?
            .collect()
    }

    /// Says what goes, then lets it go; the newest entry always stays.
    pub(super) fn prune(&mut self, before_us: i64, now_us: i64) -> rusqlite::Result<u64> {
        let last: Option<(i64, [u8; 32])> = self
            .connection
            .query_row(
                "SELECT sequence, hash FROM entries WHERE at_us < ?1
                 AND sequence < (SELECT MAX(sequence) FROM entries)
                 ORDER BY sequence DESC LIMIT 1",
                [before_us],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()?;
        let Some((last, hash)) = last else {
            return Ok(0);
        };
        let says = Entry::once("daemon", "audit.prune", Outcome::Done)
            .to(last.to_string())
            .saying(hex::encode(hash));
        self.append(&[says], now_us)?;
        let gone = self
            .connection
            .execute("DELETE FROM entries WHERE sequence <= ?1", [last])?;
        Ok(gone as u64)
    }

    pub(super) fn verify(&self) -> rusqlite::Result<Verdict> {
        let mut verdict = Verdict {
            entries: 0,
            first: 0,
            last: 0,
            head: [0; 32],
            problems: Vec::new(),
        };
        loop {
            let page = self.read_after(verdict.last, PAGE)?;
            if page.is_empty() {
                return Ok(verdict);
            }
            for row in page {
                // A damaged inner page of the file leads back: what follows was passed before.
                if row.sequence <= verdict.last {
                    verdict.problems.push(format!(
                        "behind entry {} stands entry {}: the file is damaged",
                        verdict.last, row.sequence
                    ));
                    return Ok(verdict);
                }
                self.check(&row, &mut verdict)?;
                if verdict.entries == 0 {
                    verdict.first = row.sequence;
                }
                verdict.entries += 1;
                (verdict.last, verdict.head) = (row.sequence, row.hash);
                if verdict.problems.len() >= MAX_PROBLEMS {
                    return Ok(verdict);
                }
            }
        }
    }

    fn check(&self, row: &Written, verdict: &mut Verdict) -> rusqlite::Result<()> {
        let at = row.sequence;
        let mut wrong = |what: String| verdict.problems.push(format!("entry {at}: {what}"));
        if hash(row) != row.hash {
            wrong("its content does not fit its hash".to_owned());
        }
        if verdict.entries > 0 {
            if at != verdict.last + 1 {
                wrong(format!(
                    "entries {} to {} are missing",
                    verdict.last + 1,
                    at - 1
                ));
            } else if row.previous_hash != verdict.head {
                wrong("it does not hang on the entry before it".to_owned());
            }
        } else if at == 1 {
            if row.previous_hash != [0; 32] {
                wrong("it is the first, but hangs on another".to_owned());
            }
        } else if !self.pruned(at - 1, &row.previous_hash)? {
            wrong(format!(
                "no entry says that those up to {} were pruned",
                at - 1
            ));
        }
        Ok(())
    }

    fn pruned(&self, last: u64, hash: &[u8; 32]) -> rusqlite::Result<bool> {
        self.connection.query_row(
            "SELECT COUNT(*) > 0 FROM entries
             WHERE what = 'audit.prune' AND target = ?1 AND detail = ?2",
            params![last.to_string(), hex::encode(hash)],
            |row| row.get(0),
        )
    }
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Written> {
    Ok(Written {
        sequence: from_column(row.get(0)?),
        at_utc_micros: row.get(1)?,
        who: row.get(2)?,
        what: row.get(3)?,
        target: row.get(4)?,
        result: row.get(5)?,
        detail: row.get(6)?,
        times: from_column(row.get(7)?),
        previous_hash: row.get(8)?,
        hash: row.get(9)?,
    })
}

fn hash(row: &Written) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(row.sequence.to_le_bytes());
    hash.update(row.at_utc_micros.to_le_bytes());
    hash.update(row.times.to_le_bytes());
    hash.update(row.previous_hash);
    for text in [&row.who, &row.what, &row.target, &row.result, &row.detail] {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    }
    hash.finalize().into()
}
