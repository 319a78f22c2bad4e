//! From what a rule sees to what it says: incidents and their findings.

use std::sync::Arc;
use std::time::Duration;

use crate::config::types::{Anchor, RuleConfig};
use crate::model::event::{EventDetail, EventKind, EventObject, Phase, Severity};
use crate::model::geometry::Point;
use crate::model::ids::{RuleName, ZoneName};

use super::finding::Finding;
use super::motion::Observation;

/// What every rule has.
#[derive(Debug)]
pub(super) struct RuleInfo {
    pub(super) name: RuleName,
    pub(super) severity: Severity,
    pub(super) kind: EventKind,
    pub(super) zone: Option<ZoneName>,
    pub(super) classes: Vec<Arc<str>>,
    pub(super) anchor: Anchor,
    pub(super) clear_after: Duration,
    pub(super) update_every: Duration,
}

impl RuleInfo {
    pub(super) fn of(config: &RuleConfig) -> Self {
        Self {
            name: config.name.clone(),
            severity: config.severity,
            kind: config.kind.event(),
            zone: config.kind.shape().name().cloned(),
            classes: config.classes.clone(),
            anchor: config.anchor,
            clear_after: config.clear_after,
            update_every: config.update_every,
        }
    }

    /// Whether the track's class is one the rule counts.
    pub(super) fn counts(&self, observation: &Observation<'_>) -> bool {
        self.classes.contains(&observation.track.class)
    }

    /// Where the object is, normalised.
    pub(super) fn anchor_of(&self, observation: &Observation<'_>) -> Point {
        match self.anchor {
            Anchor::Foot => observation.track.box_in_frame.foot(),
            Anchor::Center => observation.track.box_in_frame.center(),
        }
    }
}

/// One frame's way out: the findings of all rules, and the keys of new incidents.
#[derive(Debug)]
pub(super) struct Output<'a> {
    pub(super) at: Duration,
    pub(super) findings: &'a mut Vec<Finding>,
    pub(super) next_key: &'a mut u64,
}

/// An incident that stands.
#[derive(Debug)]
pub(super) struct Incident {
    key: u64,
    told: Duration,
    objects: Vec<EventObject>,
    detail: EventDetail,
    changed: bool,
}

impl Incident {
    /// Says STARTED.
    pub(super) fn start(
        rule: &RuleInfo,
        output: &mut Output<'_>,
        objects: Vec<EventObject>,
        detail: EventDetail,
    ) -> Self {
        *output.next_key += 1;
        let incident = Self {
            key: *output.next_key,
            told: output.at,
            objects,
            detail,
            changed: false,
        };
        incident.say(Phase::Started, rule, output);
        incident
    }

    /// Takes news and says UPDATED where something about it has changed and the last word is
    /// long enough ago; news that came too early is said later, by [`Incident::remind`].
    pub(super) fn update(
        &mut self,
        rule: &RuleInfo,
        output: &mut Output<'_>,
        objects: Vec<EventObject>,
        detail: EventDetail,
    ) {
        self.changed |= self.detail != detail || self.objects != objects;
        self.amend(objects, detail);
        self.remind(rule, output);
    }

    /// Takes news for the next word without saying it.
    pub(super) fn amend(&mut self, objects: Vec<EventObject>, detail: EventDetail) {
        self.objects = objects;
        self.detail = detail;
    }

    /// Says UPDATED if there is unsaid news and the last word is long enough ago.
    pub(super) fn remind(&mut self, rule: &RuleInfo, output: &mut Output<'_>) {
        if self.changed && output.at.saturating_sub(self.told) >= rule.update_every {
            self.changed = false;
            self.told = output.at;
            self.say(Phase::Updated, rule, output);
        }
    }

    /// Says ENDED.
    pub(super) fn end(self, rule: &RuleInfo, output: &mut Output<'_>) {
        self.say(Phase::Ended, rule, output);
    }

    fn say(&self, phase: Phase, rule: &RuleInfo, output: &mut Output<'_>) {
        output.findings.push(Finding {
            incident: self.key,
            phase,
            kind: rule.kind,
            severity: rule.severity,
            rule: rule.name.clone(),
            zone: rule.zone.clone(),
            objects: self.objects.clone(),
            detail: self.detail.clone(),
        });
    }
}
