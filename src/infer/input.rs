//! What goes into a model: `[input]` of its manifest.

use serde::Deserialize;

/// What goes in.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputSpec {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Order of the dimensions.
    pub layout: Layout,
    /// Order of the channels.
    pub color: ColorOrder,
    /// Subtracted from samples of 0..=255.
    pub mean: [f32; 3],
    /// Then divided by.
    pub std: [f32; 3],
    /// How the picture fills the input.
    pub resize: Resize,
    /// Where a letterboxed picture lies.
    #[serde(default)]
    pub placement: Placement,
    /// Sample value beside a letterboxed picture.
    #[serde(default)]
    pub pad: f32,
}

/// Order of an input's dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// Batch, channel, row, column.
    Nchw,
    /// Batch, row, column, channel.
    Nhwc,
}

/// Order of the channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColorOrder {
    /// Red first.
    Rgb,
    /// Blue first.
    Bgr,
}

/// How the picture fills the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resize {
    /// Its aspect kept, the rest padded.
    Letterbox,
    /// Stretched to fill it.
    Stretch,
}

/// Where a letterboxed picture lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Placement {
    /// In the middle.
    #[default]
    Center,
    /// At the top left.
    TopLeft,
}
