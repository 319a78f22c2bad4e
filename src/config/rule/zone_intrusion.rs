//! `kind = "zone_intrusion"`.

use std::time::Duration;

use super::kind::{DAY_SECONDS, RuleKeys, RuleSettings};
use super::shape::Shape;
use crate::config::types::shape::Zone;
use crate::model::event::EventKind;

/// Somebody is in the zone for `dwell`.
#[derive(Clone, Debug, PartialEq)]
pub struct ZoneIntrusion {
    /// The zone.
    pub zone: Zone,
    /// How long before it counts.
    pub dwell: Duration,
}

impl RuleSettings for ZoneIntrusion {
    const NAME: &'static str = "zone_intrusion";
    const EVENT: EventKind = EventKind::ZONE_INTRUSION;

    fn read(keys: &mut RuleKeys<'_, '_>) -> Option<Self> {
        let zone = keys.zone();
        let usual = Duration::from_secs(1);
        let dwell = keys.seconds("dwell_seconds", 0.0..=DAY_SECONDS, usual);
        Some(Self { zone: zone?, dwell })
    }

    fn shape(&self) -> Shape<'_> {
        Shape::Zone(&self.zone)
    }
}
