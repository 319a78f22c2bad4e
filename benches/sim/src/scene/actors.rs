//! Who is in a scene: `[[actor]]` is one person, `[[crowd]]` many with one script.

use fastrand::Rng;

use super::path::distance;
use super::script::{self, SECONDS_MAX, Spot, Step, number, spot};
use crate::world::{Clothing, Look};
use parapet::config::reader::Table;

/// More people than this in one scene is a slip of the pen.
const PEOPLE_MAX: usize = 200;

/// One person and the script.
#[derive(Clone, Debug, PartialEq)]
pub struct Actor {
    /// From 1, in the order of the file.
    pub id: u32,
    /// As the file says; members of a crowd add their number.
    pub name: String,
    /// The crowd it belongs to.
    pub crowd: Option<String>,
    /// Body and clothing.
    pub look: Look,
    /// Where the script begins.
    pub at: Spot,
    /// Where it faces first, radians; none lets the script decide.
    pub heading: Option<f64>,
    /// Second of the scene at which the script begins; nobody is there before.
    pub appears: f64,
    /// Gone after the last step; else stands there until the scene ends.
    pub leaves: bool,
    pub steps: Vec<Step>,
}

/// Reads `[[actor]]` and `[[crowd]]`.
pub(super) fn read(root: &Table<'_>, seed: u64) -> Vec<Actor> {
    let mut actors = Vec::new();
    for mut table in root.tables("actor") {
        let common = Common::read(&mut table);
        let at = required_spot(&table, "at");
        table.finish();
        let Some(at) = at else { continue };
        let id = actors.len() as u32 + 1;
        let mut rng = Rng::with_seed(mixed(seed, u64::from(id)));
        actors.push(common.actor(id, common.name.clone(), None, at, 0.0, &mut rng));
    }
    for mut table in root.tables("crowd") {
        let common = Common::read(&mut table);
        read_crowd(&table, &common, seed, &mut actors);
        table.finish();
    }
    if actors.len() > PEOPLE_MAX {
        root.problem(
            root.at,
            format!(
                "{} people: write at most {PEOPLE_MAX}, a picture shows no more",
                actors.len()
            ),
        );
    }
    actors
}

fn required_spot(table: &Table<'_>, key: &'static str) -> Option<Spot> {
    if !table.has(key) {
        table.missing(key, "write [x, y] in metres");
    }
    spot(table, key)
}

/// What actors and crowds have in common.
struct Common {
    name: String,
    clothing: Clothing,
    height: Option<f64>,
    build: Option<f64>,
    heading: Option<f64>,
    appears: f64,
    leaves: bool,
    steps: Vec<Step>,
}

impl Common {
    fn read(table: &mut Table<'_>) -> Self {
        let name = table.text("name").map(|set| set.value.to_owned());
        match &name {
            Some(name) => table.subject = format!("{} {name}", table.subject),
            None if !table.has("name") => table.missing("name", "the truth file carries it"),
            None => {}
        }
        let clothing = table.choice(
            "clothing",
            &[
                ("inmate", Clothing::Inmate),
                ("officer", Clothing::Officer),
                ("civilian", Clothing::Civilian),
            ],
        );
        let number_of = |key, range| table.number(key, range).map(|set| set.value);
        Self {
            name: name.unwrap_or_default(),
            clothing: clothing.map_or(Clothing::Inmate, |set| set.value),
            height: number_of("height", 1.5..=2.0),
            build: number_of("build", 0.8..=1.3),
            heading: number_of("heading", -360.0..=360.0).map(f64::to_radians),
            appears: number(table, "appears_seconds", 0.0..=SECONDS_MAX, 0.0),
            leaves: table.flag("leaves").is_some_and(|set| set.value),
            steps: script::read(table),
        }
    }

    fn actor(
        &self,
        id: u32,
        name: String,
        crowd: Option<String>,
        at: Spot,
        delay: f64,
        rng: &mut Rng,
    ) -> Actor {
        // Three uniform draws make a bell: few are very tall or very short.
        let bell = (rng.f64() + rng.f64() + rng.f64()) / 3.0;
        let girth = 0.85 + 0.35 * rng.f64();
        Actor {
            id,
            name,
            crowd,
            look: Look {
                height: self.height.unwrap_or(1.58 + 0.36 * bell) as f32,
                build: self.build.unwrap_or(girth) as f32,
                clothing: self.clothing,
                seed: rng.u32(..),
            },
            at,
            heading: self.heading,
            appears: self.appears + delay,
            leaves: self.leaves,
            steps: self.steps.clone(),
        }
    }
}

fn read_crowd(table: &Table<'_>, common: &Common, seed: u64, actors: &mut Vec<Actor>) {
    let count = table.integer("count", 2..=PEOPLE_MAX as i64);
    if !table.has("count") {
        table.missing("count", "say how many");
    }
    let area = table.points("area");
    if !table.has("area") {
        table.missing("area", "write its corners [[west, south], [east, north]]");
    }
    let spacing = number(table, "spacing", 0.4..=20.0, 1.0);
    let stagger = number(table, "stagger_seconds", 0.0..=60.0, 0.0);
    let spread = number(table, "speed_spread", 0.0..=0.5, 0.0);
    let (Some(count), Some(area)) = (count, area) else {
        return;
    };
    let &[[west, south], [east, north]] = area.value.as_slice() else {
        table.problem(
            area.at,
            "`area` needs two corners: write [[west, south], [east, north]]",
        );
        return;
    };
    if west >= east || south >= north {
        table.problem(
            area.at,
            "`area` is empty: write [[west, south], [east, north]]",
        );
        return;
    }
    let count = usize::try_from(count.value).unwrap_or(0);
    let mut rng = Rng::with_seed(mixed(seed, 0x5eed ^ actors.len() as u64));
    let places = scattered([west, south], [east, north], count, spacing, &mut rng);
    let middle = [(west + east) / 2.0, (south + north) / 2.0];
    for (number, at) in places.iter().enumerate() {
        let id = actors.len() as u32 + 1;
        let name = format!("{}-{}", common.name, number + 1);
        let crowd = Some(common.name.clone());
        let delay = stagger * number as f64;
        let mut actor = common.actor(id, name, crowd, *at, delay, &mut rng);
        let offset = [at[0] - middle[0], at[1] - middle[1]];
        let pace = 1.0 + spread * (2.0 * rng.f64() - 1.0);
        let ring = Ring { number, count };
        for step in &mut actor.steps {
            ring.fit(step, offset, pace);
        }
        actors.push(actor);
    }
}

/// A member's place among the others.
struct Ring {
    number: usize,
    count: usize,
}

impl Ring {
    /// Makes the crowd's step the member's own.
    fn fit(&self, step: &mut Step, offset: Spot, pace: f64) {
        match step {
            Step::Travel { way, speed, .. } => {
                for place in way {
                    *place = [place[0] + offset[0], place[1] + offset[1]];
                }
                *speed *= pace;
            }
            Step::Gather {
                spot,
                middle,
                radius,
                arc,
                speed,
            } => {
                let (number, count) = (self.number as f64, self.count as f64);
                let (from, angle) = match *arc {
                    Some([from, to]) => (from, (to - from) * (number + 0.5) / count),
                    None => (0.0, 360.0 * number / count),
                };
                let round = arc.map_or(360.0, |[from, to]| (to - from).abs().max(1.0));
                // 0.8 m of the ring for everybody.
                let usual = (count * 0.8 / round.to_radians()).max(0.6);
                let radius = radius.unwrap_or(usual);
                let angle = (from + angle).to_radians();
                *spot = [
                    middle[0] + radius * angle.cos(),
                    middle[1] + radius * angle.sin(),
                ];
                *speed *= pace;
            }
            Step::Loiter { speed, .. } | Step::Disperse { speed, .. } => *speed *= pace,
            _ => {}
        }
    }
}

/// Random places at least `spacing` apart where there is room, nearer where there is none.
fn scattered(from: Spot, to: Spot, count: usize, spacing: f64, rng: &mut Rng) -> Vec<Spot> {
    let mut places: Vec<Spot> = Vec::with_capacity(count);
    let mut apart = spacing;
    while places.len() < count {
        let free = (0..60)
            .map(|_| [0, 1].map(|axis| from[axis] + rng.f64() * (to[axis] - from[axis])))
            .find(|place| places.iter().all(|other| distance(*place, *other) >= apart));
        match free {
            Some(place) => places.push(place),
            None => apart *= 0.9,
        }
    }
    places
}

/// A seed of its own for each part of a scene, so that a change of one moves no other.
pub(super) fn mixed(seed: u64, part: u64) -> u64 {
    // The finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
    let mut mixed = seed ^ part.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
