//! Line crossing.

use super::*;
use crate::model::event::Direction;

#[test]
fn walking_to_smaller_x_over_a_line_drawn_downwards_is_left_to_right() {
    let mut scene = Scene::new(fence(Directions::Both));
    scene.walk(7, &[(0.7, 0.6), (0.55, 0.6), (0.45, 0.6), (0.4, 0.6)]);
    assert_eq!(scene.phases(), [(200, Phase::Started)]);
    assert_eq!(scene.directions(), [Direction::LeftToRight]);
    let said = &scene.said[0].1;
    assert_eq!(
        (said.kind, said.severity),
        (EventKind::LINE_CROSSED, Severity::Alarm)
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
    let mut both = Scene::new(fence(Directions::Both));
    both.walk(1, &there_and_back);
    assert_eq!(
        both.directions(),
        [Direction::LeftToRight, Direction::RightToLeft]
    );
    assert_eq!((both.said[0].1.incident, both.said[1].1.incident), (1, 2));
    let mut one = Scene::new(fence(Directions::RightToLeft));
    one.walk(1, &there_and_back);
    assert_eq!(one.directions(), [Direction::RightToLeft]);
}

#[test]
fn a_flicker_over_the_line_is_no_crossing_and_jitter_on_it_at_most_one() {
    let mut flicker = Scene::new(fence(Directions::Both));
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
    let mut jitter = Scene::new(fence(Directions::Both));
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
    let mut scene = Scene::new(fence(Directions::Both));
    scene.walk(1, &[(0.6, 0.6), (0.6, 0.95), (0.4, 0.95), (0.4, 0.6)]);
    assert_eq!(scene.phases(), []);
}

#[test]
fn two_people_at_once_are_two_crossings() {
    let mut scene = Scene::new(fence(Directions::Both));
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
    let mut scene = Scene::new(fence(Directions::Both));
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
    let mut scene = Scene::new(fence(Directions::Both));
    scene.frame(0, &[person(1, 0.6, 0.6), dog(0.6)]);
    scene
        .frame(100, &[predicted(0.4), dog(0.4)])
        .frame(200, &[predicted(0.3), dog(0.3)]);
    assert_eq!(scene.phases(), []);
    scene.frame(300, &[person(1, 0.3, 0.6)]);
    assert_eq!(scene.phases(), [(300, Phase::Started)]);
}

#[test]
fn a_known_id_that_comes_back_after_it_was_forgotten_begins_anew() {
    let mut scene = Scene::new(fence(Directions::Both));
    scene
        .frame(0, &[person(1, 0.6, 0.6)])
        .frame(10_001, &[])
        .frame(10_100, &[person(1, 0.4, 0.6)]);
    assert_eq!(scene.phases(), []);
}
