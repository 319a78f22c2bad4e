//! Vectors and rotations on plain arrays.

/// Three numbers: a place, a direction or a linear-light colour.
pub(super) type V3 = [f32; 3];
/// A rotation by rows.
pub(super) type M3 = [[f32; 3]; 3];

pub(super) const UP: V3 = [0.0, 0.0, 1.0];
pub(super) const IDENTITY: M3 = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

pub(super) fn add(a: V3, b: V3) -> V3 {
    [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
}

pub(super) fn sub(a: V3, b: V3) -> V3 {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

pub(super) fn mul(a: V3, b: V3) -> V3 {
    [a[0] * b[0], a[1] * b[1], a[2] * b[2]]
}

pub(super) fn scale(a: V3, by: f32) -> V3 {
    [a[0] * by, a[1] * by, a[2] * by]
}

/// `a + b * by`.
pub(super) fn along(a: V3, b: V3, by: f32) -> V3 {
    [a[0] + b[0] * by, a[1] + b[1] * by, a[2] + b[2] * by]
}

pub(super) fn mix(a: V3, b: V3, t: f32) -> V3 {
    [
        a[0] + (b[0] - a[0]) * t,
        a[1] + (b[1] - a[1]) * t,
        a[2] + (b[2] - a[2]) * t,
    ]
}

pub(super) fn dot(a: V3, b: V3) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

pub(super) fn cross(a: V3, b: V3) -> V3 {
    [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
}

pub(super) fn length(a: V3) -> f32 {
    dot(a, a).sqrt()
}

/// The direction of `a`; straight up when it has none.
pub(super) fn unit(a: V3) -> V3 {
    let long = length(a);
    if long > 1e-12 {
        scale(a, 1.0 / long)
    } else {
        UP
    }
}

/// Any two directions that are square to `n` and to each other.
pub(super) fn tangents(n: V3) -> (V3, V3) {
    let side = if n[2].abs() < 0.9 {
        UP
    } else {
        [1.0, 0.0, 0.0]
    };
    let u = unit(cross(side, n));
    (u, cross(n, u))
}

/// Rec. 709 luminance of a linear colour.
pub(super) fn luminance(c: V3) -> f32 {
    0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2]
}

pub(super) fn rotate_x(angle: f32) -> M3 {
    let (s, c) = angle.sin_cos();
    [[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]]
}

pub(super) fn rotate_y(angle: f32) -> M3 {
    let (s, c) = angle.sin_cos();
    [[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]]
}

pub(super) fn rotate_z(angle: f32) -> M3 {
    let (s, c) = angle.sin_cos();
    [[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]
}

pub(super) fn turn(m: &M3, v: V3) -> V3 {
    [dot(m[0], v), dot(m[1], v), dot(m[2], v)]
}

/// `a` after `b`.
pub(super) fn after(a: &M3, b: &M3) -> M3 {
    let mut product = [[0.0; 3]; 3];
    for (row, out) in a.iter().zip(&mut product) {
        for (column, value) in out.iter_mut().enumerate() {
            *value = row[0] * b[0][column] + row[1] * b[1][column] + row[2] * b[2][column];
        }
    }
    product
}

/// 0 below `from`, 1 above `to`, smooth between (also for `from > to`).
pub(super) fn smooth_step(from: f32, to: f32, x: f32) -> f32 {
    let t = ((x - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}
