//! What moves besides people (`[[distractor]]`).
//!
//! | distractor | keys (default) |
//! |---|---|
//! | `bird` | `path` in metres, `speed` (5.0), `height` (3.0; 0 walks) |
//! | `cat` | `path`, `speed` (1.2) |
//! | `bag` | `path`, `speed` (1.5): a plastic bag hops along |
//! | `headlights` | `path`, `speed` (6.0), `height` (0.7): a car beyond sweeps the scene |
//! | `shadow` | `path`, `speed` (1.0), `radius` (4.0): of a cloud or tree |
//! | `insect` | `path` in the picture (0..=1), `speed` (0.05 picture widths/s), `size` (0.05 picture heights) |
//!
//! All have `from` and `until` in seconds (the whole scene); who reaches the end of the path
//! early begins it again. Foliage is a `tree` or `bush` structure and `wind`.

use super::actors::mixed;
use super::path::Path;
use super::script::{SECONDS_MAX, number};
use crate::world::Thing;
use parapet::config::reader::Table;

/// What kind of thing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Metres above the ground.
    Bird {
        height: f64,
    },
    Cat,
    Bag,
    /// Metres above the ground.
    Headlights {
        height: f64,
    },
    /// Metres.
    Shadow {
        radius: f64,
    },
    /// Picture heights.
    Insect {
        size: f64,
    },
}

/// Something that moves along a path.
#[derive(Clone, Debug, PartialEq)]
pub struct Distractor {
    pub kind: Kind,
    /// The word of the file.
    pub word: &'static str,
    from: f64,
    until: f64,
    speed: f64,
    path: Path,
    /// Decides how it hops and jitters.
    seed: u64,
}

const WORDS: [(&str, &str); 6] = [
    ("bird", "bird"),
    ("cat", "cat"),
    ("bag", "bag"),
    ("headlights", "headlights"),
    ("shadow", "shadow"),
    ("insect", "insect"),
];

/// Reads `[[distractor]]`.
pub(super) fn read(root: &Table<'_>, seed: u64) -> Vec<Distractor> {
    let mut found = Vec::new();
    for (index, table) in root.tables("distractor").iter().enumerate() {
        if !table.has("kind") {
            table.missing("kind", "say what moves, such as \"bird\"");
        }
        let Some(word) = table.choice("kind", &WORDS) else {
            continue;
        };
        let height = |usual| number(table, "height", 0.0..=100.0, usual);
        let (kind, usual_speed, radius) = match word.value {
            "bird" => (
                Kind::Bird {
                    height: height(3.0),
                },
                5.0,
                2.0,
            ),
            "cat" => (Kind::Cat, 1.2, 0.4),
            "bag" => (Kind::Bag, 1.5, 1.0),
            "headlights" => (
                Kind::Headlights {
                    height: height(0.7),
                },
                6.0,
                4.0,
            ),
            "shadow" => {
                let radius = number(table, "radius", 0.3..=200.0, 4.0);
                (Kind::Shadow { radius }, 1.0, 2.0)
            }
            _ => {
                let size = number(table, "size", 0.005..=0.5, 0.05);
                (Kind::Insect { size }, 0.05, 0.02)
            }
        };
        let speed = number(table, "speed", 0.001..=60.0, usual_speed);
        let (from, until) = span(table);
        let points = table.points("path");
        if !table.has("path") {
            table.missing("path", "write [[x, y], …]");
        }
        table.finish();
        let Some(points) = points else { continue };
        let path = Path::new(&points.value, radius);
        if path.length() < 1e-6 {
            table.problem(
                points.at,
                "`path` has no length: write two different points",
            );
            continue;
        }
        found.push(Distractor {
            kind,
            word: word.value,
            from,
            until,
            speed,
            path,
            seed: mixed(seed, 0xd157 + index as u64),
        });
    }
    found
}

/// When it begins and ends, in seconds of the scene.
pub(super) fn span(table: &Table<'_>) -> (f64, f64) {
    let from = number(table, "from", 0.0..=SECONDS_MAX, 0.0);
    let until = number(table, "until", 0.0..=SECONDS_MAX, SECONDS_MAX);
    if until <= from {
        table.problem(
            table.key_spot("until"),
            format!("it ends ({until} s) before it begins ({from} s)"),
        );
    }
    (from, until)
}

impl Distractor {
    /// So many seconds later, unless it is there from the begin on.
    pub(super) fn begin_later(&mut self, seconds: f64) {
        if self.from > 0.0 {
            self.from += seconds;
        }
        self.until += seconds;
    }

    /// What is to be seen of it at a second.
    #[must_use]
    pub fn at(&self, second: f64) -> Option<Thing> {
        if !(self.from..self.until).contains(&second) {
            return None;
        }
        let gone = (second - self.from) * self.speed;
        let metres = gone % self.path.length();
        let [x, y] = self.path.at(metres);
        let heading = self.path.heading(metres) as f32;
        let ground = [x as f32, y as f32];
        let high = |up: f64| [ground[0], ground[1], up as f32];
        Some(match self.kind {
            Kind::Bird { height } => Thing::Bird {
                // Each wing beat lifts it a little.
                position: high(if height > 0.0 {
                    height + 0.15 * (second * 4.0 * std::f64::consts::TAU).sin()
                } else {
                    0.0
                }),
                heading,
                phase: (if height > 0.0 {
                    second * 4.0
                } else {
                    gone / 0.12
                }) as f32,
            },
            Kind::Cat => Thing::Cat {
                position: high(0.0),
                heading,
                phase: (gone / 0.45) as f32,
            },
            Kind::Bag => Thing::Bag {
                position: high(0.1 + 0.5 * hop(second, self.seed)),
                phase: (gone / 1.3) as f32,
            },
            Kind::Headlights { height } => Thing::Headlights {
                position: high(height),
                heading,
            },
            Kind::Shadow { radius } => Thing::Shadow {
                center: ground,
                radius: radius as f32,
            },
            Kind::Insect { size } => Thing::Insect {
                in_picture: ground,
                size: size as f32,
            },
        })
    }
}

/// Two waves that never meet in step: gusts, 0..=1.
fn hop(second: f64, seed: u64) -> f64 {
    let begin = (seed % 1_000) as f64 / 100.0;
    let wave = ((second + begin) * 1.9).sin() * ((second + begin) * 0.73).sin();
    wave.max(0.0)
}
