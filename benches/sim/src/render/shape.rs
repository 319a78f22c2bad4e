//! Triangles of what moves.

use super::vector::V3;

/// A mesh in the world, ready to be lit.
pub(super) struct Shape<'a> {
    pub(super) points: Vec<V3>,
    pub(super) normals: Vec<V3>,
    pub(super) colours: Vec<V3>,
    pub(super) open: Vec<f32>,
    pub(super) triangles: &'a [[u32; 3]],
    /// Share of light that shines through.
    pub(super) thin: f32,
    /// Places of the shape where what stands still may shade it: what is between follows.
    pub(super) probes: Vec<V3>,
}
