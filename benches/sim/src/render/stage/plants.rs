//! Trees and bushes: trunks that stand still, crowns of leaves that sway.

use std::f32::consts::TAU;

use super::super::bvh::{Bvh, Triangle};
use super::super::material::Finish;
use super::super::noise::Dice;
use super::super::vector::{V3, add, along, cross, scale, tangents, unit};
use super::see_through::Crown;
use super::shapes::{Builder, Frame};
use crate::world::Structure;

pub(super) fn build(builder: &mut Builder, structure: &Structure) {
    match structure {
        Structure::Tree { at, height } => tree(builder, *at, *height),
        Structure::Bush { at, height } => bush(builder, *at, *height),
        _ => {}
    }
}

fn green(dice: &mut Dice) -> V3 {
    let tints = [
        [0.055, 0.095, 0.028],
        [0.075, 0.110, 0.030],
        [0.045, 0.080, 0.034],
        [0.095, 0.110, 0.040],
    ];
    dice.pick(&tints)
}

fn tree(builder: &mut Builder, at: [f32; 2], height: f32) {
    let mut dice = Dice::new(builder.lot);
    let frame = Frame::new(at, dice.between(0.0, TAU));
    let bark = builder.material(Finish::Bark, [0.085, 0.065, 0.048], [1.0; 2]);
    let thick = 0.022 * height + 0.04;
    let fork = frame.at([0.02 * height, 0.0, height * 0.42]);
    builder.bar(frame.at([0.0; 3]), fork, [thick, thick * 0.7], 10, bark);
    let wide = height * dice.between(0.26, 0.34);
    let mut clumps = Vec::new();
    for n in 0..9 {
        let angle = n as f32 * 2.4 + dice.between(-0.4, 0.4);
        let out = wide * dice.between(0.25, 0.72);
        let up = height * dice.between(0.5, 0.88);
        let tip = frame.at([out * angle.cos(), out * angle.sin(), up]);
        builder.bar(fork, tip, [thick * 0.4, thick * 0.1], 6, bark);
        clumps.push((tip, wide * dice.between(0.34, 0.55)));
    }
    clumps.push((frame.at([0.0, 0.0, height * 0.86]), wide * 0.5));
    let count = (500.0 + height * 260.0).min(3600.0) as usize;
    let size = 0.07 + height * 0.009;
    crown(
        builder,
        &mut dice,
        &clumps,
        count,
        size,
        frame.at([0.0; 3]),
        height,
    );
}

fn bush(builder: &mut Builder, at: [f32; 2], height: f32) {
    let mut dice = Dice::new(builder.lot);
    let frame = Frame::new(at, dice.between(0.0, TAU));
    let mut clumps = Vec::new();
    for n in 0..6 {
        let angle = n as f32 * 1.05 + dice.between(-0.3, 0.3);
        let out = height * dice.between(0.15, 0.5);
        let up = height * dice.between(0.3, 0.66);
        clumps.push((
            frame.at([out * angle.cos(), out * angle.sin(), up]),
            height * dice.between(0.28, 0.4),
        ));
    }
    clumps.push((frame.at([0.0, 0.0, height * 0.5]), height * 0.45));
    crown(
        builder,
        &mut dice,
        &clumps,
        900,
        0.045 + height * 0.012,
        frame.at([0.0; 3]),
        height,
    );
}

fn crown(
    builder: &mut Builder,
    dice: &mut Dice,
    clumps: &[(V3, f32)],
    count: usize,
    size: f32,
    foot: V3,
    height: f32,
) {
    let tint = green(dice);
    let mut leaves = Vec::with_capacity(count * 2);
    let middle = scale(
        clumps.iter().fold([0.0; 3], |sum, (at, _)| add(sum, *at)),
        1.0 / clumps.len() as f32,
    );
    let mut radius = 0.0_f32;
    for _ in 0..count {
        let (at, wide) = clumps[dice.bits() as usize % clumps.len()];
        let out = unit([
            dice.between(-1.0, 1.0),
            dice.between(-1.0, 1.0),
            dice.between(-0.8, 1.0),
        ]);
        let place = along(at, out, wide * dice.between(0.55, 1.0).sqrt());
        if place[2] < 0.03 {
            continue;
        }
        let tilt = unit([
            out[0] + dice.between(-0.7, 0.7),
            out[1] + dice.between(-0.7, 0.7),
            out[2] + dice.between(-0.4, 0.9),
        ]);
        let (u, v) = tangents(tilt);
        let turn = dice.between(0.0, TAU);
        let (long, broad) = (size * dice.between(0.7, 1.5), size * dice.between(0.4, 0.8));
        let axis = add(scale(u, turn.cos()), scale(v, turn.sin()));
        let side = cross(tilt, axis);
        let corners = [
            along(place, axis, -long),
            along(place, side, broad),
            along(place, axis, long),
            along(place, side, -broad),
        ];
        // Leaves are lit as the crown's round surface, a bit as themselves.
        let normal = unit(add(scale(out, 1.0), scale(tilt, 0.5)));
        for [i, j, k] in [[0, 1, 2], [0, 2, 3]] {
            leaves.push(Triangle {
                corners: [corners[i], corners[j], corners[k]],
                normals: [normal; 3],
                uv: [[0.0; 2]; 3],
                material: dice.bits(),
            });
        }
        radius = radius.max(super::super::vector::length(super::super::vector::sub(
            place, middle,
        )));
    }
    builder.crowns.push(Crown {
        leaves: Bvh::new(leaves),
        foot,
        height,
        middle,
        radius: radius + size * 2.0,
        tint,
        lot: builder.lot,
    });
}
