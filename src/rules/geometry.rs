//! Polygons and polylines in a plane whose two axes have the same unit. Callers stretch normalised
//! picture points by the picture's aspect first ([`Flat::from_normalised`]), so that lengths are in
//! picture heights in both directions.

use crate::model::event::Direction;
use crate::model::geometry::Point;

/// A point whose axes share one unit; y points down, as in the picture.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Flat {
    /// To the right.
    pub x: f64,
    /// Downwards.
    pub y: f64,
}

impl Flat {
    /// A normalised picture point in picture heights; `aspect` is width over height.
    #[must_use]
    pub fn from_normalised(point: Point, aspect: f32) -> Self {
        Self {
            x: f64::from(point.x) * f64::from(aspect),
            y: f64::from(point.y),
        }
    }

    fn minus(self, other: Self) -> Self {
        Self {
            x: self.x - other.x,
            y: self.y - other.y,
        }
    }

    fn dot(self, other: Self) -> f64 {
        self.x * other.x + self.y * other.y
    }

    /// Distance to another point.
    #[must_use]
    pub fn distance(self, other: Self) -> f64 {
        let apart = self.minus(other);
        apart.x.hypot(apart.y)
    }
}

/// Twice the signed area of the triangle `a b p`. With y downwards it is positive where `p` lies
/// on the right-hand side of somebody who looks from `a` to `b`, negative on the left, 0 on the line.
#[must_use]
pub fn rightness(a: Flat, b: Flat, p: Flat) -> f64 {
    let (ab, ap) = (b.minus(a), p.minus(a));
    ab.x * ap.y - ab.y * ap.x
}

/// Which way the step `from` → `to` crosses the segment `a` → `b`, if it does. A point exactly on
/// a line counts as on its right-hand side (a half-open rule), so that a path cut into steps
/// crosses exactly as often as the whole, and a polyline's joint is crossed once.
#[must_use]
pub fn step_crosses(from: Flat, to: Flat, a: Flat, b: Flat) -> Option<Direction> {
    let (before, after) = (rightness(a, b, from) >= 0.0, rightness(a, b, to) >= 0.0);
    let splits = (rightness(from, to, a) >= 0.0) != (rightness(from, to, b) >= 0.0);
    match (before, after) {
        (false, true) if splits => Some(Direction::LeftToRight),
        (true, false) if splits => Some(Direction::RightToLeft),
        _ => None,
    }
}

/// Distance from `p` to the segment `a` `b` (not to the infinite line).
#[must_use]
pub fn distance_to_segment(p: Flat, a: Flat, b: Flat) -> f64 {
    let ab = b.minus(a);
    let length_squared = ab.dot(ab);
    if length_squared <= 0.0 {
        return p.distance(a);
    }
    let along = (p.minus(a).dot(ab) / length_squared).clamp(0.0, 1.0);
    p.distance(Flat {
        x: a.x + along * ab.x,
        y: a.y + along * ab.y,
    })
}

/// Where a point lies in respect of a polyline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position {
    /// To the nearest point of the polyline.
    pub distance: f64,
    /// On the right-hand side of the nearest segment, looking from first to last point. Beyond
    /// the polyline's ends this is the side of the end segment's extension.
    pub right: bool,
}

/// Where `p` lies in respect of `polyline`; none for fewer than two points. Where two segments are
/// equally near (their joint is the nearest point) the one that `p` stands further away from
/// sideways decides: it is the one whose side is true at sharp corners.
#[must_use]
pub fn position(p: Flat, polyline: &[Flat]) -> Option<Position> {
    let mut best: Option<(f64, f64)> = None;
    for pair in polyline.windows(2) {
        let distance = distance_to_segment(p, pair[0], pair[1]);
        let sideways = rightness(pair[0], pair[1], p) / pair[0].distance(pair[1]).max(1e-12);
        let better = best.is_none_or(|(nearest, side)| {
            distance < nearest - 1e-9 || (distance < nearest + 1e-9 && sideways.abs() > side.abs())
        });
        if better {
            best = Some((distance, sideways));
        }
    }
    best.map(|(distance, sideways)| Position {
        distance,
        right: sideways >= 0.0,
    })
}

/// Whether a polygon contains a point, by the even-odd rule (J. O'Rourke, Computational Geometry
/// in C, section 7.4). A point on an edge or a corner is inside: who stands on the boundary of a
/// forbidden zone is in it. Never true for a point that is not finite.
#[must_use]
pub fn polygon_contains(polygon: &[Point], point: Point) -> bool {
    let flat = |p: Point| Flat::from_normalised(p, 1.0);
    let p = flat(point);
    let mut inside = false;
    let mut previous = match polygon.last() {
        Some(last) if p.x.is_finite() && p.y.is_finite() => flat(*last),
        _ => return false,
    };
    for corner in polygon {
        let current = flat(*corner);
        let turn = rightness(previous, current, p);
        let toward = p.minus(previous).dot(p.minus(current));
        if turn == 0.0 && toward <= 0.0 {
            return true;
        }
        if (previous.y > p.y) != (current.y > p.y) && ((turn > 0.0) == (current.y > previous.y)) {
            inside = !inside;
        }
        previous = current;
    }
    inside
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(x: f64, y: f64) -> Flat {
        Flat { x, y }
    }

    fn dot(x: f32, y: f32) -> Point {
        Point { x, y }
    }

    #[test]
    fn looking_down_the_picture_the_right_hand_is_at_smaller_x() {
        let (top, bottom) = (at(0.5, 0.0), at(0.5, 1.0));
        assert!(rightness(top, bottom, at(0.2, 0.5)) > 0.0);
        assert_eq!(
            step_crosses(at(0.7, 0.5), at(0.3, 0.5), top, bottom),
            Some(Direction::LeftToRight)
        );
        assert_eq!(
            step_crosses(at(0.3, 0.5), at(0.7, 0.5), top, bottom),
            Some(Direction::RightToLeft)
        );
    }

    #[test]
    fn a_step_past_the_end_of_a_segment_crosses_nothing() {
        assert_eq!(
            step_crosses(at(0.3, 0.9), at(0.7, 0.9), at(0.5, 0.0), at(0.5, 0.8)),
            None
        );
    }

    #[test]
    fn a_path_through_a_joint_crosses_a_polyline_once() {
        let line = [at(0.0, 0.5), at(0.5, 0.5), at(1.0, 0.5)];
        let crossings = line
            .windows(2)
            .filter(|s| step_crosses(at(0.5, 0.2), at(0.5, 0.8), s[0], s[1]).is_some())
            .count();
        assert_eq!(crossings, 1);
    }

    #[test]
    fn the_side_is_true_around_a_sharp_corner() {
        let spike = [at(0.0, 0.0), at(1.0, 0.1), at(0.0, 0.2)];
        assert!(position(at(0.2, 0.1), &spike).expect("position").right);
        assert!(!position(at(1.5, 0.0), &spike).expect("position").right);
        assert!(!position(at(1.5, 0.2), &spike).expect("position").right);
        assert_eq!(position(at(0.0, 0.0), &spike[..1]), None);
    }

    #[test]
    fn edges_and_corners_belong_to_the_polygon() {
        let square = [
            dot(0.25, 0.25),
            dot(0.75, 0.25),
            dot(0.75, 0.75),
            dot(0.25, 0.75),
        ];
        for inside in [
            dot(0.25, 0.25),
            dot(0.75, 0.75),
            dot(0.5, 0.25),
            dot(0.75, 0.5),
            dot(0.5, 0.5),
        ] {
            assert!(polygon_contains(&square, inside), "{inside:?}");
        }
        for outside in [
            dot(0.2, 0.25),
            dot(0.8, 0.75),
            dot(0.5, 0.2),
            dot(f32::NAN, 0.5),
            dot(0.5, f32::INFINITY),
        ] {
            assert!(!polygon_contains(&square, outside), "{outside:?}");
        }
        assert!(!polygon_contains(&[], dot(0.5, 0.5)));
    }

    #[test]
    fn a_notch_is_outside() {
        let notched = [
            dot(0.0, 0.0),
            dot(1.0, 0.0),
            dot(1.0, 1.0),
            dot(0.5, 0.25),
            dot(0.0, 1.0),
        ];
        assert!(!polygon_contains(&notched, dot(0.5, 0.8)));
        assert!(polygon_contains(&notched, dot(0.9, 0.5)));
    }

    proptest! {
        #[test]
        fn a_polygon_is_the_same_whichever_way_round(
            corners in prop::collection::vec((0.0_f32..1.0, 0.0_f32..1.0), 3..8),
            x in -0.2_f32..1.2, y in -0.2_f32..1.2,
        ) {
            let mut polygon: Vec<Point> = corners.iter().map(|(x, y)| dot(*x, *y)).collect();
            let forwards = polygon_contains(&polygon, dot(x, y));
            polygon.reverse();
            prop_assert_eq!(forwards, polygon_contains(&polygon, dot(x, y)));
        }

        #[test]
        fn a_triangle_contains_its_mixtures_and_nothing_beyond_its_bounds(
            corners in prop::array::uniform6(0.0_f32..1.0), a in 0.05_f32..1.0, b in 0.05_f32..1.0, c in 0.05_f32..1.0,
        ) {
            let polygon = [dot(corners[0], corners[1]), dot(corners[2], corners[3]), dot(corners[4], corners[5])];
            let flat = polygon.map(|p| Flat::from_normalised(p, 1.0));
            prop_assume!(rightness(flat[0], flat[1], flat[2]).abs() > 1e-3);
            let total = a + b + c;
            let mix = |of: fn(&Point) -> f32| (a * of(&polygon[0]) + b * of(&polygon[1]) + c * of(&polygon[2])) / total;
            prop_assert!(polygon_contains(&polygon, dot(mix(|p| p.x), mix(|p| p.y))));
            prop_assert!(!polygon_contains(&polygon, dot(1.5, mix(|p| p.y))));
        }

        #[test]
        fn a_step_back_crosses_the_other_way(n in prop::array::uniform8(0.0_f64..1.0)) {
            let [from, to, a, b] = [at(n[0], n[1]), at(n[2], n[3]), at(n[4], n[5]), at(n[6], n[7])];
            let back = step_crosses(to, from, a, b).map(|direction| match direction {
                Direction::LeftToRight => Direction::RightToLeft,
                Direction::RightToLeft => Direction::LeftToRight,
            });
            prop_assert_eq!(step_crosses(from, to, a, b), back);
        }

        #[test]
        fn a_closed_walk_crosses_an_endless_line_as_often_each_way(
            walk in prop::collection::vec((0.0_f64..1.0, 0.0_f64..1.0), 2..20), tilt in -0.5_f64..0.5,
        ) {
            let (a, b) = (at(-9.0, 0.5 - tilt), at(9.0, 0.5 + tilt));
            let mut net = 0;
            for index in 0..walk.len() {
                let (from, to) = (walk[index], walk[(index + 1) % walk.len()]);
                net += match step_crosses(at(from.0, from.1), at(to.0, to.1), a, b) {
                    Some(Direction::LeftToRight) => 1,
                    Some(Direction::RightToLeft) => -1,
                    None => 0,
                };
            }
            prop_assert_eq!(net, 0);
        }
    }
}
