//! Stand-ins for what a facility has: [`wall`] plays recordings as RTSP cameras.

pub mod wall;
pub mod world;

pub use wall::{SimError, Wall, WallCamera, WallConfig};
