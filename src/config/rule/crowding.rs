//! `kind = "crowding"`.

use std::time::Duration;

use super::kind::{DAY_SECONDS, RuleKeys, RuleSettings};
use super::shape::Shape;
use crate::config::types::shape::Zone;
use crate::model::event::EventKind;

/// `count` or more are in the zone for `hold`.
#[derive(Clone, Debug, PartialEq)]
pub struct Crowding {
    /// The zone.
    pub zone: Zone,
    /// How many are too many.
    pub count: u32,
    /// How long before it counts.
    pub hold: Duration,
}

impl RuleSettings for Crowding {
    const NAME: &'static str = "crowding";
    const EVENT: EventKind = EventKind::CROWDING;

    fn read(keys: &mut RuleKeys<'_, '_>) -> Option<Self> {
        let zone = keys.zone();
        let count = keys.table.integer("count", 1..=100_000);
        if !keys.table.has("count") {
            keys.table.missing("count", "say how many are too many");
        }
        let usual = Duration::from_secs(3);
        let hold = keys.seconds("hold_seconds", 0.0..=DAY_SECONDS, usual);
        Some(Self {
            zone: zone?,
            count: u32::try_from(count?.value).ok()?,
            hold,
        })
    }

    fn shape(&self) -> Shape<'_> {
        Shape::Zone(&self.zone)
    }
}
