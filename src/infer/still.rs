//! Stills: pictures from files as frames, and one look at one of them.

use std::sync::Arc;
use std::time::Duration;

use image::RgbImage;

use super::{Backend, InferError, Model};
use crate::base::clock::Monotonic;
use crate::model::detection::Detection;
use crate::model::frame::{ColorMatrix, Colorimetry, Frame, OwnedPlanes, PixelFormat};
use crate::model::geometry::Size;
use crate::model::time::{CaptureTime, ClockSource, UtcMicros};

/// A picture as full-range BT.601 I420 (JPEG's own colours, JFIF 1.02); an odd last row or
/// column is left out. Chroma is the mean of each 2 × 2.
#[must_use]
pub fn frame_from_image(picture: &RgbImage) -> Frame {
    let (width, height) = (picture.width() & !1, picture.height() & !1);
    let mut y = Vec::with_capacity((width * height) as usize);
    let mut u = Vec::with_capacity((width * height / 4) as usize);
    let mut v = Vec::with_capacity((width * height / 4) as usize);
    let byte = |value: f32| value.round().clamp(0.0, 255.0) as u8;
    for row in 0..height {
        for column in 0..width {
            let [r, g, b] = picture.get_pixel(column, row).0.map(f32::from);
            y.push(byte(0.299 * r + 0.587 * g + 0.114 * b));
        }
    }
    for row in (0..height).step_by(2) {
        for column in (0..width).step_by(2) {
            let mut mean = [0.0_f32; 3];
            for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                for (sum, value) in mean
                    .iter_mut()
                    .zip(picture.get_pixel(column + dx, row + dy).0)
                {
                    *sum += f32::from(value) / 4.0;
                }
            }
            let [r, g, b] = mean;
            u.push(byte(128.0 - 0.168_736 * r - 0.331_264 * g + 0.5 * b));
            v.push(byte(128.0 + 0.5 * r - 0.418_688 * g - 0.081_312 * b));
        }
    }
    let (full, half) = (width as usize, width as usize / 2);
    Frame {
        index: 0,
        size: Size { width, height },
        format: PixelFormat::I420,
        colorimetry: Colorimetry {
            matrix: ColorMatrix::Bt601,
            full_range: true,
        },
        capture: CaptureTime {
            utc: UtcMicros(0),
            source: ClockSource::File,
            offset_micros: 0,
        },
        media_time: Duration::ZERO,
        arrived: Monotonic::default(),
        held: Duration::ZERO,
        probe: false,
        planes: OwnedPlanes::new(vec![(y, full), (u, half), (v, half)]),
    }
}

/// Looks at one frame with a model.
///
/// # Errors
/// [`InferError`] when the model cannot be loaded or run.
pub fn look(
    model: &Arc<Model>,
    backend: &dyn Backend,
    frame: &Frame,
) -> Result<Vec<Detection>, InferError> {
    Looker::open(model, backend)?.look(frame)
}

/// Looks at one frame after the other with one model, which stays loaded.
pub struct Looker(super::worker::Single);

impl Looker {
    /// Loads the model.
    ///
    /// # Errors
    /// [`InferError`] when the model cannot be loaded.
    pub fn open(model: &Arc<Model>, backend: &dyn Backend) -> Result<Self, InferError> {
        let engine = backend.open(model)?;
        Ok(Self(super::worker::Single::new(model, engine)))
    }

    /// Looks at one frame.
    ///
    /// # Errors
    /// [`InferError`] when the model cannot be run.
    pub fn look(&mut self, frame: &Frame) -> Result<Vec<Detection>, InferError> {
        self.0.look(frame)
    }
}
