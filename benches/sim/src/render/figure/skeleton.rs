//! The bones of a figure 1.75 m tall at rest: upright, facing +x, arms 40° and legs 7°
//! from hanging, so that limbs do not grow together.

use super::super::vector::{IDENTITY, M3, V3, add, after, rotate_x, rotate_y, rotate_z, sub, turn};

/// Height of the figure that every measure here is for, metres.
pub(in super::super) const REST_HEIGHT: f32 = 1.75;
/// How far the arms are from hanging at rest, radians.
pub(in super::super) const ARM_ANGLE: f32 = 0.698;
/// How far the legs are spread at rest, radians.
const LEG_ANGLE: f32 = 0.123;
/// Hip to knee and knee to ankle, metres.
pub(in super::super) const THIGH: f32 = 0.42;
pub(in super::super) const SHIN: f32 = 0.41;

pub(in super::super) const BONES: usize = 17;
pub(in super::super) const PELVIS: usize = 0;
pub(in super::super) const SPINE: usize = 1;
pub(in super::super) const CHEST: usize = 2;
pub(in super::super) const NECK: usize = 3;
pub(in super::super) const HEAD: usize = 4;
/// Left arm; the right one is [`RIGHT`] further on.
pub(in super::super) const ARM: usize = 5;
pub(in super::super) const FOREARM: usize = 6;
pub(in super::super) const HAND: usize = 7;
/// Left leg; the right one is [`RIGHT`] further on.
pub(in super::super) const LEG: usize = 11;
pub(in super::super) const KNEE: usize = 12;
pub(in super::super) const FOOT: usize = 13;
pub(in super::super) const RIGHT: usize = 3;

/// Both sides of the body: offset of the bones, and +1 on the left.
pub(super) const SIDES: [(usize, f32); 2] = [(0, 1.0), (RIGHT, -1.0)];

/// The bone that each bone hangs on.
pub(in super::super) const PARENT: [usize; BONES] =
    [0, 0, 1, 2, 3, 2, 5, 6, 2, 8, 9, 0, 11, 12, 0, 14, 15];

/// Where each bone begins, metres.
pub(in super::super) const JOINTS: [V3; BONES] = [
    [0.0, 0.0, 0.95],
    [-0.005, 0.0, 1.06],
    [-0.01, 0.0, 1.22],
    [-0.015, 0.0, 1.46],
    [0.005, 0.0, 1.55],
    [-0.01, 0.183, 1.40],
    [-0.01, 0.366, 1.182],
    [0.0, 0.527, 0.99],
    [-0.01, -0.183, 1.40],
    [-0.01, -0.366, 1.182],
    [0.0, -0.527, 0.99],
    [0.0, 0.092, 0.9125],
    [0.01, 0.1495, 0.4964],
    [-0.02, 0.2038, 0.09],
    [0.0, -0.092, 0.9125],
    [0.01, -0.1495, 0.4964],
    [-0.02, -0.2038, 0.09],
];

/// How the body is bent. Angles are radians about x (left shoulder down), y (forward bend) and z
/// (turn left), applied in this order; arms count from hanging.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in super::super) struct Pose {
    /// The whole body's turn.
    pub(in super::super) root: V3,
    /// Each bone's turn against its parent.
    pub(in super::super) angles: [V3; BONES],
    /// How high the lowest point is above what the person stands on, metres.
    pub(in super::super) airborne: f32,
    /// Where the pelvis is, forward and left of the person's position, metres.
    pub(in super::super) shift: [f32; 2],
    /// Turn about the body's own long axis after it has been laid down.
    pub(in super::super) roll: f32,
}

impl Pose {
    pub(in super::super) const REST: Self = Self {
        root: [0.0; 3],
        angles: [[0.0; 3]; BONES],
        airborne: 0.0,
        shift: [0.0; 2],
        roll: 0.0,
    };

    /// Part of the way to another pose.
    pub(in super::super) fn toward(&self, other: &Self, t: f32) -> Self {
        let mixed = |a: f32, b: f32| a + (b - a) * t;
        let mixed3 = |a: V3, b: V3| [mixed(a[0], b[0]), mixed(a[1], b[1]), mixed(a[2], b[2])];
        let mut pose = *self;
        pose.root = mixed3(self.root, other.root);
        for (bone, angle) in pose.angles.iter_mut().enumerate() {
            *angle = mixed3(self.angles[bone], other.angles[bone]);
        }
        pose.airborne = mixed(self.airborne, other.airborne);
        pose.shift = [
            mixed(self.shift[0], other.shift[0]),
            mixed(self.shift[1], other.shift[1]),
        ];
        pose.roll = mixed(self.roll, other.roll);
        pose
    }
}

/// One bone in the world: a point `p` at rest is at `turn * (p - joint) + place`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in super::super) struct Bone {
    pub(in super::super) turn: M3,
    pub(in super::super) place: V3,
}

impl Bone {
    /// Where a point of the rest figure is now.
    pub(in super::super) fn carry(&self, bone: usize, point: V3) -> V3 {
        add(turn(&self.turn, sub(point, JOINTS[bone])), self.place)
    }
}

fn euler(angles: V3) -> M3 {
    after(
        &rotate_z(angles[2]),
        &after(&rotate_y(angles[1]), &rotate_x(angles[0])),
    )
}

/// From rest to hanging, for arms and legs; feet stay flat, the trunk as it is.
fn hang(bone: usize) -> M3 {
    match bone {
        5..=7 => rotate_x(-ARM_ANGLE),
        8..=10 => rotate_x(ARM_ANGLE),
        LEG | KNEE => rotate_x(-LEG_ANGLE),
        14 | 15 => rotate_x(LEG_ANGLE),
        _ => IDENTITY,
    }
}

/// All bones of a posed rest figure, in metres of the rest figure, the pelvis at the origin, facing
/// +x.
pub(in super::super) fn bones(pose: &Pose) -> [Bone; BONES] {
    let root = after(&rotate_x(pose.roll), &euler(pose.root));
    let mut frames = [root; BONES];
    let mut bones = [Bone {
        turn: root,
        place: [0.0; 3],
    }; BONES];
    for bone in 0..BONES {
        let parent = PARENT[bone];
        let above = if bone == 0 { root } else { frames[parent] };
        frames[bone] = after(&above, &euler(pose.angles[bone]));
        let place = if bone == 0 {
            [0.0; 3]
        } else {
            bones[parent].carry(parent, JOINTS[bone])
        };
        bones[bone] = Bone {
            turn: after(&frames[bone], &hang(bone)),
            place,
        };
    }
    bones
}

/// Points of the rest figure that can touch the ground: bone, place and radius.
pub(in super::super) const SUPPORTS: [(usize, V3, f32); 22] = [
    (FOOT, [-0.075, 0.2038, 0.045], 0.045),
    (FOOT, [0.15, 0.2138, 0.03], 0.03),
    (FOOT + RIGHT, [-0.075, -0.2038, 0.045], 0.045),
    (FOOT + RIGHT, [0.15, -0.2138, 0.03], 0.03),
    (KNEE, [0.01, 0.1495, 0.4964], 0.07),
    (KNEE + RIGHT, [0.01, -0.1495, 0.4964], 0.07),
    (LEG, [0.0, 0.102, 0.845], 0.1),
    (LEG + RIGHT, [0.0, -0.102, 0.845], 0.1),
    (PELVIS, [-0.02, 0.07, 0.93], 0.11),
    (PELVIS, [-0.02, -0.07, 0.93], 0.11),
    (CHEST, [0.0, 0.09, 1.32], 0.115),
    (CHEST, [0.0, -0.09, 1.32], 0.115),
    (SPINE, [0.0, 0.0, 1.12], 0.11),
    (HEAD, [0.01, 0.0, 1.645], 0.1),
    (ARM, [-0.01, 0.183, 1.40], 0.065),
    (ARM + RIGHT, [-0.01, -0.183, 1.40], 0.065),
    (FOREARM, [-0.01, 0.366, 1.182], 0.05),
    (FOREARM + RIGHT, [-0.01, -0.366, 1.182], 0.05),
    (HAND, [0.0, 0.58, 0.925], 0.035),
    (HAND + RIGHT, [0.0, -0.58, 0.925], 0.035),
    (HAND, [0.0, 0.625, 0.87], 0.02),
    (HAND + RIGHT, [0.0, -0.625, 0.87], 0.02),
];

/// The lowest point of posed bones, in the same metres.
pub(in super::super) fn lowest(bones: &[Bone; BONES]) -> f32 {
    SUPPORTS
        .iter()
        .map(|(bone, point, radius)| bones[*bone].carry(*bone, *point)[2] - radius)
        .fold(f32::MAX, f32::min)
}
