//! From a [`Motion`] to bent bones.

use super::skeleton::{BONES, Bone, Pose, REST_HEIGHT, bones, lowest};
use super::{gait, low, upright};
use crate::render::vector::{after, rotate_z, scale, turn};
use crate::world::{Motion, Person};

/// The bones of a person in the world; `1.0 / scale` of a metre there is one of the rest figure's.
/// The lowest point is at the height of the person's position.
pub(in super::super) fn place(person: &Person) -> ([Bone; BONES], f32) {
    let size = person.look.height / REST_HEIGHT;
    let pose = pose(person);
    let mut bones = bones(&pose);
    let ground = lowest(&bones);
    let heading = rotate_z(person.heading);
    for bone in &mut bones {
        let mut local = bone.place;
        local[0] += pose.shift[0];
        local[1] += pose.shift[1];
        local[2] += pose.airborne - ground;
        let turned = scale(turn(&heading, local), size);
        bone.place = [
            person.position[0] + turned[0],
            person.position[1] + turned[1],
            person.position[2] + turned[2],
        ];
        bone.turn = after(&heading, &bone.turn);
    }
    (bones, size)
}

/// How a person is bent at this instant.
pub(in super::super) fn pose(person: &Person) -> Pose {
    let seed = person.look.seed ^ person.id.wrapping_mul(0x9e37);
    let size = person.look.height / REST_HEIGHT;
    match person.motion {
        Motion::Stand { phase } => upright::stand(phase, seed),
        Motion::Walk { phase, .. } => gait::walk(phase, stride(person) / size),
        Motion::Run { phase, .. } => gait::run(phase, stride(person) / size),
        Motion::Crawl { phase } => low::crawl(phase),
        Motion::Roll { phase } => low::rolled(phase),
        Motion::Climb { phase } => upright::climb(phase),
        Motion::Fall { progress } => low::fall(progress, seed),
        Motion::Lie { side } => low::lie(side, seed),
        Motion::Sit { phase } => upright::sit(phase, seed),
        Motion::Fight { phase } => upright::fight(phase, seed),
        Motion::Throw { progress } => upright::throw(progress, seed),
        Motion::Rise { progress } => low::rise(progress, seed),
    }
}

fn stride(person: &Person) -> f32 {
    person
        .motion
        .cycle_metres(person.look.height)
        .unwrap_or(1.4)
}
