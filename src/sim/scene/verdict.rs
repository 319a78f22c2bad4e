//! Which rules must speak up, and when: by exact geometry of the world. Nothing here looks at
//! `crate::rules`, so that the two can prove each other wrong.
//!
//! Everybody's foot is followed in steps of [`STEP_SECONDS`]. It counts while it stands on the
//! ground (no higher than [`GROUND_METRES`]), is in the picture, and the camera is not blind:
//!
//! * a line is crossed when the foot's step meets it, unless it came or goes no farther than
//!   [`SETTLED_METRES`] on either side (who sways on a line crosses nothing);
//! * zone, loitering, crowding and running hold when they have held for their time. They are due
//!   at that moment, not before; what stops for at most `clear_after` is the same event.

use super::Timeline;
use super::ground::{contains, far_from, meets};
use super::legs::Stance;
use super::script::Spot;
use super::watch::{Rule, Wanted};
use crate::model::event::{Direction, EventKind};
use crate::sim::world::Motion;

/// How finely feet are followed.
const STEP_SECONDS: f64 = 0.02;
/// Who is higher is not on the ground.
const GROUND_METRES: f64 = 0.3;
/// Nearer to a line one is on neither side.
const SETTLED_METRES: f64 = 0.35;
/// Speeds are measured over this much, so that a corner cut is no slowing down.
const SPEED_SECONDS: f64 = 0.3;
/// Who climbed at most so long ago came climbing.
const CLIMBED_SECONDS: f64 = 8.0;

/// An event that a rule owes.
#[derive(Clone, Debug, PartialEq)]
pub struct Due {
    /// What.
    pub kind: EventKind,
    /// The rule's name.
    pub rule: String,
    /// The second at which it is due.
    pub start: f64,
    /// The second at which its cause is over; none for a crossing.
    pub end: Option<f64>,
    /// Whose doing it is.
    pub people: Vec<u32>,
    /// How they came: `walk`, `run`, `crawl`, `roll`, `climb`, `stand` …
    pub note: &'static str,
}

/// Everything that is due in a scene, in the order of the starts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// The events.
    pub due: Vec<Due>,
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
}

impl Verdict {
    /// Judges a compiled scene.
    #[must_use]
    pub fn of(timeline: &Timeline) -> Self {
        let followed = follow(timeline);
        let mut due: Vec<Due> = timeline
            .scene()
            .watch
            .rules
            .iter()
            .flat_map(|rule| judge(rule, &followed))
            .collect();
        due.sort_by(|a, b| a.start.total_cmp(&b.start).then(a.rule.cmp(&b.rule)));
        Self { due }
    }
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
                    speed: speed(timeline, number, second),
                }
            }));
        }
        all.push(Followed {
            id: actor.id,
            feet,
            notes,
        });
    }
    all
}

fn ground_of(stance: &Stance) -> Spot {
    [stance.at[0], stance.at[1]]
}

/// Over the ground, metres per second, from the places around a second.
pub(super) fn speed(timeline: &Timeline, actor: usize, second: f64) -> f64 {
    let place = |second: f64| timeline.stance(actor, second).map(|s| ground_of(&s));
    let (before, after) = (second - SPEED_SECONDS / 2.0, second + SPEED_SECONDS / 2.0);
    match (place(before.max(0.0)), place(after)) {
        (Some(from), Some(to)) => {
            (from[0] - to[0]).hypot(from[1] - to[1]) / (after - before.max(0.0))
        }
        _ => 0.0,
    }
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
            each(EventKind::ZoneIntrusion, *dwell, false, &inside)
        }
        Wanted::Loitering { zone, after } => {
            let inside = |foot: &Foot| contains(&zone.ground, foot.at);
            each(EventKind::Loitering, *after, true, &inside)
        }
        Wanted::Running { zone, speed, hold } => {
            let fast = |foot: &Foot| {
                foot.speed >= *speed
                    && zone
                        .as_ref()
                        .is_none_or(|zone| contains(&zone.ground, foot.at))
            };
            each(EventKind::Running, *hold, false, &fast)
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
            kind: EventKind::Crowding,
            rule: rule.name.clone(),
            start: span.due,
            end: Some(span.until),
            people: followed
                .iter()
                .filter(|person| inside(person, step_of(span.due)))
                .map(|person| person.id)
                .collect(),
            note: "crowd",
        })
        .collect()
}

fn step_of(second: f64) -> usize {
    (second / STEP_SECONDS).round() as usize
}

/// A time in which something held long enough.
struct Span {
    since: f64,
    due: f64,
    until: f64,
}

/// When what `looks` says has held for `hold` seconds. `forgiving` lets it stop for at most
/// `clear` meanwhile; once due, that is the same event in either case.
fn spans(looks: &[bool], hold: f64, clear: f64, forgiving: bool) -> Vec<Span> {
    let mut found: Vec<Span> = Vec::new();
    // The stretch that may still become due: since when, and when it last held.
    let mut open: Option<(f64, f64)> = None;
    for (since, until) in stretches(looks) {
        if let Some(last) = found.last_mut()
            && since - last.until <= clear
        {
            last.until = until;
            continue;
        }
        let began = match open {
            Some((began, held)) if forgiving && since - held <= clear => began,
            _ => since,
        };
        if until - began >= hold {
            found.push(Span {
                since: began,
                due: since.max(began + hold),
                until,
            });
            open = None;
        } else {
            open = Some((began, until));
        }
    }
    found
}

/// From when to when something holds without a break, seconds.
fn stretches(looks: &[bool]) -> Vec<(f64, f64)> {
    let mut found = Vec::new();
    let mut since = None;
    for (step, holds) in looks.iter().chain([&false]).enumerate() {
        let second = step as f64 * STEP_SECONDS;
        match (holds, since) {
            (true, None) => since = Some(second),
            (false, Some(begun)) => {
                found.push((begun, second - STEP_SECONDS));
                since = None;
            }
            _ => {}
        }
    }
    found
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
                kind: EventKind::LineCrossed,
                rule: rule.name.clone(),
                start: step as f64 * STEP_SECONDS,
                end: None,
                people: vec![person.id],
                note: person.notes[step],
            });
        }
        from = step;
        index += 1;
    }
    due
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_is_due_when_it_has_held_and_a_short_break_is_the_same_event() {
        let looks: Vec<bool> = (0..1000)
            .map(|step| {
                let second = f64::from(step) * STEP_SECONDS;
                (1.0..4.0).contains(&second) || (5.0..6.0).contains(&second) || second > 12.0
            })
            .collect();
        let strict = spans(&looks, 2.0, 3.0, false);
        assert_eq!(strict.len(), 2);
        assert!((strict[0].due - 3.0).abs() < 0.05 && (strict[0].until - 6.0).abs() < 0.05);
        assert!((strict[1].due - 14.0).abs() < 0.05);
        assert_eq!(spans(&looks, 4.5, 3.0, false).len(), 1, "only the last one");
        let forgiving = spans(&looks, 4.5, 3.0, true);
        assert!((forgiving[0].due - 5.5).abs() < 0.05);
    }
}
