//! Every kind of mistake, with its place.

mod doors;
mod example;
mod governor;
mod journal;
mod pictures;
mod watch;
mod whole;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use zeroize::Zeroizing;

use super::secret_file::{SecretFileError, SecretPath};
use super::types::SourceConfig;
use super::*;

const HEAD: &str = "site = { name = \"s\" }\nnode = { name = \"n\" }\nmodels = { m = { folder = \"m\" } }\napi = { plaintext = true }\n";

#[derive(Default)]
struct Fake(BTreeMap<&'static str, &'static str>);

impl Environment for Fake {
    fn variable(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|text| (*text).to_owned())
    }
    fn secret(&self, path: &SecretPath) -> Result<Zeroizing<String>, SecretFileError> {
        let found = path.path.to_str().and_then(|path| self.variable(path));
        found
            .map(Zeroizing::new)
            .ok_or_else(|| SecretFileError::Io {
                path: path.path.clone(),
                source: std::io::ErrorKind::NotFound.into(),
            })
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

const ZONE_AND_LINE: &str = "[[camera.zone]]\nname = \"z\"\npoints = [[0, 0], [1, 0], [0, 1]]\n[[camera.line]]\nname = \"l\"\npoints = [[0, 0], [1, 1]]\n";

#[test]
fn the_shortest_file_has_no_camera_and_no_warning() {
    let loaded = check(HEAD).expect("sound");
    assert!(loaded.warnings.is_empty() && loaded.config.cameras.is_empty());
    assert_eq!(loaded.config.api.listen.to_string(), "127.0.0.1:7447");
    assert_eq!(loaded.config.ops.listen.to_string(), "127.0.0.1:9464");
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
    assert_eq!(lines.len(), 4, "{errors}");
    for (line, key) in lines.iter().zip(["api", "models", "node", "site"]) {
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
        "[journl]\n",
        "1:2: : unknown key `journl`: did you mean `journal`?",
    );
    one(
        "[console]\nlisten = \"127.0.0.1:9464\"\n",
        "1:2: : `console` is called `ops` now: rename it to [ops]",
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
        "[[camera]]\nid = \"c\"\nurl = \"rtsps://h/1\"\nclient = \"retina\"\n",
        "4:10: camera c: `retina` speaks no TLS",
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
        "5:6: camera c: `c` is already a camera at etc/p.toml:6",
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
    let head = "api.plaintext = true\n[site]\nname = \"s\"\n[node]\nname = \"n\"\n[models.a]\nfolder = \"a\"\n[models.b]\nfolder = \"b\"\n";
    let errors = check(&format!("{head}{CAMERA}")).expect_err("two models");
    assert_eq!(errors.problems().len(), 1);
    assert!(
        errors
            .to_string()
            .starts_with("etc/p.toml:10:1: camera c: `model` is missing"),
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

#[test]
fn every_mistake_is_told_at_once_and_in_order() {
    let text = format!(
        "[log]\nformat = 1\n[defaults]\npriority = 256\n{CAMERA}modle = \"m\"\n[[camera]]\n[[camera]]\nid = \"d\"\ntest = {{ fps = 0 }}\n"
    );
    let found = messages(&text);
    let lines: Vec<_> = found.iter().filter_map(|m| m.split(':').next()).collect();
    assert_eq!(lines, ["2", "4", "8", "9", "9", "12"], "{found:#?}");
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
