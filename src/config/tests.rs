//! Every kind of mistake, with its place.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use proptest::prelude::*;

use super::types::{Directions, Pace, RuleKind, SourceConfig, Transport};
use super::*;

const HEAD: &str =
    "site = { name = \"s\" }\nnode = { name = \"n\" }\nmodels = { m = { folder = \"m\" } }\n";

#[derive(Default)]
struct Fake(BTreeMap<&'static str, &'static str>);

impl Environment for Fake {
    fn variable(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|text| (*text).to_owned())
    }
    fn read(&self, path: &Path) -> io::Result<String> {
        let found = path.to_str().and_then(|path| self.variable(path));
        found.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
    fn cores(&self) -> usize {
        6
    }
}

fn source(path: &str, text: &str) -> SourceText {
    SourceText {
        path: PathBuf::from(path),
        text: text.to_owned(),
    }
}

fn check(text: &str) -> Result<Loaded, ConfigErrors> {
    let fake = Fake(BTreeMap::from([
        ("PASS", "hunter2"),
        ("etc/pass", "hunter2\n"),
        ("EMPTY", ""),
    ]));
    parse(&source("etc/p.toml", text), &[], &fake)
}

/// The messages for `HEAD` + `text`, with lines counted from the first line of `text`.
fn messages(text: &str) -> Vec<String> {
    match check(&format!("{HEAD}{text}")) {
        Ok(_) => Vec::new(),
        Err(errors) => errors
            .problems()
            .iter()
            .map(|p| {
                let line = p.line as i64 - HEAD.lines().count() as i64;
                format!("{line}:{}: {}: {}", p.column, p.subject, p.message)
            })
            .collect(),
    }
}

#[track_caller]
fn one(text: &str, begins: &str) {
    let found = messages(text);
    assert!(
        found.len() == 1 && found[0].starts_with(begins),
        "{text}\nwanted one: {begins}\nfound: {found:#?}"
    );
}

fn good(text: &str) -> Config {
    match check(&format!("{HEAD}{text}")) {
        Ok(loaded) => loaded.config,
        Err(errors) => panic!("{errors}"),
    }
}

const CAMERA: &str = "[[camera]]\nid = \"c\"\nurl = \"rtsp://h/1\"\n";

#[test]
fn the_shortest_file_has_no_camera_and_no_warning() {
    let loaded = check(HEAD).expect("sound");
    assert!(loaded.warnings.is_empty() && loaded.config.cameras.is_empty());
    assert_eq!(loaded.config.api.listen.to_string(), "127.0.0.1:7447");
    assert_eq!(loaded.config.console.listen.to_string(), "127.0.0.1:9464");
    assert_eq!(loaded.config.inference.workers, 3);
    assert_eq!(
        loaded.config.journal.path,
        Path::new("/var/lib/parapet/journal.sqlite3")
    );
    let model = loaded.config.models.values().next().expect("model");
    assert_eq!(model.folder, Path::new("etc/m"));
}

#[test]
fn what_is_mandatory_is_named() {
    let errors = check("").expect_err("empty").to_string();
    let lines: Vec<_> = errors.lines().collect();
    assert_eq!(lines.len(), 3, "{errors}");
    for (line, key) in lines.iter().zip(["models", "node", "site"]) {
        assert!(
            line.starts_with(&format!("etc/p.toml:1:1: `{key}` is missing")),
            "{line}"
        );
    }
}

#[test]
fn a_syntax_error_has_its_line_and_column() {
    one("[log]\nformat = = 1\n", "2:10: : this is no TOML");
    one(
        "[log]\nformat = \"json\"\nformat = \"json\"\n",
        "3:1: : this is no TOML",
    );
}

#[test]
fn nesting_without_end_is_refused_and_not_followed() {
    let deep = format!("a = {}", "[".repeat(100_000));
    assert!(messages(&deep)[0].contains("this is no TOML"));
}

#[test]
fn sections_are_checked() {
    one(
        "[log]\nformat = \"jsom\"\n",
        "2:10: [log]: `format` is `jsom`: write `human`, `json`: did you mean `json`?",
    );
    one(
        "[log]\nformat = 3\n",
        "2:10: [log]: `format` is integer: write a text",
    );
    one(
        "[log]\nfilter = \"info,=x=\"\n",
        "2:10: [log]: `filter` is no filter",
    );
    one(
        "[log]\nlevel = \"info\"\n",
        "2:1: [log]: unknown key `level`: drop it",
    );
    one(
        "[api]\nlisten = \"0.0.0.0:1\"\n",
        "2:10: [api]: `listen` is 0.0.0.0:1, but",
    );
    one(
        "[api]\nlisten = \"localhost\"\n",
        "2:10: [api]: `listen` is `localhost`",
    );
    one(
        "[journal]\ngroup_max = 0\n",
        "2:13: [journal]: `group_max` is 0: write 1 to 100000",
    );
    one(
        "[inference]\nmax_bacth = 3\n",
        "2:1: [inference]: unknown key `max_bacth`: did you mean `max_batch`?",
    );
    one(
        "[inference]\nmax_wait_millis = -1\n",
        "2:19: [inference]: `max_wait_millis` is -1",
    );
    one(
        "[inference]\nexecution_provider = \"gpu\"\n",
        "2:22: [inference]: `execution_provider` is `gpu`",
    );
    one(
        "camera = 3\n",
        "1:10: : `camera` is integer: write it as [[camera]]",
    );
    one(
        "[consol]\n",
        "1:2: : unknown key `consol`: did you mean `console`?",
    );
    one("[profiles]\na = 1\n", "2:5: : `profiles.a` is integer");
}

#[test]
fn cameras_are_checked() {
    one(
        "[[camera]]\nurl = \"rtsp://h/1\"\n",
        "1:1: camera: `id` is missing",
    );
    one(
        "[[camera]]\nid = \"a b\"\nurl = \"rtsp://h/1\"\n",
        "2:6: camera: `id`: `a b` is no name",
    );
    one(
        "[[camera]]\nid = \"c\"\n",
        "1:1: camera c: the camera has no source",
    );
    one(
        &format!("{CAMERA}file = \"x\"\n"),
        "4:1: camera c: the camera has several sources",
    );
    one(
        &format!("{CAMERA}repeat = true\n"),
        "4:1: camera c: `repeat` means nothing for a `url` source",
    );
    one(
        "[[camera]]\nid = \"c\"\nfile = \"x\"\ntransport = \"tcp\"\n",
        "4:1: camera c: `transport` means nothing",
    );
    one(
        "[[camera]]\nid = \"c\"\nurl = \"http://h/1\"\n",
        "3:7: camera c: `url` http://h/1 begins with `http:`",
    );
    one(
        "[[camera]]\nid = \"c\"\nurl = \"rtsp:///1\"\n",
        "3:7: camera c: `url` rtsp:///1",
    );
    one(
        &format!("{CAMERA}model = \"n\"\n"),
        "4:9: camera c: there is no model `n`: did you mean `m`?",
    );
    one(
        &format!("{CAMERA}profile = \"yard\"\n"),
        "4:11: camera c: there is no profile `yard`: add [profiles.yard]",
    );
    one(
        &format!("{CAMERA}analysis_fps = 0\n"),
        "4:16: camera c: `analysis_fps` is 0",
    );
    one(
        &format!("{CAMERA}analysis_fps = nan\n"),
        "4:16: camera c: `analysis_fps` is float: write a number",
    );
    one(
        &format!("{CAMERA}decoders = [1]\n"),
        "4:12: camera c: `decoders` is array",
    );
    one(
        &format!(
            "{CAMERA}picture = [0, 1]\n[[camera.line]]\nname = \"l\"\npoints = [[5, 5], [6, 6]]\n"
        ),
        "4:11: camera c: `picture` is no picture's size",
    );
    one(
        &format!("{CAMERA}tracker = {{ low_score = 0.9 }}\n"),
        "4:25: camera c: `low_score` (0.9) is above",
    );
    one(
        &format!("{CAMERA}{CAMERA}"),
        "5:6: camera c: `c` is already a camera at etc/p.toml:5",
    );
    one(
        "[[camera]]\nid = \"c\"\ntest = { size = [4, 4] }\n",
        "3:10: camera c: test: `size` is no picture's size",
    );
}

#[test]
fn a_wrong_default_is_one_problem_for_all_who_inherit_it() {
    let text = format!(
        "[defaults]\nbackoff_first_seconds = 9\n{CAMERA}{}",
        CAMERA.replace("\"c\"", "\"d\"")
    );
    one(
        &text,
        "2:25: camera c: `backoff_first_seconds` (9s) is above",
    );
}

#[test]
fn several_models_must_be_chosen_from() {
    one(
        "[models.n]
folder = \"n\"
",
        "1:2: : this is no TOML",
    );
    let head = "[site]\nname = \"s\"\n[node]\nname = \"n\"\n[models.a]\nfolder = \"a\"\n[models.b]\nfolder = \"b\"\n";
    let errors = check(&format!("{head}{CAMERA}")).expect_err("two models");
    assert_eq!(errors.problems().len(), 1);
    assert!(
        errors
            .to_string()
            .starts_with("etc/p.toml:9:1: camera c: `model` is missing"),
        "{errors}"
    );
}

#[test]
fn secrets_come_by_reference_only_and_are_never_shown() {
    for (text, begins) in [
        (
            "password = \"hunter2\"\n",
            "4:12: camera c: `password` does not stand in the configuration",
        ),
        (
            "password = { env = \"NONE\" }\n",
            "4:12: camera c: the environment has no variable `NONE`",
        ),
        (
            "password = { file = \"none\" }\n",
            "4:12: camera c: the secret's file etc/none cannot be read",
        ),
        (
            "password = { env = \"EMPTY\" }\n",
            "4:12: camera c: the secret is empty",
        ),
        (
            "password = { env = \"PASS\", file = \"pass\" }\n",
            "4:12: camera c: `password` needs one reference",
        ),
    ] {
        let text = format!("{CAMERA}{text}user = \"u\"\n");
        one(&text, begins);
        assert!(!messages(&text).concat().contains("hunter2"));
    }
    one(
        &format!("{CAMERA}user = \"u\"\n"),
        "4:8: camera c: `user` stands without `password`",
    );
    one(
        &format!("{CAMERA}password = {{ env = \"PASS\" }}\n"),
        "4:12: camera c: `password` stands without `user`",
    );
    let text = "[[camera]]\nid = \"c\"\nurl = \"rtsp://u:hunter2@h/1\"\n";
    one(
        text,
        "3:7: camera c: `url` rtsp://***@h/1 carries credentials",
    );
    for reference in ["{ env = \"PASS\" }", "{ file = \"pass\" }"] {
        let config = good(&format!(
            "[defaults]\nuser = \"u\"\npassword = {reference}\n{CAMERA}"
        ));
        let camera = config.cameras.values().next().expect("camera");
        let SourceConfig::Rtsp {
            credentials: Some(credentials),
            ..
        } = &camera.source
        else {
            panic!("{:?}", camera.source);
        };
        assert_eq!(credentials.password.reveal(), "hunter2");
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}

fn shaped(rest: &str) -> String {
    format!("{CAMERA}{rest}")
}

#[test]
fn lines_and_zones_are_checked() {
    let zone = |points: &str| {
        shaped(&format!(
            "[[camera.zone]]\nname = \"z\"\npoints = {points}\n"
        ))
    };
    one(
        &zone("[[0, 0], [1, 1]]"),
        "6:1: camera c: zone: a zone needs at least three points",
    );
    one(
        &zone("[[0, 0], [1, 1], [1, 0], [0, 1]]"),
        "6:1: camera c: zone: the zone crosses itself (side 1 meets side 3)",
    );
    one(
        &zone("[[0, 0], [0.5, 0.5], [1, 1]]"),
        "6:1: camera c: zone: the zone has no area",
    );
    one(
        &zone("[[0, 0], [1, 0], [0.5, 0], [0.5, 1]]"),
        "6:1: camera c: zone: the zone crosses itself",
    );
    one(
        &zone("[[0, 0], [9, 0], [0, 1]]"),
        "6:10: camera c: zone: point [9, 0] of `points` is outside the picture: write 0 to 1, or",
    );
    one(
        &zone("[[0, 0, 0]]"),
        "6:10: camera c: zone: `points` is array: write a list of points",
    );
    let line = |points: &str| {
        shaped(&format!(
            "[[camera.line]]\nname = \"l\"\npoints = {points}\n"
        ))
    };
    one(
        &line("[[0, 0]]"),
        "6:1: camera c: line: a line needs at least two points",
    );
    one(
        &line("[[0, 0], [0, 0], [1, 1]]"),
        "6:1: camera c: line: a point of the line follows itself",
    );
    one(
        &shaped("[[camera.line]]\npoints = [[0, 0], [1, 1]]\n"),
        "4:1: camera c: line: `name` is missing",
    );
    let twice = format!(
        "{}[[camera.zone]]\nname = \"l\"\npoints = [[0, 0], [1, 0], [0, 1]]\n",
        line("[[0, 0], [1, 1]]")
    );
    one(
        &twice,
        "8:8: camera c: zone: `l` is already a line or zone at etc/p.toml:8",
    );
}

#[test]
fn points_may_be_pixels_and_a_zone_may_be_closed_twice() {
    let config = good(&shaped(
        "picture = [768, 432]\n[[camera.zone]]\nname = \"z\"\npoints = [[0, 0], [768, 0], [384, 216], [0, 0]]\n[[camera.rule]]\nname = \"r\"\nkind = \"loitering\"\nzone = \"z\"\n",
    ));
    let camera = config.cameras.values().next().expect("camera");
    let RuleKind::Loitering { zone, after } = &camera.rules[0].kind else {
        panic!()
    };
    let points: Vec<_> = zone.points.iter().map(|p| (p.x, p.y)).collect();
    assert_eq!(points, [(0.0, 0.0), (1.0, 0.0), (0.5, 0.5)]);
    assert_eq!(*after, Duration::from_secs(60));
}

#[test]
fn calibrations_that_fix_no_plane_are_refused() {
    let with = |picture: &str, ground: &str| {
        shaped(&format!(
            "calibration = {{ picture = {picture}, ground_metres = {ground} }}\n"
        ))
    };
    let (square, metres) = (
        "[[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]]",
        "[[0, 0], [8, 0], [8, 8], [0, 8]]",
    );
    let config = good(&with(square, metres));
    assert!(
        config
            .cameras
            .values()
            .all(|camera| camera.calibration.is_some())
    );
    // A ground plane whose y axis points the other way is as good.
    good(&with(square, "[[0, 0], [8, 0], [8, -8], [0, -8]]"));
    one(
        &with(square, "[[0, 0], [8, 0], [4, 0], [0, 8]]"),
        "4:77: camera c: calibration: three points of `ground_metres` lie on one line",
    );
    one(
        &with("[[0.1, 0.1], [0.5, 0.5], [0.9, 0.9], [0.1, 0.9]]", metres),
        "4:17: camera c: calibration: three points of `picture`",
    );
    one(
        &with(square, "[[0, 0], [8, 8], [8, 0], [0, 8]]"),
        "4:15: camera c: calibration: the ground points are in another order",
    );
    one(
        &with(square, "[[0, 0]]"),
        "4:77: camera c: calibration: `ground_metres` has 1 points",
    );
}

const ZONE_AND_LINE: &str = "[[camera.zone]]\nname = \"z\"\npoints = [[0, 0], [1, 0], [0, 1]]\n[[camera.line]]\nname = \"l\"\npoints = [[0, 0], [1, 1]]\n";

#[test]
fn rules_are_checked() {
    let rule = |text: &str| shaped(&format!("{ZONE_AND_LINE}[[camera.rule]]\n{text}"));
    one(
        &rule("kind = \"running\"\n"),
        "10:1: camera c: rule: `name` is missing",
    );
    one(
        &rule("name = \"r\"\n"),
        "10:1: camera c: rule r: `kind` is missing",
    );
    one(
        &rule("name = \"r\"\nkind = \"loitring\"\n"),
        "12:8: camera c: rule r: `kind` is `loitring`",
    );
    one(
        &rule("name = \"r\"\nkind = \"line_crossing\"\n"),
        "10:1: camera c: rule r: `line` is missing",
    );
    one(
        &rule("name = \"r\"\nkind = \"line_crossing\"\nline = \"z\"\n"),
        "13:8: camera c: rule r: the camera has no line `z`",
    );
    one(
        &rule("name = \"r\"\nkind = \"crowding\"\nzone = \"z\"\n"),
        "10:1: camera c: rule r: `count` is missing",
    );
    one(
        &rule("name = \"r\"\nkind = \"line_crossing\"\nline = \"l\"\ncount = 3\n"),
        "14:1: camera c: rule r: unknown key `count`",
    );
    one(
        &rule("name = \"r\"\nkind = \"running\"\nclasses = []\n"),
        "13:11: camera c: rule r: `classes` is empty",
    );
    one(
        &rule("name = \"r\"\nkind = \"running\"\nseverity = \"bad\"\n"),
        "13:12: camera c: rule r: `severity` is `bad`",
    );
    one(
        &rule(
            "name = \"r\"\nkind = \"running\"\n[[camera.rule]]\nname = \"r\"\nkind = \"running\"\n",
        ),
        "14:8: camera c: rule r: the camera already has a rule `r` at etc/p.toml:14",
    );
}

#[test]
fn a_wrong_shape_is_not_blamed_on_its_rules() {
    one(
        &shaped(
            "[[camera.line]]\nname = \"l\"\npoints = [[0, 0]]\n[[camera.rule]]\nname = \"r\"\nkind = \"line_crossing\"\nline = \"l\"\n",
        ),
        "6:1: camera c: line: a line needs",
    );
}

#[test]
fn every_mistake_is_told_at_once_and_in_order() {
    let text = format!(
        "[log]\nformat = 1\n[defaults]\npriority = 256\n{CAMERA}modle = \"m\"\n[[camera]]\n[[camera]]\nid = \"d\"\ntest = {{ fps = 0 }}\n"
    );
    let found = messages(&text);
    let lines: Vec<_> = found.iter().filter_map(|m| m.split(':').next()).collect();
    assert_eq!(lines, ["2", "4", "8", "9", "9", "12"], "{found:#?}");
}

#[test]
fn unused_things_are_warned_of() {
    let loaded = check(&format!("{HEAD}[profiles.a]\n{CAMERA}{ZONE_AND_LINE}")).expect("sound");
    let warnings: Vec<_> = loaded.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "etc/p.toml:4:1: [profiles.a]: no camera uses this profile",
            "etc/p.toml:9:8: camera c: no rule uses `z`",
            "etc/p.toml:12:8: camera c: no rule uses `l`",
        ]
    );
}

#[test]
fn a_thousand_cameras_inherit_profile_over_defaults() {
    let mut text = String::from(
        "[defaults]\nanalysis_fps = 2\ntransport = \"udp\"\ndecoders = [\"nvh264dec\"]\ntracker = { high_score = 0.4, new_track_score = 0.6 }\n[profiles.yard]\nanalysis_fps = 8\ntracker = { match_iou = 0.3 }\n",
    );
    for n in 0..1_000 {
        let profile = if n % 2 == 0 {
            "profile = \"yard\"\n"
        } else {
            ""
        };
        writeln!(
            text,
            "[[camera]]\nid = \"c{n}\"\nurl = \"rtsp://h/{n}\"\n{profile}"
        )
        .expect("text");
    }
    let config = good(&text);
    assert_eq!(config.cameras.len(), 1_000);
    let camera =
        |id: &str| config.cameras[&crate::model::ids::CameraId::new(id).expect("id")].clone();
    let (yard, other) = (camera("c10"), camera("c11"));
    assert_eq!((yard.analysis_fps, other.analysis_fps), (8.0, 2.0));
    assert_eq!(
        (yard.tracker.high_score, yard.tracker.match_iou),
        (0.4, 0.3)
    );
    assert_eq!(
        (other.tracker.high_score, other.tracker.match_iou),
        (0.4, 0.2)
    );
    assert!(
        config
            .cameras
            .values()
            .all(|camera| camera.decoders == ["nvh264dec"]
                && matches!(
                    camera.source,
                    SourceConfig::Rtsp {
                        transport: Transport::Udp,
                        ..
                    }
                ))
    );
}

#[test]
fn a_difference_names_cameras_and_sections() {
    let old = good(
        "[[camera]]\nid = \"a\"\nfile = \"a\"\n[[camera]]\nid = \"b\"\nfile = \"b\"\n[[camera]]\nid = \"c\"\nfile = \"c\"\n",
    );
    let new = good(
        "[inference]\nmax_batch = 2\n[[camera]]\nid = \"b\"\nfile = \"b\"\n[[camera]]\nid = \"c\"\nfile = \"c\"\npace = \"fast\"\n[[camera]]\nid = \"d\"\nfile = \"d\"\n",
    );
    assert!(diff(&old, &old.clone()).is_empty());
    let changes = diff(&old, &new);
    let text = |ids: &[crate::model::ids::CameraId]| {
        ids.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(text(&changes.added), ["d"]);
    assert_eq!(text(&changes.removed), ["a"]);
    assert_eq!(text(&changes.changed), ["c"]);
    assert_eq!(changes.needs_restart, ["inference"]);
}

#[test]
fn a_folder_of_cameras_is_read_in_order_and_duplicates_name_both_files() {
    let folder = tempfile::tempdir().expect("folder");
    let main = folder.path().join("parapet.toml");
    let cameras = folder.path().join("cameras.d");
    std::fs::create_dir(&cameras).expect("folder");
    std::fs::write(&main, HEAD).expect("file");
    std::fs::write(
        cameras.join("1.toml"),
        "[[camera]]\nid = \"a\"\nfile = \"a.mp4\"\npace = \"fast\"\n",
    )
    .expect("file");
    std::fs::write(cameras.join("note.txt"), "no TOML").expect("file");
    let loaded = load(&main, &NoEnvironment).expect("sound");
    let camera = loaded.config.cameras.values().next().expect("camera");
    let expected = SourceConfig::File {
        path: folder.path().join("a.mp4"),
        pace: Pace::Fast,
        repeat: false,
    };
    assert_eq!(camera.source, expected);
    std::fs::write(
        cameras.join("2.toml"),
        "[[camera]]\nid = \"a\"\nfile = \"b.mp4\"\n[log]\n",
    )
    .expect("file");
    let errors = load(&main, &NoEnvironment).expect_err("twice");
    let text = errors.to_string();
    assert_eq!(errors.problems().len(), 2, "{text}");
    assert!(
        text.contains("2.toml:2:6: camera a: `a` is already a camera at"),
        "{text}"
    );
    assert!(
        text.contains("1.toml:2: give") && text.contains("2.toml:4:2: unknown key `log`"),
        "{text}"
    );
    std::fs::write(cameras.join("3.toml"), "[[").expect("file");
    let text = load(&main, &NoEnvironment).expect_err("syntax").to_string();
    assert!(text.contains("3.toml:1:"), "{text}");
    let text = load(Path::new("no/such.toml"), &NoEnvironment)
        .expect_err("nothing")
        .to_string();
    assert!(text.starts_with("no/such.toml: cannot be read"), "{text}");
}

#[test]
fn the_example_of_deploy_is_sound_and_names_every_kind_of_rule() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/parapet.example.toml");
    let text = std::fs::read_to_string(&path).expect("example");
    let fake = Fake(BTreeMap::from([
        ("PARAPET_CAMERA_PASSWORD", "x"),
        ("etc/secrets/camera-password", "x"),
    ]));
    let loaded = match parse(&source("etc/parapet.toml", &text), &[], &fake) {
        Ok(loaded) => loaded,
        Err(errors) => panic!("{errors}"),
    };
    assert_eq!(loaded.warnings, []);
    let rules = loaded
        .config
        .cameras
        .values()
        .flat_map(|camera| &camera.rules);
    let mut kinds: Vec<_> = rules
        .map(|rule| std::mem::discriminant(&rule.kind))
        .collect();
    kinds.dedup();
    assert_eq!(kinds.len(), 5);
    let directed = loaded
        .config
        .cameras
        .values()
        .flat_map(|camera| &camera.rules)
        .any(|rule| {
            matches!(
                rule.kind,
                RuleKind::LineCrossing {
                    directions: Directions::LeftToRight,
                    ..
                }
            )
        });
    assert!(directed);
}

proptest! {
    #[test]
    fn any_text_is_taken_or_refused_with_reasons(text in "\\PC{0,200}") {
        if let Err(errors) = check(&text) {
            prop_assert!(!errors.problems().is_empty());
        }
    }

    #[test]
    fn words_of_the_language_in_any_order_never_panic(words in prop::collection::vec(prop::sample::select(vec![
        "[site]\n", "[[camera]]\n", "[[camera.zone]]\n", "[[camera.rule]]\n", "[camera]\n", "[models.m]\n",
        "[defaults]\n", "name", "id", "points", "url", "kind", "test", "picture", "calibration", "password", ".", " = ",
        "\"c\"\n", "\"running\"\n", "[[0, 0], [1, 0], [0, 1]]\n", "[nan, 1e308]\n", "{ }\n", "-9223372036854775808\n", "{ env = \"PASS\" }\n", "\n",
    ]), 0..40)) {
        for head in ["", HEAD] {
            if let Err(errors) = check(&format!("{head}{}", words.concat())) {
                prop_assert!(!errors.problems().is_empty());
            }
        }
    }
}
