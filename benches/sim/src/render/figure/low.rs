//! Poses of people who are not on their feet, and of falling and getting up.

use std::f32::consts::{FRAC_PI_2, TAU};

use super::skeleton::{ARM, CHEST, FOOT, FOREARM, HAND, HEAD, KNEE, LEG, NECK, Pose, SIDES, SPINE};
use super::upright::stand;
use crate::render::noise::random;
use crate::render::vector::smooth_step;

pub(super) fn crawl(phase: f32) -> Pose {
    let mut pose = Pose::REST;
    let wave = (TAU * phase).sin();
    let lift = |at: f32| (TAU * (phase + at)).cos().max(0.0) * 0.25;
    pose.root = [0.0, 1.38, 0.0];
    pose.angles[SPINE] = [0.0, 0.08, 0.06 * wave];
    pose.angles[CHEST] = [0.0, 0.05, -0.08 * wave];
    pose.angles[NECK] = [0.0, -0.5, 0.0];
    pose.angles[HEAD] = [0.0, -0.55, 0.05 * wave];
    for (side, sign) in SIDES {
        // Diagonal limbs go together.
        let (leg, arm) = (-sign * wave * 0.3, sign * wave * 0.3);
        let half = if side == 0 { 0.0 } else { 0.5 };
        pose.angles[LEG + side] = [sign * 0.08, -1.38 + leg, 0.0];
        pose.angles[KNEE + side] = [0.0, 1.5 - leg * 0.6 + lift(half) * 0.4, 0.0];
        pose.angles[FOOT + side] = [0.0, 0.9, 0.0];
        pose.angles[ARM + side] = [sign * 0.1, -1.5 - arm, 0.0];
        pose.angles[FOREARM + side] = [0.0, -0.12 - lift(half + 0.5), 0.0];
        pose.angles[HAND + side] = [0.0, -1.2, 0.0];
    }
    pose
}

/// Lies with the head away from the heading, on the back or turned about the long axis.
pub(super) fn lie(side: f32, seed: u32) -> Pose {
    let over = (TAU * side).sin();
    let mut pose = on_back(seed).toward(&on_side(over), over.abs());
    pose.roll = TAU * side;
    pose
}

/// Trunk, head, heels and elbows rest on the ground; one in some draws up a knee, or has a hand on the
/// belly.
fn on_back(seed: u32) -> Pose {
    let mut pose = Pose::REST;
    pose.root = [0.0, -FRAC_PI_2, 0.0];
    pose.angles[SPINE] = [0.0, -0.04, 0.0];
    pose.angles[NECK] = [0.0, -0.12, 0.0];
    pose.angles[HEAD] = [0.0, -0.05, (random(seed, 31) - 0.5) * 1.6];
    for (limb, sign) in SIDES {
        let own = random(seed, 32 + limb as u32);
        let drawn_up = sign > 0.0 && random(seed, 38) < 0.4;
        // A sole on the ground, or a heel.
        let [hip, knee, foot] = if drawn_up {
            [0.9, 2.0, 0.45]
        } else {
            [0.0, 0.02, 0.4]
        };
        pose.angles[LEG + limb] = [sign * (0.06 + 0.14 * own), -hip, sign * 0.25];
        pose.angles[KNEE + limb] = [0.0, knee, 0.0];
        pose.angles[FOOT + limb] = [0.0, foot, sign * 0.3];
        let on_belly = random(seed, 42 + limb as u32) < 0.25;
        (pose.angles[ARM + limb], pose.angles[FOREARM + limb]) = if on_belly {
            ([sign * 0.3, -0.05, 0.0], [-sign * 0.3, -1.35, -sign * 0.9])
        } else {
            ([sign * (0.25 + 0.55 * own), 0.2, 0.0], [0.0, -0.25, 0.0])
        };
    }
    pose
}

/// On the right side, or on the left one below zero: the upper limbs drop to the ground in front, the lower
/// arm lies under the head.
fn on_side(over: f32) -> Pose {
    let mut pose = Pose::REST;
    pose.root = [0.0, -FRAC_PI_2, 0.0];
    pose.angles[SPINE] = [0.0, 0.2, 0.0];
    pose.angles[CHEST] = [0.0, 0.1, 0.0];
    pose.angles[NECK] = [0.2 * over.signum(), 0.1, 0.0];
    pose.angles[HEAD] = [0.1 * over.signum(), 0.1, 0.0];
    for (limb, sign) in SIDES {
        let upper = sign * over > 0.0;
        let [leg, knee] = if upper {
            [[-sign * 0.25, -0.85, 0.0], [0.0, 1.25, 0.0]]
        } else {
            [[sign * 0.1, -0.2, 0.0], [0.0, 0.45, 0.0]]
        };
        let [arm, forearm] = if upper {
            [[-sign * 0.45, -1.05, 0.0], [0.0, -0.6, 0.0]]
        } else {
            [[sign * 0.1, -1.5, 0.0], [0.0, -1.9, 0.0]]
        };
        pose.angles[LEG + limb] = leg;
        pose.angles[KNEE + limb] = knee;
        pose.angles[FOOT + limb] = [0.0, 0.5, 0.0];
        pose.angles[ARM + limb] = arm;
        pose.angles[FOREARM + limb] = forearm;
    }
    pose
}

pub(super) fn rolled(phase: f32) -> Pose {
    let mut pose = on_back(0);
    pose.roll = TAU * phase;
    for (side, sign) in SIDES {
        pose.angles[LEG + side] = [sign * 0.03, -0.08, 0.0];
        pose.angles[KNEE + side] = [0.0, 0.15, 0.0];
        pose.angles[ARM + side] = [sign * 0.02, -0.35, 0.0];
        pose.angles[FOREARM + side] = [0.0, -1.7, -sign * 0.7];
    }
    pose
}

fn crumpled() -> Pose {
    let mut pose = Pose::REST;
    pose.root = [0.0, -0.55, 0.0];
    pose.angles[SPINE] = [0.1, 0.35, 0.1];
    pose.angles[CHEST] = [0.1, 0.3, 0.15];
    pose.angles[HEAD] = [0.0, 0.3, 0.2];
    for (side, sign) in SIDES {
        pose.angles[LEG + side] = [sign * 0.2, -0.95, 0.0];
        pose.angles[KNEE + side] = [0.0, 1.75, 0.0];
        pose.angles[FOOT + side] = [0.0, -0.2, 0.0];
        pose.angles[ARM + side] = [sign * 0.8, -0.5 + 0.3 * sign, 0.0];
        pose.angles[FOREARM + side] = [0.0, -0.7, 0.0];
    }
    pose
}

/// Knees give way, the body drops and tips over backwards onto the back.
pub(super) fn fall(progress: f32, seed: u32) -> Pose {
    let first = stand(0.0, seed).toward(&crumpled(), smooth_step(0.0, 0.5, progress));
    first.toward(&lie(0.0, seed), smooth_step(0.4, 1.0, progress))
}

/// From the back to sitting, to a crouch, to standing.
pub(super) fn rise(progress: f32, seed: u32) -> Pose {
    let mut crouch = Pose::REST;
    crouch.root = [0.0, 0.35, 0.0];
    crouch.angles[SPINE] = [0.0, 0.4, 0.0];
    crouch.angles[CHEST] = [0.0, 0.3, 0.0];
    crouch.angles[HEAD] = [0.0, -0.3, 0.0];
    crouch.angles[NECK] = [0.0, -0.2, 0.0];
    for (side, sign) in SIDES {
        crouch.angles[LEG + side] = [sign * 0.15, -2.0, 0.0];
        crouch.angles[KNEE + side] = [0.0, 2.1, 0.0];
        crouch.angles[FOOT + side] = [0.0, -0.4, 0.0];
        crouch.angles[ARM + side] = [sign * 0.2, -0.7, 0.0];
        crouch.angles[FOREARM + side] = [0.0, -0.4, 0.0];
    }
    let sitting = sit_on_ground();
    let up = lie(0.0, seed).toward(&sitting, smooth_step(0.0, 0.4, progress));
    let up = up.toward(&crouch, smooth_step(0.35, 0.7, progress));
    up.toward(&stand(0.0, seed), smooth_step(0.65, 1.0, progress))
}

fn sit_on_ground() -> Pose {
    let mut pose = Pose::REST;
    pose.root = [0.0, -0.25, 0.0];
    pose.angles[SPINE] = [0.0, 0.35, 0.0];
    pose.angles[CHEST] = [0.0, 0.25, 0.0];
    for (side, sign) in SIDES {
        pose.angles[LEG + side] = [sign * 0.15, -1.75, 0.0];
        pose.angles[KNEE + side] = [0.0, 1.1, 0.0];
        pose.angles[ARM + side] = [sign * 0.3, 0.5, 0.0];
        pose.angles[FOREARM + side] = [0.0, -0.2, 0.0];
        pose.angles[HAND + side] = [0.0, -0.8, 0.0];
    }
    pose
}

#[cfg(test)]
mod tests {
    use super::super::skeleton::{PELVIS, RIGHT, SUPPORTS, bones, lowest};
    use super::*;

    /// How far the lowest place of a bone is above the ground, metres.
    fn above_ground(pose: &Pose, bone: usize) -> f32 {
        let bones = bones(pose);
        let places = SUPPORTS.iter().filter(|(of, _, _)| *of == bone);
        let lowest_of_bone = places
            .map(|(of, point, radius)| bones[*of].carry(*of, *point)[2] - radius)
            .fold(f32::MAX, f32::min);
        lowest_of_bone - lowest(&bones)
    }

    #[test]
    fn who_lies_on_the_back_rests_on_the_ground_from_head_to_heel() {
        let mut drawn_up = 0;
        for seed in 0..100 {
            let pose = lie(0.0, seed);
            for bone in [HEAD, CHEST, PELVIS, FOOT, FOOT + RIGHT] {
                let far = above_ground(&pose, bone);
                assert!(far < 0.06, "seed {seed}: bone {bone} is {far} m above");
            }
            drawn_up += usize::from(above_ground(&pose, KNEE) > 0.2);
        }
        assert!(
            (20..60).contains(&drawn_up),
            "{drawn_up} of 100 draw up a knee"
        );
    }

    #[test]
    fn who_lies_on_a_side_has_the_other_arm_and_knee_in_front_near_the_ground() {
        for (side, upper) in [(0.25, 0), (0.75, RIGHT)] {
            let pose = lie(side, 7);
            assert!(above_ground(&pose, HAND + upper) < 0.2, "{side}");
            assert!(above_ground(&pose, KNEE + upper) < 0.2, "{side}");
            assert!(
                above_ground(&pose, LEG + RIGHT - upper) < 0.1,
                "{side}: the hip"
            );
        }
    }
}
