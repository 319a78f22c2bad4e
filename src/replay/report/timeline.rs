//! One clip's time from left to right: a row per rule, expected events above, alarms below.

use std::collections::BTreeMap;

use maud::{Markup, html};
use unicode_width::UnicodeWidthChar as _;

use super::{AlarmEntry, ClipEntry, EventEntry, Outcome};

const WIDTH: f64 = 1000.0;
const LABELS: f64 = 190.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 6.0;
const ROW: f64 = 44.0;
const AXIS: f64 = 24.0;
/// Labels are cut at this many columns of half-width letters.
const LABEL_COLUMNS: usize = 25;
/// Marks on the axis, at most.
const MOST_TICKS: f64 = 12.0;
/// Drawn height of one lane inside a row.
const LANE: f64 = 14.0;

/// Where a moment lies.
struct Scale {
    seconds: f64,
}

impl Scale {
    fn x(&self, at: f64) -> f64 {
        let share = (at / self.seconds.max(1e-6)).clamp(0.0, 1.0);
        round(LABELS + share * (WIDTH - LABELS - RIGHT))
    }

    /// A span's left edge and width, never narrower than one can see.
    fn span(&self, from: f64, to: f64) -> (f64, f64) {
        let left = self.x(from);
        (left, round((self.x(to) - left).max(3.0)))
    }

    /// The least of 1, 2 and 5 times a power of ten that gives few enough marks.
    fn step(&self) -> f64 {
        let least = (self.seconds / MOST_TICKS).max(1e-3);
        let power = 10_f64.powf(least.log10().floor());
        let steps = [1.0, 2.0, 5.0, 10.0].map(|n| n * power);
        steps
            .into_iter()
            .find(|step| *step >= least * (1.0 - 1e-9))
            .unwrap_or(10.0 * power)
    }
}

fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[derive(Default)]
struct Row<'a> {
    events: Vec<&'a EventEntry>,
    alarms: Vec<&'a AlarmEntry>,
}

/// The drawing.
pub(super) fn timeline(clip: &ClipEntry) -> Markup {
    let scale = Scale {
        seconds: clip.seconds,
    };
    let mut rows: BTreeMap<&str, Row<'_>> = BTreeMap::new();
    for event in &clip.events {
        let name = event.rule.as_deref().unwrap_or(event.kind);
        rows.entry(name).or_default().events.push(event);
    }
    for alarm in &clip.alarms {
        // An alarm that belongs to an event of any rule stands in that event's row.
        let of = alarm.event.and_then(|number| clip.events.get(number));
        let by_kind = of
            .filter(|event| event.rule.is_none())
            .map(|event| event.kind);
        let name = by_kind.or(alarm.rule.as_deref()).unwrap_or(alarm.kind);
        rows.entry(name).or_default().alarms.push(alarm);
    }
    let later = usize::from(!clip.later.is_empty());
    let foot = TOP + ROW * rows.len() as f64 + LANE * 1.8 * later as f64;
    let height = foot + AXIS;
    let view = format!("0 0 {WIDTH} {height}");
    html! {
        svg.timeline viewBox=(view) role="img" aria-label=(format!("timeline of {}", clip.name)) {
            @for span in &clip.ignored {
                @let (left, width) = scale.span(span.start_seconds, span.end_seconds);
                rect.ignored x=(left) y=(TOP) width=(width) height=(foot - TOP) {
                    title { "alarms count neither way" }
                }
            }
            (axis(&scale, foot))
            @for (number, (name, row)) in rows.iter().enumerate() {
                (draw_row(&scale, TOP + ROW * number as f64, name, row))
            }
            @if later > 0 {
                @let y = TOP + ROW * rows.len() as f64 + 4.0;
                text.label x="4" y=(y + 11.0) { "no rule yet" }
                @for event in &clip.later {
                    @let until = event.end_seconds.unwrap_or(event.start_seconds);
                    @let (left, width) = scale.span(event.start_seconds, until);
                    rect.later x=(left) y=(y) width=(width) height=(LANE) {
                        title { (event.kind) " at " (seconds(event.start_seconds)) }
                    }
                }
            }
        }
    }
}

fn axis(scale: &Scale, foot: f64) -> Markup {
    let step = scale.step();
    let ticks = (scale.seconds / step).floor().min(10.0 * MOST_TICKS) as u32;
    html! {
        @for tick in 0..=ticks {
            @let at = f64::from(tick) * step;
            @let x = scale.x(at);
            line.grid x1=(x) x2=(x) y1=(TOP) y2=(foot) {}
            text.tick x=(x) y=(foot + 15.0) { (round(at)) @if tick == 0 { " s" } }
        }
        line.axis x1=(LABELS) x2=(WIDTH - RIGHT) y1=(foot) y2=(foot) {}
    }
}

fn draw_row(scale: &Scale, top: f64, name: &str, row: &Row<'_>) -> Markup {
    let (upper, lower) = (top + 5.0, top + 31.0);
    html! {
        text.label x="4" y=(top + 24.0) { (shortened(name)) title { (name) } }
        line.rule x1=(LABELS) x2=(WIDTH - RIGHT) y1=(lower) y2=(lower) {}
        @for event in &row.events {
            (expected(scale, upper, event))
        }
        @for alarm in &row.alarms {
            (mark(scale.x(alarm.at_seconds), lower, alarm))
        }
        @for event in &row.events {
            @if let Some(latency) = event.latency_seconds {
                line.link x1=(scale.x(event.start_seconds)) y1=(upper + LANE)
                    x2=(scale.x(event.start_seconds + latency)) y2=(lower - 5.0) {}
            }
        }
    }
}

fn expected(scale: &Scale, top: f64, event: &EventEntry) -> Markup {
    let (window_left, window) = scale.span(event.from_seconds, event.until_seconds);
    let until = event.end_seconds.unwrap_or(event.start_seconds);
    let (left, width) = scale.span(event.start_seconds, until);
    let (class, word) = match event.alarm {
        Some(_) => ("event hit", "hit"),
        None => ("event missed", "missed"),
    };
    html! {
        rect.window x=(window_left) y=(top) width=(window) height=(LANE) {}
        rect class=(class) x=(left) y=(top) width=(width) height=(LANE) rx="2" {
            title {
                (event.kind) " at " (seconds(event.start_seconds)) ": " (word)
                @if let Some(latency) = event.latency_seconds { " after " (seconds(latency)) }
                @if let Some(note) = &event.note { " (" (note) ")" }
            }
        }
        @if event.alarm.is_none() {
            text.cross x=(left + width + 4.0) y=(top + 11.0) { "missed" }
        }
    }
}

fn mark(x: f64, y: f64, alarm: &AlarmEntry) -> Markup {
    let shape = match alarm.outcome {
        Outcome::Hit => format!("M{x} {} l6 11 h-12 z", y - 6.0),
        Outcome::Late => format!("M{x} {} l6 6 l-6 6 l-6 -6 z", y - 6.0),
        Outcome::False => format!("M{} {} l10 10 m0 -10 l-10 10", x - 5.0, y - 5.0),
        Outcome::Repeat | Outcome::Ignored => {
            format!("M{} {y} a4 4 0 1 0 8 0 a4 4 0 1 0 -8 0 z", x - 4.0)
        }
    };
    let class = format!("alarm {}", alarm.outcome.word());
    html! {
        path class=(class) d=(shape) {
            title { (alarm.outcome.word()) ": " (alarm.kind) " at " (seconds(alarm.at_seconds)) }
        }
    }
}

fn seconds(value: f64) -> String {
    format!("{value:.2} s")
}

/// The name, cut to the room it has; the whole name is in its title.
fn shortened(name: &str) -> String {
    let mut columns = 0;
    let mut cut = String::new();
    for letter in name.chars() {
        columns += letter.width().unwrap_or(0);
        if columns > LABEL_COLUMNS {
            cut.push('…');
            break;
        }
        cut.push(letter);
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_has_round_marks_and_not_too_many() {
        for (seconds, wanted) in [
            (0.5, 0.05),
            (12.0, 1.0),
            (30.0, 5.0),
            (79.5, 10.0),
            (3600.0, 500.0),
        ] {
            let step = Scale { seconds }.step();
            assert!((step - wanted).abs() < 1e-9, "{seconds}: {step}");
        }
    }

    #[test]
    fn wide_letters_take_two_columns_of_a_label() {
        assert_eq!(shortened("short"), "short");
        assert_eq!(shortened(&"监".repeat(20)), format!("{}…", "监".repeat(12)));
    }
}
