//! From [`Expectation`] to TOML.

use std::fmt::Write as _;
use std::time::Duration;

use toml_edit::{Array, Value};

use super::types::{Expectation, ExpectedClip};

impl Expectation {
    /// The file's text; `header` goes before it as comment lines. [`super::parse`] reads it back
    /// to an equal value where all parts are as their types demand.
    #[must_use]
    pub fn to_toml(&self, header: &str) -> String {
        let mut out = String::new();
        for line in header.lines() {
            let line: String = line.chars().filter(|c| !c.is_control()).collect();
            out.push_str(format!("# {line}").trim_end());
            out.push('\n');
        }
        if !out.is_empty() {
            out.push('\n');
        }
        clip(&mut out, &self.clip);
        for event in &self.events {
            out.push_str("\n[[event]]\n");
            set(&mut out, "kind", &*event.kind.name());
            if let Some(rule) = &event.rule {
                set(&mut out, "rule", rule.as_str());
            }
            let margins = [event.before, event.after];
            when(
                &mut out,
                event.start,
                event.end,
                margins,
                event.note.as_deref(),
            );
        }
        for event in &self.later {
            out.push_str("\n[[later]]\n");
            set(&mut out, "kind", event.kind.as_str());
            let margins = [event.before, event.after];
            when(
                &mut out,
                event.start,
                event.end,
                margins,
                event.note.as_deref(),
            );
        }
        for span in &self.ignore {
            out.push_str("\n[[ignore]]\n");
            when(&mut out, span.start, Some(span.end), [None, None], None);
            if let Some(rule) = &span.rule {
                set(&mut out, "rule", rule.as_str());
            }
        }
        out
    }
}

fn clip(out: &mut String, clip: &ExpectedClip) {
    out.push_str("[clip]\n");
    seconds(out, "seconds", Some(clip.length));
    if !clip.conditions.is_empty() {
        let words: Array = clip.conditions.iter().map(String::as_str).collect();
        set(out, "conditions", words);
    }
    if let Some(config) = &clip.config {
        set(out, "config", config.to_string_lossy().as_ref());
    }
    if let Some(camera) = &clip.camera {
        set(out, "camera", camera.as_str());
    }
    if let Some(fps) = clip.fps {
        set(out, "fps", fps);
    }
    if let Some(size) = clip.picture {
        let sides: Array = [size.width, size.height]
            .map(i64::from)
            .into_iter()
            .collect();
        set(out, "picture", sides);
    }
}

fn when(
    out: &mut String,
    start: Duration,
    end: Option<Duration>,
    [before, after]: [Option<Duration>; 2],
    note: Option<&str>,
) {
    seconds(out, "start_seconds", Some(start));
    seconds(out, "end_seconds", end);
    seconds(out, "before_seconds", before);
    seconds(out, "after_seconds", after);
    if let Some(note) = note {
        set(out, "note", note);
    }
}

fn seconds(out: &mut String, key: &str, time: Option<Duration>) {
    if let Some(time) = time {
        // A double holds every microsecond of a week.
        set(out, key, time.as_micros() as f64 / 1e6);
    }
}

fn set(out: &mut String, key: &str, value: impl Into<Value>) {
    let value: Value = value.into();
    // Writing to a text cannot fail.
    let _ = writeln!(out, "{key} = {}", value.to_string().trim());
}
