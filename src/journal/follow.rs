//! Following the journal: what one reader is told next, in order, for as long as it asks.
//!
//! ```text
//!             a full page: read on                 commit, provisional event
//!            ┌────────────────────┐              ┌──────────────────────────┐
//!            ▼                    │              ▼                          │
//!         reading ── a page of 256 from disk ─▶ caught up ── nothing new ─▶ waiting
//!            ▲                                   told once as a Position      │ 15 s: Position
//!            │ the file cannot be read: again every 0.5 s                     ▼ as a heartbeat
//!            └── provisional events go on; 10 failures while commits work: FollowError
//! ```
//!
//! `Subscribe` and the uplink follow by this, and so does whatever comes: a follower in another
//! protocol converts [`Followed`] and adds its own acknowledgements. Nothing is kept but two
//! positions: entries are read from disk a page at a time, provisional events from the journal's
//! memory. Whoever takes the items slowly is read for slowly; the journal does not notice.
//!
//! A sequence is told once or declared missing: what no record declares is told as a gap too, the
//! quota's by the anchor, anybody else's as `missing`. A provisional event comes again as an event
//! once it is stored, with the same id.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::error::JournalError;
use super::filter::Filter;
use super::reader::JournalReader;
use crate::model::entry::{Entry, Gap, GapReason};
use crate::model::event::{Event, Record};
use crate::model::ids::Sequence;
use crate::model::time::UtcMicros;

/// Entries read from disk at a time.
const PAGE: usize = 256;
/// Longest silence.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Between two reads of a file that cannot be read.
const RETRY_DELAY: Duration = Duration::from_millis(500);
/// Failed reads in a row, while the journal itself works, before the follower is told.
const MAX_READ_FAILURES: u32 = 10;

/// What a follower is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Followed {
    /// A stored event.
    Event(Box<Record>),
    /// No event stands at these sequences, and none will.
    Gap(Gap),
    /// An event that the failing disk does not take yet; it has no sequence.
    Provisional(Arc<Event>),
    /// Everything up to here was told or filtered out: sent when caught up, and as a heartbeat.
    Position(Sequence),
}

/// Why nothing more is told.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The journal has stopped.
    #[error("the journal has stopped")]
    Stopped,
    /// Commits work, but the file could not be read again and again.
    #[error("the journal cannot be read")]
    Unreadable(#[source] JournalError),
    /// The reading thread panicked.
    #[error("reading the journal panicked: {0}")]
    Panicked(String),
}

/// One follower's place.
#[derive(Debug)]
pub struct Follower {
    reader: JournalReader,
    committed: watch::Receiver<Sequence>,
    provisional: watch::Receiver<u64>,
    filter: Filter,
    position: Sequence,
    provisional_next: u64,
    caught_up: bool,
    failures: u32,
}

impl JournalReader {
    /// Follows the journal after `position`: the wanted events, and every gap.
    #[must_use]
    pub fn follow(&self, filter: Filter, position: Sequence) -> Follower {
        Follower {
            committed: self.committed(),
            provisional: self.provisional_end(),
            reader: self.clone(),
            filter,
            position,
            provisional_next: 0,
            caught_up: false,
            failures: 0,
        }
    }
}

impl Follower {
    /// Waits for the next items, a page at most; never empty. Nothing is lost when the future is
    /// dropped before it is ready.
    ///
    /// # Errors
    /// [`FollowError`] when the journal ends or cannot be read for long.
    pub async fn next(&mut self) -> Result<Vec<Followed>, FollowError> {
        loop {
            // Marked and read before the disk, so that nothing that comes meanwhile is slept
            // through, and nothing is told provisionally after it was told as stored.
            self.committed.borrow_and_update();
            self.provisional.borrow_and_update();
            let held = self.reader.provisional(self.provisional_next, PAGE);
            let mut items = Vec::new();
            let full = match self.read().await? {
                Ok((page, dropped)) => {
                    self.failures = 0;
                    self.tell(page, dropped, held, &mut items)
                }
                Err(error) => {
                    self.failures += 1;
                    if self.reader.storage().is_ok() && self.failures > MAX_READ_FAILURES {
                        return Err(FollowError::Unreadable(error));
                    }
                    if self.failures == 1 {
                        tracing::warn!(%error, "a follower cannot read the journal; trying again");
                    }
                    self.tell_provisional(held, &mut items);
                    false
                }
            };
            if !items.is_empty() {
                return Ok(items);
            }
            if !full && self.wait().await? {
                return Ok(vec![Followed::Position(self.position)]);
            }
        }
    }

    /// The next page, and the last record dropped for the quota where the page skips sequences.
    async fn read(&self) -> Result<Result<(Vec<Entry>, Sequence), JournalError>, FollowError> {
        let (reader, after) = (self.reader.clone(), self.position);
        let read = move || {
            let page = reader.entries_after(after, PAGE)?;
            let skips = page
                .first()
                .is_some_and(|entry| entry.first().0 > after.0 + 1);
            let dropped = if skips {
                reader.dropped_through()?
            } else {
                Sequence(0)
            };
            Ok((page, dropped))
        };
        tokio::task::spawn_blocking(read)
            .await
            .map_err(|error| FollowError::Panicked(error.to_string()))
    }

    /// Makes items of a page; returns whether there is more on disk.
    fn tell(
        &mut self,
        page: Vec<Entry>,
        dropped: Sequence,
        (mut held, held_next): (Vec<Arc<Event>>, u64),
        items: &mut Vec<Followed>,
    ) -> bool {
        let full = page.len() == PAGE;
        if !full && !held.is_empty() {
            let stored: BTreeSet<_> = page
                .iter()
                .filter_map(|entry| match entry {
                    Entry::Event(record) => Some(record.event.id),
                    Entry::Gap(_) => None,
                })
                .collect();
            held.retain(|event| !stored.contains(&event.id));
        }
        for entry in page {
            self.pass(entry, dropped, items);
        }
        if !full {
            if !self.caught_up {
                self.caught_up = true;
                items.push(Followed::Position(self.position));
            }
            self.tell_provisional((held, held_next), items);
        }
        full
    }

    fn pass(&mut self, entry: Entry, dropped: Sequence, items: &mut Vec<Followed>) {
        let expected = Sequence(self.position.0 + 1);
        if entry.first() > expected {
            let last = Sequence(entry.first().0 - 1);
            let gap = undeclared(expected, last, last <= dropped, entry.previous_hash());
            items.push(Followed::Gap(gap));
        }
        self.position = entry.last();
        match entry {
            Entry::Event(record) => {
                if self.filter.wants(&record.event) {
                    items.push(Followed::Event(record));
                }
            }
            Entry::Gap(mut gap) => {
                // What the follower has already is not missing.
                let had = expected.0.saturating_sub(gap.first.0);
                gap.first = gap.first.max(expected);
                gap.count = gap.count.saturating_sub(had);
                items.push(Followed::Gap(gap));
            }
        }
    }

    fn tell_provisional(
        &mut self,
        (held, held_next): (Vec<Arc<Event>>, u64),
        items: &mut Vec<Followed>,
    ) {
        self.provisional_next = held_next;
        let wanted = held.into_iter().filter(|event| self.filter.wants(event));
        items.extend(wanted.map(Followed::Provisional));
    }

    /// Waits for news; true when it is time for a heartbeat.
    async fn wait(&mut self) -> Result<bool, FollowError> {
        if self.failures > 0 {
            tokio::time::sleep(RETRY_DELAY).await;
            let beats = (HEARTBEAT.as_millis() / RETRY_DELAY.as_millis()) as u32;
            return Ok(self.failures.is_multiple_of(beats));
        }
        let news = async {
            tokio::select! {
                changed = self.committed.changed() => changed,
                changed = self.provisional.changed() => changed,
            }
        };
        match tokio::time::timeout(HEARTBEAT, news).await {
            Ok(Ok(())) => Ok(false),
            Ok(Err(_)) => Err(FollowError::Stopped),
            Err(_) => Ok(true),
        }
    }
}

/// A gap that no record in the file declares: the quota's, which the anchor does, or nobody's.
fn undeclared(first: Sequence, last: Sequence, dropped: bool, hash: [u8; 32]) -> Gap {
    let (reason, note) = if dropped {
        (GapReason::Quota, "dropped for max_bytes or max_age_days")
    } else {
        let (first, last) = (first.0, last.0);
        tracing::error!(
            first,
            last,
            "records are missing from the journal, and no gap says why"
        );
        (GapReason::Missing, "")
    };
    Gap {
        first,
        last,
        count: last.0 - first.0 + 1,
        reason,
        note: note.to_owned(),
        committed: UtcMicros(0),
        previous_hash: [0; 32],
        hash,
    }
}
