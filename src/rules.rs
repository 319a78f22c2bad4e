//! Floor 3: what a camera's tracks mean. Pure: time comes only with each frame, nothing is read or
//! written, and the same tracks give the same findings.
//!
//! Every frame goes once through all rules of its camera:
//!
//! ```text
//!  tracks ─▶ motion (speed, ground) ─▶ line      a path over a line        one incident a crossing
//!                                   ├▶ person    intrusion, loitering,     one incident a track
//!                                   │            running
//!                                   └▶ crowd     a count in a zone         one incident a zone
//! ```
//!
//! Only confirmed tracks count, and only boxes that belong to a detection of the very frame say
//! where somebody is; predicted boxes and boxes that are not finite tell nothing.

use std::time::Duration;

use crate::config::types::{Calibration, RuleConfig, RuleKind};
use crate::model::event::{EventDetail, EventKind, EventObject, Phase, Severity};
use crate::model::geometry::Size;
use crate::model::ids::{RuleName, ZoneName};
use crate::model::track::Track;

pub mod calibration;
mod crowd;
pub mod geometry;
pub mod haste;
mod held;
mod line;
mod memory;
mod motion;
mod person;
mod report;
#[cfg(test)]
mod tests;

use calibration::Homography;
use crowd::CrowdRule;
use line::LineRule;
use motion::{Motion, Sight};
use person::{Condition, PersonRule};
use report::{Report, RuleHead};

/// What a rule has to say: an event before it has ids, times and a place in the journal.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The happening it belongs to; unique and rising within its [`RuleSet`], from 1.
    pub incident: u64,
    /// Its place in that happening.
    pub phase: Phase,
    /// What happened.
    pub kind: EventKind,
    /// How bad it is, by the rule.
    pub severity: Severity,
    /// The rule that says so.
    pub rule: RuleName,
    /// The rule's zone or line.
    pub zone: Option<ZoneName>,
    /// Who takes part, as last seen.
    pub objects: Vec<EventObject>,
    /// What only some kinds have to say.
    pub detail: EventDetail,
}

/// The rules of one camera and what they remember of its tracks. It belongs to one session of the
/// source: track ids mean nothing in the next one, so [`RuleSet::finish`] it then.
#[derive(Debug)]
pub struct RuleSet {
    rules: Vec<(RuleHead, Rule)>,
    homography: Option<Homography>,
    motion: Motion,
    next_key: u64,
    now: Duration,
}

#[derive(Debug)]
enum Rule {
    Line(LineRule),
    Person(PersonRule),
    Crowd(CrowdRule),
}

impl RuleSet {
    /// The given rules with nothing remembered. A calibration whose four points allow no map to
    /// the ground (the configuration's check refuses such) counts as none.
    #[must_use]
    pub fn new(rules: &[RuleConfig], calibration: Option<&Calibration>) -> Self {
        let homography = calibration.and_then(Homography::of);
        Self {
            rules: rules
                .iter()
                .map(|config| Rule::new(config, homography.is_some()))
                .collect(),
            homography,
            motion: Motion::default(),
            next_key: 0,
            now: Duration::ZERO,
        }
    }

    /// Takes the tracks of one analysed frame and says what follows, rule by rule in the order of
    /// the configuration. `at` is the frame's media time, which never goes back (an earlier time
    /// counts as the latest one so far); `picture` gives the aspect that distances need.
    pub fn update(&mut self, at: Duration, picture: Size, tracks: &[Track]) -> Vec<Finding> {
        self.now = self.now.max(at);
        let sights = self
            .motion
            .observe(self.now, picture, tracks, self.homography.as_ref());
        let mut findings = Vec::new();
        let mut report = Report {
            at: self.now,
            findings: &mut findings,
            next_key: &mut self.next_key,
        };
        for (head, rule) in &mut self.rules {
            rule.update(head, picture, &sights, &mut report);
        }
        findings
    }

    /// Ends every open incident, because the camera stops or the file is over, and forgets all
    /// tracks and the time, so that a new session can begin. Keys go on rising.
    pub fn finish(&mut self, at: Duration) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut report = Report {
            at: self.now.max(at),
            findings: &mut findings,
            next_key: &mut self.next_key,
        };
        for (head, rule) in &mut self.rules {
            rule.finish(head, &mut report);
        }
        self.motion.clear();
        self.now = Duration::ZERO;
        findings
    }

    /// Whether any incident stands.
    #[must_use]
    pub fn has_open(&self) -> bool {
        self.rules.iter().any(|(_, rule)| match rule {
            Rule::Line(rule) => rule.has_open(),
            Rule::Person(rule) => rule.has_open(),
            Rule::Crowd(rule) => rule.has_open(),
        })
    }

    /// The most tracks that any one part remembers.
    #[cfg(test)]
    fn remembered(&self) -> usize {
        let by_rules = self.rules.iter().map(|(_, rule)| match rule {
            Rule::Line(rule) => rule.remembered(),
            Rule::Person(rule) => rule.remembered(),
            Rule::Crowd(rule) => rule.remembered(),
        });
        by_rules.max().unwrap_or(0).max(self.motion.remembered())
    }
}

impl Rule {
    fn new(config: &RuleConfig, calibrated: bool) -> (RuleHead, Self) {
        let clear = config.clear_after;
        let (kind, zone, rule) = match &config.kind {
            RuleKind::LineCrossing {
                line,
                directions,
                hysteresis_heights,
            } => (
                EventKind::LINE_CROSSED,
                Some(&line.name),
                Self::Line(LineRule::new(line, *directions, *hysteresis_heights)),
            ),
            RuleKind::ZoneIntrusion { zone, dwell } => (
                EventKind::ZONE_INTRUSION,
                Some(&zone.name),
                Self::Person(PersonRule::intrusion(zone, *dwell, clear)),
            ),
            RuleKind::Loitering { zone, after } => (
                EventKind::LOITERING,
                Some(&zone.name),
                Self::Person(PersonRule::loitering(zone, *after, clear)),
            ),
            RuleKind::Crowding { zone, count, hold } => (
                EventKind::CROWDING,
                Some(&zone.name),
                Self::Crowd(CrowdRule::new(zone, *count, *hold, clear)),
            ),
            RuleKind::Running {
                zone,
                metres_per_second,
                body_heights_per_second,
                hold,
            } => {
                let condition = Condition::Fast {
                    zone: zone.as_ref().map(|zone| zone.points.clone()),
                    metres_per_second: calibrated.then_some(*metres_per_second),
                    body_heights_per_second: *body_heights_per_second,
                };
                (
                    EventKind::RUNNING,
                    zone.as_ref().map(|zone| &zone.name),
                    Self::Person(PersonRule::running(condition, *hold, clear)),
                )
            }
        };
        (RuleHead::new(config, kind, zone.cloned()), rule)
    }

    fn update(
        &mut self,
        head: &RuleHead,
        picture: Size,
        sights: &[Sight<'_>],
        report: &mut Report<'_>,
    ) {
        match self {
            Self::Line(rule) => rule.update(head, picture, sights, report),
            Self::Person(rule) => rule.update(head, sights, report),
            Self::Crowd(rule) => rule.update(head, sights, report),
        }
    }

    fn finish(&mut self, head: &RuleHead, report: &mut Report<'_>) {
        match self {
            Self::Line(rule) => rule.finish(head, report),
            Self::Person(rule) => rule.finish(head, report),
            Self::Crowd(rule) => rule.finish(head, report),
        }
    }
}
