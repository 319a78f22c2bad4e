//! YOLOv5 and YOLOv8/v11 style outputs with boxes already in input pixels.

use super::{HeadContext, OutputView, RawDetection};

fn corners(x: f32, y: f32, w: f32, h: f32) -> [f32; 4] {
    [x - w / 2.0, y - h / 2.0, x + w / 2.0, y + h / 2.0]
}

pub(super) fn v5(outputs: &[OutputView<'_>], context: &HeadContext<'_>) -> Vec<RawDetection> {
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

pub(super) fn v8(outputs: &[OutputView<'_>], context: &HeadContext<'_>) -> Vec<RawDetection> {
    let mut found = Vec::new();
    let Some(output) = outputs.first() else {
        return found;
    };
    let [first, second] = *output.shape else {
        return found;
    };
    let data = output.data;
    let width = 4 + context.classes;
    let (first, second) = (first.max(0) as usize, second.max(0) as usize);
    let told = first.checked_mul(second);
    if told.is_none_or(|told| data.len() < told) {
        return found;
    }
    let (count, by_channel) = match (first == width, second == width) {
        (true, _) => (second, true),
        (false, true) => (first, false),
        _ => return found,
    };
    for n in 0..count {
        let at = |channel: usize| {
            if by_channel {
                data[channel * count + n]
            } else {
                data[n * width + channel]
            }
        };
        if let Some((class, score)) = context.best((0..context.classes).map(|c| at(4 + c))) {
            context.keep(
                &mut found,
                class,
                score,
                corners(at(0), at(1), at(2), at(3)),
            );
        }
    }
    found
}
