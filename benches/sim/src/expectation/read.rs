//! From TOML to [`Expectation`].

use std::path::PathBuf;
use std::time::Duration;

use super::types::{
    Expectation, ExpectedClip, ExpectedEvent, IgnoredSpan, LaterEvent, MAX_SECONDS,
};
use parapet::config::problem::{File, Report};
use parapet::config::reader::{Set, Table};
use parapet::model::event::EventKind;
use parapet::model::geometry::Size;
use parapet::model::ids::{CameraId, RuleName};

/// The shortest clip that means anything, in seconds.
const MIN_SECONDS: f64 = 0.001;

/// Reads the whole file; `None` where something mandatory is missing, which the report then says.
pub(super) fn read<'f>(file: &'f File<'f>, report: &'f Report) -> Option<Expectation> {
    let root = Table::root(file, report);
    let clip = root.table("clip", "[clip]").map(|table| clip(&table));
    if clip.is_none() && !root.has("clip") {
        root.missing("clip", "write [clip] with seconds = …");
    }
    let clip = clip.flatten();
    let length = clip.as_ref().map(|clip| clip.length);
    let events: Vec<_> = root
        .tables("event")
        .iter()
        .map(|t| event(t, length))
        .collect();
    let later: Vec<_> = root
        .tables("later")
        .iter()
        .map(|t| happening(t, length))
        .collect();
    let ignore: Vec<_> = root.tables("ignore").iter().map(ignored).collect();
    root.finish();
    Some(Expectation {
        clip: clip?,
        events: events.into_iter().collect::<Option<_>>()?,
        later: later.into_iter().collect::<Option<_>>()?,
        ignore: ignore.into_iter().collect::<Option<_>>()?,
    })
}

fn clip(table: &Table<'_>) -> Option<ExpectedClip> {
    let length = needed(table, "seconds", MIN_SECONDS, "say how long the clip is");
    let conditions = table.texts("conditions");
    let config = table.text("config").map(|text| PathBuf::from(text.value));
    let camera = table.name("camera", CameraId::new).map(|set| set.value);
    let fps = table.number("fps", 0.1..=240.0).map(|set| set.value);
    let picture = table.pair("picture").and_then(|set| picture(table, &set));
    table.finish();
    Some(ExpectedClip {
        length: length?,
        conditions: conditions.map_or_else(Vec::new, |set| {
            set.value.into_iter().map(str::to_owned).collect()
        }),
        config,
        camera,
        fps,
        picture,
    })
}

fn picture(table: &Table<'_>, set: &Set<'_, [f64; 2]>) -> Option<Size> {
    let sound = |side: f64| (2.0..=16_384.0).contains(&side) && side.fract() == 0.0;
    let [width, height] = set.value;
    if sound(width) && sound(height) {
        return Some(Size {
            width: width as u32,
            height: height as u32,
        });
    }
    table.problem(
        set.at,
        "`picture` is no size: write whole pixels such as [1920, 1080]",
    );
    None
}

fn event(table: &Table<'_>, length: Option<Duration>) -> Option<ExpectedEvent> {
    let names = EventKind::ALL.map(EventKind::name);
    let words: Vec<_> = names
        .iter()
        .map(|name| &**name)
        .zip(EventKind::ALL)
        .collect();
    let kind = table.choice("kind", &words).map(|set| set.value);
    if !table.has("kind") {
        table.missing("kind", &format!("write one of {}", names.join(", ")));
    }
    let rule = table.name("rule", RuleName::new).map(|set| set.value);
    let when = when(table, length);
    table.finish();
    let When {
        start,
        end,
        before,
        after,
        note,
    } = when?;
    Some(ExpectedEvent {
        kind: kind?,
        rule,
        start,
        end,
        before,
        after,
        note,
    })
}

fn happening(table: &Table<'_>, length: Option<Duration>) -> Option<LaterEvent> {
    let kind = table.text("kind").map(|set| set.value.to_owned());
    if !table.has("kind") {
        table.missing("kind", "say in a word what happens");
    }
    let when = when(table, length);
    table.finish();
    let When {
        start,
        end,
        before,
        after,
        note,
    } = when?;
    Some(LaterEvent {
        kind: kind?,
        start,
        end,
        before,
        after,
        note,
    })
}

/// What `[[event]]` and `[[later]]` have in common.
struct When {
    start: Duration,
    end: Option<Duration>,
    before: Option<Duration>,
    after: Option<Duration>,
    note: Option<String>,
}

fn when(table: &Table<'_>, length: Option<Duration>) -> Option<When> {
    let start = needed(table, "start_seconds", 0.0, "say when it begins");
    if let (Some(start), Some(length)) = (start, length)
        && start > length
    {
        table.problem(
            table.key_spot("start_seconds"),
            format!(
                "`start_seconds` lies behind the clip's end at {} s: see `seconds` of [clip]",
                length.as_secs_f64()
            ),
        );
    }
    let end = table.seconds("end_seconds", 0.0..=MAX_SECONDS);
    let end = end.map(|set| set.value);
    ordered(table, start, end);
    let margin = |key| table.seconds(key, 0.0..=MAX_SECONDS).map(|set| set.value);
    let (before, after) = (margin("before_seconds"), margin("after_seconds"));
    let note = table.text("note").map(|set| set.value.to_owned());
    Some(When {
        start: start?,
        end,
        before,
        after,
        note,
    })
}

fn ignored(table: &Table<'_>) -> Option<IgnoredSpan> {
    let start = needed(table, "start_seconds", 0.0, "say where the span begins");
    let end = needed(table, "end_seconds", 0.0, "say where the span ends");
    ordered(table, start, end);
    let rule = table.name("rule", RuleName::new).map(|set| set.value);
    table.finish();
    Some(IgnoredSpan {
        start: start?,
        end: end?,
        rule,
    })
}

fn needed(table: &Table<'_>, key: &'static str, least: f64, how: &str) -> Option<Duration> {
    if !table.has(key) {
        table.missing(key, how);
    }
    table.seconds(key, least..=MAX_SECONDS).map(|set| set.value)
}

fn ordered(table: &Table<'_>, start: Option<Duration>, end: Option<Duration>) {
    if let (Some(start), Some(end)) = (start, end)
        && end < start
    {
        table.problem(
            table.key_spot("end_seconds"),
            "`end_seconds` is before `start_seconds`: exchange them or mend one",
        );
    }
}
