//! What stands and hides in parts only: strips of wire, crowns of leaves.

use super::super::bvh::Bvh;
use super::super::vector::V3;

/// How a see-through panel is woven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Weave {
    /// Diamonds of wire, 55 mm.
    Chain,
    /// A roll of razor wire, seen from the side.
    Razor,
}

/// A see-through upright strip.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Panel {
    pub(in super::super) from: V3,
    pub(in super::super) to: V3,
    /// Above `from` and `to`.
    pub(in super::super) height: f32,
    pub(in super::super) weave: Weave,
}

/// The leaves of one plant.
#[derive(Clone, Debug)]
pub(in super::super) struct Crown {
    pub(in super::super) leaves: Bvh,
    /// Where the plant stands.
    pub(in super::super) foot: V3,
    pub(in super::super) height: f32,
    /// Middle and radii of all leaves.
    pub(in super::super) middle: V3,
    pub(in super::super) radius: f32,
    pub(in super::super) tint: V3,
    pub(in super::super) lot: u32,
}
