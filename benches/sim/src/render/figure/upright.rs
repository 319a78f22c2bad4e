//! Poses of people on their feet or seated.

use std::f32::consts::TAU;

use super::skeleton::{
    ARM, CHEST, FOOT, FOREARM, HEAD, KNEE, LEG, PELVIS, Pose, RIGHT, SIDES, SPINE,
};
use crate::render::noise::random;
use crate::render::vector::smooth_step;

pub(super) fn stand(phase: f32, seed: u32) -> Pose {
    let mut pose = Pose::REST;
    let breath = (TAU * phase).sin();
    let sway = (TAU * phase * 0.23 + random(seed, 1) * TAU).sin();
    let weight = (random(seed, 2) - 0.5) * 0.1;
    pose.angles[PELVIS] = [weight + 0.015 * sway, 0.0, 0.02 * sway];
    pose.angles[SPINE] = [-weight * 0.9, 0.02, 0.0];
    pose.angles[CHEST] = [-weight * 0.3, 0.03 + 0.012 * breath, 0.03 * sway];
    pose.angles[HEAD] = [0.0, 0.06, (random(seed, 3) - 0.5) * 0.7 + 0.15 * sway];
    for (side, sign) in SIDES {
        let own = random(seed, 4 + side as u32);
        let bent = if sign * weight < 0.0 {
            weight.abs() * 3.0
        } else {
            0.04
        };
        pose.angles[LEG + side] = [sign * 0.06 - weight, -bent * 0.5, sign * 0.12];
        pose.angles[KNEE + side] = [0.0, bent, 0.0];
        pose.angles[FOOT + side] = [-sign * 0.06, -bent * 0.5, 0.0];
        pose.angles[ARM + side] = [sign * (0.1 + 0.1 * own), 0.1 - 0.2 * own + 0.02 * sway, 0.0];
        pose.angles[FOREARM + side] = [0.0, -0.15 - 0.35 * own, -sign * 0.2 * own];
    }
    match (random(seed, 9) * 6.0) as u32 {
        0 => arms_crossed(&mut pose),
        1 => hands_behind(&mut pose),
        _ => {}
    }
    pose
}

fn arms_crossed(pose: &mut Pose) {
    for (side, sign) in SIDES {
        pose.angles[ARM + side] = [sign * 0.12, -0.55, 0.0];
        pose.angles[FOREARM + side] = [0.0, -1.45, -sign * 1.1];
    }
}

fn hands_behind(pose: &mut Pose) {
    for (side, sign) in SIDES {
        pose.angles[ARM + side] = [sign * 0.2, 0.5, 0.0];
        pose.angles[FOREARM + side] = [-sign * 0.75, -0.1, 0.0];
    }
}

pub(super) fn climb(phase: f32) -> Pose {
    let mut pose = Pose::REST;
    let wave = (TAU * phase).sin();
    pose.angles[PELVIS] = [0.05 * wave, 0.12, 0.0];
    pose.angles[SPINE] = [-0.05 * wave, 0.08, 0.0];
    pose.angles[HEAD] = [0.0, -0.45, 0.0];
    for (side, sign) in SIDES {
        let own = 0.5 + 0.5 * wave * sign;
        pose.angles[LEG + side] = [sign * (0.2 + 0.25 * own), -0.35 - 1.0 * own, sign * 0.3];
        pose.angles[KNEE + side] = [0.0, 0.5 + 1.05 * own, 0.0];
        pose.angles[FOOT + side] = [0.0, -0.15, 0.0];
        // The arm opposite to the high leg reaches up.
        pose.angles[ARM + side] = [sign * 0.2, -2.75 + 0.75 * own, 0.0];
        pose.angles[FOREARM + side] = [0.0, -0.25 - 0.9 * own, 0.0];
    }
    pose
}

pub(super) fn sit(phase: f32, seed: u32) -> Pose {
    let mut pose = Pose::REST;
    let breath = (TAU * phase).sin();
    let slump = 0.05 + 0.3 * random(seed, 11);
    pose.root = [0.0, -0.08, 0.0];
    pose.angles[SPINE] = [0.0, slump * 0.6, 0.0];
    pose.angles[CHEST] = [0.0, slump * 0.6 + 0.012 * breath, 0.0];
    pose.angles[HEAD] = [0.0, -slump * 0.5, 0.3 * (TAU * phase * 0.17).sin()];
    for (side, sign) in SIDES {
        pose.angles[LEG + side] = [sign * 0.16, -1.42, 0.0];
        pose.angles[KNEE + side] = [0.0, 1.5 + 0.1 * sign, 0.0];
        pose.angles[ARM + side] = [sign * 0.12, -0.45 - slump * 0.5, 0.0];
        pose.angles[FOREARM + side] = [0.0, -0.85, -sign * 0.35];
    }
    pose
}

pub(super) fn fight(phase: f32, seed: u32) -> Pose {
    let mut pose = Pose::REST;
    let beat = phase + random(seed, 21);
    let step = (TAU * beat * 0.5).sin();
    let crouch = 0.25 + 0.12 * (TAU * beat * 0.31).sin();
    // Which fist strikes changes from blow to blow.
    let strikes_left = random(seed, beat.floor() as i32 as u32) < 0.45;
    let within = beat.rem_euclid(1.0);
    let blow = smooth_step(0.15, 0.4, within) * (1.0 - smooth_step(0.45, 0.8, within));
    let turned = if strikes_left { -1.0 } else { 1.0 } * blow;
    pose.shift = [0.1 * step + 0.12 * blow, 0.05 * (TAU * beat * 0.23).sin()];
    pose.root = [0.0, 0.1 + 0.15 * blow, 0.25 * step];
    pose.angles[SPINE] = [0.0, 0.12, 0.25 * turned];
    pose.angles[CHEST] = [0.06 * step, 0.14, 0.45 * turned];
    pose.angles[HEAD] = [0.0, -0.12, -0.5 * turned];
    for (side, sign) in SIDES {
        let forward = sign * (0.32 + 0.12 * step);
        pose.angles[LEG + side] = [sign * 0.14, -crouch - forward, sign * 0.1];
        pose.angles[KNEE + side] = [0.0, crouch * 1.7 + 0.1, 0.0];
        pose.angles[FOOT + side] = [0.0, -crouch * 0.5 + forward * 0.8, 0.0];
        let own = if strikes_left == (sign > 0.0) {
            blow
        } else {
            0.0
        };
        pose.angles[ARM + side] = [sign * (0.25 - 0.1 * own), -0.75 - 0.75 * own, 0.0];
        pose.angles[FOREARM + side] = [0.0, -1.85 + 1.65 * own, -sign * 0.4 * (1.0 - own)];
    }
    pose
}

pub(super) fn throw(progress: f32, seed: u32) -> Pose {
    let mut pose = stand(0.0, seed);
    let back = smooth_step(0.0, 0.45, progress) * (1.0 - smooth_step(0.5, 0.68, progress));
    let ahead = smooth_step(0.5, 0.7, progress) * (1.0 - smooth_step(0.82, 1.0, progress));
    let right = RIGHT;
    pose.angles[SPINE] = [0.0, -0.12 * back + 0.25 * ahead, -0.3 * back + 0.3 * ahead];
    pose.angles[CHEST] = [0.0, -0.1 * back + 0.2 * ahead, -0.4 * back + 0.4 * ahead];
    pose.angles[ARM + right] = [
        -0.2 - 0.9 * back,
        0.1 + 0.9 * back - 2.2 * ahead - 1.6 * back,
        0.0,
    ];
    pose.angles[FOREARM + right] = [0.0, -0.3 - 1.5 * back - 0.1 * ahead, 0.0];
    pose.angles[ARM] = [0.2, -0.9 * back + 0.5 * ahead, 0.0];
    pose.angles[LEG] = [0.08, -0.45 * ahead - 0.3 * back, 0.0];
    pose.angles[KNEE] = [0.0, 0.45 * ahead + 0.35 * back, 0.0];
    pose.angles[LEG + right] = [-0.08, 0.3 * ahead, 0.0];
    pose.angles[KNEE + right] = [0.0, 0.2 * ahead + 0.1, 0.0];
    pose
}
