//! Triangles into samples: four per pixel, nearest wins.

use super::vector::V3;

/// A corner in the picture: x, y in pixels, depth along the axis.
pub(super) type Corner = [f32; 3];

/// One pixel of a moving thing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Splat {
    /// Colour times visible cover.
    pub(super) colour: V3,
    /// Share of the pixel that it covers and nothing solid hides.
    pub(super) cover: f32,
    /// Share that it would cover with nothing in the way.
    pub(super) whole: f32,
    /// Of what is visible.
    pub(super) depth: f32,
}

/// A moving thing in the picture, before others hide it.
#[derive(Clone, Debug, Default)]
pub(super) struct Cutout {
    /// May lie outside the picture.
    pub(super) left: i32,
    pub(super) top: i32,
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) splats: Vec<Splat>,
    /// Smallest box around all corners, pixels: left, top, right, bottom.
    pub(super) bounds: [f32; 4],
    /// Some of it is behind the camera or far outside the picture.
    pub(super) cut: bool,
}

const NONE: u32 = u32::MAX;

/// Draws triangles. `still` gives the depth of what stands at a pixel of the picture, and nothing
/// outside it. Corners nearer than `near` are left out with their triangles.
pub(super) fn cut_out(
    corners: &[Corner],
    colours: &[V3],
    triangles: &[[u32; 3]],
    size: [i32; 2],
    near: f32,
    still: impl Fn(i32, i32) -> Option<f32>,
) -> Option<Cutout> {
    let (mut bounds, mut cut) = ([f32::MAX, f32::MAX, f32::MIN, f32::MIN], false);
    for [x, y, depth] in corners {
        if *depth < near {
            cut = true;
            continue;
        }
        bounds = [
            bounds[0].min(*x),
            bounds[1].min(*y),
            bounds[2].max(*x),
            bounds[3].max(*y),
        ];
    }
    if bounds[0] > bounds[2] {
        return None;
    }
    // Half a picture more on every side is enough to count what is cut off, and keeps somebody
    // right before the lens from filling the memory.
    let clip = |v: f32, side: i32| (v as i32).clamp(-side / 2, side + side / 2);
    let (left, top) = (
        clip(bounds[0].floor(), size[0]),
        clip(bounds[1].floor(), size[1]),
    );
    let (right, bottom) = (
        clip(bounds[2].floor(), size[0]) + 1,
        clip(bounds[3].floor(), size[1]) + 1,
    );
    let (width, height) = ((right - left) as usize, (bottom - top) as usize);
    let mut samples = Samples::new(left, top, width, height);
    for (n, triangle) in triangles.iter().enumerate() {
        let [a, b, c] = triangle.map(|corner| corners[corner as usize]);
        if a[2] >= near && b[2] >= near && c[2] >= near {
            samples.draw(n as u32, a, b, c);
        }
    }
    let splats = samples.resolve(corners, colours, triangles, still);
    Some(Cutout {
        left,
        top,
        width,
        height,
        splats,
        bounds,
        cut,
    })
}

struct Samples {
    left: i32,
    top: i32,
    width: usize,
    height: usize,
    depths: Vec<f32>,
    owners: Vec<u32>,
}

fn area(a: Corner, b: Corner, x: f32, y: f32) -> f32 {
    (b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0])
}

impl Samples {
    fn new(left: i32, top: i32, width: usize, height: usize) -> Self {
        let count = width * height * 4;
        Self {
            left,
            top,
            width,
            height,
            depths: vec![f32::INFINITY; count],
            owners: vec![NONE; count],
        }
    }

    /// Where a sample is in the picture.
    fn spot(&self, column: usize, row: usize) -> (f32, f32) {
        // Rotated so that near-upright and near-level edges get four steps.
        let (odd_x, odd_y) = ((column & 1) as f32, (row & 1) as f32);
        (
            self.left as f32 + column as f32 * 0.5 + 0.25 + (odd_y - 0.5) * 0.25,
            self.top as f32 + row as f32 * 0.5 + 0.25 - (odd_x - 0.5) * 0.25,
        )
    }

    fn draw(&mut self, owner: u32, a: Corner, b: Corner, c: Corner) {
        let whole = area(a, b, c[0], c[1]);
        if whole.abs() < 1e-9 {
            return;
        }
        let span = |v: [f32; 3], from: i32, most: usize| {
            let low = v[0].min(v[1]).min(v[2]) - from as f32;
            let high = v[0].max(v[1]).max(v[2]) - from as f32;
            let first = ((low * 2.0).floor() - 1.0).max(0.0) as usize;
            let last = ((high * 2.0).floor() + 2.0).clamp(0.0, most as f32 * 2.0) as usize;
            first..last
        };
        let columns = span([a[0], b[0], c[0]], self.left, self.width);
        for row in span([a[1], b[1], c[1]], self.top, self.height) {
            for column in columns.clone() {
                let (x, y) = self.spot(column, row);
                let u = area(b, c, x, y) / whole;
                let v = area(c, a, x, y) / whole;
                let w = 1.0 - u - v;
                if u < 0.0 || v < 0.0 || w < 0.0 {
                    continue;
                }
                let depth = a[2] * u + b[2] * v + c[2] * w;
                let index = row * self.width * 2 + column;
                if depth < self.depths[index] {
                    self.depths[index] = depth;
                    self.owners[index] = owner;
                }
            }
        }
    }

    fn resolve(
        &self,
        corners: &[Corner],
        colours: &[V3],
        triangles: &[[u32; 3]],
        still: impl Fn(i32, i32) -> Option<f32>,
    ) -> Vec<Splat> {
        let mut splats = vec![Splat::default(); self.width * self.height];
        for (n, splat) in splats.iter_mut().enumerate() {
            let (px, py) = (n % self.width, n / self.width);
            let behind = still(self.left + px as i32, self.top + py as i32);
            let mut seen = 0.0;
            for part in 0..4 {
                let (column, row) = (px * 2 + part % 2, py * 2 + part / 2);
                let index = row * self.width * 2 + column;
                let owner = self.owners[index];
                if owner == NONE {
                    continue;
                }
                splat.whole += 0.25;
                let depth = self.depths[index];
                if behind.is_none_or(|still| depth > still) {
                    continue;
                }
                let triangle = triangles[owner as usize];
                let [a, b, c] = triangle.map(|corner| corners[corner as usize]);
                let whole = area(a, b, c[0], c[1]);
                let (x, y) = self.spot(column, row);
                let u = area(b, c, x, y) / whole;
                let v = area(c, a, x, y) / whole;
                let weights = [u, v, 1.0 - u - v];
                for (corner, weight) in triangle.into_iter().zip(weights) {
                    for (sum, value) in splat.colour.iter_mut().zip(colours[corner as usize]) {
                        *sum += value * weight * 0.25;
                    }
                }
                splat.depth += depth;
                seen += 1.0;
            }
            splat.cover = seen * 0.25;
            if seen > 0.0 {
                splat.depth /= seen;
            }
        }
        splats
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_square_covers_its_area_and_the_nearer_one_wins() {
        let corners = [
            [2.0, 2.0, 5.0],
            [10.0, 2.0, 5.0],
            [10.0, 10.0, 5.0],
            [2.0, 10.0, 5.0],
        ];
        let triangles = [[0, 1, 2], [0, 2, 3]];
        let colours = [[1.0; 3]; 4];
        let still = |x: i32, _: i32| Some(if x < 6 { 4.0 } else { 9.0 });
        let cutout =
            cut_out(&corners, &colours, &triangles, [32, 32], 0.1, still).expect("in front");
        let whole: f32 = cutout.splats.iter().map(|s| s.whole).sum();
        let seen: f32 = cutout.splats.iter().map(|s| s.cover).sum();
        assert!((whole - 64.0).abs() < 1.0, "{whole}");
        assert!((seen - 32.0).abs() < 1.0, "{seen}");
        assert_eq!(cutout.bounds, [2.0, 2.0, 10.0, 10.0]);
    }
}
