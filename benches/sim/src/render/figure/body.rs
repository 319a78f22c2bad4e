//! One person's body: a smooth solid at rest, as a mesh tied to bones.

use super::super::noise::noise3;
use super::super::vector::{V3, add, along, scale, smooth_step, unit};
use super::clothes::{Appearance, Cover};
use super::parts::{self, COVERS, Part, distance, layers};
use super::skeleton::{BONES, CHEST, LEG, PARENT, PELVIS, RIGHT, SPINE};
use super::solid::Shape;
use super::surface;
use crate::world::Look;

/// How near the bones of a vertex must be to share it, metres.
const SHARE: f32 = 0.022;

/// A vertex of a figure at rest.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Vertex {
    pub(in super::super) place: V3,
    pub(in super::super) normal: V3,
    /// Up to three bones and their shares.
    pub(in super::super) bones: [(u8, f32); 3],
    pub(in super::super) cover: Cover,
    /// Linear light.
    pub(in super::super) colour: V3,
    /// How open the place is to the sky at rest, 0 to 1.
    pub(in super::super) open: f32,
}

/// A figure at rest.
#[derive(Clone, Debug)]
pub(in super::super) struct Body {
    pub(in super::super) vertices: Vec<Vertex>,
    pub(in super::super) triangles: Vec<[u32; 3]>,
}

impl Body {
    /// Models a person; `cell` is the mesh's resolution in metres.
    pub(in super::super) fn model(look: &Look, cell: f32) -> Self {
        let appearance = Appearance::of(look);
        let parts = parts::of(&appearance, look.build);
        let field = |p: V3| distance(&parts, p);
        let mesh = surface::mesh([-0.3, -0.78, -0.03], [0.3, 0.78, 1.84], cell, &field);
        let vertices = mesh
            .points
            .iter()
            .zip(&mesh.normals)
            .map(|(place, normal)| tie(&parts, &appearance, *place, *normal))
            .collect();
        Self {
            vertices,
            triangles: mesh.triangles,
        }
    }
}

fn tie(parts: &[Part], appearance: &Appearance, place: V3, normal: V3) -> Vertex {
    let layers = layers(parts, place);
    let cover = COVERS
        .into_iter()
        .min_by(|a, b| layers[*a as usize].total_cmp(&layers[*b as usize]))
        .unwrap_or(Cover::Skin);
    let near = distance(parts, along(place, normal, 0.05)) / 0.05;
    let far = distance(parts, along(place, normal, 0.16)) / 0.16;
    let cloth = matches!(cover, Cover::Top | Cover::Bottom);
    let fold = if cloth {
        folds(place, appearance.seed)
    } else {
        [0.0; 3]
    };
    // Cloth is darker inside its folds.
    let deep = 1.0 + 0.35 * (fold[2] - fold[0] * 0.5);
    Vertex {
        place,
        normal: unit(add(normal, fold)),
        colour: scale(appearance.colour(cover, place), deep.clamp(0.6, 1.3)),
        bones: shares(parts, place),
        cover,
        open: (0.25 + 0.4 * near.clamp(0.0, 1.0) + 0.35 * far.clamp(0.0, 1.0)).clamp(0.0, 1.0),
    }
}

/// The bones that move a place: the nearest one, and its neighbours where they meet.
fn shares(parts: &[Part], place: V3) -> [(u8, f32); 3] {
    let mut near = [9.0_f32; BONES];
    for part in parts {
        let d = part.shape.distance(place);
        if matches!(part.shape, Shape::Trunk { .. }) {
            continue;
        }
        near[part.bone] = near[part.bone].min(d);
    }
    let trunk = parts
        .iter()
        .filter(|part| matches!(part.shape, Shape::Trunk { .. }))
        .map(|part| part.shape.distance(place))
        .fold(9.0, f32::min);
    let first = (0..BONES)
        .min_by(|a, b| near[*a].total_cmp(&near[*b]))
        .unwrap_or(PELVIS);
    let mut weights = [0.0_f32; BONES];
    let base = near[first].min(trunk);
    for bone in 0..BONES {
        let related = bone == first || PARENT[bone] == first || PARENT[first] == bone;
        if related && near[bone] < 8.0 {
            weights[bone] = (-(near[bone] - base) / SHARE).exp();
        }
    }
    let cloth = (-(trunk - base) / SHARE).exp();
    for (bone, share) in trunk_bones(place) {
        weights[bone] += share * cloth;
    }
    strongest(&weights)
}

/// Who moves a place of the trunk: by height, and the hem goes with the legs.
fn trunk_bones(p: V3) -> [(usize, f32); 4] {
    let chest = smooth_step(1.08, 1.26, p[2]);
    let pelvis = 1.0 - smooth_step(0.94, 1.08, p[2]);
    let hem = pelvis * 0.75 * smooth_step(0.94, 0.80, p[2]) * smooth_step(0.0, 0.05, p[1].abs());
    let leg = if p[1] > 0.0 { LEG } else { LEG + RIGHT };
    [
        (CHEST, chest),
        (PELVIS, pelvis - hem),
        (SPINE, (1.0 - chest - pelvis).max(0.0)),
        (leg, hem),
    ]
}

fn strongest(weights: &[f32; BONES]) -> [(u8, f32); 3] {
    let mut order: [usize; BONES] = std::array::from_fn(|n| n);
    order.sort_by(|a, b| weights[*b].total_cmp(&weights[*a]));
    let sum: f32 = order[..3].iter().map(|n| weights[*n]).sum();
    std::array::from_fn(|n| (order[n] as u8, weights[order[n]] / sum.max(1e-6)))
}

/// Where folds of cloth lie: a small change of the normal at a place of the rest figure.
fn folds(p: V3, seed: u32) -> V3 {
    let gather = 0.6
        + 0.9 * smooth_step(0.14, 0.0, (p[2] - 0.5).abs())
        + 0.8 * smooth_step(0.16, 0.0, (p[2] - 1.02).abs())
        + 0.6 * smooth_step(0.12, 0.0, (p[2] - 0.14).abs());
    let q = [p[0] * 11.0, p[1] * 11.0, p[2] * 19.0 + p[1] * 6.0];
    let bump = [
        noise3(q, seed),
        noise3([q[1] + 31.0, q[2], q[0]], seed ^ 77),
        noise3([q[2], q[0] - 17.0, q[1]], seed ^ 191),
    ];
    scale(bump, 0.3 * gather)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::Clothing;

    #[test]
    fn a_body_is_as_tall_as_a_person_and_its_vertices_are_tied_to_bones() {
        let look = Look {
            height: 1.75,
            build: 1.0,
            clothing: Clothing::Civilian,
            seed: 3,
        };
        let body = Body::model(&look, 0.03);
        let top = body.vertices.iter().map(|v| v.place[2]).fold(0.0, f32::max);
        let low = body.vertices.iter().map(|v| v.place[2]).fold(9.0, f32::min);
        assert!((1.7..1.81).contains(&top), "{top}");
        assert!((-0.01..0.03).contains(&low), "{low}");
        for vertex in &body.vertices {
            let sum: f32 = vertex.bones.iter().map(|(_, share)| share).sum();
            assert!((sum - 1.0).abs() < 1e-3);
        }
        let covers: Vec<Cover> = body.vertices.iter().map(|v| v.cover).collect();
        assert!(
            [
                Cover::Skin,
                Cover::Top,
                Cover::Bottom,
                Cover::Shoe,
                Cover::Hair
            ]
            .iter()
            .all(|cover| covers.contains(cover))
        );
    }
}
