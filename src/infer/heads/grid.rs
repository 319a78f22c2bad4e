//! Grids of cells: YOLOX (Ge et al., arXiv 2107.08430) and FastestDet.

use super::{HeadContext, OutputView, RawDetection};

pub(super) fn yolox(
    outputs: &[OutputView<'_>],
    strides: &[u32],
    context: &HeadContext<'_>,
) -> Vec<RawDetection> {
    let mut found = Vec::new();
    let Some(output) = outputs.first() else {
        return found;
    };
    let mut rows = output.data.chunks_exact(5 + context.classes);
    for &stride in strides {
        let columns = context.input.width.div_ceil(stride);
        for cell in 0..columns * context.input.height.div_ceil(stride) {
            let Some(row) = rows.next() else { return found };
            if row[4] < context.threshold {
                continue;
            }
            let Some((class, score)) = context.best(row[5..].iter().copied()) else {
                continue;
            };
            let step = stride as f32;
            let x = (row[0] + (cell % columns) as f32) * step;
            let y = (row[1] + (cell / columns) as f32) * step;
            let (w, h) = (row[2].exp() * step / 2.0, row[3].exp() * step / 2.0);
            context.keep(
                &mut found,
                class,
                row[4] * score,
                [x - w, y - h, x + w, y + h],
            );
        }
    }
    found
}

pub(super) fn fastestdet(
    outputs: &[OutputView<'_>],
    context: &HeadContext<'_>,
) -> Vec<RawDetection> {
    let mut found = Vec::new();
    let Some(output) = outputs.first() else {
        return found;
    };
    let [_, rows, columns] = *output.shape else {
        return found;
    };
    let data = output.data;
    let (rows, columns) = (rows.max(0) as usize, columns.max(0) as usize);
    let Some(area) = rows.checked_mul(columns) else {
        return found;
    };
    let told = area.checked_mul(5 + context.classes);
    if area == 0 || told.is_none_or(|told| data.len() < told) {
        return found;
    }
    let sigmoid = |v: f32| 1.0 / (1.0 + (-v).exp());
    let (across, down) = (context.input.width as f32, context.input.height as f32);
    for cell in 0..area {
        let at = |channel: usize| data[channel * area + cell];
        let Some((class, sure)) = context.best((0..context.classes).map(|c| at(5 + c))) else {
            continue;
        };
        // Upstream weighs objectness and class like this.
        let score = at(0).max(0.0).powf(0.6) * sure.max(0.0).powf(0.4);
        let x = ((cell % columns) as f32 + at(1).tanh()) / columns as f32 * across;
        let y = ((cell / columns) as f32 + at(2).tanh()) / rows as f32 * down;
        let (w, h) = (sigmoid(at(3)) * across / 2.0, sigmoid(at(4)) * down / 2.0);
        context.keep(&mut found, class, score, [x - w, y - h, x + w, y + h]);
    }
    found
}
