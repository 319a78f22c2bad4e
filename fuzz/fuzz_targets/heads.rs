//! Arbitrary output tensors never panic a head, and what comes out is sound.
//! `cargo fuzz run heads`

#![no_main]

use libfuzzer_sys::fuzz_target;
use parapet::infer::OutputView;
use parapet::infer::heads::{
    BoxForm, Detr, Fastestdet, Gfl, HeadConfig, HeadContext, Scores, Ssd, SsdForm, Yolov5, Yolov8,
    Yolox,
};
use parapet::infer::manifest::{ColorOrder, InputSpec, Layout, Placement, Resize};

/// A tensor's shape and its numbers.
type Tensor = (Vec<i64>, Vec<f32>);

fuzz_target!(|input: (u8, Vec<Tensor>)| {
    let (which, outputs) = input;
    let head = match which % 8 {
        0 => HeadConfig::Yolox(Yolox {
            strides: vec![8, 16, 32],
        }),
        1 => HeadConfig::Yolov5(Yolov5 {}),
        2 => HeadConfig::Yolov8(Yolov8 {}),
        3 => HeadConfig::Gfl(Gfl {
            strides: vec![8, 16],
            bins: 8,
            center: 0.5,
        }),
        4 => HeadConfig::Detr(Detr {
            boxes: 0,
            scores: 1,
            form: BoxForm::CenterNormalised,
            activation: Scores::Softmax,
        }),
        5 => HeadConfig::Ssd(Ssd {
            form: SsdForm::Rows7,
            normalised: true,
            first_label: 1,
        }),
        6 => HeadConfig::Ssd(Ssd {
            form: SsdForm::Tensorflow,
            normalised: true,
            first_label: 0,
        }),
        _ => HeadConfig::Fastestdet(Fastestdet {}),
    };
    let spec = InputSpec {
        width: 64,
        height: 48,
        layout: Layout::Nchw,
        color: ColorOrder::Rgb,
        mean: [0.0; 3],
        std: [1.0; 3],
        resize: Resize::Letterbox,
        placement: Placement::Center,
        pad: 0.0,
    };
    let views: Vec<OutputView<'_>> = outputs
        .iter()
        .map(|(shape, data)| OutputView { shape, data })
        .collect();
    let context = HeadContext {
        input: &spec,
        wanted: &|_| true,
        classes: 3,
        threshold: 0.2,
    };
    for found in head.head().decode(&views, &context) {
        assert!(found.corners.iter().all(|value| value.is_finite()) && found.score >= 0.2);
    }
});
