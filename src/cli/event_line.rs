//! Events as lines of text: JSON for machines, aligned and coloured columns for people.
//!
//! ```text
//! 2026-11-28, UTC
//! time          severity  camera    rule       kind            phase    sure     late
//! 14:03:07.512  alarm     camera-1  perimeter  zone_intrusion  started  87 %   0.31 s  zone strip, for 1.2 s
//! ```
//!
//! `sure` is the score of the object that the detector is surest of, `late` the time from what
//! happened to the commit; a dash stands where an event has none. A day has a line of its own.
//! A column is as wide as the widest text that stood in it, in cells of a terminal: a Chinese
//! character takes two.

use std::fmt::Write as _;
use std::io::IsTerminal as _;

use clap::builder::styling::{AnsiColor, Effects, Style};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime};
use serde::Serialize;
use unicode_width::UnicodeWidthStr as _;

use crate::model::event::{Direction, Event, Phase, Record, Severity};
use crate::model::time::UtcMicros;

const HEADINGS: [&str; 8] = [
    "time", "severity", "camera", "rule", "kind", "phase", "sure", "late",
];
/// These columns hold numbers, which end at the same place.
const NUMBERS: std::ops::Range<usize> = 6..8;
/// What each column is wide from the start, so that the first lines move little.
const WIDTHS: [usize; 8] = [12, 8, 8, 12, 14, 7, 5, 7];
/// A name longer than this shifts its own line only.
const WIDEST: usize = 32;
const DIM: Style = Style::new().effects(Effects::DIMMED);

/// An event as a JSON line has it.
#[derive(Serialize)]
struct JsonLine<'a> {
    sequence: u64,
    occurred_at: String,
    committed_at: String,
    #[serde(flatten)]
    event: &'a Event,
}

/// Turns events into lines; the columns remember how wide they became.
#[derive(Debug)]
pub enum EventLines {
    /// One JSON object a line.
    Json,
    /// For people.
    Readable(Box<Columns>),
}

impl EventLines {
    /// For people, in the machine's time zone; coloured where standard output is a terminal that
    /// shows colours and `NO_COLOR` is unset.
    #[must_use]
    pub fn readable() -> Self {
        let coloured = colours_shown(std::io::stdout().is_terminal(), |name| {
            std::env::var(name).unwrap_or_default()
        });
        Self::Readable(Box::new(Columns::new(TimeZone::system(), coloured)))
    }

    /// The event's line, without a line feed at its end; above it headings where they are due.
    ///
    /// # Errors
    /// Where an event cannot be written as JSON.
    pub fn record(&mut self, record: &Record) -> Result<String, serde_json::Error> {
        match self {
            Self::Json => serde_json::to_string(&JsonLine {
                sequence: record.sequence.0,
                occurred_at: record.event.occurred.utc.rfc3339(),
                committed_at: record.committed.rfc3339(),
                event: &record.event,
            }),
            Self::Readable(columns) => {
                let headings = columns.headings(&record.event);
                Ok(headings + &columns.line(&record.event, Some(record.committed)))
            }
        }
    }

    /// The same for an event that is not committed yet.
    ///
    /// # Errors
    /// As [`EventLines::record`].
    pub fn provisional(&mut self, event: &Event) -> Result<String, serde_json::Error> {
        match self {
            Self::Json => serde_json::to_string(event),
            Self::Readable(columns) => Ok(columns.line(event, None)),
        }
    }
}

/// <https://no-color.org>: any value but an empty one turns colours off.
fn colours_shown(terminal: bool, environment: impl Fn(&str) -> String) -> bool {
    terminal && environment("NO_COLOR").is_empty() && environment("TERM") != "dumb"
}

/// The state of a readable listing.
#[derive(Debug)]
pub struct Columns {
    zone: TimeZone,
    coloured: bool,
    widths: [usize; 8],
    day: Option<Date>,
}

impl Columns {
    /// With times of this zone.
    #[must_use]
    pub fn new(zone: TimeZone, coloured: bool) -> Self {
        Self {
            zone,
            coloured,
            widths: WIDTHS,
            day: None,
        }
    }

    /// What stands above an event's line: the day where it is another, at the top the headings.
    fn headings(&mut self, event: &Event) -> String {
        let mut out = String::new();
        let time = self.time(event);
        let before = self.day.replace(time.date());
        if before != self.day {
            let day = time.strftime("%F, %Z").to_string();
            // Writing to a text cannot fail.
            let _ = writeln!(out, "{}", self.styled(DIM, &day));
        }
        if before.is_none() {
            let headings = self.row(&HEADINGS.map(str::to_owned), &[DIM; 8]);
            let _ = writeln!(out, "{headings}");
        }
        out
    }

    fn line(&mut self, event: &Event, committed: Option<UtcMicros>) -> String {
        let dash = || "-".to_owned();
        let cells = [
            self.time(event).strftime("%H:%M:%S%.3f").to_string(),
            severity_name(event.severity).to_owned(),
            event.camera.to_string(),
            event.rule.as_ref().map_or_else(dash, ToString::to_string),
            event.kind.name().into_owned(),
            phase_name(event.phase).to_owned(),
            sureness(event).unwrap_or_else(dash),
            committed
                .and_then(|at| lateness(event.occurred.utc, at))
                .unwrap_or_else(dash),
        ];
        for (width, cell) in self.widths.iter_mut().zip(&cells) {
            *width = (*width).max(cell.width().min(WIDEST));
        }
        let styles = styles(event);
        let mut out = self.row(&cells, &styles);
        let detail = detail(event);
        if !detail.is_empty() {
            let _ = write!(out, "  {}", self.styled(styles[0], &detail));
        }
        out
    }

    fn time(&self, event: &Event) -> ZonedDateTime {
        let utc = Timestamp::from_microsecond(event.occurred.utc.0).unwrap_or_default();
        utc.to_zoned_datetime(self.zone.clone())
    }

    fn row(&self, cells: &[String; 8], styles: &[Style; 8]) -> String {
        let mut out = String::new();
        for (column, cell) in cells.iter().enumerate() {
            let padding = " ".repeat(self.widths[column].saturating_sub(cell.width()));
            let text = self.styled(styles[column], cell);
            let gap = if column == 0 { "" } else { "  " };
            let _ = if NUMBERS.contains(&column) {
                write!(out, "{gap}{padding}{text}")
            } else {
                write!(out, "{gap}{text}{padding}")
            };
        }
        out
    }

    fn styled(&self, style: Style, text: &str) -> String {
        if self.coloured {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }
}

/// The severity's colour on its word and on the kind; what is over steps back.
fn styles(event: &Event) -> [Style; 8] {
    let mut styles = [Style::new(); 8];
    if event.phase == Phase::Ended {
        return [DIM; 8];
    }
    let colour = match event.severity {
        Severity::Info => Style::new().fg_color(Some(AnsiColor::Cyan.into())),
        Severity::Warning => Style::new().fg_color(Some(AnsiColor::Yellow.into())),
        Severity::Alarm => Style::new().fg_color(Some(AnsiColor::Red.into())).bold(),
        Severity::Critical => Style::new()
            .fg_color(Some(AnsiColor::BrightWhite.into()))
            .bg_color(Some(AnsiColor::Red.into()))
            .bold(),
    };
    (styles[1], styles[4]) = (colour, colour);
    styles
}

fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Alarm => "alarm",
        Severity::Critical => "critical",
    }
}

fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Started => "started",
        Phase::Updated => "updated",
        Phase::Ended => "ended",
    }
}

fn sureness(event: &Event) -> Option<String> {
    let scores = event.objects.iter().map(|object| object.score);
    let best = scores.max_by(f32::total_cmp)?;
    Some(format!("{:.0} %", best * 100.0))
}

/// No number where the camera's clock is ahead of this server's.
fn lateness(occurred: UtcMicros, committed: UtcMicros) -> Option<String> {
    let seconds = committed.since(occurred).as_secs_f64();
    let digits = if seconds < 100.0 { 2 } else { 0 };
    (committed >= occurred).then(|| format!("{seconds:.digits$} s"))
}

/// What only some kinds have to say.
fn detail(event: &Event) -> String {
    let detail = &event.detail;
    let speeds = event.objects.iter().filter_map(|object| object.speed_mps);
    let parts = [
        event.zone.as_ref().map(|zone| format!("zone {zone}")),
        detail.direction.map(|direction| {
            match direction {
                Direction::LeftToRight => "left to right",
                Direction::RightToLeft => "right to left",
            }
            .to_owned()
        }),
        detail.count.map(|count| format!("count {count}")),
        detail
            .dwell_millis
            .map(|millis| format!("for {:.1} s", millis as f64 / 1e3)),
        speeds
            .max_by(f32::total_cmp)
            .map(|speed| format!("{speed:.1} m/s")),
        detail
            .body_heights_per_second
            .map(|speed| format!("{speed:.1} body heights a second")),
        detail.reason.as_deref().map(harmless),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// A reason may hold words of a camera, which must not steer the terminal.
fn harmless(text: &str) -> String {
    let plain = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    text.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::model::event::{EventDetail, EventKind, EventObject};
    use crate::model::geometry::Rect;
    use crate::model::ids::{
        CameraId, EventId, IncidentId, NodeName, RuleName, Sequence, SiteName, TrackId, ZoneName,
    };
    use crate::model::time::CaptureTime;

    /// 2026-11-28, 14:03:07.512 in UTC.
    const NOON: i64 = 1_795_874_587_512_000;

    fn record(camera: &str, rule: Option<&str>) -> Record {
        let object = |score| EventObject {
            track: TrackId(1),
            class: "person".into(),
            score,
            box_in_frame: Rect::default(),
            ground_metres: None,
            speed_mps: None,
        };
        Record {
            sequence: Sequence(7),
            committed: UtcMicros(NOON + 310_000),
            previous_hash: [0; 32],
            hash: [0; 32],
            event: Event {
                id: EventId(Uuid::from_u128(1)),
                incident: IncidentId(Uuid::from_u128(1)),
                phase: Phase::Started,
                kind: EventKind::ZONE_INTRUSION,
                severity: Severity::Alarm,
                site: SiteName::new("site").expect("name"),
                node: NodeName::new("node").expect("name"),
                camera: CameraId::new(camera).expect("name"),
                rule: rule.map(|rule| RuleName::new(rule).expect("name")),
                zone: None,
                occurred: CaptureTime::arrival(UtcMicros(NOON)),
                observed: UtcMicros(NOON),
                objects: vec![object(0.42), object(0.873)],
                detail: EventDetail::default(),
                model: None,
            },
        }
    }

    fn readable(coloured: bool) -> EventLines {
        EventLines::Readable(Box::new(Columns::new(TimeZone::UTC, coloured)))
    }

    fn last_line(lines: &mut EventLines, record: &Record) -> String {
        let text = lines.record(record).expect("text");
        text.lines().last().expect("a line").to_owned()
    }

    #[test]
    fn a_line_says_when_where_which_rule_what_how_sure_and_how_late() {
        let mut record = record("yard-1", Some("perimeter"));
        record.event.zone = Some(ZoneName::new("strip").expect("name"));
        record.event.detail.dwell_millis = Some(1_200);
        let text = readable(false).record(&record).expect("text");
        assert_eq!(
            text.lines().collect::<Vec<_>>(),
            [
                "2026-11-28, UTC",
                "time          severity  camera    rule          kind            phase     sure     late",
                "14:03:07.512  alarm     yard-1    perimeter     zone_intrusion  started   87 %   0.31 s  \
                 zone strip, for 1.2 s",
            ]
        );
    }

    #[test]
    fn the_day_is_written_once_and_the_headings_at_the_top_only() {
        let mut lines = readable(false);
        let mut record = record("yard-1", None);
        let mut count = |record: &Record| lines.record(record).expect("text").lines().count();
        assert_eq!((count(&record), count(&record)), (3, 1));
        record.event.occurred.utc = record
            .event
            .occurred
            .utc
            .after(std::time::Duration::from_secs(86_400));
        assert_eq!((count(&record), count(&record)), (2, 1));
    }

    #[test]
    fn chinese_names_take_two_cells_a_character_and_leave_the_columns_aligned() {
        let mut lines = readable(false);
        let before_kind = |line: &str| {
            let at = line.find("zone_intrusion").expect("the kind");
            line[..at].width()
        };
        let wide = last_line(&mut lines, &record("三号监区围墙", Some("翻越围墙")));
        let plain = last_line(&mut lines, &record("yard-1", Some("perimeter")));
        assert_eq!(before_kind(&wide), before_kind(&plain), "{wide}\n{plain}");
        // A column that grew stays wide; a name beyond all measure shifts its own line only.
        let long = "n".repeat(64);
        let longest = last_line(&mut lines, &record(&long, None));
        let after = last_line(&mut lines, &record("yard-1", None));
        assert_eq!(before_kind(&longest), before_kind(&after) + 64 - WIDEST);
    }

    #[test]
    fn colours_mark_the_severity_and_change_no_character() {
        let mut record = record("yard-1", Some("perimeter"));
        let plain = last_line(&mut readable(false), &record);
        let coloured = last_line(&mut readable(true), &record);
        assert!(
            coloured.contains("\u{1b}[1m\u{1b}[31malarm\u{1b}[0m"),
            "{coloured:?}"
        );
        assert_eq!(without_escapes(&coloured), plain);
        record.event.phase = Phase::Ended;
        let ended = last_line(&mut readable(true), &record);
        assert!(ended.contains("\u{1b}[2malarm\u{1b}[0m"), "{ended:?}");
    }

    fn without_escapes(text: &str) -> String {
        let mut parts = text.split('\u{1b}');
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |text, part| {
            text + part.split_once('m').map_or(part, |(_, rest)| rest)
        })
    }

    #[test]
    fn colours_need_a_terminal_and_no_no_color() {
        let environment = |no_color: &'static str, term: &'static str| {
            move |name: &str| match name {
                "NO_COLOR" => no_color.to_owned(),
                _ => term.to_owned(),
            }
        };
        assert!(colours_shown(true, environment("", "xterm-256color")));
        assert!(!colours_shown(false, environment("", "xterm-256color")));
        assert!(!colours_shown(true, environment("1", "xterm-256color")));
        assert!(!colours_shown(true, environment("", "dumb")));
    }

    #[test]
    fn what_an_event_does_not_know_is_a_dash_and_no_reason_steers_the_terminal() {
        let mut record = record("yard-1", None);
        record.event.objects.clear();
        record.event.detail.reason = Some("no route\u{1b}[2J to host".to_owned());
        record.committed = UtcMicros(NOON - 1);
        let line = last_line(&mut readable(true), &record);
        assert!(!line.contains("\u{1b}[2J"), "{line:?}");
        let line = last_line(&mut readable(false), &record);
        let words: Vec<_> = line.split_whitespace().collect();
        assert_eq!(
            words[3..],
            [
                "-",
                "zone_intrusion",
                "started",
                "-",
                "-",
                "no",
                "route\u{fffd}[2J",
                "to",
                "host"
            ]
        );
        let hour = lateness(UtcMicros(0), UtcMicros(3_600_000_000));
        assert_eq!(hour.as_deref(), Some("3600 s"));
    }

    #[test]
    fn a_json_line_has_what_machines_relied_on() {
        let text = EventLines::Json
            .record(&record("yard-1", Some("perimeter")))
            .expect("text");
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert!(!text.contains('\n'));
        assert_eq!(value["sequence"], 7);
        assert_eq!(value["occurred_at"], "2026-11-28T14:03:07.512000Z");
        assert_eq!(value["committed_at"], "2026-11-28T14:03:07.822000Z");
        assert_eq!(value["kind"], "zone_intrusion");
        assert_eq!(value["rule"], "perimeter");
    }
}
