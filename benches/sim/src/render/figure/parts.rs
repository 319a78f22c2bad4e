//! What a figure is modelled from: trunk, limbs, clothes and head as simple solids, measured on
//! the rest figure.

use super::super::vector::{V3, along, sub, unit};
use super::clothes::{Appearance, Cover, Hair};
use super::skeleton::{
    ARM, CHEST, FOOT, FOREARM, HAND, HEAD, JOINTS, KNEE, LEG, NECK, PELVIS, RIGHT,
};
use super::solid::{Shape, blend};

/// A solid part of a figure.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) bone: usize,
    pub(super) cover: Cover,
    pub(super) shape: Shape,
}

fn mirror(p: V3) -> V3 {
    [p[0], -p[1], p[2]]
}

fn tube(from: V3, to: V3, radii: &[f32], flat: f32) -> Shape {
    Shape::Tube {
        from,
        to,
        radii: radii.to_vec(),
        flat,
    }
}

/// Both sides of a part that is given for the left one.
fn both(parts: &mut Vec<Part>, bone: usize, cover: Cover, shape: impl Fn(fn(V3) -> V3) -> Shape) {
    parts.push(Part {
        bone,
        cover,
        shape: shape(|p| p),
    });
    parts.push(Part {
        bone: bone + RIGHT,
        cover,
        shape: shape(mirror),
    });
}

/// All parts of a person.
pub(super) fn of(appearance: &Appearance, build: f32) -> Vec<Part> {
    let mut parts = Vec::with_capacity(40);
    trunk(&mut parts, appearance, build);
    arms(&mut parts, appearance, build);
    legs(&mut parts, appearance, build);
    head(&mut parts, appearance);
    parts
}

fn trunk(parts: &mut Vec<Part>, appearance: &Appearance, build: f32) {
    let wide = appearance.loose[0];
    let girth = |r: f32| r * (1.0 + (build - 1.0) * 0.9) + wide;
    let belly = 1.0 + (build - 1.0).max(0.0) * 0.6;
    let slices = [
        [appearance.hem, 0.0, 0.122, 0.172],
        [0.92, -0.005, 0.126, 0.174],
        [1.00, 0.002, 0.118, 0.162],
        [1.10, 0.004, 0.108, 0.152],
        [1.20, 0.002, 0.114, 0.164],
        [1.30, 0.0, 0.122, 0.178],
        [1.37, -0.006, 0.115, 0.180],
        [1.415, -0.012, 0.095, 0.164],
        [1.45, -0.014, 0.076, 0.116],
        [1.485, -0.010, 0.068, 0.072],
    ];
    let slices = slices
        .iter()
        .map(|s| {
            let front = if s[0] < 1.25 { belly } else { 1.0 };
            [s[0], s[1], girth(s[2]) * front, girth(s[3])]
        })
        .collect();
    parts.push(Part {
        bone: CHEST,
        cover: Cover::Top,
        shape: Shape::Trunk { slices },
    });
    parts.push(Part {
        bone: PELVIS,
        cover: Cover::Bottom,
        shape: Shape::Egg {
            center: [-0.012, 0.0, 0.93],
            radii: [girth(0.112), girth(0.158), 0.13],
        },
    });
    if appearance.backpack {
        parts.push(Part {
            bone: CHEST,
            cover: Cover::Bag,
            shape: Shape::Block {
                center: [-0.17, 0.0, 1.22],
                half: [0.08, 0.14, 0.19],
                round: 0.05,
            },
        });
    }
}

fn arms(parts: &mut Vec<Part>, appearance: &Appearance, build: f32) {
    let girth = 1.0 + (build - 1.0) * 0.7;
    let (shoulder, elbow, wrist) = (JOINTS[ARM], JOINTS[FOREARM], JOINTS[HAND]);
    let loose = appearance.loose[0] * 0.8;
    let upper = [0.068, 0.064, 0.058, 0.053].map(|r| r * girth + loose);
    both(parts, ARM, Cover::Top, |m| {
        tube(m(shoulder), m(elbow), &upper, 1.05)
    });
    let (cover, lower) = if appearance.short_sleeves {
        (Cover::Skin, [0.043, 0.045, 0.038, 0.029].map(|r| r * girth))
    } else {
        (
            Cover::Top,
            [0.053, 0.051, 0.047, 0.043].map(|r| r * girth + loose),
        )
    };
    both(parts, FOREARM, cover, |m| {
        tube(m(elbow), m(wrist), &lower, 1.0)
    });
    let way = unit(sub(wrist, elbow));
    let palm = along(wrist, way, 0.055);
    let tip = along(wrist, way, 0.145);
    both(parts, HAND, Cover::Skin, |m| {
        let start = along(wrist, way, -0.01);
        tube(m(start), m(palm), &[0.026, 0.028, 0.030], 1.35)
    });
    both(parts, HAND, Cover::Skin, |m| {
        tube(m(palm), m(tip), &[0.029, 0.026, 0.022, 0.014], 1.35)
    });
    let thumb = [palm[0] + 0.055, palm[1] + 0.012, palm[2] - 0.03];
    both(parts, HAND, Cover::Skin, |m| {
        tube(m(palm), m(thumb), &[0.018, 0.013], 1.0)
    });
}

fn legs(parts: &mut Vec<Part>, appearance: &Appearance, build: f32) {
    let girth = 1.0 + (build - 1.0) * 0.75;
    let loose = appearance.loose[1];
    let (hip, knee, ankle) = (JOINTS[LEG], JOINTS[KNEE], JOINTS[FOOT]);
    let thigh = [0.092, 0.094, 0.086, 0.076, 0.068].map(|r| r * girth + loose);
    let start = [hip[0] - 0.005, hip[1], hip[2] - 0.02];
    both(parts, LEG, Cover::Bottom, |m| {
        tube(m(start), m(knee), &thigh, 1.05)
    });
    let shin = [0.067, 0.069, 0.066, 0.060, 0.058].map(|r| r * girth.min(1.12) + loose);
    let cuff = [ankle[0] + 0.002, ankle[1], ankle[2] + 0.005];
    both(parts, KNEE, Cover::Bottom, |m| {
        tube(m(knee), m(cuff), &shin, 1.05)
    });
    both(parts, FOOT, Cover::Shoe, |m| Shape::Egg {
        center: m([-0.055, 0.2045, 0.048]),
        radii: [0.062, 0.042, 0.052],
    });
    both(parts, FOOT, Cover::Shoe, |m| {
        tube(
            m([-0.05, 0.2045, 0.035]),
            m([0.125, 0.2145, 0.026]),
            &[0.042, 0.047, 0.048, 0.038],
            1.0,
        )
    });
}

fn head(parts: &mut Vec<Part>, appearance: &Appearance) {
    let mut put = |cover: Cover, shape: Shape| {
        parts.push(Part {
            bone: HEAD,
            cover,
            shape,
        });
    };
    let egg = |center: V3, radii: V3| Shape::Egg { center, radii };
    put(Cover::Skin, egg([0.004, 0.0, 1.668], [0.094, 0.074, 0.088]));
    put(Cover::Skin, egg([0.030, 0.0, 1.605], [0.066, 0.058, 0.070]));
    put(
        Cover::Skin,
        tube(
            [0.086, 0.0, 1.655],
            [0.104, 0.0, 1.622],
            &[0.010, 0.016],
            1.0,
        ),
    );
    for side in [1.0, -1.0] {
        put(
            Cover::Skin,
            egg([-0.004, side * 0.078, 1.648], [0.022, 0.012, 0.032]),
        );
    }
    match appearance.style {
        Hair::Cropped => put(
            Cover::Hair,
            egg([-0.018, 0.0, 1.690], [0.098, 0.081, 0.086]),
        ),
        Hair::Short => {
            put(
                Cover::Hair,
                egg([-0.012, 0.0, 1.690], [0.099, 0.085, 0.083]),
            );
            put(
                Cover::Hair,
                egg([-0.038, 0.0, 1.650], [0.075, 0.080, 0.080]),
            );
        }
        Hair::Long => {
            put(
                Cover::Hair,
                egg([-0.012, 0.0, 1.690], [0.102, 0.089, 0.085]),
            );
            put(
                Cover::Hair,
                egg([-0.050, 0.0, 1.585], [0.062, 0.092, 0.135]),
            );
        }
        Hair::Capped => {
            put(
                Cover::Hair,
                egg([-0.030, 0.0, 1.660], [0.078, 0.078, 0.075]),
            );
            put(Cover::Cap, egg([-0.004, 0.0, 1.712], [0.108, 0.092, 0.056]));
            put(Cover::Cap, egg([0.100, 0.0, 1.695], [0.062, 0.068, 0.012]));
        }
    }
    parts.push(Part {
        bone: NECK,
        cover: Cover::Skin,
        shape: tube(
            [-0.015, 0.0, 1.43],
            [0.0, 0.0, 1.57],
            &[0.062, 0.056, 0.055],
            1.0,
        ),
    });
}

/// How softly parts of one cover flow into each other, metres.
fn softness(cover: Cover) -> f32 {
    match cover {
        Cover::Top => 0.05,
        Cover::Bottom => 0.04,
        Cover::Skin => 0.03,
        Cover::Hair => 0.03,
        Cover::Shoe => 0.03,
        Cover::Cap | Cover::Bag => 0.015,
    }
}

pub(super) const COVERS: [Cover; 7] = [
    Cover::Skin,
    Cover::Hair,
    Cover::Top,
    Cover::Bottom,
    Cover::Shoe,
    Cover::Cap,
    Cover::Bag,
];

/// The distance to each cover's blended surface.
pub(super) fn layers(parts: &[Part], p: V3) -> [f32; 7] {
    let mut layers = [9.0_f32; 7];
    for part in parts {
        let layer = &mut layers[part.cover as usize];
        let d = part.shape.distance(p);
        *layer = if *layer > 8.0 {
            d
        } else {
            blend(*layer, d, softness(part.cover))
        };
    }
    // Soles are flat.
    let shoe = &mut layers[Cover::Shoe as usize];
    *shoe = shoe.max(0.006 - p[2]);
    layers
}

/// The distance to the whole figure.
pub(super) fn distance(parts: &[Part], p: V3) -> f32 {
    let layers = layers(parts, p);
    layers.iter().fold(9.0, |a, b| blend(a, *b, 0.008))
}
