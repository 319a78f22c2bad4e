//! A scene with nothing left to decide: from a second to everything that is to be seen then.

use fastrand::Rng;

use super::Scene;
use super::actors::mixed;
use super::body::Body;
use super::faults::FaultKind;
use super::legs::{Flight, Life, Stance};
use crate::world::{Moment, Person, Thing};

/// Speeds are measured over this much, so that a corner cut is no slowing down.
const SPEED_SECONDS: f64 = 0.3;
/// Metres per second squared.
const GRAVITY: f64 = 9.81;
/// A packet leaves the hand so high, metres.
const HAND_METRES: f64 = 1.9;
/// Half a packet's thickness: how high the middle of one lies on the ground.
const PACKET_RESTS_METRES: f64 = 0.08;

/// What the writer makes of an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// The picture is drawn.
    Live,
    /// The picture from before the fault is shown again.
    Frozen,
    /// There is no picture.
    Lost,
}

/// A scripted happening, as the truth file tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Happening {
    /// A word: `climbing`, `fight_suspected`, `person_down`, …
    pub kind: &'static str,
    /// Who takes part, in the order of their ids.
    pub people: Vec<u32>,
    /// Seconds.
    pub start: f64,
    /// Seconds.
    pub end: f64,
}

/// The compiled scene. Pure: the same second gives the same moment, in any order.
#[derive(Clone, Debug)]
pub struct Timeline {
    scene: Scene,
    lives: Vec<Life>,
}

impl Timeline {
    /// Compiles a scene.
    #[must_use]
    pub fn new(scene: &Scene) -> Self {
        let lives = scene
            .actors
            .iter()
            .map(|actor| {
                let mut rng = Rng::with_seed(mixed(scene.seed, 0x11fe + u64::from(actor.id)));
                Body::new(actor).live(actor, scene.seconds, &mut rng)
            })
            .collect();
        Self {
            scene: scene.clone(),
            lives,
        }
    }

    /// What it was compiled from.
    #[must_use]
    pub fn scene(&self) -> &Scene {
        &self.scene
    }

    /// The second at which a frame (from 0) is taken.
    #[must_use]
    pub fn second_of(&self, frame: u64) -> f64 {
        frame as f64 / self.scene.fps
    }

    /// Where somebody (by place in `scene().actors`) is; none before and after the own time.
    #[must_use]
    pub fn stance(&self, actor: usize, second: f64) -> Option<Stance> {
        self.lives.get(actor)?.at(second)
    }

    /// Everything that is to be seen at a second.
    #[must_use]
    pub fn moment(&self, second: f64) -> Moment {
        let people = self
            .scene
            .actors
            .iter()
            .zip(&self.lives)
            .filter_map(|(actor, life)| {
                let stance = life.at(second)?;
                Some(Person {
                    id: actor.id,
                    look: actor.look,
                    position: stance.at.map(|metres| metres as f32),
                    heading: stance.heading as f32,
                    motion: stance.motion,
                })
            })
            .collect();
        let packets = self
            .lives
            .iter()
            .flat_map(|life| &life.flights)
            .filter_map(|flight| flight.at(second));
        let movers = self
            .scene
            .distractors
            .iter()
            .filter_map(|distractor| distractor.at(second));
        Moment {
            seconds: second as f32,
            people,
            things: packets.chain(movers).collect(),
            faults: self
                .scene
                .faults
                .iter()
                .filter_map(|fault| fault.at(second))
                .collect(),
        }
    }

    /// What becomes of the picture at a second.
    #[must_use]
    pub fn signal(&self, second: f64) -> Signal {
        let lasts = |kind: FaultKind| {
            let mut faults = self.scene.faults.iter();
            faults.any(|fault| fault.kind == kind && fault.lasts(second))
        };
        if lasts(FaultKind::SignalLoss) {
            Signal::Lost
        } else if lasts(FaultKind::Frozen) {
            Signal::Frozen
        } else {
            Signal::Live
        }
    }

    /// Whether nobody can be recognised at a second.
    #[must_use]
    pub fn is_blind(&self, second: f64) -> bool {
        let mut faults = self.scene.faults.iter();
        faults.any(|fault| fault.blinds() && fault.lasts(second))
    }

    /// Whether the picture shows nobody at a second: covered, blurred beyond use, or none at all.
    #[must_use]
    pub fn is_hidden(&self, second: f64) -> bool {
        let mut faults = self.scene.faults.iter();
        faults.any(|fault| fault.hides() && fault.lasts(second))
    }

    /// Somebody's speed over the ground (by place in `scene().actors`), metres per second, from the
    /// places around a second.
    #[must_use]
    pub fn speed(&self, actor: usize, second: f64) -> f64 {
        let place = |second: f64| self.stance(actor, second).map(|stance| stance.at);
        let (before, after) = (second - SPEED_SECONDS / 2.0, second + SPEED_SECONDS / 2.0);
        match (place(before.max(0.0)), place(after)) {
            (Some(from), Some(to)) => {
                (from[0] - to[0]).hypot(from[1] - to[1]) / (after - before.max(0.0))
            }
            _ => 0.0,
        }
    }

    /// Scripted happenings of people and camera, in the order of their starts. What several do
    /// at one time (a fight, a crowd that gathers) is one happening.
    #[must_use]
    pub fn happenings(&self) -> Vec<Happening> {
        let end = self.scene.seconds;
        let mut all: Vec<Happening> = Vec::new();
        for (actor, life) in self.scene.actors.iter().zip(&self.lives) {
            for deed in life.deeds.iter().filter(|deed| deed.start < end) {
                all.push(Happening {
                    kind: deed.kind,
                    people: vec![actor.id],
                    start: deed.start,
                    end: deed.end.min(end),
                });
            }
        }
        all.extend(
            self.scene
                .faults
                .iter()
                .filter(|fault| fault.from < end)
                .map(|fault| Happening {
                    kind: fault.word(),
                    people: Vec::new(),
                    start: fault.from,
                    end: fault.until.min(end),
                }),
        );
        all.sort_by(|a, b| a.start.total_cmp(&b.start).then(a.people.cmp(&b.people)));
        let mut merged: Vec<Happening> = Vec::new();
        for happening in all {
            let shared = ["fight_suspected", "rapid_gathering", "dispersing"]
                .contains(&happening.kind)
                .then(|| {
                    merged.iter_mut().find(|before| {
                        before.kind == happening.kind && before.end >= happening.start
                    })
                })
                .flatten();
            match shared {
                Some(before) => {
                    before.end = before.end.max(happening.end);
                    before.people.extend(happening.people);
                    before.people.sort_unstable();
                    before.people.dedup();
                }
                None => merged.push(happening),
            }
        }
        merged
    }
}

impl Flight {
    /// Where the packet is; none before it is thrown.
    fn at(&self, second: f64) -> Option<Thing> {
        let gone = second - self.begins;
        if gone < 0.0 {
            return None;
        }
        let peak = self.peak.max(HAND_METRES + 0.1);
        let up = (2.0 * (peak - HAND_METRES) / GRAVITY).sqrt();
        let down = (2.0 * (peak - PACKET_RESTS_METRES) / GRAVITY).sqrt();
        let share = (gone / (up + down)).min(1.0);
        let height = if share < 1.0 {
            peak - GRAVITY * (gone - up).powi(2) / 2.0
        } else {
            PACKET_RESTS_METRES
        };
        let [x, y] = [0, 1].map(|axis| self.from[axis] + share * (self.to[axis] - self.from[axis]));
        Some(Thing::Packet {
            position: [x as f32, y as f32, height as f32],
        })
    }
}
