//! Whether a keyframe differs from what its camera usually shows: mean luma on a small grid
//! against a background that forgets. Pure.
//!
//! A cell counts as changed when it is further from its background than its own usual distance
//! allows, after the median shift of the whole picture is taken off (clouds, dusk, a lamp). The
//! background takes over what stays, quickly where nothing changed and slowly where something did.

use std::time::Duration;

use crate::config::types::Sensitivity;
use crate::model::geometry::Size;

/// Cells across and down; a cell of a 720p picture is 20 x 20 pixels.
const COLUMNS: usize = 64;
const ROWS: usize = 36;
/// Every so many rows of pixels are read.
const ROW_STEP: usize = 2;
/// How fast unchanged and changed cells are taken over.
const QUIET_MEMORY: Duration = Duration::from_secs(15);
const CHANGED_MEMORY: Duration = Duration::from_secs(40);
/// Pictures before a verdict is given.
const WARM: u32 = 2;

/// Changes in so many places at once are the picture's, not somebody's.
const MANY_PLACES: usize = 8;

/// How a picture differs from the background.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Change {
    #[default]
    None,
    /// Here and there all over it, as when the camera codes more coarsely or rain begins. People in
    /// so many places at once make one too.
    Scattered,
    /// In one place or a few.
    Local,
}

/// How far a cell must be off, in levels of 256 and in its own usual distances, and how many
/// cells make a change.
struct Limits {
    levels: f32,
    times: f32,
    cells: usize,
}

impl Limits {
    fn of(sensitivity: Sensitivity) -> Self {
        let (levels, times, cells) = match sensitivity {
            Sensitivity::Low => (8.0, 8.0, 4),
            Sensitivity::Medium => (4.0, 5.0, 2),
            Sensitivity::High => (2.5, 4.0, 1),
        };
        Self {
            levels,
            times,
            cells,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Cell {
    mean: f32,
    distance: f32,
}

/// The usual picture of one camera.
#[derive(Debug)]
pub(super) struct Background {
    sensitivity: Sensitivity,
    size: Option<Size>,
    cells: Vec<Cell>,
    seen: u32,
    at: Duration,
    means: Vec<f32>,
    shifts: Vec<f32>,
}

impl Background {
    pub(super) fn new(sensitivity: Sensitivity) -> Self {
        Self {
            sensitivity,
            size: None,
            cells: Vec::new(),
            seen: 0,
            at: Duration::ZERO,
            means: Vec::new(),
            shifts: Vec::new(),
        }
    }

    /// Compares a picture's luma, `stride` bytes a row, and learns from it: how it differs from the
    /// background. A picture of another size begins a new one.
    pub(super) fn compare(
        &mut self,
        luma: &[u8],
        stride: usize,
        size: Size,
        now: Duration,
    ) -> Change {
        if !self.measure(luma, stride, size) {
            return Change::None;
        }
        if self.size != Some(size) {
            self.size = Some(size);
            self.seen = 1;
            self.at = now;
            self.cells.clear();
            self.cells.extend(self.means.iter().map(|mean| Cell {
                mean: *mean,
                distance: 1.0,
            }));
            return Change::None;
        }
        let shift = self.shift();
        let passed = now.saturating_sub(self.at);
        self.at = now;
        self.seen = self.seen.saturating_add(1);
        let limits = Limits::of(self.sensitivity);
        let (quiet, moved) = (share(passed, QUIET_MEMORY), share(passed, CHANGED_MEMORY));
        let mut changed = [false; COLUMNS * ROWS];
        for ((cell, mean), changed) in self.cells.iter_mut().zip(&self.means).zip(&mut changed) {
            let off = mean - cell.mean;
            let distance = (off - shift).abs();
            let differs = distance > limits.levels.max(limits.times * cell.distance);
            *changed = differs;
            let pace = if differs { moved } else { quiet };
            cell.mean += pace * off;
            cell.distance += pace * (distance - cell.distance);
        }
        let cells = changed.iter().filter(|changed| **changed).count();
        if self.seen <= WARM || cells < limits.cells {
            Change::None
        } else if places(&mut changed) >= MANY_PLACES {
            Change::Scattered
        } else {
            Change::Local
        }
    }

    /// Mean luma by cell; false for a picture too small or not all there.
    fn measure(&mut self, luma: &[u8], stride: usize, size: Size) -> bool {
        let (width, height) = (size.width as usize, size.height as usize);
        if width < COLUMNS || height < ROWS * ROW_STEP || luma.len() < stride * (height - 1) + width
        {
            return false;
        }
        self.means.clear();
        for row in 0..ROWS {
            let (top, bottom) = (row * height / ROWS, (row + 1) * height / ROWS);
            let mut sums = [0_u32; COLUMNS];
            let mut rows = 0;
            for y in (top..bottom).step_by(ROW_STEP) {
                let line = &luma[y * stride..y * stride + width];
                for (column, sum) in sums.iter_mut().enumerate() {
                    let (left, right) = (column * width / COLUMNS, (column + 1) * width / COLUMNS);
                    *sum += line[left..right].iter().map(|v| u32::from(*v)).sum::<u32>();
                }
                rows += 1;
            }
            self.means
                .extend(sums.iter().enumerate().map(|(column, sum)| {
                    let across = (column + 1) * width / COLUMNS - column * width / COLUMNS;
                    *sum as f32 / (across * rows) as f32
                }));
        }
        true
    }

    /// The median of how far the cells are off.
    fn shift(&mut self) -> f32 {
        self.shifts.clear();
        let offs = self.cells.iter().zip(&self.means);
        self.shifts
            .extend(offs.map(|(cell, mean)| mean - cell.mean));
        let half = self.shifts.len() / 2;
        *self.shifts.select_nth_unstable_by(half, f32::total_cmp).1
    }
}

/// In how many places cells changed; those that touch are one. Takes the marks away.
fn places(changed: &mut [bool; COLUMNS * ROWS]) -> usize {
    let mut count = 0;
    let mut open = Vec::new();
    for start in 0..changed.len() {
        if !std::mem::take(&mut changed[start]) {
            continue;
        }
        count += 1;
        open.push(start);
        while let Some(cell) = open.pop() {
            let (row, column) = (cell / COLUMNS, cell % COLUMNS);
            for row in row.saturating_sub(1)..(row + 2).min(ROWS) {
                for column in column.saturating_sub(1)..(column + 2).min(COLUMNS) {
                    let beside = row * COLUMNS + column;
                    if std::mem::take(&mut changed[beside]) {
                        open.push(beside);
                    }
                }
            }
        }
    }
    count
}

/// How much of the new a memory takes over after `passed`.
fn share(passed: Duration, memory: Duration) -> f32 {
    1.0 - (-passed.as_secs_f32() / memory.as_secs_f32()).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size {
        width: 640,
        height: 360,
    };
    const GOP: Duration = Duration::from_secs(2);

    /// A noisy wall, as bright as `level`, with a figure of 20 x 30 pixels where asked for.
    fn picture(seed: u32, level: u8, figure: Option<(usize, usize)>) -> Vec<u8> {
        let mut state = seed.wrapping_mul(2_654_435_761).max(1);
        let mut luma: Vec<u8> = (0..SIZE.width * SIZE.height)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                level + (state % 13) as u8
            })
            .collect();
        if let Some((left, top)) = figure {
            for y in top..top + 30 {
                luma[y * 640 + left..][..20].fill(level.saturating_sub(30));
            }
        }
        luma
    }

    fn quiet(background: &mut Background, pictures: std::ops::Range<u32>) -> usize {
        pictures
            .filter(|n| {
                background.compare(&picture(*n + 1, 90, None), 640, SIZE, GOP * *n) != Change::None
            })
            .count()
    }

    #[test]
    fn noise_is_no_change_and_a_small_figure_is() {
        for sensitivity in [Sensitivity::Low, Sensitivity::Medium, Sensitivity::High] {
            let mut background = Background::new(sensitivity);
            assert_eq!(quiet(&mut background, 0..60), 0, "{sensitivity:?}");
            let seen = picture(99, 90, Some((300, 200)));
            assert_eq!(
                background.compare(&seen, 640, SIZE, GOP * 60),
                Change::Local,
                "{sensitivity:?}"
            );
        }
    }

    #[test]
    fn a_cloud_over_the_whole_picture_is_no_change() {
        let mut background = Background::new(Sensitivity::Medium);
        quiet(&mut background, 0..30);
        let cloud = background.compare(&picture(7, 110, None), 640, SIZE, GOP * 30);
        assert_eq!(cloud, Change::None);
    }

    #[test]
    fn a_picture_that_is_coded_more_coarsely_changed_all_over() {
        let mut background = Background::new(Sensitivity::Medium);
        quiet(&mut background, 0..30);
        let mut coarse = picture(99, 90, None);
        for number in 0..20 {
            let (left, top) = (30 * number, 20 + 40 * (number % 8));
            for y in top..top + 16 {
                for pixel in &mut coarse[y * 640 + left..][..16] {
                    *pixel += 12;
                }
            }
        }
        let change = background.compare(&coarse, 640, SIZE, GOP * 30);
        assert_eq!(change, Change::Scattered);
    }

    #[test]
    fn cells_that_touch_are_one_place() {
        let count = |cells: &[(usize, usize)]| {
            let mut changed = [false; COLUMNS * ROWS];
            for (row, column) in cells {
                changed[row * COLUMNS + column] = true;
            }
            places(&mut changed)
        };
        assert_eq!(count(&[]), 0);
        assert_eq!(count(&[(0, 0), (1, 1), (2, 0), (2, 2)]), 1);
        assert_eq!(count(&[(0, COLUMNS - 1), (1, 0), (ROWS - 1, 5)]), 3);
    }

    #[test]
    fn what_stays_becomes_the_background() {
        let mut background = Background::new(Sensitivity::Medium);
        quiet(&mut background, 0..30);
        let changes = (30..120_u32)
            .filter(|n| {
                let parked = picture(*n, 90, Some((300, 200)));
                background.compare(&parked, 640, SIZE, GOP * *n) == Change::Local
            })
            .count();
        assert!((1..80).contains(&changes), "{changes}");
    }

    #[test]
    fn a_picture_cut_short_is_no_reason_to_fall_over() {
        let mut background = Background::new(Sensitivity::High);
        assert_eq!(background.compare(&[0; 100], 640, SIZE, GOP), Change::None);
        let tiny = Size {
            width: 16,
            height: 16,
        };
        assert_eq!(background.compare(&[0; 256], 16, tiny, GOP), Change::None);
    }
}
