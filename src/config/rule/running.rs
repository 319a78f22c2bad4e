//! `kind = "running"`.

use std::time::Duration;

use super::kind::{DAY_SECONDS, RuleKeys, RuleSettings};
use super::shape::Shape;
use crate::config::types::shape::Zone;
use crate::model::event::EventKind;

/// Somebody is faster than a walk for `hold`.
#[derive(Clone, Debug, PartialEq)]
pub struct Running {
    /// Where; none means the whole picture.
    pub zone: Option<Zone>,
    /// With a calibration: metres per second.
    pub metres_per_second: f32,
    /// Without: heights of the own box per second.
    pub body_heights_per_second: f32,
    /// How long before it counts.
    pub hold: Duration,
}

impl RuleSettings for Running {
    const NAME: &'static str = "running";
    const EVENT: EventKind = EventKind::RUNNING;

    fn read(keys: &mut RuleKeys<'_, '_>) -> Option<Self> {
        // Without a zone it watches the whole picture, so no zone is no mistake here.
        let zone = if keys.table.has("zone") {
            Some(keys.zone()?)
        } else {
            None
        };
        let usual = Duration::from_millis(500);
        Some(Self {
            zone,
            metres_per_second: keys.number("metres_per_second", 0.1..=50.0, 3.0),
            body_heights_per_second: keys.number("body_heights_per_second", 0.05..=50.0, 1.8),
            hold: keys.seconds("hold_seconds", 0.0..=DAY_SECONDS, usual),
        })
    }

    fn shape(&self) -> Shape<'_> {
        self.zone.as_ref().map_or(Shape::Picture, Shape::Zone)
    }
}
