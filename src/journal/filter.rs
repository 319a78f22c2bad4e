//! Which records somebody wants: of events in memory, and as SQL.

use rusqlite::types::Value;

use super::record::{COLUMNS, severity_column, to_column};
use crate::model::access::Scope;
use crate::model::event::{Event, EventKind, Record, Severity};
use crate::model::ids::{CameraId, Sequence};
use crate::model::time::UtcMicros;

/// Which records are wanted. The default is all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Only these cameras; empty means all.
    pub cameras: Vec<CameraId>,
    /// Only these kinds; empty means all.
    pub kinds: Vec<EventKind>,
    /// Only this severity and worse.
    pub min_severity: Option<Severity>,
    /// Occurred at or after.
    pub from: Option<UtcMicros>,
    /// Occurred before.
    pub to: Option<UtcMicros>,
    /// Only records after this one.
    pub after_sequence: Sequence,
    /// Only cameras that somebody may see at all.
    pub scope: Scope,
}

impl Filter {
    /// Whether a record is wanted.
    #[must_use]
    pub fn matches(&self, record: &Record) -> bool {
        record.sequence > self.after_sequence && self.wants(&record.event)
    }

    /// Whether an event is wanted, wherever it stands.
    #[must_use]
    pub fn wants(&self, event: &Event) -> bool {
        (self.cameras.is_empty() || self.cameras.contains(&event.camera))
            && self.scope.allows(&event.camera)
            && (self.kinds.is_empty() || self.kinds.contains(&event.kind))
            && self
                .min_severity
                .is_none_or(|least| event.severity >= least)
            && self.from.is_none_or(|from| event.occurred.utc >= from)
            && self.to.is_none_or(|to| event.occurred.utc < to)
    }

    /// The statement that reads at most `limit` such records in order, and its values.
    pub(super) fn sql(&self, limit: usize) -> (String, Vec<Value>) {
        let mut sql = format!("SELECT {COLUMNS} FROM records WHERE kind <> 'gap' AND sequence > ?");
        let mut values = vec![Value::Integer(to_column(self.after_sequence.0))];
        let mut any_of = |column: &str, names: Vec<String>| {
            if !names.is_empty() {
                let marks = vec!["?"; names.len()].join(", ");
                sql.push_str(&format!(" AND {column} IN ({marks})"));
                values.extend(names.into_iter().map(Value::Text));
            }
        };
        any_of(
            "camera",
            self.cameras
                .iter()
                .map(|id| id.as_str().to_owned())
                .collect(),
        );
        any_of(
            "kind",
            self.kinds
                .iter()
                .map(|kind| kind.stored_name().into_owned())
                .collect(),
        );
        let bounds = [
            (" AND severity >= ?", self.min_severity.map(severity_column)),
            (" AND occurred_us >= ?", self.from.map(|time| time.0)),
            (" AND occurred_us < ?", self.to.map(|time| time.0)),
        ];
        for (text, bound) in bounds {
            if let Some(bound) = bound {
                sql.push_str(text);
                values.push(Value::Integer(bound));
            }
        }
        if let Scope::Only(patterns) = &self.scope {
            // A pattern of ours is a GLOB of SQLite's: of its signs only `*` can be in one.
            let globs = vec!["camera GLOB ?"; patterns.len()].join(" OR ");
            sql.push_str(&format!(" AND ({globs})"));
            let texts = patterns.iter().map(|pattern| pattern.as_str().to_owned());
            values.extend(texts.map(Value::Text));
        }
        sql.push_str(" ORDER BY sequence LIMIT ?");
        values.push(Value::Integer(to_column(limit as u64)));
        (sql, values)
    }
}
