//! People as articulated figures: a [`body`] is modelled once per person as a smooth solid (limbs,
//! clothes, head as blended distance fields), turned into a mesh ([`surface`]), tied to a
//! [`skeleton`] and bent by a [`pose`] at every instant.

pub(super) mod body;
pub(super) mod clothes;
pub(super) mod gait;
mod low;
pub(super) mod parts;
pub(super) mod pose;
pub(super) mod skeleton;
pub(super) mod solid;
pub(super) mod surface;
mod upright;
