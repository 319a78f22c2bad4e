//! The durable event log and the cursors of those who read it: one SQLite file.
//!
//! ```text
//! rules ─append─▶ bounded queue ─▶ thread "journal" ─ one transaction per group ─▶ file (WAL, FULL)
//!                                      │ after the commit
//!                                      ▼
//!                        watch<Sequence> ─▶ readers read the file from their own position
//! ```
//!
//! # Format contract (`PRAGMA user_version` = 1)
//!
//! Table `records`, one row per event, never changed once written:
//!
//! | column | type | meaning |
//! |---|---|---|
//! | `sequence` | INTEGER, key | 1, 2, 3 …: no gaps |
//! | `id`, `incident` | TEXT | UUIDs, hyphenated lower case |
//! | `phase`, `kind` | TEXT | `started` …, `line_crossed` … |
//! | `severity` | INTEGER | 0 info, 1 warning, 2 alarm, 3 critical |
//! | `camera`, `rule` | TEXT | names; `rule` may be NULL |
//! | `occurred_us` | INTEGER | when it happened, microseconds since 1970 UTC |
//! | `committed_us` | INTEGER | this server's time when the commit began, same unit |
//! | `previous_hash`, `hash` | BLOB | 32 bytes each |
//! | `body` | TEXT | the event (`model::event::Event`) as JSON |
//!
//! `hash` = SHA-256 of: `sequence` as 8 bytes little-endian, `committed_us` as 8 bytes
//! little-endian (two's complement), the 32 bytes of `previous_hash`, the bytes of `body`.
//! `previous_hash` is the `hash` of the row before, zeroes for sequence 1. The other columns only
//! repeat the body for indexes; the body decides. Numbers of an event that are not finite are
//! removed before it is stored, for JSON has no word for them.
//!
//! Table `consumers`: `name` TEXT key, `acknowledged` INTEGER (last acknowledged sequence, never
//! moves back), `updated_us` INTEGER. Beside the file lies `<file>.lock`, locked while a daemon
//! writes. When the queue is full an append waits up to the configured deadline; then the event
//! is lost, logged as an error and counted in `parapet_events_lost_total`.

mod commit;
mod reader;
mod record;
mod schema;
#[cfg(test)]
mod tests;
mod writer;

pub use reader::{Filter, JournalReader};
pub use writer::JournalWriter;

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use parking_lot::{Mutex, RwLock};
use tokio::sync::watch;

use crate::base::clock::SharedClock;
use crate::base::metrics::{Metrics, Stage};
use crate::base::tasks::named_thread;
use crate::config::types::JournalConfig;
use crate::model::ids::{ConsumerName, Sequence};
use commit::{Committer, Shared};
use writer::Command;

/// Events that may wait for their commit; beyond it an append blocks.
const QUEUE: usize = 1_024;

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
    /// Written by a newer version.
    #[error("journal {path} has format {found}, this program knows {known}; use the newer program")]
    Version {
        /// The file.
        path: PathBuf,
        /// In the file.
        found: i64,
        /// Known here.
        known: i64,
    },
    /// A record is not what its hash says.
    #[error(
        "journal {path}: record {sequence} is damaged: {what}; move the file away to start a new one"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Which record.
        sequence: u64,
        /// In which way.
        what: String,
    },
}

/// Why an event was not, or not yet, taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// No room within the deadline: the event is lost and counted.
    #[error("the journal's queue stayed full for {0:?}: the event is lost")]
    Full(Duration),
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
    /// The journal has stopped.
    #[error("the journal has stopped")]
    Stopped,
}

/// The open journal. Dropping it stops it.
#[derive(Debug)]
pub struct Journal {
    writer: JournalWriter,
    reader: JournalReader,
    shared: Arc<Shared>,
    committed: watch::Receiver<Sequence>,
    give_up: Sender<()>,
    done: Receiver<()>,
    thread: Mutex<Option<JoinHandle<()>>>,
    _lock: std::fs::File,
}

impl Journal {
    /// Opens or creates the file, checks its last record and starts the thread `journal`.
    ///
    /// # Errors
    /// [`JournalError`]: not writable, in use, of a newer format, or its last record is damaged.
    pub fn open(
        config: &JournalConfig,
        clock: SharedClock,
        metrics: Arc<Metrics>,
    ) -> Result<Self, JournalError> {
        let (connection, lock) = schema::open(&config.path)?;
        let tail = schema::check_tail(&connection, &config.path)?;
        let (commands, queue) = bounded(QUEUE);
        let (give_up, gives_up) = bounded(1);
        let (finished, done) = bounded(1);
        let (published, committed) = watch::channel(tail.sequence);
        metrics
            .journal_sequence
            .set(record::to_column(tail.sequence.0));
        let shared = Arc::new(Shared::default());
        let committer = Committer {
            connection,
            tail,
            queue,
            gives_up,
            published,
            group_max: config.group_max.max(1),
            clock: Arc::clone(&clock),
            commit_seconds: metrics.stage(Stage::Commit),
            frame_seconds: metrics.stage(Stage::FrameToCommit),
            metrics: Arc::clone(&metrics),
            shared: Arc::clone(&shared),
        };
        let thread = named_thread("journal", move || {
            let _finished = finished;
            committer.run();
        })
        .map_err(|source| JournalError::Io {
            path: config.path.clone(),
            doing: "starting its thread",
            source,
        })?;
        let writer = JournalWriter {
            commands: commands.clone(),
            closed: Arc::new(RwLock::new(false)),
            deadline: config.deadline,
            clock,
            metrics,
        };
        let reader = JournalReader::new(config.path.clone(), commands, config.deadline);
        Ok(Self {
            writer,
            reader,
            shared,
            committed,
            give_up,
            done,
            thread: Mutex::new(Some(thread)),
            _lock: lock,
        })
    }

    /// Takes events.
    #[must_use]
    pub fn writer(&self) -> JournalWriter {
        self.writer.clone()
    }

    /// Reads what is committed, and keeps the consumers' cursors.
    #[must_use]
    pub fn reader(&self) -> JournalReader {
        self.reader.clone()
    }

    /// The last committed sequence, changed after each commit.
    #[must_use]
    pub fn committed(&self) -> watch::Receiver<Sequence> {
        self.committed.clone()
    }

    /// Whether commits work.
    ///
    /// # Errors
    /// In words: the failing commit's reason, or that the thread has ended.
    pub fn healthy(&self) -> Result<(), String> {
        if let Some(reason) = self.shared.failing.lock().as_ref() {
            return Err(format!("the journal cannot commit: {reason}"));
        }
        match self.thread.lock().as_ref() {
            Some(thread) if !thread.is_finished() => Ok(()),
            _ => Err("the journal has stopped".to_owned()),
        }
    }

    /// Waits until everything appended before is durable; false when it still is not after
    /// `deadline`.
    #[must_use]
    pub fn flush(&self, deadline: Duration) -> bool {
        let (reply, answer) = bounded(1);
        let sent = self
            .writer
            .commands
            .send_timeout(Command::Flush(reply), deadline);
        sent.is_ok() && answer.recv_timeout(deadline).is_ok()
    }

    /// Refuses new events, commits what is queued and ends the thread. Returns false when the
    /// queue could not be committed within `deadline`; those events are then logged and counted
    /// as lost. A second call does nothing.
    pub fn stop(&self, deadline: Duration) -> bool {
        let Some(thread) = self.thread.lock().take() else {
            return true;
        };
        if let Some(mut closed) = self.writer.closed.try_write_for(deadline) {
            *closed = true;
        }
        let _ = self.writer.commands.send_timeout(Command::Stop, deadline);
        // The sender lives in the thread: its end disconnects.
        let in_time = self.done.recv_timeout(deadline)
            == Err(crossbeam_channel::RecvTimeoutError::Disconnected);
        if !in_time {
            let _ = self.give_up.try_send(());
            let _ = self.done.recv_timeout(Duration::from_millis(500));
        }
        if !thread.is_finished() && !in_time {
            tracing::error!("the journal's thread is stuck in the disk and is left behind");
            return false;
        }
        let whole = thread.join().is_ok();
        in_time && whole && self.shared.failing.lock().is_none()
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.stop(Duration::from_secs(1));
    }
}

/// A consumer's durable position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consumer {
    /// Its name.
    pub name: ConsumerName,
    /// The last sequence it acknowledged.
    pub acknowledged: Sequence,
}
