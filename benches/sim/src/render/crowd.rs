//! What moves, at one instant: people and things as lit triangles, their cutouts, their shadows.

use super::backdrop::Backdrop;
use super::camera::NEAR;
use super::figure::body::Body;
use super::figure::pose;
use super::figure::skeleton::{
    BONES, Bone, CHEST, FOOT, HEAD, JOINTS, KNEE, LEG, PELVIS, RIGHT, SPINE,
};
use super::light::{Lamp, Lighting, lit, shine};
use super::noise::hash_pair;
use super::raster::{self, Cutout};
use super::shade::ShadowMap;
use super::shape::Shape;
use super::stage::Stage;
use super::things::Solid;
use super::vector::{V3, add, along, dot, length, mul, scale, smooth_step, sub, turn, unit};
use crate::world::Person;

/// A moving thing as drawn at one instant.
pub(super) struct Mover {
    /// A person's id; nothing for things.
    pub(super) id: Option<u32>,
    pub(super) cutout: Cutout,
    pub(super) shadow: Option<ShadowMap>,
    /// The lamp whose light it takes away; the key light otherwise.
    pub(super) lamp: Option<Lamp>,
    /// Balls that take the sky's light from what is near: middle and radius.
    pub(super) balls: Vec<(V3, f32)>,
    /// Middle and radius of it all.
    pub(super) around: (V3, f32),
}

/// What movers are drawn into.
pub(super) struct Scene<'a> {
    pub(super) stage: &'a Stage,
    pub(super) light: &'a Lighting,
    pub(super) backdrop: &'a Backdrop,
    /// Passing shadows: middle and radius on the ground.
    pub(super) clouds: &'a [([f32; 2], f32)],
    pub(super) beams: &'a [super::things::Beam],
}

/// A person in the scene; `None` behind the camera.
pub(super) fn person(scene: &Scene<'_>, person: &Person, body: &Body) -> Option<Mover> {
    let (bones, size) = pose::place(person);
    let balls = balls(&bones, size);
    let shape = bend(body, &bones, size, scene.light, &balls, person);
    let middle = [0, 1, 2].map(|n| (balls[0].0[n] + balls[3].0[n]) * 0.5);
    mover(scene, &shape, Some(person.id), balls, middle, 1.25 * size)
}

/// A thing in the scene; `None` behind the camera.
pub(super) fn thing(scene: &Scene<'_>, solid: &Solid) -> Option<Mover> {
    let shape = Shape {
        points: solid.mesh.points.clone(),
        normals: solid.mesh.normals.clone(),
        colours: solid
            .colours
            .iter()
            .map(|colour| scene.light.seen(*colour, 11))
            .collect(),
        open: vec![0.9; solid.mesh.points.len()],
        triangles: &solid.mesh.triangles,
        thin: solid.thin,
        probes: vec![solid.middle],
    };
    let balls = vec![(solid.middle, solid.radius * 0.5)];
    mover(scene, &shape, None, balls, solid.middle, solid.radius)
}

fn bend<'a>(
    body: &'a Body,
    bones: &[Bone; BONES],
    size: f32,
    light: &Lighting,
    balls: &[(V3, f32)],
    person: &Person,
) -> Shape<'a> {
    let count = body.vertices.len();
    let mut shape = Shape {
        points: Vec::with_capacity(count),
        normals: Vec::with_capacity(count),
        colours: Vec::with_capacity(count),
        open: Vec::with_capacity(count),
        triangles: &body.triangles,
        thin: 0.0,
        probes: balls.iter().map(|(middle, _)| *middle).collect(),
    };
    for vertex in &body.vertices {
        let (mut place, mut normal) = ([0.0; 3], [0.0; 3]);
        for (bone, share) in vertex.bones {
            if share <= 0.004 {
                continue;
            }
            let bone = bone as usize;
            let moved = turn(&bones[bone].turn, sub(vertex.place, JOINTS[bone]));
            let moved = along(bones[bone].place, moved, size);
            place = along(place, moved, share);
            normal = along(normal, turn(&bones[bone].turn, vertex.normal), share);
        }
        shape.points.push(place);
        shape.normals.push(unit(normal));
        let lot = hash_pair(person.look.seed, vertex.cover as u32);
        shape.colours.push(light.seen(vertex.colour, lot));
        shape.open.push(vertex.open);
    }
    shape
}

fn balls(bones: &[Bone; BONES], size: f32) -> Vec<(V3, f32)> {
    let at = |bone: usize, point: V3| {
        let moved = turn(&bones[bone].turn, sub(point, JOINTS[bone]));
        along(bones[bone].place, moved, size)
    };
    vec![
        (at(PELVIS, [0.0, 0.0, 0.95]), 0.17 * size),
        (at(SPINE, [0.0, 0.0, 1.13]), 0.15 * size),
        (at(CHEST, [0.0, 0.0, 1.30]), 0.18 * size),
        (at(HEAD, [0.0, 0.0, 1.65]), 0.11 * size),
        (at(LEG, [0.0, 0.118, 0.72]), 0.09 * size),
        (at(LEG + RIGHT, [0.0, -0.118, 0.72]), 0.09 * size),
        (at(KNEE, [0.0, 0.176, 0.30]), 0.075 * size),
        (at(KNEE + RIGHT, [0.0, -0.176, 0.30]), 0.075 * size),
        (at(FOOT, [0.03, 0.206, 0.05]), 0.085 * size),
        (at(FOOT + RIGHT, [0.03, -0.206, 0.05]), 0.085 * size),
    ]
}

fn mover(
    scene: &Scene<'_>,
    shape: &Shape<'_>,
    id: Option<u32>,
    balls: Vec<(V3, f32)>,
    middle: V3,
    radius: f32,
) -> Option<Mover> {
    let camera = &scene.backdrop.camera;
    let radius = shape
        .points
        .iter()
        .map(|p| length(sub(*p, middle)))
        .fold(radius * 0.2, f32::max);
    if camera.pixel(middle)[2] < -radius {
        return None;
    }
    let lamp = scene
        .light
        .brightest(middle)
        .filter(|_| scene.light.key_colour[1] < 0.1);
    let way = lamp.map_or(scene.light.key, |lamp| unit(sub(lamp.place, middle)));
    let shadow = (scene.light.infrared.is_none() && shape.thin < 0.9)
        .then(|| ShadowMap::new(shape, way, middle, radius, scene.light));
    let colours = light_up(scene, shape, shadow.as_ref(), lamp.as_ref());
    let corners: Vec<raster::Corner> = shape.points.iter().map(|p| camera.pixel(*p)).collect();
    let size = [camera.size.width as i32, camera.size.height as i32];
    let cells = &scene.backdrop.cells;
    let cutout = raster::cut_out(&corners, &colours, shape.triangles, size, NEAR, |x, y| {
        (x >= 0 && y >= 0 && x < size[0] && y < size[1])
            .then(|| cells[(y * size[0] + x) as usize].depth)
    })?;
    Some(Mover {
        id,
        cutout,
        shadow,
        lamp,
        balls,
        around: (middle, radius),
    })
}

/// Share of the key light that reaches a place past all that stands still and all clouds.
fn arriving(scene: &Scene<'_>, p: V3) -> f32 {
    let clouded = super::light::clouded(scene.clouds, p);
    let soft = scene.light.softness > 0.1;
    if !soft && scene.stage.shaded(p, scene.light.key, 120.0) {
        0.0
    } else {
        clouded
    }
}

/// A value at a place from known ones around, the nearest counting most.
fn between(known: &[(V3, f32)], p: V3) -> f32 {
    let (mut sum, mut weights) = (0.0, 0.0);
    for (place, value) in known {
        let offset = sub(*place, p);
        let near = dot(offset, offset) + 1e-3;
        let weight = 1.0 / (near * near);
        sum += value * weight;
        weights += weight;
    }
    sum / weights
}

/// The colour of every corner as it reaches the camera.
fn light_up(
    scene: &Scene<'_>,
    shape: &Shape<'_>,
    shadow: Option<&ShadowMap>,
    lamp: Option<&Lamp>,
) -> Vec<V3> {
    let light = scene.light;
    let eye = scene.backdrop.camera.position;
    let sun: Vec<(V3, f32)> = shape
        .probes
        .iter()
        .map(|p| (*p, arriving(scene, *p)))
        .collect();
    let even = sun.iter().all(|(_, share)| *share == sun[0].1);
    (0..shape.points.len())
        .map(|n| {
            let (p, normal, albedo) = (shape.points[n], shape.normals[n], shape.colours[n]);
            // Near the ground less sky is seen.
            let low = 0.55 + 0.45 * smooth_step(0.0, 0.7, p[2]);
            let open = shape.open[n] * low;
            let mut around = scale(light.ambient(normal), open);
            around = add(around, scale(light.lamps(p, normal), 0.4 + 0.6 * open));
            let own = shadow.map_or(0.0, |map| map.hidden(p, normal));
            if let Some(lamp) = lamp {
                let taken = shine(lamp, p, normal);
                around = [0, 1, 2].map(|c| (around[c] - 0.8 * own * taken[c]).max(0.1 * around[c]));
            }
            for beam in scene.beams {
                around = add(around, beam.light(p, normal));
            }
            let facing = dot(normal, light.key);
            let facing =
                facing.max(0.0) * (1.0 - shape.thin) + shape.thin * (0.4 + 0.3 * facing.abs());
            let mut key = facing * (1.0 - own);
            if light.softness > 0.1 {
                key *= open;
            }
            key *= if even { sun[0].1 } else { between(&sun, p) };
            let view = unit(sub(eye, p));
            let rim = (1.0 - dot(normal, view).clamp(0.0, 1.0)).powi(4) * 0.04 * open;
            let total = along(around, light.key_colour, key);
            let colour = add(lit(albedo, total), mul(light.ambient(normal), [rim; 3]));
            light.through_air(colour, length(sub(p, eye)))
        })
        .collect()
}
