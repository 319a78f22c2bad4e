//! `kind = "loitering"`.

use std::time::Duration;

use super::kind::{DAY_SECONDS, RuleKeys, RuleSettings};
use super::shape::Shape;
use crate::config::types::shape::Zone;
use crate::model::event::EventKind;

/// Somebody stays in the zone for `after`.
#[derive(Clone, Debug, PartialEq)]
pub struct Loitering {
    /// The zone.
    pub zone: Zone,
    /// How long is too long.
    pub after: Duration,
}

impl RuleSettings for Loitering {
    const NAME: &'static str = "loitering";
    const EVENT: EventKind = EventKind::LOITERING;

    fn read(keys: &mut RuleKeys<'_, '_>) -> Option<Self> {
        let zone = keys.zone();
        let usual = Duration::from_secs(60);
        let after = keys.seconds("after_seconds", 1.0..=DAY_SECONDS, usual);
        Some(Self { zone: zone?, after })
    }

    fn shape(&self) -> Shape<'_> {
        Shape::Zone(&self.zone)
    }
}
