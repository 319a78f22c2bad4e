//! Too many in a zone: one incident for the zone, whoever they are.

use std::time::Duration;

use crate::config::rule::Crowding;
use crate::config::types::RuleConfig;
use crate::model::event::{EventDetail, EventObject};
use crate::model::geometry::Point;

use super::debounce::{Debounce, Reading, Step, Timing};
use super::engine::{CameraFacts, Engine, Input, Start};
use super::geometry::polygon_contains;
use super::incident::{Incident, Output, RuleInfo};
use super::track_memory::TrackMemory;

/// Who was seen in the zone still counts this long while hidden behind somebody else. Short, for
/// a track that changed its id is there twice until the old one's grace is over.
const GRACE: Duration = Duration::from_millis(500);

#[derive(Debug, Default)]
struct Member {
    seen_in: Option<(Duration, EventObject)>,
}

#[derive(Debug)]
struct Crowd {
    zone: Vec<Point>,
    least: usize,
    timing: Timing,
    members: TrackMemory<Member>,
    debounce: Debounce,
    incident: Option<Incident>,
    /// The count last told.
    told: usize,
}

impl Start for Crowding {
    fn start(&self, rule: &RuleConfig, _camera: CameraFacts) -> Box<dyn Engine> {
        Box::new(Crowd {
            zone: self.zone.points.clone(),
            least: usize::try_from(self.count).unwrap_or(usize::MAX).max(1),
            timing: Timing {
                hold: self.hold,
                clear_after: rule.clear_after,
                forgiving: false,
            },
            members: TrackMemory::default(),
            debounce: Debounce::default(),
            incident: None,
            told: 0,
        })
    }
}

impl Engine for Crowd {
    fn update(&mut self, rule: &RuleInfo, input: Input<'_>, output: &mut Output<'_>) {
        let at = output.at;
        for observation in input.observations.iter().filter(|one| rule.counts(one)) {
            let member = self.members.listed(at, observation.track.id);
            if observation.seen {
                let counts = observation.track.confirmed
                    && polygon_contains(&self.zone, rule.anchor_of(observation));
                member.seen_in = counts.then(|| (at, observation.object()));
            }
        }
        let present = |member: &&Member| {
            member
                .seen_in
                .as_ref()
                .is_some_and(|(seen, _)| at.saturating_sub(*seen) <= GRACE)
        };
        let count = self.members.iter().filter(present).count();
        let reading = if count >= self.least {
            Reading::Holds
        } else {
            Reading::Fails
        };
        let step = self.debounce.update(at, reading, true, &self.timing);
        let changed = self.incident.is_some() && count != self.told;
        if step == Step::Start || changed || step == Step::End {
            let objects = self
                .members
                .iter()
                .filter(present)
                .filter_map(|member| Some(member.seen_in.as_ref()?.1.clone()))
                .collect();
            self.tell(step, count, objects, rule, output);
        } else if let Some(incident) = &mut self.incident {
            incident.remind(rule, output);
        }
        self.members.forget(at, |_| false);
    }

    fn finish(&mut self, rule: &RuleInfo, output: &mut Output<'_>) {
        if let Some(incident) = self.incident.take() {
            incident.end(rule, output);
        }
        self.debounce = Debounce::default();
        self.members.clear();
    }

    fn has_open(&self) -> bool {
        self.incident.is_some()
    }

    #[cfg(test)]
    fn remembered(&self) -> usize {
        self.members.len()
    }
}

impl Crowd {
    fn tell(
        &mut self,
        step: Step,
        count: usize,
        objects: Vec<EventObject>,
        rule: &RuleInfo,
        output: &mut Output<'_>,
    ) {
        let detail = EventDetail {
            count: u32::try_from(count).ok(),
            ..EventDetail::default()
        };
        self.told = count;
        if step == Step::Start {
            self.incident = Some(Incident::start(rule, output, objects, detail));
        } else if step == Step::End {
            if let Some(mut incident) = self.incident.take() {
                incident.amend(objects, detail);
                incident.end(rule, output);
            }
        } else if let Some(incident) = &mut self.incident {
            incident.update(rule, output, objects, detail);
        }
    }
}
