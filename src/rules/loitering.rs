//! Somebody stays in a zone; leaving for at most `clear_after` is no leaving.

use crate::config::rule::Loitering;
use crate::config::types::RuleConfig;

use super::debounce::Timing;
use super::engine::{CameraFacts, Engine, Start};
use super::per_track::{InZone, PerTrack};

impl Start for Loitering {
    fn start(&self, rule: &RuleConfig, _camera: CameraFacts) -> Box<dyn Engine> {
        let timing = Timing {
            hold: self.after,
            clear_after: rule.clear_after,
            forgiving: true,
        };
        Box::new(PerTrack::new(InZone::of(&self.zone), timing))
    }
}
