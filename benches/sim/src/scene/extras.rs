//! What moves besides people (`[[distractor]]`) and what goes wrong with the camera (`[[fault]]`).
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
//!
//! | fault | keys (default) |
//! |---|---|
//! | `covered` | `share` (1.0), `grey` (0.1) |
//! | `defocused` | `sigma` (0.006 picture widths) |
//! | `moved` | `pan` (25 degrees to the left), `tilt` (0 degrees down) |
//! | `frozen`, `signal_loss` | |
//!
//! All have `from` and `until`; the first two come and go within a second.

use super::cast::mixed;
use super::path::Path;
use super::script::{SECONDS_MAX, number};
use crate::world::{Fault, Thing};
use parapet::config::reader::Table;

/// Seconds over which a fault comes and goes.
const RAMP_SECONDS: f64 = 0.8;

/// What kind of thing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Metres above the ground.
    Bird {
        /// As there.
        height: f64,
    },
    /// A cat.
    Cat,
    /// A plastic bag.
    Bag,
    /// Metres above the ground.
    Headlights {
        /// As there.
        height: f64,
    },
    /// Metres.
    Shadow {
        /// As there.
        radius: f64,
    },
    /// Picture heights.
    Insect {
        /// As there.
        size: f64,
    },
}

/// Something that moves along a path.
#[derive(Clone, Debug, PartialEq)]
pub struct Distractor {
    /// What.
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
pub(super) fn distractors(root: &Table<'_>, seed: u64) -> Vec<Distractor> {
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

fn span(table: &Table<'_>) -> (f64, f64) {
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

/// What is wrong with the camera.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FaultKind {
    /// As [`Fault::Covered`] at its full.
    Covered {
        /// As there.
        share: f64,
        /// As there.
        grey: f64,
    },
    /// As [`Fault::Defocused`] at its full.
    Defocused {
        /// As there.
        sigma: f64,
    },
    /// As [`Fault::Moved`] at its full.
    Moved {
        /// As there.
        pan: f64,
        /// As there.
        tilt: f64,
    },
    /// The same picture again and again.
    Frozen,
    /// No picture.
    SignalLoss,
}

/// A camera fault with its time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Failure {
    /// What.
    pub kind: FaultKind,
    /// Seconds.
    pub from: f64,
    /// Seconds.
    pub until: f64,
}

const FAULTS: [(&str, u8); 5] = [
    ("covered", 0),
    ("defocused", 1),
    ("moved", 2),
    ("frozen", 3),
    ("signal_loss", 4),
];

/// Reads `[[fault]]`.
pub(super) fn faults(root: &Table<'_>) -> Vec<Failure> {
    let mut found = Vec::new();
    for table in root.tables("fault") {
        if !table.has("kind") {
            table.missing("kind", "say what fails, such as \"covered\"");
        }
        let Some(word) = table.choice("kind", &FAULTS) else {
            continue;
        };
        let degrees = |key, usual: f64| number(&table, key, -90.0..=90.0, usual).to_radians();
        let kind = match word.value {
            0 => FaultKind::Covered {
                share: number(&table, "share", 0.05..=1.0, 1.0),
                grey: number(&table, "grey", 0.0..=1.0, 0.1),
            },
            1 => FaultKind::Defocused {
                sigma: number(&table, "sigma", 0.0005..=0.05, 0.006),
            },
            2 => FaultKind::Moved {
                pan: degrees("pan", 25.0),
                tilt: degrees("tilt", 0.0),
            },
            3 => FaultKind::Frozen,
            _ => FaultKind::SignalLoss,
        };
        let (from, until) = span(&table);
        table.finish();
        found.push(Failure { kind, from, until });
    }
    found
}

impl Failure {
    /// The kind as events will name it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self.kind {
            FaultKind::Covered { .. } => "picture_covered",
            FaultKind::Defocused { .. } => "picture_defocused",
            FaultKind::Moved { .. } => "picture_moved",
            FaultKind::Frozen => "picture_frozen",
            FaultKind::SignalLoss => "signal_lost",
        }
    }

    /// Whether it lasts at a second.
    #[must_use]
    pub fn lasts(&self, second: f64) -> bool {
        (self.from..self.until).contains(&second)
    }

    /// Whether the picture shows nobody while it lasts.
    #[must_use]
    pub fn hides(&self) -> bool {
        match self.kind {
            FaultKind::Covered { share, .. } => share > 0.5,
            FaultKind::Defocused { sigma } => sigma > 0.004,
            FaultKind::SignalLoss => true,
            FaultKind::Moved { .. } | FaultKind::Frozen => false,
        }
    }

    /// Whether nothing can be judged by the picture while it lasts: it shows nobody, or another
    /// time or place.
    #[must_use]
    pub fn blinds(&self) -> bool {
        self.hides() || matches!(self.kind, FaultKind::Moved { .. } | FaultKind::Frozen)
    }

    /// What is drawn of it at a second.
    #[must_use]
    pub fn at(&self, second: f64) -> Option<Fault> {
        if !self.lasts(second) {
            return None;
        }
        let grown = ((second - self.from) / RAMP_SECONDS).min((self.until - second) / RAMP_SECONDS);
        let grown = grown.clamp(0.0, 1.0);
        match self.kind {
            FaultKind::Covered { share, grey } => Some(Fault::Covered {
                share: (share * grown) as f32,
                grey: grey as f32,
            }),
            FaultKind::Defocused { sigma } => Some(Fault::Defocused {
                sigma: (sigma * grown) as f32,
            }),
            // Turned between two frames: every direction on the way would be traced anew.
            FaultKind::Moved { pan, tilt } => Some(Fault::Moved {
                pan: pan as f32,
                tilt: tilt as f32,
            }),
            FaultKind::Frozen | FaultKind::SignalLoss => None,
        }
    }
}
