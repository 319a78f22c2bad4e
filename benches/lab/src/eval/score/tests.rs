use proptest::prelude::*;

use super::*;

fn square(left: f32, width: f32) -> Rect {
    Rect {
        left,
        top: 0.0,
        width,
        height: 10.0,
    }
}

fn target(left: f32) -> Target {
    Target {
        whole: square(left, 10.0),
        seen: None,
        counts: true,
    }
}

fn said(score: f32, hit: bool) -> Judged {
    Judged {
        score,
        hits: u16::from(hit) * 0x3ff,
        ignored: 0,
    }
}

#[test]
fn the_surest_detection_takes_the_person_it_overlaps_most() {
    // 0.9 lies exactly on B, 0.8 on it too: that is a double. 0.7 covers 8 of A's 10 columns and
    // none beside: IoU 0.8.
    let targets = [target(0.0), target(20.0)];
    let found = [
        (0.7, square(2.0, 8.0)),
        (0.9, square(20.0, 10.0)),
        (0.8, square(20.0, 10.0)),
    ];
    let judgement = judge(&targets, &found);
    let [first, double, third] = judgement.detections[..] else {
        panic!("three detections")
    };
    assert_eq!((first.score, first.hits), (0.9, 0b11_1111_1111));
    assert_eq!((double.score, double.hits), (0.8, 0));
    // At 0.50 to 0.80, not at 0.85 and above (0.8 as an f32 division is 0.8).
    assert_eq!(third.hits & 0b11_1000_0000, 0);
    assert_eq!(third.hits & 0b00_0011_1111, 0b00_0011_1111);
    assert_eq!(judgement.found, [Some(0.7), Some(0.9)]);
}

#[test]
fn a_person_who_is_ignored_excuses_detections_and_is_nobodys_miss() {
    let hidden = Target {
        counts: false,
        ..target(0.0)
    };
    let found = [
        (0.9, square(0.0, 10.0)),
        (0.8, square(1.0, 4.0)),
        (0.7, square(6.0, 10.0)),
    ];
    let judgement = judge(&[hidden], &found);
    // The third lies on the ignored person with 4 of its 10 columns only.
    let ignored: Vec<bool> = judgement
        .detections
        .iter()
        .map(|d| d.is_ignored(9))
        .collect();
    assert_eq!(ignored, [true, true, false]);
    assert_eq!(judgement.found, [None]);
    // A person who counts goes before the excuse.
    let judgement = judge(&[hidden, target(0.0)], &found[..1]);
    assert!(judgement.detections[0].is_hit(0) && !judgement.detections[0].is_ignored(0));
}

#[test]
fn what_is_seen_of_a_person_may_be_boxed_as_well_as_the_whole() {
    let partly = Target {
        seen: Some(square(0.0, 4.0)),
        ..target(0.0)
    };
    assert!(judge(&[partly], &[(0.9, square(0.0, 4.0))]).detections[0].is_hit(9));
    assert!(judge(&[partly], &[(0.9, square(0.0, 10.0))]).detections[0].is_hit(9));
    assert!(!judge(&[target(0.0)], &[(0.9, square(0.0, 4.0))]).detections[0].is_hit(0));
}

#[test]
fn average_precision_is_what_one_computes_by_hand() {
    // Four people; true, false, true, true: precision 1, 1/2, 2/3, 3/4 at recall 1/4, 1/4, 2/4, 3/4.
    // The best from there on: 1, 3/4, 3/4, 3/4. Recalls 0 to 0.25 (26 of them) have 1, to 0.75 (50)
    // have 3/4, the last 25 none.
    let detections = [
        said(0.9, true),
        said(0.8, false),
        said(0.7, true),
        said(0.6, true),
    ];
    let wanted = (26.0 + 50.0 * 0.75) / 101.0;
    let found = average_precision(&detections, 4, 0).expect("people");
    assert!((found - wanted).abs() < 1e-12, "{found} {wanted}");
    assert_eq!(
        mean_average_precision(&detections, 4).map(|ap| ap == found),
        Some(true)
    );
}

#[test]
fn average_precision_at_the_ends() {
    let perfect = [said(0.9, true), said(0.8, true)];
    assert_eq!(average_precision(&perfect, 2, 0), Some(1.0));
    assert_eq!(average_precision(&[], 2, 0), Some(0.0));
    assert_eq!(average_precision(&perfect, 0, 0), None);
    let excused = Judged {
        ignored: 1,
        ..said(0.95, false)
    };
    let with = [perfect[0], excused, perfect[1]];
    assert_eq!(
        average_precision(&with, 2, 0),
        Some(1.0),
        "ignored at IoU 0.5"
    );
    let at_half = average_precision(&with, 2, 1).expect("people");
    assert!(at_half < 0.7, "false at IoU 0.55: {at_half}");
}

#[test]
fn only_the_surest_hundred_of_a_picture_count() {
    let found: Vec<(f32, Rect)> = (0..150_u8)
        .map(|n| (f32::from(n) / 150.0, square(f32::from(n), 10.0)))
        .collect();
    let judgement = judge(&[], &found);
    assert_eq!(judgement.detections.len(), MAX_PER_PICTURE);
    assert!(judgement.detections[99].score > 0.32);
}

/// What pycocotools says of the same boxes; `testdata/python/reference_ap.py` writes the file.
#[test]
fn the_figures_are_those_of_cocos_own_evaluation() {
    #[derive(serde::Deserialize)]
    struct Case {
        pictures: Vec<Picture>,
        ap50: f64,
        ap50_95: f64,
    }
    #[derive(serde::Deserialize)]
    struct Picture {
        people: Vec<[f32; 4]>,
        found: Vec<(f32, [f32; 4])>,
    }
    let rect = |[left, top, width, height]: [f32; 4]| Rect {
        left,
        top,
        width,
        height,
    };
    let cases: Vec<Case> = serde_json::from_str(include_str!("coco.json")).expect("JSON");
    assert!(!cases.is_empty());
    for case in cases {
        let (mut detections, mut people) = (Vec::new(), 0);
        for picture in &case.pictures {
            let targets: Vec<Target> = picture
                .people
                .iter()
                .map(|place| Target {
                    whole: rect(*place),
                    seen: None,
                    counts: true,
                })
                .collect();
            let found: Vec<_> = picture.found.iter().map(|(s, b)| (*s, rect(*b))).collect();
            detections.extend(judge(&targets, &found).detections);
            people += targets.len();
        }
        let ap50 = average_precision(&detections, people, 0).expect("people");
        let mean = mean_average_precision(&detections, people).expect("people");
        assert!((ap50 - case.ap50).abs() < 1e-6, "{ap50} {}", case.ap50);
        assert!(
            (mean - case.ap50_95).abs() < 1e-6,
            "{mean} {}",
            case.ap50_95
        );
    }
}

#[test]
fn the_best_f1_lies_where_one_more_detection_costs_more_than_it_finds() {
    // Of four people: F1 is 2/5, 2/6, 4/7, 6/8, 6/9 from 0.9, 0.8, 0.7, 0.6, 0.5 on.
    let detections = [
        said(0.9, true),
        said(0.8, false),
        said(0.7, true),
        said(0.6, true),
        said(0.5, false),
    ];
    assert_eq!(best_f1_score(&detections, 4, 0), Some(0.6));
    assert_eq!(best_f1_score(&detections, 0, 0), None);
    assert_eq!(best_f1_score(&[], 4, 0), None);
}

fn boxes() -> impl Strategy<Value = Rect> {
    (0.0..80.0_f32, 0.0..80.0_f32, 1.0..20.0_f32, 1.0..20.0_f32).prop_map(
        |(left, top, width, height)| Rect {
            left,
            top,
            width,
            height,
        },
    )
}

fn targets() -> impl Strategy<Value = Vec<Target>> {
    let one = (boxes(), any::<bool>()).prop_map(|(whole, counts)| Target {
        whole,
        seen: None,
        counts,
    });
    prop::collection::vec(one, 0..8)
}

fn found() -> impl Strategy<Value = Vec<(f32, Rect)>> {
    prop::collection::vec((0.0..1.0_f32, boxes()), 0..12)
}

proptest! {
    #[test]
    fn a_detection_is_a_hit_or_excused_or_false_and_nobody_is_hit_twice(
        targets in targets(), found in found(),
    ) {
        let judgement = judge(&targets, &found);
        prop_assert_eq!(judgement.detections.len(), found.len());
        let counted = targets.iter().filter(|t| t.counts).count();
        for iou in 0..IOUS.len() {
            let hits = judgement.detections.iter().filter(|d| d.is_hit(iou)).count();
            prop_assert!(hits <= counted);
            for one in &judgement.detections {
                prop_assert!(!(one.is_hit(iou) && one.is_ignored(iou)));
            }
        }
        for (target, found) in targets.iter().zip(&judgement.found) {
            prop_assert!(target.counts || found.is_none());
        }
        let at_half = judgement.detections.iter().filter(|d| d.is_hit(0)).count();
        prop_assert_eq!(judgement.found.iter().flatten().count(), at_half);
    }

    #[test]
    fn detections_equal_to_the_truth_score_one(
        places in prop::collection::vec(boxes(), 1..8),
    ) {
        let targets: Vec<Target> = places
            .iter()
            .map(|whole| Target { whole: *whole, seen: None, counts: true })
            .collect();
        let found: Vec<(f32, Rect)> = places.iter().map(|place| (0.9, *place)).collect();
        let judgement = judge(&targets, &found);
        let mean = mean_average_precision(&judgement.detections, targets.len());
        prop_assert!(mean.is_some_and(|mean| mean > 0.999), "{mean:?}");
    }

    #[test]
    fn average_precision_is_a_share_and_a_false_detection_never_helps(
        scores in prop::collection::vec((0.0..1.0_f32, any::<bool>()), 0..40), more in 0..10_usize,
        wrong in 0.0..1.0_f32,
    ) {
        let mut detections: Vec<Judged> = scores.iter().map(|(s, hit)| said(*s, *hit)).collect();
        let hits = detections.iter().filter(|d| d.is_hit(0)).count();
        let targets = hits + more;
        prop_assume!(targets > 0);
        let before = average_precision(&detections, targets, 0).expect("people");
        prop_assert!((0.0..=1.0 + 1e-12).contains(&before));
        detections.push(said(wrong, false));
        let after = average_precision(&detections, targets, 0).expect("people");
        prop_assert!(after <= before + 1e-12);
    }
}
