//! From linear light to the picture a camera shows: exposure, tone curve, vignette, the lens's
//! softness and the sharpening that camera makers add.

use std::ops::Range;

use super::bands;
use super::compose::{TILE, Tiles};
use super::vector::{V3, luminance, mix};
use crate::world::Light;

/// A camera's rendering of light.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lens {
    pub(super) exposure: f32,
    pub(super) light: Light,
    pub(super) width: usize,
    pub(super) height: usize,
}

impl Lens {
    /// 0 is black, 1 is white, gamma-encoded.
    fn encode(&self, colour: V3, x: usize, y: usize, tone: &Tone) -> V3 {
        let (dx, dy) = (
            (x as f32 + 0.5) / self.width as f32 - 0.5,
            (y as f32 + 0.5) / self.height as f32 - 0.5,
        );
        let vignette = 1.0 - 0.32 * (dx * dx + dy * dy);
        let exposed = colour.map(|v| v.max(0.0) * self.exposure * vignette);
        let grey = luminance(exposed);
        let colour = match self.light {
            Light::NightInfrared => [grey; 3],
            // Cameras take colour away where it is dark, and are a bit shy of it elsewhere.
            Light::Dusk => mix([grey; 3], exposed, 0.72),
            _ => mix([grey; 3], exposed, 0.92),
        };
        colour.map(|v| tone.at(v))
    }

    /// Encodes the marked squares.
    pub(super) fn develop(&self, tiles: &Tiles, linear: &[V3], encoded: &mut [V3]) {
        let tone = Tone::new();
        bands::rows(encoded, self.width, |y, row| {
            for x in tiles.spans(y, self.width).flatten() {
                row[x] = self.encode(linear[y * self.width + x], x, y, &tone);
            }
        });
    }

    /// Softens and sharpens the marked squares of `encoded` into `shown`.
    pub(super) fn focus(&self, tiles: &Tiles, encoded: &[V3], shown: &mut [V3]) {
        // Softness of the lens, then an unsharp mask, as one kernel (5 x 5, separable parts).
        let soft = kernel(0.62);
        let wide = kernel(1.25);
        let amount = 0.55;
        let (width, height) = (self.width, self.height);
        bands::rows(shown, width, |y, row| {
            for span in tiles.spans(y, width) {
                // Colours side by side: sums over whole rows of numbers go many at a time.
                let mut edge = [[0.0; 3]; TILE + 4];
                let mut down = [[0.0_f32; (TILE + 4) * 3]; 2];
                for k in 0..5 {
                    let line = (y + k).saturating_sub(2).min(height - 1);
                    let line = &encoded[line * width..][..width];
                    let values = around(line, &span, &mut edge).as_flattened();
                    add_up(&mut down[0], values, soft[k]);
                    add_up(&mut down[1], values, wide[k]);
                }
                let mut across = [[0.0_f32; TILE * 3]; 2];
                for k in 0..5 {
                    add_up(&mut across[0], &down[0][k * 3..], soft[k]);
                    add_up(&mut across[1], &down[1][k * 3..], wide[k]);
                }
                let sums = across[0].iter().zip(&across[1]);
                for (value, (fine, broad)) in row[span].as_flattened_mut().iter_mut().zip(sums) {
                    *value = fine + amount * (fine - broad);
                }
            }
        });
    }
}

/// A span of a row and two pixels more on each side; the row's ends go on beyond it.
fn around<'a>(line: &'a [V3], span: &Range<usize>, edge: &'a mut [V3; TILE + 4]) -> &'a [V3] {
    if span.start >= 2 && span.end + 2 <= line.len() {
        return &line[span.start - 2..span.end + 2];
    }
    let count = span.len() + 4;
    for (n, pixel) in edge[..count].iter_mut().enumerate() {
        *pixel = line[(span.start + n).saturating_sub(2).min(line.len() - 1)];
    }
    &edge[..count]
}

fn add_up(sums: &mut [f32], values: &[f32], share: f32) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += value * share;
    }
}

/// The tone curve as a table, finer where it is dark.
struct Tone(Vec<f32>);

impl Tone {
    const STEPS: usize = 2048;
    const MOST: f32 = 12.0;

    fn new() -> Self {
        let at = |n: usize| {
            let root = n as f32 / Self::STEPS as f32;
            curve(root * root * Self::MOST)
        };
        Self((0..=Self::STEPS + 1).map(at).collect())
    }

    fn at(&self, x: f32) -> f32 {
        let place = (x.max(0.0) / Self::MOST).sqrt().min(1.0) * Self::STEPS as f32;
        let low = place as usize;
        let (a, b) = (self.0[low], self.0[low + 1]);
        a + (b - a) * (place - low as f32)
    }
}

/// Extended Reinhard shoulder, then a display gamma and a bit of contrast.
fn curve(x: f32) -> f32 {
    let white = 4.0_f32;
    let x = x * 1.25;
    let shouldered = x * (1.0 + x / (white * white)) / (1.0 + x * 0.8);
    let encoded = shouldered.min(1.0).powf(1.0 / 2.2);
    let bent = encoded * encoded * (3.0 - 2.0 * encoded);
    encoded + (bent - encoded) * 0.35
}

fn kernel(sigma: f32) -> [f32; 5] {
    let raw: [f32; 5] = std::array::from_fn(|n| {
        let x = n as f32 - 2.0;
        (-x * x / (2.0 * sigma * sigma)).exp()
    });
    let sum: f32 = raw.iter().sum();
    raw.map(|v| v / sum)
}

/// Blurs a whole picture with a standard deviation in pixels: three running means each way.
pub(super) fn blur(picture: &mut [V3], width: usize, height: usize, sigma: f32) {
    let radius = ((sigma * sigma * 4.0 + 1.0).sqrt() / 2.0 - 0.5)
        .round()
        .max(0.0) as usize;
    if radius == 0 {
        return;
    }
    for _ in 0..3 {
        bands::rows(picture, width, |_, row| running_mean(row, radius));
        let mut turned = vec![[0.0; 3]; picture.len()];
        for y in 0..height {
            for x in 0..width {
                turned[x * height + y] = picture[y * width + x];
            }
        }
        bands::rows(&mut turned, height, |_, column| {
            running_mean(column, radius)
        });
        for y in 0..height {
            for x in 0..width {
                picture[y * width + x] = turned[x * height + y];
            }
        }
    }
}

fn running_mean(line: &mut [V3], radius: usize) {
    let count = line.len();
    let source = line.to_vec();
    let at = |n: isize| source[n.clamp(0, count as isize - 1) as usize];
    let wide = (2 * radius + 1) as f32;
    let mut sum = [0.0_f64; 3];
    for n in -(radius as isize)..=radius as isize {
        for (sum, value) in sum.iter_mut().zip(at(n)) {
            *sum += f64::from(value);
        }
    }
    for (n, pixel) in line.iter_mut().enumerate() {
        *pixel = sum.map(|v| v as f32 / wide);
        let (gone, come) = (
            at(n as isize - radius as isize),
            at(n as isize + radius as isize + 1),
        );
        for c in 0..3 {
            sum[c] += f64::from(come[c]) - f64::from(gone[c]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_is_monotone_and_ends_at_white() {
        let values: Vec<f32> = (0..200).map(|n| curve(n as f32 * 0.1)).collect();
        assert!(values.windows(2).all(|pair| pair[0] <= pair[1]));
        assert_eq!(values[0], 0.0);
        assert!((curve(40.0) - 1.0).abs() < 1e-5);
    }

    #[test]
    fn blurring_keeps_the_mean_and_flattens() {
        let mut picture = vec![[0.0; 3]; 64 * 32];
        picture[16 * 64 + 32] = [1.0; 3];
        blur(&mut picture, 64, 32, 3.0);
        let sum: f32 = picture.iter().map(|p| p[0]).sum();
        assert!((sum - 1.0).abs() < 1e-3);
        assert!(picture[16 * 64 + 32][0] < 0.05);
    }
}
