//! Outputs of models that bring their own non-maximum suppression.

use serde::Deserialize;

use super::head::{Head, HeadContext, RawDetection, Shapes};
use crate::infer::input::InputSpec;
use crate::infer::output::OutputView;

/// The form of the outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SsdForm {
    /// One output `[N, 6]`: left, top, right, bottom, score, class.
    Rows6,
    /// One output `[1, N, 7]`: picture, class, score, left, top, right, bottom (OpenVINO, Caffe).
    Rows7,
    /// Three outputs: boxes `[N, 4]` (left, top, right, bottom), scores `[N]`, classes `[N]`.
    BoxesScoresClasses,
    /// TensorFlow's four: boxes `[N, 4]` (top, left, bottom, right), classes, scores, count.
    Tensorflow,
}

/// SSD style, NMS already done.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ssd {
    /// The outputs' form.
    pub form: SsdForm,
    /// Boxes are in 0..1 rather than in input pixels.
    pub normalised: bool,
    /// What the model calls the first label (1 where 0 is the background).
    #[serde(default)]
    pub first_label: usize,
}

impl Head for Ssd {
    fn expected(&self, _input: &InputSpec, _classes: usize) -> Vec<Shapes> {
        match self.form {
            SsdForm::Rows6 => vec![vec![vec![-1, 6]]],
            SsdForm::Rows7 => vec![vec![vec![1, -1, 7]]],
            SsdForm::BoxesScoresClasses => vec![vec![vec![-1, 4], vec![-1], vec![-1]]],
            SsdForm::Tensorflow => vec![
                vec![vec![-1, 4], vec![-1], vec![-1], vec![]],
                vec![vec![-1, 4], vec![-1], vec![-1], vec![1]],
            ],
        }
    }

    fn decode(&self, outputs: &[OutputView<'_>], context: &HeadContext<'_>) -> Vec<RawDetection> {
        let mut found = Vec::new();
        let (across, down) = if self.normalised {
            (context.input.width as f32, context.input.height as f32)
        } else {
            (1.0, 1.0)
        };
        let mut take = |[x1, y1, x2, y2]: [f32; 4], score: f32, class: f32| {
            // A class that is no label (or NaN) becomes one that nobody wants.
            let class = if class >= self.first_label as f32 {
                class as usize - self.first_label
            } else {
                usize::MAX
            };
            if class < context.classes {
                let corners = [x1 * across, y1 * down, x2 * across, y2 * down];
                context.keep(&mut found, class, score, corners);
            }
        };
        match (self.form, outputs) {
            (SsdForm::Rows6, [rows, ..]) => {
                for r in rows.data.chunks_exact(6) {
                    take([r[0], r[1], r[2], r[3]], r[4], r[5]);
                }
            }
            (SsdForm::Rows7, [rows, ..]) => {
                let rows = rows.data.chunks_exact(7);
                // A negative picture number ends the list.
                for r in rows.take_while(|r| r[0] >= 0.0) {
                    take([r[3], r[4], r[5], r[6]], r[2], r[1]);
                }
            }
            (SsdForm::BoxesScoresClasses, [boxes, scores, classes, ..]) => {
                let boxes = boxes.data.chunks_exact(4);
                for ((b, score), class) in boxes.zip(scores.data).zip(classes.data) {
                    take([b[0], b[1], b[2], b[3]], *score, *class);
                }
            }
            (SsdForm::Tensorflow, [boxes, classes, scores, count, ..]) => {
                let count = count.data.first().copied().unwrap_or(0.0).max(0.0) as usize;
                let rows = boxes.data.chunks_exact(4);
                for ((b, score), class) in rows.zip(scores.data).zip(classes.data).take(count) {
                    take([b[1], b[0], b[3], b[2]], *score, *class);
                }
            }
            _ => {}
        }
        found
    }

    fn is_free_of_doubles(&self) -> bool {
        true
    }
}
