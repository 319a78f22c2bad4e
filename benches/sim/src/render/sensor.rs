//! The sensor's noise, and the picture as I420 planes.

use super::bands;
use super::noise::{Dice, hash_pair};
use super::vector::V3;
use crate::world::Light;

/// Side of the table that grain is read from.
const TABLE: usize = 256;

/// How a camera's sensor disturbs the picture.
pub(super) struct Sensor {
    grain: Vec<f32>,
    /// Standard deviation of brightness noise at middle grey, of 255.
    luma: f32,
    /// Standard deviation of colour noise, of 255.
    chroma: f32,
    seed: u32,
}

/// Picture planes.
pub(super) struct Planes {
    pub(super) y: Vec<u8>,
    pub(super) u: Vec<u8>,
    pub(super) v: Vec<u8>,
}

/// Weights of red and blue in brightness.
pub(super) type Matrix = [f32; 2];
/// ITU-R BT.601.
pub(super) const BT601: Matrix = [0.299, 0.114];
/// ITU-R BT.709.
pub(super) const BT709: Matrix = [0.2126, 0.0722];

impl Sensor {
    pub(super) fn new(light: Light, seed: u32) -> Self {
        let mut dice = Dice::new(seed ^ 0x6e01);
        let raw: Vec<f32> = (0..TABLE * TABLE)
            .map(|_| (0..4).map(|_| dice.next()).sum::<f32>() * 1.732 - 3.464)
            .collect();
        // Demosaicing and the camera's own noise filter leave grain wider than a pixel.
        let at = |x: usize, y: usize| raw[(y % TABLE) * TABLE + x % TABLE];
        // Each row twice, so that a run of it can start anywhere.
        let grain = (0..2 * TABLE * TABLE)
            .map(|n| {
                let (x, y) = (n % TABLE + TABLE, n / (2 * TABLE) + TABLE);
                let beside = at(x - 1, y) + at(x + 1, y) + at(x, y - 1) + at(x, y + 1);
                (at(x, y) + 0.5 * beside) / 1.414
            })
            .collect();
        let (luma, chroma) = match light {
            Light::Day => (1.6, 0.7),
            Light::Indoor => (2.2, 1.0),
            Light::Dusk => (4.2, 2.0),
            Light::NightInfrared => (5.0, 0.0),
        };
        Self {
            grain,
            luma,
            chroma,
            seed,
        }
    }

    /// Adds the noise of frame `index` and packs limited-range I420.
    pub(super) fn pack(
        &self,
        picture: &[V3],
        width: usize,
        height: usize,
        matrix: Matrix,
        grey: bool,
        index: u64,
    ) -> Planes {
        let lot = hash_pair(self.seed, hash_pair(index as u32, (index >> 32) as u32));
        let (half, rows) = (width / 2, height / 2);
        // Two luma rows, then one of each chroma: worked on together.
        let mut packed = vec![0_u8; rows * (width * 2 + half * 2)];
        bands::rows(&mut packed, width * 2 + half * 2, |pair, out| {
            let (luma, chroma) = out.split_at_mut(width * 2);
            let (u, v) = chroma.split_at_mut(half);
            for line in 0..2 {
                let y = pair * 2 + line;
                let row = &picture[y * width..(y + 1) * width];
                self.luma_row(
                    row,
                    &mut luma[line * width..(line + 1) * width],
                    matrix,
                    lot,
                    y,
                );
            }
            if grey {
                u.fill(128);
                v.fill(128);
            } else {
                let above = &picture[pair * 2 * width..(pair * 2 + 1) * width];
                let below = &picture[(pair * 2 + 1) * width..(pair * 2 + 2) * width];
                self.chroma_row([above, below], [u, v], matrix, lot, pair);
            }
        });
        let mut planes = Planes {
            y: Vec::with_capacity(width * height),
            u: Vec::with_capacity(half * rows),
            v: Vec::with_capacity(half * rows),
        };
        for part in packed.chunks_exact(width * 2 + half * 2) {
            planes.y.extend_from_slice(&part[..width * 2]);
            planes
                .u
                .extend_from_slice(&part[width * 2..width * 2 + half]);
            planes.v.extend_from_slice(&part[width * 2 + half..]);
        }
        planes
    }

    /// The table's row for a picture row, and where to start in it.
    fn grain_row(&self, lot: u32, y: usize, part: u32) -> (&[f32], usize) {
        // Blocks of rows share an offset, so that grain stays two-dimensional.
        let block = hash_pair(lot ^ part, (y / 64) as u32);
        let line = ((block >> 8) as usize + y) % TABLE;
        (
            &self.grain[line * 2 * TABLE..(line + 1) * 2 * TABLE],
            block as usize % TABLE,
        )
    }

    fn luma_row(&self, row: &[V3], out: &mut [u8], [red, blue]: Matrix, lot: u32, y: usize) {
        let (grain, start) = self.grain_row(lot, y, 0);
        let green = 1.0 - red - blue;
        for (n, (pixels, bytes)) in row.chunks(TABLE).zip(out.chunks_mut(TABLE)).enumerate() {
            let from = (start + n * 37) % TABLE;
            let grain = &grain[from..from + TABLE];
            for ((pixel, byte), grain) in pixels.iter().zip(bytes).zip(grain) {
                let bright = red * pixel[0] + green * pixel[1] + blue * pixel[2];
                let bright = bright.clamp(0.0, 1.0);
                // Shot noise: most in the middle tones after the tone curve.
                let strength = self.luma * (0.55 + 1.4 * bright * (1.0 - bright));
                *byte = (16.5 + 219.0 * bright + grain * strength).clamp(16.0, 235.0) as u8;
            }
        }
    }

    fn chroma_row(
        &self,
        rows: [&[V3]; 2],
        planes: [&mut [u8]; 2],
        [red, blue]: Matrix,
        lot: u32,
        y: usize,
    ) {
        let (grain_u, start_u) = self.grain_row(lot, y, 77);
        let (grain_v, start_v) = self.grain_row(lot, y, 191);
        let green = 1.0 - red - blue;
        let [u, v] = planes;
        for x in 0..u.len() {
            let mut mean = [0.0_f32; 3];
            for row in rows {
                for pixel in &row[x * 2..x * 2 + 2] {
                    for (sum, value) in mean.iter_mut().zip(pixel) {
                        *sum += value.clamp(0.0, 1.0) * 0.25;
                    }
                }
            }
            let bright = red * mean[0] + green * mean[1] + blue * mean[2];
            let cb = (mean[2] - bright) / (2.0 * (1.0 - blue));
            let cr = (mean[0] - bright) / (2.0 * (1.0 - red));
            let noise_u = grain_u[x / 2 % TABLE + start_u] * self.chroma;
            let noise_v = grain_v[x / 2 % TABLE + start_v] * self.chroma;
            u[x] = (128.5 + 224.0 * cb + noise_u).clamp(16.0, 240.0) as u8;
            v[x] = (128.5 + 224.0 * cr + noise_v).clamp(16.0, 240.0) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grey_picture_has_its_brightness_and_no_colour() {
        let sensor = Sensor::new(Light::Day, 1);
        let picture = vec![[0.5; 3]; 64 * 32];
        let planes = sensor.pack(&picture, 64, 32, BT709, false, 0);
        let mean =
            |plane: &[u8]| plane.iter().map(|v| f32::from(*v)).sum::<f32>() / plane.len() as f32;
        assert!((mean(&planes.y) - 125.5).abs() < 1.0);
        assert!((mean(&planes.u) - 128.0).abs() < 1.0 && (mean(&planes.v) - 128.0).abs() < 1.0);
        let again = sensor.pack(&picture, 64, 32, BT709, false, 1);
        assert_ne!(planes.y, again.y, "every frame has its own grain");
    }
}
