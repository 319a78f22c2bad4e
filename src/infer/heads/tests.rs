use proptest::prelude::*;

use super::*;
use crate::infer::OutputView;
use crate::infer::manifest::{ColorOrder, InputSpec, Layout, Placement, Resize};

fn input() -> InputSpec {
    InputSpec {
        width: 64,
        height: 32,
        layout: Layout::Nchw,
        color: ColorOrder::Rgb,
        mean: [0.0; 3],
        std: [1.0; 3],
        resize: Resize::Letterbox,
        placement: Placement::Center,
        pad: 0.0,
    }
}

fn decode(head: &HeadConfig, outputs: &[(Vec<i64>, Vec<f32>)]) -> Vec<RawDetection> {
    let views: Vec<OutputView<'_>> = outputs
        .iter()
        .map(|(shape, data)| OutputView { shape, data })
        .collect();
    let input = input();
    let context = HeadContext {
        input: &input,
        wanted: &|class| class == 1,
        classes: 2,
        threshold: 0.3,
    };
    head.head().decode(&views, &context)
}

fn one(found: &[RawDetection], score: f32, corners: [f32; 4]) {
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].class, 1);
    assert!((found[0].score - score).abs() < 1e-4, "{found:?}");
    for (have, want) in found[0].corners.iter().zip(corners) {
        assert!((have - want).abs() < 1e-3, "{found:?}");
    }
}

#[test]
fn yolox_cells_become_boxes() {
    // Strides 16 (4 × 2 cells) and 32 (2 × 1): cell 5 of the first is column 1, row 1.
    let mut rows = vec![0.0; 10 * 7];
    rows[5 * 7..6 * 7].copy_from_slice(&[0.5, 0.25, 0.0, 2.0_f32.ln(), 0.9, 0.99, 0.8]);
    let found = decode(
        &HeadConfig::Yolox(Yolox {
            strides: vec![16, 32],
        }),
        &[(vec![10, 7], rows)],
    );
    one(&found, 0.72, [16.0, 4.0, 32.0, 36.0]);
}

#[test]
fn yolov5_and_both_ways_of_yolov8_agree() {
    let row = [20.0, 10.0, 8.0, 4.0];
    let v5 = vec![
        20.0, 10.0, 8.0, 4.0, 0.5, 0.1, 0.8, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
    ];
    one(
        &decode(&HeadConfig::Yolov5(Yolov5 {}), &[(vec![2, 7], v5)]),
        0.4,
        [16.0, 8.0, 24.0, 12.0],
    );
    let mut by_row = row.to_vec();
    by_row.extend([0.1, 0.4]);
    by_row.extend([0.0; 6]);
    let by_channel: Vec<f32> = (0..6).flat_map(|c| [by_row[c], by_row[6 + c]]).collect();
    for outputs in [(vec![2, 6], by_row), (vec![6, 2], by_channel)] {
        one(
            &decode(&HeadConfig::Yolov8(Yolov8 {}), &[outputs]),
            0.4,
            [16.0, 8.0, 24.0, 12.0],
        );
    }
}

#[test]
fn gfl_distances_are_expectations_in_strides() {
    // One stride of 32: 2 × 1 cells; every side of cell 1 is bin 1 for sure.
    let mut scores = vec![0.0; 4];
    scores[3] = 0.6;
    let mut sides = vec![0.0; 2 * 4 * 4];
    for side in 0..4 {
        sides[16 + side * 4 + 1] = 50.0;
    }
    let head = HeadConfig::Gfl(Gfl {
        strides: vec![32],
        bins: 4,
        center: 0.5,
    });
    let apart = [(vec![2, 2], scores.clone()), (vec![2, 16], sides.clone())];
    one(&decode(&head, &apart), 0.6, [16.0, -16.0, 80.0, 48.0]);
    let both: Vec<f32> = (0..2)
        .flat_map(|n| [&scores[n * 2..n * 2 + 2], &sides[n * 16..n * 16 + 16]].concat())
        .collect();
    one(
        &decode(&head, &[(vec![2, 18], both)]),
        0.6,
        [16.0, -16.0, 80.0, 48.0],
    );
}

#[test]
fn detr_boxes_come_in_four_forms_and_three_activations() {
    let head = |form, activation| {
        HeadConfig::Detr(Detr {
            boxes: 0,
            scores: 1,
            form,
            activation,
        })
    };
    let half = vec![0.0, 0.0]; // sigmoid: 0.5
    for (form, place) in [
        (BoxForm::CenterNormalised, vec![0.5, 0.5, 0.25, 0.5]),
        (BoxForm::CornersNormalised, vec![0.375, 0.25, 0.625, 0.75]),
        (BoxForm::CenterPixels, vec![32.0, 16.0, 16.0, 16.0]),
        (BoxForm::CornersPixels, vec![24.0, 8.0, 40.0, 24.0]),
    ] {
        let outputs = [(vec![1, 4], place), (vec![1, 2], half.clone())];
        one(
            &decode(&head(form, Scores::Sigmoid), &outputs),
            0.5,
            [24.0, 8.0, 40.0, 24.0],
        );
    }
    let place = (vec![1, 4], vec![24.0, 8.0, 40.0, 24.0]);
    let softmax = head(BoxForm::CornersPixels, Scores::Softmax);
    let found = decode(
        &softmax,
        &[place.clone(), (vec![1, 3], vec![0.0, 2.0_f32.ln(), 0.0])],
    );
    one(&found, 0.5, [24.0, 8.0, 40.0, 24.0]);
    let ready = head(BoxForm::CornersPixels, Scores::Ready);
    one(
        &decode(&ready, &[place, (vec![1, 2], vec![0.9, 0.7])]),
        0.7,
        [24.0, 8.0, 40.0, 24.0],
    );
}

#[test]
fn ssd_outputs_come_in_four_forms() {
    let head = |form, normalised, first_label| {
        HeadConfig::Ssd(Ssd {
            form,
            normalised,
            first_label,
        })
    };
    let want = [16.0, 8.0, 32.0, 24.0];
    let rows6 = vec![
        16.0, 8.0, 32.0, 24.0, 0.7, 1.0, 0.0, 0.0, 9.0, 9.0, 0.9, 0.0,
    ];
    one(
        &decode(&head(SsdForm::Rows6, false, 0), &[(vec![2, 6], rows6)]),
        0.7,
        want,
    );
    let rows7 = vec![
        0.0, 2.0, 0.7, 0.25, 0.25, 0.5, 0.75, -1.0, 2.0, 0.9, 0.0, 0.0, 1.0, 1.0,
    ];
    one(
        &decode(&head(SsdForm::Rows7, true, 1), &[(vec![1, 2, 7], rows7)]),
        0.7,
        want,
    );
    let boxes = (vec![1, 4], vec![0.25, 0.25, 0.5, 0.75]);
    let (score, class) = ((vec![1], vec![0.7]), (vec![1], vec![1.0]));
    let three = [boxes, score.clone(), class.clone()];
    one(
        &decode(&head(SsdForm::BoxesScoresClasses, true, 0), &three),
        0.7,
        want,
    );
    let boxes = (vec![2, 4], vec![0.25, 0.25, 0.75, 0.5, 0.0, 0.0, 1.0, 1.0]);
    let four = [
        boxes,
        (vec![2], vec![1.0, 1.0]),
        (vec![2], vec![0.7, 0.9]),
        (vec![], vec![1.0]),
    ];
    one(
        &decode(&head(SsdForm::Tensorflow, true, 0), &four),
        0.7,
        want,
    );
}

#[test]
fn fastestdet_weighs_objectness_and_class() {
    // 4 × 2 cells of 16 pixels; cell 6 is column 2, row 1.
    let mut data = vec![0.0; 7 * 8];
    for (channel, value) in [0.81, 0.0, 0.0, 0.0, 0.0, 0.0, 0.64]
        .into_iter()
        .enumerate()
    {
        data[channel * 8 + 6] = value;
    }
    let score = 0.81_f32.powf(0.6) * 0.64_f32.powf(0.4);
    let found = decode(
        &HeadConfig::Fastestdet(Fastestdet {}),
        &[(vec![7, 2, 4], data)],
    );
    one(&found, score, [16.0, 8.0, 48.0, 24.0]);
}

#[test]
fn the_surest_of_overlapping_boxes_stays_and_classes_do_not_suppress_each_other() {
    let raw = |class, score, left: f32| RawDetection {
        class,
        score,
        corners: [left, 0.0, left + 10.0, 10.0],
    };
    let mut found = vec![
        raw(0, 0.5, 1.0),
        raw(0, 0.9, 0.0),
        raw(1, 0.4, 0.0),
        raw(0, 0.3, 20.0),
    ];
    nms(&mut found, 0.5);
    assert_eq!(
        found,
        [raw(0, 0.9, 0.0), raw(1, 0.4, 0.0), raw(0, 0.3, 20.0)]
    );
}

proptest! {
    /// Wrong shapes, short data, NaN and infinity give nothing unsound and never panic.
    #[test]
    fn no_output_breaks_a_head(
        data in prop::collection::vec(prop_oneof![any::<f32>(), -5.0_f32..5.0], 0..300),
        first in -2_i64..12, second in -2_i64..12, outputs in 1_usize..5,
    ) {
        let heads = [
            HeadConfig::Yolox(Yolox { strides: vec![16, 32] }),
            HeadConfig::Yolov5(Yolov5 {}),
            HeadConfig::Yolov8(Yolov8 {}),
            HeadConfig::Gfl(Gfl { strides: vec![16, 32], bins: 4, center: 0.5 }),
            HeadConfig::Detr(Detr { boxes: 0, scores: 1, form: BoxForm::CenterNormalised, activation: Scores::Softmax }),
            HeadConfig::Ssd(Ssd { form: SsdForm::Rows6, normalised: true, first_label: 1 }),
            HeadConfig::Ssd(Ssd { form: SsdForm::Rows7, normalised: true, first_label: 0 }),
            HeadConfig::Ssd(Ssd { form: SsdForm::BoxesScoresClasses, normalised: false, first_label: 0 }),
            HeadConfig::Ssd(Ssd { form: SsdForm::Tensorflow, normalised: true, first_label: 0 }),
            HeadConfig::Fastestdet(Fastestdet {}),
        ];
        let huge = vec![first, 1 << 33, 1 << 33];
        for shape in [vec![first, second], vec![first, second, 2], vec![first], vec![1 << 33, 1 << 33], huge] {
            let outputs = vec![(shape, data.clone()); outputs];
            for head in &heads {
                for found in decode(head, &outputs) {
                    prop_assert!(found.corners.iter().all(|v| v.is_finite()));
                    prop_assert!((0.3..=1.0).contains(&found.score) && found.class == 1);
                }
            }
        }
    }
}
