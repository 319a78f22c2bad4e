//! Cars, benches, tables and hoops.

use super::super::material::Finish;
use super::super::noise::Dice;
use super::super::vector::{V3, scale};
use super::shapes::{Builder, Frame};
use crate::world::Structure;

pub(super) fn build(builder: &mut Builder, structure: &Structure) {
    match structure {
        Structure::Car { at, heading } => car(builder, &Frame::new(*at, *heading)),
        Structure::Bench { at, heading } => bench(builder, &Frame::new(*at, *heading)),
        Structure::Table { at, heading } => table(builder, &Frame::new(*at, *heading)),
        Structure::Hoop { at, heading } => hoop(builder, &Frame::new(*at, *heading)),
        _ => {}
    }
}

/// One cross-section of a car: a rounded box, from side to side over the top.
fn section(frame: &Frame, x: f32, half: f32, low: f32, high: f32, round: f32) -> Vec<V3> {
    let shape = [
        (-1.0, 0.0, 1.0, 0.0),
        (-1.0, 0.0, 0.0, 1.0),
        (-1.0, 1.0, 0.0, -1.0),
        (-1.0, 1.0, 1.0, 0.0),
        (1.0, 1.0, -1.0, 0.0),
        (1.0, 1.0, 0.0, -1.0),
        (1.0, 0.0, 0.0, 1.0),
        (1.0, 0.0, -1.0, 0.0),
    ];
    shape
        .into_iter()
        .map(|(side, up, in_y, in_z): (f32, f32, f32, f32)| {
            let y = side * half + in_y * round;
            let z = low + up * (high - low) + in_z * round;
            frame.at([x, y, z])
        })
        .collect()
}

fn car(builder: &mut Builder, frame: &Frame) {
    let mut dice = Dice::new(builder.lot);
    let paints = [
        [0.42, 0.43, 0.45],
        [0.05, 0.055, 0.06],
        [0.62, 0.62, 0.61],
        [0.05, 0.09, 0.20],
        [0.28, 0.03, 0.03],
        [0.17, 0.18, 0.19],
    ];
    let paint = dice.pick(&paints);
    let body = builder.plain(paint);
    let glass = builder.material(Finish::Glass, [0.03, 0.035, 0.04], [1.0; 2]);
    let van = dice.next() < 0.3;
    let long = if van { 2.4 } else { 2.2 };
    let hull: Vec<Vec<V3>> = [
        (-long, 0.70, 0.38, 0.72, 0.06),
        (-long + 0.12, 0.84, 0.26, 0.90, 0.10),
        (-1.2, 0.88, 0.24, 0.95, 0.10),
        (0.9, 0.88, 0.24, 0.92, 0.10),
        (long - 0.4, 0.85, 0.25, 0.78, 0.10),
        (long - 0.06, 0.76, 0.30, 0.66, 0.08),
        (long, 0.66, 0.36, 0.58, 0.05),
    ]
    .into_iter()
    .map(|(x, half, low, high, round)| section(frame, x, half, low, high, round))
    .collect();
    builder.loft(&hull, body);
    let top = if van { 1.85 } else { 1.42 };
    let rear = if van { -long + 0.15 } else { -1.75 };
    let cabin = |inset: f32, low: f32, high: f32| {
        vec![
            section(frame, rear, 0.80 - inset, low, low + 0.02, 0.01),
            section(frame, rear + 0.35, 0.72 - inset, low, high - 0.04, 0.07),
            section(frame, rear + 0.8, 0.70 - inset, low, high, 0.09),
            section(frame, 0.1, 0.70 - inset, low, high - 0.02, 0.09),
            section(frame, 0.95, 0.76 - inset, low, low + 0.03, 0.01),
        ]
    };
    builder.loft(&cabin(0.0, 0.88, top - 0.03), glass);
    builder.block(
        frame,
        [rear + 0.45, -0.66, top - 0.06],
        [0.05, 0.66, top],
        body,
    );
    for x in [rear + 0.5, -0.55, 0.15] {
        for y in [-1.0, 1.0] {
            let (foot, head) = (
                frame.at([x - 0.1, y * 0.84, 0.88]),
                frame.at([x, y * 0.67, top - 0.03]),
            );
            builder.bar(foot, head, [0.05; 2], 6, body);
        }
    }
    wheels(builder, frame);
    car_ends(builder, frame, long);
}

fn wheels(builder: &mut Builder, frame: &Frame) {
    let black = builder.plain([0.025; 3]);
    let rim = builder.plain([0.35; 3]);
    for x in [-1.35, 1.35] {
        for y in [-1.0, 1.0] {
            let (inner, outer) = (frame.at([x, y * 0.62, 0.32]), frame.at([x, y * 0.86, 0.32]));
            builder.bar(inner, outer, [0.32; 2], 18, black);
            let out = scale(frame.y, y);
            builder.disc(outer, out, 0.32, black);
            builder.disc(frame.at([x, y * 0.865, 0.32]), out, 0.2, rim);
        }
    }
}

/// Lamps, plate and underside.
fn car_ends(builder: &mut Builder, frame: &Frame, long: f32) {
    let black = builder.plain([0.025; 3]);
    let lamp = builder.plain([0.55, 0.55, 0.52]);
    let red = builder.plain([0.3, 0.02, 0.02]);
    for y in [-0.58, 0.58] {
        builder.block(
            frame,
            [long - 0.12, y - 0.16, 0.56],
            [long - 0.01, y + 0.16, 0.68],
            lamp,
        );
        builder.block(
            frame,
            [-long + 0.01, y - 0.14, 0.62],
            [-long + 0.1, y + 0.14, 0.78],
            red,
        );
    }
    builder.block(
        frame,
        [long - 0.1, -0.26, 0.36],
        [long + 0.01, 0.26, 0.48],
        lamp,
    );
    builder.block(frame, [-1.9, -0.7, 0.14], [1.9, 0.7, 0.3], black);
}

fn bench(builder: &mut Builder, frame: &Frame) {
    let wood = builder.material(Finish::Wood, [0.20, 0.13, 0.075], [1.0; 2]);
    let concrete = builder.plain([0.27, 0.265, 0.25]);
    for n in 0..4 {
        let y = -0.23 + n as f32 * 0.118;
        builder.block(frame, [-0.95, y, 0.41], [0.95, y + 0.1, 0.45], wood);
    }
    for x in [-0.7, 0.7] {
        builder.block(
            frame,
            [x - 0.09, -0.2, 0.0],
            [x + 0.09, 0.2, 0.41],
            concrete,
        );
    }
}

fn table(builder: &mut Builder, frame: &Frame) {
    let board = builder.plain([0.30, 0.31, 0.32]);
    let steel = builder.plain([0.16, 0.17, 0.18]);
    builder.block(frame, [-0.6, -0.6, 0.72], [0.6, 0.6, 0.76], board);
    builder.bar(
        frame.at([0.0; 3]),
        frame.at([0.0, 0.0, 0.72]),
        [0.06; 2],
        10,
        steel,
    );
    for [x, y] in [[0.95, 0.0], [-0.95, 0.0], [0.0, 0.95], [0.0, -0.95]] {
        let up = frame.at([x, y, 0.44]);
        builder.bar(frame.at([x, y, 0.0]), up, [0.04; 2], 8, steel);
        builder.disc(frame.at([x, y, 0.46]), [0.0, 0.0, 1.0], 0.17, board);
        builder.bar(up, frame.at([x, y, 0.46]), [0.17; 2], 14, board);
        builder.bar(
            frame.at([x, y, 0.12]),
            frame.at([0.0, 0.0, 0.12]),
            [0.025; 2],
            6,
            steel,
        );
    }
}

fn hoop(builder: &mut Builder, frame: &Frame) {
    let steel = builder.plain([0.13, 0.15, 0.22]);
    let board = builder.plain([0.55, 0.55, 0.54]);
    let ring = builder.plain([0.45, 0.12, 0.04]);
    builder.bar(
        frame.at([0.0; 3]),
        frame.at([0.0, 0.0, 3.2]),
        [0.08; 2],
        10,
        steel,
    );
    builder.bar(
        frame.at([0.0, 0.0, 3.2]),
        frame.at([1.1, 0.0, 3.3]),
        [0.05; 2],
        8,
        steel,
    );
    builder.block(frame, [1.1, -0.9, 2.9], [1.15, 0.9, 3.95], board);
    builder.block(frame, [1.151, -0.3, 3.15], [1.156, 0.3, 3.19], ring);
    builder.block(frame, [1.151, -0.3, 3.55], [1.156, 0.3, 3.59], ring);
    for n in 0..16 {
        let at = |n: usize| {
            let angle = n as f32 / 16.0 * std::f32::consts::TAU;
            frame.at([1.42 + 0.225 * angle.cos(), 0.225 * angle.sin(), 3.05])
        };
        builder.bar(at(n), at(n + 1), [0.012; 2], 5, ring);
    }
}
