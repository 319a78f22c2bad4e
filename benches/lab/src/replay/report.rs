//! The gate's result in one value, and the forms in which it is given out. The value itself is the
//! JSON form (`serde`): times in seconds of the clip, shares in 0..=1, absent figures `null`.

pub mod html;
pub mod junit;
pub mod picture;
#[cfg(test)]
mod tests;
pub mod text;
mod timeline;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use serde::Serialize;

use super::gate::{Group, Judged, Limits};
use super::matching::Verdict;
use super::score::Score;

/// Everything that the gate has to say.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Every clip was played and every limit is kept.
    pub passed: bool,
    /// Why not, in sentences.
    pub reasons: Vec<String>,
    /// The recall bias of F1.
    pub alpha: f64,
    /// Over all clips.
    pub total: Score,
    /// By what the rules look for.
    pub by_kind: Vec<Score>,
    /// By the clips' conditions.
    pub by_condition: Vec<Score>,
    pub by_kind_and_condition: Vec<Score>,
    /// By the events' notes; only hits and misses.
    pub by_note: Vec<Score>,
    /// One by one.
    pub clips: Vec<ClipEntry>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClipEntry {
    /// What it is called.
    pub name: String,
    pub file: String,
    /// Whose rules were used.
    pub camera: String,
    pub conditions: Vec<String>,
    /// How long it is.
    pub seconds: f64,
    /// Why it could not be played.
    pub failure: Option<String>,
    pub score: Score,
    pub events: Vec<EventEntry>,
    pub alarms: Vec<AlarmEntry>,
    /// What happens that no rule looks for yet.
    pub later: Vec<LaterEntry>,
    /// Where alarms count neither way.
    pub ignored: Vec<SpanEntry>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EventEntry {
    pub kind: Cow<'static, str>,
    /// The rule that must say so; `null`: any of the kind.
    pub rule: Option<String>,
    /// A word that results are grouped by.
    pub note: Option<String>,
    /// When it begins.
    pub start_seconds: f64,
    /// When it ends.
    pub end_seconds: Option<f64>,
    /// The alarm may come from here on
    pub from_seconds: f64,
    /// and up to here.
    pub until_seconds: f64,
    /// The alarm's number in `alarms`; `null`: missed.
    pub alarm: Option<usize>,
    /// From the start to the alarm.
    pub latency_seconds: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AlarmEntry {
    /// What is said to have happened.
    pub kind: Cow<'static, str>,
    pub rule: Option<String>,
    pub at_seconds: f64,
    /// When the incident ended.
    pub end_seconds: Option<f64>,
    /// What it was worth.
    pub outcome: Outcome,
    /// The event it belongs to, a number in `events`.
    pub event: Option<usize>,
}

/// What an alarm was worth: see [`Verdict`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// An event's first alarm.
    Hit,
    /// One more of an event that was hit.
    Repeat,
    /// In an ignored span.
    Ignored,
    /// After its event's window; counts as false.
    Late,
    /// Of nothing.
    False,
}

impl Outcome {
    /// As the JSON form says it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Repeat => "repeat",
            Self::Ignored => "ignored",
            Self::Late => "late",
            Self::False => "false",
        }
    }

    /// Whether it counts as a false alarm.
    #[must_use]
    pub fn is_wrong(self) -> bool {
        matches!(self, Self::Late | Self::False)
    }
}

/// Something that no rule looks for yet.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LaterEntry {
    /// A free word.
    pub kind: String,
    /// When it begins.
    pub start_seconds: f64,
    /// When it ends.
    pub end_seconds: Option<f64>,
}

/// Where alarms count neither way.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SpanEntry {
    /// Only this rule's.
    pub rule: Option<String>,
    /// From here on.
    pub start_seconds: f64,
    /// Up to here.
    pub end_seconds: f64,
}

impl Report {
    /// Counts, compares with the limits and writes down each clip.
    #[must_use]
    pub fn of(clips: &[Judged], alpha: f64, limits: &Limits) -> Self {
        let score = |group: &Group, name: &str| group.tally(clips).score(name, alpha);
        let total = score(&Group::All, "all");
        let events = || clips.iter().flat_map(|clip| &clip.expected.events);
        let kinds: BTreeSet<_> = clips
            .iter()
            .flat_map(|clip| clip.kinds.iter().copied())
            .chain(events().map(|event| event.kind))
            .collect();
        let conditions: BTreeSet<_> = clips
            .iter()
            .flat_map(|clip| &clip.expected.clip.conditions)
            .collect();
        let notes: BTreeSet<_> = events().filter_map(|event| event.note.as_ref()).collect();
        let both = kinds.iter().flat_map(|kind| {
            conditions.iter().filter_map(|word| {
                let group = Group::KindAndCondition(*kind, (*word).clone());
                let score = score(&group, &format!("{} · {word}", kind.name()));
                (score.clips > 0).then_some(score)
            })
        });
        let reasons = reasons(clips, &total, limits);
        Self {
            passed: reasons.is_empty(),
            reasons,
            alpha,
            by_kind: kinds
                .iter()
                .map(|kind| score(&Group::Kind(*kind), &kind.name()))
                .collect(),
            by_condition: conditions
                .iter()
                .map(|word| score(&Group::Condition((*word).clone()), word))
                .collect(),
            by_kind_and_condition: both.collect(),
            by_note: notes
                .iter()
                .map(|word| score(&Group::Note((*word).clone()), word))
                .collect(),
            clips: clips
                .iter()
                .map(|clip| ClipEntry::of(clip, alpha))
                .collect(),
            total,
        }
    }
}

fn reasons(clips: &[Judged], total: &Score, limits: &Limits) -> Vec<String> {
    let mut reasons = Vec::new();
    for clip in clips {
        if let Some(failure) = &clip.failure {
            reasons.push(format!("{} could not be played: {failure}", clip.name));
        }
    }
    // A figure that nothing was counted for breaks no limit: there was nothing to miss.
    if let (Some(least), Some(f1)) = (limits.min_f1, total.f1)
        && f1 < least
    {
        reasons.push(format!("F1 is {f1:.4}, at least {least} was asked for"));
    }
    if let (Some(least), Some(recall)) = (limits.min_recall, total.recall)
        && recall < least
    {
        reasons.push(format!(
            "recall is {recall:.4}, at least {least} was asked for"
        ));
    }
    if let (Some(most), Some(rate)) = (limits.max_false_per_hour, total.false_alarms_per_hour)
        && rate > most
    {
        reasons.push(format!(
            "{rate:.2} false alarms per camera-hour, at most {most} were asked for"
        ));
    }
    reasons
}

impl ClipEntry {
    fn of(clip: &Judged, alpha: f64) -> Self {
        let seconds = Duration::as_secs_f64;
        let of_events = clip.expected.events.iter().enumerate();
        let events = of_events.map(|(number, event)| EventEntry {
            kind: event.kind.name(),
            rule: event.rule.as_ref().map(ToString::to_string),
            note: event.note.clone(),
            start_seconds: seconds(&event.start),
            end_seconds: event.end.as_ref().map(seconds),
            from_seconds: seconds(event.window().start()),
            until_seconds: seconds(event.window().end()),
            alarm: clip.matched.hits.get(number).copied().flatten(),
            latency_seconds: clip.latency_seconds(number),
        });
        let of_alarms = clip.alarms.iter().zip(&clip.matched.verdicts);
        let alarms = of_alarms.map(|(alarm, verdict)| {
            let (outcome, event) = match *verdict {
                Verdict::Hit(event) => (Outcome::Hit, Some(event)),
                Verdict::Repeat(event) => (Outcome::Repeat, Some(event)),
                Verdict::Ignored => (Outcome::Ignored, None),
                Verdict::Late(event) => (Outcome::Late, Some(event)),
                Verdict::False => (Outcome::False, None),
            };
            AlarmEntry {
                kind: alarm.kind.name(),
                rule: alarm.rule.as_ref().map(ToString::to_string),
                at_seconds: seconds(&alarm.at),
                end_seconds: alarm.ended.as_ref().map(seconds),
                outcome,
                event,
            }
        });
        let later = clip.expected.later.iter().map(|event| LaterEntry {
            kind: event.kind.clone(),
            start_seconds: seconds(&event.start),
            end_seconds: event.end.as_ref().map(seconds),
        });
        let ignored = clip.expected.ignore.iter().map(|span| SpanEntry {
            rule: span.rule.as_ref().map(ToString::to_string),
            start_seconds: seconds(&span.start),
            end_seconds: seconds(&span.end),
        });
        Self {
            name: clip.name.clone(),
            file: clip.file.display().to_string(),
            camera: clip.camera.to_string(),
            conditions: clip.expected.clip.conditions.clone(),
            seconds: seconds(&clip.expected.clip.length),
            failure: clip.failure.clone(),
            score: Group::All
                .tally(std::slice::from_ref(clip))
                .score(&clip.name, alpha),
            events: events.collect(),
            alarms: alarms.collect(),
            later: later.collect(),
            ignored: ignored.collect(),
        }
    }
}
