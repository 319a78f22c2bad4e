//! Somebody is fast: over the ground where the camera is calibrated, else in heights of the own box.

use std::time::Duration;

use crate::config::rule::Running;
use crate::config::types::RuleConfig;
use crate::model::event::EventDetail;
use crate::model::geometry::Point;

use super::debounce::Timing;
use super::engine::{CameraFacts, Engine, Start};
use super::geometry::polygon_contains;
use super::motion::Observation;
use super::per_track::{Condition, PerTrack};

/// The object is at least this fast, in the zone if there is one.
#[derive(Debug)]
struct Fast {
    zone: Option<Vec<Point>>,
    /// Over the ground; none without calibration.
    metres_per_second: Option<f32>,
    /// Heights of the own box per second, where there is no calibration.
    body_heights_per_second: f32,
}

impl Start for Running {
    fn start(&self, rule: &RuleConfig, camera: CameraFacts) -> Box<dyn Engine> {
        let fast = Fast {
            zone: self.zone.as_ref().map(|zone| zone.points.clone()),
            metres_per_second: camera.calibrated.then_some(self.metres_per_second),
            body_heights_per_second: self.body_heights_per_second,
        };
        let timing = Timing {
            hold: self.hold,
            clear_after: rule.clear_after,
            forgiving: false,
        };
        Box::new(PerTrack::new(fast, timing))
    }
}

impl Condition for Fast {
    fn holds(&self, observation: &Observation<'_>, anchor: Point) -> bool {
        let fast = match self.metres_per_second {
            Some(least) => observation.speed_mps.is_some_and(|speed| speed >= least),
            None => observation
                .body_heights_per_second
                .is_some_and(|speed| speed >= self.body_heights_per_second),
        };
        let inside = |zone: &[Point]| polygon_contains(zone, anchor);
        fast && self.zone.as_deref().is_none_or(inside)
    }

    fn detail(&self, observation: &Observation<'_>, _lasted: Duration) -> EventDetail {
        EventDetail {
            body_heights_per_second: observation
                .body_heights_per_second
                .filter(|_| self.metres_per_second.is_none()),
            ..EventDetail::default()
        }
    }
}
