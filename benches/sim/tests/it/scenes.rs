//! The library of scenes in `testdata/scenes`: all of it can be read, and it covers what it
//! promises to cover.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use parapet::config::{NoEnvironment, SourceText};
use parapet::model::event::EventKind;
use parapet_sim::scene::{
    self, FaultKind, GroundTruth, Scene, Timeline, Wanted, configuration, expectation,
};
use parapet_sim::world::Motion;

struct Case {
    scene: Scene,
    timeline: Timeline,
    ground_truth: GroundTruth,
}

fn library() -> &'static [Case] {
    static LIBRARY: OnceLock<Vec<Case>> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let folder =
            Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("testdata/scenes");
        let files: Vec<PathBuf> = scene::files(&[folder]).expect("the folder is readable");
        let mut wrong = String::new();
        let mut cases = Vec::new();
        for file in files {
            match scene::load(&file) {
                Ok(scene) => {
                    let timeline = Timeline::new(&scene);
                    let ground_truth = GroundTruth::of(&timeline);
                    cases.push(Case {
                        scene,
                        timeline,
                        ground_truth,
                    });
                }
                Err(errors) => wrong.push_str(&format!("{errors}\n")),
            }
        }
        assert!(wrong.is_empty(), "{wrong}");
        cases
    })
}

#[test]
fn there_are_sixty_scenes_of_fifteen_to_forty_seconds() {
    assert!(library().len() >= 60, "only {}", library().len());
    for Case { scene, .. } in library() {
        assert!(
            (15.0..=40.0).contains(&scene.seconds),
            "{} lasts {} s",
            scene.stem,
            scene.seconds
        );
        let size = (scene.size.width, scene.size.height);
        assert!(
            [(1280, 720), (1920, 1080)].contains(&size),
            "{}",
            scene.stem
        );
    }
}

#[test]
fn every_rule_of_the_first_set_has_scenes_with_and_without_its_event() {
    for kind in [
        EventKind::LINE_CROSSED,
        EventKind::ZONE_INTRUSION,
        EventKind::LOITERING,
        EventKind::CROWDING,
        EventKind::RUNNING,
    ] {
        let (mut positives, mut negatives) = (0, 0);
        for case in library() {
            let watched = case.scene.rules.rules.iter().any(|rule| {
                kind == match rule.wanted {
                    Wanted::LineCrossing { .. } => EventKind::LINE_CROSSED,
                    Wanted::ZoneIntrusion { .. } => EventKind::ZONE_INTRUSION,
                    Wanted::Loitering { .. } => EventKind::LOITERING,
                    Wanted::Crowding { .. } => EventKind::CROWDING,
                    Wanted::Running { .. } => EventKind::RUNNING,
                }
            });
            let due = case.ground_truth.due.iter().any(|due| due.kind == kind);
            positives += usize::from(due);
            // Somebody must be there who might have caused it.
            negatives += usize::from(watched && !due && !case.scene.actors.is_empty());
        }
        assert!(positives >= 4, "{}: {positives} positives", kind.name());
        assert!(negatives >= 2, "{}: {negatives} negatives", kind.name());
    }
}

#[test]
fn a_hundred_intrusions_are_scripted_over_walk_run_crawl_roll_and_climb() {
    let mut by_note: BTreeMap<&str, usize> = BTreeMap::new();
    for case in library() {
        // Who crosses a line and then is in a zone intrudes once.
        let mut intruders: BTreeMap<u32, &str> = BTreeMap::new();
        for due in &case.ground_truth.due {
            if [EventKind::LINE_CROSSED, EventKind::ZONE_INTRUSION].contains(&due.kind) {
                for person in &due.people {
                    intruders.insert(*person, due.note);
                }
            }
        }
        for note in intruders.values() {
            *by_note.entry(note).or_default() += 1;
        }
    }
    let all: usize = by_note.values().sum();
    assert!(all >= 100, "only {all}: {by_note:?}");
    for note in ["walk", "run", "crawl", "roll", "climb"] {
        assert!(
            by_note.get(note).is_some_and(|n| *n >= 8),
            "{note}: {by_note:?}"
        );
    }
}

#[test]
fn every_condition_distractor_and_fault_is_there() {
    let words: BTreeSet<&str> = library()
        .iter()
        .flat_map(|case| case.scene.condition_words())
        .collect();
    for word in [
        "day",
        "dusk",
        "night",
        "indoor",
        "rain",
        "fog",
        "snow",
        "shake",
        "wind",
        "foliage",
        "bird",
        "cat",
        "bag",
        "headlights",
        "shadow",
        "insect",
    ] {
        assert!(words.contains(word), "no scene with {word}: {words:?}");
    }
    let faults: Vec<FaultKind> = library()
        .iter()
        .flat_map(|case| case.scene.faults.iter().map(|fault| fault.kind))
        .collect();
    let some = |is: fn(&FaultKind) -> bool| faults.iter().any(is);
    assert!(some(|kind| matches!(kind, FaultKind::Covered { .. })));
    assert!(some(|kind| matches!(kind, FaultKind::Defocused { .. })));
    assert!(some(|kind| matches!(kind, FaultKind::Moved { .. })));
    assert!(some(|kind| matches!(kind, FaultKind::Frozen)));
    assert!(some(|kind| matches!(kind, FaultKind::SignalLoss)));
}

#[test]
fn behaviours_whose_rules_come_later_are_scripted() {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for case in library() {
        for happening in case.timeline.happenings() {
            *kinds.entry(happening.kind).or_default() += 1;
        }
    }
    for kind in [
        "climbing",
        "fight_suspected",
        "person_down",
        "object_thrown",
        "rapid_gathering",
        "dispersing",
        "crawling",
        "rolling",
        "running",
    ] {
        assert!(
            kinds.get(kind).is_some_and(|n| *n >= 2),
            "{kind}: {kinds:?}"
        );
    }
}

#[test]
fn the_daemon_takes_the_configuration_of_every_scene_and_events_lie_within_it() {
    for case in library() {
        let source = SourceText {
            path: format!("{}.toml", case.scene.stem).into(),
            text: configuration(&case.timeline, "model"),
        };
        let loaded = parapet::config::parse(&source, &[], &NoEnvironment)
            .unwrap_or_else(|errors| panic!("{errors}\n{}", source.text));
        let camera = loaded.config.cameras.values().next().expect("a camera");
        assert_eq!(camera.rules.len(), case.scene.rules.rules.len());
        let written = expectation(&case.timeline, &case.ground_truth);
        let path = format!("{}.expect.toml", case.scene.stem);
        let read = parapet_sim::expectation::parse(Path::new(&path), &written.to_toml(""))
            .unwrap_or_else(|errors| panic!("{errors}"));
        assert_eq!(read, written);
    }
}

#[test]
fn two_compilations_give_the_same_moments() {
    for case in library() {
        let again = Timeline::new(&case.scene);
        for frame in [0, 7, case.scene.frames() / 2, case.scene.frames() - 1] {
            let second = again.second_of(frame);
            assert_eq!(
                case.timeline.moment(second),
                again.moment(second),
                "{} at {second} s",
                case.scene.stem
            );
        }
        assert_eq!(GroundTruth::of(&again), case.ground_truth);
    }
}

#[test]
fn nobody_walks_faster_than_people_can() {
    for case in library() {
        for frame in 0..case.scene.frames() {
            for person in case.timeline.moment(case.timeline.second_of(frame)).people {
                let most = match person.motion {
                    Motion::Walk {
                        metres_per_second, ..
                    } => (metres_per_second, 2.4),
                    Motion::Run {
                        metres_per_second, ..
                    } => (metres_per_second, 6.5),
                    _ => continue,
                };
                assert!(most.0 <= most.1, "{}: {:?}", case.scene.stem, person.motion);
            }
        }
    }
}

/// The scene with every zone `metres` larger on all sides and every hold `seconds` longer.
fn varied(scene: &Scene, metres: f64, seconds: f64) -> Scene {
    let mut scene = scene.clone();
    for rule in &mut scene.rules.rules {
        let zone = match &mut rule.wanted {
            Wanted::LineCrossing { .. } => None,
            Wanted::ZoneIntrusion { zone, dwell } => {
                *dwell += seconds;
                Some(zone)
            }
            Wanted::Loitering { zone, after } => {
                *after += seconds;
                Some(zone)
            }
            Wanted::Crowding { zone, hold, .. } => {
                *hold += seconds;
                Some(zone)
            }
            Wanted::Running { zone, hold, .. } => {
                *hold += seconds;
                zone.as_mut()
            }
        };
        let Some(zone) = zone else { continue };
        let corners = zone.ground.len() as f64;
        let middle = [0, 1].map(|axis| zone.ground.iter().map(|c| c[axis]).sum::<f64>() / corners);
        for corner in &mut zone.ground {
            for axis in 0..2 {
                corner[axis] += metres * (corner[axis] - middle[axis]).signum();
            }
        }
    }
    scene
}

#[test]
fn no_scene_hangs_on_a_quarter_of_a_metre_or_a_third_of_a_second() {
    let mut wrong = String::new();
    for case in library() {
        let told = |ground_truth: &GroundTruth| {
            let mut told: BTreeMap<(EventKind, String), usize> = BTreeMap::new();
            for due in &ground_truth.due {
                *told.entry((due.kind, due.rule.clone())).or_default() += 1;
            }
            told
        };
        for (metres, seconds) in [(0.25, 0.0), (-0.25, 0.0), (0.0, 0.35), (0.0, -0.35)] {
            let other = varied(&case.scene, metres, seconds);
            let other = told(&GroundTruth::of(&Timeline::new(&other)));
            if other != told(&case.ground_truth) {
                wrong.push_str(&format!(
                    "{} with {metres} m and {seconds} s more: {other:?} instead of {:?}\n",
                    case.scene.stem,
                    told(&case.ground_truth)
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
