//! The golden gate: clips judged by what was expected of them. Pure.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::matching::{Alarm, Matched, Verdict, match_alarms};
use super::score::Tally;
use parapet::config::types::CameraConfig;
use parapet::model::event::EventKind;
use parapet::model::ids::CameraId;
use parapet_sim::expectation::{Expectation, ExpectedEvent};

/// One clip and what its rules said.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// What the clip is called.
    pub name: String,
    pub file: PathBuf,
    /// Whose rules were used.
    pub camera: CameraId,
    /// What those rules look for.
    pub kinds: BTreeSet<EventKind>,
    pub expected: Expectation,
    pub alarms: Vec<Alarm>,
    /// How the two go together.
    pub matched: Matched,
    /// Why the clip could not be played to its end; it then counts in no figure.
    pub failure: Option<String>,
}

impl Judged {
    /// Judges a clip that was played.
    #[must_use]
    pub fn played(
        name: String,
        file: PathBuf,
        camera: &CameraConfig,
        expected: Expectation,
        alarms: Vec<Alarm>,
    ) -> Self {
        let matched = match_alarms(&expected, &alarms);
        Self {
            name,
            file,
            camera: camera.id.clone(),
            kinds: camera.rules.iter().map(|rule| rule.kind.event()).collect(),
            expected,
            alarms,
            matched,
            failure: None,
        }
    }

    /// Notes a clip that could not be played.
    #[must_use]
    pub fn failed(
        name: String,
        file: PathBuf,
        camera: &CameraConfig,
        expected: Expectation,
        why: String,
    ) -> Self {
        Self {
            failure: Some(why),
            ..Self::played(name, file, camera, expected, Vec::new())
        }
    }

    /// From an event's start to its alarm in seconds; negative where the alarm came first.
    #[must_use]
    pub fn latency_seconds(&self, event: usize) -> Option<f64> {
        let alarm = self.matched.hits.get(event).copied().flatten()?;
        let start = self.expected.events.get(event)?.start;
        let at = self.alarms.get(alarm)?.at;
        Some(at.as_secs_f64() - start.as_secs_f64())
    }
}

/// What a group of figures is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    All,
    /// Events and alarms of one kind, in the clips whose rules look for it.
    Kind(EventKind),
    /// Clips of one condition.
    Condition(String),
    KindAndCondition(EventKind, String),
    /// Events with one note; alarms carry none, so only hits and misses are counted.
    Note(String),
}

impl Group {
    fn has_clip(&self, clip: &Judged) -> bool {
        let kind = |wanted: &EventKind| {
            let expected = |event: &ExpectedEvent| event.kind == *wanted;
            clip.kinds.contains(wanted) || clip.expected.events.iter().any(expected)
        };
        let condition = |word: &String| clip.expected.clip.conditions.contains(word);
        match self {
            Self::All => true,
            Self::Kind(wanted) => kind(wanted),
            Self::Condition(word) => condition(word),
            Self::KindAndCondition(wanted, word) => kind(wanted) && condition(word),
            Self::Note(word) => {
                let noted = |event: &ExpectedEvent| event.note.as_ref() == Some(word);
                clip.expected.events.iter().any(noted)
            }
        }
    }

    fn has_kind(&self, kind: EventKind) -> bool {
        match self {
            Self::Kind(wanted) | Self::KindAndCondition(wanted, _) => *wanted == kind,
            Self::All | Self::Condition(_) | Self::Note(_) => true,
        }
    }

    fn has_event(&self, event: &ExpectedEvent) -> bool {
        match self {
            Self::Note(word) => event.note.as_ref() == Some(word),
            _ => self.has_kind(event.kind),
        }
    }

    /// Counts what belongs to the group.
    #[must_use]
    pub fn tally(&self, clips: &[Judged]) -> Tally {
        let mut tally = Tally {
            events_only: matches!(self, Self::Note(_)),
            ..Tally::default()
        };
        for clip in clips {
            if clip.failure.is_none() && self.has_clip(clip) {
                self.add(&mut tally, clip);
            }
        }
        tally
    }

    fn add(&self, tally: &mut Tally, clip: &Judged) {
        tally.clips += 1;
        tally.watched = tally.watched.saturating_add(clip.expected.clip.length);
        for (number, event) in clip.expected.events.iter().enumerate() {
            if self.has_event(event) {
                match clip.latency_seconds(number) {
                    Some(latency) => tally.latencies.push(latency),
                    None => tally.missed += 1,
                }
            }
        }
        if tally.events_only {
            return;
        }
        for (alarm, verdict) in clip.alarms.iter().zip(&clip.matched.verdicts) {
            if self.has_kind(alarm.kind) {
                match verdict {
                    Verdict::Hit(_) => {}
                    Verdict::Repeat(_) => tally.repeats += 1,
                    Verdict::Ignored => tally.ignored += 1,
                    Verdict::Late(_) | Verdict::False => tally.false_alarms += 1,
                }
            }
        }
    }
}

/// What a result must reach.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    /// Over all clips.
    pub min_f1: Option<f64>,
    /// Over all clips.
    pub min_recall: Option<f64>,
    /// False alarms in one camera's hour, over all clips.
    pub max_false_per_hour: Option<f64>,
}
