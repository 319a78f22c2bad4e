//! Floor 3: what a camera's tracks mean. Pure: time comes only with each frame, nothing is read or
//! written, and the same tracks give the same findings.
//!
//! Every frame goes once through all rules of its camera:
//!
//! ```text
//!  tracks ─▶ motion (speed, ground) ─▶ line_crossing   a path over a line      one incident a crossing
//!                                   ├▶ per_track       zone_intrusion,         one incident a track
//!                                   │                  loitering, running
//!                                   └▶ crowding        a count in a zone       one incident a zone
//! ```
//!
//! Only confirmed tracks count, and only boxes that belong to a detection of the very frame say
//! where somebody is; predicted boxes and boxes that are not finite tell nothing.
//!
//! A kind of rule is a type of [`config::rule`](crate::config::rule) that implements
//! [`engine::Start`], in a file of its own. Nothing else here knows which kinds there are.

use std::time::Duration;

use crate::config::rule::with_rule_kind;
use crate::config::types::{Calibration, RuleConfig};
use crate::model::geometry::Size;
use crate::model::track::Track;

mod approach;
pub mod calibration;
mod crowding;
mod debounce;
mod engine;
mod finding;
pub mod geometry;
mod incident;
mod line_crossing;
mod loitering;
mod motion;
pub mod near_rate;
mod per_track;
mod running;
#[cfg(test)]
mod tests;
mod track_memory;
mod zone_intrusion;

pub use finding::Finding;

use calibration::Homography;
use engine::{CameraFacts, Engine, Input, Start as _};
use incident::{Output, RuleInfo};
use motion::Motion;

/// The rules of one camera and what they remember of its tracks. It belongs to one session of the
/// source: track ids mean nothing in the next one, so [`RuleSet::finish`] it then.
#[derive(Debug)]
pub struct RuleSet {
    rules: Vec<(RuleInfo, Box<dyn Engine>)>,
    homography: Option<Homography>,
    motion: Motion,
    next_key: u64,
    now: Duration,
}

impl RuleSet {
    /// The given rules with nothing remembered. A calibration whose four points allow no map to
    /// the ground (the configuration's check refuses such) counts as none.
    #[must_use]
    pub fn new(rules: &[RuleConfig], calibration: Option<&Calibration>) -> Self {
        let homography = calibration.and_then(Homography::of);
        let camera = CameraFacts {
            calibrated: homography.is_some(),
        };
        let start = |rule: &RuleConfig| {
            let engine = with_rule_kind!(&rule.kind, settings => settings.start(rule, camera));
            (RuleInfo::of(rule), engine)
        };
        Self {
            rules: rules.iter().map(start).collect(),
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
        let observations = self
            .motion
            .observe(self.now, picture, tracks, self.homography.as_ref());
        let mut findings = Vec::new();
        let mut output = Output {
            at: self.now,
            findings: &mut findings,
            next_key: &mut self.next_key,
        };
        let input = Input {
            picture,
            observations: &observations,
        };
        for (rule, engine) in &mut self.rules {
            engine.update(rule, input, &mut output);
        }
        findings
    }

    /// Ends every open incident, because the camera stops or the file is over, and forgets all
    /// tracks and the time, so that a new session can begin. Keys go on rising.
    pub fn finish(&mut self, at: Duration) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut output = Output {
            at: self.now.max(at),
            findings: &mut findings,
            next_key: &mut self.next_key,
        };
        for (rule, engine) in &mut self.rules {
            engine.finish(rule, &mut output);
        }
        self.motion.clear();
        self.now = Duration::ZERO;
        findings
    }

    /// Whether any incident stands.
    #[must_use]
    pub fn has_open(&self) -> bool {
        self.rules.iter().any(|(_, engine)| engine.has_open())
    }

    /// The most tracks that any one part remembers.
    #[cfg(test)]
    fn remembered(&self) -> usize {
        let by_rules = self.rules.iter().map(|(_, engine)| engine.remembered());
        by_rules.max().unwrap_or(0).max(self.motion.remembered())
    }
}
