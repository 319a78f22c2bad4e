//! Generalised focal loss heads (Li et al., NeurIPS 2020): each side of a box is the expectation
//! of a distribution over `bins` distances from the cell's centre, in strides.

use serde::Deserialize;

use super::head::{Head, HeadContext, RawDetection, Shapes, cells, check_strides, grid, size};
use crate::infer::input::InputSpec;
use crate::infer::output::OutputView;

/// Generalised focal loss with distributed boxes (NanoDet, PicoDet): per stride the class scores
/// `[N, C]`, then per stride the distances `[N, 4 · bins]`; or both in one `[N, C + 4 · bins]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gfl {
    /// Cell sizes in input pixels, in the outputs' order.
    pub strides: Vec<u32>,
    /// Bins per side.
    pub bins: usize,
    /// Where a cell's centre lies: 0.5 (PicoDet) or 0 (NanoDet) of a cell.
    #[serde(default = "half")]
    pub center: f32,
}

fn half() -> f32 {
    0.5
}

impl Gfl {
    /// Scores and distances of a cell: of all cells and of its own stride's.
    fn row<'a>(
        &self,
        outputs: &[OutputView<'a>],
        classes: usize,
        number: usize,
        (cell_of_all, cell): (usize, usize),
    ) -> Option<(&'a [f32], &'a [f32])> {
        let sides = 4 * self.bins;
        let row = |output: usize, width: usize, n: usize| {
            outputs.get(output)?.data.get(n * width..(n + 1) * width)
        };
        if outputs.len() == 1 {
            return Some(row(0, classes + sides, cell_of_all)?.split_at(classes));
        }
        row(number, classes, cell).zip(row(self.strides.len() + number, sides, cell))
    }
}

impl Head for Gfl {
    fn check(&self) -> Result<(), String> {
        check_strides(&self.strides)?;
        if !(2..=64).contains(&self.bins) {
            return Err("output: bins must be 2 to 64".to_owned());
        }
        Ok(())
    }

    fn expected(&self, input: &InputSpec, classes: usize) -> Vec<Shapes> {
        let (classes, sides) = (size(classes), size(4 * self.bins));
        let each = |width: i64| {
            self.strides
                .iter()
                .map(move |s| vec![cells(input, *s), width])
        };
        let all = self.strides.iter().map(|s| cells(input, *s)).sum();
        let apart = each(classes).chain(each(sides)).collect();
        vec![apart, vec![vec![all, classes + sides]]]
    }

    fn decode(&self, outputs: &[OutputView<'_>], context: &HeadContext<'_>) -> Vec<RawDetection> {
        let mut found = Vec::new();
        let mut before = 0;
        for (number, &stride) in self.strides.iter().enumerate() {
            let (columns, lines) = grid(context.input, stride);
            for cell in 0..columns * lines {
                let places = (before + cell, cell);
                let Some((scores, sides)) = self.row(outputs, context.classes, number, places)
                else {
                    return found;
                };
                let Some((class, score)) = context.best(scores.iter().copied()) else {
                    continue;
                };
                if score < context.threshold {
                    continue;
                }
                let step = stride as f32;
                let x = ((cell % columns) as f32 + self.center) * step;
                let y = ((cell / columns) as f32 + self.center) * step;
                let side = |n: usize| {
                    let bins = n * self.bins..(n + 1) * self.bins;
                    expectation(&sides[bins]) * step
                };
                let corners = [x - side(0), y - side(1), x + side(2), y + side(3)];
                context.keep(&mut found, class, score, corners);
            }
            before += columns * lines;
        }
        found
    }
}

/// The expectation of the index under the softmax of the values.
fn expectation(values: &[f32]) -> f32 {
    let most = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let (mut sum, mut weighted) = (0.0, 0.0);
    for (index, value) in values.iter().enumerate() {
        let weight = (value - most).exp();
        sum += weight;
        weighted += weight * index as f32;
    }
    weighted / sum
}
