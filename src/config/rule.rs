//! `[[camera.rule]]`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::problem::Spot;
use super::reader::{Table, did_you_mean};
use super::settings::value;
use super::shapes::Shapes;
use super::types::{Anchor, Directions, RuleConfig, RuleKind};
use crate::model::event::Severity;
use crate::model::ids::{RuleName, ZoneName};

const DAY_SECONDS: f64 = 86_400.0;

#[derive(Clone, Copy)]
enum Kind {
    LineCrossing,
    ZoneIntrusion,
    Loitering,
    Crowding,
    Running,
}

const KINDS: [(&str, Kind); 5] = [
    ("line_crossing", Kind::LineCrossing),
    ("zone_intrusion", Kind::ZoneIntrusion),
    ("loitering", Kind::Loitering),
    ("crowding", Kind::Crowding),
    ("running", Kind::Running),
];

const SEVERITIES: [(&str, Severity); 4] = [
    ("info", Severity::Info),
    ("warning", Severity::Warning),
    ("alarm", Severity::Alarm),
    ("critical", Severity::Critical),
];

/// Reads the rules of one camera; names of used lines and zones go to `used`.
pub(super) fn read_all(
    camera: &Table<'_>,
    shapes: &Shapes<'_>,
    used: &mut Vec<ZoneName>,
) -> Vec<RuleConfig> {
    let mut rules = Vec::new();
    let mut places: BTreeMap<RuleName, Spot<'_>> = BTreeMap::new();
    for mut table in camera.tables("rule") {
        let name = table.name("name", RuleName::new);
        if !table.has("name") {
            table.missing("name", "events carry it");
        }
        if let Some(name) = &name {
            table.subject = format!("{} {}", table.subject, name.value);
            if let Some(first) = places.get(&name.value) {
                let first = first.short();
                table.problem(
                    name.at,
                    format!(
                        "the camera already has a rule `{}` at {first}: give it another name",
                        name.value
                    ),
                );
            }
            places.entry(name.value.clone()).or_insert(name.at);
        }
        let rule = read_one(&table, shapes, used);
        if let (Some(name), Some(mut rule)) = (name, rule) {
            rule.name = name.value;
            rules.push(rule);
        }
    }
    rules
}

fn read_one(
    table: &Table<'_>,
    shapes: &Shapes<'_>,
    used: &mut Vec<ZoneName>,
) -> Option<RuleConfig> {
    let severity = table.choice("severity", &SEVERITIES);
    let anchor = table.choice(
        "anchor",
        &[("foot", Anchor::Foot), ("center", Anchor::Center)],
    );
    let classes = table.texts("classes");
    if let Some(classes) = &classes
        && classes.value.is_empty()
    {
        table.problem(
            classes.at,
            "`classes` is empty, so nothing would count: name one or drop the key",
        );
    }
    let clear_after = table.seconds("clear_after_seconds", 0.0..=DAY_SECONDS);
    let update_every = table.seconds("update_every_seconds", 0.1..=DAY_SECONDS);
    let kind = table.choice("kind", &KINDS);
    if !table.has("kind") {
        let words: Vec<_> = KINDS.iter().map(|(word, _)| *word).collect();
        table.missing("kind", &format!("write one of {}", words.join(", ")));
    }
    // Which keys belong here depends on the kind; without it nobody can say what is unknown.
    let kind = kind?;
    let kind = read_kind(table, kind.value, shapes, used);
    table.finish();
    Some(RuleConfig {
        name: RuleName::new("unnamed").ok()?,
        severity: value(&severity, Severity::Warning),
        classes: classes.map_or_else(
            || vec![Arc::from("person")],
            |set| set.value.into_iter().map(Arc::from).collect(),
        ),
        anchor: value(&anchor, Anchor::Foot),
        clear_after: value(&clear_after, Duration::from_secs(3)),
        update_every: value(&update_every, Duration::from_secs(10)),
        kind: kind?,
    })
}

fn read_kind(
    table: &Table<'_>,
    kind: Kind,
    shapes: &Shapes<'_>,
    used: &mut Vec<ZoneName>,
) -> Option<RuleKind> {
    let mut zone = || shape(table, "zone", &shapes.zones, used);
    match kind {
        Kind::LineCrossing => {
            let line = shape(table, "line", &shapes.lines, used);
            let directions = table.choice(
                "direction",
                &[
                    ("both", Directions::Both),
                    ("left_to_right", Directions::LeftToRight),
                    ("right_to_left", Directions::RightToLeft),
                ],
            );
            let hysteresis = table.number("hysteresis_heights", 0.0..=10.0);
            Some(RuleKind::LineCrossing {
                line: line?,
                directions: value(&directions, Directions::Both),
                hysteresis_heights: value(&hysteresis, 0.1) as f32,
            })
        }
        Kind::ZoneIntrusion => {
            let zone = zone();
            let dwell = table.seconds("dwell_seconds", 0.0..=DAY_SECONDS);
            let dwell = value(&dwell, Duration::from_secs(1));
            Some(RuleKind::ZoneIntrusion { zone: zone?, dwell })
        }
        Kind::Loitering => {
            let zone = zone();
            let after = table.seconds("after_seconds", 1.0..=DAY_SECONDS);
            let after = value(&after, Duration::from_secs(60));
            Some(RuleKind::Loitering { zone: zone?, after })
        }
        Kind::Crowding => {
            let zone = zone();
            let count = table.integer("count", 1..=100_000);
            if !table.has("count") {
                table.missing("count", "say how many are too many");
            }
            let hold = table.seconds("hold_seconds", 0.0..=DAY_SECONDS);
            Some(RuleKind::Crowding {
                zone: zone?,
                count: u32::try_from(count?.value).ok()?,
                hold: value(&hold, Duration::from_secs(3)),
            })
        }
        Kind::Running => {
            // Without a zone it watches the whole picture, so no zone is no mistake here.
            let zone = if table.has("zone") {
                Some(zone()?)
            } else {
                None
            };
            let metres = table.number("metres_per_second", 0.1..=50.0);
            let heights = table.number("body_heights_per_second", 0.05..=50.0);
            let hold = table.seconds("hold_seconds", 0.0..=DAY_SECONDS);
            Some(RuleKind::Running {
                zone,
                metres_per_second: value(&metres, 3.0) as f32,
                body_heights_per_second: value(&heights, 1.8) as f32,
                hold: value(&hold, Duration::from_millis(500)),
            })
        }
    }
}

/// The line or zone a rule refers to by name.
fn shape<T: Clone>(
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
