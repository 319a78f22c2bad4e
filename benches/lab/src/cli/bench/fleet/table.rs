//! The table for people.

use std::collections::BTreeMap;
use std::fmt::Display;

use super::gaps::Spread;
use super::outcome::{DROPS, Outcome, Phase};

/// A row of the table: its name and a format of the phase.
macro_rules! row {
    ($rows:ident, $name:literal, |$phase:ident| $($words:tt)*) => {
        $rows.push(($name, Box::new(|$phase: &Phase| format!($($words)*))));
    };
}

type Row<'r> = (&'r str, Box<dyn Fn(&Phase) -> String>);

/// What the cameras sent and what became of it.
fn service() -> Vec<Row<'static>> {
    let mut rows: Vec<Row<'static>> = Vec::new();
    row!(rows, "cameras", |p| "{}", p.cameras);
    row!(rows, "measured, s", |p| "{:.0}", p.seconds);
    row!(
        rows,
        "connected, least / at the end",
        |p| "{} / {}",
        p.connected_least,
        p.connected
    );
    row!(
        rows,
        "asleep at the end; wakes",
        |p| "{}; {}",
        p.asleep,
        counts(&p.wakes)
    );
    row!(rows, "failures of sources", |p| "{}", p.failures);
    row!(
        rows,
        "frames sent by the camera server, 1/s",
        |p| "{:.0}",
        p.sent_per_second
    );
    row!(
        rows,
        "frames received, 1/s",
        |p| "{:.0}",
        p.received_per_second
    );
    row!(
        rows,
        "frames decoded, 1/s",
        |p| "{:.1}",
        p.decoded_per_second
    );
    row!(
        rows,
        "frames analysed, 1/s",
        |p| "{:.1}",
        p.analysed_per_second
    );
    rows
}

/// What was promised.
fn promises() -> Vec<Row<'static>> {
    let mut rows: Vec<Row<'static>> = Vec::new();
    row!(
        rows,
        "gap p50 / p99 / max, s",
        |p| "{}",
        spread(&p.gaps.all)
    );
    row!(
        rows,
        "a camera's largest gap, likewise",
        |p| "{}",
        spread(&p.gaps.largest)
    );
    row!(
        rows,
        "intrusions reported / owed",
        |p| "{} / {}",
        p.events.reported,
        p.events.owed
    );
    row!(
        rows,
        "event latency p50 / p99 / max, s",
        |p| "{}",
        spread(&p.events.latency)
    );
    row!(rows, "other incidents", |p| "{}", counts(&p.events.others));
    row!(rows, "cameras by governor's level", |p| "{}", {
        let levels = &p.governor.levels;
        if levels.is_empty() {
            "no governor".to_owned()
        } else {
            levels
                .iter()
                .map(usize::to_string)
                .collect::<Vec<_>>()
                .join(" ")
        }
    });
    row!(rows, "levels, then gap, by priority", |p| "{}", {
        let places = p.governor.places.iter().map(|place| {
            let levels = place.levels.iter().map(usize::to_string);
            format!(
                "{} ({}): {}; {}",
                place.name,
                place.priority,
                levels.collect::<Vec<_>>().join(" "),
                spread(&place.gaps)
            )
        });
        places.collect::<Vec<_>>().join(" | ")
    });
    row!(
        rows,
        "coverage not kept, worst look",
        |p| "{}",
        p.governor.unkept_most
    );
    rows
}

/// What it cost.
fn cost(stages: &[&'static str]) -> Vec<Row<'static>> {
    let mut rows: Vec<Row<'static>> = Vec::new();
    for (number, stage) in stages.iter().enumerate() {
        rows.push((
            stage,
            Box::new(move |phase| {
                phase.stages.get(number).map_or_else(String::new, |cost| {
                    format!("{:.3} / {:.3}", cost.cores, cost.millis_per_camera_second)
                })
            }),
        ));
    }
    row!(
        rows,
        "daemon, all",
        |p| "{:.3} / {:.3}",
        p.load.daemon,
        p.load.daemon * 1e3 / p.cameras.max(1) as f64
    );
    row!(rows, "server", |p| "{:.3}", p.load.server);
    row!(rows, "this bench", |p| "{:.3}", p.load.bench);
    row!(rows, "other processes", |p| "{:.3}", p.load.elsewhere);
    row!(
        rows,
        "idle, of the machine's cores",
        |p| "{:.3} of {}",
        p.load.idle,
        p.load.machine_cores
    );
    row!(
        rows,
        "RSS, MiB (server)",
        |p| "{:.0} ({:.0})",
        p.rss_mib,
        p.server_rss_mib
    );
    row!(rows, "threads", |p| "{}", p.threads);
    row!(
        rows,
        "pictures the camera server left out",
        |p| "{}",
        p.server_skipped
    );
    for (number, (word, _)) in DROPS.iter().enumerate() {
        let name = [
            "dropped: superseded",
            "dropped: above rate",
            "dropped: stale",
            "decoded only to be compared",
            "groups too large to hold",
            "probes deferred",
            "dropped: late",
        ][number];
        rows.push((
            name,
            Box::new(move |phase| phase.drops.get(word).copied().unwrap_or(0).to_string()),
        ));
    }
    rows
}

fn counts(counts: &BTreeMap<impl Display, impl Display>) -> String {
    if counts.is_empty() {
        return "none".to_owned();
    }
    let words = counts.iter().map(|(name, count)| format!("{count} {name}"));
    words.collect::<Vec<_>>().join(", ")
}

fn spread(spread: &Spread) -> String {
    format!("{:.2} / {:.2} / {:.2}", spread.p50, spread.p99, spread.max)
}

/// Prints the table for people.
pub(super) fn tell(outcome: &Outcome) {
    println!(
        "mode {}, model {}, {}, seed {}; cores used, and ms of processor time a camera-second, by stage",
        outcome.mode,
        outcome.model,
        outcome.clips.join(" and "),
        outcome.seed
    );
    match outcome.settled_seconds {
        Some(seconds) => println!("settled after {seconds:.0} s"),
        None => println!("had NOT settled when the measurement began"),
    }
    let stages: Vec<_> = outcome
        .phases
        .first()
        .map(|phase| phase.stages.iter().map(|cost| cost.stage).collect())
        .unwrap_or_default();
    let line = |name: &str, cell: &dyn Fn(&Phase) -> String| {
        let cells = outcome
            .phases
            .iter()
            .map(|phase| format!("{:>22}", cell(phase)));
        println!("{name:<34}{}", cells.collect::<String>());
    };
    if outcome.phases.len() > 1 {
        line("", &|phase| phase.name.to_owned());
    }
    for (name, cell) in service().into_iter().chain(promises()).chain(cost(&stages)) {
        line(name, &*cell);
    }
    for word in &outcome.broken {
        println!("NOT kept: {word}");
    }
    if outcome.broken.is_empty() {
        println!("all promises kept");
    }
    if !outcome.stopped_cleanly {
        println!("the daemon did NOT stop in good order");
    }
}
