//! What solid things rays meet: triangles under a bounding volume hierarchy (median split).

use super::vector::{V3, cross, dot, sub};

/// A triangle with texture coordinates in metres.
#[derive(Clone, Copy, Debug)]
pub(super) struct Triangle {
    pub(super) corners: [V3; 3],
    pub(super) normals: [V3; 3],
    pub(super) uv: [[f32; 2]; 3],
    /// Index of the material.
    pub(super) material: u32,
}

/// Where a ray met a triangle.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit {
    /// In lengths of the ray.
    pub(super) distance: f32,
    pub(super) triangle: u32,
    /// Weights of the second and third corner.
    pub(super) weights: [f32; 2],
}

#[derive(Clone, Copy, Debug)]
struct Node {
    low: V3,
    high: V3,
    /// First triangle of a leaf, or the index of the right child (the left one follows).
    start: u32,
    /// Triangles of a leaf; 0 for an inner node.
    count: u32,
}

/// Triangles that rays can be shot at.
#[derive(Clone, Debug, Default)]
pub(super) struct Bvh {
    nodes: Vec<Node>,
    pub(super) triangles: Vec<Triangle>,
}

const LEAF: usize = 4;

fn bounds(triangles: &[Triangle]) -> (V3, V3) {
    let (mut low, mut high) = ([f32::MAX; 3], [f32::MIN; 3]);
    for corner in triangles.iter().flat_map(|t| t.corners) {
        for axis in 0..3 {
            low[axis] = low[axis].min(corner[axis]);
            high[axis] = high[axis].max(corner[axis]);
        }
    }
    (low, high)
}

impl Bvh {
    pub(super) fn new(mut triangles: Vec<Triangle>) -> Self {
        let mut nodes = Vec::with_capacity(triangles.len());
        if !triangles.is_empty() {
            let all = triangles.len();
            split(&mut triangles, 0, all, &mut nodes);
        }
        Self { nodes, triangles }
    }

    /// The nearest triangle within `limit` lengths of the ray.
    pub(super) fn nearest(&self, from: V3, ray: V3, limit: f32) -> Option<Hit> {
        self.walk(from, ray, limit, false)
    }

    /// Whether anything stands within `limit` lengths of the ray.
    pub(super) fn blocked(&self, from: V3, ray: V3, limit: f32) -> bool {
        self.walk(from, ray, limit, true).is_some()
    }

    fn walk(&self, from: V3, ray: V3, limit: f32, any: bool) -> Option<Hit> {
        if self.nodes.is_empty() {
            return None;
        }
        let inverse = ray.map(|v| 1.0 / if v.abs() < 1e-12 { 1e-12 } else { v });
        let (mut best, mut limit) = (None, limit);
        let mut stack = [0_u32; 64];
        let mut depth = 1;
        while depth > 0 {
            depth -= 1;
            let index = stack[depth];
            let node = &self.nodes[index as usize];
            if !enters(node, from, inverse, limit) {
                continue;
            }
            if node.count == 0 {
                stack[depth] = node.start;
                stack[depth + 1] = index + 1;
                depth += 2;
                continue;
            }
            for n in node.start..node.start + node.count {
                if let Some((distance, weights)) =
                    meet(&self.triangles[n as usize].corners, from, ray, limit)
                {
                    limit = distance;
                    best = Some(Hit {
                        distance,
                        triangle: n,
                        weights,
                    });
                    if any {
                        return best;
                    }
                }
            }
        }
        best
    }
}

fn split(triangles: &mut [Triangle], from: usize, to: usize, nodes: &mut Vec<Node>) {
    let (low, high) = bounds(&triangles[from..to]);
    let own = nodes.len();
    nodes.push(Node {
        low,
        high,
        start: from as u32,
        count: (to - from) as u32,
    });
    if to - from <= LEAF {
        return;
    }
    let size = sub(high, low);
    let axis = if size[0] >= size[1] && size[0] >= size[2] {
        0
    } else if size[1] >= size[2] {
        1
    } else {
        2
    };
    let middle = (from + to) / 2;
    let key = |t: &Triangle| t.corners[0][axis] + t.corners[1][axis] + t.corners[2][axis];
    triangles[from..to].select_nth_unstable_by(middle - from, |a, b| key(a).total_cmp(&key(b)));
    split(triangles, from, middle, nodes);
    nodes[own].start = nodes.len() as u32;
    nodes[own].count = 0;
    split(triangles, middle, to, nodes);
}

fn enters(node: &Node, from: V3, inverse: V3, limit: f32) -> bool {
    let (mut near, mut far) = (0.0_f32, limit);
    for axis in 0..3 {
        let a = (node.low[axis] - from[axis]) * inverse[axis];
        let b = (node.high[axis] - from[axis]) * inverse[axis];
        near = near.max(a.min(b));
        far = far.min(a.max(b));
    }
    near <= far
}

/// Möller and Trumbore, "Fast, minimum storage ray/triangle intersection" (1997), both sides.
fn meet(corners: &[V3; 3], from: V3, ray: V3, limit: f32) -> Option<(f32, [f32; 2])> {
    let a = sub(corners[1], corners[0]);
    let b = sub(corners[2], corners[0]);
    let across = cross(ray, b);
    let volume = dot(a, across);
    if volume.abs() < 1e-14 {
        return None;
    }
    let to = sub(from, corners[0]);
    let u = dot(to, across) / volume;
    if !(0.0..=1.0).contains(&u) {
        return None;
    }
    let turned = cross(to, a);
    let v = dot(ray, turned) / volume;
    if v < 0.0 || u + v > 1.0 {
        return None;
    }
    let distance = dot(b, turned) / volume;
    (distance > 1e-4 && distance < limit).then_some((distance, [u, v]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wall_at(x: f32) -> Triangle {
        Triangle {
            corners: [[x, -1.0, -1.0], [x, 1.0, -1.0], [x, 0.0, 2.0]],
            normals: [[-1.0, 0.0, 0.0]; 3],
            uv: [[0.0; 2]; 3],
            material: x as u32,
        }
    }

    #[test]
    fn the_nearest_of_many_is_found() {
        let bvh = Bvh::new((1..40).rev().map(|n| wall_at(n as f32)).collect());
        let hit = bvh
            .nearest([0.0; 3], [2.0, 0.0, 0.0], 100.0)
            .expect("a hit");
        assert!((hit.distance - 0.5).abs() < 1e-6);
        assert_eq!(bvh.triangles[hit.triangle as usize].material, 1);
        assert!(!bvh.blocked([0.0; 3], [-1.0, 0.0, 0.0], 100.0));
        assert!(!bvh.blocked([0.0; 3], [1.0, 0.0, 0.0], 0.5));
        assert!(
            Bvh::new(Vec::new())
                .nearest([0.0; 3], [1.0, 0.0, 0.0], 9.0)
                .is_none()
        );
    }
}
