//! The auditor: walks the whole chain of a file, also while a daemon writes to it, and says which
//! records are damaged.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::error::{JournalError, Unfit};
use super::format::refuse_newer;
use super::head;
use super::record::{COLUMNS, Tail, from_column, from_row, to_column};
use super::schema::{self, sqlite};
use crate::model::entry::Entry;
use crate::model::ids::Sequence;

/// Records read at a time: each page is a read of its own, so that a daemon's log can be folded
/// into its file meanwhile.
const PAGE: usize = 1_000;
/// Damages listed, at most; the rest is counted.
const MAX_LISTED: usize = 1_000;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// At which record; 0 where it is the file itself.
    pub sequence: u64,
    /// In which way.
    pub what: String,
}

/// What the walk found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Events whose hash fits.
    pub events: u64,
    /// Gap records whose hash fits.
    pub gaps: u64,
    /// Events that the gap records and the dropped beginning stand for.
    pub declared_missing: u64,
    /// The last record dropped for the quota; 0 where none was.
    pub dropped_through: u64,
    /// The last record's sequence.
    pub last: u64,
    /// The last record's hash.
    pub last_hash: [u8; 32],
    /// What is wrong, in the order of the file; the first thousand.
    pub damages: Vec<Damage>,
    /// How much is wrong in all.
    pub damaged: u64,
}

impl Verdict {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.damaged == 0
    }

    fn wrong(&mut self, sequence: u64, what: impl Into<String>) {
        self.damaged += 1;
        if self.damages.len() < MAX_LISTED {
            let what = what.into();
            self.damages.push(Damage { sequence, what });
        }
    }
}

/// Walks the chain of `path`, a journal of any format up to this program's. Changes nothing.
///
/// # Errors
/// [`JournalError`] when the file cannot be opened at all or is of a newer format; damage is part
/// of the verdict.
pub fn verify(path: &Path) -> Result<Verdict, JournalError> {
    let remembered = head::read(path);
    std::fs::metadata(path).map_err(|source| JournalError::Io {
        path: path.to_owned(),
        doing: "looking for its file",
        source,
    })?;
    refuse_newer(path)?;
    let connection = open(path).map_err(sqlite(path, "opening for reading"))?;
    let mut walk = match Walk::begin(&connection) {
        Ok(walk) => walk,
        Err(error) if super::error::is_damage(&error) => {
            let mut verdict = Verdict::default();
            verdict.wrong(0, error.to_string());
            return Ok(verdict);
        }
        Err(error) => return Err(sqlite(path, "reading its anchor")(error)),
    };
    walk.walk_on();
    let mut verdict = walk.verdict;
    if let Some(remembered) = remembered.filter(|head| head.sequence.0 > verdict.last) {
        let what = format!(
            "the records after {} up to {} are missing: {} is remembered as the last one",
            verdict.last, remembered.sequence.0, remembered.sequence.0
        );
        verdict.wrong(remembered.sequence.0, what);
    }
    for words in quick_check(&connection) {
        verdict.wrong(0, words);
    }
    Ok(verdict)
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(2))?;
    connection.execute_batch("PRAGMA query_only = ON")?;
    Ok(connection)
}

/// SQLite's own check of pages and indexes.
fn quick_check(connection: &Connection) -> Vec<String> {
    let read = || -> rusqlite::Result<Vec<String>> {
        let mut statement = connection.prepare("PRAGMA quick_check(20)")?;
        statement.query_map([], |row| row.get(0))?.collect()
    };
    match read() {
        Ok(lines) if lines == ["ok"] => Vec::new(),
        Ok(lines) => lines,
        Err(error) => vec![error.to_string()],
    }
}

struct Walk<'c> {
    connection: &'c Connection,
    sql: String,
    at: Tail,
    /// Whether what stands before `at` is known; after damage the next record is taken as it is.
    linked: bool,
    verdict: Verdict,
}

impl<'c> Walk<'c> {
    fn begin(connection: &'c Connection) -> rusqlite::Result<Self> {
        let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        let first_version = version == 1;
        let sql =
            format!("SELECT {COLUMNS} FROM records WHERE sequence > ?1 ORDER BY sequence LIMIT ?2");
        let sql = if first_version {
            sql.replace("first_sequence", "NULL")
        } else {
            sql
        };
        connection.prepare(&sql)?;
        let mut verdict = Verdict::default();
        let at = if first_version {
            Tail::default()
        } else {
            let anchor = schema::anchor(connection)?;
            let dropped: i64 =
                connection.query_row("SELECT dropped FROM anchor", [], |row| row.get(0))?;
            verdict.declared_missing = from_column(dropped);
            anchor
        };
        verdict.dropped_through = at.sequence.0;
        verdict.last = at.sequence.0;
        verdict.last_hash = at.hash;
        Ok(Self {
            connection,
            sql,
            at,
            // Version 1 knew no anchor: its first record may have been dropped by hand.
            linked: !first_version,
            verdict,
        })
    }

    fn walk_on(&mut self) {
        const LONGEST_STEP: u64 = 1 << 24;
        let (mut limit, mut step) = (PAGE, 1_u64);
        loop {
            match self.page(limit) {
                Ok(0) => return,
                Ok(_) => (limit, step) = (PAGE, 1),
                Err(_) if limit > 1 => limit = (limit / 4).max(1),
                Err(error) => {
                    let next = self.at.sequence.0 + 1;
                    if step == 1 {
                        self.verdict.wrong(next, format!("cannot be read: {error}"));
                    }
                    self.at.sequence.0 += step;
                    self.linked = false;
                    step *= 2;
                    if step > LONGEST_STEP {
                        return;
                    }
                }
            }
        }
    }

    /// Checks one page; returns how many records it had.
    fn page(&mut self, limit: usize) -> rusqlite::Result<usize> {
        let mut statement = self.connection.prepare_cached(&self.sql)?;
        let after = to_column(self.at.sequence.0);
        let mut rows = statement.query((after, to_column(limit as u64)))?;
        let mut seen = 0;
        // Taken in only when the whole page could be read, so that a repeat counts nothing twice.
        let mut entries = Vec::new();
        let mut reached = self.at.sequence.0;
        while let Some(row) = rows.next()? {
            let sequence = from_column(row.get(0)?);
            if sequence <= reached {
                // The tree leads back: what follows was seen before, and walking on would not end.
                if seen == 0 {
                    let what = format!("behind record {reached} stands record {sequence}");
                    return Err(Unfit::at(reached + 1, what));
                }
                break;
            }
            reached = sequence;
            seen += 1;
            entries.push((sequence, from_row(row)));
        }
        drop(rows);
        drop(statement);
        for (sequence, entry) in entries {
            match entry {
                Ok(entry) => self.take(&entry),
                Err(error) => {
                    self.verdict.wrong(sequence, words(&error));
                    self.at.sequence = Sequence(sequence);
                    self.linked = false;
                }
            }
        }
        Ok(seen)
    }

    fn take(&mut self, entry: &Entry) {
        let expected = self.at.sequence.0 + 1;
        if self.linked && entry.first().0 != expected {
            self.gap_or_dropped(expected, entry);
        } else if self.linked && entry.previous_hash() != self.at.hash {
            let what = "does not hang on the record before it";
            self.verdict.wrong(entry.last().0, what);
        }
        self.linked = true;
        self.at = Tail {
            sequence: entry.last(),
            hash: entry.hash(),
        };
        match entry {
            Entry::Event(_) => self.verdict.events += 1,
            Entry::Gap(gap) => {
                self.verdict.gaps += 1;
                self.verdict.declared_missing += gap.count;
            }
        }
        self.verdict.last = self.at.sequence.0;
        self.verdict.last_hash = self.at.hash;
    }

    /// Records are missing before `entry`: a running daemon may have dropped them since.
    fn gap_or_dropped(&mut self, expected: u64, entry: &Entry) {
        let before = entry.first().0 - 1;
        let anchor = schema::anchor(self.connection).unwrap_or_default();
        if anchor.sequence.0 == before && anchor.hash == entry.previous_hash() {
            self.verdict.dropped_through = before;
        } else if anchor.sequence.0 < before {
            self.verdict
                .wrong(expected, format!("is missing, and all up to {before}"));
        }
    }
}

fn words(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::FromSqlConversionFailure(_, _, inner) => {
            match inner.downcast_ref::<super::error::Unfit>() {
                Some(unfit) => unfit.what.clone(),
                None => inner.to_string(),
            }
        }
        other => other.to_string(),
    }
}
