//! Following objects through a camera's pictures: a two-stage tracker after ByteTrack (Zhang et
//! al., ECCV 2022) and the scorer that measures it. Pure: time comes with the detections, and the
//! same input gives the same tracks.

mod assignment;
mod kalman;
pub mod mot;
mod tracker;

pub use tracker::Tracker;
