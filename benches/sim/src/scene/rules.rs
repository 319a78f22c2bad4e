//! What a scene's camera watches: `[[zone]]`, `[[line]]` and `[[rule]]`, on the ground in metres
//! (`corners`, `path`) or in the picture (`picture`, 0..=1), where the world's truth needs the
//! ground below every point.

use super::lens::Lens;
use super::script::{Spot, number};
use parapet::config::reader::{Table, did_you_mean};
use parapet::model::event::Direction;
use parapet::model::geometry::Point;

/// A zone or line on the ground and in the picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// Its name in the configuration.
    pub name: String,
    /// Corners or path on the ground, metres.
    pub ground: Vec<Spot>,
    /// What the picture shows of it, normalised.
    pub picture: Vec<Point>,
}

/// What a rule looks for; numbers as in the configuration.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    /// A foot crosses the line.
    LineCrossing {
        line: Shape,
        /// Only this way, from the first point to the last.
        direction: Option<Direction>,
    },
    /// A foot is in the zone for so long.
    ZoneIntrusion {
        zone: Shape,
        /// Seconds.
        dwell: f64,
    },
    /// A foot stays in the zone for so long.
    Loitering {
        zone: Shape,
        /// Seconds.
        after: f64,
    },
    /// So many feet are in the zone for so long.
    Crowding {
        zone: Shape,
        /// How many.
        count: u32,
        /// Seconds.
        hold: f64,
    },
    /// Somebody is so fast for so long.
    Running {
        /// Where; none is everywhere.
        zone: Option<Shape>,
        /// Metres per second.
        speed: f64,
        /// Seconds.
        hold: f64,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its name in the configuration.
    pub name: String,
    /// Its severity in the configuration.
    pub severity: &'static str,
    /// Seconds without the cause that end an incident.
    pub clear_after: f64,
    /// What it looks for.
    pub wanted: Wanted,
}

/// Everything that a scene's camera watches.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SceneRules {
    pub zones: Vec<Shape>,
    pub lines: Vec<Shape>,
    pub rules: Vec<Rule>,
}

impl SceneRules {
    /// Finds every shape's place in the picture anew, for another aspect.
    pub(super) fn look_through(&mut self, lens: &Lens) {
        for zone in &mut self.zones {
            zone.picture = lens.polygon(&zone.ground);
        }
        for line in &mut self.lines {
            line.picture = lens.polyline(&line.ground);
        }
    }
}

/// Reads zones, lines and rules.
pub(super) fn read(root: &Table<'_>, lens: Option<&Lens>) -> SceneRules {
    let mut rules = SceneRules::default();
    for (key, points_key, least) in [("zone", "corners", 3), ("line", "path", 2)] {
        for mut table in root.tables(key) {
            let name = name(&mut table);
            let ground = ground(&table, points_key, least, lens);
            table.finish();
            let (Some(name), Some(ground), Some(lens)) = (name, ground, lens) else {
                continue;
            };
            let picture = if key == "zone" {
                lens.polygon(&ground)
            } else {
                lens.polyline(&ground)
            };
            if picture.len() < least {
                table.problem(
                    table.at,
                    format!("the camera sees nothing of this {key}: move it into the picture"),
                );
                continue;
            }
            let shapes = if key == "zone" {
                &mut rules.zones
            } else {
                &mut rules.lines
            };
            if shapes.iter().any(|shape| shape.name == name) {
                table.problem(table.at, format!("there is already a {key} `{name}`"));
                continue;
            }
            shapes.push(Shape {
                name,
                ground,
                picture,
            });
        }
    }
    for mut table in root.tables("rule") {
        let rule = rule(&mut table, &rules);
        if let Some(rule) = rule {
            if rules.rules.iter().any(|other| other.name == rule.name) {
                table.problem(table.at, format!("there is already a rule `{}`", rule.name));
            }
            rules.rules.push(rule);
        }
    }
    rules
}

fn name(table: &mut Table<'_>) -> Option<String> {
    if !table.has("name") {
        table.missing("name", "the configuration carries it");
    }
    let name = table.text("name")?;
    if let Err(error) = parapet::model::ids::ZoneName::new(name.value) {
        table.problem(name.at, format!("`name`: {error}"));
        return None;
    }
    table.subject = format!("{} {}", table.subject, name.value);
    Some(name.value.to_owned())
}

/// Points on the ground, as written or below the written points of the picture.
fn ground(
    table: &Table<'_>,
    key: &'static str,
    least: usize,
    lens: Option<&Lens>,
) -> Option<Vec<Spot>> {
    let (on_ground, in_picture) = (table.points(key), table.points("picture"));
    match (table.has(key), table.has("picture")) {
        (true, false) | (false, true) => {}
        (false, false) => {
            table.missing(key, "write [[x, y], …] in metres, or `picture` in 0 to 1");
        }
        (true, true) => table.problem(
            table.key_spot("picture"),
            format!("`{key}` and `picture` say the same: keep one"),
        ),
    }
    let written = on_ground.or(in_picture)?;
    if written.value.len() < least {
        table.problem(
            written.at,
            format!("{} points: write at least {least}", written.value.len()),
        );
        return None;
    }
    if table.has(key) {
        return Some(written.value);
    }
    let lens = lens?;
    let below: Option<Vec<Spot>> = written
        .value
        .iter()
        .map(|point| lens.ground(*point))
        .collect();
    if below.is_none() {
        table.problem(
            written.at,
            "a point lies above the horizon, so no ground is below it: move it down",
        );
    }
    below
}

const KINDS: [(&str, u8); 5] = [
    ("line_crossing", 0),
    ("zone_intrusion", 1),
    ("loitering", 2),
    ("crowding", 3),
    ("running", 4),
];

fn rule(table: &mut Table<'_>, rules: &SceneRules) -> Option<Rule> {
    let name = name(table);
    let severities = ["info", "warning", "alarm", "critical"].map(|word| (word, word));
    let severity = table.choice("severity", &severities);
    let clear_after = number(table, "clear_after_seconds", 0.0..=600.0, 3.0);
    if !table.has("kind") {
        table.missing("kind", "write one such as \"zone_intrusion\"");
    }
    let kind = table.choice("kind", &KINDS)?;
    let wanted = wanted(table, kind.value, rules);
    table.finish();
    Some(Rule {
        name: name?,
        severity: severity.map_or("alarm", |set| set.value),
        clear_after,
        wanted: wanted?,
    })
}

fn wanted(table: &Table<'_>, kind: u8, rules: &SceneRules) -> Option<Wanted> {
    let seconds = |key, usual| number(table, key, 0.0..=600.0, usual);
    let zone = || shape(table, "zone", &rules.zones);
    match kind {
        0 => {
            let direction = table.choice(
                "direction",
                &[
                    ("both", None),
                    ("left_to_right", Some(Direction::LeftToRight)),
                    ("right_to_left", Some(Direction::RightToLeft)),
                ],
            );
            Some(Wanted::LineCrossing {
                direction: direction.and_then(|set| set.value),
                line: shape(table, "line", &rules.lines)?,
            })
        }
        1 => Some(Wanted::ZoneIntrusion {
            dwell: seconds("dwell_seconds", 1.0),
            zone: zone()?,
        }),
        2 => Some(Wanted::Loitering {
            after: seconds("after_seconds", 10.0),
            zone: zone()?,
        }),
        3 => {
            if !table.has("count") {
                table.missing("count", "say how many are too many");
            }
            let count = table.integer("count", 1..=200);
            let hold = seconds("hold_seconds", 3.0);
            let zone = zone();
            Some(Wanted::Crowding {
                hold,
                count: u32::try_from(count?.value).ok()?,
                zone: zone?,
            })
        }
        _ => {
            let speed = number(table, "metres_per_second", 0.5..=12.0, 3.0);
            let hold = seconds("hold_seconds", 0.5);
            let zone = if table.has("zone") {
                Some(zone()?)
            } else {
                None
            };
            Some(Wanted::Running { zone, speed, hold })
        }
    }
}

fn shape(table: &Table<'_>, key: &'static str, shapes: &[Shape]) -> Option<Shape> {
    if !table.has(key) {
        table.missing(key, &format!("name a [[{key}]]"));
    }
    let written = table.text(key)?;
    let found = shapes.iter().find(|shape| shape.name == written.value);
    if found.is_none() {
        let names = shapes.iter().map(|shape| shape.name.as_str());
        let hint = did_you_mean(written.value, names);
        let hint = if hint.is_empty() {
            format!(": add a [[{key}]] of that name")
        } else {
            hint
        };
        table.problem(
            written.at,
            format!("there is no {key} `{}`{hint}", written.value),
        );
    }
    found.cloned()
}
