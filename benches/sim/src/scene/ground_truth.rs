//! Which rules must speak up, and when: by exact geometry of the world. Nothing here looks at
//! `parapet::rules`, so that the two can prove each other wrong.
//!
//! Everybody's foot is followed in steps of [`STEP_SECONDS`]. It counts while it stands on the
//! ground (no higher than [`GROUND_METRES`]), is in the picture, and the camera is not blind:
//!
//! * a line is crossed when the foot's step meets it, unless it came or goes no farther than
//!   [`SETTLED_METRES`] on either side (who sways on a line crosses nothing);
//! * zone, loitering, crowding and running hold when they have held for their time. They are due
//!   at that moment, not before; what stops for at most `clear_after` is the same event.
//!
//! Two things a camera cannot know from a box alone, and the ground truth does not ask for them: where
//! on the ground somebody is who hangs on a fence (such a foot seems to stand far behind it), and
//! where the middle of a body is that comes along the ground with its hands first. A rule may
//! speak earlier by the climb or by [`ALONG_GROUND_SECONDS`]; and what it says of somebody who
//! climbs and owes it nothing counts neither way ([`GroundTruth::unsure`]).

use super::Timeline;
use super::ground::{contains, far_from, meets};
use super::lasting::{STEP_SECONDS, spans, stretches};
use super::legs::Stance;
use super::rules::{Rule, Wanted};
use super::script::Spot;
use crate::world::Motion;
use parapet::model::event::{Direction, EventKind};

/// Who is higher is not on the ground.
const GROUND_METRES: f64 = 0.3;
/// Nearer to a line one is on neither side.
const SETTLED_METRES: f64 = 0.35;
/// Who climbed at most so long ago came climbing.
const CLIMBED_SECONDS: f64 = 8.0;

/// How much earlier than the truth an alarm may come, as a rule.
const EARLY_SECONDS: f64 = 1.0;
/// How much earlier of who crawls or rolls: more than half a body at half a metre a second.
const ALONG_GROUND_SECONDS: f64 = 3.0;

/// An event that a rule owes.
#[derive(Clone, Debug, PartialEq)]
pub struct Due {
    pub kind: EventKind,
    pub rule: String,
    /// The second at which it is due.
    pub start: f64,
    /// The second at which its cause is over; none for a crossing.
    pub end: Option<f64>,
    /// Whose doing it is.
    pub people: Vec<u32>,
    /// How they came: `walk`, `run`, `crawl`, `roll`, `climb`, `stand` …
    pub note: &'static str,
    /// How many seconds before the start the rule may rightly speak.
    pub early: f64,
}

/// A time in which a rule's word counts neither way.
#[derive(Clone, Debug, PartialEq)]
pub struct Unsure {
    pub rule: String,
    /// Seconds.
    pub start: f64,
    /// Seconds.
    pub end: f64,
}

/// Everything that is due in a scene, in the order of the starts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroundTruth {
    pub due: Vec<Due>,
    /// Where somebody hangs on a structure and owes a rule nothing.
    pub unsure: Vec<Unsure>,
}

/// One foot at one step.
#[derive(Clone, Copy)]
struct Foot {
    at: Spot,
    /// The picture shows it, however high it is.
    shown: bool,
    /// And it stands on the ground.
    counts: bool,
    speed: f64,
}

/// One person's feet, step by step; none while absent.
struct Followed {
    id: u32,
    feet: Vec<Option<Foot>>,
    notes: Vec<&'static str>,
    /// From when to when off the ground, seconds.
    climbs: Vec<(f64, f64)>,
}

impl Followed {
    /// How much earlier than `start` a rule may speak of what began at `since`.
    fn early(&self, since: f64, start: f64) -> f64 {
        let climb = self
            .climbs
            .iter()
            .rfind(|(_, end)| (since - CLIMBED_SECONDS..=since + 0.1).contains(end));
        match (climb, self.notes[step_of(since)]) {
            (Some((begun, _)), _) => start - begun + EARLY_SECONDS,
            (None, "crawl" | "roll") => ALONG_GROUND_SECONDS,
            _ => EARLY_SECONDS,
        }
    }
}

impl GroundTruth {
    /// Judges a compiled scene.
    #[must_use]
    pub fn of(timeline: &Timeline) -> Self {
        let followed = follow(timeline);
        let mut due: Vec<Due> = timeline
            .scene()
            .rules
            .rules
            .iter()
            .flat_map(|rule| judge(rule, &followed))
            .collect();
        due.sort_by(|a, b| a.start.total_cmp(&b.start).then(a.rule.cmp(&b.rule)));
        let unsure = unsure(timeline, &followed, &due);
        Self { due, unsure }
    }
}

/// The climbs during which a line's or zone's rule owes nothing to anybody.
fn unsure(timeline: &Timeline, followed: &[Followed], due: &[Due]) -> Vec<Unsure> {
    let mut unsure = Vec::new();
    for rule in &timeline.scene().rules.rules {
        if let Wanted::Running { .. } | Wanted::Crowding { .. } = rule.wanted {
            continue;
        }
        for (start, end) in followed.iter().flat_map(|person| &person.climbs) {
            // The rule sees the end of a climb a little later than it is.
            let end = end + EARLY_SECONDS;
            let owes = due.iter().any(|due| {
                due.rule == rule.name && due.start - due.early <= end && due.start >= *start
            });
            if !owes {
                unsure.push(Unsure {
                    rule: rule.name.clone(),
                    start: *start,
                    end,
                });
            }
        }
    }
    unsure
}

fn follow(timeline: &Timeline) -> Vec<Followed> {
    let scene = timeline.scene();
    let lens = scene.lens();
    let steps = (scene.seconds / STEP_SECONDS) as usize;
    let blind: Vec<bool> = (0..=steps)
        .map(|step| timeline.is_blind(step as f64 * STEP_SECONDS))
        .collect();
    let mut all = Vec::new();
    for (number, actor) in scene.actors.iter().enumerate() {
        let mut feet = Vec::with_capacity(steps + 1);
        let mut notes = Vec::with_capacity(steps + 1);
        let mut climbed = f64::NEG_INFINITY;
        for (step, blind) in blind.iter().enumerate() {
            let second = step as f64 * STEP_SECONDS;
            let stance = timeline.stance(number, second);
            notes.push(stance.map_or("", |stance| {
                if let Motion::Climb { .. } = stance.motion {
                    climbed = second;
                }
                if second - climbed <= CLIMBED_SECONDS {
                    "climb"
                } else {
                    posture(&stance.motion)
                }
            }));
            feet.push(stance.map(|stance| {
                let at = ground_of(&stance);
                let shown = !blind && lens.shows(at, stance.at[2]);
                Foot {
                    at,
                    shown,
                    counts: shown && stance.at[2] <= GROUND_METRES,
                    speed: timeline.speed(number, second),
                }
            }));
        }
        let high: Vec<bool> = (0..=steps)
            .map(|step| {
                let stance = timeline.stance(number, step as f64 * STEP_SECONDS);
                stance.is_some_and(|stance| stance.at[2] > GROUND_METRES)
            })
            .collect();
        all.push(Followed {
            id: actor.id,
            feet,
            notes,
            climbs: stretches(&high),
        });
    }
    all
}

fn ground_of(stance: &Stance) -> Spot {
    [stance.at[0], stance.at[1]]
}

/// A word for what a body does.
#[must_use]
pub fn posture(motion: &Motion) -> &'static str {
    match motion {
        Motion::Stand { .. } => "stand",
        Motion::Walk { .. } => "walk",
        Motion::Run { .. } => "run",
        Motion::Crawl { .. } => "crawl",
        Motion::Roll { .. } => "roll",
        Motion::Climb { .. } => "climb",
        Motion::Fall { .. } => "fall",
        Motion::Lie { .. } => "lie",
        Motion::Sit { .. } => "sit",
        Motion::Fight { .. } => "fight",
        Motion::Throw { .. } => "throw",
        Motion::Rise { .. } => "rise",
    }
}

fn judge(rule: &Rule, followed: &[Followed]) -> Vec<Due> {
    let each = |kind: EventKind, hold: f64, forgiving: bool, holds: &dyn Fn(&Foot) -> bool| {
        let mut due = Vec::new();
        for person in followed {
            let looks: Vec<bool> = person
                .feet
                .iter()
                .map(|foot| foot.as_ref().is_some_and(|foot| foot.counts && holds(foot)))
                .collect();
            for span in spans(&looks, hold, rule.clear_after, forgiving) {
                due.push(Due {
                    kind,
                    rule: rule.name.clone(),
                    start: span.due,
                    end: Some(span.until),
                    people: vec![person.id],
                    note: person.notes[step_of(span.since)],
                    early: person.early(span.since, span.due),
                });
            }
        }
        due
    };
    match &rule.wanted {
        Wanted::LineCrossing { line, direction } => followed
            .iter()
            .flat_map(|person| crossings(rule, &line.ground, *direction, person))
            .collect(),
        Wanted::ZoneIntrusion { zone, dwell } => {
            let inside = |foot: &Foot| contains(&zone.ground, foot.at);
            each(EventKind::ZONE_INTRUSION, *dwell, false, &inside)
        }
        Wanted::Loitering { zone, after } => {
            let inside = |foot: &Foot| contains(&zone.ground, foot.at);
            each(EventKind::LOITERING, *after, true, &inside)
        }
        Wanted::Running { zone, speed, hold } => {
            let fast = |foot: &Foot| {
                foot.speed >= *speed
                    && zone
                        .as_ref()
                        .is_none_or(|zone| contains(&zone.ground, foot.at))
            };
            each(EventKind::RUNNING, *hold, false, &fast)
        }
        Wanted::Crowding { zone, count, hold } => {
            crowds(rule, &zone.ground, *count as usize, *hold, followed)
        }
    }
}

fn crowds(rule: &Rule, zone: &[Spot], count: usize, hold: f64, followed: &[Followed]) -> Vec<Due> {
    let steps = followed.first().map_or(0, |person| person.feet.len());
    let inside = |person: &Followed, step: usize| {
        person.feet[step].is_some_and(|foot| foot.counts && contains(zone, foot.at))
    };
    let looks: Vec<bool> = (0..steps)
        .map(|step| followed.iter().filter(|p| inside(p, step)).count() >= count)
        .collect();
    spans(&looks, hold, rule.clear_after, false)
        .into_iter()
        .map(|span| Due {
            kind: EventKind::CROWDING,
            rule: rule.name.clone(),
            start: span.due,
            end: Some(span.until),
            people: followed
                .iter()
                .filter(|person| inside(person, step_of(span.due)))
                .map(|person| person.id)
                .collect(),
            note: "crowd",
            early: EARLY_SECONDS,
        })
        .collect()
}

fn step_of(second: f64) -> usize {
    (second / STEP_SECONDS).round() as usize
}

fn crossings(rule: &Rule, line: &[Spot], wanted: Option<Direction>, person: &Followed) -> Vec<Due> {
    let mut met: Vec<(usize, Direction)> = Vec::new();
    for step in 1..person.feet.len() {
        let (Some(from), Some(to)) = (person.feet[step - 1], person.feet[step]) else {
            continue;
        };
        for pair in line.windows(2) {
            if let Some(direction) = meets(from.at, to.at, pair[0], pair[1]) {
                met.push((step, direction));
            }
        }
    }
    let mut due = Vec::new();
    let mut from = 0;
    let farthest = |from: usize, until: usize| {
        person.feet[from..until]
            .iter()
            .flatten()
            .map(|foot| far_from(line, foot.at))
            .fold(0.0, f64::max)
    };
    let mut index = 0;
    while index < met.len() {
        let (step, direction) = met[index];
        let next = met.get(index + 1).map_or(person.feet.len(), |next| next.0);
        // Came from nowhere near, or goes nowhere: it sways, and so does its way back.
        if farthest(step, next) < SETTLED_METRES && index + 1 < met.len() {
            index += 2;
            continue;
        }
        let settled =
            farthest(from, step) >= SETTLED_METRES && farthest(step, next) >= SETTLED_METRES;
        let shown = person.feet[step].is_some_and(|foot| foot.shown);
        // Who comes over the top of a fence has crossed when back on the ground.
        let landed = (step..next).find(|step| person.feet[*step].is_some_and(|foot| foot.counts));
        if let Some(step) = landed
            && shown
            && settled
            && wanted.is_none_or(|wanted| wanted == direction)
        {
            due.push(Due {
                kind: EventKind::LINE_CROSSED,
                rule: rule.name.clone(),
                start: step as f64 * STEP_SECONDS,
                end: None,
                people: vec![person.id],
                note: person.notes[step],
                early: person.early(step as f64 * STEP_SECONDS, step as f64 * STEP_SECONDS),
            });
        }
        from = step;
        index += 1;
    }
    due
}
