//! Greedy non-maximum suppression, class by class.

use super::head::RawDetection;

fn iou(a: [f32; 4], b: [f32; 4]) -> f32 {
    let across = (a[2].min(b[2]) - a[0].max(b[0])).max(0.0);
    let down = (a[3].min(b[3]) - a[1].max(b[1])).max(0.0);
    let area = |c: [f32; 4]| (c[2] - c[0]) * (c[3] - c[1]);
    let shared = across * down;
    let union = area(a) + area(b) - shared;
    if union > 0.0 { shared / union } else { 0.0 }
}

/// Keeps the surest of boxes that overlap by more than `most_iou`; surest first. Equal scores
/// keep their order, so that the result does not depend on anything but the input.
pub fn nms(found: &mut Vec<RawDetection>, most_iou: f32) {
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<RawDetection> = Vec::with_capacity(found.len().min(64));
    for candidate in found.drain(..) {
        let double = kept
            .iter()
            .any(|k| k.class == candidate.class && iou(k.corners, candidate.corners) > most_iou);
        if !double {
            kept.push(candidate);
        }
    }
    *found = kept;
}
