//! Scenes as a whole: what is wrong is said where, and what is right is physically sound.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::world::{Fault, Motion, Thing};
use parapet::config::{NoEnvironment, SourceText};
use parapet::model::event::EventKind;

const YARD: &str = r#"
seed = 3
seconds = 40
place = "yard"

[[zone]]
name = "strip"
corners = [[-8, 16], [8, 16], [8, 22], [-8, 22]]

[[line]]
name = "edge"
path = [[-8, 15], [8, 15]]

[[rule]]
name = "strip-entered"
kind = "zone_intrusion"
zone = "strip"
dwell_seconds = 2

[[rule]]
name = "edge-crossed"
kind = "line_crossing"
line = "edge"
direction = "right_to_left"

[[rule]]
name = "runs"
kind = "running"
metres_per_second = 3
"#;

fn scene(more: &str) -> Scene {
    parse(Path::new("yard.toml"), &format!("{YARD}{more}"))
        .unwrap_or_else(|errors| panic!("{errors}"))
}

fn ground_truth_of(more: &str) -> GroundTruth {
    GroundTruth::of(&Timeline::new(&scene(more)))
}

fn due(more: &str) -> Vec<Due> {
    ground_truth_of(more).due
}

#[test]
fn every_mistake_is_said_at_once_with_its_line() {
    let text = YARD.to_owned()
        + r#"
[[actor]]
name = "a"
at = [0, 8]
script = [{ wak = [[0, 9]] }, { walk = [[0, 9]], run = [[0, 9]] }, { lie = 3, sid = 1 }]

[[actor]]
name = "b"
speed = 3
"#;
    let text = text.replace("zone = \"strip\"", "zone = \"stripe\"");
    let errors = parse(Path::new("x.toml"), &text)
        .expect_err("wrong")
        .to_string();
    for part in [
        "x.toml:17:8: rule strip-entered: there is no zone `stripe`: did you mean `strip`?",
        "x.toml:34:11: actor a: script: a step without a verb",
        "unknown key `wak`: did you mean `walk`?",
        "a step has one verb, this has `walk` and `run`",
        "unknown key `sid`: did you mean `side`?",
        "actor b: `at` is missing",
        "unknown key `speed`",
    ] {
        assert!(errors.contains(part), "{part}\nis not in\n{errors}");
    }
}

#[test]
fn a_zone_that_the_camera_does_not_see_is_a_mistake() {
    let text = YARD.replace(
        "[[-8, 16], [8, 16], [8, 22], [-8, 22]]",
        "[[0, -9], [3, -9], [3, -6]]",
    );
    let errors = parse(Path::new("x.toml"), &text)
        .expect_err("wrong")
        .to_string();
    assert!(
        errors.contains("the camera sees nothing of this zone"),
        "{errors}"
    );
}

#[test]
fn who_walks_in_stays_and_leaves_owes_one_event_of_each_rule() {
    let due = due(r#"
[[actor]]
name = "in-and-out"
at = [0, 8]
leaves = true
script = [{ walk = [[0, 18]], speed = 1.25 }, { stand = 4 }, { walk = [[0, 8]] }]
"#);
    let kinds: Vec<_> = due.iter().map(|due| due.kind).collect();
    // Back over the edge is the other direction.
    assert_eq!(
        kinds,
        [EventKind::LINE_CROSSED, EventKind::ZONE_INTRUSION],
        "{due:?}"
    );
    // 7 m and 8 m at 1.25 m/s, then the dwell.
    assert!((due[0].start - 5.6).abs() < 0.1, "{due:?}");
    assert!((due[1].start - 8.4).abs() < 0.1, "{due:?}");
    assert_eq!(due[1].note, "walk");
}

#[test]
fn who_turns_back_or_is_short_owes_nothing_and_a_jog_is_no_run() {
    let none = due(r#"
[[actor]]
name = "turns-back"
at = [-3, 8]
script = [{ walk = [[-3, 14.2], [-3, 8]] }]
[[actor]]
name = "jogs"
at = [3, 6]
script = [{ run = [[3, 13], [-3, 12]], speed = 2.2 }]
"#);
    assert!(none.is_empty(), "{none:?}");
    let run = due(r#"
[[actor]]
name = "runs"
at = [-6, 8]
script = [{ run = [[6, 8]], speed = 4.5 }]
"#);
    assert_eq!(run.len(), 1);
    assert_eq!((run[0].kind, run[0].note), (EventKind::RUNNING, "run"));
}

#[test]
fn nobody_jumps_and_feet_do_not_slide() {
    let scene = scene(
        r#"
[[actor]]
name = "all"
at = [0, 8]
height = 1.8
script = [
  { walk = [[3, 8], [3, 12]], speed = 1.4 }, { run = [[-3, 12]], speed = 4 }, { fall = 1 },
  { lie = 2 }, { walk = [[-3, 10]] }, { crawl = [[0, 10]] }, { roll = [[0, 12]] },
  { climb = 3, over = [0, 13], speed = 1.5 }, { loiter = 5 }, { fight = 2, towards = [0, 20] },
  { throw = [0, 30] },
]
"#,
    );
    let timeline = Timeline::new(&scene);
    let mut before = timeline.stance(0, 0.0).expect("there");
    for step in 1..4000 {
        let second = f64::from(step) * 0.01;
        let now = timeline.stance(0, second).expect("there");
        let moved = (0..3)
            .map(|axis| (now.at[axis] - before.at[axis]).powi(2))
            .sum::<f64>()
            .sqrt();
        assert!(moved < 0.045, "{moved} m in 10 ms at {second}: {now:?}");
        if let (
            Motion::Walk {
                phase,
                metres_per_second,
            },
            Motion::Walk { phase: earlier, .. },
        ) = (now.motion, before.motion)
            && phase > earlier
        {
            let stride = now.motion.cycle_metres(1.8).expect("leads");
            let by_phase = f64::from((phase - earlier) * stride);
            assert!(
                (by_phase - moved).abs() < 2e-3,
                "{by_phase} against {moved}"
            );
            assert!((moved / 0.01 - f64::from(metres_per_second)).abs() < 0.1);
        }
        before = now;
    }
    let kinds: Vec<_> = timeline.happenings().iter().map(|h| h.kind).collect();
    for kind in [
        "running",
        "person_down",
        "crawling",
        "rolling",
        "climbing",
        "fight_suspected",
        "object_thrown",
    ] {
        assert!(kinds.contains(&kind), "{kind} is not in {kinds:?}");
    }
    let end = timeline.moment(39.9);
    assert!(
        end.things
            .iter()
            .any(|thing| matches!(thing, Thing::Packet { .. }))
    );
}

#[test]
fn the_written_configuration_is_one_that_the_daemon_takes() {
    let timeline = Timeline::new(&scene(""));
    let source = SourceText {
        path: "clips/yard.toml".into(),
        text: configuration(&timeline, "../models/demo"),
    };
    let loaded = parapet::config::parse(&source, &[], &NoEnvironment)
        .unwrap_or_else(|errors| panic!("{errors}\n{}", source.text));
    let camera = loaded.config.cameras.values().next().expect("camera");
    assert_eq!((camera.id.as_str(), camera.rules.len()), ("yard", 3));
    assert!(camera.calibration.is_some());
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
}

#[test]
fn a_blind_camera_owes_nothing_and_faults_are_told() {
    let more = r#"
[[actor]]
name = "unseen"
at = [0, 8]
script = [{ walk = [[0, 20]], speed = 1.5 }, { walk = [[0, 8]] }]
[[fault]]
kind = "covered"
from = 1
until = 38
"#;
    assert!(due(more).is_empty());
    let timeline = Timeline::new(&scene(more));
    assert_eq!(
        timeline.moment(10.0).faults,
        [Fault::Covered {
            share: 1.0,
            grey: 0.1
        }]
    );
    let expected = expectation(&timeline, &GroundTruth::of(&timeline));
    assert!(expected.events.is_empty());
    let covered = &expected.later[0];
    assert_eq!(covered.kind, "picture_covered");
    assert_eq!(covered.start, std::time::Duration::from_secs(1));
}

#[test]
fn who_climbs_a_fence_in_sight_may_be_taken_for_somebody_behind_it() {
    let climb = |over: &str| {
        ground_truth_of(&format!(
            r#"
[[actor]]
name = "climbs"
at = [0, 12]
script = [{{ climb = 3{over}, speed = 0.5 }}, {{ walk = [[0, 19]] }}, {{ stand = 9 }}]
"#
        ))
    };
    let in_the_zone = climb(", over = [0, 17]");
    let entered = &in_the_zone.due[1];
    assert_eq!(
        (entered.rule.as_str(), entered.note),
        ("strip-entered", "climb")
    );
    // From the first step up, 12 s before the dwell is over, and a second more.
    assert!(entered.early > entered.start - 1.0, "{entered:?}");
    assert!(in_the_zone.unsure.is_empty(), "{in_the_zone:?}");
    let text = expectation(&Timeline::new(&scene("")), &in_the_zone).to_toml("");
    assert!(text.contains("before_seconds"), "{text}");

    let only_up = ground_truth_of(
        r#"
[[actor]]
name = "up-and-down"
at = [0, 12]
script = [{ climb = 3, speed = 0.5 }]
"#,
    );
    assert!(only_up.due.is_empty());
    let rules: Vec<_> = only_up.unsure.iter().map(|u| u.rule.as_str()).collect();
    assert_eq!(rules, ["strip-entered", "edge-crossed"]);
}

#[test]
fn two_crowds_share_a_ring_by_their_arcs() {
    let crowd = |name: &str, arc: &str| {
        format!(
            r#"
[[crowd]]
name = "{name}"
count = 3
area = [[-6, 6], [6, 14]]
script = [{{ gather = [0, 10], radius = 2, speed = 3, arc = {arc} }}, {{ stand = 20 }}]
"#
        )
    };
    let west = crowd("west", "[90, 270]");
    let scene = scene(&format!("{west}{}", crowd("east", "[-90, 90]")));
    let timeline = Timeline::new(&scene);
    let people: Vec<[f64; 3]> = (0..6)
        .map(|id| timeline.stance(id, 15.0).expect("there").at)
        .collect();
    for (number, one) in people.iter().enumerate() {
        assert!(((one[0]).hypot(one[1] - 10.0) - 2.0).abs() < 0.1, "{one:?}");
        assert_eq!(one[0] < 0.0, number < 3, "{one:?}");
        for other in &people[number + 1..] {
            let apart = (one[0] - other[0]).hypot(one[1] - other[1]);
            assert!(apart > 1.5, "{one:?} {other:?}");
        }
    }
    let wrong = format!("{YARD}{}", crowd("none", "[90, 90]"));
    let told = parse(Path::new("a.toml"), &wrong).expect_err("no arc");
    assert!(told.to_string().contains("`arc` is no part of a ring"));
}

proptest! {
    #[test]
    fn the_same_seed_gives_the_same_moments_in_any_order(seed in 0_u32..1000, at in 0.0_f64..40.0) {
        let more = r#"
[[crowd]]
name = "many"
count = 7
area = [[-6, 6], [6, 14]]
speed_spread = 0.2
script = [{ loiter = 9 }, { gather = [0, 10] }, { stand = 3 }, { disperse = 6 }]
[[distractor]]
kind = "bird"
path = [[-9, 12], [9, 18]]
"#;
        let text = format!("{YARD}{more}").replace("seed = 3", &format!("seed = {seed}"));
        let one = Timeline::new(&parse(Path::new("a.toml"), &text).expect("scene"));
        let other = Timeline::new(&parse(Path::new("a.toml"), &text).expect("scene"));
        prop_assert!(!other.moment(29.0).people.is_empty());
        prop_assert_eq!(one.moment(at), other.moment(at));
    }
}
