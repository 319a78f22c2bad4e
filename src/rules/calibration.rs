//! From the picture to the ground: the plane homography of four measured points.

use crate::config::types::Calibration;
use crate::model::geometry::Point;

/// A projective map of the plane, row by row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Homography {
    rows: [[f64; 3]; 3],
    /// Sign of the denominator at the measured points; elsewhere it means "above the horizon".
    sign: f64,
}

impl Homography {
    /// From normalised picture points to metres on the ground; see [`Homography::from_points`].
    #[must_use]
    pub fn of(calibration: &Calibration) -> Option<Self> {
        Self::from_points(&calibration.picture, &calibration.ground_metres)
    }

    /// The map that leads each of `from` to its partner in `to`: the direct linear transform with
    /// its last element fixed at 1 (Hartley and Zisserman, Multiple View Geometry, section 4.1),
    /// after the first points of both sides have been moved to the origin, so that this element
    /// cannot be 0. None where three points of either side lie on a line (no single map exists),
    /// or where a number is not finite, or where the horizon runs between the points.
    #[must_use]
    pub fn from_points(from: &[Point; 4], to: &[Point; 4]) -> Option<Self> {
        let pair = |p: Point| (f64::from(p.x), f64::from(p.y));
        let (from, to) = (from.map(pair), to.map(pair));
        let (from0, to0) = (from[0], to[0]);
        let mut equations = [[0.0_f64; 9]; 8];
        for (index, (f, t)) in from.iter().zip(&to).enumerate() {
            let (x, y) = (f.0 - from0.0, f.1 - from0.1);
            let (u, v) = (t.0 - to0.0, t.1 - to0.1);
            equations[2 * index] = [x, y, 1.0, 0.0, 0.0, 0.0, -u * x, -u * y, u];
            equations[2 * index + 1] = [0.0, 0.0, 0.0, x, y, 1.0, -v * x, -v * y, v];
        }
        let h = solve(equations)?;
        let moved = [[h[0], h[1], h[2]], [h[3], h[4], h[5]], [h[6], h[7], 1.0]];
        let before = [[1.0, 0.0, -from0.0], [0.0, 1.0, -from0.1], [0.0, 0.0, 1.0]];
        let after = [[1.0, 0.0, to0.0], [0.0, 1.0, to0.1], [0.0, 0.0, 1.0]];
        let rows = product(&product(&after, &moved), &before);
        let denominator = |(x, y): (f64, f64)| rows[2][0] * x + rows[2][1] * y + rows[2][2];
        let sign = denominator(from0).signum();
        let one_side = from.iter().all(|p| denominator(*p) * sign > 1e-12);
        let regular = determinant(&rows).abs() > 1e-12;
        (one_side && regular).then_some(Self { rows, sign })
    }

    /// Where a point leads; none above the horizon and for numbers that are not finite.
    #[must_use]
    pub fn apply(&self, point: Point) -> Option<Point> {
        let (x, y) = (f64::from(point.x), f64::from(point.y));
        let [u, v, w] = self.rows.map(|row| row[0] * x + row[1] * y + row[2]);
        let mapped = Point {
            x: (u / w) as f32,
            y: (v / w) as f32,
        };
        (w * self.sign > 1e-9 && mapped.x.is_finite() && mapped.y.is_finite()).then_some(mapped)
    }
}

fn product(a: &[[f64; 3]; 3], b: &[[f64; 3]; 3]) -> [[f64; 3]; 3] {
    let mut out = [[0.0; 3]; 3];
    for (row, line) in out.iter_mut().enumerate() {
        for (column, cell) in line.iter_mut().enumerate() {
            *cell = (0..3).map(|k| a[row][k] * b[k][column]).sum();
        }
    }
    out
}

fn determinant(m: &[[f64; 3]; 3]) -> f64 {
    m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1])
        - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
        + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
}

/// Gauss-Jordan elimination with partial pivoting; none for a singular system.
fn solve(mut a: [[f64; 9]; 8]) -> Option<[f64; 8]> {
    for column in 0..8 {
        let pivot =
            (column..8).max_by(|x, y| a[*x][column].abs().total_cmp(&a[*y][column].abs()))?;
        // NaN must fail here too, hence not `<`.
        if !(a[pivot][column].abs() > 1e-10 && a[pivot][column].is_finite()) {
            return None;
        }
        a.swap(column, pivot);
        let lead = a[column];
        for (row, line) in a.iter_mut().enumerate() {
            if row != column {
                let factor = line[column] / lead[column];
                for (cell, of_lead) in line.iter_mut().zip(&lead).skip(column) {
                    *cell -= factor * of_lead;
                }
            }
        }
    }
    let mut out = [0.0; 8];
    for (index, value) in out.iter_mut().enumerate() {
        *value = a[index][8] / a[index][index];
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn points(n: [(f32, f32); 4]) -> [Point; 4] {
        n.map(|(x, y)| Point { x, y })
    }

    fn yard() -> [Point; 4] {
        points([(0.4, 0.4), (0.6, 0.4), (0.9, 0.9), (0.1, 0.9)])
    }

    fn metres() -> [Point; 4] {
        points([(0.0, 20.0), (8.0, 20.0), (8.0, 0.0), (0.0, 0.0)])
    }

    #[test]
    fn what_lies_above_the_horizon_has_no_place_on_the_ground() {
        let map = Homography::from_points(&yard(), &metres()).expect("map");
        assert!(map.apply(Point { x: 0.5, y: 0.05 }).is_none());
        assert!(
            map.apply(Point {
                x: f32::NAN,
                y: 0.5
            })
            .is_none()
        );
        assert!(map.apply(Point { x: 0.5, y: 0.7 }).is_some());
    }

    #[test]
    fn three_points_on_a_line_give_no_map() {
        let flat = points([(0.1, 0.1), (0.2, 0.2), (0.3, 0.3), (0.9, 0.1)]);
        assert!(Homography::from_points(&flat, &metres()).is_none());
        let nan = points([(f32::NAN, 0.1), (0.2, 0.2), (0.3, 0.9), (0.9, 0.1)]);
        assert!(Homography::from_points(&nan, &metres()).is_none());
    }

    proptest! {
        #[test]
        fn the_four_points_lead_to_each_other_and_back_again(
            shake in prop::array::uniform8(-0.04_f32..0.04),
            stretch in prop::array::uniform8(-1.0_f32..1.0),
            x in 0.3_f32..0.7, y in 0.55_f32..0.85,
        ) {
            let (mut picture, mut ground) = (yard(), metres());
            for i in 0..4 {
                picture[i].x += shake[2 * i];
                picture[i].y += shake[2 * i + 1];
                ground[i].x += stretch[2 * i];
                ground[i].y += stretch[2 * i + 1];
            }
            let there = Homography::from_points(&picture, &ground).expect("map");
            let back = Homography::from_points(&ground, &picture).expect("inverse");
            for (from, to) in picture.iter().zip(&ground) {
                let mapped = there.apply(*from).expect("on the ground");
                prop_assert!((mapped.x - to.x).abs() < 1e-3 && (mapped.y - to.y).abs() < 1e-3);
            }
            let again = back.apply(there.apply(Point { x, y }).expect("ground")).expect("picture");
            prop_assert!((again.x - x).abs() < 1e-3 && (again.y - y).abs() < 1e-3);
        }
    }
}
