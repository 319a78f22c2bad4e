//! The daemon's pipeline on the drawn clip: the events its expectation file names, and twice the
//! same; the gate's exit codes and files.

use std::path::Path;
use std::process::{Command, Output};

fn parapet(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_parapet-lab"))
        .args(args)
        .current_dir(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")))
        .output()
        .expect("ran")
}

fn error_of(run: &Output) -> String {
    String::from_utf8_lossy(&run.stderr).into_owned()
}

const CLIP: &str = "testdata/clips/demo.mp4";

#[test]
fn the_drawn_clip_gives_the_same_bytes_twice() {
    let replay = || {
        let run = parapet(&["replay", CLIP, "--config", "testdata/demo.toml"]);
        assert!(run.status.success(), "{}", error_of(&run));
        (run.stdout.clone(), error_of(&run))
    };
    let (first, summary) = replay();
    assert!(summary.contains("500 frames decoded"), "{summary}");
    let lines = String::from_utf8_lossy(&first).lines().count();
    assert!(lines >= 8, "{lines} events");
    assert!(first == replay().0, "two replays differ");
}

#[test]
fn the_drawn_clip_passes_the_gate_with_every_expected_event_and_no_other() {
    let folder = tempfile::tempdir().expect("folder");
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (json, junit, html) = (file("a.json"), file("a.xml"), file("a.html"));
    let run = parapet(&[
        "replay",
        CLIP,
        "--expect",
        "--min-f1",
        "1",
        "--max-false-per-hour",
        "0",
        "--report-json",
        &json,
        "--junit",
        &junit,
        "--html",
        &html,
    ]);
    assert!(run.status.success(), "{}", error_of(&run));
    let text = std::fs::read_to_string(&json).expect("JSON");
    let report: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let total = &report["total"];
    assert_eq!(
        (&total["hits"], &total["f1"]),
        (&4.into(), &1.0.into()),
        "{text}"
    );
    for (file, begins) in [(&junit, "<?xml"), (&html, "<!DOCTYPE html>")] {
        let text = std::fs::read_to_string(file).expect("written");
        assert!(text.starts_with(begins), "{file}");
    }
}

#[test]
fn a_missed_event_a_broken_clip_and_a_wrong_expectation_have_their_exit_codes() {
    let folder = tempfile::tempdir().expect("folder");
    let expect = folder.path().join("demo.expect.toml");
    let config =
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("testdata/demo.toml");
    let config = config.display();
    let write = |kind: &str, rule: &str| {
        let text = format!(
            "[clip]\nseconds = 40\nconfig = \"{config}\"\ncamera = \"demo\"\n[[event]]\nkind = \"{kind}\"\nrule = \"{rule}\"\nstart_seconds = 36\nafter_seconds = 2\n"
        );
        std::fs::write(&expect, text).expect("written");
    };
    let folder_name = folder.path().display().to_string();
    // Detections of nobody: nothing is told, so the event is missed.
    let nobody = folder.path().join("demo.mot.txt");
    std::fs::write(&nobody, "").expect("written");
    let nobody = nobody.display().to_string();
    let gate = |more: &[&str]| {
        let mut args = vec![
            "replay",
            &nobody,
            "--detections",
            "--expect",
            "--expectations",
            &folder_name,
            "--fps",
            "10",
            "--picture",
            "1280x720",
        ];
        args.extend(more);
        parapet(&args)
    };
    write("running", "runs");
    let run = gate(&["--min-recall", "0.5"]);
    assert_eq!(run.status.code(), Some(1), "{}", error_of(&run));
    let table = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(table.contains("missed     36.00 s  runs"), "{table}");
    assert!(gate(&[]).status.success(), "no limit was asked for");
    write("running", "walks");
    let run = gate(&[]);
    assert_eq!(run.status.code(), Some(64));
    assert!(
        error_of(&run).contains("no rule `walks`"),
        "{}",
        error_of(&run)
    );
    write("loitering", "runs");
    assert!(error_of(&gate(&[])).contains("says running, not loitering"));

    write("running", "runs");
    let broken = folder.path().join("demo.mp4");
    std::fs::write(&broken, vec![0x55; 4_096]).expect("written");
    let run = parapet(&["replay", &broken.display().to_string(), "--expect"]);
    assert_eq!(run.status.code(), Some(1));
    let table = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(table.contains("demo could not be played"), "{table}");
}

/// Somebody is in the drawn clip from its beginning to its end but for a few seconds, so little sleeps;
/// nothing may get lost all the same.
#[test]
fn both_modes_are_compared_and_limits_are_kept_or_named() {
    let folder = tempfile::tempdir().expect("folder");
    let json = folder.path().join("modes.json").display().to_string();
    let compare = |more: &[&str]| {
        let mut args = vec!["replay", CLIP, "--config", "testdata/demo.toml", "--quiet"];
        args.extend(["--compare-modes", "--quiet-seconds", "1"]);
        args.extend(more);
        parapet(&args)
    };
    let run = compare(&[
        "--min-share",
        "1",
        "--max-later",
        "4",
        "--compare-json",
        &json,
    ]);
    let words = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(run.status.success(), "{words}{}", error_of(&run));
    let text = std::fs::read_to_string(&json).expect("JSON");
    let report: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let summary = &report["summary"];
    assert_eq!(summary["events"], summary["events_kept"], "{text}");
    assert!(summary["events"].as_u64().expect("a number") >= 4, "{text}");
    assert_eq!(summary["always"]["decoded"], 500, "{text}");
    assert_eq!(summary["always"]["undecoded"], 0, "{text}");
    assert!(words.contains("told in watch mode (100.00 %)"), "{words}");
    // A first detection cannot be ten seconds earlier than in always mode.
    let run = compare(&["--max-later=-10"]);
    assert_eq!(run.status.code(), Some(1));
    let words = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(words.contains("FAILED: the first detection is"), "{words}");
}

#[test]
fn what_the_detector_found_and_what_it_cost_are_written() {
    let folder = tempfile::tempdir().expect("folder");
    let (cost, into) = (
        folder.path().join("cost.json"),
        folder.path().display().to_string(),
    );
    let cost_name = cost.display().to_string();
    let run = parapet(&[
        "replay",
        CLIP,
        "--config",
        "testdata/demo.toml",
        "--quiet",
        "--mode",
        "always",
        "--cost-json",
        &cost_name,
        "--write-detections",
        &into,
    ]);
    assert!(run.status.success(), "{}", error_of(&run));
    let text = std::fs::read_to_string(&cost).expect("JSON");
    let report: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let clip = &report["clips"][0];
    assert_eq!(
        (&clip["decoded"], &clip["undecoded"]),
        (&500.into(), &0.into()),
        "{text}"
    );
    assert!(
        clip["cpu_seconds"].as_f64().expect("seconds") > 0.0,
        "{text}"
    );
    assert!(
        report["stage_seconds"]["inference"]
            .as_f64()
            .expect("seconds")
            > 0.0,
        "{text}"
    );
    // The boxes stand in for the video: the same incidents come of them.
    let boxes = folder.path().join("demo.mot.txt").display().to_string();
    let again = parapet(&[
        "replay",
        &boxes,
        "--detections",
        "--config",
        "testdata/demo.toml",
        "--camera",
        "demo",
        "--fps",
        "12.5",
        "--picture",
        "1280x720",
        "--quiet",
    ]);
    assert!(again.status.success(), "{}", error_of(&again));
    let started = |run: &Output| {
        let text = String::from_utf8_lossy(&run.stdout).into_owned();
        text.lines()
            .filter(|line| line.contains("\"Started\"") || line.contains("\"started\""))
            .count()
    };
    assert_eq!(started(&run), started(&again));
    assert!(started(&run) >= 4);
}

#[test]
fn a_draft_is_written_once_and_passes_the_gate() {
    let folder = tempfile::tempdir().expect("folder");
    // Somebody walks down over the line of the demo camera.
    let boxes: String = (1..=25)
        .map(|frame| format!("{frame},-1,600,{},50,190,0.9,-1,-1,-1\n", 100 + 20 * frame))
        .collect();
    let mot = folder.path().join("walk.mot.txt");
    std::fs::write(&mot, boxes).expect("written");
    let mot = mot.display().to_string();
    let record = |more: &[&str]| {
        let mut args = vec![
            "replay",
            &mot,
            "--detections",
            "--record",
            "--config",
            "testdata/demo.toml",
            "--fps",
            "12.5",
            "--picture",
            "1280x720",
        ];
        args.extend(more);
        parapet(&args)
    };
    let run = record(&[]);
    assert!(run.status.success(), "{}", error_of(&run));
    let file = folder.path().join("walk.expect.toml");
    let draft = std::fs::read_to_string(&file).expect("a draft");
    assert!(
        draft.starts_with("# DRAFT") && draft.contains("note = \"draft\""),
        "{draft}"
    );
    let run = record(&[]);
    assert_eq!(run.status.code(), Some(1));
    assert!(
        error_of(&run).contains("--force overwrites"),
        "{}",
        error_of(&run)
    );
    assert!(record(&["--force"]).status.success());
    // The draft names configuration, rate and size: nothing else is needed.
    let run = parapet(&["replay", &mot, "--detections", "--expect", "--min-f1", "1"]);
    assert!(
        run.status.success(),
        "{}{}",
        String::from_utf8_lossy(&run.stdout),
        error_of(&run)
    );
}

#[test]
fn a_broken_recording_and_a_missing_configuration_are_named() {
    let folder = tempfile::tempdir().expect("folder");
    let broken = folder.path().join("broken.mp4");
    std::fs::write(&broken, vec![0x55; 4_096]).expect("written");
    let broken = broken.display().to_string();
    let run = parapet(&["replay", &broken, "--config", "testdata/demo.toml"]);
    let error = error_of(&run);
    assert!(
        run.status.code() == Some(1) && error.contains("broken.mp4"),
        "{error}"
    );
    let run = parapet(&["replay", &broken]);
    assert_eq!(run.status.code(), Some(64));
    assert!(error_of(&run).contains("no configuration: give --config"));
}

#[test]
fn a_reader_that_goes_away_ends_a_command_without_a_word() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_parapet-lab"))
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .args(["sim", "check", "testdata/scenes"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the binary");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("ended");
    assert!(output.status.success(), "{}", output.status);
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(!words.contains("panicked"), "{words}");
}

#[test]
fn the_demos_scenes_owe_what_their_boxes_give() {
    let clips = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("testdata/clips");
    let mut args = vec!["replay", "--detections", "--expect", "-q", "--min-f1", "1"];
    let boxes: Vec<String> = std::fs::read_dir(clips)
        .expect("clips")
        .map(|entry| entry.expect("entry").path().display().to_string())
        .filter(|path| path.ends_with(".mot.txt"))
        .collect();
    assert_eq!(boxes.len(), 4);
    args.extend(boxes.iter().map(String::as_str));
    let run = parapet(&args);
    assert!(run.status.success(), "{}", error_of(&run));
}

/// The demo as it is run without anything of this machine's.
fn demo(more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_parapet-lab"))
        .args(["demo", "--seconds", "16"])
        .args(more)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .env("PARAPET_DATA", "/nowhere")
        .env_remove("PARAPET_MODEL")
        .output()
        .expect("ran")
}

#[test]
fn the_demo_tells_a_subscriber_and_stops() {
    let run = demo(&["--json"]);
    assert!(run.status.success(), "{}", error_of(&run));
    let told = String::from_utf8_lossy(&run.stdout);
    assert!(
        told.lines().any(|line| line.contains("\"started\"")),
        "{told}"
    );
}

#[test]
fn the_demo_tells_a_person_in_lines_and_where_to_go_next() {
    let run = demo(&[]);
    assert!(run.status.success(), "{}", error_of(&run));
    let told = String::from_utf8_lossy(&run.stdout);
    assert!(
        told.lines().any(|line| line.contains("camera-")
            && line.contains("started")
            && line.contains(" %")),
        "{told}"
    );
    assert!(!told.contains('\u{1b}'), "colour in a pipe: {told}");
    assert!(error_of(&run).contains("next:"), "{}", error_of(&run));
}
