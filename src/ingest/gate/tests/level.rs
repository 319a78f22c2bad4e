//! What the governor's level leaves.

use super::*;

#[test]
fn in_always_mode_everything_is_decoded_until_the_level_says_otherwise() {
    let mut camera = Camera::always(25);
    let actions = camera.run(60);
    assert!(actions.iter().all(|(_, action)| *action == Action::Follow));
    camera.level = CoverageLevel::QuarterRate;
    let actions = camera.run(60);
    assert!(actions.iter().all(|(_, action)| *action == Action::Follow));
}

#[test]
fn a_camera_that_is_never_to_sleep_is_left_with_its_keyframes_from_the_next_one_on() {
    let mut camera = Camera::always(25);
    camera.next();
    camera.level = CoverageLevel::Keyframes;
    camera.wanted = true;
    let actions = camera.run(60);
    let analysed = looks(&actions);
    assert!(analysed.len() >= 29, "{analysed:?}");
    let apart = |pair: &[Duration]| pair[1] - pair[0] == STEP * 25;
    assert!(analysed.windows(2).all(apart), "{analysed:?}");
    // What is between is held: neither activity nor somebody who is seen wakes it.
    camera.bytes = 40_000;
    let actions = camera.run(20);
    let calm = |action: &Action| matches!(action, Action::Look { .. } | Action::Hold);
    assert!(actions.iter().all(|(_, action)| calm(action)));
    assert_eq!(camera.gate.looked(Change::Local, || false), None);
    assert_eq!(camera.gate.glanced(|| true), None);
}

const SPARSE: [CoverageLevel; 2] = [CoverageLevel::Keyframes, CoverageLevel::Heartbeat];

/// Asleep for long enough to know what is usual, at a level.
fn sparse(level: CoverageLevel) -> Camera {
    let mut camera = Camera::asleep(25);
    camera.run(120);
    camera.level = level;
    camera.run(30);
    camera
}

#[test]
fn at_a_sparse_level_a_camera_in_watch_mode_wakes_as_ever_where_it_is_admitted() {
    for level in SPARSE {
        let mut camera = sparse(level);
        let quiet = camera.run(60);
        assert_eq!(woke(&quiet), None);
        assert!(
            (6..=9).contains(&looks(&quiet).len()),
            "{:?}",
            looks(&quiet)
        );
        let from = STEP * camera.number;
        camera.bytes = 8_000;
        let (at, reason) = woke(&camera.run(3)).expect("woken");
        assert_eq!(reason, WakeReason::Stream);
        assert!(
            at - from <= Duration::from_secs(1),
            "{level:?}: {:?}",
            at - from
        );
        let mut camera = sparse(level);
        camera.wanted = true;
        assert_eq!(
            woke(&camera.run(1)).map(|woken| woken.1),
            Some(WakeReason::Detector)
        );
        let woken = sparse(level).gate.looked(Change::Local, || false);
        assert_eq!(woken, Some((WakeReason::Picture, Rewind::Current)));
    }
}

#[test]
fn who_is_not_admitted_is_glanced_at_from_the_next_keyframe_on_and_wakes_once_there_is_a_place() {
    for level in SPARSE {
        let mut camera = sparse(level);
        (camera.crowded, camera.bytes) = (true, 8_000);
        let actions = camera.run(4);
        assert_eq!(woke(&actions), None);
        assert!(!looks(&actions).is_empty(), "{level:?}");
        // The detector found somebody: each keyframe counts.
        camera.wanted = true;
        let actions = camera.run(20);
        assert_eq!(woke(&actions), None);
        assert!(looks(&actions).len() >= 9, "{:?}", looks(&actions));
        let refused = Answers {
            wanted: true,
            admits: false,
            plenty: true,
        };
        assert_eq!(camera.gate.glanced(refused), None);
        camera.crowded = false;
        let (_, reason) = woke(&camera.run(1)).expect("woken");
        assert_eq!(reason, WakeReason::Detector);
    }
}

#[test]
fn an_awake_camera_whose_place_is_gone_sleeps_from_its_next_keyframe_on() {
    let mut camera = sparse(CoverageLevel::Heartbeat);
    camera.wanted = true;
    camera.run(10);
    assert!(camera.gate.is_awake());
    camera.crowded = true;
    let actions = camera.run(3);
    let asleep = actions
        .iter()
        .position(|(_, action)| *action != Action::Follow);
    let (at, action) = actions[asleep.expect("it sleeps")];
    assert_eq!(action, Action::Sleep { analyse: true });
    assert!((at.as_millis() / 80).is_multiple_of(25));
}

#[test]
fn a_look_that_was_put_off_is_owed_at_the_next_keyframe_and_no_group_is_decoded_instead() {
    for level in CoverageLevel::ALL {
        let mut camera = Camera::asleep(50);
        camera.run(120);
        camera.level = level;
        let mut looks = 0;
        for _ in 0..1_000 {
            let (_, action) = camera.next();
            let key = (camera.number - 1).is_multiple_of(50);
            assert_ne!(action, Action::CatchUp);
            if looks > 0 && key {
                assert_eq!(action, Action::Look { analyse: true });
                assert_eq!(camera.gate.urgency(), Urgency::Due);
            }
            if action == (Action::Look { analyse: true }) {
                let urgency = camera.gate.urgency();
                camera.gate.put_off(urgency);
                looks += 1;
            }
        }
        assert!(looks >= 18, "{level:?}: {looks}");
    }
}

#[test]
fn keyframes_that_come_too_often_are_not_all_looked_at() {
    for gop in [1, 3, 8] {
        let mut camera = Camera::always(gop);
        camera.level = CoverageLevel::Keyframes;
        let looks = looks(&camera.run(60));
        assert!((45..=80).contains(&looks.len()), "{gop}: {}", looks.len());
    }
}

#[test]
fn a_camera_left_with_a_heartbeat_is_looked_at_once_in_each_and_holds_nothing() {
    let mut camera = Camera::always(25);
    camera.level = CoverageLevel::Heartbeat;
    let actions = camera.run(120);
    let times = looks(&actions);
    assert!((12..=16).contains(&times.len()), "{times:?}");
    let most = times.windows(2).map(|pair| pair[1] - pair[0]).max();
    assert!(most <= Some(policy().heartbeat + JITTER), "{most:?}");
    assert!(actions.iter().all(|(_, action)| *action != Action::Hold));
}

#[test]
fn a_camera_that_gets_its_rate_back_is_decoded_from_the_keyframe_that_is_held() {
    let mut camera = Camera::always(25);
    camera.level = CoverageLevel::Keyframes;
    camera.run(10);
    camera.level = CoverageLevel::Full;
    let wake = Action::Wake(WakeReason::LoadRecovered, Rewind::Current);
    assert_eq!(camera.next().1, wake);
    assert_eq!(camera.next().1, Action::Follow);
}

#[test]
fn where_pictures_are_missing_it_waits_for_the_next_keyframe() {
    let lost: [fn(&mut Camera); 3] = [
        |camera| assert!(camera.gate.overflows()),
        |camera| {
            camera.number += 1_000;
            camera.next();
        },
        |camera| {
            camera.level = CoverageLevel::Heartbeat;
            camera.run(10);
        },
    ];
    for (number, lose) in lost.into_iter().enumerate() {
        // In watch mode a heartbeat holds what is between its keyframes.
        let cameras = [(Camera::always(25), "always"), (Camera::new(25), "watch")];
        for (mut camera, mode) in cameras.into_iter().take(3 - number) {
            camera.level = CoverageLevel::Keyframes;
            camera.run(10);
            camera.next();
            lose(&mut camera);
            camera.level = CoverageLevel::Full;
            let actions = camera.run(4);
            let first = actions
                .iter()
                .position(|(_, action)| *action != Action::Skip);
            let (at, action) = actions[first.expect("a keyframe")];
            assert!((at.as_millis() / 80).is_multiple_of(25), "{mode} at {at:?}");
            let recovered = Action::Wake(WakeReason::LoadRecovered, Rewind::Current);
            assert_eq!(action == recovered, mode == "always", "{action:?}");
        }
    }
}
