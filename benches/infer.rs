//! Preprocessing 1080p → 416, batch assembly, each head with NMS.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use parapet::base::clock::Monotonic;
use parapet::infer::OutputView;
use parapet::infer::heads::{
    BoxForm, Detr, Fastestdet, Gfl, HeadConfig, HeadContext, Scores, Ssd, SsdForm, Yolov5, Yolov8,
    Yolox, nms,
};
use parapet::infer::manifest::{ColorOrder, InputSpec, Layout, Placement, Resize};
use parapet::infer::preprocess::Preprocessor;
use parapet::model::frame::{ColorMatrix, Colorimetry, Frame, OwnedPlanes, PixelFormat};
use parapet::model::geometry::Size;
use parapet::model::time::{CaptureTime, ClockSource, UtcMicros};

const FULL_HD: Size = Size {
    width: 1920,
    height: 1080,
};

fn input() -> InputSpec {
    InputSpec {
        width: 416,
        height: 416,
        layout: Layout::Nchw,
        color: ColorOrder::Bgr,
        mean: [0.0; 3],
        std: [1.0; 3],
        resize: Resize::Letterbox,
        placement: Placement::TopLeft,
        pad: 114.0,
    }
}

fn frame(format: PixelFormat) -> Frame {
    let mut random = fastrand::Rng::with_seed(1);
    let mut plane = |bytes: usize, stride: usize| {
        (
            (0..bytes).map(|_| random.u8(..)).collect::<Vec<u8>>(),
            stride,
        )
    };
    let planes = match format {
        PixelFormat::Nv12 => vec![plane(1920 * 1080, 1920), plane(1920 * 540, 1920)],
        PixelFormat::I420 => {
            vec![
                plane(1920 * 1080, 1920),
                plane(960 * 540, 960),
                plane(960 * 540, 960),
            ]
        }
    };
    Frame {
        index: 0,
        size: FULL_HD,
        format,
        colorimetry: Colorimetry {
            matrix: ColorMatrix::Bt709,
            full_range: false,
        },
        capture: CaptureTime {
            utc: UtcMicros(0),
            source: ClockSource::File,
            offset_micros: 0,
        },
        media_time: Duration::ZERO,
        arrived: Monotonic::default(),
        held: Duration::ZERO,
        probe: false,
        planes: OwnedPlanes::new(planes),
    }
}

fn preprocess(c: &mut Criterion) {
    let input = input();
    let values = 416 * 416 * 3;
    for (name, format) in [("nv12", PixelFormat::Nv12), ("i420", PixelFormat::I420)] {
        let frame = frame(format);
        let mut preprocessor = Preprocessor::new(FULL_HD, &input);
        let mut tensor = vec![0.0; values];
        preprocessor.pad(&mut tensor);
        c.bench_function(&format!("preprocess 1080p to 416 {name}"), |b| {
            b.iter(|| preprocessor.write(black_box(&frame), &mut tensor));
        });
    }
    let frames: Vec<Frame> = (0..8).map(|_| frame(PixelFormat::Nv12)).collect();
    let mut preprocessor = Preprocessor::new(FULL_HD, &input);
    let mut batch = vec![0.0; values * 8];
    c.bench_function("assemble a batch of 8 from 1080p nv12", |b| {
        b.iter(|| {
            for (frame, tensor) in frames.iter().zip(batch.chunks_exact_mut(values)) {
                preprocessor.write(black_box(frame), tensor);
            }
        });
    });
}

/// A shape and its values.
type Output = (Vec<i64>, Vec<f32>);

/// Every head with outputs of the size that it has at 416 × 416.
fn cases() -> Vec<(&'static str, HeadConfig, Vec<Output>)> {
    let mut random = fastrand::Rng::with_seed(2);
    let mut noise = |n: usize, most: f32| (0..n).map(|_| random.f32() * most).collect::<Vec<f32>>();
    let strides = vec![8, 16, 32];
    let cells = [2704_i64, 676, 169, 49];
    let gfl: Vec<Output> = cells
        .iter()
        .map(|&n| (vec![n, 80], noise(n as usize * 80, 0.5)))
        .chain(cells.iter().map(|&n| (vec![n, 32], Vec::new())))
        .map(|(shape, data)| {
            let filled = if data.is_empty() {
                vec![0.1; shape[0] as usize * 32]
            } else {
                data
            };
            (shape, filled)
        })
        .collect();
    let detr = HeadConfig::Detr(Detr {
        boxes: 0,
        scores: 1,
        form: BoxForm::CenterNormalised,
        activation: Scores::Sigmoid,
    });
    let ssd = HeadConfig::Ssd(Ssd {
        form: SsdForm::Rows6,
        normalised: true,
        first_label: 0,
    });
    vec![
        (
            "yolox",
            HeadConfig::Yolox(Yolox { strides }),
            vec![(vec![3549, 85], noise(3549 * 85, 0.7))],
        ),
        (
            "yolov5",
            HeadConfig::Yolov5(Yolov5 {}),
            vec![(vec![3549, 85], noise(3549 * 85, 0.7))],
        ),
        (
            "yolov8",
            HeadConfig::Yolov8(Yolov8 {}),
            vec![(vec![84, 3549], noise(3549 * 84, 0.5))],
        ),
        (
            "gfl",
            HeadConfig::Gfl(Gfl {
                strides: vec![8, 16, 32, 64],
                bins: 8,
                center: 0.5,
            }),
            gfl,
        ),
        (
            "detr",
            detr,
            vec![
                (vec![300, 4], noise(1200, 1.0)),
                (vec![300, 80], noise(24_000, 1.0)),
            ],
        ),
        ("ssd", ssd, vec![(vec![300, 6], noise(1800, 1.0))]),
        (
            "fastestdet",
            HeadConfig::Fastestdet(Fastestdet {}),
            vec![(vec![85, 26, 26], noise(85 * 676, 0.6))],
        ),
    ]
}

fn heads(c: &mut Criterion) {
    let input = input();
    let context = HeadContext {
        input: &input,
        wanted: &|class| class == 0,
        classes: 80,
        threshold: 0.3,
    };
    for (name, head, outputs) in &cases() {
        let views: Vec<OutputView<'_>> = outputs
            .iter()
            .map(|(shape, data)| OutputView { shape, data })
            .collect();
        c.bench_function(&format!("head {name} with nms, 416"), |b| {
            b.iter(|| {
                let mut found = head.head().decode(black_box(&views), &context);
                nms(&mut found, 0.5);
                found.len()
            });
        });
    }
}

criterion_group!(benches, preprocess, heads);
criterion_main!(benches);
