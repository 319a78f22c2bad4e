//! Zones, lines and calibrations of a camera.

use crate::model::geometry::Point;
use crate::model::ids::ZoneName;

/// Four points of the picture and where they lie on the ground.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calibration {
    /// Normalised, no three on a line.
    pub picture: [Point; 4],
    /// Metres on the ground plane, in the same order.
    pub ground_metres: [Point; 4],
}

/// A polygon of the picture, normalised; at least three points, some area, no self-crossing.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone {
    /// Its name.
    pub name: ZoneName,
    /// Its corners in order.
    pub points: Vec<Point>,
}

/// A polygon of the picture that nothing may see, normalised; as sound as a [`Zone`].
#[derive(Clone, Debug, PartialEq)]
pub struct Mask {
    /// Its corners in order.
    pub points: Vec<Point>,
}

/// A polyline of the picture, normalised; at least two different points.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Its name.
    pub name: ZoneName,
    /// From first to last.
    pub points: Vec<Point>,
}
