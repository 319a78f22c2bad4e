//! YOLOv5 and YOLOv8/v11 style outputs with boxes already in input pixels.

use ndarray::Axis;
use serde::Deserialize;

use super::head::{Head, HeadContext, RawDetection, Shapes, size};
use crate::infer::input::InputSpec;
use crate::infer::output::OutputView;

/// YOLOv5's `[N, 5 + C]`: cx cy w h in input pixels, objectness, class scores.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Yolov5 {}

/// YOLOv8's and v11's `[4 + C, N]` (or turned): cx cy w h in input pixels, class scores.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Yolov8 {}

fn corners(x: f32, y: f32, w: f32, h: f32) -> [f32; 4] {
    [x - w / 2.0, y - h / 2.0, x + w / 2.0, y + h / 2.0]
}

impl Head for Yolov5 {
    fn expected(&self, _input: &InputSpec, classes: usize) -> Vec<Shapes> {
        vec![vec![vec![-1, 5 + size(classes)]]]
    }

    fn decode(&self, outputs: &[OutputView<'_>], context: &HeadContext<'_>) -> Vec<RawDetection> {
        let mut found = Vec::new();
        let Some(output) = outputs.first() else {
            return found;
        };
        for row in output.data.chunks_exact(5 + context.classes) {
            if row[4] < context.threshold {
                continue;
            }
            if let Some((class, score)) = context.best(row[5..].iter().copied()) {
                let place = corners(row[0], row[1], row[2], row[3]);
                context.keep(&mut found, class, row[4] * score, place);
            }
        }
        found
    }
}

impl Head for Yolov8 {
    fn expected(&self, _input: &InputSpec, classes: usize) -> Vec<Shapes> {
        let width = 4 + size(classes);
        vec![vec![vec![width, -1]], vec![vec![-1, width]]]
    }

    fn decode(&self, outputs: &[OutputView<'_>], context: &HeadContext<'_>) -> Vec<RawDetection> {
        let mut found = Vec::new();
        let Some(table) = outputs.first().and_then(OutputView::shaped::<2>) else {
            return found;
        };
        let width = 4 + context.classes;
        let boxes = match table.dim() {
            (rows, _) if rows == width => table.reversed_axes(),
            (_, columns) if columns == width => table,
            _ => return found,
        };
        for one in boxes.rows() {
            let (place, scores) = one.split_at(Axis(0), 4);
            if let Some((class, score)) = context.best(scores.iter().copied()) {
                let place = corners(place[0], place[1], place[2], place[3]);
                context.keep(&mut found, class, score, place);
            }
        }
        found
    }
}
