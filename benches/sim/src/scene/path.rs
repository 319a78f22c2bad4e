//! A way over the ground: a polyline with rounded corners, walked at one speed.

/// Points a rounded corner is made of.
const CORNER_POINTS: usize = 8;
/// Headings look this far back and ahead, metres: no one turns on the spot while walking.
const LOOK_METRES: f64 = 0.2;

/// A way with its length.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Path {
    points: Vec<[f64; 2]>,
    /// Metres from the start to each point.
    reached: Vec<f64>,
}

impl Path {
    /// Through `corners`, each rounded with at most `radius` metres.
    pub(super) fn new(corners: &[[f64; 2]], radius: f64) -> Self {
        let mut points = Vec::with_capacity(corners.len() * CORNER_POINTS);
        for (index, corner) in corners.iter().enumerate() {
            let (Some(before), Some(after)) = (
                index.checked_sub(1).and_then(|n| corners.get(n)),
                corners.get(index + 1),
            ) else {
                points.push(*corner);
                continue;
            };
            // Half of the shorter side at most, so that neighbouring corners do not meet.
            let room = radius
                .min(distance(*before, *corner) / 2.0)
                .min(distance(*after, *corner) / 2.0);
            let (from, to) = (
                toward(*corner, *before, room),
                toward(*corner, *after, room),
            );
            for step in 0..=CORNER_POINTS {
                let share = step as f64 / CORNER_POINTS as f64;
                // Quadratic Bézier with the corner as its handle.
                let rest = 1.0 - share;
                points.push([0, 1].map(|axis| {
                    rest * rest * from[axis]
                        + 2.0 * rest * share * corner[axis]
                        + share * share * to[axis]
                }));
            }
        }
        points.dedup_by(|a, b| distance(*a, *b) < 1e-9);
        let mut length = 0.0;
        let mut reached = Vec::with_capacity(points.len());
        for (index, point) in points.iter().enumerate() {
            if index > 0 {
                length += distance(points[index - 1], *point);
            }
            reached.push(length);
        }
        Self { points, reached }
    }

    /// Metres.
    pub(super) fn length(&self) -> f64 {
        self.reached.last().copied().unwrap_or(0.0)
    }

    /// Where one is after so many metres.
    pub(super) fn at(&self, metres: f64) -> [f64; 2] {
        let after = self.reached.partition_point(|reached| *reached <= metres);
        let (Some(from), Some(to)) = (
            after.checked_sub(1).and_then(|n| self.points.get(n)),
            self.points.get(after),
        ) else {
            let end = if metres <= 0.0 {
                self.points.first()
            } else {
                self.points.last()
            };
            return end.copied().unwrap_or_default();
        };
        let (begun, done) = (self.reached[after - 1], self.reached[after]);
        let share = (metres - begun) / (done - begun).max(1e-12);
        [0, 1].map(|axis| from[axis] + share * (to[axis] - from[axis]))
    }

    /// Which way one faces after so many metres: radians counter-clockwise from +x.
    pub(super) fn heading(&self, metres: f64) -> f64 {
        let (from, to) = (
            self.at((metres - LOOK_METRES).max(0.0)),
            self.at((metres + LOOK_METRES).min(self.length())),
        );
        (to[1] - from[1]).atan2(to[0] - from[0])
    }
}

/// Metres between two places of the ground.
pub(super) fn distance(a: [f64; 2], b: [f64; 2]) -> f64 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

/// `metres` from `from` in the direction of `to`.
pub(super) fn toward(from: [f64; 2], to: [f64; 2], metres: f64) -> [f64; 2] {
    let length = distance(from, to).max(1e-12);
    [0, 1].map(|axis| from[axis] + (to[axis] - from[axis]) * metres / length)
}

/// The turn from one heading to another, -π..=π.
pub(super) fn turn(from: f64, to: f64) -> f64 {
    let turn = (to - from).rem_euclid(std::f64::consts::TAU);
    if turn > std::f64::consts::PI {
        turn - std::f64::consts::TAU
    } else {
        turn
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_way_goes_on_without_jumps_and_turns_smoothly(
            corners in prop::collection::vec(prop::array::uniform2(-20.0_f64..20.0), 2..6),
        ) {
            let far = corners.windows(2).all(|pair| distance(pair[0], pair[1]) > 1.0);
            prop_assume!(far);
            let path = Path::new(&corners, 0.8);
            prop_assert!(distance(path.at(0.0), corners[0]) < 1e-9);
            prop_assert!(distance(path.at(path.length()), corners[corners.len() - 1]) < 1e-9);
            let steps = (path.length() / 0.05) as usize;
            for step in 0..steps {
                let metres = step as f64 * 0.05;
                let (here, there) = (path.at(metres), path.at(metres + 0.05));
                prop_assert!(distance(here, there) <= 0.05 + 1e-9);
            }
        }
    }

    #[test]
    fn a_right_angle_is_turned_over_more_than_half_a_metre() {
        let path = Path::new(&[[0.0, 0.0], [10.0, 0.0], [10.0, 10.0]], 0.8);
        let turned = |metres: f64| path.heading(metres).to_degrees();
        assert!(turned(5.0).abs() < 1e-6 && (turned(path.length() - 3.0) - 90.0).abs() < 1e-6);
        let mut before = turned(0.0);
        for step in 0..400 {
            let now = turned(f64::from(step) * 0.05);
            assert!(now - before < 12.0, "{before} to {now} within 5 cm");
            before = now;
        }
        assert!((turn(3.0, -3.0) - 0.283).abs() < 1e-3);
    }
}
