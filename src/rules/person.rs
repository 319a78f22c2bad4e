//! Rules about one object at a time: zone intrusion, loitering, running. Each track has an incident
//! of its own.

use std::time::Duration;

use crate::config::types::Zone;
use crate::model::event::EventDetail;
use crate::model::geometry::Point;

use super::geometry::polygon_contains;
use super::held::{Held, Look, Patience, Step};
use super::memory::TrackMemory;
use super::motion::Sight;
use super::report::{Incident, Report, RuleHead};

/// What must hold.
#[derive(Debug)]
pub(super) enum Condition {
    /// The anchor is in the zone.
    In(Vec<Point>),
    /// The object is at least this fast, in the zone if there is one.
    Fast {
        /// Where.
        zone: Option<Vec<Point>>,
        /// Over the ground, metres per second; none without calibration.
        metres_per_second: Option<f32>,
        /// Heights of the own box per second, where there is no calibration.
        body_heights_per_second: f32,
    },
}

#[derive(Debug, Default)]
struct Subject {
    held: Held,
    incident: Option<Incident>,
}

/// The rule.
#[derive(Debug)]
pub(super) struct PersonRule {
    condition: Condition,
    patience: Patience,
    subjects: TrackMemory<Subject>,
}

impl PersonRule {
    /// Somebody is in the zone for `dwell`. Who is seen outside begins anew; who is lost for at
    /// most `clear_after` does not.
    pub(super) fn intrusion(zone: &Zone, dwell: Duration, clear_after: Duration) -> Self {
        Self::new(
            Condition::In(zone.points.clone()),
            dwell,
            clear_after,
            false,
        )
    }

    /// Somebody stays in the zone for `after`; leaving for at most `clear_after` is no leaving.
    pub(super) fn loitering(zone: &Zone, after: Duration, clear_after: Duration) -> Self {
        Self::new(Condition::In(zone.points.clone()), after, clear_after, true)
    }

    /// Somebody is fast for `hold`.
    pub(super) fn running(condition: Condition, hold: Duration, clear_after: Duration) -> Self {
        Self::new(condition, hold, clear_after, false)
    }

    fn new(condition: Condition, hold: Duration, clear_after: Duration, forgiving: bool) -> Self {
        Self {
            condition,
            patience: Patience {
                hold,
                clear_after,
                forgiving,
            },
            subjects: TrackMemory::default(),
        }
    }

    pub(super) fn update(
        &mut self,
        head: &RuleHead,
        sights: &[Sight<'_>],
        report: &mut Report<'_>,
    ) {
        let at = report.at;
        for sight in sights.iter().filter(|sight| head.counts(sight)) {
            let look = self.condition.look(head, sight);
            let subject = self.subjects.listed(at, sight.track.id);
            let step = subject
                .held
                .look(at, look, sight.track.confirmed, &self.patience);
            match step {
                Step::Start => {
                    let detail = self.condition.detail(sight, &subject.held);
                    let incident = Incident::start(head, report, vec![sight.object()], detail);
                    subject.incident = Some(incident);
                }
                Step::Stands => {
                    let detail = self.condition.detail(sight, &subject.held);
                    if let Some(incident) = &mut subject.incident {
                        incident.update(head, report, vec![sight.object()], detail);
                    }
                }
                Step::Idle | Step::Fades | Step::End => subject.rest(step, head, report),
            }
        }
        for subject in self.subjects.unlisted(at) {
            let step = subject.held.look(at, Look::Unseen, false, &self.patience);
            subject.rest(step, head, report);
        }
        self.subjects.forget(at, |subject| !subject.held.is_idle());
    }

    pub(super) fn finish(&mut self, head: &RuleHead, report: &mut Report<'_>) {
        for subject in self.subjects.all() {
            subject.rest(Step::End, head, report);
        }
        self.subjects.clear();
    }

    pub(super) fn has_open(&self) -> bool {
        self.subjects
            .iter()
            .any(|subject| subject.incident.is_some())
    }

    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.subjects.len()
    }
}

impl Subject {
    fn rest(&mut self, step: Step, head: &RuleHead, report: &mut Report<'_>) {
        match step {
            Step::End => {
                if let Some(incident) = self.incident.take() {
                    incident.end(head, report);
                }
            }
            Step::Fades => {
                if let Some(incident) = &mut self.incident {
                    incident.remind(head, report);
                }
            }
            Step::Idle | Step::Start | Step::Stands => {}
        }
    }
}

impl Condition {
    fn look(&self, head: &RuleHead, sight: &Sight<'_>) -> Look {
        if !sight.seen {
            return Look::Unseen;
        }
        let inside = |zone: &[Point]| polygon_contains(zone, head.anchor_of(sight));
        let holds = match self {
            Self::In(zone) => inside(zone),
            Self::Fast {
                zone,
                metres_per_second,
                body_heights_per_second,
            } => {
                let fast = match metres_per_second {
                    Some(least) => sight.speed_mps.is_some_and(|speed| speed >= *least),
                    None => sight
                        .body_heights_per_second
                        .is_some_and(|speed| speed >= *body_heights_per_second),
                };
                fast && zone.as_deref().is_none_or(inside)
            }
        };
        if holds { Look::Holds } else { Look::Fails }
    }

    fn detail(&self, sight: &Sight<'_>, held: &Held) -> EventDetail {
        match self {
            Self::In(_) => EventDetail {
                dwell_millis: u64::try_from(held.lasted().as_millis()).ok(),
                ..EventDetail::default()
            },
            Self::Fast {
                metres_per_second, ..
            } => EventDetail {
                body_heights_per_second: sight
                    .body_heights_per_second
                    .filter(|_| metres_per_second.is_none()),
                ..EventDetail::default()
            },
        }
    }
}
