use std::path::{Path, PathBuf};
use std::time::Duration;

use super::html::html;
use super::junit::junit;
use super::picture::{Picture, Subject, moments, shapes};
use super::text::text;
use super::*;
use crate::replay::emitted::SeenBox;
use crate::replay::matching::Alarm;
use parapet::config::types::CameraConfig;
use parapet::config::{NoEnvironment, load};
use parapet::model::event::EventKind;
use parapet::model::geometry::{Rect, Size};
use parapet::model::ids::{RuleName, TrackId};
use parapet_sim::expectation::{Expectation, parse};

/// A condition and a note that try to break out of whatever they are written into.
const NASTY: &str = "夜 <script>alert(1)</script> & \"'\u{1b}[31m]]>";

fn camera() -> CameraConfig {
    let config = load(
        Path::new(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../testdata/demo.toml"
        )),
        &NoEnvironment,
    )
    .expect("demo");
    let (_, camera) = config.config.cameras.first_key_value().expect("a camera");
    CameraConfig::clone(camera)
}

fn expectation() -> Expectation {
    let mut read = parse(
        Path::new("a.expect.toml"),
        r#"
[clip]
seconds = 60
conditions = ["day"]
[[event]]
kind = "line_crossed"
rule = "over-the-perimeter"
start_seconds = 10
end_seconds = 12
[[event]]
kind = "zone_intrusion"
rule = "in-the-forbidden-zone"
start_seconds = 30
note = "爬行"
[[event]]
kind = "line_crossed"
rule = "over-the-perimeter"
start_seconds = 50
[[later]]
kind = "fight"
start_seconds = 20
end_seconds = 25
[[ignore]]
start_seconds = 0
end_seconds = 5
"#,
    )
    .expect("right");
    read.clip.conditions.push(NASTY.to_owned());
    read.events[2].note = Some(NASTY.to_owned());
    read
}

fn alarm(kind: EventKind, rule: &str, at: f64) -> Alarm {
    Alarm {
        kind,
        rule: RuleName::new(rule).ok(),
        at: Duration::from_secs_f64(at),
        ended: Some(Duration::from_secs_f64(at + 3.0)),
    }
}

/// A clip with two hits, one miss, and an alarm of every kind; and one that could not be played.
fn judged() -> Vec<Judged> {
    let line = |at| alarm(EventKind::LINE_CROSSED, "over-the-perimeter", at);
    let alarms = vec![
        line(1.0),
        line(10.5),
        line(11.5),
        alarm(EventKind::RUNNING, "runs", 40.0),
        line(52.0),
    ];
    let name = format!("yard {NASTY}");
    let clip = Judged::played(
        name,
        PathBuf::from("yard.mp4"),
        &camera(),
        expectation(),
        alarms,
    );
    let gone = Judged::failed(
        "gone".to_owned(),
        PathBuf::from("gone.mp4"),
        &camera(),
        expectation(),
        "no such <stream>".to_owned(),
    );
    vec![clip, gone]
}

fn report() -> Report {
    Report::of(&judged(), 0.65, &Limits::default())
}

fn pictures() -> Vec<Picture> {
    let clips = judged();
    let seen = SeenBox {
        track: TrackId(7),
        score: 0.81,
        box_in_frame: Rect::from_corners(0.1, 0.1, 0.2, 0.5),
        counts: true,
    };
    moments(&clips[0])
        .into_iter()
        .enumerate()
        .map(|(n, (subject, at, rule))| Picture {
            clip: 0,
            subject,
            at,
            size: Size {
                width: 1280,
                height: 720,
            },
            jpeg: (n == 0).then(|| vec![0xFF, 0xD8, 0xFF]),
            boxes: vec![seen],
            shapes: shapes(&camera(), rule.as_ref()),
        })
        .collect()
}

#[test]
fn every_group_is_counted_from_the_clips_that_were_played() {
    let report = report();
    let total = &report.total;
    assert_eq!((total.clips, total.hits, total.missed), (1, 2, 1));
    assert_eq!(
        (total.false_alarms, total.repeats, total.ignored),
        (1, 1, 1)
    );
    assert_eq!(total.latency_p50_seconds, Some(0.5));
    assert_eq!(total.false_alarms_per_hour, Some(60.0));
    let kinds: Vec<_> = report
        .by_kind
        .iter()
        .map(|s| (s.name.as_str(), s.expected))
        .collect();
    assert_eq!(
        kinds,
        [
            ("line_crossed", 2),
            ("zone_intrusion", 1),
            ("crowding", 0),
            ("running", 0)
        ]
    );
    assert_eq!(report.by_kind[3].false_alarms, 1);
    assert_eq!(report.by_condition.len(), 2);
    assert!(report.by_condition.iter().all(|score| score.hits == 2));
    let crawls = report
        .by_note
        .iter()
        .find(|score| score.name == "爬行")
        .expect("note");
    assert_eq!(
        (crawls.missed, crawls.precision, crawls.f1),
        (1, None, None)
    );
    let both = report
        .by_kind_and_condition
        .iter()
        .find(|s| s.name == "running · day");
    assert_eq!(both.expect("group").false_alarms, 1);
    assert_eq!(report.clips[0].alarms[2].outcome, Outcome::Repeat);
    assert_eq!(report.clips[0].alarms[2].event, Some(0));
}

#[test]
fn a_clip_that_was_not_played_and_each_limit_shut_the_gate() {
    let all = judged();
    let reasons = |clips: &[Judged], limits| Report::of(clips, 0.65, &limits).reasons;
    let no_limits = Limits::default();
    assert!(reasons(&all, no_limits)[0].contains("gone could not be played: no such <stream>"));
    let good = &all[..1];
    assert!(Report::of(good, 0.65, &no_limits).passed);
    let asked = Limits {
        min_f1: Some(0.9),
        min_recall: Some(0.9),
        max_false_per_hour: Some(59.0),
    };
    let said = reasons(good, asked);
    assert_eq!(said.len(), 3, "{said:?}");
    let kept = Limits {
        min_f1: Some(0.6),
        min_recall: Some(0.6),
        max_false_per_hour: Some(60.0),
    };
    assert_eq!(reasons(good, kept), Vec::<String>::new());
    assert!(
        reasons(&[], asked).is_empty(),
        "nothing was asked of nothing"
    );
}

#[test]
fn pictures_are_taken_of_misses_and_false_alarms_only() {
    let subjects: Vec<_> = moments(&judged()[0])
        .into_iter()
        .map(|(subject, at, _)| (subject, at.as_secs()))
        .collect();
    assert_eq!(
        subjects,
        [(Subject::Missed(1), 30), (Subject::Wrong(3), 40)]
    );
    assert!(moments(&judged()[1]).is_empty());
}

#[test]
fn the_text_names_misses_and_false_alarms_and_lets_no_escape_sequence_through() {
    let text = text(&report());
    assert!(!text.contains('\u{1b}'), "{text}");
    for wanted in [
        "missed     30.00 s  in-the-forbidden-zone (爬行)",
        "false      40.00 s  runs",
        "gone could not be played",
        "60.00 false alarms per camera-hour",
        "FAILED",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
}

#[test]
fn json_holds_every_figure_and_absent_ones_as_null() {
    let value = serde_json::to_value(report()).expect("JSON");
    assert_eq!(value["passed"], false);
    assert_eq!(value["clips"][0]["alarms"][3]["outcome"], "false");
    assert_eq!(
        value["clips"][0]["events"][1]["latency_seconds"],
        serde_json::Value::Null
    );
    assert_eq!(value["clips"][0]["conditions"][1], NASTY);
    assert_eq!(value["by_note"][0]["precision"], serde_json::Value::Null);
}

#[test]
fn junit_reads_back_with_a_case_per_event_and_clip() {
    let xml = junit(&report()).expect("XML");
    let read = quick_junit::Report::deserialize_from_str(&xml).expect("well-formed");
    assert_eq!((read.tests, read.failures, read.errors), (9, 3, 1));
    let suite = &read.test_suites[0];
    assert!(
        suite.name.as_str().contains("夜 <script>"),
        "{}",
        suite.name.as_str()
    );
    assert_eq!(suite.test_cases.len(), 4);
    let missed = suite.test_cases[2].name.as_str();
    assert!(missed.contains("zone_intrusion by in-the-forbidden-zone at 30.00 s (爬行)"));
}

/// Walks through the tags of a page that this module wrote: every element that may have content
/// is closed in its own place, and every attribute's value is quoted.
fn check_nesting(page: &str) -> Result<usize, String> {
    const VOID: [&str; 2] = ["meta", "br"];
    let mut open: Vec<String> = Vec::new();
    let (mut rest, mut elements) = (page, 0);
    while let Some(at) = rest.find('<') {
        let text = &rest[..at];
        if text.contains('>') && open.last().is_none_or(|name| name != "style") {
            return Err(format!("a bare > in {text:?}"));
        }
        let tag = &rest[at + 1..];
        let end = tag.find('>').ok_or("a tag without its end")?;
        let (inside, after) = (&tag[..end], &tag[end + 1..]);
        rest = after;
        if inside.starts_with('!') {
            continue;
        }
        if let Some(name) = inside.strip_prefix('/') {
            match open.pop() {
                Some(last) if last == name => {}
                last => return Err(format!("</{name}> closes {last:?}")),
            }
            continue;
        }
        elements += 1;
        if inside.matches('"').count() % 2 == 1 {
            return Err(format!("<{inside}> has an open quote"));
        }
        let name = inside.split_whitespace().next().unwrap_or_default();
        if !VOID.contains(&name) {
            open.push(name.to_owned());
        }
    }
    match open.is_empty() {
        true => Ok(elements),
        false => Err(format!("left open: {open:?}")),
    }
}

#[test]
fn the_page_is_well_formed_escapes_everything_and_needs_nothing_from_elsewhere() {
    let page = html(&report(), &pictures());
    let elements = check_nesting(&page).expect("well-formed");
    assert!(elements > 150, "{elements}");
    assert!(!page.contains("<script"), "a note got through");
    assert!(page.contains("夜 &lt;script&gt;") && page.contains("爬行"));
    for outside in ["http:", "https:", "url(", "@import", "src="] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert_eq!(page.matches("data:image/jpeg;base64,/9j/").count(), 1);
    assert_eq!(page.matches("<figure").count(), 2);
    assert!(page.contains("no such &lt;stream&gt;"));
    for class in [
        "alarm hit",
        "alarm repeat",
        "alarm ignored",
        "alarm false",
        "event missed",
    ] {
        assert!(page.contains(&format!("class=\"{class}\"")), "{class}");
    }
}

#[test]
fn an_empty_gate_makes_a_page_too() {
    let page = html(&Report::of(&[], 0.65, &Limits::default()), &[]);
    check_nesting(&page).expect("well-formed");
}
