//! Output heads: what a model's numbers mean. Pure; whatever a tensor holds, nothing panics.

mod detr;
mod gfl;
mod grid;
mod nms;
mod ssd;
mod yolo;

use serde::Deserialize;

use super::OutputView;
use super::manifest::InputSpec;

pub use detr::{BoxForm, Scores};
pub use nms::nms;
pub use ssd::SsdForm;

/// A head and its settings: `[output]` of the manifest.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "head", rename_all = "lowercase", deny_unknown_fields)]
pub enum HeadConfig {
    /// YOLOX's raw grid: `[N, 5 + C]`, x y offsets and log sizes per stride, scores ready.
    Yolox {
        /// Cell sizes in input pixels, in the tensor's order.
        strides: Vec<u32>,
    },
    /// YOLOv5's `[N, 5 + C]`: cx cy w h in input pixels, objectness, class scores.
    Yolov5 {},
    /// YOLOv8's and v11's `[4 + C, N]` (or turned): cx cy w h in input pixels, class scores.
    Yolov8 {},
    /// Generalised focal loss with distributed boxes (NanoDet, PicoDet): per stride the class
    /// scores `[N, C]`, then per stride the distances `[N, 4 · bins]`; or both in one `[N, C + 4 · bins]`.
    Gfl {
        /// Cell sizes in input pixels, in the outputs' order.
        strides: Vec<u32>,
        /// Bins per side.
        bins: usize,
        /// Where a cell's centre lies: 0.5 (PicoDet) or 0 (NanoDet) of a cell.
        #[serde(default = "half")]
        center: f32,
    },
    /// DETR style: boxes `[N, 4]` and scores `[N, C]`.
    Detr {
        /// Which output holds the boxes.
        boxes: usize,
        /// Which output holds the scores.
        scores: usize,
        /// The boxes' form.
        form: BoxForm,
        /// What makes scores of the numbers.
        activation: Scores,
    },
    /// SSD style, NMS already done.
    Ssd {
        /// The outputs' form.
        form: SsdForm,
        /// Boxes are in 0..1 rather than in input pixels.
        normalised: bool,
        /// What the model calls the first label (1 where 0 is the background).
        #[serde(default)]
        first_label: usize,
    },
    /// FastestDet's `[5 + C, rows, columns]`.
    Fastestdet {},
}

fn half() -> f32 {
    0.5
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
    fn best(&self, scores: impl Iterator<Item = f32>) -> Option<(usize, f32)> {
        let mut best: Option<(usize, f32)> = None;
        for (class, score) in scores.enumerate() {
            if (self.wanted)(class) && best.is_none_or(|(_, most)| score > most) {
                best = Some((class, score));
            }
        }
        best
    }

    /// Keeps a detection that is sure enough and whose box is sound.
    fn keep(&self, found: &mut Vec<RawDetection>, class: usize, score: f32, corners: [f32; 4]) {
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

impl HeadConfig {
    /// Checks the settings alone.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn check(&self) -> Result<(), String> {
        match self {
            Self::Yolox { strides } | Self::Gfl { strides, .. }
                if strides.is_empty() || strides.iter().any(|s| !(1..=256).contains(s)) =>
            {
                Err("output: strides must be 1 to 256 and at least one".to_owned())
            }
            Self::Gfl { bins, .. } if !(2..=64).contains(bins) => {
                Err("output: bins must be 2 to 64".to_owned())
            }
            Self::Detr { boxes, scores, .. } if boxes == scores => {
                Err("output: boxes and scores must be two different outputs".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// The shapes, one picture each, that fit this head; -1 stands for any. A model fits when one
    /// of the alternatives does.
    #[must_use]
    pub fn expected(&self, input: &InputSpec, classes: usize) -> Vec<Vec<Vec<i64>>> {
        let n = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
        let cells = |stride: u32| {
            n(input.width.div_ceil(stride) as usize * input.height.div_ceil(stride) as usize)
        };
        let c = n(classes);
        match self {
            Self::Yolox { strides } => {
                vec![vec![vec![strides.iter().map(|s| cells(*s)).sum(), 5 + c]]]
            }
            Self::Yolov5 {} => vec![vec![vec![-1, 5 + c]]],
            Self::Yolov8 {} => vec![vec![vec![4 + c, -1]], vec![vec![-1, 4 + c]]],
            Self::Gfl { strides, bins, .. } => {
                let sides = n(4 * bins);
                let apart = strides
                    .iter()
                    .map(|s| vec![cells(*s), c])
                    .chain(strides.iter().map(|s| vec![cells(*s), sides]))
                    .collect();
                let one = vec![vec![strides.iter().map(|s| cells(*s)).sum(), c + sides]];
                vec![apart, one]
            }
            Self::Detr {
                boxes,
                scores,
                activation,
                ..
            } => {
                let columns = if *activation == Scores::Softmax {
                    -1
                } else {
                    c
                };
                let mut shapes = vec![vec![-1, columns]; 1 + boxes.max(scores)];
                shapes[*boxes] = vec![-1, 4];
                vec![shapes]
            }
            Self::Ssd { form, .. } => ssd::expected(*form),
            Self::Fastestdet {} => {
                let (rows, columns) = (input.height.div_ceil(16), input.width.div_ceil(16));
                vec![vec![vec![5 + c, i64::from(rows), i64::from(columns)]]]
            }
        }
    }

    /// Reads one picture's outputs (shapes without the batch). Outputs that do not fit give
    /// nothing; that they do is checked when the model is loaded.
    #[must_use]
    pub fn decode(
        &self,
        outputs: &[OutputView<'_>],
        context: &HeadContext<'_>,
    ) -> Vec<RawDetection> {
        match self {
            Self::Yolox { strides } => grid::yolox(outputs, strides, context),
            Self::Yolov5 {} => yolo::v5(outputs, context),
            Self::Yolov8 {} => yolo::v8(outputs, context),
            Self::Gfl {
                strides,
                bins,
                center,
            } => gfl::decode(outputs, strides, *bins, *center, context),
            Self::Detr {
                boxes,
                scores,
                form,
                activation,
            } => detr::decode(outputs, (*boxes, *scores), *form, *activation, context),
            Self::Ssd {
                form,
                normalised,
                first_label,
            } => ssd::decode(outputs, *form, *normalised, *first_label, context),
            Self::Fastestdet {} => grid::fastestdet(outputs, context),
        }
    }

    /// Whether the model has removed doubles itself.
    #[must_use]
    pub fn is_free_of_doubles(&self) -> bool {
        matches!(self, Self::Detr { .. } | Self::Ssd { .. })
    }
}

#[cfg(test)]
mod tests;
