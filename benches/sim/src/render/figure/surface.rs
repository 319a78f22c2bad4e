//! A distance field's surface as a mesh: naive surface nets (Gibson, "Constrained elastic surface
//! nets", 1998): one vertex per cell that the surface crosses, one quad per edge.

use super::super::vector::{V3, along, unit};

/// A mesh with smooth normals.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Mesh {
    pub(in super::super) points: Vec<V3>,
    pub(in super::super) normals: Vec<V3>,
    /// Corners of each triangle, counter-clockwise seen from outside.
    pub(in super::super) triangles: Vec<[u32; 3]>,
}

/// Cells per side of the blocks that are skipped together when nothing is near.
const BLOCK: usize = 4;

struct Grid<'a> {
    low: V3,
    cell: f32,
    counts: [usize; 3],
    values: Vec<f32>,
    field: &'a dyn Fn(V3) -> f32,
}

impl Grid<'_> {
    fn index(&self, at: [usize; 3]) -> usize {
        (at[2] * self.counts[1] + at[1]) * self.counts[0] + at[0]
    }

    fn point(&self, at: [usize; 3]) -> V3 {
        [0, 1, 2].map(|n| self.low[n] + at[n] as f32 * self.cell)
    }

    /// Samples the field where the surface may be; elsewhere a block's middle stands for all.
    fn fill(&mut self) {
        let half = BLOCK as f32 * self.cell * 0.5;
        let reach = half * 1.7321 + self.cell * 2.0;
        for z in (0..self.counts[2]).step_by(BLOCK) {
            for y in (0..self.counts[1]).step_by(BLOCK) {
                for x in (0..self.counts[0]).step_by(BLOCK) {
                    let middle = self.point([x, y, z]).map(|v| v + half);
                    let there = (self.field)(middle);
                    let far = there.abs() > reach * 1.3;
                    for at in block([x, y, z], self.counts) {
                        let index = self.index(at);
                        self.values[index] = if far {
                            there
                        } else {
                            (self.field)(self.point(at))
                        };
                    }
                }
            }
        }
    }
}

fn block(from: [usize; 3], counts: [usize; 3]) -> impl Iterator<Item = [usize; 3]> {
    let to = [0, 1, 2].map(|n| (from[n] + BLOCK).min(counts[n]));
    (from[2]..to[2]).flat_map(move |z| {
        (from[1]..to[1]).flat_map(move |y| (from[0]..to[0]).map(move |x| [x, y, z]))
    })
}

/// The surface of `field` within a box, with cells of `cell` metres.
pub(in super::super) fn mesh(low: V3, high: V3, cell: f32, field: &dyn Fn(V3) -> f32) -> Mesh {
    let counts = [0, 1, 2].map(|n| ((high[n] - low[n]) / cell).ceil() as usize + 1);
    let mut grid = Grid {
        low,
        cell,
        counts,
        values: vec![1.0; counts[0] * counts[1] * counts[2]],
        field,
    };
    grid.fill();
    let mut mesh = Mesh::default();
    let mut vertex = vec![u32::MAX; grid.values.len()];
    for z in 0..counts[2] - 1 {
        for y in 0..counts[1] - 1 {
            for x in 0..counts[0] - 1 {
                if let Some(point) = crossing(&grid, [x, y, z]) {
                    vertex[grid.index([x, y, z])] = mesh.points.len() as u32;
                    mesh.points.push(point);
                }
            }
        }
    }
    connect(&grid, &vertex, &mut mesh);
    mesh.normals = mesh
        .points
        .iter()
        .map(|p| gradient(field, *p, cell * 0.5))
        .collect();
    mesh
}

/// The direction in which the field grows.
pub(in super::super) fn gradient(field: &dyn Fn(V3) -> f32, p: V3, step: f32) -> V3 {
    unit([0, 1, 2].map(|n| {
        let mut axis = [0.0; 3];
        axis[n] = 1.0;
        field(along(p, axis, step)) - field(along(p, axis, -step))
    }))
}

/// The middle of the places where the surface crosses a cell's edges.
fn crossing(grid: &Grid<'_>, at: [usize; 3]) -> Option<V3> {
    let corner = |n: usize| [at[0] + (n & 1), at[1] + (n >> 1 & 1), at[2] + (n >> 2)];
    let values: [f32; 8] = std::array::from_fn(|n| grid.values[grid.index(corner(n))]);
    let inside = values.iter().filter(|v| **v < 0.0).count();
    if inside == 0 || inside == 8 {
        return None;
    }
    let (mut sum, mut count) = ([0.0_f32; 3], 0.0_f32);
    for a in 0..8_usize {
        for axis in 0..3 {
            let b = a | (1 << axis);
            if b == a || (values[a] < 0.0) == (values[b] < 0.0) {
                continue;
            }
            let t = values[a] / (values[a] - values[b]);
            for (n, sum) in sum.iter_mut().enumerate() {
                *sum += (a >> n & 1) as f32 + if n == axis { t } else { 0.0 };
            }
            count += 1.0;
        }
    }
    let low = grid.point(at);
    Some([0, 1, 2].map(|n| low[n] + sum[n] / count * grid.cell))
}

fn connect(grid: &Grid<'_>, vertex: &[u32], mesh: &mut Mesh) {
    for z in 1..grid.counts[2] - 1 {
        for y in 1..grid.counts[1] - 1 {
            for x in 1..grid.counts[0] - 1 {
                let here = grid.values[grid.index([x, y, z])] < 0.0;
                for axis in 0..3 {
                    let mut next = [x, y, z];
                    next[axis] += 1;
                    if here == (grid.values[grid.index(next)] < 0.0) {
                        continue;
                    }
                    let (u, v) = ((axis + 1) % 3, (axis + 2) % 3);
                    let around = [(1, 1), (0, 1), (0, 0), (1, 0)].map(|(du, dv)| {
                        let mut cell = [x, y, z];
                        cell[u] -= du;
                        cell[v] -= dv;
                        vertex[grid.index(cell)]
                    });
                    if around.contains(&u32::MAX) {
                        continue;
                    }
                    let [a, b, c, d] = around;
                    if here {
                        mesh.triangles.extend([[a, b, c], [a, c, d]]);
                    } else {
                        mesh.triangles.extend([[a, c, b], [a, d, c]]);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::vector::{cross, dot, length, sub};
    use super::*;

    #[test]
    fn a_ball_becomes_a_closed_mesh_that_faces_outwards() {
        let ball = |p: V3| length(p) - 0.5;
        let mesh = mesh([-0.7; 3], [0.7; 3], 0.1, &ball);
        assert!(mesh.triangles.len() > 200);
        let mut volume = 0.0;
        for corners in &mesh.triangles {
            let [a, b, c] = corners.map(|n| mesh.points[n as usize]);
            let out = cross(sub(b, a), sub(c, a));
            assert!(dot(out, a) >= 0.0);
            volume += dot(a, cross(b, c)) / 6.0;
        }
        let whole = 4.0 / 3.0 * std::f32::consts::PI * 0.125;
        assert!((volume / whole - 1.0).abs() < 0.06, "{volume}");
        assert!(mesh.points.iter().all(|p| (length(*p) - 0.5).abs() < 0.05));
    }
}
