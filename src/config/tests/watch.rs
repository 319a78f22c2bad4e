//! Watch mode's keys.

use std::time::Duration;

use super::super::types::{Sensitivity, WatchConfig, WatchMode};
use super::{CAMERA, good, one};

fn watch(text: &str) -> WatchConfig {
    let config = good(text);
    config.cameras.values().next().expect("camera").watch
}

#[test]
fn a_camera_may_sleep_and_a_recording_is_always_decoded_unless_told_otherwise() {
    let wanted = WatchConfig {
        mode: WatchMode::Watch,
        ..WatchConfig::default()
    };
    assert_eq!(watch(CAMERA), wanted);
    let recording = "[[camera]]\nid = \"c\"\nfile = \"a.mp4\"\n";
    assert_eq!(watch(recording).mode, WatchMode::Always);
    let sleeps = format!("{recording}mode = \"watch\"\n");
    assert_eq!(watch(&sleeps).mode, WatchMode::Watch);
}

#[test]
fn watch_mode_is_inherited_key_by_key() {
    let defaults =
        "[defaults]\nmode = \"watch\"\n[defaults.watch]\nquiet_seconds = 30\nring_kib = 100\n";
    let own = "watch = { sensitivity = \"high\", heartbeat_seconds = 2.5 }\n";
    let wanted = WatchConfig {
        mode: WatchMode::Watch,
        sensitivity: Sensitivity::High,
        heartbeat: Duration::from_millis(2_500),
        quiet: Duration::from_secs(30),
        ring_bytes: 100 << 10,
    };
    assert_eq!(watch(&format!("{defaults}{CAMERA}{own}")), wanted);
    let perimeter = format!("{defaults}{CAMERA}mode = \"always\"\n");
    assert_eq!(watch(&perimeter).mode, WatchMode::Always);
}

#[test]
fn wrong_words_and_numbers_are_told_with_their_place() {
    one(&format!("{CAMERA}mode = \"wach\""), "4:8: camera c: `mode`");
    one(
        &format!("{CAMERA}[camera.watch]\nsensitivity = \"most\""),
        "5:15: camera c: watch: `sensitivity`",
    );
    one(
        &format!("{CAMERA}[camera.watch]\nheartbeat_seconds = 0"),
        "5:21: camera c: watch: `heartbeat_seconds`",
    );
    one(
        &format!("{CAMERA}[camera.watch]\nheartbeat = 10"),
        "5:1: camera c: watch: unknown key `heartbeat`",
    );
}
