//! The pinhole camera: from the world to the picture and from the picture to the ground.

use crate::world::View;
use parapet::model::geometry::Point;

/// Nearer to the camera's plane than this nothing has a place in the picture, metres.
const NEAR_METRES: f64 = 0.1;

/// A [`View`] with its axes worked out, for pictures of one aspect.
#[derive(Clone, Copy, Debug)]
pub struct Lens {
    position: [f64; 3],
    forward: [f64; 3],
    right: [f64; 3],
    up: [f64; 3],
    /// Half the picture's width and height at distance 1.
    half: [f64; 2],
}

impl Lens {
    /// The camera for pictures `aspect` times as wide as high.
    #[must_use]
    pub fn new(view: &View, aspect: f32) -> Self {
        let (sin_pan, cos_pan) = f64::from(view.pan).sin_cos();
        let (sin_tilt, cos_tilt) = f64::from(view.tilt).sin_cos();
        let across = (f64::from(view.field_of_view) / 2.0).tan();
        Self {
            position: view.position.map(f64::from),
            forward: [cos_pan * cos_tilt, sin_pan * cos_tilt, -sin_tilt],
            right: [sin_pan, -cos_pan, 0.0],
            up: [cos_pan * sin_tilt, sin_pan * sin_tilt, cos_tilt],
            half: [across, across / f64::from(aspect)],
        }
    }

    /// Metres before the camera's plane; negative behind it.
    fn depth(&self, world: [f64; 3]) -> f64 {
        dot(self.forward, minus(world, self.position))
    }

    /// Where a place of the world is in the picture (normalised, may lie outside 0..=1); none
    /// behind the camera.
    #[must_use]
    pub fn project(&self, world: [f64; 3]) -> Option<[f64; 2]> {
        let depth = self.depth(world);
        if depth < NEAR_METRES {
            return None;
        }
        let way = minus(world, self.position);
        let x = dot(self.right, way) / (depth * self.half[0]);
        let y = dot(self.up, way) / (depth * self.half[1]);
        Some([(1.0 + x) / 2.0, (1.0 - y) / 2.0])
    }

    /// Which place of the ground a picture's point shows; none at and above the horizon.
    #[must_use]
    pub fn ground(&self, [x, y]: [f64; 2]) -> Option<[f64; 2]> {
        let (across, down) = (
            (2.0 * x - 1.0) * self.half[0],
            (1.0 - 2.0 * y) * self.half[1],
        );
        let ray: Vec<f64> = (0..3)
            .map(|axis| self.forward[axis] + self.right[axis] * across + self.up[axis] * down)
            .collect();
        // A grazing ray ends far beyond anything that a scene shows.
        if ray[2] > -1e-3 {
            return None;
        }
        let far = -self.position[2] / ray[2];
        Some([
            self.position[0] + far * ray[0],
            self.position[1] + far * ray[1],
        ])
    }

    /// Whether a place of the ground is in the picture.
    #[must_use]
    pub fn shows(&self, [x, y]: [f64; 2], up: f64) -> bool {
        self.project([x, y, up])
            .is_some_and(|seen| seen.iter().all(|part| (0.0..=1.0).contains(part)))
    }

    /// The part of a polygon on the ground that the picture shows (Sutherland and Hodgman, CACM
    /// 17, 1974); empty where it shows none of it.
    #[must_use]
    pub fn polygon(&self, ground: &[[f64; 2]]) -> Vec<Point> {
        let before: Vec<[f64; 2]> = clip(ground, |[x, y]| self.depth([*x, *y, 0.0]) - NEAR_METRES);
        let mut seen: Vec<[f64; 2]> = before
            .iter()
            .filter_map(|[x, y]| self.project([*x, *y, 0.0]).or(Some([f64::NAN; 2])))
            .filter(|point| point[0].is_finite())
            .collect();
        for axis in 0..2 {
            seen = clip(&seen, |point| point[axis]);
            seen = clip(&seen, |point| 1.0 - point[axis]);
        }
        narrowed(&seen)
    }

    /// The longest part of a polyline on the ground that the picture shows; empty where it shows
    /// none of it.
    #[must_use]
    pub fn polyline(&self, ground: &[[f64; 2]]) -> Vec<Point> {
        let mut pieces: Vec<Vec<[f64; 2]>> = vec![Vec::new()];
        for pair in ground.windows(2) {
            match self.segment(pair[0], pair[1]) {
                Some((from, to)) => {
                    let joins = pieces
                        .last()
                        .and_then(|piece| piece.last())
                        .is_some_and(|last| near(*last, from));
                    if !joins {
                        pieces.push(vec![from]);
                    }
                    if let Some(piece) = pieces.last_mut() {
                        piece.push(to);
                    }
                }
                None => pieces.push(Vec::new()),
            }
        }
        let length = |piece: &Vec<[f64; 2]>| -> f64 {
            piece
                .windows(2)
                .map(|pair| (pair[0][0] - pair[1][0]).hypot(pair[0][1] - pair[1][1]))
                .sum()
        };
        let longest = pieces
            .iter()
            .max_by(|a, b| length(a).total_cmp(&length(b)))
            .map(Vec::as_slice)
            .unwrap_or_default();
        narrowed(longest)
    }

    /// The part of a segment that the picture shows (Liang and Barsky, ACM TOG 3, 1984).
    fn segment(&self, from: [f64; 2], to: [f64; 2]) -> Option<([f64; 2], [f64; 2])> {
        let (near_from, near_to) = (
            self.depth([from[0], from[1], 0.0]) - NEAR_METRES,
            self.depth([to[0], to[1], 0.0]) - NEAR_METRES,
        );
        let between = |share: f64| -> [f64; 2] {
            [0, 1].map(|axis| from[axis] + share * (to[axis] - from[axis]))
        };
        let cut = near_from / (near_from - near_to);
        // A hair inside, so that the cut end has a place in the picture.
        let (from, to) = match (near_from > 0.0, near_to > 0.0) {
            (false, false) => return None,
            (true, true) => (from, to),
            (false, true) => (between(cut + 1e-6), to),
            (true, false) => (from, between(cut - 1e-6)),
        };
        let a = self.project([from[0], from[1], 0.0])?;
        let b = self.project([to[0], to[1], 0.0])?;
        let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
        for axis in 0..2 {
            let step = b[axis] - a[axis];
            for (toward, room) in [(-step, a[axis]), (step, 1.0 - a[axis])] {
                if toward.abs() < 1e-12 {
                    if room < 0.0 {
                        return None;
                    }
                } else if toward < 0.0 {
                    enter = enter.max(room / toward);
                } else {
                    leave = leave.min(room / toward);
                }
            }
        }
        let at = |share: f64| [0, 1].map(|axis| a[axis] + share * (b[axis] - a[axis]));
        (enter < leave).then(|| (at(enter), at(leave)))
    }

    /// Four points of the picture and below each the ground it shows, for a calibration: the lower
    /// corners of the picture and two below the horizon.
    #[must_use]
    pub fn calibration(&self) -> Option<[([f64; 2], [f64; 2]); 4]> {
        // The upper pair as high as the ground there is still within 60 m.
        let high = (5..=80)
            .map(|percent| f64::from(percent) / 100.0)
            .find(|y| {
                self.ground([0.5, *y]).is_some_and(|[x, north]| {
                    (x - self.position[0]).hypot(north - self.position[1]) < 60.0
                })
            })?;
        let mut points =
            [[0.05, 0.95], [0.95, 0.95], [0.85, high], [0.15, high]].map(|seen| (seen, [0.0; 2]));
        for (seen, ground) in &mut points {
            *ground = self.ground(*seen)?;
        }
        Some(points)
    }
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn minus(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

fn near(a: [f64; 2], b: [f64; 2]) -> bool {
    (a[0] - b[0]).hypot(a[1] - b[1]) < 1e-6
}

/// The part of a polygon where `inside` is not negative.
fn clip(corners: &[[f64; 2]], inside: impl Fn(&[f64; 2]) -> f64) -> Vec<[f64; 2]> {
    let mut kept = Vec::with_capacity(corners.len() + 2);
    for (index, to) in corners.iter().enumerate() {
        let from = corners[(index + corners.len() - 1) % corners.len()];
        let (before, after) = (inside(&from), inside(to));
        if (before >= 0.0) != (after >= 0.0) {
            let share = before / (before - after);
            kept.push([0, 1].map(|axis| from[axis] + share * (to[axis] - from[axis])));
        }
        if after >= 0.0 {
            kept.push(*to);
        }
    }
    kept
}

/// As picture points, each once.
fn narrowed(points: &[[f64; 2]]) -> Vec<Point> {
    let mut kept: Vec<Point> = Vec::with_capacity(points.len());
    for [x, y] in points {
        let point = Point {
            x: x.clamp(0.0, 1.0) as f32,
            y: y.clamp(0.0, 1.0) as f32,
        };
        let far = |other: &Point| (other.x - point.x).hypot(other.y - point.y) > 1e-4;
        if kept.last().is_none_or(far) {
            kept.push(point);
        }
    }
    if kept.len() > 2
        && let (Some(first), Some(last)) = (kept.first(), kept.last())
        && (first.x - last.x).hypot(first.y - last.y) <= 1e-4
    {
        kept.pop();
    }
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lens() -> Lens {
        let view = View {
            position: [2.0, -4.0, 5.0],
            pan: 80.0_f32.to_radians(),
            tilt: 18.0_f32.to_radians(),
            field_of_view: 70.0_f32.to_radians(),
        };
        Lens::new(&view, 16.0 / 9.0)
    }

    #[test]
    fn the_axis_meets_the_middle_and_the_right_is_to_the_right() {
        let ahead = lens().ground([0.5, 0.5]).expect("ground");
        let pan = 80.0_f64.to_radians();
        let far = 5.0 / 18.0_f64.to_radians().tan();
        assert!((ahead[0] - 2.0 - far * pan.cos()).abs() < 1e-4);
        assert!((ahead[1] + 4.0 - far * pan.sin()).abs() < 1e-4);
        let right = lens()
            .project([ahead[0] + 1.0, ahead[1], 0.0])
            .expect("seen");
        assert!(right[0] > 0.5, "east is right for who looks north");
        let above = lens().project([ahead[0], ahead[1], 1.0]).expect("seen");
        assert!(above[1] < 0.5);
        assert_eq!(lens().project([2.0, -30.0, 0.0]), None);
    }

    #[test]
    fn a_polygon_that_leaves_the_picture_is_cut_at_its_edges() {
        let all = lens().polygon(&[
            [-200.0, -50.0],
            [200.0, -50.0],
            [200.0, 400.0],
            [-200.0, 400.0],
        ]);
        assert!(all.len() >= 4);
        assert!(all.iter().any(|point| point.y > 0.999));
        assert!(
            lens()
                .polygon(&[[0.0, -40.0], [1.0, -40.0], [1.0, -30.0]])
                .is_empty()
        );
        let line = lens().polyline(&[[-100.0, 8.0], [100.0, 8.0]]);
        assert!(line.len() == 2 && line[0].x < 0.001 && line[1].x > 0.999);
    }

    proptest! {
        #[test]
        fn the_ground_of_a_point_is_seen_at_that_point(x in 0.0_f64..1.0, y in 0.3_f64..1.0) {
            let [east, north] = lens().ground([x, y]).expect("below the horizon");
            let seen = lens().project([east, north, 0.0]).expect("in front");
            prop_assert!((seen[0] - x).abs() < 1e-6 && (seen[1] - y).abs() < 1e-6);
        }
    }
}
