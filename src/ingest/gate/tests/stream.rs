//! What the stream itself tells, before anything is decoded.

use super::*;

#[test]
fn until_it_knows_what_is_usual_the_detector_glances_at_every_keyframe() {
    let mut camera = Camera::new(25);
    assert_eq!(looks(&camera.run(20)).len(), 10);
    camera.run(20);
    assert!((2..=3).contains(&looks(&camera.run(20)).len()));
    // A stream of keyframes alone never tells what is usual: one second apart, while there is plenty.
    let mut intra = Camera::new(1);
    let plenty = looks(&intra.run(120)).len();
    assert!((110..=170).contains(&plenty), "{plenty}");
    intra.scarce = true;
    let scarce = looks(&intra.run(60)).len();
    assert!((5..=8).contains(&scarce), "{scarce}");
}

#[test]
fn larger_pictures_wake_it_from_the_current_keyframe_within_two_of_them() {
    let mut camera = Camera::asleep(25);
    camera.next();
    camera.bytes = 8_000;
    let begun = STEP * camera.number;
    let (at, reason) = woke(&camera.run(3)).expect("woken");
    assert_eq!(reason, WakeReason::Stream);
    assert!(at - begun <= STEP * 2, "{begun:?} {at:?}");
}

#[test]
fn where_nothing_stirs_every_other_keyframe_goes_undecoded_and_where_something_does_none() {
    let mut camera = Camera::of(
        25,
        WatchConfig {
            heartbeat: Duration::from_secs(60),
            ..policy()
        },
    );
    camera.run(120);
    let keys = |actions: &[(Duration, Action)]| {
        let count = |wanted: fn(&Action) -> bool| {
            actions.iter().filter(|(_, action)| wanted(action)).count()
        };
        let looked = count(|action| matches!(action, Action::Look { .. }));
        (looked, count(|action| *action == Action::Keep))
    };
    let (looked, kept) = keys(&camera.run(40));
    assert!(
        looked.abs_diff(kept) <= 1,
        "{looked} looked at, {kept} kept"
    );
    assert_eq!(looked + kept, 20);
    camera.stirs = true;
    camera.run(2);
    let stirred = camera.run(40);
    assert!(stirred.iter().all(|(_, action)| *action != Action::CatchUp));
    assert_eq!(keys(&stirred), (20, 0));
}

#[test]
fn where_somebody_would_be_lost_in_noise_no_keyframe_is_left_out_and_each_is_glanced_at_if_there_is_plenty()
 {
    let looks = |bytes, noise, scarce| {
        let mut camera = Camera::asleep(25);
        (camera.bytes, camera.noise, camera.scarce) = (bytes, noise, scarce);
        camera.run(180);
        let actions = camera.run(120);
        let count = |wanted: fn(&Action) -> bool| {
            actions.iter().filter(|(_, action)| wanted(action)).count()
        };
        let glances = count(|action| matches!(action, Action::Look { analyse: true }));
        (
            glances,
            count(|action| matches!(action, Action::Look { .. })),
        )
    };
    let (glances, looked) = looks(1_000, 30, false);
    assert!(glances <= 16 && looked <= 50, "{glances} of {looked}");
    // 4 Mbit/s: what a figure adds is less than pictures differ by.
    assert_eq!(looks(40_000, 8, false), (60, 60));
    let (glances, looked) = looks(40_000, 8, true);
    assert!(glances <= 16 && looked == 60, "{glances} of {looked}");
}

#[test]
fn pictures_that_stay_a_little_larger_are_glanced_at_long_before_the_next_keyframe() {
    let mut camera = Camera::asleep(50);
    camera.run(60);
    let begun = STEP * camera.number;
    camera.bytes = 4_400;
    let (at, _) = camera
        .run(4)
        .into_iter()
        .find(|(_, action)| *action == Action::CatchUp)
        .expect("a glance");
    assert!(at.saturating_sub(begun) < Duration::from_secs(2), "{at:?}");
    assert!(!camera.gate.is_awake());
    // The detector found somebody.
    camera.wanted = true;
    let (_, action) = camera.next();
    assert_eq!(action, Action::Wake(WakeReason::Detector, Rewind::Previous));
}

#[test]
fn a_step_of_the_bitrate_wakes_it_once_and_not_for_ever() {
    let mut camera = Camera::asleep(25);
    camera.bytes = 16_000;
    let actions = camera.run(90);
    assert!(woke(&actions).is_some());
    let last_followed = actions
        .iter()
        .rposition(|(_, action)| *action == Action::Follow)
        .expect("woken");
    let awake = actions[last_followed].0 - actions[0].0;
    assert!(awake < Duration::from_secs(30), "{awake:?}");
}

fn restless(camera: &mut Camera, seconds: u64) -> Vec<(Duration, Action)> {
    let mut actions = Vec::new();
    for _ in 0..seconds * 1_000 / 80 {
        camera.bytes = match camera.number % 10 {
            0..3 => 9_000,
            _ => 4_000,
        };
        actions.push(camera.next());
    }
    actions
}

#[test]
fn a_restless_yard_sleeps_and_the_detector_glances_at_its_keyframes() {
    let mut camera = Camera::new(25);
    restless(&mut camera, 120);
    assert!(!camera.gate.is_awake(), "{:?}", camera.gate.memory.nuisance);
    let actions = restless(&mut camera, 60);
    assert_eq!(woke(&actions), None);
    let glances = actions
        .iter()
        .filter(|(_, action)| *action == Action::Look { analyse: true })
        .count();
    assert!((25..=30).contains(&glances), "{glances} in 30 groups");
    // Somebody who is seen in such a glance wakes it from the keyframe before.
    camera.wanted = true;
    let (_, action) = camera.next();
    assert_eq!(action, Action::Wake(WakeReason::Detector, Rewind::Previous));
    assert!(!camera.gate.memory.nuisance.is_any());
}

#[test]
fn in_a_restless_yard_a_change_far_above_what_is_usual_wakes_it_all_the_same() {
    let mut camera = Camera::new(25);
    restless(&mut camera, 120);
    assert!(!camera.gate.is_awake());
    camera.bytes = 400_000;
    let (_, reason) = woke(&camera.run(1)).expect("woken");
    assert_eq!(reason, WakeReason::Stream);
}

#[test]
fn what_is_suppressed_does_not_wait_for_the_end_of_a_long_group() {
    let mut camera = Camera::new(1_000);
    restless(&mut camera, 200);
    assert!(!camera.gate.is_awake(), "{:?}", camera.gate.memory.nuisance);
    let actions = restless(&mut camera, 60);
    let looks: Vec<_> = actions
        .iter()
        .filter(|(_, action)| matches!(action, Action::CatchUp | Action::Look { .. }))
        .map(|(at, _)| *at)
        .collect();
    let longest = looks.windows(2).map(|pair| pair[1] - pair[0]).max();
    let longest = longest.expect("several");
    assert!(longest <= SUPPRESSED_WAIT + STEP * 10, "{longest:?}");
}
