//! Where in the picture a rule looks.

use crate::config::types::shape::{Line, Zone};
use crate::model::geometry::Point;
use crate::model::ids::ZoneName;

/// Where in the picture a rule looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape<'r> {
    /// No shape of its own: the whole picture, or the camera as such.
    Picture,
    /// In a zone.
    Zone(&'r Zone),
    /// At a line, or at several in this order.
    Lines(&'r [Line]),
}

impl<'r> Shape<'r> {
    /// The name of its one zone or line.
    #[must_use]
    pub fn name(self) -> Option<&'r ZoneName> {
        match self {
            Self::Zone(zone) => Some(&zone.name),
            Self::Lines([line]) => Some(&line.name),
            Self::Picture | Self::Lines(_) => None,
        }
    }

    /// Name and points of every zone and line, and whether it is a zone.
    pub fn outlines(self) -> impl Iterator<Item = (&'r ZoneName, &'r [Point], bool)> {
        let (zone, lines) = match self {
            Self::Picture => (None, &[][..]),
            Self::Zone(zone) => (Some(zone), &[][..]),
            Self::Lines(lines) => (None, lines),
        };
        let zone = zone.map(|zone| (&zone.name, &*zone.points, true));
        let lines = lines.iter().map(|line| (&line.name, &*line.points, false));
        zone.into_iter().chain(lines)
    }
}
