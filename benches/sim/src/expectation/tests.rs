use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use parapet::model::event::EventKind;
use parapet::model::geometry::Size;
use parapet::model::ids::{CameraId, RuleName};

fn problems(text: &str) -> Vec<String> {
    let errors = parse(Path::new("a.expect.toml"), text).expect_err("wrong");
    errors.problems().iter().map(ToString::to_string).collect()
}

#[test]
fn a_whole_file_is_read_key_by_key() {
    let text = r#"
[clip]
seconds = 30
conditions = ["day", "雨"]
config = "rules/a.toml"
camera = "监区-3"
fps = 12.5
picture = [1280, 720]

[[event]]
kind = "line_crossed"
rule = "over"
start_seconds = 10.25
end_seconds = 15
before_seconds = 0.5
after_seconds = 4
note = "爬行 crawls"

[[later]]
kind = "fight"
start_seconds = 20

[[ignore]]
start_seconds = 0
end_seconds = 2
rule = "over"
"#;
    let read = parse(Path::new("x/a.expect.toml"), text).expect("right");
    assert_eq!(read.clip.length, Duration::from_secs(30));
    assert_eq!(read.clip.conditions, ["day", "雨"]);
    let config = read.config_path(Path::new("x/a.expect.toml"));
    assert_eq!(config.as_deref(), Some(Path::new("x/rules/a.toml")));
    assert_eq!(
        (read.clip.fps, read.clip.picture),
        (
            Some(12.5),
            Some(Size {
                width: 1280,
                height: 720
            })
        )
    );
    let event = &read.events[0];
    assert_eq!(event.kind, EventKind::LINE_CROSSED);
    assert_eq!(event.start, Duration::from_millis(10_250));
    assert_eq!(event.after, Some(Duration::from_secs(4)));
    assert_eq!(event.note.as_deref(), Some("爬行 crawls"));
    assert_eq!(read.later[0].kind, "fight");
    assert_eq!(read.ignore[0].end, Duration::from_secs(2));
}

#[test]
fn everything_that_is_wrong_is_said_at_once_with_its_line() {
    let text = "\
[clip]
second = 30
picture = [0, 7.5]

[[event]]
kind = \"line_crossing\"
start_seconds = -1

[[event]]
rule = \"a b\"

[[ignore]]
start_seconds = 5
end_seconds = 4
";
    let found = problems(text);
    let lines = [
        ("a.expect.toml:1:", "`seconds` is missing"),
        (
            "a.expect.toml:2:",
            "unknown key `second`: did you mean `seconds`?",
        ),
        ("a.expect.toml:3:", "`picture` is no size"),
        ("a.expect.toml:6:", "did you mean `line_crossed`?"),
        ("a.expect.toml:7:", "`start_seconds` is -1"),
        ("a.expect.toml:9:", "`kind` is missing"),
        ("a.expect.toml:9:", "`start_seconds` is missing"),
        ("a.expect.toml:10:", "is no name"),
        ("a.expect.toml:14:", "`end_seconds` is before"),
    ];
    assert_eq!(found.len(), lines.len(), "{found:#?}");
    for (line, what) in lines {
        let said = found
            .iter()
            .any(|p| p.starts_with(line) && p.contains(what));
        assert!(said, "{line} {what}: {found:#?}");
    }
}

#[test]
fn an_event_behind_the_clips_end_and_a_file_without_a_clip_are_refused() {
    let late = "[clip]\nseconds = 3\n[[event]]\nkind = \"running\"\nstart_seconds = 3.1\n";
    assert!(problems(late)[0].contains("behind the clip's end at 3 s"));
    assert!(problems("")[0].contains("`clip` is missing"));
    assert!(problems("[clip\n")[0].contains("this is no TOML"));
    let gone = load(Path::new("/nonexistent/a.expect.toml")).expect_err("gone");
    assert!(gone.to_string().contains("cannot be read"));
}

#[test]
fn the_file_lies_beside_its_clip_or_in_a_named_folder() {
    let path = |clip: &str, folder: Option<&str>| {
        let found = expectation_path(Path::new(clip), folder.map(Path::new));
        found.to_string_lossy().into_owned()
    };
    assert_eq!(path("a/yard.mp4", None), "a/yard.expect.toml");
    assert_eq!(path("yard.mot.txt", None), "./yard.expect.toml");
    assert_eq!(path("a/yard.264", Some("b")), "b/yard.expect.toml");
}

fn time(most: f64) -> impl Strategy<Value = Duration> {
    (0..=(most * 1e6) as u64).prop_map(Duration::from_micros)
}

/// Texts with quotes, backslashes, control characters, line ends and other scripts.
fn word() -> impl Strategy<Value = String> {
    "[a-z\"'\\\\\n\t\u{1}\u{7f} #=雨夜é]{0,12}[a-z雨]"
}

prop_compose! {
    fn event()(
        kind in prop::sample::select(EventKind::ALL.to_vec()),
        rule in prop::option::of("[a-zA-Z0-9._-]{1,20}"),
        start in time(100.0),
        lasts in prop::option::of(time(1000.0)),
        before in prop::option::of(time(9.0)),
        after in prop::option::of(time(MAX_SECONDS)),
        note in prop::option::of(word()),
    ) -> ExpectedEvent {
        ExpectedEvent {
            kind,
            rule: rule.map(|rule| RuleName::new(&rule).expect("a name")),
            start,
            end: lasts.map(|lasts| start + lasts),
            before,
            after,
            note,
        }
    }
}

prop_compose! {
    fn clip()(
        length in (100_000_000..=600_000_000_000_u64).prop_map(Duration::from_micros),
        conditions in prop::collection::vec(word(), 0..4),
        config in prop::option::of("[a-z雨./ ]{0,9}[a-z]"),
        camera in prop::option::of("[a-z监区]{1,9}"),
        fps in prop::option::of(0.1..=240.0_f64),
        picture in prop::option::of((2..=16_384_u32, 2..=16_384_u32)),
    ) -> ExpectedClip {
        ExpectedClip {
            length,
            conditions,
            config: config.map(PathBuf::from),
            camera: camera.map(|id| CameraId::new(&id).expect("a name")),
            fps,
            picture: picture.map(|(width, height)| Size { width, height }),
        }
    }
}

prop_compose! {
    fn expectation()(
        clip in clip(),
        events in prop::collection::vec(event(), 0..5),
        later in prop::collection::vec((word(), event()), 0..3),
        ignore in prop::collection::vec(event(), 0..3),
    ) -> Expectation {
        let later = later.into_iter().map(|(kind, event)| LaterEvent {
            kind,
            start: event.start,
            end: event.end,
            before: event.before,
            after: event.after,
            note: event.note,
        });
        let ignore = ignore.into_iter().map(|event| IgnoredSpan {
            start: event.start,
            end: event.end.unwrap_or(event.start),
            rule: event.rule,
        });
        Expectation { clip, events, later: later.collect(), ignore: ignore.collect() }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_what_is_read(wanted in expectation(), header in ".{0,40}") {
        let text = wanted.to_toml(&header);
        let read = parse(Path::new("a.expect.toml"), &text);
        prop_assert_eq!(read.map_err(|errors| format!("{errors}\n{text}")), Ok(wanted));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,200}") {
        let _ = parse(Path::new("a.expect.toml"), &text);
    }
}
