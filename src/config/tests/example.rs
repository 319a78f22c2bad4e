//! `deploy/parapet.example.toml` and `deploy/parapet.toml` against the reader.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::super::reader::asked;
use super::super::rule::LineCrossing;
use super::super::types::{Config, Directions, RuleKind};
use super::super::{ConfigErrors, Loaded, parse};
use super::{Fake, source};

fn deploy(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("deploy")
        .join(file);
    std::fs::read_to_string(path).expect("readable")
}

fn read(text: &str) -> Result<Loaded, ConfigErrors> {
    let fake = Fake(BTreeMap::from([
        ("PARAPET_CAMERA_PASSWORD", "x"),
        ("etc/secrets/camera-password", "x"),
    ]));
    parse(&source("etc/parapet.toml", text), &[], &fake)
}

#[track_caller]
fn sound(text: &str) -> Config {
    match read(text) {
        Ok(loaded) => loaded.config,
        Err(errors) => panic!("{errors}"),
    }
}

/// The setting that a line shows, active or behind a `#`: its key, its value, what is said of it.
fn setting(line: &str) -> Option<(&str, &str, &str)> {
    let line = line.strip_prefix("# ").unwrap_or(line);
    let (key, rest) = line.split_once(" = ")?;
    if !key.chars().all(|c| c.is_ascii_lowercase() || c == '_') {
        return None;
    }
    // No value of the example holds a `#`.
    let (value, said) = rest.split_once('#').unwrap_or((rest, ""));
    Some((key, value.trim(), said.trim()))
}

/// The last name of a line's `[header]`, such as `rule` of `[[camera.rule]]`.
fn header(line: &str) -> Option<&str> {
    let line = line.strip_prefix("# ").unwrap_or(line);
    let inner = line.strip_prefix('[')?.trim_start_matches('[');
    let path = inner.split(']').next()?;
    let first = path.split('.').next()?;
    let named = ["models", "profiles"].contains(&first);
    if named {
        Some(first)
    } else {
        path.rsplit('.').next()
    }
}

#[test]
fn the_example_is_sound_and_shows_every_kind_of_rule() {
    let loaded = read(&deploy("parapet.example.toml")).expect("sound");
    assert_eq!(loaded.warnings, []);
    let rules = loaded.config.cameras.values().flat_map(|c| &c.rules);
    let kinds: Vec<_> = rules.map(|rule| &rule.kind).collect();
    let different: BTreeSet<String> = kinds
        .iter()
        .map(|kind| {
            let text = format!("{kind:?}");
            text.split([' ', '(']).next().unwrap_or_default().to_owned()
        })
        .collect();
    assert!(different.len() >= 5, "{different:?}");
    assert!(kinds.iter().any(|kind| matches!(
        kind,
        RuleKind::LineCrossing(LineCrossing {
            directions: Directions::LeftToRight,
            ..
        })
    )));
}

#[test]
fn what_the_package_installs_is_sound() {
    let config = sound(&deploy("parapet.toml"));
    assert!(config.cameras.is_empty() && !config.models.is_empty());
}

/// Uncomments one setting at a time: it must be allowed there, and what stands behind a `#` must
/// be what is built in, unless the line says otherwise.
#[test]
fn every_commented_setting_is_allowed_and_is_the_built_in_value() {
    let text = deploy("parapet.example.toml");
    let base = sound(&text);
    let lines: Vec<&str> = text.lines().collect();
    let (mut tried, mut wrong) = (0, Vec::new());
    for (at, line) in lines.iter().enumerate() {
        let Some((key, value, said)) = setting(line).filter(|_| line.starts_with("# ")) else {
            continue;
        };
        tried += 1;
        let mut changed: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        changed[at] = format!("{key} = {value}");
        // Another way to write a setting that stands just above takes its place.
        let mut replaces = false;
        if let Some(above) = at.checked_sub(1)
            && setting(lines[above]).is_some_and(|(other, ..)| other == key)
        {
            changed[above].clear();
            replaces = true;
        }
        match read(&changed.join("\n")) {
            Err(errors) => wrong.push(format!("line {}: {errors}", at + 1)),
            Ok(loaded) => {
                let explained = replaces || said.starts_with("built-in: ");
                if !explained && loaded.config != base {
                    wrong.push(format!("line {}: {key} is not built in", at + 1));
                }
            }
        }
    }
    assert!(tried > 30, "only {tried} settings found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every key that the reader asks for is shown in its section, so that none stays unknown.
#[test]
fn every_key_that_can_be_written_is_in_the_example() {
    let text = deploy("parapet.example.toml");
    let mut shown: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut section = "";
    for line in text.lines() {
        if let Some(name) = header(line) {
            section = name;
        }
        // Keys of inline tables and of alternatives in a comment count where they stand.
        let words = line.split([' ', '{', '}', ',', '[', ']']);
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        let keys = words.windows(2).filter(|pair| pair[1] == "=");
        shown
            .entry(section)
            .or_default()
            .extend(keys.map(|pair| pair[0]));
    }
    let everywhere: BTreeSet<&str> = shown.values().flatten().copied().collect();
    asked::take();
    sound(&text);
    let mut missing = Vec::new();
    for (subject, key) in asked::take() {
        let table = subject.rsplit(": ").next().unwrap_or_default();
        let table = table.trim_matches(['[', ']']);
        let table = table.split([' ', '.']).next().unwrap_or_default();
        let found = match table {
            // The top of the file: its keys are the sections.
            "" => shown.contains_key(key),
            "camera" | "defaults" | "profiles" => {
                let tables =
                    ["line", "mask", "zone", "rule"].contains(&key) && shown.contains_key(key);
                let inline = ["tracker", "watch"].contains(&key) && shown.contains_key(key);
                let places = ["camera", "defaults", "profiles"];
                let written = |name| shown.get(name).is_some_and(|keys| keys.contains(key));
                tables || inline || places.into_iter().any(written)
            }
            table => match shown.get(table) {
                // A table of its own, such as [api.tls], counts like a key.
                Some(keys) => keys.contains(key) || shown.contains_key(key),
                None => everywhere.contains(key),
            },
        };
        if !found {
            missing.push(format!("[{table}] {key}"));
        }
    }
    missing.sort();
    missing.dedup();
    assert!(missing.is_empty(), "the example does not show {missing:?}");
}
