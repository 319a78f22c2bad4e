//! What an actor does, step after step, and how a scene file says it.
//!
//! `script` is a list of steps; each is an inline table with exactly one verb:
//!
//! | verb | value | further keys (default) | what it does |
//! |---|---|---|---|
//! | `walk` `run` `crawl` `roll` | points | `speed` (1.3, 4.5, 0.6, 0.8 m/s) | goes there point by point |
//! | `loiter` | seconds | `radius` (2.0 m), `speed` (0.8) | wanders about the place, with rests |
//! | `gather` | a point | `radius` (by the number), `arc` (all of it: two degrees, 0 is +x), `speed` (1.3) | goes to a place in a ring around it and faces it |
//! | `disperse` | metres | `speed` (1.5) | goes away from where the crowd stood |
//! | `stand` `sit` `fight` | seconds | `towards` (a point) | stays and does that |
//! | `lie` | seconds | `side` (0 back, 0.25 right, 0.5 face down, 0.75 left; as it came to lie) | lies |
//! | `fall` `rise` | seconds | | goes down, gets up |
//! | `climb` | height in m | `over` (a point), `speed` (0.5), `hold` (0 s) | up what stands in front; over it and down at that point, else down again here |
//! | `throw` | a point | `seconds` (1.2), `peak` (6.0 m) | throws a packet there, over something so high |
//! | `turn` | degrees | | turns on the spot |
//! | `wait_until` | second of the scene | `towards` | stands until then |
//!
//! Every other number of seconds counts from the end of the step before.

use parapet::config::reader::{Set, Table};

/// Any second of a scene.
pub(super) const SECONDS_MAX: f64 = 600.0;
const METRES_MAX: f64 = 1_000.0;

/// A place on the ground, metres.
pub type Spot = [f64; 2];

/// A way of getting somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gait {
    /// On two feet, one always down.
    Walk,
    /// On two feet, both up at times.
    Run,
    /// On hands and knees.
    Crawl,
    /// About the own long axis.
    Roll,
}

/// A way of staying somewhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pose {
    /// On two feet.
    Stand,
    /// On something 0.45 m high.
    Sit,
    /// As `Motion::Lie`.
    Lie {
        /// As there; none leaves it as the body came to lie.
        side: Option<f64>,
    },
    Fight,
}

/// One step of a script, as read; degrees have become radians.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Goes somewhere.
    Travel {
        gait: Gait,
        /// Which way, without the place where it begins.
        way: Vec<Spot>,
        /// Metres per second.
        speed: f64,
    },
    Stay {
        pose: Pose,
        /// How long.
        seconds: f64,
        /// Faces this.
        towards: Option<Spot>,
    },
    /// Stands until a second of the scene.
    WaitUntil {
        /// Of the scene.
        second: f64,
        /// Faces this.
        towards: Option<Spot>,
    },
    /// Wanders about.
    Loiter {
        /// How long.
        seconds: f64,
        /// How far from the place where it begins.
        radius: f64,
        /// Metres per second.
        speed: f64,
    },
    /// Comes together with others.
    Gather {
        /// The own place.
        spot: Spot,
        /// The middle, which everybody faces.
        middle: Spot,
        /// The ring's radius where the file gives one.
        radius: Option<f64>,
        /// The part of the ring that is this crowd's, degrees from +x to +y; all of it without.
        arc: Option<[f64; 2]>,
        /// Metres per second.
        speed: f64,
    },
    /// Goes away from the others.
    Disperse {
        /// How far.
        metres: f64,
        /// Metres per second.
        speed: f64,
    },
    Climb {
        /// Metres.
        height: f64,
        /// Where it comes down, if not here.
        over: Option<Spot>,
        /// Metres per second.
        speed: f64,
        /// Seconds on the top.
        hold: f64,
    },
    /// Goes down.
    Fall {
        /// How long it takes.
        seconds: f64,
    },
    /// Gets up.
    Rise {
        /// How long it takes.
        seconds: f64,
    },
    /// Throws a packet.
    Throw {
        /// Where it lands.
        to: Spot,
        /// How long the arm takes.
        seconds: f64,
        /// How high it flies.
        peak: f64,
    },
    /// Turns on the spot.
    Turn {
        /// Radians.
        heading: f64,
    },
}

const VERBS: [&str; 17] = [
    "walk",
    "run",
    "crawl",
    "roll",
    "loiter",
    "gather",
    "disperse",
    "stand",
    "sit",
    "fight",
    "lie",
    "fall",
    "rise",
    "climb",
    "throw",
    "turn",
    "wait_until",
];

/// Reads `script`; what is wrong goes to the report and is left out.
pub(super) fn read(actor: &Table<'_>) -> Vec<Step> {
    actor
        .tables("script")
        .iter()
        .filter_map(|table| {
            let step = step(table);
            table.finish();
            step
        })
        .collect()
}

fn step(table: &Table<'_>) -> Option<Step> {
    let mut verbs = VERBS.into_iter().filter(|verb| table.has(verb));
    let Some(verb) = verbs.next() else {
        table.problem(
            table.at,
            format!("a step without a verb: write one of {}", VERBS.join(", ")),
        );
        // So that a slip of a verb is called one.
        for verb in VERBS {
            table.item(verb);
        }
        return None;
    };
    if let Some(second) = verbs.next() {
        table.item(second);
        table.problem(
            table.key_spot(second),
            format!("a step has one verb, this has `{verb}` and `{second}`: make it two steps"),
        );
    }
    let seconds = |key| number(table, key, 0.0..=SECONDS_MAX, 0.0);
    let stay = |pose: Pose| {
        Some(Step::Stay {
            pose,
            seconds: seconds(verb),
            towards: spot(table, "towards"),
        })
    };
    match verb {
        "walk" => travel(table, verb, Gait::Walk, 1.3, 0.2..=3.0),
        "run" => travel(table, verb, Gait::Run, 4.5, 1.0..=10.0),
        "crawl" => travel(table, verb, Gait::Crawl, 0.6, 0.1..=2.0),
        "roll" => travel(table, verb, Gait::Roll, 0.8, 0.1..=3.0),
        "stand" => stay(Pose::Stand),
        "sit" => stay(Pose::Sit),
        "fight" => stay(Pose::Fight),
        "lie" => stay(Pose::Lie {
            side: table.number("side", 0.0..=1.0).map(|set| set.value),
        }),
        "wait_until" => Some(Step::WaitUntil {
            second: seconds(verb),
            towards: spot(table, "towards"),
        }),
        "loiter" => Some(Step::Loiter {
            seconds: seconds(verb),
            radius: number(table, "radius", 0.5..=50.0, 2.0),
            speed: number(table, "speed", 0.2..=2.0, 0.8),
        }),
        "gather" => gather(table, verb),
        "disperse" => Some(Step::Disperse {
            metres: number(table, verb, 0.5..=METRES_MAX, 5.0),
            speed: number(table, "speed", 0.2..=8.0, 1.5),
        }),
        "climb" => Some(Step::Climb {
            height: number(table, verb, 0.3..=20.0, 2.0),
            over: spot(table, "over"),
            speed: number(table, "speed", 0.1..=2.0, 0.5),
            hold: number(table, "hold", 0.0..=SECONDS_MAX, 0.0),
        }),
        "fall" => Some(Step::Fall {
            seconds: number(table, verb, 0.2..=10.0, 1.0),
        }),
        "rise" => Some(Step::Rise {
            seconds: number(table, verb, 0.2..=20.0, 2.0),
        }),
        "throw" => Some(Step::Throw {
            to: spot(table, verb)?,
            seconds: number(table, "seconds", 0.3..=5.0, 1.2),
            peak: number(table, "peak", 0.5..=30.0, 6.0),
        }),
        // The last verb there is: `turn`.
        _ => Some(Step::Turn {
            heading: number(table, verb, -360.0..=360.0, 0.0).to_radians(),
        }),
    }
}

fn travel(
    table: &Table<'_>,
    verb: &'static str,
    gait: Gait,
    usual: f64,
    range: std::ops::RangeInclusive<f64>,
) -> Option<Step> {
    let speed = number(table, "speed", range, usual);
    let way = table.points(verb)?;
    if way.value.is_empty() {
        table.problem(
            way.at,
            format!("`{verb}` leads nowhere: write points such as [[3, 4], [5, 4]]"),
        );
        return None;
    }
    Some(Step::Travel {
        gait,
        way: way.value,
        speed,
    })
}

fn gather(table: &Table<'_>, verb: &'static str) -> Option<Step> {
    let middle = spot(table, verb)?;
    Some(Step::Gather {
        spot: middle,
        middle,
        radius: table.number("radius", 0.3..=50.0).map(|set| set.value),
        arc: arc(table),
        speed: number(table, "speed", 0.2..=8.0, 1.3),
    })
}

/// Part of a ring, degrees.
fn arc(table: &Table<'_>) -> Option<[f64; 2]> {
    let Set { value, at } = table.pair("arc")?;
    let long = (value[1] - value[0]).abs();
    if (1.0..=360.0).contains(&long) && value[0].abs() <= 360.0 {
        return Some(value);
    }
    let how = "write two angles in degrees, at most a whole turn apart, such as [90, 270]";
    table.problem(at, format!("`arc` is no part of a ring: {how}"));
    None
}

/// A number with a usual value where the file gives none.
pub(super) fn number(
    table: &Table<'_>,
    key: &'static str,
    range: std::ops::RangeInclusive<f64>,
    usual: f64,
) -> f64 {
    table.number(key, range).map_or(usual, |set| set.value)
}

/// A place on the ground.
pub(super) fn spot(table: &Table<'_>, key: &'static str) -> Option<Spot> {
    let pair = table.pair(key)?;
    if pair.value.iter().any(|metres| metres.abs() > METRES_MAX) {
        table.problem(
            pair.at,
            format!("`{key}` is more than 1 km away: write metres from the scene's origin"),
        );
        return None;
    }
    Some(pair.value)
}
