//! Stand-ins for what a facility has: [`scene`] reads scripted scenes, [`wall`] plays recordings as
//! RTSP cameras.

pub mod scene;
pub mod wall;
pub mod world;

pub use wall::{SimError, Wall, WallCamera, WallConfig};
