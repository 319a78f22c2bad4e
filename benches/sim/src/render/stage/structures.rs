//! Walls, fences, buildings, ceilings and lamp posts.

use super::super::light::Lamp;
use super::super::material::Finish;
use super::super::noise::random;
use super::see_through::{Panel, Weave};
use super::shapes::{Builder, Frame};
use crate::world::{Structure, Surface, Vec2};

pub(super) fn build(builder: &mut Builder, structure: &Structure) {
    match structure {
        Structure::Wall {
            path,
            height,
            thickness,
            surface,
            razor_wire,
        } => {
            for pair in path.windows(2) {
                wall(builder, pair[0], pair[1], [*height, *thickness], *surface);
                if *razor_wire {
                    razor(builder, pair[0], pair[1], *height);
                }
            }
        }
        Structure::Fence {
            path,
            height,
            razor_wire,
        } => {
            for pair in path.windows(2) {
                fence(builder, pair[0], pair[1], *height);
                if *razor_wire {
                    razor(builder, pair[0], pair[1], *height);
                }
            }
        }
        Structure::Building {
            center,
            size,
            heading,
            surface,
        } => building(builder, &Frame::new(*center, *heading), *size, *surface),
        Structure::Ceiling { from, to, height } => ceiling(builder, *from, *to, *height),
        Structure::LampPost { at, height } => lamp_post(builder, *at, *height),
        _ => {}
    }
}

/// A frame at `a` whose x axis leads to `b`, and how far that is.
fn between(a: Vec2, b: Vec2) -> (Frame, f32) {
    let way = [b[0] - a[0], b[1] - a[1]];
    (Frame::new(a, way[1].atan2(way[0])), way[0].hypot(way[1]))
}

fn wall(builder: &mut Builder, a: Vec2, b: Vec2, size: [f32; 2], surface: Surface) {
    let (frame, long) = between(a, b);
    let [height, thickness] = size;
    let half = thickness / 2.0;
    let face = builder.material(Finish::Wall(surface), [0.0; 3], [long, height]);
    let (low, high) = ([-half, -half, 0.0], [long + half, half, height]);
    builder.sides(&frame, low, high, [face; 4]);
    let coping = builder.plain([0.30, 0.29, 0.27]);
    let over = half + 0.04;
    builder.block(
        &frame,
        [-over, -over, height],
        [long + over, over, height + 0.08],
        coping,
    );
}

fn razor(builder: &mut Builder, a: Vec2, b: Vec2, height: f32) {
    let steel = builder.plain([0.22, 0.22, 0.22]);
    let (frame, long) = between(a, b);
    let posts = (long / 3.0).ceil().max(1.0) as usize;
    for n in 0..=posts {
        let x = long * n as f32 / posts as f32;
        let foot = frame.at([x, 0.0, height]);
        builder.bar(foot, frame.at([x, 0.0, height + 0.5]), [0.018; 2], 5, steel);
    }
    builder.panels.push(Panel {
        from: frame.at([0.0, 0.0, height + 0.02]),
        to: frame.at([long, 0.0, height + 0.02]),
        height: 0.52,
        weave: Weave::Razor,
    });
}

fn fence(builder: &mut Builder, a: Vec2, b: Vec2, height: f32) {
    let (frame, long) = between(a, b);
    let steel = builder.plain([0.25, 0.26, 0.26]);
    let posts = (long / 2.5).ceil().max(1.0) as usize;
    for n in 0..=posts {
        let x = long * n as f32 / posts as f32;
        let (foot, top) = (frame.at([x, 0.0, 0.0]), frame.at([x, 0.0, height]));
        builder.bar(foot, top, [0.03; 2], 8, steel);
    }
    for z in [0.06, height - 0.03] {
        builder.bar(
            frame.at([0.0, 0.0, z]),
            frame.at([long, 0.0, z]),
            [0.02; 2],
            6,
            steel,
        );
    }
    builder.panels.push(Panel {
        from: frame.at([0.0, 0.0, 0.05]),
        to: frame.at([long, 0.0, 0.05]),
        height: height - 0.08,
        weave: Weave::Chain,
    });
}

fn building(builder: &mut Builder, frame: &Frame, size: [f32; 3], surface: Surface) {
    let [width, depth, height] = size;
    let (x, y) = (width / 2.0, depth / 2.0);
    let faces = [width, depth, width, depth]
        .map(|wide| builder.material(Finish::Facade(surface), [0.0; 3], [wide, height]));
    builder.sides(frame, [-x, -y, 0.0], [x, y, height], faces);
    let roof = builder.material(Finish::Roof, [0.13, 0.12, 0.12], [width, depth]);
    let eaves = 0.18;
    builder.block(
        frame,
        [-x - eaves, -y - eaves, height],
        [x + eaves, y + eaves, height + 0.28],
        roof,
    );
    let metal = builder.plain([0.24, 0.25, 0.26]);
    if width > 4.0 && depth > 4.0 {
        let at = (random(builder.lot, 5) - 0.5) * width * 0.6;
        builder.block(
            frame,
            [at - 0.6, -0.5, height + 0.28],
            [at + 0.6, 0.5, height + 1.1],
            metal,
        );
    }
    for side in [-1.0, 1.0] {
        let foot = frame.at([side * (x - 0.12), -y - 0.06, 0.0]);
        let top = frame.at([side * (x - 0.12), -y - 0.06, height]);
        builder.bar(foot, top, [0.05; 2], 8, metal);
    }
    let plinth = builder.material(Finish::Wall(Surface::Concrete), [0.0; 3], [width, 9.0]);
    builder.sides(
        frame,
        [-x - 0.03, -y - 0.03, 0.0],
        [x + 0.03, y + 0.03, 0.35],
        [plinth; 4],
    );
}

fn ceiling(builder: &mut Builder, from: Vec2, to: Vec2, height: f32) {
    let frame = Frame::new([0.0, 0.0], 0.0);
    let board = builder.material(Finish::Ceiling, [0.62, 0.62, 0.60], [1.0; 2]);
    let glow = builder.material(Finish::Glow, [0.9, 0.9, 0.88], [1.0; 2]);
    builder.block(
        &frame,
        [from[0], from[1], height],
        [to[0], to[1], height + 0.2],
        board,
    );
    let (wide, deep) = (to[0] - from[0], to[1] - from[1]);
    let count = |long: f32| (long / 2.8).round().clamp(1.0, 9.0);
    let (columns, rows) = (count(wide), count(deep));
    // As much light on the floor however many panels share the work.
    let each = 2.3 * (wide / columns) * (deep / rows) / std::f32::consts::PI
        * (0.55 + 0.45 * (height / 3.0));
    for column in 0..columns as u32 {
        for row in 0..rows as u32 {
            let x = from[0] + (column as f32 + 0.5) * wide / columns;
            let y = from[1] + (row as f32 + 0.5) * deep / rows;
            let (hx, hy) = if wide > deep {
                (0.6, 0.13)
            } else {
                (0.13, 0.6)
            };
            builder.block(
                &frame,
                [x - hx, y - hy, height - 0.05],
                [x + hx, y + hy, height - 0.005],
                glow,
            );
            builder.lamps.push(Lamp {
                place: [x, y, height - 0.08],
                colour: [each, each * 0.97, each * 0.89],
                focus: 1.0,
            });
        }
    }
}

fn lamp_post(builder: &mut Builder, at: Vec2, height: f32) {
    let frame = Frame::new(at, random(builder.lot, 1) * std::f32::consts::TAU);
    let metal = builder.plain([0.20, 0.21, 0.21]);
    let glow = builder.material(Finish::Glow, [0.75, 0.74, 0.70], [1.0; 2]);
    let top = frame.at([0.0, 0.0, height]);
    builder.bar(frame.at([0.0, 0.0, 0.0]), top, [0.075, 0.045], 10, metal);
    builder.bar(
        frame.at([0.0, 0.0, 0.0]),
        frame.at([0.0, 0.0, 0.9]),
        [0.1; 2],
        10,
        metal,
    );
    let arm = frame.at([0.9, 0.0, height + 0.12]);
    builder.bar(top, arm, [0.03; 2], 8, metal);
    builder.block(
        &frame,
        [0.75, -0.13, height + 0.08],
        [1.35, 0.13, height + 0.18],
        metal,
    );
    builder.block(
        &frame,
        [0.8, -0.1, height + 0.055],
        [1.3, 0.1, height + 0.079],
        glow,
    );
    let power = 1.25 * height * height;
    builder.lamps.push(Lamp {
        place: frame.at([1.05, 0.0, height]),
        colour: [power, power * 0.80, power * 0.52],
        focus: 0.6,
    });
}
