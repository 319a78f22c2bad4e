//! Following objects through a camera's pictures: a two-stage tracker after ByteTrack (Zhang et
//! al., ECCV 2022). Pure: time comes with the detections, and the
//! same input gives the same tracks.

pub mod assignment;
mod kalman;
mod tracker;

pub use tracker::Tracker;
