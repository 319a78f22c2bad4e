//! What stands in a place, as geometry: solids as triangles, see-through panels (fences, razor
//! wire) and crowns of leaves beside them.

mod furniture;
mod plants;
mod see_through;
mod shapes;
mod structures;

use super::bvh::{Bvh, Hit, Triangle};
use super::light::Lamp;
use super::material::{Material, Paint, ground, paint};
use super::vector::{V3, along, cross, dot, scale, tangents, unit};
use crate::world::{Light, Patch, Place, Surface};

pub(super) use see_through::{Crown, Panel, Weave};
use shapes::Builder;

/// Everything that stands.
#[derive(Clone, Debug)]
pub(super) struct Stage {
    pub(super) solid: Bvh,
    pub(super) materials: Vec<Material>,
    pub(super) panels: Vec<Panel>,
    pub(super) crowns: Vec<Crown>,
    ground: Surface,
    patches: Vec<Patch>,
    pub(super) seed: u32,
}

/// What a ray met.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    /// In lengths of the ray.
    pub(super) distance: f32,
    pub(super) place: V3,
    pub(super) normal: V3,
    /// What it belongs to: differs where colours must not be mixed unseen.
    pub(super) object: u32,
    uv: [f32; 2],
    grounded: bool,
}

impl Stage {
    /// Builds the place, and the lamps that it has.
    pub(super) fn new(place: &Place) -> (Self, Vec<Lamp>) {
        let seed = (place.seed ^ (place.seed >> 32)) as u32;
        let mut builder = Builder::new(seed);
        for (n, structure) in place.structures.iter().enumerate() {
            builder.start(n as u32);
            structures::build(&mut builder, structure);
            furniture::build(&mut builder, structure);
            plants::build(&mut builder, structure);
        }
        let dark = matches!(place.conditions.light, Light::Dusk | Light::Indoor);
        let mut lamps = if dark { builder.lamps } else { Vec::new() };
        // Night infrared cameras see by their own light only; lamps would make it dusk.
        lamps.truncate(96);
        let stage = Self {
            solid: Bvh::new(builder.triangles),
            materials: builder.materials,
            panels: builder.panels,
            crowns: builder.crowns,
            ground: place.ground,
            patches: place.patches.clone(),
            seed,
        };
        (stage, lamps)
    }

    /// The first solid thing or the ground that a ray meets.
    pub(super) fn first(&self, from: V3, ray: V3) -> Option<Seen> {
        let floor = if ray[2] < -1e-6 {
            -from[2] / ray[2]
        } else {
            f32::MAX
        };
        let limit = if floor > 0.0 { floor } else { f32::MAX };
        if let Some(hit) = self.solid.nearest(from, ray, limit) {
            return Some(self.surface(from, ray, hit));
        }
        (limit < f32::MAX).then(|| {
            let place = along(from, ray, limit);
            Seen {
                distance: limit,
                place: [place[0], place[1], 0.0],
                normal: [0.0, 0.0, 1.0],
                object: u32::MAX - self.patch([place[0], place[1]]).map_or(0, |n| n as u32 + 1),
                uv: [place[0], place[1]],
                grounded: true,
            }
        })
    }

    fn surface(&self, from: V3, ray: V3, hit: Hit) -> Seen {
        let triangle: &Triangle = &self.solid.triangles[hit.triangle as usize];
        let [v, w] = hit.weights;
        let weights = [1.0 - v - w, v, w];
        let mut normal = [0.0; 3];
        let mut uv = [0.0; 2];
        for (n, weight) in weights.into_iter().enumerate() {
            normal = along(normal, triangle.normals[n], weight);
            uv[0] += triangle.uv[n][0] * weight;
            uv[1] += triangle.uv[n][1] * weight;
        }
        let mut normal = unit(normal);
        if dot(normal, ray) > 0.0 {
            normal = scale(normal, -1.0);
        }
        Seen {
            distance: hit.distance,
            place: along(from, ray, hit.distance),
            normal,
            object: triangle.material,
            uv,
            grounded: false,
        }
    }

    fn patch(&self, p: [f32; 2]) -> Option<usize> {
        self.patches
            .iter()
            .rposition(|patch| inside(&patch.corners, p))
    }

    /// The look of what a ray met; the normal follows the fine relief. `footprint` is what a pixel
    /// covers there, metres.
    pub(super) fn painted(&self, seen: &mut Seen, footprint: f32) -> (Paint, V3) {
        let paint = if seen.grounded {
            let surface = self
                .patch(seen.uv)
                .map_or(self.ground, |n| self.patches[n].surface);
            ground(surface, seen.uv, footprint, self.seed)
        } else {
            paint(&self.materials[seen.object as usize], seen.uv, footprint)
        };
        let smooth = seen.normal;
        if paint.slope != [0.0; 2] {
            let (u, v) = if seen.grounded {
                ([1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
            } else {
                let (side, _) = tangents(smooth);
                (side, cross(smooth, side))
            };
            seen.normal = unit(along(along(smooth, u, paint.slope[0]), v, paint.slope[1]));
        }
        (paint, smooth)
    }

    /// Whether something stands between a place and a light `far` away in a direction.
    pub(super) fn shaded(&self, from: V3, way: V3, far: f32) -> bool {
        self.solid.blocked(from, way, far)
            || self
                .crowns
                .iter()
                .any(|crown| crown.leaves.blocked(from, way, far))
    }

    /// The colour that stands for a see-through panel's wire.
    pub(super) fn wire(weave: Weave) -> V3 {
        match weave {
            Weave::Chain => [0.30, 0.31, 0.31],
            Weave::Razor => [0.42, 0.43, 0.44],
        }
    }
}

/// Even-odd rule.
fn inside(corners: &[[f32; 2]], p: [f32; 2]) -> bool {
    let mut inside = false;
    for (n, a) in corners.iter().enumerate() {
        let b = corners[(n + 1) % corners.len()];
        if (a[1] > p[1]) != (b[1] > p[1])
            && p[0] < (b[0] - a[0]) * (p[1] - a[1]) / (b[1] - a[1]) + a[0]
        {
            inside = !inside;
        }
    }
    inside
}
