//! YOLOX (Ge et al., arXiv 2107.08430).

use serde::Deserialize;

use super::head::{Head, HeadContext, RawDetection, Shapes, cells, check_strides, grid, size};
use crate::infer::input::InputSpec;
use crate::infer::output::OutputView;

/// YOLOX's raw grid: `[N, 5 + C]`, x y offsets and log sizes per stride, scores ready.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Yolox {
    /// Cell sizes in input pixels, in the tensor's order.
    pub strides: Vec<u32>,
}

impl Head for Yolox {
    fn check(&self) -> Result<(), String> {
        check_strides(&self.strides)
    }

    fn expected(&self, input: &InputSpec, classes: usize) -> Vec<Shapes> {
        let rows = self.strides.iter().map(|s| cells(input, *s)).sum();
        vec![vec![vec![rows, 5 + size(classes)]]]
    }

    fn decode(&self, outputs: &[OutputView<'_>], context: &HeadContext<'_>) -> Vec<RawDetection> {
        let mut found = Vec::new();
        let Some(output) = outputs.first() else {
            return found;
        };
        let mut rows = output.data.chunks_exact(5 + context.classes);
        for &stride in &self.strides {
            let (columns, lines) = grid(context.input, stride);
            for cell in 0..columns * lines {
                let Some(row) = rows.next() else {
                    return found;
                };
                if row[4] < context.threshold {
                    continue;
                }
                let (place, scores) = row.split_at(5);
                let Some((class, score)) = context.best(scores.iter().copied()) else {
                    continue;
                };
                let step = stride as f32;
                let x = (place[0] + (cell % columns) as f32) * step;
                let y = (place[1] + (cell / columns) as f32) * step;
                let (w, h) = (place[2].exp() * step / 2.0, place[3].exp() * step / 2.0);
                context.keep(
                    &mut found,
                    class,
                    place[4] * score,
                    [x - w, y - h, x + w, y + h],
                );
            }
        }
        found
    }
}
