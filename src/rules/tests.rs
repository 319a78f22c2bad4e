//! The rules as a camera sees them: tracks in, findings out.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::config::types::{Anchor, Directions, Line, Zone};
use crate::model::event::Direction;
use crate::model::geometry::{Point, Rect};
use crate::model::ids::TrackId;

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
fn line(directions: Directions) -> RuleKind {
    RuleKind::LineCrossing {
        line: Line {
            name: ZoneName::new("fence").expect("name"),
            points: points(&[(0.5, 0.2), (0.5, 0.5), (0.5, 0.8)]),
        },
        directions,
        hysteresis_heights: 0.1,
    }
}

/// The left half of the picture.
fn zone() -> Zone {
    Zone {
        name: ZoneName::new("yard").expect("name"),
        points: points(&[(0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)]),
    }
}

fn running(metres_per_second: f32) -> RuleKind {
    RuleKind::Running {
        zone: None,
        metres_per_second,
        body_heights_per_second: 1.5,
        hold: Duration::from_millis(500),
    }
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

#[test]
fn walking_to_smaller_x_over_a_line_drawn_downwards_is_left_to_right() {
    let mut scene = Scene::new(line(Directions::Both));
    scene.walk(7, &[(0.7, 0.6), (0.55, 0.6), (0.45, 0.6), (0.4, 0.6)]);
    assert_eq!(scene.phases(), [(200, Phase::Started)]);
    assert_eq!(scene.directions(), [Direction::LeftToRight]);
    let said = &scene.said[0].1;
    assert_eq!(
        (said.kind, said.severity),
        (EventKind::LineCrossed, Severity::Alarm)
    );
    assert_eq!(said.objects[0].track, TrackId(7));
    assert_eq!(said.zone.as_ref().map(ZoneName::as_str), Some("fence"));
    scene.frame(2199, &[]).frame(2200, &[]);
    assert_eq!(
        scene.phases(),
        [(200, Phase::Started), (2200, Phase::Ended)]
    );
    assert_eq!(
        scene.said[1].1.detail.direction,
        Some(Direction::LeftToRight)
    );
    assert!(!scene.rules.has_open());
}

#[test]
fn only_the_watched_direction_is_told_and_crossing_back_is_a_new_incident() {
    let there_and_back = [(0.7, 0.6), (0.4, 0.6), (0.7, 0.6)];
    let mut both = Scene::new(line(Directions::Both));
    both.walk(1, &there_and_back);
    assert_eq!(
        both.directions(),
        [Direction::LeftToRight, Direction::RightToLeft]
    );
    assert_eq!((both.said[0].1.incident, both.said[1].1.incident), (1, 2));
    let mut one = Scene::new(line(Directions::RightToLeft));
    one.walk(1, &there_and_back);
    assert_eq!(one.directions(), [Direction::RightToLeft]);
}

#[test]
fn a_flicker_over_the_line_is_no_crossing_and_jitter_on_it_at_most_one() {
    let mut flicker = Scene::new(line(Directions::Both));
    flicker.walk(
        1,
        &[
            (0.6, 0.6),
            (0.495, 0.6),
            (0.6, 0.6),
            (0.495, 0.6),
            (0.505, 0.6),
        ],
    );
    assert_eq!(flicker.phases(), []);
    let mut jitter = Scene::new(line(Directions::Both));
    jitter.walk(
        1,
        &[
            (0.6, 0.6),
            (0.499, 0.6),
            (0.501, 0.6),
            (0.499, 0.6),
            (0.501, 0.6),
            (0.4, 0.6),
        ],
    );
    assert_eq!(jitter.directions(), [Direction::LeftToRight]);
}

#[test]
fn a_walk_around_the_end_of_the_line_is_no_crossing() {
    let mut scene = Scene::new(line(Directions::Both));
    scene.walk(1, &[(0.6, 0.6), (0.6, 0.95), (0.4, 0.95), (0.4, 0.6)]);
    assert_eq!(scene.phases(), []);
}

#[test]
fn two_people_at_once_are_two_crossings() {
    let mut scene = Scene::new(line(Directions::Both));
    scene.frame(0, &[person(1, 0.6, 0.6), person(2, 0.4, 0.4)]);
    scene.frame(100, &[person(1, 0.4, 0.6), person(2, 0.6, 0.4)]);
    assert_eq!(
        scene.directions(),
        [Direction::LeftToRight, Direction::RightToLeft]
    );
}

#[test]
fn a_crossing_made_while_tentative_counts_once_the_track_is_confirmed_and_only_then() {
    let tentative = |x| Track {
        confirmed: false,
        ..person(1, x, 0.6)
    };
    let mut scene = Scene::new(line(Directions::Both));
    scene
        .frame(0, &[tentative(0.6)])
        .frame(100, &[tentative(0.4)])
        .frame(200, &[tentative(0.35)]);
    assert_eq!(scene.phases(), []);
    scene
        .frame(300, &[person(1, 0.3, 0.6)])
        .frame(400, &[person(1, 0.3, 0.6)]);
    assert_eq!(scene.phases(), [(300, Phase::Started)]);
}

#[test]
fn a_predicted_box_crosses_nothing_and_another_class_does_not_count() {
    let predicted = |x| Track {
        seen_now: false,
        ..person(1, x, 0.6)
    };
    let dog = |x| Track {
        class: Arc::from("dog"),
        ..person(2, x, 0.6)
    };
    let mut scene = Scene::new(line(Directions::Both));
    scene.frame(0, &[person(1, 0.6, 0.6), dog(0.6)]);
    scene
        .frame(100, &[predicted(0.4), dog(0.4)])
        .frame(200, &[predicted(0.3), dog(0.3)]);
    assert_eq!(scene.phases(), []);
    scene.frame(300, &[person(1, 0.3, 0.6)]);
    assert_eq!(scene.phases(), [(300, Phase::Started)]);
}

#[test]
fn an_intrusion_needs_its_dwell_is_updated_at_its_pace_and_ends_after_it_cleared() {
    let mut scene = Scene::new(RuleKind::ZoneIntrusion {
        zone: zone(),
        dwell: Duration::from_secs(1),
    });
    for tick in 0..=70 {
        scene.frame(tick * 100, &[person(3, 0.25, 0.6)]);
    }
    for tick in 71..=100 {
        scene.frame(tick * 100, &[person(3, 0.75, 0.6)]);
    }
    assert_eq!(
        scene.phases(),
        [
            (1000, Phase::Started),
            (6000, Phase::Updated),
            (9000, Phase::Ended)
        ]
    );
    let dwell: Vec<_> = scene
        .said
        .iter()
        .map(|(_, f)| f.detail.dwell_millis)
        .collect();
    assert_eq!(dwell, [Some(1000), Some(6000), Some(7000)]);
    assert!(scene.said.iter().all(|(_, f)| f.incident == 1));
}

#[test]
fn leaving_restarts_the_dwell_of_an_intrusion_but_not_that_of_loitering() {
    let brief = |scene: &mut Scene| {
        for tick in 0..=20_u64 {
            let x = if (5..10).contains(&tick) { 0.75 } else { 0.25 };
            scene.frame(tick * 100, &[person(1, x, 0.6)]);
        }
    };
    let mut intrusion = Scene::new(RuleKind::ZoneIntrusion {
        zone: zone(),
        dwell: Duration::from_millis(1500),
    });
    brief(&mut intrusion);
    assert_eq!(intrusion.phases(), []);
    let mut loitering = Scene::new(RuleKind::Loitering {
        zone: zone(),
        after: Duration::from_millis(1500),
    });
    brief(&mut loitering);
    assert_eq!(loitering.phases(), [(1500, Phase::Started)]);
}

#[test]
fn a_lost_track_ends_its_incident_after_clear_after_even_when_nobody_lists_it() {
    let mut scene = Scene::new(RuleKind::ZoneIntrusion {
        zone: zone(),
        dwell: Duration::ZERO,
    });
    scene
        .frame(0, &[person(1, 0.25, 0.6)])
        .frame(1900, &[])
        .frame(2000, &[])
        .frame(2100, &[]);
    assert_eq!(scene.phases(), [(0, Phase::Started), (2000, Phase::Ended)]);
}

#[test]
fn a_crowd_is_held_counted_updated_and_ended() {
    let mut scene = Scene::new(RuleKind::Crowding {
        zone: zone(),
        count: 3,
        hold: Duration::from_secs(1),
    });
    let crowd = |n: u64| {
        (0..n)
            .map(|id| person(id, 0.05 + 0.03 * id as f32, 0.6))
            .collect::<Vec<_>>()
    };
    for tick in 0..=110_u64 {
        let n = match tick {
            0..=19 => 3,
            20..=79 => 5,
            _ => 1,
        };
        scene.frame(tick * 100, &crowd(n));
    }
    let told: Vec<_> = scene
        .said
        .iter()
        .map(|(at, f)| (*at, f.phase, f.detail.count.unwrap_or(0), f.objects.len()))
        .collect();
    // The missing four still count for the grace of 0.5 s, hence the clear begins at 8.5 s.
    assert_eq!(
        told,
        [
            (1000, Phase::Started, 3, 3),
            (6000, Phase::Updated, 5, 5),
            (10_400, Phase::Ended, 1, 1)
        ]
    );
}

#[test]
fn a_crowd_of_unconfirmed_tracks_is_none_and_a_hidden_head_still_counts_for_a_moment() {
    let kind = || RuleKind::Crowding {
        zone: zone(),
        count: 2,
        hold: Duration::from_secs(1),
    };
    let mut scene = Scene::new(kind());
    let ghost = Track {
        confirmed: false,
        ..person(2, 0.3, 0.6)
    };
    for tick in 0..20 {
        scene.frame(tick * 100, &[person(1, 0.2, 0.6), ghost.clone()]);
    }
    assert_eq!(scene.phases(), []);
    let mut hidden = Scene::new(kind());
    for tick in 0..=10_u64 {
        let behind = Track {
            seen_now: tick % 4 == 0,
            ..person(2, 0.3, 0.6)
        };
        hidden.frame(tick * 100, &[person(1, 0.2, 0.6), behind]);
    }
    assert_eq!(hidden.phases(), [(1000, Phase::Started)]);
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

#[test]
fn running_is_measured_over_the_ground_where_calibrated() {
    let go = |metres_per_second: f32| {
        let mut scene = Scene::with(&rule(running(3.0)), Some(&ground()));
        for tick in 0..20_u64 {
            let x = 0.1 + metres_per_second / 20.0 * 0.1 * tick as f32;
            scene.frame(tick * 100, &[person(1, x, 0.6)]);
        }
        scene
    };
    assert_eq!(go(1.5).phases(), []);
    let fast = go(5.0);
    // 0.3 s until there is a speed, then held for 0.5 s.
    assert_eq!(fast.phases(), [(800, Phase::Started)]);
    let object = &fast.said[0].1.objects[0];
    assert!((object.speed_mps.expect("speed") - 5.0).abs() < 0.01);
    assert!((object.ground_metres.expect("ground").y - 6.0).abs() < 0.01);
    assert_eq!(fast.said[0].1.detail.body_heights_per_second, None);
}

#[test]
fn running_is_measured_in_body_heights_where_not_calibrated() {
    // 0.2 picture widths a second are 0.2 * 16/9 / 0.2 = 1.78 body heights.
    let mut scene = Scene::new(running(99.0));
    for tick in 0..20_u64 {
        scene.frame(
            tick * 100,
            &[
                person(1, 0.1 + 0.02 * tick as f32, 0.6),
                person(2, 0.1 + 0.01 * tick as f32, 0.9),
            ],
        );
    }
    assert_eq!(scene.phases(), [(800, Phase::Started)]);
    let said = &scene.said[0].1;
    assert_eq!(said.objects[0].track, TrackId(1));
    assert_eq!(said.objects[0].speed_mps, None);
    assert!((said.detail.body_heights_per_second.expect("speed") - 1.78).abs() < 0.01);
}

fn all_rules() -> Vec<RuleConfig> {
    vec![
        rule(line(Directions::Both)),
        rule(RuleKind::ZoneIntrusion {
            zone: zone(),
            dwell: Duration::ZERO,
        }),
        rule(RuleKind::Loitering {
            zone: zone(),
            after: Duration::from_secs(1),
        }),
        rule(RuleKind::Crowding {
            zone: zone(),
            count: 2,
            hold: Duration::ZERO,
        }),
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
    assert!(started.iter().any(|f| f.kind == EventKind::LineCrossed));
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

#[test]
fn a_known_id_that_comes_back_after_it_was_forgotten_begins_anew() {
    let mut scene = Scene::new(line(Directions::Both));
    scene
        .frame(0, &[person(1, 0.6, 0.6)])
        .frame(10_001, &[])
        .frame(10_100, &[person(1, 0.4, 0.6)]);
    assert_eq!(scene.phases(), []);
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
