//! Where a track is and will be, to tell how near it is to something.

use std::time::Duration;

use super::geometry::{Flat, distance_to_segment, step_crosses};
use crate::config::types::Anchor;
use crate::model::geometry::Point;
use crate::model::track::Track;

/// Within so many heights of its own box from a line somebody is near it.
const NEAR_HEIGHTS: f64 = 1.0;
/// Where it will be this much later counts too.
const AHEAD: Duration = Duration::from_secs(1);

/// A track on its way.
#[derive(Debug)]
pub(super) struct Approach<'a> {
    track: &'a Track,
    anchor: Anchor,
    aspect: f32,
}

impl<'a> Approach<'a> {
    /// `anchor` is the point of its box that the rule goes by, `aspect` the picture's.
    pub(super) fn of(track: &'a Track, anchor: Anchor, aspect: f32) -> Self {
        Self {
            track,
            anchor,
            aspect,
        }
    }

    /// Whether it is within a height of its own box from the polyline, or soon, or will have
    /// passed it by then.
    pub(super) fn nears(&self, line: &[Point]) -> bool {
        let place = &self.track.box_in_frame;
        let now = match self.anchor {
            Anchor::Center => place.center(),
            Anchor::Foot => place.foot(),
        };
        let (velocity, seconds) = (self.track.velocity_per_second, AHEAD.as_secs_f32());
        let soon = Point {
            x: now.x + velocity.x * seconds,
            y: now.y + velocity.y * seconds,
        };
        let flat = |point| Flat::from_normalised(point, self.aspect);
        let (now, soon) = (flat(now), flat(soon));
        let near = NEAR_HEIGHTS * f64::from(place.height);
        line.windows(2).any(|pair| {
            let (a, b) = (flat(pair[0]), flat(pair[1]));
            step_crosses(now, soon, a, b).is_some()
                || distance_to_segment(now, a, b) <= near
                || distance_to_segment(soon, a, b) <= near
        })
    }
}
