//! What the governor's levels leave of a real stream: 40 s, a keyframe every 20 pictures.

use super::*;

const B_PICTURES: &str =
    "x264enc key-int-max=20 option-string=scenecut=0:b-adapt=0 bframes=2 bitrate=400 ! h264parse";

/// Full for 100 pictures, then `level` for 205, then full again; in always mode.
fn between(path: &Path, level: CoverageLevel) -> Seen {
    let observer = Observer {
        levels: vec![(100, level), (305, CoverageLevel::Full)],
        ..Observer::default()
    };
    play(path, WatchConfig::default(), observer)
}

fn seconds(times: &[Duration]) -> Vec<u64> {
    times.iter().map(Duration::as_secs).collect()
}

#[test]
fn a_camera_that_is_never_to_sleep_is_left_with_its_keyframes_and_gets_all_back() {
    for tail in [H264, B_PICTURES] {
        let (_folder, path) = filmed(&Scene::quiet(40), tail);
        let full = play(&path, WatchConfig::default(), Observer::default());
        assert_eq!((full.frames.len(), full.undecoded()), (400, 0));
        let seen = between(&path, CoverageLevel::Keyframes);
        assert_true_to(&full, &seen);
        assert_eq!(
            seconds(&seen.probes),
            [10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30],
            "{tail}"
        );
        assert_eq!(wakes(&seen), [WakeReason::LoadRecovered]);
        assert_eq!(count_asleep(&seen), 1);
        // Nothing of the groups between was decoded, and all of the one in which it got its rate
        // back.
        assert_eq!(seen.undecoded(), 190, "{tail}");
        assert_eq!(seen.frames.len(), 100 + 100, "{tail}");
        assert_eq!(seen.frames[100].0, Duration::from_secs(30));
        assert_eq!(seen.frames.last(), full.frames.last());
        assert_eq!(seen.keys_apart, Duration::from_secs(2));
    }
}

#[test]
fn a_camera_left_with_a_heartbeat_is_decoded_once_in_each_and_from_a_keyframe_on_afterwards() {
    let (_folder, path) = filmed(&Scene::quiet(40), H264);
    let full = play(&path, WatchConfig::default(), Observer::default());
    let seen = between(&path, CoverageLevel::Heartbeat);
    assert_true_to(&full, &seen);
    // The second is early, so that cameras that lose their rates together are not looked at together.
    assert_eq!(seconds(&seen.probes), [10, 14, 22, 30]);
    assert_eq!(wakes(&seen), [WakeReason::LoadRecovered]);
    assert_eq!(seen.frames.len(), 100 + 80);
    assert_eq!(seen.frames[100].0, Duration::from_secs(32));
    assert_eq!(seen.undecoded(), 220 - 4);
}

/// Somebody walks from 25 s to 33 s; the level leaves keyframes from 20 s to 28.5 s.
fn walk_at_keyframes(crowded: bool) -> (Seen, Duration) {
    let scene = Scene {
        seconds: 60,
        walk: 25..33,
    };
    let (_folder, path) = filmed(&scene, VBR);
    let full = play(&path, WatchConfig::default(), Observer::default());
    let observer = Observer {
        levels: vec![
            (200, CoverageLevel::Keyframes),
            (285, CoverageLevel::HalfRate),
        ],
        crowded,
        ..Observer::default()
    };
    let seen = play(&path, watching(), observer);
    assert_true_to(&full, &seen);
    assert_eq!(wakes(&seen).len(), 2, "{:?}", seen.notes);
    let first = seen.frames[seen.woke_before[1]].0;
    (seen, first)
}

#[test]
fn a_camera_in_watch_mode_is_followed_from_before_it_woke_whatever_the_level() {
    let (seen, first) = walk_at_keyframes(false);
    assert_eq!(wakes(&seen)[1], WakeReason::Stream);
    assert!((24..=25).contains(&first.as_secs()), "{first:?}");
}

#[test]
fn where_there_is_no_place_to_be_awake_it_is_probed_until_the_level_is_better() {
    let (seen, first) = walk_at_keyframes(true);
    assert_ne!(wakes(&seen)[1], WakeReason::LoadRecovered);
    assert!(
        (26..=29).contains(&first.as_secs()),
        "it was held back: {first:?}"
    );
    // The detector looked at the keyframes that showed somebody.
    let looked = seconds(&seen.probes);
    assert!(looked.contains(&26) && looked.contains(&28), "{looked:?}");
}

#[test]
fn what_does_not_fit_while_only_keyframes_are_looked_at_is_let_go_and_not_decoded() {
    let (_folder, path) = filmed(&Scene::quiet(40), H264);
    let full = play(&path, WatchConfig::default(), Observer::default());
    let observer = Observer {
        levels: vec![(100, CoverageLevel::Keyframes), (305, CoverageLevel::Full)],
        ..Observer::default()
    };
    let watch = WatchConfig {
        ring_bytes: 1,
        ..WatchConfig::default()
    };
    let seen = play(&path, watch, observer);
    assert_true_to(&full, &seen);
    assert_eq!(seen.spilled(), 0);
    assert_eq!(seen.probes.len(), 11);
    // Nothing was held, so it goes on at the next keyframe.
    assert_eq!(seen.frames[100].0, Duration::from_secs(32));
    assert_eq!(seen.frames.len(), 100 + 80);
}
