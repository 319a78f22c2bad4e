//! Generalised focal loss heads (Li et al., NeurIPS 2020): each side of a box is the expectation
//! of a distribution over `bins` distances from the cell's centre, in strides.

use super::{HeadContext, OutputView, RawDetection};

pub(super) fn decode(
    outputs: &[OutputView<'_>],
    strides: &[u32],
    bins: usize,
    center: f32,
    context: &HeadContext<'_>,
) -> Vec<RawDetection> {
    let mut found = Vec::new();
    let sides = 4 * bins;
    let mut begin = 0;
    for (level, &stride) in strides.iter().enumerate() {
        let columns = context.input.width.div_ceil(stride) as usize;
        let cells = columns * context.input.height.div_ceil(stride) as usize;
        for cell in 0..cells {
            let row = |output: usize, width: usize, n: usize| {
                outputs
                    .get(output)
                    .and_then(|o| o.data.get(n * width..(n + 1) * width))
            };
            let pair = if outputs.len() == 1 {
                row(0, context.classes + sides, begin + cell).map(|r| r.split_at(context.classes))
            } else {
                row(level, context.classes, cell).zip(row(strides.len() + level, sides, cell))
            };
            let Some((scores, distances)) = pair else {
                return found;
            };
            let Some((class, score)) = context.best(scores.iter().copied()) else {
                continue;
            };
            if score < context.threshold {
                continue;
            }
            let step = stride as f32;
            let x = ((cell % columns) as f32 + center) * step;
            let y = ((cell / columns) as f32 + center) * step;
            let side = |n: usize| expectation(&distances[n * bins..(n + 1) * bins]) * step;
            let corners = [x - side(0), y - side(1), x + side(2), y + side(3)];
            context.keep(&mut found, class, score, corners);
        }
        begin += cells;
    }
    found
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
