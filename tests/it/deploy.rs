//! What lies in `deploy/` fits the program: alerts, dashboard and unit.
#![expect(clippy::print_stderr, reason = "a skipped check is said aloud")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use parapet::base::metrics::{Metrics, Stage};

fn deploy(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("deploy")
        .join(file)
}

fn text(file: &str) -> String {
    let path = deploy(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every `parapet_…` word of a text.
fn metric_names(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.starts_with("parapet_"))
        .collect()
}

/// The names of all series that the daemon can show.
fn known_names() -> BTreeSet<String> {
    let metrics = Metrics::new();
    let _ = (metrics.camera("yard"), metrics.stage(Stage::Commit));
    let rendered = metrics.render();
    metric_names(&rendered)
        .into_iter()
        .map(str::to_owned)
        .collect()
}

/// Runs a tool; `None`, said aloud, where it is not installed.
fn run(tool: &str, arguments: &[&str], file: &Path) -> Option<(bool, String)> {
    match Command::new(tool).args(arguments).arg(file).output() {
        Ok(done) => {
            let said = [done.stdout, done.stderr].concat();
            let said = String::from_utf8_lossy(&said).into_owned();
            Some((done.status.success(), said))
        }
        Err(error) => {
            eprintln!("skipped: {tool} cannot be run ({error})");
            None
        }
    }
}

#[test]
fn every_metric_of_alerts_and_dashboard_exists() {
    let known = known_names();
    for file in ["prometheus/parapet.rules.yml", "grafana/parapet.json"] {
        let text = text(file);
        let used = metric_names(&text);
        assert!(used.len() >= 8, "{file} uses only {used:?}");
        let unknown: Vec<_> = used.iter().filter(|name| !known.contains(**name)).collect();
        assert!(
            unknown.is_empty(),
            "{file} names {unknown:?}; src/base/metrics.rs has {known:#?}"
        );
    }
}

#[test]
fn the_dashboard_is_json_whose_panels_all_ask_something() {
    let dashboard: serde_json::Value =
        serde_json::from_str(&text("grafana/parapet.json")).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    assert!(panels.len() >= 10);
    for panel in panels {
        let asks = |target: &serde_json::Value| target["expr"].as_str().is_some();
        let targets = panel["targets"].as_array().expect("targets");
        assert!(!targets.is_empty() && targets.iter().all(asks), "{panel}");
    }
}

#[test]
fn promtool_finds_the_alerts_sound_and_each_fires_when_it_must() {
    for (what, file) in [
        ("check", "prometheus/parapet.rules.yml"),
        ("test", "prometheus/parapet.test.yml"),
    ] {
        if let Some((good, said)) = run("promtool", &[what, "rules"], &deploy(file)) {
            assert!(good, "{said}");
        }
    }
    // Each alert is named by a test of its own, so that none is dead.
    let tests = text("prometheus/parapet.test.yml");
    for line in text("prometheus/parapet.rules.yml").lines() {
        if let Some(alert) = line.trim().strip_prefix("- alert: ") {
            assert!(tests.contains(alert), "parapet.test.yml has no {alert}");
        }
    }
}

#[test]
fn the_units_exposure_is_at_most_two() {
    let arguments = ["security", "--offline=yes", "--threshold=20", "--no-pager"];
    let unit = deploy("parapet.service");
    if let Some((good, said)) = run("systemd-analyze", &arguments, &unit) {
        assert!(good, "{said}");
        assert!(said.contains("Overall exposure level"), "{said}");
    }
}
