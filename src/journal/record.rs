//! An event as a row, and the hash that chains the rows.

use rusqlite::Row;
use sha2::{Digest as _, Sha256};

use crate::model::event::{Event, Phase, Record, Severity};
use crate::model::ids::Sequence;
use crate::model::time::UtcMicros;

/// The columns [`from_row`] reads, in its order.
pub(super) const COLUMNS: &str = "sequence, committed_us, previous_hash, hash, body";

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

/// Reads [`COLUMNS`].
pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Record> {
    let body: String = row.get(4)?;
    let event = serde_json::from_str(&body).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(4, rusqlite::types::Type::Text, Box::new(error))
    })?;
    Ok(Record {
        sequence: Sequence(from_column(row.get(0)?)),
        committed: UtcMicros(row.get(1)?),
        previous_hash: row.get(2)?,
        hash: row.get(3)?,
        event,
    })
}
