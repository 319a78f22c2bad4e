//! The report for a terminal.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr as _;

use super::{ClipEntry, Report};
use crate::replay::score::Score;

const HEADINGS: [&str; 12] = [
    "",
    "clips",
    "events",
    "hit",
    "missed",
    "false",
    "repeat",
    "precision",
    "recall",
    "95 % bounds",
    "F1",
    "latency p50/p99",
];

/// The tables, and what went wrong line by line.
#[must_use]
pub fn text(report: &Report) -> String {
    let mut out = String::new();
    // Writing to a text cannot fail.
    let _ = writeln!(out, "F1 with recall bias alpha = {}", report.alpha);
    let tables = [
        ("rule kind", &report.by_kind),
        ("condition", &report.by_condition),
        ("rule kind · condition", &report.by_kind_and_condition),
        ("note", &report.by_note),
    ];
    for (name, scores) in tables {
        if !scores.is_empty() {
            out.push('\n');
            table(&mut out, name, scores);
        }
    }
    out.push('\n');
    table(&mut out, "", std::slice::from_ref(&report.total));
    let hours = report.total.camera_hours;
    let rate = or_dash(report.total.false_alarms_per_hour, 2);
    let _ = writeln!(
        out,
        "\n{rate} false alarms per camera-hour ({hours:.3} camera-hours)"
    );
    for clip in &report.clips {
        faults(&mut out, clip);
    }
    let verdict = if report.passed { "PASSED" } else { "FAILED" };
    let _ = writeln!(out, "\n{verdict}");
    for reason in &report.reasons {
        let _ = writeln!(out, "  {}", one_line(reason));
    }
    out
}

fn faults(out: &mut String, clip: &ClipEntry) {
    let mut lines = Vec::new();
    if let Some(failure) = &clip.failure {
        lines.push(format!("could not be played: {failure}"));
    } else {
        for event in clip.events.iter().filter(|event| event.alarm.is_none()) {
            let rule = event.rule.as_deref().unwrap_or(&event.kind);
            let note = event.note.as_ref().map(|note| format!(" ({note})"));
            lines.push(format!(
                "missed  {:>8.2} s  {rule}{}",
                event.start_seconds,
                note.unwrap_or_default()
            ));
        }
        for alarm in clip.alarms.iter().filter(|alarm| alarm.outcome.is_wrong()) {
            let rule = alarm.rule.as_deref().unwrap_or(&alarm.kind);
            lines.push(format!(
                "{:<7} {:>8.2} s  {rule}",
                alarm.outcome.word(),
                alarm.at_seconds
            ));
        }
    }
    if !lines.is_empty() {
        let _ = writeln!(out, "\n{}", one_line(&clip.name));
        for line in lines {
            let _ = writeln!(out, "  {}", one_line(&line));
        }
    }
}

/// Names, notes and reasons come from files: no line end or escape sequence may leave them.
fn one_line(text: &str) -> String {
    let visible = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(visible).collect()
}

fn table(out: &mut String, name: &str, scores: &[Score]) {
    let mut rows = vec![HEADINGS.map(str::to_owned)];
    rows[0][0] = name.to_owned();
    rows.extend(scores.iter().map(cells));
    let widths: Vec<usize> = (0..HEADINGS.len())
        .map(|column| {
            rows.iter()
                .map(|row| row[column].width())
                .max()
                .unwrap_or(0)
        })
        .collect();
    for row in rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let gap = " ".repeat(width - cell.width());
            match column {
                0 => line.extend([cell.as_str(), gap.as_str()]),
                _ => line.extend(["  ", gap.as_str(), cell.as_str()]),
            }
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
}

fn cells(score: &Score) -> [String; 12] {
    let alarms = |count: usize| match score.false_alarms_per_hour {
        None if count == 0 => "–".to_owned(),
        _ => count.to_string(),
    };
    let bounds = score
        .detection_bounds
        .map_or_else(dash, |[low, high]| format!("{low:.3}–{high:.3}"));
    let latency = match (score.latency_p50_seconds, score.latency_p99_seconds) {
        (Some(p50), Some(p99)) => format!("{p50:.2} / {p99:.2} s"),
        _ => dash(),
    };
    [
        one_line(&score.name),
        score.clips.to_string(),
        score.expected.to_string(),
        score.hits.to_string(),
        score.missed.to_string(),
        alarms(score.false_alarms),
        alarms(score.repeats),
        or_dash(score.precision, 3),
        or_dash(score.recall, 3),
        bounds,
        or_dash(score.f1, 4),
        latency,
    ]
}

fn dash() -> String {
    "–".to_owned()
}

fn or_dash(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(dash, |value| format!("{value:.digits$}"))
}
