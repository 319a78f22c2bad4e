//! DETR style heads (RT-DETR, D-FINE, RF-DETR): a set of boxes, each with class scores.

use serde::Deserialize;

use super::head::{Head, HeadContext, RawDetection, Shapes, size};
use crate::infer::input::InputSpec;
use crate::infer::output::OutputView;

/// The form of a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BoxForm {
    /// Centre and size in 0..1 of the input.
    CenterNormalised,
    /// Corners in 0..1 of the input.
    CornersNormalised,
    /// Centre and size in input pixels.
    CenterPixels,
    /// Corners in input pixels.
    CornersPixels,
}

/// What makes scores of the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scores {
    /// Nothing: they are scores.
    Ready,
    /// The logistic function, class by class.
    Sigmoid,
    /// Softmax over the classes and a last column for "nothing".
    Softmax,
}

/// DETR style: boxes `[N, 4]` and scores `[N, C]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Detr {
    /// Which output holds the boxes.
    pub boxes: usize,
    /// Which output holds the scores.
    pub scores: usize,
    /// The boxes' form.
    pub form: BoxForm,
    /// What makes scores of the numbers.
    pub activation: Scores,
}

impl Head for Detr {
    fn check(&self) -> Result<(), String> {
        if self.boxes == self.scores {
            return Err("output: boxes and scores must be two different outputs".to_owned());
        }
        Ok(())
    }

    fn expected(&self, _input: &InputSpec, classes: usize) -> Vec<Shapes> {
        let columns = if self.activation == Scores::Softmax {
            -1
        } else {
            size(classes)
        };
        let mut shapes = vec![vec![-1, columns]; 1 + self.boxes.max(self.scores)];
        shapes[self.boxes] = vec![-1, 4];
        vec![shapes]
    }

    fn decode(&self, outputs: &[OutputView<'_>], context: &HeadContext<'_>) -> Vec<RawDetection> {
        let mut found = Vec::new();
        let (Some(boxes), Some(scores)) = (outputs.get(self.boxes), outputs.get(self.scores))
        else {
            return found;
        };
        let count = boxes.data.len() / 4;
        let columns = scores.data.len().checked_div(count).unwrap_or(0);
        if columns < context.classes || columns == 0 {
            return found;
        }
        let rows = scores.data.chunks_exact(columns);
        for (place, row) in boxes.data.chunks_exact(4).zip(rows) {
            let classes = row[..context.classes].iter().copied();
            let Some((class, value)) = context.best(classes) else {
                continue;
            };
            let score = match self.activation {
                Scores::Ready => value,
                Scores::Sigmoid => 1.0 / (1.0 + (-value).exp()),
                Scores::Softmax => {
                    let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                    (value - most).exp() / row.iter().map(|v| (v - most).exp()).sum::<f32>()
                }
            };
            let corners = corners(place, self.form, context);
            context.keep(&mut found, class, score, corners);
        }
        found
    }

    fn is_free_of_doubles(&self) -> bool {
        true
    }
}

fn corners(place: &[f32], form: BoxForm, context: &HeadContext<'_>) -> [f32; 4] {
    let (across, down) = match form {
        BoxForm::CenterNormalised | BoxForm::CornersNormalised => {
            (context.input.width as f32, context.input.height as f32)
        }
        BoxForm::CenterPixels | BoxForm::CornersPixels => (1.0, 1.0),
    };
    let [a, b, c, d] = [
        place[0] * across,
        place[1] * down,
        place[2] * across,
        place[3] * down,
    ];
    match form {
        BoxForm::CornersNormalised | BoxForm::CornersPixels => [a, b, c, d],
        BoxForm::CenterNormalised | BoxForm::CenterPixels => {
            [a - c / 2.0, b - d / 2.0, a + c / 2.0, b + d / 2.0]
        }
    }
}
