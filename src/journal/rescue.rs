//! A damaged file: what can still be read of it, and the new file that takes its place.
//!
//! 1. What the old file still says is read around the damage: the last record that fits its
//!    hash, the consumers' positions, and the events above the lowest of these positions (the
//!    newest [`MAX_RESCUED`] at most), each checked against its own hash.
//! 2. A new file is made beside it, `<file>.new`, in one transaction: it hangs on the last known
//!    hash; its first record is a gap up to a sequence above everything that may ever have been
//!    given; then comes the event that says so; then the rescued events again, with new
//!    sequences and their old ids.
//! 3. The old file moves to `<file>.damaged-<time>` (its `-wal` and `-shm` too), the new one to
//!    its place. A crash between the two moves leaves `<file>.new` alone, and [`finish_move`]
//!    completes the change at the next start.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::error::JournalError;
use super::format::refuse_newer;
use super::head::beside;
use super::record::{BODY, COLUMNS, Tail, from_row, to_column};
use super::schema::{self, sqlite};
use super::store::{cursors, insert_body, insert_event, insert_gap, set_cursor};
use crate::model::entry::{Entry, GapReason};
use crate::model::event::Event;
use crate::model::ids::{ConsumerName, Sequence};
use crate::model::time::UtcMicros;

/// Events brought over into the new file, at most: the newest. The rest stays in the old one.
const MAX_RESCUED: u64 = 100_000;
/// Sequences left out after damage. The witness of the last one may lag by what was committed
/// between two flushes of the system's cache: some 30 s, and nobody commits 30,000 events a second.
pub(super) const LEFT_OUT: u64 = 1_000_000;
const PAGE: usize = 500;

/// What became of the old file.
#[derive(Debug)]
pub(super) struct Rescue {
    pub(super) set_aside: PathBuf,
    pub(super) rescued: usize,
}

/// What the old file still says.
#[derive(Debug, Default)]
struct Remains {
    last: Option<Tail>,
    cursors: Vec<(ConsumerName, Sequence)>,
    waiting: Vec<Waiting>,
}

/// An event to bring over, in the words that it was stored in: a newer program's may say more than
/// this one reads.
#[derive(Debug)]
struct Waiting {
    event: Event,
    body: String,
}

/// Puts a new file in the place of a damaged one. `known` is the last record known from elsewhere;
/// `say` makes the event that tells of it.
pub(super) fn start_over(
    path: &Path,
    known: Option<Tail>,
    utc_micros: i64,
    say: impl FnOnce(Option<Tail>, usize) -> Event,
) -> Result<Rescue, JournalError> {
    // Whatever was opened, by now another file may lie at the path.
    refuse_newer(path)?;
    let remains = read_remains(path);
    let newer = |a: Option<Tail>, b: Option<Tail>| match (a, b) {
        (Some(a), Some(b)) if a.sequence >= b.sequence => Some(a),
        (a, b) => b.or(a),
    };
    let last = newer(known.filter(|known| known.sequence.0 > 0), remains.last);
    let acknowledged = remains.cursors.iter().map(|(_, position)| *position).max();
    let highest = last
        .map(|tail| tail.sequence)
        .into_iter()
        .chain(acknowledged)
        .max();
    let resume = match highest {
        Some(highest) => highest.0 + LEFT_OUT,
        // Nothing at all is known: the milliseconds since 1970 lie above every journal that took
        // less than a thousand events a second on average.
        None => u64::try_from(utc_micros / 1_000).unwrap_or(LEFT_OUT),
    };
    let set_aside = beside(path, &format!(".damaged-{}", stamp(utc_micros)));
    let new = new_file(path);
    let event = say(last, remains.waiting.len());
    let plan = Plan {
        resume: Sequence(resume),
        last: last.unwrap_or_default(),
        missing: highest.map_or(0, |highest| highest.0),
        note: format!(
            "{}; see {}",
            event.detail.reason.as_deref().unwrap_or(""),
            name(&set_aside)
        ),
        event,
    };
    let io = |doing| {
        let path = path.to_owned();
        move |source| JournalError::Io {
            path,
            doing,
            source,
        }
    };
    remove_all(&new).map_err(io("clearing the way for a new file"))?;
    build(&new, &plan, &remains, utc_micros).map_err(sqlite(&new, "writing a new file"))?;
    File::open(&new)
        .and_then(|file| file.sync_all())
        .map_err(io("flushing a new file"))?;
    move_aside(path, &set_aside).map_err(io("setting the damaged file aside"))?;
    std::fs::rename(&new, path).map_err(io("moving the new file to its place"))?;
    sync_folder(path);
    Ok(Rescue {
        set_aside,
        rescued: remains.waiting.len(),
    })
}

/// Where the file is made that takes a damaged one's place.
pub(super) fn new_file(path: &Path) -> PathBuf {
    beside(path, ".new")
}

/// Completes or undoes what a crash interrupted.
pub(super) fn finish_move(path: &Path) -> io::Result<()> {
    let new = new_file(path);
    if !new.exists() {
        return Ok(());
    }
    if path.exists() {
        return remove_all(&new);
    }
    tracing::warn!(path = %path.display(), "the new journal moves to its place after a crash");
    std::fs::rename(&new, path)
}

struct Plan {
    resume: Sequence,
    last: Tail,
    missing: u64,
    note: String,
    event: Event,
}

fn build(new: &Path, plan: &Plan, remains: &Remains, utc_micros: i64) -> rusqlite::Result<()> {
    let unwrap = |error| match error {
        JournalError::Sqlite { source, .. } => source,
        other => rusqlite::Error::ToSqlConversionFailure(Box::new(other)),
    };
    let mut connection = schema::open(new).map_err(unwrap)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute(
        "UPDATE anchor SET hash = ?1, updated_us = ?2",
        (plan.last.hash, utc_micros),
    )?;
    let committed = UtcMicros(utc_micros);
    let start = Tail {
        sequence: Sequence(0),
        hash: plan.last.hash,
    };
    let gap = (
        plan.resume,
        plan.missing,
        GapReason::Damaged,
        plan.note.as_str(),
    );
    let mut tail = insert_gap(&transaction, gap, start, committed)?;
    tail = insert_event(&transaction, &plan.event, tail, committed)?;
    for Waiting { event, body } in &remains.waiting {
        tail = insert_body(&transaction, (event, body), tail, committed)?;
    }
    for (name, position) in &remains.cursors {
        set_cursor(&transaction, name.as_str(), *position, utc_micros)?;
    }
    transaction.commit()?;
    // Closing folds the write-ahead log into the file, so that one rename moves everything.
    connection.close().map_err(|(_, error)| error)
}

fn read_remains(path: &Path) -> Remains {
    let mut remains = Remains::default();
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let Ok(connection) = Connection::open_with_flags(path, flags) else {
        return remains;
    };
    let _ = connection.execute_batch("PRAGMA query_only = ON");
    remains.cursors = cursors(&connection).unwrap_or_default();
    let lowest = remains.cursors.iter().map(|(_, position)| position.0).min();
    let end = connection.query_row("SELECT MAX(sequence) FROM records", [], |row| {
        row.get::<_, Option<i64>>(0)
    });
    let end = end.ok().flatten().map(super::record::from_column);
    let above = lowest.unwrap_or(0);
    let above = end.map_or(above, |end| above.max(end.saturating_sub(MAX_RESCUED)));
    for (entry, body) in readable(&connection, Sequence(above)) {
        remains.last = Some(Tail {
            sequence: entry.last(),
            hash: entry.hash(),
        });
        let event = entry.into_record().map(|record| record.event);
        let waiting = event.map(|event| Waiting { event, body });
        remains.waiting.extend(waiting);
    }
    remains
}

/// Every entry after `above` that can be read and fits its hash, with its body. Steps over what cannot: pages are
/// halved down to the single record, then the step doubles until something is found again. A damaged
/// inner page of the tree may lead back to records that were passed: those are passed over.
fn readable(connection: &Connection, above: Sequence) -> Vec<(Entry, String)> {
    const LONGEST_STEP: u64 = 1 << 24;
    let (mut found, mut at, mut limit, mut step) = (Vec::new(), above.0, PAGE, 1_u64);
    let mut failures = 0;
    // A tree without any readable page ends after a few dozen doubled steps.
    while failures < 4_096 && (found.len() as u64) < MAX_RESCUED {
        match page(connection, at, limit) {
            Ok(None) => break,
            Ok(Some((last, entries))) => {
                found.extend(entries);
                (at, limit, step) = (last, PAGE, 1);
            }
            Err(_) if limit > 1 => limit /= 2,
            Err(_) => {
                failures += 1;
                at = at.saturating_add(step);
                step *= 2;
                if step > LONGEST_STEP {
                    break;
                }
            }
        }
    }
    found
}

type Page = (u64, Vec<(Entry, String)>);

fn page(connection: &Connection, after: u64, limit: usize) -> rusqlite::Result<Option<Page>> {
    // The second condition looks at each row itself, which the first, a place in the tree, does not.
    let sql = format!(
        "SELECT {COLUMNS} FROM records WHERE sequence > ?1 AND +sequence > ?1
         ORDER BY sequence LIMIT ?2"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query((to_column(after), to_column(limit as u64)))?;
    let (mut last, mut entries) = (None, Vec::new());
    while let Some(row) = rows.next()? {
        let sequence = super::record::from_column(row.get(0)?);
        if last.is_some_and(|last| sequence <= last) {
            continue;
        }
        last = Some(sequence);
        let entry = from_row(row).and_then(|entry| Ok((entry, row.get(BODY)?)));
        entries.extend(entry.ok());
    }
    Ok(last.map(|last| (last, entries)))
}

fn move_aside(path: &Path, set_aside: &Path) -> io::Result<()> {
    for ending in ["-wal", "-shm"] {
        let from = beside(path, ending);
        if from.exists() {
            std::fs::rename(from, beside(set_aside, ending))?;
        }
    }
    if path.exists() {
        std::fs::rename(path, set_aside)?;
    }
    Ok(())
}

fn remove_all(file: &Path) -> io::Result<()> {
    for ending in ["", "-wal", "-shm"] {
        match std::fs::remove_file(beside(file, ending)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Makes renames durable; a file system that cannot says nothing worse than a crash would undo.
fn sync_folder(path: &Path) {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    if let Err(error) = File::open(folder).and_then(|folder| folder.sync_all()) {
        tracing::warn!(%error, "the journal's folder could not be flushed");
    }
}

fn name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

fn stamp(utc_micros: i64) -> String {
    let text = UtcMicros(utc_micros).rfc3339();
    text.chars().filter(char::is_ascii_alphanumeric).collect()
}

/// Copies the write-ahead log aside before it is written over; best effort, for the auditor.
pub(super) fn keep_log(path: &Path, utc_micros: i64) {
    let from = beside(path, "-wal");
    let to = beside(path, &format!(".damaged-{}-wal", stamp(utc_micros)));
    if let Err(error) = std::fs::copy(&from, &to) {
        tracing::warn!(%error, "the damaged write-ahead log could not be kept");
    }
}
