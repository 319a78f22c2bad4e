//! From what a rule sees to what it says: incidents and their findings.

use std::sync::Arc;
use std::time::Duration;

use crate::config::types::{Anchor, RuleConfig};
use crate::model::event::{EventDetail, EventKind, EventObject, Phase, Severity};
use crate::model::geometry::Point;
use crate::model::ids::{RuleName, ZoneName};

use super::Finding;
use super::motion::Sight;

/// What every rule has.
#[derive(Debug)]
pub(super) struct RuleHead {
    pub(super) name: RuleName,
    pub(super) severity: Severity,
    pub(super) kind: EventKind,
    pub(super) zone: Option<ZoneName>,
    pub(super) classes: Vec<Arc<str>>,
    pub(super) anchor: Anchor,
    pub(super) clear_after: Duration,
    pub(super) update_every: Duration,
}

impl RuleHead {
    pub(super) fn new(config: &RuleConfig, kind: EventKind, zone: Option<ZoneName>) -> Self {
        Self {
            name: config.name.clone(),
            severity: config.severity,
            kind,
            zone,
            classes: config.classes.clone(),
            anchor: config.anchor,
            clear_after: config.clear_after,
            update_every: config.update_every,
        }
    }

    /// Whether the track's class is one the rule counts.
    pub(super) fn counts(&self, sight: &Sight<'_>) -> bool {
        self.classes.contains(&sight.track.class)
    }

    /// Where the object is, normalised.
    pub(super) fn anchor_of(&self, sight: &Sight<'_>) -> Point {
        match self.anchor {
            Anchor::Foot => sight.track.box_in_frame.foot(),
            Anchor::Center => sight.track.box_in_frame.center(),
        }
    }
}

/// One frame's way out: the findings of all rules, and the keys of new incidents.
#[derive(Debug)]
pub(super) struct Report<'a> {
    pub(super) at: Duration,
    pub(super) findings: &'a mut Vec<Finding>,
    pub(super) next_key: &'a mut u64,
}

/// An incident that stands.
#[derive(Debug)]
pub(super) struct Incident {
    key: u64,
    reported: Duration,
    objects: Vec<EventObject>,
    detail: EventDetail,
    changed: bool,
}

impl Incident {
    /// Says STARTED.
    pub(super) fn start(
        head: &RuleHead,
        report: &mut Report<'_>,
        objects: Vec<EventObject>,
        detail: EventDetail,
    ) -> Self {
        *report.next_key += 1;
        let incident = Self {
            key: *report.next_key,
            reported: report.at,
            objects,
            detail,
            changed: false,
        };
        incident.say(Phase::Started, head, report);
        incident
    }

    /// Takes news and says UPDATED where something about it has changed and the last word is
    /// long enough ago; news that came too early is said later, by [`Incident::remind`].
    pub(super) fn update(
        &mut self,
        head: &RuleHead,
        report: &mut Report<'_>,
        objects: Vec<EventObject>,
        detail: EventDetail,
    ) {
        self.changed |= self.detail != detail || self.objects != objects;
        self.amend(objects, detail);
        self.remind(head, report);
    }

    /// Takes news for the next word without saying it.
    pub(super) fn amend(&mut self, objects: Vec<EventObject>, detail: EventDetail) {
        self.objects = objects;
        self.detail = detail;
    }

    /// Says UPDATED if there is unsaid news and the last word is long enough ago.
    pub(super) fn remind(&mut self, head: &RuleHead, report: &mut Report<'_>) {
        if self.changed && report.at.saturating_sub(self.reported) >= head.update_every {
            self.changed = false;
            self.reported = report.at;
            self.say(Phase::Updated, head, report);
        }
    }

    /// Says ENDED.
    pub(super) fn end(self, head: &RuleHead, report: &mut Report<'_>) {
        self.say(Phase::Ended, head, report);
    }

    fn say(&self, phase: Phase, head: &RuleHead, report: &mut Report<'_>) {
        report.findings.push(Finding {
            incident: self.key,
            phase,
            kind: head.kind,
            severity: head.severity,
            rule: head.name.clone(),
            zone: head.zone.clone(),
            objects: self.objects.clone(),
            detail: self.detail.clone(),
        });
    }
}
