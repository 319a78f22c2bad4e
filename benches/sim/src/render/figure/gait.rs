//! Walking and running: where each foot is, and the leg that reaches it.
//!
//! A planted foot stays where it is while the body moves on by the stride, so nothing slides; the
//! hip swings over it like an inverted pendulum (Alexander, "Simple models of human movement",
//! 1995), and the knee follows from the leg's two lengths.

use std::f32::consts::{PI, TAU};

use super::skeleton::{
    ARM, CHEST, FOOT, FOREARM, HEAD, KNEE, LEG, NECK, PELVIS, Pose, RIGHT, SHIN, SPINE, THIGH,
};
use crate::render::vector::smooth_step;

/// What tells one gait from another.
struct Gait {
    /// Share of a cycle that a foot is on the ground.
    duty: f32,
    /// How high a swinging foot goes, metres.
    lift: f32,
    /// Hip above the ground when the leg is straight below it, metres.
    hip: f32,
    /// Forward bend of the trunk, radians.
    lean: f32,
    /// Swing of the arms, radians each way.
    swing: f32,
    /// Bend of the elbows, radians.
    elbow: f32,
    /// How high the body rises between two contacts, metres.
    bounce: f32,
}

const ANKLE: f32 = 0.09;
/// Of a straight leg.
const HIP: f32 = ANKLE + SHIN + THIGH;
/// Ankle to the ball of the foot at rest, forward.
const BALL: f32 = 0.15;

/// The ball of a foot against the hip (forward, up) and the foot's pitch (toes up is negative), at
/// a share of the cycle that starts with its contact.
fn foot(gait: &Gait, stride: f32, share: f32) -> (f32, f32, f32) {
    let reach = gait.duty * stride;
    // The contact is a bit ahead of the hip: the body falls forward onto it.
    let (front, back) = (reach * 0.5 + 0.09, -reach * 0.5 + 0.09);
    if share < gait.duty {
        let t = share / gait.duty;
        let heel = -0.33 * (1.0 - smooth_step(0.0, 0.18, t)) + 0.75 * smooth_step(0.62, 1.0, t);
        (front + (back - front) * t, 0.0, heel)
    } else {
        let t = (share - gait.duty) / (1.0 - gait.duty);
        let eased = t - (TAU * t).sin() / TAU * 0.55;
        let up = gait.lift * (PI * t.powf(0.75)).sin().max(0.0);
        let pitch = 0.75 + (0.35 * gait.lift / 0.1).min(0.9) * (PI * t).sin();
        let pitch = pitch * (1.0 - smooth_step(0.35, 0.95, t)) - 0.33 * smooth_step(0.5, 1.0, t);
        (back + (front - back) * eased, up, pitch)
    }
}

/// Thigh and knee angles that bring the ankle to (forward, down) of the hip.
fn leg(forward: f32, down: f32) -> (f32, f32) {
    let far = (forward * forward + down * down)
        .sqrt()
        .clamp(0.25, THIGH + SHIN - 0.002);
    let inner = (THIGH * THIGH + far * far - SHIN * SHIN) / (2.0 * THIGH * far);
    let knee = (THIGH * THIGH + SHIN * SHIN - far * far) / (2.0 * THIGH * SHIN);
    let towards = forward.atan2(down);
    (
        -(towards + inner.clamp(-1.0, 1.0).acos()),
        PI - knee.clamp(-1.0, 1.0).acos(),
    )
}

/// Ankle against the ball for a foot's pitch: (forward, up).
fn ankle(pitch: f32) -> (f32, f32) {
    let (s, c) = pitch.sin_cos();
    (-BALL * c + ANKLE * s, BALL * s + ANKLE * c)
}

fn stride_pose(gait: &Gait, phase: f32, stride: f32) -> Pose {
    let mut pose = Pose::REST;
    let shares = [phase.rem_euclid(1.0), (phase + 0.5).rem_euclid(1.0)];
    let feet = shares.map(|share| foot(gait, stride, share));
    let mut hip = gait.hip;
    for (forward, up, pitch) in feet {
        let (back, high) = ankle(pitch);
        let ahead = forward + back;
        let reach = THIGH + SHIN - 0.01;
        let top = (reach * reach - ahead * ahead).max(0.1).sqrt() + up + high;
        hip = hip.min(top);
    }
    for (side, (forward, up, pitch)) in feet.iter().enumerate() {
        let (back, high) = ankle(*pitch);
        let (thigh, knee) = leg(forward + back, hip - up - high);
        let offset = side * RIGHT;
        pose.angles[LEG + offset] = [0.0, thigh, 0.0];
        pose.angles[KNEE + offset] = [0.0, knee, 0.0];
        pose.angles[FOOT + offset] = [0.0, pitch - thigh - knee, 0.0];
    }
    // The left leg is in front when its share is near 0: the right arm goes with it.
    let wave = (TAU * phase).cos();
    for (side, sign) in [(0, -1.0_f32), (RIGHT, 1.0)] {
        let outward = if side == 0 { 1.0 } else { -1.0 };
        let swing = gait.swing * wave * sign;
        pose.angles[ARM + side] = [outward * 0.13, -swing + 0.06, outward * -0.08];
        let bend = gait.elbow * (1.0 + 0.35 * wave * sign);
        pose.angles[FOREARM + side] = [0.0, -bend, outward * -gait.elbow * 0.25];
    }
    let twist = (0.09 + gait.swing * 0.1) * wave;
    pose.angles[PELVIS] = [0.04 * (TAU * phase).sin(), gait.lean * 0.3, -twist * 0.6];
    // The legs have been aimed in the world: take the pelvis' own bend back out of them.
    for side in [0, RIGHT] {
        pose.angles[LEG + side][1] -= gait.lean * 0.3;
        pose.angles[LEG + side][2] += twist * 0.6;
        pose.angles[LEG + side][0] -= 0.04 * (TAU * phase).sin();
    }
    pose.angles[SPINE] = [-0.03 * (TAU * phase).sin(), gait.lean * 0.35, twist * 0.6];
    pose.angles[CHEST] = [0.0, gait.lean * 0.35, twist];
    pose.angles[NECK] = [0.0, -gait.lean * 0.3, -twist * 0.5];
    pose.angles[HEAD] = [0.0, -gait.lean * 0.3 + 0.03, -twist * 0.4];
    pose.airborne = gait.bounce
        * (TAU * 2.0 * (phase - gait.duty * 0.5))
            .cos()
            .mul_add(-0.5, 0.5);
    pose
}

/// Walking at a phase (cycles of two steps) with a stride in metres of the rest figure.
pub(in super::super) fn walk(phase: f32, stride: f32) -> Pose {
    let pace = (stride / 1.45).clamp(0.3, 1.4);
    let gait = Gait {
        duty: 0.61,
        lift: 0.06 + 0.03 * pace,
        hip: HIP - 0.005,
        lean: 0.05 * pace,
        swing: 0.42 * pace,
        elbow: 0.3,
        bounce: 0.0,
    };
    stride_pose(&gait, phase, stride)
}

/// Running at a phase with a stride in metres of the rest figure.
pub(in super::super) fn run(phase: f32, stride: f32) -> Pose {
    let pace = (stride / 2.6).clamp(0.5, 1.4);
    let gait = Gait {
        duty: 0.36,
        lift: 0.24 + 0.12 * pace,
        hip: HIP - 0.06,
        lean: 0.2 * pace,
        swing: 0.75 * pace.min(1.1),
        elbow: 1.45,
        bounce: 0.07 * pace,
    };
    stride_pose(&gait, phase, stride)
}

#[cfg(test)]
mod tests {
    use super::super::skeleton::bones;
    use super::*;

    #[test]
    fn a_planted_foot_moves_back_as_fast_as_the_body_moves_on() {
        let stride = 1.4;
        let ball = |phase: f32| {
            let bones = bones(&walk(phase, stride));
            bones[FOOT].carry(FOOT, [0.13, 0.204, 0.0])[0]
        };
        let moved = ball(0.15) - ball(0.35);
        assert!((moved - 0.2 * stride).abs() < 0.04, "{moved}");
    }

    #[test]
    fn runners_lean_and_bend_their_elbows_more_than_walkers() {
        let (walking, running) = (walk(0.3, 1.4), run(0.3, 2.6));
        assert!(running.angles[CHEST][1] > walking.angles[CHEST][1]);
        assert!(running.angles[FOREARM][1] < walking.angles[FOREARM][1]);
    }
}
