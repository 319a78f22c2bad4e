//! The daemon's pipeline on the drawn clip: the events its truth file expects, and twice the same.

use std::path::Path;
use std::process::Command;

fn replay() -> (String, String) {
    let run = Command::new(env!("CARGO_BIN_EXE_parapet"))
        .args([
            "replay",
            "testdata/clips/demo.mp4",
            "--config",
            "testdata/demo.toml",
        ])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .output()
        .expect("ran");
    let error = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(run.status.success(), "{error}");
    (String::from_utf8(run.stdout).expect("UTF-8"), error)
}

#[test]
fn the_drawn_clip_gives_its_expected_events_and_the_same_bytes_twice() {
    let (first, summary) = replay();
    assert!(summary.contains("500 frames decoded"), "{summary}");
    let started: Vec<(String, f64)> = first
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"))
        .filter(|event| event["phase"] == "started")
        .map(|event| {
            let seconds = event["occurred"]["utc"].as_i64().expect("time") as f64 / 1e6;
            (event["kind"].as_str().expect("kind").to_owned(), seconds)
        })
        .collect();
    let wanted = [
        ("line_crossed", 4.2),
        ("zone_intrusion", 10.0),
        ("crowding", 22.0),
        ("running", 31.1),
    ];
    assert_eq!(started.len(), wanted.len(), "{started:?}");
    for ((kind, at), (wanted_kind, wanted_at)) in started.iter().zip(wanted) {
        assert!(
            kind == wanted_kind && (at - wanted_at).abs() <= 1.0,
            "{started:?}"
        );
    }
    assert_eq!(first, replay().0, "two replays differ");
}

#[test]
fn a_broken_recording_and_a_bad_configuration_are_named() {
    let folder = tempfile::tempdir().expect("folder");
    let broken = folder.path().join("broken.mp4");
    std::fs::write(&broken, vec![0x55; 4_096]).expect("written");
    let run = |args: &[&str]| {
        let run = Command::new(env!("CARGO_BIN_EXE_parapet"))
            .args(args)
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
            .output()
            .expect("ran");
        (
            run.status.code(),
            String::from_utf8_lossy(&run.stderr).into_owned(),
        )
    };
    let (code, error) = run(&[
        "replay",
        broken.to_str().expect("path"),
        "--config",
        "testdata/demo.toml",
    ]);
    assert!(
        code == Some(1) && error.contains("broken.mp4"),
        "{code:?} {error}"
    );
    let config = folder.path().join("parapet.toml");
    std::fs::write(&config, "[site]\nname = \"a b\"\n[nod]\n").expect("written");
    let (code, error) = run(&["check", config.to_str().expect("path")]);
    assert_eq!(code, Some(64), "{error}");
    assert!(
        error.contains("parapet.toml:2") && error.contains("parapet.toml:3"),
        "{error}"
    );
}
