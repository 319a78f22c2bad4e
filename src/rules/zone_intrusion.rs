//! Somebody is in a zone. Who is seen outside begins anew; who is lost for at most `clear_after`
//! does not.

use crate::config::rule::ZoneIntrusion;
use crate::config::types::RuleConfig;

use super::debounce::Timing;
use super::engine::{CameraFacts, Engine, Start};
use super::per_track::{InZone, PerTrack};

impl Start for ZoneIntrusion {
    fn start(&self, rule: &RuleConfig, _camera: CameraFacts) -> Box<dyn Engine> {
        let timing = Timing {
            hold: self.dwell,
            clear_after: rule.clear_after,
            forgiving: false,
        };
        Box::new(PerTrack::new(InZone::of(&self.zone), timing))
    }
}
