//! FastestDet.

use serde::Deserialize;

use super::head::{Head, HeadContext, RawDetection, Shapes, size};
use crate::infer::input::InputSpec;
use crate::infer::output::OutputView;

/// FastestDet's `[5 + C, rows, columns]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fastestdet {}

impl Head for Fastestdet {
    fn expected(&self, input: &InputSpec, classes: usize) -> Vec<Shapes> {
        let (rows, columns) = (input.height.div_ceil(16), input.width.div_ceil(16));
        vec![vec![vec![
            5 + size(classes),
            i64::from(rows),
            i64::from(columns),
        ]]]
    }

    fn decode(&self, outputs: &[OutputView<'_>], context: &HeadContext<'_>) -> Vec<RawDetection> {
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
            let (w, h) = (sigmoid(at(3)) * across, sigmoid(at(4)) * down);
            let corners = [x - w / 2.0, y - h / 2.0, x + w / 2.0, y + h / 2.0];
            context.keep(&mut found, class, score, corners);
        }
        found
    }
}
