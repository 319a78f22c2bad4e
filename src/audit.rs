//! Who did what, and what came of it: an append-only, hash-chained log in a SQLite file of its own.
//!
//! ```text
//!  administrative call ─▶ "asked" is written ─▶ the change ─▶ "done" or "failed" is written
//!                              │ cannot be written
//!                              ▼
//!                         the change is refused
//!  logins and refusals ─▶ tally: the first of a kind at once, its repetitions as one entry with
//!                         their number every ten seconds
//! ```
//!
//! # Format contract (`PRAGMA user_version` = 1)
//!
//! Table `entries`, one row per entry, never changed once written (triggers refuse it):
//!
//! | column | type | meaning |
//! |---|---|---|
//! | `sequence` | INTEGER, key | 1, 2, 3 … |
//! | `at_us` | INTEGER | when, microseconds since 1970 UTC |
//! | `who` | TEXT | the identity, `local`, `signal`, `daemon`, or an address that showed none |
//! | `what` | TEXT | the action, such as `camera.pause`, `login`, `configuration.reload` |
//! | `target` | TEXT | what it was done to; may be empty |
//! | `result` | TEXT | `asked`, `done`, `failed`, `refused` |
//! | `detail` | TEXT | in words; never a secret |
//! | `times` | INTEGER | how often, 1 for most |
//! | `previous_hash`, `hash` | BLOB | 32 bytes each |
//!
//! `hash` = SHA-256 of: `sequence`, `at_us`, `times` as 8 bytes little-endian each (two's
//! complement), the 32 bytes of `previous_hash`, then `who`, `what`, `target`, `result`, `detail`,
//! each led by its length in bytes as 8 bytes little-endian. `previous_hash` is the `hash` of the
//! row before, zeroes for sequence 1.
//!
//! Entries are kept for `[audit] keep_days`, at least 180. Older ones go at the daemon's start and
//! once a day; an entry `audit.prune` first says up to which sequence and with which hash, so that
//! the chain's new beginning is itself in the chain. What the chain alone cannot show is that its
//! newest entries were cut off: so each hash also goes to the daemon's log (target `audit`).

mod entry;
mod store;
mod tally;

pub use entry::{Entry, Outcome, Verdict, Written};
pub use tally::Tally;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::base::clock::SharedClock;
use crate::base::metrics::Metrics;
use store::Store;

/// The shortest time that entries are kept.
pub const MIN_KEEP: Duration = Duration::from_secs(180 * 86_400);

/// Why the log cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[error("audit log {path}: {doing} failed ({source}); check free space, permissions and the disk")]
pub struct AuditError {
    path: PathBuf,
    doing: &'static str,
    source: rusqlite::Error,
}

/// The open log. Every method blocks on the disk: async code calls it by `spawn_blocking`.
pub struct AuditLog {
    path: PathBuf,
    keep: Duration,
    clock: SharedClock,
    metrics: Arc<Metrics>,
    /// `None` while the file cannot be opened; the next write tries again.
    store: Mutex<Option<Store>>,
}

impl AuditLog {
    /// A log at a path. A file that cannot be opened is an error in the log and no more: cameras
    /// are watched all the same, and administrative changes are refused until it can be written.
    #[must_use]
    pub fn open(
        path: &Path,
        keep: Duration,
        clock: SharedClock,
        metrics: Arc<Metrics>,
    ) -> Arc<Self> {
        let log = Self {
            path: path.to_owned(),
            keep: keep.max(MIN_KEEP),
            clock,
            metrics,
            store: Mutex::new(None),
        };
        if let Err(error) = log.prune() {
            log.metrics.access.audit_failures.inc();
            tracing::error!(%error, "the audit log cannot be written: administrative changes are refused");
        }
        Arc::new(log)
    }

    /// Writes entries, all or none, durably.
    ///
    /// # Errors
    /// [`AuditError`]; also counted and logged here.
    pub fn append(&self, entries: &[Entry]) -> Result<(), AuditError> {
        let written = self.with("writing", |store| {
            store.append(entries, self.clock.utc_micros())
        });
        match written {
            Ok(hashes) => {
                self.metrics
                    .access
                    .audit_entries
                    .inc_by(entries.len() as u64);
                for (entry, (sequence, hash)) in entries.iter().zip(hashes) {
                    tracing::info!(
                        target: "audit",
                        sequence,
                        who = entry.who,
                        what = entry.what,
                        on = entry.target,
                        result = entry.outcome.name(),
                        detail = entry.detail,
                        times = entry.times,
                        hash = hex::encode(hash),
                    );
                }
                Ok(())
            }
            Err(error) => {
                self.metrics.access.audit_failures.inc();
                tracing::error!(%error, "the audit log cannot be written");
                Err(error)
            }
        }
    }

    /// At most `limit` entries after a sequence, in order.
    ///
    /// # Errors
    /// [`AuditError`].
    pub fn read_after(&self, sequence: u64, limit: usize) -> Result<Vec<Written>, AuditError> {
        self.with("reading", |store| store.read_after(sequence, limit))
    }

    /// Lets go of entries that are older than they are kept.
    ///
    /// # Errors
    /// [`AuditError`].
    pub fn prune(&self) -> Result<u64, AuditError> {
        let now = self.clock.utc_micros();
        let keep = i64::try_from(self.keep.as_micros()).unwrap_or(i64::MAX);
        self.with("pruning", |store| {
            store.prune(now.saturating_sub(keep), now)
        })
    }

    fn with<T>(
        &self,
        doing: &'static str,
        act: impl FnOnce(&mut Store) -> rusqlite::Result<T>,
    ) -> Result<T, AuditError> {
        let failed = |doing| {
            move |source| AuditError {
                path: self.path.clone(),
                doing,
                source,
            }
        };
        let mut held = self.store.lock();
        let store = match held.as_mut() {
            Some(store) => store,
            None => held.insert(Store::open(&self.path).map_err(failed("opening"))?),
        };
        let result = act(store);
        if result.is_err() {
            // A file that was moved away or a disk that came back is opened anew.
            *held = None;
        }
        result.map_err(failed(doing))
    }
}

/// Reads a log that a daemon may have open: at most `limit` entries after a sequence.
///
/// # Errors
/// [`AuditError`].
pub fn read_file(path: &Path, after: u64, limit: usize) -> Result<Vec<Written>, AuditError> {
    reading(path, |store| store.read_after(after, limit))
}

/// Looks at the whole chain of a log that a daemon may have open.
///
/// # Errors
/// [`AuditError`] when it cannot be read; what is wrong inside is in the verdict.
pub fn verify_file(path: &Path) -> Result<Verdict, AuditError> {
    reading(path, |store| store.verify())
}

fn reading<T>(
    path: &Path,
    read: impl FnOnce(&Store) -> rusqlite::Result<T>,
) -> Result<T, AuditError> {
    let failed = |source| AuditError {
        path: path.to_owned(),
        doing: "reading",
        source,
    };
    let store = Store::open_to_read(path).map_err(failed)?;
    read(&store).map_err(failed)
}

#[cfg(test)]
mod tests;
