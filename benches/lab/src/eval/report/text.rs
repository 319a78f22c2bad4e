//! The tables for a terminal.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr as _;

use super::{Entry, Report, SetEntry};
use crate::eval::tally::{Band, Figures, Share};
use parapet::model::posture::Posture;

/// The tables: all sets, then by condition, by height and by posture where that is known.
#[must_use]
pub fn text(report: &Report) -> String {
    let mut out = String::new();
    // Writing to a text cannot fail.
    let _ = writeln!(
        out,
        "recall, precision and false persons at score {:.2}, IoU 0.5; ms: processor time of one picture on one thread, median\n",
        report.threshold
    );
    table(&mut out, &overall(report));
    let conditions = by_condition(report);
    if conditions.len() > 1 {
        out.push_str("\nby condition\n");
        table(&mut out, &conditions);
    }
    out.push_str("\nrecall by height, pixels: share found of so many people\n");
    let words = Band::ALL.map(Band::word);
    let of = |figures: &Figures| Band::ALL.map(|band| share(figures.by_height.get(&band)));
    table(&mut out, &recalls(report, &words, &|f| of(f).to_vec()));
    let postures = [Posture::Upright, Posture::Bent, Posture::Low];
    let known = |set: &&SetEntry| set.results.iter().any(|one| !one.all.by_posture.is_empty());
    if report.sets.iter().any(|set| known(&set)) {
        out.push_str("\nrecall by posture: share found of so many people\n");
        let of = |f: &Figures| postures.map(|posture| share(f.by_posture.get(&posture)));
        let words = postures.map(Posture::word);
        table(&mut out, &recalls(report, &words, &|f| of(f).to_vec()));
    }
    for note in report.sets.iter().flat_map(|set| &set.notes) {
        let _ = writeln!(out, "\nnote: {note}");
    }
    out
}

fn number(value: Option<f64>, places: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.places$}"))
}

fn share(share: Option<&Share>) -> String {
    let value = share.and_then(|share| Some((share.value()?, share.people)));
    value.map_or_else(
        || "-".to_owned(),
        |(value, people)| format!("{value:.3} of {people}"),
    )
}

fn cells(of: &[&str]) -> Vec<String> {
    of.iter().map(|cell| (*cell).to_owned()).collect()
}

const FIGURES: [&str; 9] = [
    "pictures",
    "people",
    "AP50",
    "AP50-95",
    "recall",
    "precision",
    "empty",
    "false",
    "false/1000 empty",
];

fn figures(figures: &Figures) -> Vec<String> {
    vec![
        figures.pictures.to_string(),
        figures.people.to_string(),
        number(figures.ap50, 3),
        number(figures.ap50_95, 3),
        number(figures.recall, 3),
        number(figures.precision, 3),
        figures.empty_pictures.to_string(),
        figures.false_on_empty.to_string(),
        number(figures.false_per_1000_empty, 1),
    ]
}

fn all(report: &Report) -> impl Iterator<Item = (&SetEntry, &Entry)> {
    let sets = report.sets.iter();
    sets.flat_map(|set| set.results.iter().map(move |entry| (set, entry)))
}

fn overall(report: &Report) -> Vec<Vec<String>> {
    let mut rows = vec![
        [
            &cells(&["set", "model"])[..],
            &cells(&FIGURES),
            &cells(&["ms"]),
        ]
        .concat(),
    ];
    for (set, entry) in all(report) {
        let mut row = cells(&[&set.name, &entry.model]);
        row.extend(figures(&entry.all));
        row.push(number(entry.millis.map(|millis| millis.p50), 1));
        rows.push(row);
    }
    rows
}

fn by_condition(report: &Report) -> Vec<Vec<String>> {
    let mut rows = vec![[&cells(&["set", "condition", "model"])[..], &cells(&FIGURES)].concat()];
    for set in &report.sets {
        let first = set.results.first();
        let conditions = first.map_or(&[][..], |entry| &entry.by_condition[..]);
        for number in 0..conditions.len() {
            for entry in &set.results {
                if let Some(one) = entry.by_condition.get(number) {
                    let mut row = cells(&[&set.name, &one.condition, &entry.model]);
                    row.extend(figures(&one.figures));
                    rows.push(row);
                }
            }
        }
    }
    rows
}

fn recalls(
    report: &Report,
    words: &[&str],
    of: &dyn Fn(&Figures) -> Vec<String>,
) -> Vec<Vec<String>> {
    let mut rows = vec![[&cells(&["set", "model"])[..], &cells(words)].concat()];
    for (set, entry) in all(report) {
        let shares = of(&entry.all);
        if shares.iter().any(|share| share != "-") {
            let mut row = cells(&[&set.name, &entry.model]);
            row.extend(shares);
            rows.push(row);
        }
    }
    rows
}

/// Words to the left, numbers to the right.
fn table(out: &mut String, rows: &[Vec<String>]) {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.width()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let words = rows.first().map_or(0, |heading| {
        let is_word = |cell: &&String| ["set", "condition", "model"].contains(&cell.as_str());
        heading.iter().take_while(is_word).count()
    });
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let room = " ".repeat(widths[column].saturating_sub(cell.width()));
            let (before, after) = if column < words {
                ("", room.as_str())
            } else {
                (room.as_str(), "")
            };
            let _ = write!(line, "{before}{cell}{after}  ");
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
}
