//! What a model found in one picture.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::geometry::Rect;

/// One object found in one picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    /// The class by the model's own label list, for example `person`.
    pub class: Arc<str>,
    /// Confidence in 0..=1.
    pub score: f32,
    /// Where, normalised to the picture.
    pub box_in_frame: Rect,
}

/// Which model looked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelRef {
    /// The manifest's name.
    pub name: Arc<str>,
    /// The manifest's version.
    pub version: Arc<str>,
}
