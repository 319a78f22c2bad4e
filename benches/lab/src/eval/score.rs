//! Detections against the truth of one picture, and average precision over many. Pure.

use parapet::model::geometry::Rect;

/// The IoUs at which a detection may hit, COCO's.
pub const IOUS: [f32; 10] = [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95];
/// Only so many of a picture's surest detections count, as COCO counts.
pub const MAX_PER_PICTURE: usize = 100;
/// A detection of which this part lies on an ignored person is neither true nor false.
const ON_IGNORED_SHARE: f32 = 0.5;

/// A person of the truth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Target {
    /// The whole person.
    pub whole: Rect,
    /// What can be seen of them, where that is known and less.
    pub seen: Option<Rect>,
    /// Whether they must be found.
    pub counts: bool,
}

impl Target {
    /// The better overlap with the whole person or with what is seen of them.
    #[must_use]
    pub fn iou(&self, found: &Rect) -> f32 {
        let seen = self.seen.map_or(0.0, |seen| seen.iou(found));
        self.whole.iou(found).max(seen)
    }
}

/// What became of a detection at each of [`IOUS`], a bit each.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    /// Its confidence.
    pub score: f32,
    /// It is a person's.
    pub hits: u16,
    /// It is neither true nor false.
    pub ignored: u16,
}

impl Judged {
    /// Whether it is a person's at `IOUS[iou]`.
    #[must_use]
    pub fn is_hit(&self, iou: usize) -> bool {
        self.hits >> iou & 1 == 1
    }

    /// Whether it is neither true nor false at `IOUS[iou]`.
    #[must_use]
    pub fn is_ignored(&self, iou: usize) -> bool {
        self.ignored >> iou & 1 == 1
    }
}

/// One picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judgement {
    /// Its detections, the surest first.
    pub detections: Vec<Judged>,
    /// For each target the score of the detection that hit it at IoU 0.5.
    pub found: Vec<Option<f32>>,
}

/// Judges the detections (score, box) of one picture; boxes of both in the same unit.
#[must_use]
pub fn judge(targets: &[Target], detections: &[(f32, Rect)]) -> Judgement {
    let mut order: Vec<&(f32, Rect)> = detections.iter().collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0));
    order.truncate(MAX_PER_PICTURE);
    let overlaps: Vec<Vec<f32>> = order
        .iter()
        .map(|(_, found)| targets.iter().map(|target| target.iou(found)).collect())
        .collect();
    let excused: Vec<bool> = order
        .iter()
        .map(|(_, found)| targets.iter().any(|t| !t.counts && lies_on(found, t)))
        .collect();
    let mut judgement = Judgement {
        detections: order
            .iter()
            .map(|(score, _)| Judged {
                score: *score,
                hits: 0,
                ignored: 0,
            })
            .collect(),
        found: vec![None; targets.len()],
    };
    for (bit, least) in IOUS.into_iter().enumerate() {
        let mut taken: Vec<bool> = targets.iter().map(|target| !target.counts).collect();
        for (number, judged) in judgement.detections.iter_mut().enumerate() {
            match best(&overlaps[number], &taken, least) {
                Some(target) => {
                    taken[target] = true;
                    judged.hits |= 1 << bit;
                    if bit == 0 {
                        judgement.found[target] = Some(judged.score);
                    }
                }
                None if excused[number] => judged.ignored |= 1 << bit,
                None => {}
            }
        }
    }
    judgement
}

/// The target overlapped most of those that are not taken, if it is overlapped enough.
fn best(overlaps: &[f32], taken: &[bool], least: f32) -> Option<usize> {
    let free = overlaps.iter().zip(taken).enumerate();
    free.filter(|(_, (iou, taken))| !**taken && **iou >= least)
        .max_by(|(_, (a, _)), (_, (b, _))| a.total_cmp(b))
        .map(|(target, _)| target)
}

fn lies_on(found: &Rect, target: &Target) -> bool {
    let place = &target.whole;
    let across = found.right().min(place.right()) - found.left.max(place.left);
    let down = found.bottom().min(place.bottom()) - found.top.max(place.top);
    let shared = across.max(0.0) * down.max(0.0);
    shared > 0.0 && shared >= ON_IGNORED_SHARE * found.area()
}

/// Detections that count at `IOUS[iou]`, the surest first, each with the hits down to it.
/// Detections of one score stay in the order they came in.
fn hits_down_to(detections: &[Judged], iou: usize) -> Vec<(f32, usize)> {
    let mut counted: Vec<&Judged> = detections.iter().filter(|d| !d.is_ignored(iou)).collect();
    counted.sort_by(|a, b| b.score.total_cmp(&a.score));
    let hits = counted.iter().scan(0, |hits, judged| {
        *hits += usize::from(judged.is_hit(iou));
        Some((judged.score, *hits))
    });
    hits.collect()
}

/// COCO's average precision at `IOUS[iou]`: the mean over the recalls 0, 0.01, … 1 of the best
/// precision at that recall or above (Lin et al., ECCV 2014, and its evaluation code, whose
/// rounding of recalls this repeats). `None` where there is nobody to find.
#[must_use]
pub fn average_precision(detections: &[Judged], targets: usize, iou: usize) -> Option<f64> {
    if targets == 0 {
        return None;
    }
    // (recall so far, precision so far), then the best precision from there on.
    let mut curve: Vec<(f64, f64)> = hits_down_to(detections, iou)
        .into_iter()
        .enumerate()
        .map(|(n, (_, hits))| (hits as f64 / targets as f64, hits as f64 / (n + 1) as f64))
        .collect();
    let mut best: f64 = 0.0;
    for (_, precision) in curve.iter_mut().rev() {
        best = best.max(*precision);
        *precision = best;
    }
    let at = |percent: u32| {
        let enough = curve.partition_point(|(recall, _)| *recall < f64::from(percent) * 0.01);
        curve.get(enough).map_or(0.0, |(_, precision)| *precision)
    };
    Some((0..=100).map(at).sum::<f64>() / 101.0)
}

/// The score from which on detections have the best F1 at `IOUS[iou]`, the highest where several
/// have. `None` without detections or people.
#[must_use]
pub fn best_f1_score(detections: &[Judged], targets: usize, iou: usize) -> Option<f32> {
    let mut best: Option<(f32, f64)> = None;
    for (n, (score, hits)) in hits_down_to(detections, iou).into_iter().enumerate() {
        // F1 is the harmonic mean of hits / targets and hits / detections.
        let f1 = 2.0 * hits as f64 / (targets + n + 1) as f64;
        if best.is_none_or(|(_, most)| f1 > most) {
            best = Some((score, f1));
        }
    }
    best.filter(|_| targets > 0).map(|(score, _)| score)
}

/// The mean of [`average_precision`] over all [`IOUS`].
#[must_use]
pub fn mean_average_precision(detections: &[Judged], targets: usize) -> Option<f64> {
    let each = (0..IOUS.len()).map(|iou| average_precision(detections, targets, iou));
    let sum = each.sum::<Option<f64>>()?;
    Some(sum / IOUS.len() as f64)
}

#[cfg(test)]
mod tests;
