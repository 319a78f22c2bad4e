//! What a head is, and what it needs to know.

use crate::infer::input::InputSpec;
use crate::infer::output::OutputView;

/// Shapes of outputs, one picture each; -1 stands for any size.
pub(super) type Shapes = Vec<Vec<i64>>;

/// Reads a model's outputs.
pub trait Head {
    /// Checks the settings alone.
    ///
    /// # Errors
    /// What is wrong, in words.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }

    /// The shapes that fit this head. A model fits when one of the alternatives does.
    fn expected(&self, input: &InputSpec, classes: usize) -> Vec<Shapes>;

    /// Reads one picture's outputs (shapes without the batch). Outputs that do not fit give
    /// nothing; that they do is checked when the model is loaded.
    fn decode(&self, outputs: &[OutputView<'_>], context: &HeadContext<'_>) -> Vec<RawDetection>;

    /// Whether the model has removed doubles itself.
    fn is_free_of_doubles(&self) -> bool {
        false
    }
}

/// One object before it is mapped to the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RawDetection {
    /// Index into the model's labels.
    pub class: usize,
    /// In 0..=1.
    pub score: f32,
    /// Left, top, right, bottom in input pixels.
    pub corners: [f32; 4],
}

/// What a head needs to know of its model.
pub struct HeadContext<'a> {
    /// What goes in.
    pub input: &'a InputSpec,
    /// For each class whether it matters.
    pub wanted: &'a dyn Fn(usize) -> bool,
    /// How many classes there are.
    pub classes: usize,
    /// Detections below are dropped.
    pub threshold: f32,
}

impl HeadContext<'_> {
    /// The best class that matters among `scores`.
    pub(super) fn best(&self, scores: impl Iterator<Item = f32>) -> Option<(usize, f32)> {
        let mut best: Option<(usize, f32)> = None;
        for (class, score) in scores.enumerate() {
            if (self.wanted)(class) && best.is_none_or(|(_, most)| score > most) {
                best = Some((class, score));
            }
        }
        best
    }

    /// Keeps a detection that is sure enough and whose box is sound.
    pub(super) fn keep(
        &self,
        found: &mut Vec<RawDetection>,
        class: usize,
        score: f32,
        corners: [f32; 4],
    ) {
        let sound = corners.iter().all(|v| v.is_finite() && v.abs() < 1e6)
            && corners[2] > corners[0]
            && corners[3] > corners[1];
        if score >= self.threshold && score.is_finite() && sound && (self.wanted)(class) {
            found.push(RawDetection {
                class,
                score: score.min(1.0),
                corners,
            });
        }
    }
}

/// A size in a shape.
pub(super) fn size(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Columns and rows of the cells of a stride.
pub(super) fn grid(input: &InputSpec, stride: u32) -> (usize, usize) {
    let columns = input.width.div_ceil(stride) as usize;
    (columns, input.height.div_ceil(stride) as usize)
}

/// Cells of a stride, as a size in a shape.
pub(super) fn cells(input: &InputSpec, stride: u32) -> i64 {
    let (columns, rows) = grid(input, stride);
    size(columns * rows)
}

/// Checks the strides of a head that has some.
pub(super) fn check_strides(strides: &[u32]) -> Result<(), String> {
    if strides.is_empty() || strides.iter().any(|s| !(1..=256).contains(s)) {
        return Err("output: strides must be 1 to 256 and at least one".to_owned());
    }
    Ok(())
}
