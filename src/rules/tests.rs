//! The rules as a camera sees them: tracks in, findings out.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::config::rule::{Crowding, Directions, LineCrossing, Loitering, Running, ZoneIntrusion};
use crate::config::types::{Anchor, Line, RuleKind, Zone};
use crate::model::event::{Direction, EventKind, Phase, Severity};
use crate::model::geometry::{Point, Rect};
use crate::model::ids::{RuleName, TrackId, ZoneName};

mod line;
mod people;

const PICTURE: Size = Size {
    width: 1920,
    height: 1080,
};

fn points(n: &[(f32, f32)]) -> Vec<Point> {
    n.iter().map(|(x, y)| Point { x: *x, y: *y }).collect()
}

fn rule(kind: RuleKind) -> RuleConfig {
    RuleConfig {
        name: RuleName::new("rule").expect("name"),
        severity: Severity::Alarm,
        classes: vec![Arc::from("person")],
        anchor: Anchor::Foot,
        clear_after: Duration::from_secs(2),
        update_every: Duration::from_secs(5),
        kind,
    }
}

/// A line down the middle from y = 0.2 to y = 0.8; its right-hand side is x < 0.5.
fn fence(directions: Directions) -> RuleKind {
    RuleKind::LineCrossing(LineCrossing {
        line: Line {
            name: ZoneName::new("fence").expect("name"),
            points: points(&[(0.5, 0.2), (0.5, 0.5), (0.5, 0.8)]),
        },
        directions,
        hysteresis_heights: 0.1,
    })
}

/// The left half of the picture.
fn zone() -> Zone {
    Zone {
        name: ZoneName::new("yard").expect("name"),
        points: points(&[(0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)]),
    }
}

fn running(metres_per_second: f32) -> RuleKind {
    RuleKind::Running(Running {
        zone: None,
        metres_per_second,
        body_heights_per_second: 1.5,
        hold: Duration::from_millis(500),
    })
}

/// A confirmed and seen person whose feet stand at (x, y), 0.2 picture heights tall.
fn person(id: u64, x: f32, y: f32) -> Track {
    Track {
        id: TrackId(id),
        class: Arc::from("person"),
        score: 0.9,
        box_in_frame: Rect {
            left: x - 0.025,
            top: y - 0.2,
            width: 0.05,
            height: 0.2,
        },
        velocity_per_second: Point::default(),
        confirmed: true,
        seen_now: true,
    }
}

struct Scene {
    rules: RuleSet,
    said: Vec<(u64, Finding)>,
}

impl Scene {
    fn new(kind: RuleKind) -> Self {
        Self::with(&rule(kind), None)
    }

    fn with(config: &RuleConfig, calibration: Option<&Calibration>) -> Self {
        Self {
            rules: RuleSet::new(std::slice::from_ref(config), calibration),
            said: Vec::new(),
        }
    }

    fn frame(&mut self, millis: u64, tracks: &[Track]) -> &mut Self {
        let found = self
            .rules
            .update(Duration::from_millis(millis), PICTURE, tracks);
        self.said
            .extend(found.into_iter().map(|finding| (millis, finding)));
        self
    }

    /// One person's feet, one place every 100 ms.
    fn walk(&mut self, id: u64, places: &[(f32, f32)]) -> &mut Self {
        for (index, (x, y)) in places.iter().enumerate() {
            self.frame(100 * index as u64, &[person(id, *x, *y)]);
        }
        self
    }

    fn phases(&self) -> Vec<(u64, Phase)> {
        self.said
            .iter()
            .map(|(at, finding)| (*at, finding.phase))
            .collect()
    }

    fn directions(&self) -> Vec<Direction> {
        self.said
            .iter()
            .filter(|(_, f)| f.phase == Phase::Started)
            .filter_map(|(_, f)| f.detail.direction)
            .collect()
    }
}

/// The whole picture is 20 m wide and 10 m deep.
fn ground() -> Calibration {
    let corners = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)].map(|(x, y)| Point { x, y });
    Calibration {
        picture: corners,
        ground_metres: corners.map(|p| Point {
            x: 20.0 * p.x,
            y: 10.0 * p.y,
        }),
    }
}

fn all_rules() -> Vec<RuleConfig> {
    vec![
        rule(fence(Directions::Both)),
        rule(RuleKind::ZoneIntrusion(ZoneIntrusion {
            zone: zone(),
            dwell: Duration::ZERO,
        })),
        rule(RuleKind::Loitering(Loitering {
            zone: zone(),
            after: Duration::from_secs(1),
        })),
        rule(RuleKind::Crowding(Crowding {
            zone: zone(),
            count: 2,
            hold: Duration::ZERO,
        })),
        rule(running(2.0)),
    ]
}

#[test]
fn finish_ends_whatever_stands_and_forgets_the_tracks() {
    let mut rules = RuleSet::new(&all_rules(), None);
    rules.update(
        Duration::ZERO,
        PICTURE,
        &[person(1, 0.6, 0.6), person(2, 0.2, 0.6)],
    );
    let started = rules.update(
        Duration::from_secs(1),
        PICTURE,
        &[person(1, 0.4, 0.6), person(2, 0.2, 0.6)],
    );
    assert!(started.iter().any(|f| f.kind == EventKind::LINE_CROSSED));
    assert!(rules.has_open());
    let ended = rules.finish(Duration::from_secs(2));
    assert_eq!(
        ended.len(),
        5,
        "line, two intrusions, one loiterer, the crowd: {ended:?}"
    );
    assert!(ended.iter().all(|f| f.phase == Phase::Ended));
    assert!(!rules.has_open());
    assert_eq!(rules.update(Duration::ZERO, PICTURE, &[]), []);
}

#[test]
fn tracks_that_come_and_go_leave_nothing_behind() {
    let mut rules = RuleSet::new(&all_rules(), None);
    let mut at = Duration::ZERO;
    for id in 0..5_000 {
        at += Duration::from_millis(100);
        rules.update(at, PICTURE, &[person(id, 0.25, 0.6)]);
        // Forgotten ten seconds after they were last listed: 100 of them and the present one.
        assert!(rules.remembered() <= 101, "{}", rules.remembered());
    }
    rules.update(at + Duration::from_secs(11), PICTURE, &[]);
    assert_eq!(rules.remembered(), 0);
    assert!(!rules.has_open());
}

fn any_number() -> impl Strategy<Value = f32> {
    prop_oneof![8 => -0.2_f32..1.2, 1 => Just(f32::NAN), 1 => Just(f32::INFINITY), 1 => Just(-1e38_f32)]
}

proptest! {
    #[test]
    fn whatever_comes_every_incident_starts_once_and_ends_once(
        frames in prop::collection::vec(
            (0_u64..900, prop::collection::vec((0_u64..5, any_number(), any_number(), any_number(), any::<bool>(), any::<bool>()), 0..6)),
            1..40,
        ),
        calibrated in any::<bool>(),
    ) {
        let calibration = ground();
        let mut rules = RuleSet::new(&all_rules(), calibrated.then_some(&calibration));
        let (mut at, mut said) = (Duration::ZERO, Vec::new());
        for (step, tracks) in frames {
            at += Duration::from_millis(step);
            let tracks: Vec<Track> = tracks
                .into_iter()
                .map(|(id, left, top, height, confirmed, seen_now)| Track {
                    box_in_frame: Rect { left, top, width: 0.1, height },
                    confirmed,
                    seen_now,
                    ..person(id, 0.5, 0.5)
                })
                .collect();
            said.extend(rules.update(at, PICTURE, &tracks));
        }
        said.extend(rules.finish(at));
        let mut open = std::collections::BTreeSet::new();
        let mut highest = 0;
        for finding in &said {
            match finding.phase {
                Phase::Started => {
                    prop_assert!(finding.incident > highest, "keys rise");
                    highest = finding.incident;
                    open.insert(finding.incident);
                }
                Phase::Updated => prop_assert!(open.contains(&finding.incident)),
                Phase::Ended => prop_assert!(open.remove(&finding.incident)),
            }
            prop_assert!(finding.objects.iter().all(|o| o.box_in_frame.is_sound()));
        }
        prop_assert!(open.is_empty());
    }
}
