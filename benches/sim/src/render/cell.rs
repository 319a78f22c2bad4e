//! One pixel of what stands still.

use super::light::Lighting;
use super::vector::{V3, scale};

/// One pixel of the still scene. Colours have come through the air already.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    /// All light but the key light's.
    pub(super) base: V3,
    /// What the key light is multiplied by.
    pub(super) albedo: V3,
    /// Share of `base` that comes from the surface and not from the air before it.
    pub(super) clear: f32,
    /// Share of the key light that arrives: visibility times cosine.
    pub(super) key: f32,
    /// Along the camera's axis; infinite for the sky.
    pub(super) depth: f32,
    /// The smooth surface's normal.
    pub(super) normal: V3,
    /// What it belongs to: colours of two are not mixed unseen.
    pub(super) object: u32,
}

impl Cell {
    /// `base` with a share of the surface's light; the air's is not taken away.
    pub(super) fn shaded(&self, light: &Lighting, share: f32) -> V3 {
        let air = scale(light.air, 1.0 - self.clear);
        [0, 1, 2].map(|n| {
            let surface = (self.base[n] - air[n]).max(0.0);
            self.base[n] - surface * (1.0 - share)
        })
    }
}
