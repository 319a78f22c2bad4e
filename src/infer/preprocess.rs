//! From the decoder's planes into the batch tensor in one pass: letterbox or stretch, colour
//! conversion and normalisation, with no intermediate picture.
//!
//! Luma is sampled bilinearly at half-pixel centres (OpenCV's `INTER_LINEAR`), chroma, which has
//! half the resolution anyway, at the nearest sample. What is irregular, the gathering of samples, is
//! done into small buffers, so that the arithmetic before and after it runs over plain arrays, which
//! the compiler turns into vector code: for what this processor can, not only for what all can.
//! Colour equations: ITU-R BT.601-7 section 2.5 and BT.709-6 section 3, quantised as stated there.

use fearless_simd::{Level, Simd, dispatch};

use crate::model::frame::{ColorMatrix, Colorimetry, Frame, PixelFormat, Planes};
use crate::model::geometry::{Rect, Size};

use super::input::{ColorOrder, InputSpec, Layout, Placement, Resize};

/// Where a picture lies in the input, in input pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Columns left of it.
    pub left: u32,
    /// Rows above it.
    pub top: u32,
    /// Columns of it.
    pub width: u32,
    /// Rows of it.
    pub height: u32,
}

impl Placed {
    /// Where a picture of this size goes.
    #[must_use]
    pub fn of(picture: Size, input: &InputSpec) -> Self {
        if input.resize == Resize::Stretch {
            return Self {
                left: 0,
                top: 0,
                width: input.width,
                height: input.height,
            };
        }
        let (across, down) = (
            f64::from(picture.width.max(1)),
            f64::from(picture.height.max(1)),
        );
        let scale = (f64::from(input.width) / across).min(f64::from(input.height) / down);
        let side = |length: f64, most: u32| ((length * scale).round() as u32).clamp(1, most);
        let (width, height) = (side(across, input.width), side(down, input.height));
        let (left, top) = match input.placement {
            Placement::TopLeft => (0, 0),
            Placement::Center => ((input.width - width) / 2, (input.height - height) / 2),
        };
        Self {
            left,
            top,
            width,
            height,
        }
    }

    /// A box of the input as a box of the picture, normalised and cut to it.
    #[must_use]
    pub fn to_picture(&self, [x1, y1, x2, y2]: [f32; 4]) -> Rect {
        let x = |value: f32| (value - self.left as f32) / self.width as f32;
        let y = |value: f32| (value - self.top as f32) / self.height as f32;
        Rect::from_corners(x(x1), y(y1), x(x2), y(y2)).clamped()
    }
}

#[derive(Clone, Copy, Debug)]
struct Tap {
    luma: u32,
    weight: i32,
    chroma: u32,
}

/// Weights are in 1/256; those of both directions together in its square.
const ONE: i32 = 256;

/// Sample positions along one axis: for each of `out` places the first of two luma samples, the
/// weight of the second in 1/256, and the nearest chroma sample.
fn taps(source: u32, out: u32) -> Vec<Tap> {
    let scale = f64::from(source) / f64::from(out);
    let last = f64::from(source - 1);
    (0..out)
        .map(|n| {
            let at = ((f64::from(n) + 0.5) * scale - 0.5).clamp(0.0, last);
            let luma = (at.floor() as u32).min(source.saturating_sub(2));
            let weight = ((at - f64::from(luma)) * f64::from(ONE)).round() as i32;
            let chroma = ((at + 0.5) / 2.0).floor() as u32;
            Tap {
                luma,
                weight,
                chroma: chroma.min(source / 2 - 1),
            }
        })
        .collect()
}

/// The equations of one colorimetry and one normalisation, channel by channel:
/// `luma·y + cb·u + cr·v + rest`, clamped to 0..=255 before `rest` of the normalisation.
#[derive(Clone, Copy, Debug)]
struct Equations {
    luma: f32,
    offset: f32,
    red: f32,
    green: [f32; 2],
    blue: f32,
}

impl Equations {
    fn of(colorimetry: Colorimetry) -> Self {
        let (kr, kb) = match colorimetry.matrix {
            ColorMatrix::Bt601 => (0.299_f32, 0.114_f32),
            ColorMatrix::Bt709 => (0.2126, 0.0722),
        };
        let (luma, offset, chroma) = if colorimetry.full_range {
            (1.0, 0.0, 1.0)
        } else {
            (255.0 / 219.0, 16.0, 255.0 / 224.0)
        };
        let kg = 1.0 - kr - kb;
        Self {
            luma,
            offset,
            red: chroma * 2.0 * (1.0 - kr),
            green: [
                -chroma * 2.0 * kb * (1.0 - kb) / kg,
                -chroma * 2.0 * kr * (1.0 - kr) / kg,
            ],
            blue: chroma * 2.0 * (1.0 - kb),
        }
    }
}

/// Writes pictures of one size into tensors of one input; keeps its tables and row buffers.
#[derive(Debug)]
pub struct Preprocessor {
    input: InputSpec,
    picture: Size,
    placed: Placed,
    across: Vec<Tap>,
    down: Vec<Tap>,
    /// One row of the picture, between two of its own: sums of 1/256.
    blended: Vec<u16>,
    /// Two neighbours of it for each place, the first in the lower half.
    neighbours: Vec<u32>,
    weights: Vec<i32>,
    luma: Vec<f32>,
    blue_difference: Vec<f32>,
    red_difference: Vec<f32>,
    level: Level,
}

impl Preprocessor {
    /// Tables for one picture size (both sides even and at least 2).
    #[must_use]
    pub fn new(picture: Size, input: &InputSpec) -> Self {
        let placed = Placed::of(picture, input);
        let width = placed.width as usize;
        let across = taps(picture.width, placed.width);
        Self {
            input: input.clone(),
            picture,
            placed,
            down: taps(picture.height, placed.height),
            blended: vec![0; picture.width as usize],
            neighbours: vec![0; width],
            weights: across.iter().map(|tap| tap.weight).collect(),
            across,
            level: Level::new(),
            luma: vec![0.0; width],
            blue_difference: vec![0.0; width],
            red_difference: vec![0.0; width],
        }
    }

    /// Where the picture lies in the input.
    #[must_use]
    pub fn placed(&self) -> Placed {
        self.placed
    }

    /// The size it was made for.
    #[must_use]
    pub fn picture(&self) -> Size {
        self.picture
    }

    /// Fills what is not picture. Once per tensor place is enough while the size stays.
    pub fn pad(&self, tensor: &mut [f32]) {
        for (channel, value) in self.padding().into_iter().enumerate() {
            match self.input.layout {
                Layout::Nchw => {
                    let area = self.input.width as usize * self.input.height as usize;
                    tensor[channel * area..(channel + 1) * area].fill(value);
                }
                Layout::Nhwc => tensor
                    .iter_mut()
                    .skip(channel)
                    .step_by(3)
                    .for_each(|v| *v = value),
            }
        }
    }

    fn padding(&self) -> [f32; 3] {
        std::array::from_fn(|c| (self.input.pad - self.input.mean[c]) / self.input.std[c])
    }

    /// Writes one picture into `tensor` (3 · width · height values), which [`Self::pad`] has
    /// filled for this size before. The frame must have the size this was made for.
    pub fn write(&mut self, frame: &Frame, tensor: &mut [f32]) {
        debug_assert_eq!(frame.size, self.picture);
        dispatch!(self.level, simd => self.rows(simd, frame, tensor));
    }

    /// Compiled once for each kind of processor, with all that it calls.
    #[inline(always)]
    fn rows<S: Simd>(&mut self, _: S, frame: &Frame, tensor: &mut [f32]) {
        let equations = Equations::of(frame.colorimetry);
        for row in 0..self.placed.height as usize {
            self.gather_luma(frame, row);
            self.gather_chroma(frame, row);
            self.convert(&equations, row, tensor);
        }
    }

    #[inline(always)]
    fn gather_luma(&mut self, frame: &Frame, row: usize) {
        let tap = self.down[row];
        let planes: &dyn Planes = &*frame.planes;
        let width = self.picture.width as usize;
        let (plane, stride) = (planes.plane(0), planes.stride(0));
        let start = tap.luma as usize * stride;
        let upper = &plane[start..start + width];
        let lower = &plane[start + stride..start + stride + width];
        let (up, low) = ((ONE - tap.weight) as u16, tap.weight as u16);
        for ((value, upper), lower) in self.blended.iter_mut().zip(upper).zip(lower) {
            // 255 · 256 at most.
            *value = u16::from(*upper) * up + u16::from(*lower) * low;
        }
        for (pair, tap) in self.neighbours.iter_mut().zip(&self.across) {
            let at = tap.luma as usize;
            let both = &self.blended[at..at + 2];
            *pair = u32::from(both[0]) | u32::from(both[1]) << 16;
        }
        let pairs = self.neighbours.iter().zip(&self.weights);
        for (value, (pair, weight)) in self.luma.iter_mut().zip(pairs) {
            let (left, right) = ((pair & 0xffff) as i32, (pair >> 16) as i32);
            *value = (left * (ONE - weight) + right * weight) as f32;
        }
    }

    #[inline(always)]
    fn gather_chroma(&mut self, frame: &Frame, row: usize) {
        let tap = self.down[row];
        let planes: &dyn Planes = &*frame.planes;
        let half = self.picture.width as usize / 2;
        let chroma_row = |index: usize, bytes: usize| {
            let start = tap.chroma as usize * planes.stride(index);
            &planes.plane(index)[start..start + bytes]
        };
        match frame.format {
            PixelFormat::Nv12 => {
                let both = chroma_row(1, half * 2);
                for (pair, tap) in self.neighbours.iter_mut().zip(&self.across) {
                    let at = tap.chroma as usize * 2;
                    let both = &both[at..at + 2];
                    *pair = u32::from(both[0]) | u32::from(both[1]) << 16;
                }
            }
            PixelFormat::I420 => {
                let (u, v) = (chroma_row(1, half), chroma_row(2, half));
                for (pair, tap) in self.neighbours.iter_mut().zip(&self.across) {
                    let at = tap.chroma as usize;
                    *pair = u32::from(u[at]) | u32::from(v[at]) << 16;
                }
            }
        }
        let out = self
            .blue_difference
            .iter_mut()
            .zip(&mut self.red_difference);
        for ((cb, cr), pair) in out.zip(&self.neighbours) {
            // Through i32: processors without AVX-512 convert only signed numbers.
            (*cb, *cr) = ((pair & 0xffff) as i32 as f32, (pair >> 16) as i32 as f32);
        }
    }

    #[inline(always)]
    fn convert(&mut self, equations: &Equations, row: usize, tensor: &mut [f32]) {
        let Equations {
            luma,
            offset,
            red,
            green,
            blue,
        } = *equations;
        let (y, cb, cr) = (&self.luma, &self.blue_difference, &self.red_difference);
        let y_scale = luma / 65_536.0;
        let y_rest = -offset * luma;
        for channel in 0..3 {
            // Which colour stands in this place of the tensor.
            let color = if self.input.color == ColorOrder::Rgb {
                channel
            } else {
                2 - channel
            };
            let (cb_scale, cr_scale) = match color {
                0 => (0.0, red),
                1 => (green[0], green[1]),
                _ => (blue, 0.0),
            };
            let rest = y_rest - 128.0 * (cb_scale + cr_scale);
            let factor = 1.0 / self.input.std[channel];
            let shift = -self.input.mean[channel] * factor;
            let value = |y: f32, cb: f32, cr: f32| {
                let sample = y * y_scale + cb * cb_scale + cr * cr_scale + rest;
                sample.clamp(0.0, 255.0) * factor + shift
            };
            let line = row + self.placed.top as usize;
            let inputs = y.iter().zip(cb).zip(cr);
            match self.input.layout {
                Layout::Nchw => {
                    let area = self.input.width as usize * self.input.height as usize;
                    let start = channel * area
                        + line * self.input.width as usize
                        + self.placed.left as usize;
                    let out = &mut tensor[start..start + self.placed.width as usize];
                    for (out, ((y, cb), cr)) in out.iter_mut().zip(inputs) {
                        *out = value(*y, *cb, *cr);
                    }
                }
                Layout::Nhwc => {
                    let start = (line * self.input.width as usize + self.placed.left as usize) * 3
                        + channel;
                    let out = tensor[start..].iter_mut().step_by(3);
                    for (out, ((y, cb), cr)) in out.zip(inputs) {
                        *out = value(*y, *cb, *cr);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
