//! Triangles for simple shapes.

use super::super::bvh::Triangle;
use super::super::light::Lamp;
use super::super::material::{Finish, Material};
use super::super::noise::hash_pair;
use super::super::vector::{V3, add, along, cross, length, scale, sub, tangents, unit};
use super::see_through::{Crown, Panel};

/// Collects what stands.
pub(super) struct Builder {
    pub(super) triangles: Vec<Triangle>,
    pub(super) materials: Vec<Material>,
    pub(super) panels: Vec<Panel>,
    pub(super) crowns: Vec<Crown>,
    pub(super) lamps: Vec<Lamp>,
    /// Differs for each structure.
    pub(super) lot: u32,
    seed: u32,
}

/// Axes of a thing that stands somewhere and faces somewhere.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    pub(super) origin: V3,
    pub(super) x: V3,
    pub(super) y: V3,
}

impl Frame {
    pub(super) fn new(at: [f32; 2], heading: f32) -> Self {
        let (s, c) = heading.sin_cos();
        Self {
            origin: [at[0], at[1], 0.0],
            x: [c, s, 0.0],
            y: [-s, c, 0.0],
        }
    }

    pub(super) fn at(&self, p: V3) -> V3 {
        let flat = along(along(self.origin, self.x, p[0]), self.y, p[1]);
        [flat[0], flat[1], flat[2] + p[2]]
    }
}

impl Builder {
    pub(super) fn new(seed: u32) -> Self {
        Self {
            triangles: Vec::new(),
            materials: Vec::new(),
            panels: Vec::new(),
            crowns: Vec::new(),
            lamps: Vec::new(),
            lot: seed,
            seed,
        }
    }

    /// The next structure gets its own lot.
    pub(super) fn start(&mut self, number: u32) {
        self.lot = hash_pair(self.seed, number);
    }

    pub(super) fn material(&mut self, finish: Finish, tint: V3, size: [f32; 2]) -> u32 {
        self.materials.push(Material {
            finish,
            tint,
            size,
            seed: hash_pair(self.lot, self.materials.len() as u32),
        });
        self.materials.len() as u32 - 1
    }

    pub(super) fn plain(&mut self, tint: V3) -> u32 {
        self.material(Finish::Plain, tint, [1.0; 2])
    }

    /// A flat four-sided face; u runs from a to b, v from a to d, in metres.
    pub(super) fn quad(&mut self, corners: [V3; 4], material: u32) {
        let [a, b, _, d] = corners;
        let normal = unit(cross(sub(b, a), sub(d, a)));
        let (wide, high) = (length(sub(b, a)), length(sub(d, a)));
        let uv = [[0.0, 0.0], [wide, 0.0], [wide, high], [0.0, high]];
        for [i, j, k] in [[0, 1, 2], [0, 2, 3]] {
            self.triangles.push(Triangle {
                corners: [corners[i], corners[j], corners[k]],
                normals: [normal; 3],
                uv: [uv[i], uv[j], uv[k]],
                material,
            });
        }
    }

    /// A box from one corner to the other in a frame, one material on all sides.
    pub(super) fn block(&mut self, frame: &Frame, low: V3, high: V3, material: u32) {
        self.sides(frame, low, high, [material; 4]);
        let p = |x: f32, y: f32, z: f32| frame.at([x, y, z]);
        let ([a, b, e], [c, d, f]) = (low, high);
        self.quad([p(a, b, f), p(c, b, f), p(c, d, f), p(a, d, f)], material);
        self.quad([p(a, d, e), p(c, d, e), p(c, b, e), p(a, b, e)], material);
    }

    /// The four upright sides of a box; each with its own material (-y, +x, +y, -x).
    pub(super) fn sides(&mut self, frame: &Frame, low: V3, high: V3, materials: [u32; 4]) {
        let ([a, b, e], [c, d, f]) = (low, high);
        let ring = [[a, b], [c, b], [c, d], [a, d]];
        for n in 0..4 {
            let ([x0, y0], [x1, y1]) = (ring[n], ring[(n + 1) % 4]);
            let p = |x: f32, y: f32, z: f32| frame.at([x, y, z]);
            self.quad(
                [p(x0, y0, e), p(x1, y1, e), p(x1, y1, f), p(x0, y0, f)],
                materials[n],
            );
        }
    }

    /// A tapered round bar, without its end faces.
    pub(super) fn bar(&mut self, from: V3, to: V3, radii: [f32; 2], sides: usize, material: u32) {
        let way = unit(sub(to, from));
        let (u, v) = tangents(way);
        let long = length(sub(to, from));
        let ring = |n: usize| {
            let angle = n as f32 / sides as f32 * std::f32::consts::TAU;
            add(scale(u, angle.cos()), scale(v, angle.sin()))
        };
        for n in 0..sides {
            let (a, b) = (ring(n), ring((n + 1) % sides));
            let corners = [
                along(from, a, radii[0]),
                along(from, b, radii[0]),
                along(to, b, radii[1]),
                along(to, a, radii[1]),
            ];
            let normals = [a, b, b, a];
            let around = |n: usize| n as f32 / sides as f32 * radii[0] * 6.3;
            let uv = [
                [around(n), 0.0],
                [around(n + 1), 0.0],
                [around(n + 1), long],
                [around(n), long],
            ];
            for [i, j, k] in [[0, 1, 2], [0, 2, 3]] {
                self.triangles.push(Triangle {
                    corners: [corners[i], corners[j], corners[k]],
                    normals: [normals[i], normals[j], normals[k]],
                    uv: [uv[i], uv[j], uv[k]],
                    material,
                });
            }
        }
    }

    /// A flat round face.
    pub(super) fn disc(&mut self, middle: V3, normal: V3, radius: f32, material: u32) {
        let (u, v) = tangents(normal);
        let sides = 12;
        let ring = |n: usize| {
            let angle = n as f32 / sides as f32 * std::f32::consts::TAU;
            along(
                along(middle, u, angle.cos() * radius),
                v,
                angle.sin() * radius,
            )
        };
        for n in 0..sides {
            self.triangles.push(Triangle {
                corners: [middle, ring(n), ring(n + 1)],
                normals: [normal; 3],
                uv: [[0.0; 2]; 3],
                material,
            });
        }
    }

    /// A strip of rings (each a closed loop of as many points) with smooth normals.
    pub(super) fn loft(&mut self, rings: &[Vec<V3>], material: u32) {
        let sides = rings[0].len();
        let normal = |r: usize, n: usize| {
            let next = rings[r][(n + 1) % sides];
            let last = rings[r][(n + sides - 1) % sides];
            let (low, high) = (r.saturating_sub(1), (r + 1).min(rings.len() - 1));
            unit(cross(sub(next, last), sub(rings[high][n], rings[low][n])))
        };
        for r in 0..rings.len() - 1 {
            for n in 0..sides {
                let m = (n + 1) % sides;
                let corners = [rings[r][n], rings[r][m], rings[r + 1][m], rings[r + 1][n]];
                let normals = [
                    normal(r, n),
                    normal(r, m),
                    normal(r + 1, m),
                    normal(r + 1, n),
                ];
                for [i, j, k] in [[0, 1, 2], [0, 2, 3]] {
                    self.triangles.push(Triangle {
                        corners: [corners[i], corners[j], corners[k]],
                        normals: [normals[i], normals[j], normals[k]],
                        uv: [[corners[i][0], corners[i][2]]; 3],
                        material,
                    });
                }
            }
        }
    }
}
