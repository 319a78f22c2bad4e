//! An event or a gap as a row, and the hash that chains the rows.

use rusqlite::Row;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::error::Unfit;
use crate::model::entry::{Entry, Gap, GapReason};
use crate::model::event::{Event, Phase, Record, Severity};
use crate::model::ids::Sequence;
use crate::model::time::UtcMicros;

/// The end of the chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tail {
    pub(super) sequence: Sequence,
    pub(super) hash: [u8; 32],
}

/// The columns [`from_row`] reads, in its order.
pub(super) const COLUMNS: &str =
    "sequence, committed_us, previous_hash, hash, body, first_sequence";

/// The place of `body` among them.
pub(super) const BODY: usize = 4;

/// SQLite's integers are signed; a sequence never comes near the limit.
pub(super) fn to_column(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn from_column(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// The hash of a record, as the format contract says.
pub(super) fn chain_hash(
    sequence: Sequence,
    committed: UtcMicros,
    previous: &[u8; 32],
    body: &str,
) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(sequence.0.to_le_bytes());
    hash.update(committed.0.to_le_bytes());
    hash.update(previous);
    hash.update(body.as_bytes());
    hash.finalize().into()
}

/// Removes numbers that JSON cannot hold: a stored event must always be readable again.
pub(super) fn make_storable(event: &mut Event) {
    for object in &mut event.objects {
        if !object.score.is_finite() {
            object.score = 0.0;
        }
        let place = object.box_in_frame;
        let sides = [place.left, place.top, place.width, place.height];
        if !sides.iter().all(|side| side.is_finite()) {
            object.box_in_frame = crate::model::geometry::Rect::default();
        }
        object.ground_metres = object
            .ground_metres
            .filter(|point| point.x.is_finite() && point.y.is_finite());
        object.speed_mps = object.speed_mps.filter(|speed| speed.is_finite());
    }
    let detail = &mut event.detail;
    detail.body_heights_per_second = detail
        .body_heights_per_second
        .filter(|speed| speed.is_finite());
}

pub(super) fn severity_column(severity: Severity) -> i64 {
    match severity {
        Severity::Info => 0,
        Severity::Warning => 1,
        Severity::Alarm => 2,
        Severity::Critical => 3,
    }
}

pub(super) fn phase_column(phase: Phase) -> &'static str {
    match phase {
        Phase::Started => "started",
        Phase::Updated => "updated",
        Phase::Ended => "ended",
    }
}

/// A gap record's body.
#[derive(Debug, Serialize, Deserialize)]
struct GapBody {
    gap: GapFields,
}

#[derive(Debug, Serialize, Deserialize)]
struct GapFields {
    first: u64,
    last: u64,
    count: u64,
    reason: String,
    note: String,
}

/// The body of a gap record.
pub(super) fn gap_body(
    first: Sequence,
    last: Sequence,
    count: u64,
    reason: GapReason,
    note: &str,
) -> rusqlite::Result<String> {
    json(&GapBody {
        gap: GapFields {
            first: first.0,
            last: last.0,
            count,
            reason: reason.name().to_owned(),
            note: note.to_owned(),
        },
    })
}

/// The body of an event's record.
pub(super) fn json(body: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(body)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

/// Reads rows that were asked for after `after`, in the order of their sequence. SQLite believes an
/// inner page of its tree: a damaged one leads back to records that were passed already, or past
/// some. The first shows by the sequence; the second, where the rows are all there are
/// (`unfiltered`), by the hash of the record before.
pub(super) fn in_order(
    after: Sequence,
    unfiltered: bool,
) -> impl FnMut(&Row<'_>) -> rusqlite::Result<Entry> {
    let (mut last, mut hash) = (after, None);
    move |row| {
        let entry = from_row(row)?;
        // A gap may have begun before.
        let (first, behind) = (entry.first(), last);
        if entry.last() <= behind {
            // Where the walk began, so that whoever looks again takes the same way.
            let what = format!("behind record {} stands record {}", behind.0, first.0);
            return Err(Unfit::at(after.0 + 1, what));
        }
        if unfiltered && hash.is_some_and(|hash| hash != entry.previous_hash()) {
            let what = format!("record {} does not follow on record {}", first.0, behind.0);
            return Err(Unfit::at(after.0 + 1, what));
        }
        (last, hash) = (entry.last(), Some(entry.hash()));
        Ok(entry)
    }
}

/// Reads [`COLUMNS`] and checks the record against its hash: what does not fit is an error, so
/// that nobody is ever told what was not written.
pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let sequence = Sequence(from_column(row.get(0)?));
    let unfit = |what: &str| Unfit::at(sequence.0, what);
    let committed = UtcMicros(row.get(1)?);
    let (previous_hash, hash): ([u8; 32], [u8; 32]) = (row.get(2)?, row.get(3)?);
    let body = row.get_ref(BODY)?.as_str()?;
    if chain_hash(sequence, committed, &previous_hash, body) != hash {
        return Err(unfit("its content does not fit its hash"));
    }
    let Some(first) = row.get::<_, Option<i64>>(5)? else {
        let event = serde_json::from_str(body).map_err(|error| unfit(&error.to_string()))?;
        return Ok(Entry::Event(Box::new(Record {
            sequence,
            committed,
            previous_hash,
            hash,
            event,
        })));
    };
    let GapBody { gap } = serde_json::from_str(body).map_err(|error| unfit(&error.to_string()))?;
    let reason = GapReason::ALL
        .into_iter()
        .find(|reason| reason.name() == gap.reason);
    if gap.first != from_column(first) || gap.last != sequence.0 || gap.first > gap.last {
        return Err(unfit("the gap's range does not fit its place"));
    }
    Ok(Entry::Gap(Gap {
        first: Sequence(gap.first),
        last: sequence,
        count: gap.count,
        reason: reason.ok_or_else(|| unfit("the gap's reason is unknown"))?,
        note: gap.note,
        committed,
        previous_hash,
        hash,
    }))
}
