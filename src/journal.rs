//! The durable event log and the cursors of those who read it: one SQLite file.
//!
//! ```text
//! rules ─append─▶ bounded queue ─▶ thread "journal" ─ one transaction per group ─▶ file (WAL, FULL)
//!                                      │ after the commit          │ while the disk fails
//!                                      ▼                           ▼
//!                        watch<Sequence> ─▶ readers read     provisional events, from memory
//!                        the file from their own position
//! ```
//!
//! # Format contract
//!
//! `PRAGMA user_version` is the file's format. This program makes files of format 2 and reads and
//! writes these:
//!
//! | format | what is different |
//! |---|---|
//! | 1 | neither `first_sequence` nor `anchor`; brought up to 2 when it is opened |
//! | 2 | as below, and every record's kind is one of the nine that are stored by name alone |
//! | 3 | as below; the first record of another kind raises the file to 3 in the same transaction |
//!
//! Programs of format 2 would take a record of a kind that they do not know for damage and set the
//! file aside. They refuse format 3 instead, as this one refuses what is above 3, before anything
//! is opened for writing or looked at for damage (`format.rs`). Until the first such record the way
//! back to the older program is open. Whoever stores what this program cannot read raises the number.
//!
//! Table `records`, one row per event or gap, never changed once written:
//!
//! | column | type | meaning |
//! |---|---|---|
//! | `sequence` | INTEGER, key | 1, 2, 3 …: no numbers are left out but those of a gap |
//! | `id`, `incident` | TEXT | UUIDs, hyphenated lower case; empty for a gap |
//! | `phase`, `kind` | TEXT | `started` …, `line_crossed` … or the number of a kind that is not stored by name; `kind` is `gap` for a gap |
//! | `severity` | INTEGER | 0 info, 1 warning, 2 alarm, 3 critical |
//! | `camera`, `rule` | TEXT | names; `rule` may be NULL |
//! | `occurred_us` | INTEGER | when it happened, microseconds since 1970 UTC |
//! | `committed_us` | INTEGER | this server's time when the commit began, same unit |
//! | `previous_hash`, `hash` | BLOB | 32 bytes each |
//! | `body` | TEXT | the event (`model::event::Event`) as JSON, or the gap |
//! | `first_sequence` | INTEGER | NULL for an event; a gap stands for `first_sequence..=sequence` |
//!
//! A gap's body: `{"gap":{"first":…,"last":…,"count":…,"reason":"memory_full"|"damaged","note":"…"}}`.
//!
//! `hash` = SHA-256 of: `sequence` as 8 bytes little-endian, `committed_us` as 8 bytes
//! little-endian (two's complement), the 32 bytes of `previous_hash`, the bytes of `body`.
//! `previous_hash` is the `hash` of the row before; the first row's is the anchor's. The other
//! columns only repeat the body for indexes; the body decides. Every read checks the hash. Numbers
//! of an event that are not finite are removed before it is stored, for JSON has no word for them.
//!
//! Table `anchor`, one row: everything up to `sequence` was dropped for the quota (`dropped` rows
//! in all); `hash` is that of the last dropped row, so that the chain can still be checked. 0 and
//! zeroes at first; in a file that replaced a damaged one, 0 and the last hash known of that one.
//!
//! Table `consumers`: `name` TEXT key, `acknowledged` INTEGER (last acknowledged sequence, never
//! moves back), `updated_us` INTEGER.
//!
//! Beside the file lie `<file>.lock`, locked while a daemon writes, and `<file>.head`, the witness
//! of its last record (`head.rs`).
//!
//! # What happens when
//!
//! | fault | behaviour |
//! |---|---|
//! | disk full, I/O error, read-only file system, file moved away or not to be opened | appends go on into memory, `memory_events` at most (as many again in the queue); caught-up subscribers get them as provisional; retries with back-off; acknowledgements are refused; not ready, `journal_state` = 1, after 1 s `STORAGE_LOW` (full) or `STORAGE_FAULT`. When commits work again all follow in order, with their ids |
//! | … and memory is full | the newest event is lost: ERROR, `events_lost`, and a gap record `memory_full` where it would have stood |
//! | the process dies meanwhile | what was held is lost: it never had a sequence, nobody could acknowledge it |
//! | a damaged page or record, met at the start, by a commit or by a reader | the file is set aside, a new one takes its place (`rescue.rs`): gap record, `STORAGE_FAULT`, the events not yet acknowledged by all again with their ids |
//! | the end is missing (a damaged write-ahead log, an old copy) | a gap record `damaged` above the last known sequence, `STORAGE_FAULT` |
//! | more than `max_bytes` | `STORAGE_LOW`, then the oldest records go (`prune.rs`); a subscriber behind them is told a gap `quota` |
//! | the disk hangs without an error | the queue takes `memory_events`; then an append waits `deadline`, and loses loudly as above |
//! | another daemon has it, a newer format | refused at the start, and left as it is |

mod commit;
mod error;
mod filter;
mod follow;
mod format;
mod head;
mod held;
mod notice;
mod provisional;
mod prune;
mod reader;
mod record;
mod recover;
mod rescue;
mod schema;
mod state;
mod store;
#[cfg(test)]
mod tests;
pub mod verify;
mod writer;

pub use error::{AcknowledgeError, AppendError, JournalError};
pub use filter::Filter;
pub use follow::{FollowError, Followed, Follower};
pub use reader::{Consumer, JournalReader};
pub use writer::JournalWriter;

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
use crate::model::ids::Sequence;
use commit::Committer;
use held::Held;
use notice::Notices;
use prune::Pruner;
use state::Shared;
use writer::Command;

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
}

impl Journal {
    /// Opens or creates the file, checks its last records and starts the thread `journal`. A file
    /// that is damaged is replaced; a disk that fails is tried again for as long as it takes,
    /// while events go into memory: the prison is watched all the same.
    ///
    /// # Errors
    /// [`JournalError::InUse`], [`JournalError::Version`], or no thread can be started.
    pub fn open(
        config: &JournalConfig,
        clock: SharedClock,
        metrics: Arc<Metrics>,
    ) -> Result<Self, JournalError> {
        let (commands, queue) = bounded(config.memory_events.max(1));
        let (give_up, gives_up) = bounded(1);
        let (finished, done) = bounded(1);
        let remembered = head::read(&config.path).unwrap_or_default();
        let (published, committed) = watch::channel(remembered.sequence);
        let shared = Shared::new();
        let (now, utc_micros) = (clock.now(), clock.utc_micros());
        let mut committer = Committer {
            config: config.clone(),
            lock: None,
            store: None,
            tail: None,
            attempted: None,
            started_over: None,
            held: Held::new(config.memory_events.max(1)),
            acknowledges: Vec::new(),
            flushes: Vec::new(),
            trouble: None,
            notices: Notices::new(config, Arc::clone(&clock)),
            pruner: Pruner::new(config.max_bytes, config.max_age, now, utc_micros),
            queue,
            gives_up,
            published,
            clock: Arc::clone(&clock),
            commit_seconds: metrics.stage(Stage::Commit),
            frame_seconds: metrics.stage(Stage::FrameToCommit),
            metrics: Arc::clone(&metrics),
            shared: Arc::clone(&shared),
        };
        match committer.open_store() {
            Err(error @ (JournalError::InUse { .. } | JournalError::Version { .. })) => {
                return Err(error);
            }
            Err(error) => committer.failed(&error),
            Ok(()) => {}
        }
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
            shared: Arc::clone(&shared),
            clock,
            metrics,
        };
        let reader = JournalReader::new(
            config.path.clone(),
            commands,
            Arc::clone(&shared),
            committed.clone(),
            config.deadline,
        );
        Ok(Self {
            writer,
            reader,
            shared,
            committed,
            give_up,
            done,
            thread: Mutex::new(Some(thread)),
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

    /// Whether the journal takes events, on disk or in memory: a restart would lose what it holds,
    /// so that a failing disk is no reason for one.
    ///
    /// # Errors
    /// In words: the thread has ended, or has hung in the disk for longer than `stuck_after`.
    pub fn healthy(&self, stuck_after: Duration) -> Result<(), String> {
        match self.thread.lock().as_ref() {
            Some(thread) if !thread.is_finished() => {}
            _ => return Err("the journal has stopped".to_owned()),
        }
        if let Some(since) = self.shared.busy_since() {
            let busy = self.writer.clock.now().since(since);
            if busy > stuck_after {
                let seconds = busy.as_secs();
                return Err(format!(
                    "the journal's thread has hung in the disk for {seconds} s"
                ));
            }
        }
        Ok(())
    }

    /// Whether the disk takes events.
    ///
    /// # Errors
    /// Why it does not, and what is held in memory, in words.
    pub fn storage(&self) -> Result<(), String> {
        self.shared.storage()
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
