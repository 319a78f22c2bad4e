//! Up, over and down.

use std::f64::consts::PI;

use super::Body;
use crate::scene::legs::Act;
use crate::scene::path::distance;
use crate::scene::script::Spot;
use crate::world::Motion;

impl Body {
    /// Climbs what stands in front to a height, holds on there, and comes down at `over`, else
    /// where it went up.
    pub(super) fn climb(&mut self, height: f64, over: Option<Spot>, speed: f64, hold: f64) {
        self.upright();
        if let Some(over) = over {
            self.face(over);
        }
        let metres_per_cycle = Motion::Climb { phase: 0.0 }
            .cycle_metres(self.tall as f32)
            .map_or(0.7, f64::from);
        self.vertical(0.0, height, speed, metres_per_cycle);
        if hold > 0.0 {
            let (at, heading) = (self.at, self.heading);
            let act = Act::Climb {
                at,
                heading,
                from_height: height,
                to_height: height,
                phase: self.phase,
                metres_per_cycle,
            };
            self.leg(hold, act);
        }
        if let Some(over) = over {
            let (from, heading) = (self.at, self.heading);
            let metres = distance(from, over);
            let act = Act::Over {
                from,
                to: over,
                height,
                heading,
                phase: self.phase,
                metres_per_cycle,
            };
            self.phase = (self.phase + metres / metres_per_cycle).fract();
            self.leg((metres / speed).max(0.8), act);
            self.at = over;
            self.heading = heading + PI;
        }
        self.vertical(height, 0.0, speed, metres_per_cycle);
    }

    fn vertical(&mut self, from_height: f64, to_height: f64, speed: f64, metres_per_cycle: f64) {
        let metres = (to_height - from_height).abs();
        let act = Act::Climb {
            at: self.at,
            heading: self.heading,
            from_height,
            to_height,
            phase: self.phase,
            metres_per_cycle,
        };
        self.phase = (self.phase + metres / metres_per_cycle).fract();
        self.leg(metres / speed, act);
    }
}
