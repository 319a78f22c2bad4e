//! A mover's own shadow: its depth as seen along the light.

use super::light::Lighting;
use super::shape::Shape;
use super::vector::{V3, along, dot, sub, tangents};

/// Cells per side.
const SIDE: usize = 160;
/// Cells per side of a block.
const BLOCK: usize = 16;
/// Blocks per side.
const BLOCKS: usize = SIDE / BLOCK;
/// How far a soft edge is looked for at most, cells: less than a block.
const SPREAD_MOST: f32 = 14.0;

/// What one mover hides from one far light.
pub(super) struct ShadowMap {
    pub(super) way: V3,
    u: V3,
    v: V3,
    middle: V3,
    pub(super) radius: f32,
    /// Greatest height towards the light in each cell.
    heights: Vec<f32>,
    /// Greatest of all in each block and those around it.
    highest: Vec<f32>,
    softness: f32,
}

impl ShadowMap {
    pub(super) fn new(
        shape: &Shape<'_>,
        way: V3,
        middle: V3,
        radius: f32,
        light: &Lighting,
    ) -> Self {
        let (u, v) = tangents(way);
        let mut map = Self {
            way,
            u,
            v,
            middle,
            radius: radius * 1.02,
            heights: vec![f32::MIN; SIDE * SIDE],
            highest: vec![f32::MIN; BLOCKS * BLOCKS],
            softness: if light.lamps.is_empty() {
                light.softness
            } else {
                light.softness.max(0.06)
            },
        };
        let corners: Vec<[f32; 3]> = shape.points.iter().map(|p| map.coordinates(*p)).collect();
        for triangle in shape.triangles {
            let [a, b, c] = triangle.map(|n| corners[n as usize]);
            map.draw(a, b, c);
        }
        map.sum_up();
        map
    }

    fn sum_up(&mut self) {
        let mut own = [f32::MIN; BLOCKS * BLOCKS];
        for (cell, height) in self.heights.iter().enumerate() {
            let block = &mut own[cell / SIDE / BLOCK * BLOCKS + cell % SIDE / BLOCK];
            *block = block.max(*height);
        }
        for (block, highest) in own.into_iter().enumerate() {
            let (column, row) = (block % BLOCKS, block / BLOCKS);
            for row in row.saturating_sub(1)..(row + 2).min(BLOCKS) {
                for column in column.saturating_sub(1)..(column + 2).min(BLOCKS) {
                    let around = &mut self.highest[row * BLOCKS + column];
                    *around = around.max(highest);
                }
            }
        }
    }

    fn cells_per_metre(&self) -> f32 {
        SIDE as f32 / (2.0 * self.radius)
    }

    /// Whether nothing within a block's width of a cell is higher.
    fn is_above_all(&self, x: f32, y: f32, height: f32) -> bool {
        let block = |v: f32| (v / BLOCK as f32).clamp(0.0, BLOCKS as f32 - 1.0) as usize;
        self.highest[block(y) * BLOCKS + block(x)] <= height
    }

    /// Column, row and height (metres towards the light).
    fn coordinates(&self, p: V3) -> [f32; 3] {
        let offset = sub(p, self.middle);
        let per = self.cells_per_metre();
        [
            (dot(offset, self.u) + self.radius) * per,
            (dot(offset, self.v) + self.radius) * per,
            dot(offset, self.way),
        ]
    }

    fn draw(&mut self, a: [f32; 3], b: [f32; 3], c: [f32; 3]) {
        let whole = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
        if whole.abs() < 1e-9 {
            return;
        }
        let span = |v: [f32; 3]| {
            let low = v[0].min(v[1]).min(v[2]).floor().max(0.0) as usize;
            let high = (v[0].max(v[1]).max(v[2]).ceil()).clamp(0.0, SIDE as f32) as usize;
            low..high
        };
        for row in span([a[1], b[1], c[1]]) {
            for column in span([a[0], b[0], c[0]]) {
                let (x, y) = (column as f32 + 0.5, row as f32 + 0.5);
                let v = ((x - a[0]) * (c[1] - a[1]) - (y - a[1]) * (c[0] - a[0])) / whole;
                let w = ((b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0])) / whole;
                if v < -0.02 || w < -0.02 || v + w > 1.02 {
                    continue;
                }
                let height = a[2] + (b[2] - a[2]) * v + (c[2] - a[2]) * w;
                let cell = &mut self.heights[row * SIDE + column];
                *cell = cell.max(height);
            }
        }
    }

    /// How much of the light the mover hides from one of its own places, 0 to 1.
    pub(super) fn hidden(&self, p: V3, normal: V3) -> f32 {
        let [x, y, height] = self.coordinates(along(p, normal, 0.018));
        self.around(x, y, height + 0.02, 1.0)
    }

    /// How much of the light the mover hides from a place elsewhere, 0 to 1.
    pub(super) fn cast(&self, p: V3) -> f32 {
        let [x, y, height] = self.coordinates(p);
        if x < -8.0 || y < -8.0 || x > SIDE as f32 + 8.0 || y > SIDE as f32 + 8.0 {
            return 0.0;
        }
        let below = (-height).max(0.0);
        let spread = (self.edge(below) * self.cells_per_metre()).max(0.7);
        let faded = 1.0 / (1.0 + self.softness * below * 0.6);
        self.around(x, y, height + 0.03, spread) * faded
    }

    fn around(&self, x: f32, y: f32, height: f32, spread: f32) -> f32 {
        if self.is_above_all(x, y, height) {
            return 0.0;
        }
        // Wide edges need more places to be smooth.
        let reach = if spread > 2.5 { 2 } else { 1 };
        let step = spread / reach as f32;
        let mut hidden = 0;
        for dy in -reach..=reach {
            let row = (y + dy as f32 * step) as i32;
            if row < 0 || row >= SIDE as i32 {
                continue;
            }
            for dx in -reach..=reach {
                let column = (x + dx as f32 * step) as i32;
                if column >= 0
                    && column < SIDE as i32
                    && self.heights[row as usize * SIDE + column as usize] > height
                {
                    hidden += 1;
                }
            }
        }
        let count = (2 * reach + 1) * (2 * reach + 1);
        hidden as f32 / count as f32
    }

    /// How wide the shadow's edge is so far away from what casts it, metres.
    pub(super) fn edge(&self, far: f32) -> f32 {
        (self.softness * far).min(SPREAD_MOST / self.cells_per_metre())
    }

    /// How far the shadow of a place leads, metres: to the ground, within reason.
    pub(super) fn reach(&self, place: V3) -> f32 {
        (place[2].max(0.0) / self.way[2].max(0.06)).min(25.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A few high cells; nothing else.
    fn map(high: &[(usize, usize, f32)]) -> ShadowMap {
        let mut map = ShadowMap {
            way: [0.0, 0.0, 1.0],
            u: [1.0, 0.0, 0.0],
            v: [0.0, 1.0, 0.0],
            middle: [0.0; 3],
            radius: 1.0,
            heights: vec![f32::MIN; SIDE * SIDE],
            highest: vec![f32::MIN; BLOCKS * BLOCKS],
            softness: 0.5,
        };
        for (column, row, height) in high {
            map.heights[row * SIDE + column] = *height;
        }
        map.sum_up();
        map
    }

    #[test]
    fn what_is_said_to_be_above_all_has_nothing_higher_within_a_soft_edge() {
        let high = [(0, 0, 1.0), (17, 90, 0.4), (79, 80, 2.0), (159, 159, 0.1)];
        let map = map(&high);
        for (x, y) in (-8..168).flat_map(|x| (-8..168).map(move |y| (x, y))) {
            for height in [-0.5, 0.2, 1.5, 2.0] {
                let near = high.iter().any(|(column, row, other)| {
                    let far = |cell: usize, at: i32| (cell as i32 - at).unsigned_abs() as f32;
                    far(*column, x) <= SPREAD_MOST && far(*row, y) <= SPREAD_MOST && *other > height
                });
                let above = map.is_above_all(x as f32, y as f32, height);
                assert!(!(above && near), "{x} {y} {height}");
            }
        }
        assert!(map.is_above_all(60.0, 10.0, 0.0), "far from all of them");
        assert!(map.around(79.5, 80.5, 1.0, 0.7) > 0.0);
    }

    #[test]
    fn an_edge_grows_with_the_distance_and_has_an_end() {
        let map = map(&[]);
        assert!(map.edge(0.1) < map.edge(0.2));
        assert!((map.edge(5.0) - map.edge(25.0)).abs() < 1e-6);
        assert!(map.edge(25.0) < 0.2, "metres of a mover one metre around");
    }
}
