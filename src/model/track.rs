//! One object followed through a camera's pictures.

use std::sync::Arc;

use super::geometry::{Point, Rect};
use super::ids::TrackId;

/// A track's state after one analysed frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// Its id, unique within the camera's session.
    pub id: TrackId,
    /// The class of the detections it is made of.
    pub class: Arc<str>,
    /// The latest detection's score.
    pub score: f32,
    /// The filtered box, normalised to the picture.
    pub box_in_frame: Rect,
    /// Velocity of the box's centre: picture widths and heights per second.
    pub velocity_per_second: Point,
    /// Seen often enough to count; rules never count a track before.
    pub confirmed: bool,
    /// A detection belongs to it in this very frame; else the box is predicted.
    pub seen_now: bool,
}
