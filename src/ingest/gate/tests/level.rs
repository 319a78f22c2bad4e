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
fn a_camera_left_with_keyframes_is_followed_to_the_next_one_and_looked_at_from_there_on() {
    let cameras = [Camera::always(25), Camera::new(25), Camera::asleep(25)];
    for (number, mut camera) in cameras.into_iter().enumerate() {
        camera.next();
        camera.level = CoverageLevel::Keyframes;
        camera.wanted = true;
        let actions = camera.run(60);
        let key = |action: &Action| {
            matches!(
                action,
                Action::Look { .. } | Action::Sleep { .. } | Action::Keep
            )
        };
        let keys = actions.iter().filter(|(_, action)| key(action));
        let keys: Vec<Duration> = keys.map(|(at, _)| *at).collect();
        assert!(keys.len() >= 29, "{keys:?}");
        assert!(keys.windows(2).all(|pair| pair[1] - pair[0] == STEP * 25));
        // In watch mode the detector looks no more often than while the camera sleeps by itself.
        let most = if number == 0 { 2 } else { 10 };
        let analysed = looks(&actions);
        for pair in analysed.windows(2) {
            let gap = pair[1] - pair[0];
            assert!(gap <= Duration::from_secs(most) + JITTER, "{gap:?}");
        }
        assert_eq!(analysed.len() == keys.len(), number == 0, "{analysed:?}");
        // What is between is held: neither activity nor somebody who is seen wakes it.
        camera.bytes = 40_000;
        let actions = camera.run(20);
        let calm =
            |action: &Action| matches!(action, Action::Look { .. } | Action::Keep | Action::Hold);
        assert!(actions.iter().all(|(_, action)| calm(action)));
        // But the detector is given the keyframes while something moves.
        assert!(looks(&actions).len() >= 5, "{:?}", looks(&actions));
        assert_eq!(camera.gate.looked(Change::Local), None);
        assert_eq!(camera.gate.glanced(true), None);
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
    let wake = Action::Wake(WakeReason::Eased, Rewind::Current);
    assert_eq!(camera.next().1, wake);
    assert_eq!(camera.next().1, Action::Follow);
}

#[test]
fn where_pictures_are_missing_it_waits_for_the_next_keyframe() {
    let lost: [fn(&mut Camera); 3] = [
        |camera| {
            camera.level = CoverageLevel::Heartbeat;
            camera.run(10);
        },
        |camera| assert!(camera.gate.overflows()),
        |camera| {
            camera.number += 1_000;
            camera.next();
        },
    ];
    for lose in lost {
        for (mut camera, mode) in [(Camera::always(25), "always"), (Camera::new(25), "watch")] {
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
            let eased = Action::Wake(WakeReason::Eased, Rewind::Current);
            assert_eq!(action == eased, mode == "always", "{action:?}");
        }
    }
}
