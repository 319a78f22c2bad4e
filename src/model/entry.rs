//! What stands at a place of the journal: an event, or the word that something is missing there.

use super::event::Record;
use super::ids::Sequence;
use super::time::UtcMicros;

/// Why records are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GapReason {
    /// They were stored, and dropped for the journal's quota of size or age.
    Quota,
    /// They never reached the disk: it failed for longer than memory could hold events.
    MemoryFull,
    /// They were stored, and the file that held them is damaged.
    Damaged,
    /// They are gone and the journal does not say why: somebody removed them.
    Missing,
}

impl GapReason {
    /// Every reason, in the order of the wire's numbers.
    pub const ALL: [Self; 4] = [Self::Quota, Self::MemoryFull, Self::Damaged, Self::Missing];

    /// The name used in the journal, in metrics and in output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Quota => "quota",
            Self::MemoryFull => "memory_full",
            Self::Damaged => "damaged",
            Self::Missing => "missing",
        }
    }
}

/// Nothing stands at `first..=last`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The first missing sequence.
    pub first: Sequence,
    /// The last missing sequence; a stored gap record's own place.
    pub last: Sequence,
    /// How many events are known to be missing; a damaged file's gap may span more numbers, so
    /// that no number is ever given twice.
    pub count: u64,
    /// Why.
    pub reason: GapReason,
    /// The same in words; may be empty.
    pub note: String,
    /// When the gap was declared; zero where it was not.
    pub committed: UtcMicros,
    /// Hash of the record before; zeroes where the gap is no record.
    pub previous_hash: [u8; 32],
    /// What the record after it hangs on: the gap record's own hash, or that of the last dropped
    /// record.
    pub hash: [u8; 32],
}

/// One place of the journal, or one run of places.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// An event.
    Event(Box<Record>),
    /// The word that events are missing.
    Gap(Gap),
}

impl Entry {
    /// The first sequence it stands for.
    #[must_use]
    pub fn first(&self) -> Sequence {
        match self {
            Self::Event(record) => record.sequence,
            Self::Gap(gap) => gap.first,
        }
    }

    /// The last sequence it stands for.
    #[must_use]
    pub fn last(&self) -> Sequence {
        match self {
            Self::Event(record) => record.sequence,
            Self::Gap(gap) => gap.last,
        }
    }

    /// Hash of what stands before it.
    #[must_use]
    pub fn previous_hash(&self) -> [u8; 32] {
        match self {
            Self::Event(record) => record.previous_hash,
            Self::Gap(gap) => gap.previous_hash,
        }
    }

    /// What the next entry hangs on.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        match self {
            Self::Event(record) => record.hash,
            Self::Gap(gap) => gap.hash,
        }
    }

    /// The event, where it is one.
    #[must_use]
    pub fn into_record(self) -> Option<Record> {
        match self {
            Self::Event(record) => Some(*record),
            Self::Gap(_) => None,
        }
    }
}
