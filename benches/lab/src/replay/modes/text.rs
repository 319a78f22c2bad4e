//! The comparison for a terminal.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Compared, Cost, ModesReport, Pair};

/// The table, what watch mode misses clip by clip, and the figures over all.
#[must_use]
pub fn text(report: &ModesReport) -> String {
    let mut out = String::new();
    let widest = report.clips.iter().map(|clip| clip.clip.chars().count());
    let wide = widest.max().unwrap_or(0).max(4);
    // Writing to a text cannot fail.
    let _ = writeln!(
        out,
        "{:<wide$} {:>7} {:>7} {:>8} {:>6} {:>11} {:>13} {:>7}  woke by",
        "clip", "seconds", "events", "appeared", "later", "decoded", "CPU s", "cheaper",
    );
    for clip in &report.clips {
        line(&mut out, clip, wide);
    }
    for clip in &report.clips {
        for (kind, pairs) in [("event", &clip.events), ("appearance", &clip.appearances)] {
            for pair in pairs.iter().filter(|pair| pair.watch_seconds.is_none()) {
                let rule = pair.rule.as_deref().unwrap_or(&pair.what);
                let (at, name) = (pair.always_seconds, &clip.clip);
                let _ = writeln!(out, "missed {kind} {at:>8.2} s  {rule}  {name}");
            }
        }
    }
    for (clip, why) in &report.failed {
        let _ = writeln!(out, "{clip} could not be played: {why}");
    }
    summary(&mut out, report);
    out
}

fn line(out: &mut String, clip: &Compared, wide: usize) {
    let kept = |pairs: &[Pair]| {
        let kept = pairs.iter().filter(|pair| pair.watch_seconds.is_some());
        format!("{}/{}", kept.count(), pairs.len())
    };
    let latest = clip.appearances.iter().filter_map(Pair::later);
    let latest = latest.reduce(f64::max);
    let (always, watch) = (&clip.always, &clip.watch);
    let _ = writeln!(
        out,
        "{:<wide$} {:>7.1} {:>7} {:>8} {:>6} {:>11} {:>13} {:>7}  {}",
        clip.clip,
        clip.seconds,
        kept(&clip.events),
        kept(&clip.appearances),
        latest.map_or("-".to_owned(), |later| format!("{later:.2}")),
        format!("{}/{}", watch.decoded, always.decoded),
        format!("{:.2}/{:.2}", watch.cpu_seconds, always.cpu_seconds),
        cheaper(always, watch),
        reasons(&watch.wakes),
    );
}

fn cheaper(always: &Cost, watch: &Cost) -> String {
    if watch.cpu_seconds > 0.0 {
        format!("{:.1}", always.cpu_seconds / watch.cpu_seconds)
    } else {
        "-".to_owned()
    }
}

fn reasons(wakes: &BTreeMap<&'static str, u64>) -> String {
    let each = wakes.iter().filter(|(reason, _)| **reason != "start");
    let words: Vec<String> = each
        .map(|(reason, times)| format!("{reason} {times}"))
        .collect();
    words.join(", ")
}

fn summary(out: &mut String, report: &ModesReport) {
    let all = &report.summary;
    let percent =
        |share: Option<f64>| share.map_or("-".to_owned(), |s| format!("{:.2} %", s * 100.0));
    let later = |both: Option<[f64; 2]>| {
        both.map_or("-".to_owned(), |[p50, p95]| {
            format!("{p50:.2} s / {p95:.2} s")
        })
    };
    let _ = writeln!(
        out,
        "\nevents       {} of {} told in watch mode ({}), later p50/p95 {}; {} only there",
        all.events_kept,
        all.events,
        percent(all.event_share),
        later(all.event_later_seconds),
        all.only_in_watch,
    );
    let _ = writeln!(
        out,
        "appearances  {} of {} seen in watch mode ({}), first detection later p50/p95 {}",
        all.appearances_kept,
        all.appearances,
        percent(all.appearance_share),
        later(all.appearance_later_seconds),
    );
    let seconds = all.seconds.max(1e-9);
    let each = |cost: &Cost| cost.cpu_seconds / seconds * 1e3;
    let _ = writeln!(
        out,
        "cost         {:.1} s of video: {} of {} pictures decoded, {:.1} of {:.1} ms of CPU a camera-second ({} times cheaper)",
        all.seconds,
        all.watch.decoded,
        all.always.decoded,
        each(&all.watch),
        each(&all.always),
        cheaper(&all.always, &all.watch),
    );
    let _ = writeln!(out, "woke by      {}", reasons(&all.watch.wakes));
}
