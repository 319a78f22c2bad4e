//! Too many in a zone: one incident for the zone, whoever they are.

use std::time::Duration;

use crate::config::types::Zone;
use crate::model::event::{EventDetail, EventObject};
use crate::model::geometry::Point;

use super::geometry::polygon_contains;
use super::held::{Held, Look, Patience, Step};
use super::memory::TrackMemory;
use super::motion::Sight;
use super::report::{Incident, Report, RuleHead};

/// Who was seen in the zone still counts this long while hidden behind somebody else. Short, for
/// a track that changed its id is there twice until the old one's grace is over.
const GRACE: Duration = Duration::from_millis(500);

#[derive(Debug, Default)]
struct Member {
    seen_in: Option<(Duration, EventObject)>,
}

/// The rule.
#[derive(Debug)]
pub(super) struct CrowdRule {
    zone: Vec<Point>,
    least: usize,
    patience: Patience,
    members: TrackMemory<Member>,
    held: Held,
    incident: Option<Incident>,
    /// The count last told.
    told: usize,
}

impl CrowdRule {
    pub(super) fn new(zone: &Zone, count: u32, hold: Duration, clear_after: Duration) -> Self {
        Self {
            zone: zone.points.clone(),
            least: usize::try_from(count).unwrap_or(usize::MAX).max(1),
            patience: Patience {
                hold,
                clear_after,
                forgiving: false,
            },
            members: TrackMemory::default(),
            held: Held::default(),
            incident: None,
            told: 0,
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
            let member = self.members.listed(at, sight.track.id);
            if sight.seen {
                let counts =
                    sight.track.confirmed && polygon_contains(&self.zone, head.anchor_of(sight));
                member.seen_in = counts.then(|| (at, sight.object()));
            }
        }
        let present = |member: &&Member| {
            member
                .seen_in
                .as_ref()
                .is_some_and(|(seen, _)| at.saturating_sub(*seen) <= GRACE)
        };
        let count = self.members.iter().filter(present).count();
        let look = if count >= self.least {
            Look::Holds
        } else {
            Look::Fails
        };
        let step = self.held.look(at, look, true, &self.patience);
        let changed = self.incident.is_some() && count != self.told;
        if step == Step::Start || changed || step == Step::End {
            let objects = self
                .members
                .iter()
                .filter(present)
                .filter_map(|member| Some(member.seen_in.as_ref()?.1.clone()))
                .collect();
            self.tell(step, count, objects, head, report);
        } else if let Some(incident) = &mut self.incident {
            incident.remind(head, report);
        }
        self.members.forget(at, |_| false);
    }

    fn tell(
        &mut self,
        step: Step,
        count: usize,
        objects: Vec<EventObject>,
        head: &RuleHead,
        report: &mut Report<'_>,
    ) {
        let detail = EventDetail {
            count: u32::try_from(count).ok(),
            ..EventDetail::default()
        };
        self.told = count;
        if step == Step::Start {
            self.incident = Some(Incident::start(head, report, objects, detail));
        } else if step == Step::End {
            if let Some(mut incident) = self.incident.take() {
                incident.amend(objects, detail);
                incident.end(head, report);
            }
        } else if let Some(incident) = &mut self.incident {
            incident.update(head, report, objects, detail);
        }
    }

    pub(super) fn finish(&mut self, head: &RuleHead, report: &mut Report<'_>) {
        if let Some(incident) = self.incident.take() {
            incident.end(head, report);
        }
        self.held = Held::default();
        self.members.clear();
    }

    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.members.len()
    }

    pub(super) fn has_open(&self) -> bool {
        self.incident.is_some()
    }
}
