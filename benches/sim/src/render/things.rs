//! What else moves: packets, birds, cats, bags; and the light of a car's lamps.

use super::figure::solid::{Shape, blend};
use super::figure::surface::{self, Mesh};
use super::noise::noise3;
use super::vector::{
    V3, after, along, dot, length, rotate_x, rotate_y, rotate_z, scale, sub, turn, unit,
};
use crate::world::Thing;

/// A thing as a mesh in the world.
pub(super) struct Solid {
    pub(super) mesh: Mesh,
    pub(super) colours: Vec<V3>,
    pub(super) middle: V3,
    pub(super) radius: f32,
    /// Share of light that shines through.
    pub(super) thin: f32,
}

/// The cone of a car's lamps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beam {
    from: V3,
    way: V3,
}

impl Beam {
    pub(super) fn of(thing: &Thing) -> Option<Self> {
        let Thing::Headlights { position, heading } = thing else {
            return None;
        };
        let from = [position[0], position[1], position[2].max(0.6)];
        Some(Self {
            from,
            way: unit([heading.cos(), heading.sin(), -0.06]),
        })
    }

    /// Its light on a surface.
    pub(super) fn light(&self, p: V3, n: V3) -> V3 {
        let to = sub(p, self.from);
        let far = length(to).max(1.0);
        let cosine = dot(to, self.way) / far;
        let spot = ((cosine - 0.90) / 0.1).clamp(0.0, 1.0);
        let facing = (-dot(n, to) / far).max(0.0) + 0.02;
        let power = 90.0 * spot * spot * facing / (far * far + 4.0);
        [power, power * 0.96, power * 0.86]
    }

    /// Its lamps' glare in the picture: where, and how directly they shine at `eye`.
    pub(super) fn glare(&self, eye: V3) -> (V3, f32) {
        let to = sub(eye, self.from);
        let far = length(to).max(1.0);
        let direct = (dot(to, self.way) / far).max(0.0).powf(6.0);
        (self.from, direct / (1.0 + far * 0.02))
    }
}

/// The shape of a thing; `None` for what has none (light, shadows, insects).
pub(super) fn solid(thing: &Thing) -> Option<Solid> {
    match *thing {
        Thing::Packet { position } => Some(packet(position)),
        Thing::Bird {
            position,
            heading,
            phase,
        } => Some(bird(position, heading, phase)),
        Thing::Cat {
            position,
            heading,
            phase,
        } => Some(cat(position, heading, phase)),
        Thing::Bag { position, phase } => Some(bag(position, phase)),
        Thing::Headlights { .. } | Thing::Shadow { .. } | Thing::Insect { .. } => None,
    }
}

/// Meshes a field around the origin, colours it, and puts it into the world.
fn build(
    reach: V3,
    cell: f32,
    field: &dyn Fn(V3) -> f32,
    colour: &dyn Fn(V3) -> V3,
    turned: &super::vector::M3,
    position: V3,
) -> Solid {
    let mesh = surface::mesh(scale(reach, -1.0), reach, cell, field);
    let colours = mesh.points.iter().map(|p| colour(*p)).collect();
    let placed = Mesh {
        points: mesh
            .points
            .iter()
            .map(|p| along(position, turn(turned, *p), 1.0))
            .collect(),
        normals: mesh.normals.iter().map(|n| turn(turned, *n)).collect(),
        triangles: mesh.triangles,
    };
    Solid {
        mesh: placed,
        colours,
        middle: position,
        radius: length(reach),
        thin: 0.0,
    }
}

fn packet(position: V3) -> Solid {
    let tumble = after(&rotate_z(position[0] * 2.0), &rotate_y(position[2] * 2.5));
    let block = Shape::Block {
        center: [0.0; 3],
        half: [0.09, 0.06, 0.04],
        round: 0.015,
    };
    let tape = |p: V3| {
        if p[0].abs() < 0.02 {
            [0.35, 0.33, 0.28]
        } else {
            [0.035, 0.034, 0.032]
        }
    };
    build(
        [0.12, 0.09, 0.07],
        0.014,
        &|p| block.distance(p),
        &tape,
        &tumble,
        position,
    )
}

fn tube(from: V3, to: V3, radii: &[f32]) -> Shape {
    Shape::Tube {
        from,
        to,
        radii: radii.to_vec(),
        flat: 1.0,
    }
}

fn union(shapes: Vec<Shape>, width: f32) -> impl Fn(V3) -> f32 {
    move |p| {
        shapes
            .iter()
            .fold(9.0, |near, shape| blend(near, shape.distance(p), width))
    }
}

fn bird(position: V3, heading: f32, phase: f32) -> Solid {
    let flying = position[2] > 0.05;
    let beat = (phase * std::f32::consts::TAU).sin();
    let mut shapes = vec![
        Shape::Egg {
            center: [0.0, 0.0, 0.0],
            radii: [0.13, 0.055, 0.055],
        },
        Shape::Egg {
            center: [0.13, 0.0, 0.03],
            radii: [0.045, 0.032, 0.034],
        },
        tube([-0.1, 0.0, 0.0], [-0.22, 0.0, 0.0], &[0.035, 0.02]),
        tube([0.16, 0.0, 0.025], [0.2, 0.0, 0.015], &[0.012, 0.004]),
    ];
    for side in [1.0, -1.0] {
        if flying {
            let tip = [-0.03, side * 0.32, 0.22 * beat];
            let elbow = [0.02, side * 0.16, 0.14 * beat + 0.02];
            shapes.push(tube([0.02, side * 0.03, 0.02], elbow, &[0.03, 0.035]));
            shapes.push(tube(elbow, tip, &[0.035, 0.012]));
        } else {
            let step = 0.03 * (phase * std::f32::consts::TAU).sin() * side;
            shapes.push(tube(
                [0.0, side * 0.03, -0.03],
                [step, side * 0.03, -0.11],
                &[0.01, 0.008],
            ));
        }
    }
    let dark = |p: V3| {
        let tone = 0.05 + 0.05 * (p[2] < -0.02) as u8 as f32;
        [tone, tone, tone * 1.1]
    };
    let lifted = [
        position[0],
        position[1],
        position[2] + if flying { 0.0 } else { 0.11 },
    ];
    let turned = rotate_z(heading);
    build(
        [0.25, 0.36, 0.27],
        0.018,
        &union(shapes, 0.03),
        &dark,
        &turned,
        lifted,
    )
}

fn cat(position: V3, heading: f32, phase: f32) -> Solid {
    let swing = |offset: f32| 0.09 * ((phase + offset) * std::f32::consts::TAU).sin();
    let z = -0.16;
    let mut shapes = vec![
        tube(
            [-0.17, 0.0, 0.08],
            [0.16, 0.0, 0.09],
            &[0.075, 0.07, 0.075, 0.065],
        ),
        Shape::Egg {
            center: [0.26, 0.0, 0.15],
            radii: [0.06, 0.052, 0.05],
        },
        tube([-0.2, 0.0, 0.1], [-0.40, 0.0, 0.2], &[0.022, 0.018, 0.014]),
    ];
    for side in [1.0, -1.0] {
        shapes.push(tube(
            [0.26, side * 0.03, 0.19],
            [0.265, side * 0.035, 0.22],
            &[0.018, 0.006],
        ));
        let (front, back) = (
            swing(if side > 0.0 { 0.0 } else { 0.5 }),
            swing(if side > 0.0 { 0.55 } else { 0.05 }),
        );
        shapes.push(tube(
            [0.13, side * 0.04, 0.05],
            [0.13 + front, side * 0.04, z + 0.015],
            &[0.03, 0.02, 0.018],
        ));
        shapes.push(tube(
            [-0.15, side * 0.045, 0.05],
            [-0.15 + back, side * 0.045, z + 0.015],
            &[0.045, 0.024, 0.018],
        ));
    }
    let fur = |p: V3| {
        let stripe = noise3([p[0] * 26.0, p[1] * 9.0, p[2] * 9.0], 3) * 0.5 + 0.5;
        let tone = 0.05 + 0.13 * stripe;
        [tone * 1.15, tone * 0.95, tone * 0.75]
    };
    let lifted = [position[0], position[1], position[2] - z];
    build(
        [0.44, 0.16, 0.26],
        0.02,
        &union(shapes, 0.035),
        &fur,
        &rotate_z(heading),
        lifted,
    )
}

fn bag(position: V3, phase: f32) -> Solid {
    let angle = phase * std::f32::consts::TAU;
    let field = move |p: V3| {
        let crumple = noise3([p[0] * 9.0 + phase * 0.7, p[1] * 9.0, p[2] * 7.0], 21);
        let egg = Shape::Egg {
            center: [0.0; 3],
            radii: [0.15, 0.11, 0.19],
        };
        egg.distance(p) + 0.045 * crumple
    };
    let white = |p: V3| {
        let tone = 0.55 + 0.12 * noise3(scale(p, 14.0), 8);
        [tone, tone, tone * 1.02]
    };
    let turned = after(
        &rotate_z(angle * 0.4),
        &after(&rotate_x(angle), &rotate_y(angle * 0.6)),
    );
    let lifted = [position[0], position[1], position[2] + 0.17];
    Solid {
        thin: 0.45,
        ..build([0.22, 0.18, 0.26], 0.03, &field, &white, &turned, lifted)
    }
}
