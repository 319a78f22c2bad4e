//! Privacy masks: what of a camera's picture nobody and nothing may see.
//!
//! A masked camera's pictures are copied as they leave the decoder, and the copy is painted: the decoder
//! still predicts from its own buffer, which must stay as it is. Everything after (background, tensor,
//! evidence, replay) knows only the copy. Cameras without a mask copy nothing.
//!
//! A block of two by two pixels shares its colour samples, so blocks are what is painted: each block that a
//! mask touches at all is painted whole. A mask may hide a pixel too much, never one too few.

use std::ops::Range;
use std::sync::Arc;

use crate::config::types::Mask;
use crate::model::frame::{OwnedPlanes, PixelFormat, Planes};
use crate::model::geometry::{Point, Size};

/// Black in both ranges of luma; with [`NEUTRAL`] the paint.
pub(super) const BLACK: u8 = 16;
/// No colour.
pub(super) const NEUTRAL: u8 = 128;

/// The masks of one camera, and which blocks they are in a picture of the size seen last.
pub(super) struct PrivacyMask {
    masks: Vec<Mask>,
    size: Option<Size>,
    /// Runs of painted blocks, by row of blocks.
    rows: Vec<Vec<Range<usize>>>,
}

impl PrivacyMask {
    /// `None` for a camera without masks.
    pub(super) fn new(masks: &[Mask]) -> Option<Self> {
        (!masks.is_empty()).then(|| Self {
            masks: masks.to_vec(),
            size: None,
            rows: Vec::new(),
        })
    }

    /// A painted copy of a picture; `size` is even both ways.
    pub(super) fn painted(
        &mut self,
        planes: &dyn Planes,
        format: PixelFormat,
        size: Size,
    ) -> Arc<dyn Planes> {
        if self.size != Some(size) {
            self.rows = rows(&self.masks, size);
            self.size = Some(size);
        }
        let mut copies: Vec<(Vec<u8>, usize)> = (0..format.planes())
            .map(|index| (planes.plane(index).to_vec(), planes.stride(index)))
            .collect();
        for (row, runs) in self.rows.iter().enumerate() {
            for run in runs {
                for (index, (bytes, stride)) in copies.iter_mut().enumerate() {
                    paint(bytes, *stride, index, format, row, run);
                }
            }
        }
        OwnedPlanes::new(copies)
    }
}

/// Paints a run of blocks in one plane.
fn paint(
    bytes: &mut [u8],
    stride: usize,
    index: usize,
    format: PixelFormat,
    row: usize,
    run: &Range<usize>,
) {
    let two = run.start * 2..run.end * 2;
    let (lines, columns, value) = match (index, format) {
        (0, _) => (row * 2..row * 2 + 2, two, BLACK),
        (_, PixelFormat::Nv12) => (row..row + 1, two, NEUTRAL),
        (_, PixelFormat::I420) => (row..row + 1, run.clone(), NEUTRAL),
    };
    for line in lines {
        let at = line * stride;
        if let Some(samples) = bytes.get_mut(at + columns.start..at + columns.end) {
            samples.fill(value);
        }
    }
}

/// The blocks that any mask touches, as runs by row of blocks.
fn rows(masks: &[Mask], size: Size) -> Vec<Vec<Range<usize>>> {
    let (across, down) = (size.width as usize / 2, size.height as usize / 2);
    let polygons: Vec<Vec<(f64, f64)>> = masks
        .iter()
        .map(|mask| {
            let scaled = |point: &Point| {
                (
                    f64::from(point.x) * across as f64,
                    f64::from(point.y) * down as f64,
                )
            };
            mask.points.iter().map(scaled).collect()
        })
        .collect();
    (0..down)
        .map(|row| {
            let band = row as f64..(row + 1) as f64;
            let mut touched = vec![false; across];
            for (from, to) in polygons
                .iter()
                .flat_map(|corners| touched_in(corners, &band))
            {
                let last = (to.floor() as usize).min(across.saturating_sub(1));
                let first = (from.floor().max(0.0) as usize).min(last);
                touched[first..=last].fill(true);
            }
            runs(&touched)
        })
        .collect()
}

fn runs(touched: &[bool]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (at, _) in touched.iter().enumerate().filter(|(_, touched)| **touched) {
        match runs.last_mut() {
            Some(run) if run.end == at => run.end += 1,
            _ => runs.push(at..at + 1),
        }
    }
    runs
}

/// The intervals of x that a polygon covers anywhere within a band of y.
///
/// Between two neighbouring heights at which a corner lies (or the band ends) the polygon is a set of
/// trapezoids: what one covers is its upper side, its lower side and the reach of its legs. So the
/// intervals at those heights, by the even-odd rule, and the reach of each edge within the band are all.
fn touched_in(corners: &[(f64, f64)], band: &Range<f64>) -> Vec<(f64, f64)> {
    let edges: Vec<_> = corners
        .iter()
        .copied()
        .zip(corners.iter().copied().cycle().skip(1))
        .collect();
    let mut found = Vec::new();
    let mut heights = vec![band.start, band.end];
    for ((ax, ay), (bx, by)) in &edges {
        let (low, high) = (ay.min(*by).max(band.start), ay.max(*by).min(band.end));
        if low > high {
            continue;
        }
        let x_at = |y: f64| {
            if ay == by {
                *ax
            } else {
                ax + (bx - ax) * (y - ay) / (by - ay)
            }
        };
        let ends = if ay == by {
            (*ax, *bx)
        } else {
            (x_at(low), x_at(high))
        };
        found.push((ends.0.min(ends.1), ends.0.max(ends.1)));
        heights.extend([low, high]);
    }
    heights.sort_by(f64::total_cmp);
    heights.dedup();
    // Between two heights rather than on one: a corner belongs to two edges.
    for pair in heights.windows(2) {
        let [above, below] = pair else { continue };
        let middle = f64::midpoint(*above, *below);
        let mut crossings: Vec<f64> = edges
            .iter()
            .filter(|((_, ay), (_, by))| (*ay <= middle) != (*by <= middle))
            .map(|((ax, ay), (bx, by))| ax + (bx - ax) * (middle - ay) / (by - ay))
            .collect();
        crossings.sort_by(f64::total_cmp);
        found.extend(crossings.chunks_exact(2).map(|pair| (pair[0], pair[1])));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mask(points: &[(f32, f32)]) -> Mask {
        Mask {
            points: points.iter().map(|(x, y)| Point { x: *x, y: *y }).collect(),
        }
    }

    /// A picture of 200 in every sample, with a stride wider than its rows.
    fn picture(format: PixelFormat, size: Size) -> Arc<OwnedPlanes> {
        let (width, height) = (size.width as usize, size.height as usize);
        let plane = |across: usize, down: usize| (vec![200; (across + 6) * down], across + 6);
        OwnedPlanes::new(match format {
            PixelFormat::Nv12 => vec![plane(width, height), plane(width, height / 2)],
            PixelFormat::I420 => vec![
                plane(width, height),
                plane(width / 2, height / 2),
                plane(width / 2, height / 2),
            ],
        })
    }

    /// Luma and both colours at a pixel.
    fn sample(planes: &dyn Planes, format: PixelFormat, x: usize, y: usize) -> [u8; 3] {
        let at =
            |plane: usize, x: usize, y: usize| planes.plane(plane)[y * planes.stride(plane) + x];
        let (cx, cy) = (x / 2, y / 2);
        match format {
            PixelFormat::Nv12 => [at(0, x, y), at(1, cx * 2, cy), at(1, cx * 2 + 1, cy)],
            PixelFormat::I420 => [at(0, x, y), at(1, cx, cy), at(2, cx, cy)],
        }
    }

    /// Even-odd, at the pixel's middle.
    fn inside(mask: &Mask, x: f32, y: f32) -> bool {
        let next = mask.points.iter().cycle().skip(1);
        mask.points
            .iter()
            .zip(next)
            .filter(|(a, b)| (a.y <= y) != (b.y <= y))
            .filter(|(a, b)| x < a.x + (b.x - a.x) * (y - a.y) / (b.y - a.y))
            .count()
            % 2
            == 1
    }

    #[test]
    fn a_camera_without_masks_copies_nothing() {
        assert!(PrivacyMask::new(&[]).is_none());
    }

    #[test]
    fn a_mask_up_to_the_edge_paints_the_last_row_and_column_and_nothing_beside_it() {
        let size = Size {
            width: 20,
            height: 12,
        };
        for format in [PixelFormat::Nv12, PixelFormat::I420] {
            let mask = mask(&[(0.5, 0.5), (1.0, 0.5), (1.0, 1.0), (0.5, 1.0)]);
            let mut privacy = PrivacyMask::new(&[mask]).expect("mask");
            let painted = privacy.painted(&*picture(format, size), format, size);
            assert_eq!(sample(&*painted, format, 19, 11), [BLACK, NEUTRAL, NEUTRAL]);
            assert_eq!(sample(&*painted, format, 10, 6), [BLACK, NEUTRAL, NEUTRAL]);
            assert_eq!(sample(&*painted, format, 7, 11), [200; 3]);
            assert_eq!(sample(&*painted, format, 19, 3), [200; 3]);
        }
    }

    #[test]
    fn a_mask_thinner_than_a_pixel_is_painted_all_the_same() {
        let size = Size {
            width: 40,
            height: 40,
        };
        let format = PixelFormat::Nv12;
        let thin = mask(&[(0.1, 0.301), (0.9, 0.302), (0.9, 0.303), (0.1, 0.302)]);
        let mut privacy = PrivacyMask::new(&[thin]).expect("mask");
        let painted = privacy.painted(&*picture(format, size), format, size);
        for x in 4..36 {
            assert_eq!(sample(&*painted, format, x, 12)[0], BLACK, "column {x}");
        }
    }

    #[test]
    fn a_picture_of_another_size_is_painted_by_its_own_size() {
        let format = PixelFormat::I420;
        let whole = mask(&[(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]);
        let mut privacy = PrivacyMask::new(&[whole]).expect("mask");
        for (width, height) in [(64, 36), (36, 64), (128, 72)] {
            let size = Size { width, height };
            let painted = privacy.painted(&*picture(format, size), format, size);
            for (x, y) in [(0, 0), (width - 1, height - 1)] {
                let found = sample(&*painted, format, x as usize, y as usize);
                assert_eq!(found, [BLACK, NEUTRAL, NEUTRAL]);
            }
        }
    }

    proptest! {
        #[test]
        fn no_pixel_of_a_mask_stays_and_far_from_it_none_changes(
            points in prop::collection::vec((0.0_f32..=1.0, 0.0_f32..=1.0), 3..8),
            width in 2_u32..40,
            height in 2_u32..40,
            nv12: bool,
        ) {
            let size = Size { width: width * 2, height: height * 2 };
            let format = if nv12 { PixelFormat::Nv12 } else { PixelFormat::I420 };
            let mask = mask(&points);
            let mut privacy = PrivacyMask::new(std::slice::from_ref(&mask)).expect("mask");
            let painted = privacy.painted(&*picture(format, size), format, size);
            let (wide, high) = (size.width as f32, size.height as f32);
            for y in 0..size.height {
                for x in 0..size.width {
                    let found = sample(&*painted, format, x as usize, y as usize);
                    if inside(&mask, (x as f32 + 0.5) / wide, (y as f32 + 0.5) / high) {
                        prop_assert_eq!(found, [BLACK, NEUTRAL, NEUTRAL], "({}, {})", x, y);
                    }
                    let (px, py) = ((x as f32 + 0.5) / wide, (y as f32 + 0.5) / high);
                    let beyond = points.iter().all(|(mx, _)| (mx - px) * wide > 2.5)
                        || points.iter().all(|(mx, _)| (px - mx) * wide > 2.5)
                        || points.iter().all(|(_, my)| (my - py) * high > 2.5)
                        || points.iter().all(|(_, my)| (py - my) * high > 2.5);
                    if beyond {
                        prop_assert_eq!(found, [200; 3], "({}, {})", x, y);
                    }
                }
            }
        }
    }
}
