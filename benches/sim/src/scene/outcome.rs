//! What goes beside a rendered clip: the configuration that watches it (`<stem>.toml`) and the
//! events that must come of it (`<stem>.expect.toml`).

use std::fmt::Write as _;
use std::time::Duration;

use super::ground_truth::GroundTruth;
use super::rules::{Rule, Shape, Wanted};
use super::timeline::Timeline;
use crate::expectation::{
    DEFAULT_BEFORE, Expectation, ExpectedClip, ExpectedEvent, IgnoredSpan, LaterEvent,
};
use parapet::model::event::Direction;
use parapet::model::ids::{CameraId, RuleName};

/// Scripted happenings whose rules come later, as `[[later]]` entries.
const LATER: [&str; 12] = [
    "climbing",
    "lying",
    "fight_suspected",
    "person_down",
    "object_thrown",
    "rapid_gathering",
    "dispersing",
    "picture_covered",
    "picture_defocused",
    "picture_moved",
    "picture_frozen",
    "signal_lost",
];

/// The configuration of a daemon with one camera, the clip's. `model_folder` is written as
/// given; relative paths start at the folder of the file.
#[must_use]
pub fn configuration(timeline: &Timeline, model_folder: &str) -> String {
    let scene = timeline.scene();
    let mut text = String::new();
    let stem = &scene.stem;
    let _ = write!(
        text,
        "# Written from the scene {stem}: do not change.\n\n\
         [site]\nname = \"simulated\"\n\n\
         [node]\nname = \"simulator\"\nstate_dir = \"/tmp/parapet-simulated\"\n\n\
         [api]\nplaintext = true\n\n\
         [models.detector]\nfolder = {}\n\n\
         [[camera]]\nid = \"{stem}\"\nfile = \"{stem}.mp4\"\nanalysis_fps = {}\n",
        quoted(model_folder),
        scene.fps
    );
    if let Some(four) = scene.lens().calibration() {
        let _ = write!(
            text,
            "\n[camera.calibration]\npicture = {}\nground_metres = {}\n",
            points(&four.map(|(picture, _)| picture)),
            points(&four.map(|(_, ground)| ground))
        );
    }
    let rules = &scene.rules;
    for (key, shapes) in [("line", &rules.lines), ("zone", &rules.zones)] {
        for Shape { name, picture, .. } in shapes {
            let corners: Vec<[f64; 2]> = picture
                .iter()
                .map(|point| [f64::from(point.x), f64::from(point.y)])
                .collect();
            let _ = write!(
                text,
                "\n[[camera.{key}]]\nname = \"{name}\"\npoints = {}\n",
                points(&corners)
            );
        }
    }
    for rule in &rules.rules {
        text.push_str(&rule_text(rule));
    }
    text
}

fn rule_text(rule: &Rule) -> String {
    let keys = match &rule.wanted {
        Wanted::LineCrossing { line, direction } => {
            let direction = match direction {
                None => "both",
                Some(Direction::LeftToRight) => "left_to_right",
                Some(Direction::RightToLeft) => "right_to_left",
            };
            format!(
                "kind = \"line_crossing\"\nline = \"{}\"\ndirection = \"{direction}\"\n",
                line.name
            )
        }
        Wanted::ZoneIntrusion { zone, dwell } => format!(
            "kind = \"zone_intrusion\"\nzone = \"{}\"\ndwell_seconds = {dwell}\n",
            zone.name
        ),
        Wanted::Loitering { zone, after } => format!(
            "kind = \"loitering\"\nzone = \"{}\"\nafter_seconds = {after}\n",
            zone.name
        ),
        Wanted::Crowding { zone, count, hold } => format!(
            "kind = \"crowding\"\nzone = \"{}\"\ncount = {count}\nhold_seconds = {hold}\n",
            zone.name
        ),
        Wanted::Running { zone, speed, hold } => {
            let zone = zone
                .as_ref()
                .map_or_else(String::new, |zone| format!("zone = \"{}\"\n", zone.name));
            format!(
                "kind = \"running\"\n{zone}metres_per_second = {speed}\nhold_seconds = {hold}\n"
            )
        }
    };
    format!(
        "\n[[camera.rule]]\nname = \"{}\"\nseverity = \"{}\"\nclear_after_seconds = {}\n{keys}",
        rule.name, rule.severity, rule.clear_after
    )
}

/// The events that must come of the clip; scripted happenings whose rules do not exist yet come
/// as `later`.
#[must_use]
pub fn expectation(timeline: &Timeline, ground_truth: &GroundTruth) -> Expectation {
    let scene = timeline.scene();
    let words = scene.condition_words();
    let events = ground_truth.due.iter().map(|due| ExpectedEvent {
        kind: due.kind,
        rule: RuleName::new(&due.rule).ok(),
        start: tidy(due.start),
        end: due.end.map(tidy),
        before: Some(tidy(due.early)).filter(|early| *early != DEFAULT_BEFORE),
        after: None,
        note: Some(due.note.to_owned()).filter(|note| !note.is_empty()),
    });
    let happenings = timeline.happenings();
    let later = happenings
        .iter()
        .filter(|happening| LATER.contains(&happening.kind))
        .map(|happening| LaterEvent {
            kind: happening.kind.to_owned(),
            start: tidy(happening.start),
            end: Some(tidy(happening.end)),
            before: None,
            after: None,
            note: None,
        });
    Expectation {
        clip: ExpectedClip {
            length: tidy(scene.seconds),
            conditions: words.into_iter().map(str::to_owned).collect(),
            config: Some(format!("{}.toml", scene.stem).into()),
            camera: CameraId::new(&scene.stem).ok(),
            fps: Some(scene.fps),
            picture: Some(scene.size),
        },
        events: events.collect(),
        later: later.collect(),
        ignore: ground_truth
            .unsure
            .iter()
            .map(|unsure| IgnoredSpan {
                start: tidy(unsure.start),
                end: tidy(unsure.end.min(scene.seconds)),
                rule: RuleName::new(&unsure.rule).ok(),
            })
            .collect(),
    }
}

/// Hundredths of a second are enough.
fn tidy(seconds: f64) -> Duration {
    Duration::from_millis(10 * (seconds * 100.0).round() as u64)
}

fn quoted(text: &str) -> String {
    toml_edit::Value::from(text).to_string()
}

fn points(points: &[[f64; 2]]) -> String {
    let each: Vec<String> = points
        .iter()
        .map(|[x, y]| format!("[{x:.5}, {y:.5}]"))
        .collect();
    format!("[{}]", each.join(", "))
}
