//! Solids as distance fields: negative inside, about the distance in metres outside.

use super::super::vector::{V3, along, dot, length, sub};

#[derive(Clone, Debug)]
pub(in super::super) enum Shape {
    /// A tapered tube from one end to the other; radii are evenly spaced along it, `flat` scales
    /// its thickness along x.
    Tube {
        from: V3,
        to: V3,
        radii: Vec<f32>,
        flat: f32,
    },
    /// An ellipsoid.
    Egg { center: V3, radii: V3 },
    /// A box with round edges.
    Block { center: V3, half: V3, round: f32 },
    /// Ellipses stacked along z: height, middle (x), radius along x, radius along y.
    Trunk { slices: Vec<[f32; 4]> },
}

impl Shape {
    pub(in super::super) fn distance(&self, p: V3) -> f32 {
        match self {
            Self::Tube {
                from,
                to,
                radii,
                flat,
            } => tube(p, *from, *to, radii, *flat),
            Self::Egg { center, radii } => egg(sub(p, *center), *radii),
            Self::Block {
                center,
                half,
                round,
            } => {
                let q = sub(p, *center);
                let out = [0, 1, 2].map(|n| q[n].abs() - half[n] + round);
                length(out.map(|v| v.max(0.0))) + out[0].max(out[1]).max(out[2]).min(0.0) - round
            }
            Self::Trunk { slices } => trunk(p, slices),
        }
    }
}

fn tube(p: V3, from: V3, to: V3, radii: &[f32], flat: f32) -> f32 {
    let (way, offset) = (sub(to, from), sub(p, from));
    let t = (dot(offset, way) / dot(way, way)).clamp(0.0, 1.0);
    let at = t * (radii.len() - 1) as f32;
    let low = (at as usize).min(radii.len() - 2);
    let share = at - low as f32;
    let radius = radii[low] + (radii[low + 1] - radii[low]) * share;
    let mut away = sub(p, along(from, way, t));
    away[0] /= flat;
    length(away) - radius
}

/// Quílez' bound of the distance to an ellipsoid.
fn egg(q: V3, radii: V3) -> f32 {
    let near = length([0, 1, 2].map(|n| q[n] / radii[n]));
    let steep = length([0, 1, 2].map(|n| q[n] / (radii[n] * radii[n])));
    if steep < 1e-6 {
        -radii[0].min(radii[1]).min(radii[2])
    } else {
        near * (near - 1.0) / steep
    }
}

fn trunk(p: V3, slices: &[[f32; 4]]) -> f32 {
    let z = p[2].clamp(slices[0][0], slices[slices.len() - 1][0]);
    let above = slices
        .iter()
        .position(|slice| slice[0] >= z)
        .unwrap_or(slices.len() - 1)
        .max(1);
    let (a, b) = (slices[above - 1], slices[above]);
    let t =
        super::super::vector::smooth_step(a[0], b[0], z) * 0.5 + (z - a[0]) / (b[0] - a[0]) * 0.5;
    let at = |n: usize| a[n] + (b[n] - a[n]) * t;
    let (rx, ry) = (at(2), at(3));
    let (x, y) = (p[0] - at(1), p[1]);
    let near = (x * x / (rx * rx) + y * y / (ry * ry)).sqrt();
    let steep = (x * x / rx.powi(4) + y * y / ry.powi(4)).sqrt();
    let side = if steep < 1e-6 {
        -rx.min(ry)
    } else {
        near * (near - 1.0) / steep
    };
    let beyond = (p[2] - z).abs();
    if beyond > 0.0 {
        side.max(0.0).hypot(beyond)
    } else {
        side
    }
}

/// The smaller of two distances, rounded where they are within `width` of each other.
pub(in super::super) fn blend(a: f32, b: f32, width: f32) -> f32 {
    let near = (width - (a - b).abs()).max(0.0) / width;
    a.min(b) - near * near * width * 0.25
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_right_where_they_are_known() {
        let egg = Shape::Egg {
            center: [1.0, 0.0, 0.0],
            radii: [0.5; 3],
        };
        assert!((egg.distance([3.0, 0.0, 0.0]) - 1.5).abs() < 1e-5);
        let tube = Shape::Tube {
            from: [0.0; 3],
            to: [0.0, 0.0, 1.0],
            radii: vec![0.1, 0.2],
            flat: 1.0,
        };
        assert!((tube.distance([1.0, 0.0, 0.5]) - 0.85).abs() < 1e-5);
        let trunk = Shape::Trunk {
            slices: vec![[0.0, 0.0, 0.2, 0.3], [1.0, 0.0, 0.2, 0.3]],
        };
        assert!(trunk.distance([0.0, 0.0, 0.5]) < 0.0);
        assert!((trunk.distance([0.2, 0.0, 0.5])).abs() < 1e-4);
        assert!((trunk.distance([0.0, 0.0, 1.5]) - 0.5).abs() < 1e-4);
    }
}
