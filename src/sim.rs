//! Stand-ins for what a facility has: [`scene`] reads scripted scenes, [`render`] draws them with
//! exact truth, [`film`] makes clips of them, [`realism`] measures the figures with real detectors,
//! [`wall`] plays recordings as RTSP cameras that fail on command, and [`watch`] counts what such
//! cameras deliver.

pub mod film;
pub mod realism;
pub mod render;
pub mod scene;
pub mod wall;
pub mod watch;
pub mod world;

pub use wall::{SimError, Wall, WallCamera, WallConfig};
