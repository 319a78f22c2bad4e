//! Rules about one object at a time: a condition holds for it for a while. Each track has an incident
//! of its own.

use std::fmt::Debug;
use std::time::Duration;

use crate::config::types::Zone;
use crate::model::event::EventDetail;
use crate::model::geometry::Point;

use super::debounce::{Debounce, Reading, Step, Timing};
use super::engine::{Engine, Input};
use super::geometry::polygon_contains;
use super::incident::{Incident, Output, RuleInfo};
use super::motion::Observation;
use super::track_memory::TrackMemory;

/// What must hold.
pub(super) trait Condition: Debug + Send + Sync + 'static {
    /// Whether it holds for an object that this frame shows at `anchor`.
    fn holds(&self, observation: &Observation<'_>, anchor: Point) -> bool;

    /// What an event says of it; it has held for `lasted`.
    fn detail(&self, observation: &Observation<'_>, lasted: Duration) -> EventDetail;
}

/// The anchor is in the zone.
#[derive(Debug)]
pub(super) struct InZone(Vec<Point>);

impl InZone {
    pub(super) fn of(zone: &Zone) -> Self {
        Self(zone.points.clone())
    }
}

impl Condition for InZone {
    fn holds(&self, _observation: &Observation<'_>, anchor: Point) -> bool {
        polygon_contains(&self.0, anchor)
    }

    fn detail(&self, _observation: &Observation<'_>, lasted: Duration) -> EventDetail {
        EventDetail {
            dwell_millis: u64::try_from(lasted.as_millis()).ok(),
            ..EventDetail::default()
        }
    }
}

#[derive(Debug, Default)]
struct Subject {
    debounce: Debounce,
    incident: Option<Incident>,
}

/// A rule that asks for the condition.
#[derive(Debug)]
pub(super) struct PerTrack<C> {
    condition: C,
    timing: Timing,
    subjects: TrackMemory<Subject>,
}

impl<C: Condition> PerTrack<C> {
    pub(super) fn new(condition: C, timing: Timing) -> Self {
        Self {
            condition,
            timing,
            subjects: TrackMemory::default(),
        }
    }

    fn reading(&self, rule: &RuleInfo, observation: &Observation<'_>) -> Reading {
        if !observation.seen {
            Reading::Unseen
        } else if self
            .condition
            .holds(observation, rule.anchor_of(observation))
        {
            Reading::Holds
        } else {
            Reading::Fails
        }
    }
}

impl<C: Condition> Engine for PerTrack<C> {
    fn update(&mut self, rule: &RuleInfo, input: Input<'_>, output: &mut Output<'_>) {
        let at = output.at;
        for observation in input.observations.iter().filter(|one| rule.counts(one)) {
            let reading = self.reading(rule, observation);
            let track = observation.track;
            let subject = self.subjects.listed(at, track.id);
            let step = subject
                .debounce
                .update(at, reading, track.confirmed, &self.timing);
            let lasted = subject.debounce.lasted();
            match step {
                Step::Start => {
                    let detail = self.condition.detail(observation, lasted);
                    let incident =
                        Incident::start(rule, output, vec![observation.object()], detail);
                    subject.incident = Some(incident);
                }
                Step::Stands => {
                    let detail = self.condition.detail(observation, lasted);
                    if let Some(incident) = &mut subject.incident {
                        incident.update(rule, output, vec![observation.object()], detail);
                    }
                }
                Step::Idle | Step::Fades | Step::End => subject.rest(step, rule, output),
            }
        }
        for subject in self.subjects.unlisted(at) {
            let step = subject
                .debounce
                .update(at, Reading::Unseen, false, &self.timing);
            subject.rest(step, rule, output);
        }
        self.subjects
            .forget(at, |subject| !subject.debounce.is_idle());
    }

    fn finish(&mut self, rule: &RuleInfo, output: &mut Output<'_>) {
        for subject in self.subjects.all() {
            subject.rest(Step::End, rule, output);
        }
        self.subjects.clear();
    }

    fn has_open(&self) -> bool {
        self.subjects
            .iter()
            .any(|subject| subject.incident.is_some())
    }

    #[cfg(test)]
    fn remembered(&self) -> usize {
        self.subjects.len()
    }
}

impl Subject {
    fn rest(&mut self, step: Step, rule: &RuleInfo, output: &mut Output<'_>) {
        match step {
            Step::End => {
                if let Some(incident) = self.incident.take() {
                    incident.end(rule, output);
                }
            }
            Step::Fades => {
                if let Some(incident) = &mut self.incident {
                    incident.remind(rule, output);
                }
            }
            Step::Idle | Step::Start | Step::Stands => {}
        }
    }
}
