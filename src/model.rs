//! Floor 1: the words of the domain as pure data. No GStreamer, no ONNX Runtime, no protobuf, no IO.

pub mod access;
pub mod camera;
pub mod coverage;
pub mod detection;
pub mod entry;
pub mod event;
pub mod frame;
pub mod geometry;
pub mod ids;
pub mod node_event;
pub mod posture;
pub mod time;
pub mod track;
