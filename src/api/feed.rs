//! What one follower of the journal is told next: stored entries in order, gaps, provisional
//! events while the disk fails, and positions. `Subscribe` and the uplink both speak from it.
//!
//! Nothing is kept but two positions: entries are read from disk a page at a time, provisional
//! events from the journal's memory. Whoever takes the messages slowly is read for slowly.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tonic::Status;

use super::convert;
use super::events::{attempt, stopping, unreadable};
use crate::journal::{Filter, JournalError, JournalReader};
use crate::model::entry::{Entry, Gap, GapReason};
use crate::model::event::Event;
use crate::model::ids::Sequence;
use crate::model::time::UtcMicros;
use crate::proto::v1;
use crate::proto::v1::subscribe_response::Message;

/// Entries read from disk at a time.
const PAGE: usize = 256;
/// Longest silence.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Between two reads of a file that cannot be read.
const UNREADABLE: Duration = Duration::from_millis(500);
/// Failed reads in a row, while the journal itself works, before the follower is told.
const PATIENCE: u32 = 10;

/// One follower's place.
pub(super) struct Feed {
    reader: JournalReader,
    committed: watch::Receiver<Sequence>,
    provisional: watch::Receiver<u64>,
    filter: Filter,
    position: Sequence,
    provisional_next: u64,
    caught_up: bool,
    failures: u32,
}

impl Feed {
    /// Begins after `position`.
    pub(super) fn new(
        reader: JournalReader,
        committed: watch::Receiver<Sequence>,
        filter: Filter,
        position: Sequence,
    ) -> Self {
        Self {
            provisional: reader.provisional_end(),
            reader,
            committed,
            filter,
            position,
            provisional_next: 0,
            caught_up: false,
            failures: 0,
        }
    }

    /// Waits for the next messages, a page at most; never empty.
    ///
    /// # Errors
    /// UNAVAILABLE when the journal ends or cannot be read for long.
    pub(super) async fn next(&mut self) -> Result<Vec<Message>, Status> {
        loop {
            // Marked and read before the disk, so that nothing that comes meanwhile is slept
            // through, and nothing is told provisionally after it was told as stored.
            self.committed.borrow_and_update();
            self.provisional.borrow_and_update();
            let (held, held_next) = self.reader.provisional(self.provisional_next, PAGE);
            let mut messages = Vec::new();
            let full = match self.read().await? {
                Ok((page, dropped)) => {
                    self.failures = 0;
                    self.tell(page, dropped, held, held_next, &mut messages)
                }
                Err(error) => {
                    self.failures += 1;
                    if self.reader.storage().is_ok() && self.failures > PATIENCE {
                        return Err(unreadable(&error));
                    }
                    if self.failures == 1 {
                        tracing::warn!(%error, "a follower cannot read the journal; trying again");
                    }
                    self.tell_provisional(held, held_next, &mut messages);
                    false
                }
            };
            if !messages.is_empty() {
                return Ok(messages);
            }
            if !full && self.wait().await? {
                return Ok(vec![self.at()]);
            }
        }
    }

    async fn read(&self) -> Result<Result<(Vec<Entry>, Sequence), JournalError>, Status> {
        let after = self.position;
        attempt(&self.reader, move |reader| {
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
        })
        .await
    }

    /// Makes messages of a page; returns whether there is more on disk.
    fn tell(
        &mut self,
        page: Vec<Entry>,
        dropped: Sequence,
        mut held: Vec<Arc<Event>>,
        held_next: u64,
        messages: &mut Vec<Message>,
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
            self.pass(entry, dropped, messages);
        }
        if !full {
            if !self.caught_up {
                self.caught_up = true;
                messages.push(self.at());
            }
            self.tell_provisional(held, held_next, messages);
        }
        full
    }

    fn pass(&mut self, entry: Entry, dropped: Sequence, messages: &mut Vec<Message>) {
        let expected = Sequence(self.position.0 + 1);
        if entry.first() > expected {
            let last = Sequence(entry.first().0 - 1);
            let gap = undeclared(expected, last, last <= dropped, entry.previous_hash());
            messages.push(Message::Gap(convert::gap_to_wire(&gap)));
        }
        self.position = entry.last();
        match entry {
            Entry::Event(record) => {
                if self.filter.wants(&record.event) {
                    messages.push(Message::Event(convert::to_wire(&record)));
                }
            }
            Entry::Gap(mut gap) => {
                // What the follower has already is not missing.
                let had = expected.0.saturating_sub(gap.first.0);
                gap.first = gap.first.max(expected);
                gap.count = gap.count.saturating_sub(had);
                messages.push(Message::Gap(convert::gap_to_wire(&gap)));
            }
        }
    }

    fn tell_provisional(
        &mut self,
        held: Vec<Arc<Event>>,
        held_next: u64,
        messages: &mut Vec<Message>,
    ) {
        self.provisional_next = held_next;
        let wanted = held.iter().filter(|event| self.filter.wants(event));
        messages.extend(wanted.map(|event| Message::Provisional(convert::event_to_wire(event))));
    }

    /// Waits for news; true when it is time for a sign of life.
    async fn wait(&mut self) -> Result<bool, Status> {
        if self.failures > 0 {
            tokio::time::sleep(UNREADABLE).await;
            let beats = (HEARTBEAT.as_millis() / UNREADABLE.as_millis()) as u32;
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
            Ok(Err(_)) => Err(stopping()),
            Err(_) => Ok(true),
        }
    }

    fn at(&self) -> Message {
        Message::Position(v1::Position {
            sequence: self.position.0,
        })
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
