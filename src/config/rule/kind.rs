//! What makes a type the settings of a kind of rule, and what it reads them from.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::shape::Shape;
use crate::config::reader::{Table, did_you_mean};
use crate::config::shapes::Shapes;
use crate::config::types::shape::{Line, Zone};
use crate::model::event::EventKind;
use crate::model::ids::ZoneName;

/// No time in a rule is longer.
pub(super) const DAY_SECONDS: f64 = 86_400.0;

/// The settings that only rules of one kind have.
pub(super) trait RuleSettings: Sized {
    /// What `kind` says in the configuration.
    const NAME: &'static str;
    /// What the rule reports.
    const EVENT: EventKind;

    /// Reads the kind's own keys; `None` where something is wrong, which the report then says.
    fn read(keys: &mut RuleKeys<'_, '_>) -> Option<Self>;

    /// Where in the picture it looks.
    fn shape(&self) -> Shape<'_>;
}

/// One rule's table, and the lines and zones of its camera.
pub(super) struct RuleKeys<'t, 'f> {
    pub(super) table: &'t Table<'f>,
    shapes: &'t Shapes<'f>,
    /// Names of the lines and zones that some rule looks at.
    used: &'t mut Vec<ZoneName>,
}

impl<'t, 'f> RuleKeys<'t, 'f> {
    pub(super) fn new(
        table: &'t Table<'f>,
        shapes: &'t Shapes<'f>,
        used: &'t mut Vec<ZoneName>,
    ) -> Self {
        Self {
            table,
            shapes,
            used,
        }
    }

    /// Seconds in a range; `usual` where nothing, or nothing right, is written.
    pub(super) fn seconds(
        &self,
        key: &'static str,
        range: RangeInclusive<f64>,
        usual: Duration,
    ) -> Duration {
        let set = self.table.seconds(key, range);
        set.map_or(usual, |set| set.value)
    }

    /// As [`RuleKeys::seconds`], for a number.
    pub(super) fn number(&self, key: &'static str, range: RangeInclusive<f64>, usual: f32) -> f32 {
        let set = self.table.number(key, range);
        set.map_or(usual, |set| set.value as f32)
    }

    /// The line that `line` names.
    pub(super) fn line(&mut self) -> Option<Line> {
        named(self.table, "line", &self.shapes.lines, self.used)
    }

    /// The zone that `zone` names.
    pub(super) fn zone(&mut self) -> Option<Zone> {
        named(self.table, "zone", &self.shapes.zones, self.used)
    }
}

/// The line or zone a rule refers to by name.
fn named<T: Clone>(
    table: &Table<'_>,
    key: &'static str,
    shapes: &BTreeMap<ZoneName, Option<T>>,
    used: &mut Vec<ZoneName>,
) -> Option<T> {
    let written = table.text(key);
    if !table.has(key) {
        table.missing(key, &format!("name a [[camera.{key}]] of this camera"));
    }
    let written = written?;
    let found = shapes
        .iter()
        .find(|(name, _)| name.as_str() == written.value);
    match found {
        Some((name, shape)) => {
            used.push(name.clone());
            shape.clone()
        }
        None => {
            let hint = did_you_mean(written.value, shapes.keys().map(ZoneName::as_str));
            let hint = if hint.is_empty() {
                format!(": add a [[camera.{key}]] of that name")
            } else {
                hint
            };
            table.problem(
                written.at,
                format!("the camera has no {key} `{}`{hint}", written.value),
            );
            None
        }
    }
}
