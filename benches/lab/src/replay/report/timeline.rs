//! One clip's time from left to right: a row per rule, expected events above, alarms below.

use std::collections::BTreeMap;

use maud::{Markup, html};
use unicode_width::UnicodeWidthChar as _;

use super::{AlarmEntry, ClipEntry, EventEntry, Outcome};

const WIDTH: f64 = 1000.0;
const LABELS: f64 = 190.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 6.0;
/// Drawn height of a row with one lane of events, and of each further one.
const ROW: f64 = 44.0;
const AXIS: f64 = 24.0;
/// Labels are cut at this many columns of half-width letters.
const LABEL_COLUMNS: usize = 25;
/// Marks on the axis, at most.
const MOST_TICKS: f64 = 12.0;
/// Drawn height of one lane inside a row.
const LANE: f64 = 14.0;
/// Between two lanes.
const GAP: f64 = 3.0;

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

/// A row with its place: events that overlap lie in lanes of their own.
struct Placed<'a> {
    name: &'a str,
    top: f64,
    lanes: usize,
    events: Vec<(usize, &'a EventEntry)>,
    alarms: Vec<&'a AlarmEntry>,
}

impl Placed<'_> {
    /// How much higher than a row with one lane it is.
    fn extra(&self) -> f64 {
        (LANE + GAP) * self.lanes.saturating_sub(1) as f64
    }

    fn foot(&self) -> f64 {
        self.top + ROW + self.extra()
    }
}

/// Gives each row its place from the top down, and each event the first lane that is free.
fn place<'a>(rows: BTreeMap<&'a str, Row<'a>>, seconds: f64) -> Vec<Placed<'a>> {
    let mut top = TOP;
    // A missed event's word needs room too.
    let room = seconds * 0.06;
    rows.into_iter()
        .map(|(name, mut row)| {
            row.events
                .sort_by(|a, b| a.start_seconds.total_cmp(&b.start_seconds));
            let mut busy_until: Vec<f64> = Vec::new();
            let mut events = Vec::with_capacity(row.events.len());
            for event in row.events {
                let from = event.from_seconds;
                let until = event.end_seconds.unwrap_or(event.start_seconds) + room;
                let until = until.max(event.until_seconds);
                let free = busy_until.iter().position(|busy| *busy <= from);
                let lane = free.unwrap_or_else(|| {
                    busy_until.push(0.0);
                    busy_until.len() - 1
                });
                busy_until[lane] = until;
                events.push((lane, event));
            }
            let placed = Placed {
                name,
                top,
                lanes: busy_until.len(),
                events,
                alarms: row.alarms,
            };
            top = placed.foot();
            placed
        })
        .collect()
}

pub(super) fn timeline(clip: &ClipEntry) -> Markup {
    let scale = Scale {
        seconds: clip.seconds,
    };
    let mut rows: BTreeMap<&str, Row<'_>> = BTreeMap::new();
    for event in &clip.events {
        let name = event.rule.as_deref().unwrap_or(&event.kind);
        rows.entry(name).or_default().events.push(event);
    }
    for alarm in &clip.alarms {
        // An alarm that belongs to an event of any rule stands in that event's row.
        let of = alarm.event.and_then(|number| clip.events.get(number));
        let by_kind = of
            .filter(|event| event.rule.is_none())
            .map(|event| &*event.kind);
        let name = by_kind.or(alarm.rule.as_deref()).unwrap_or(&alarm.kind);
        rows.entry(name).or_default().alarms.push(alarm);
    }
    let rows = place(rows, clip.seconds);
    let bottom = rows.last().map_or(TOP, Placed::foot);
    let foot = if clip.later.is_empty() {
        bottom
    } else {
        bottom + 1.8 * LANE
    };
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
            @for row in &rows {
                (draw_row(&scale, row))
            }
            @if !clip.later.is_empty() {
                @let y = bottom + 4.0;
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

fn draw_row(scale: &Scale, row: &Placed<'_>) -> Markup {
    let lane_top = |lane: usize| row.top + 5.0 + (LANE + GAP) * lane as f64;
    let lower = row.top + 31.0 + row.extra();
    html! {
        text.label x="4" y=(row.top + 24.0 + row.extra() / 2.0) {
            (shortened(row.name)) title { (row.name) }
        }
        line.rule x1=(LABELS) x2=(WIDTH - RIGHT) y1=(lower) y2=(lower) {}
        @for (lane, event) in &row.events {
            @if let Some(latency) = event.latency_seconds {
                line.link x1=(scale.x(event.start_seconds)) y1=(lane_top(*lane) + LANE)
                    x2=(scale.x(event.start_seconds + latency)) y2=(lower - 5.0) {}
            }
        }
        @for (lane, event) in &row.events {
            (expected(scale, lane_top(*lane), event))
        }
        @for alarm in &row.alarms {
            (mark(scale.x(alarm.at_seconds), lower, alarm))
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
    fn events_that_overlap_lie_in_lanes_of_their_own() {
        let event = |from: f64, until: f64| EventEntry {
            kind: "running".into(),
            rule: None,
            note: None,
            start_seconds: from,
            end_seconds: None,
            from_seconds: from,
            until_seconds: until,
            alarm: None,
            latency_seconds: None,
        };
        let events = [
            event(0.0, 10.0),
            event(5.0, 15.0),
            event(11.0, 20.0),
            event(30.0, 31.0),
        ];
        let row = Row {
            events: events.iter().collect(),
            alarms: Vec::new(),
        };
        let placed = place(BTreeMap::from([("a", row)]), 60.0);
        let lanes: Vec<usize> = placed[0].events.iter().map(|(lane, _)| *lane).collect();
        assert_eq!(lanes, [0, 1, 0, 0]);
        assert_eq!(placed[0].lanes, 2);
    }

    #[test]
    fn wide_letters_take_two_columns_of_a_label() {
        assert_eq!(shortened("short"), "short");
        assert_eq!(shortened(&"监".repeat(20)), format!("{}…", "监".repeat(12)));
    }
}
