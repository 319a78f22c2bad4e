//! CLEAR and IDF1.

use std::collections::BTreeMap;

use parapet::track::assignment::{FORBIDDEN, assign};
use parapet_sim::mot::Entry;

/// A match needs at least this IoU.
const LEAST_IOU: f64 = 0.5;

/// Counts and ratios of one sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MotScore {
    /// Truth boxes that count.
    pub objects: usize,
    /// Boxes without a truth.
    pub false_positives: usize,
    /// Truths without a box.
    pub misses: usize,
    /// Truths whose id changed.
    pub switches: usize,
    /// Truths that were matched, missed, and matched again.
    pub fragmentations: usize,
    /// 1 − (misses + false positives + switches) / objects.
    pub mota: f64,
    /// Mean IoU distance (1 − IoU) of the matches.
    pub motp: f64,
    /// Boxes on the globally right identity.
    pub identity_true_positives: usize,
    /// 2·IDTP / (objects + boxes).
    pub idf1: f64,
}

/// Scores tracker output against the truth. Truths with a score below 1 do not count and are
/// dropped, as the format's makers define.
#[must_use]
pub fn score(truth: &[Entry], output: &[Entry]) -> MotScore {
    let truth: Vec<&Entry> = truth.iter().filter(|entry| entry.score >= 1.0).collect();
    let mut result = MotScore {
        objects: truth.len(),
        ..MotScore::default()
    };
    let truths = by_frame(truth.iter().copied());
    let outputs = by_frame(output.iter());
    let mut last: BTreeMap<i64, i64> = BTreeMap::new();
    let mut lives: BTreeMap<i64, Vec<bool>> = BTreeMap::new();
    let mut together: BTreeMap<(i64, i64), usize> = BTreeMap::new();
    let (mut distance, mut matches) = (0.0, 0_usize);
    let none = Vec::new();
    let frames: std::collections::BTreeSet<u32> =
        truths.keys().chain(outputs.keys()).copied().collect();
    for frame in frames {
        let there = truths.get(&frame).unwrap_or(&none);
        let found = outputs.get(&frame).unwrap_or(&none);
        for object in there {
            for hypothesis in found {
                if object.iou(hypothesis) >= LEAST_IOU {
                    *together.entry((object.id, hypothesis.id)).or_default() += 1;
                }
            }
        }
        let pairs = match_frame(there, found, &last);
        result.false_positives += found.len() - pairs.iter().flatten().count();
        for (object, pair) in there.iter().zip(&pairs) {
            lives.entry(object.id).or_default().push(pair.is_some());
            let Some(pair) = *pair else {
                result.misses += 1;
                continue;
            };
            matches += 1;
            distance += 1.0 - object.iou(found[pair]);
            let before = last.insert(object.id, found[pair].id);
            if before.is_some_and(|before| before != found[pair].id) {
                result.switches += 1;
            }
        }
    }
    result.fragmentations = lives.values().map(|life| fragments(life)).sum();
    let wrong = result.misses + result.false_positives + result.switches;
    result.mota = 1.0 - wrong as f64 / result.objects.max(1) as f64;
    result.motp = distance / matches.max(1) as f64;
    result.identity_true_positives = identity_true_positives(&together);
    let boxes = truth.len() + output.len();
    result.idf1 = 2.0 * result.identity_true_positives as f64 / boxes.max(1) as f64;
    result
}

fn by_frame<'a>(entries: impl Iterator<Item = &'a Entry>) -> BTreeMap<u32, Vec<&'a Entry>> {
    let mut frames: BTreeMap<u32, Vec<&Entry>> = BTreeMap::new();
    for entry in entries {
        frames.entry(entry.frame).or_default().push(entry);
    }
    frames
}

/// For each truth the index of its hypothesis.
fn match_frame(
    there: &[&Entry],
    found: &[&Entry],
    last: &BTreeMap<i64, i64>,
) -> Vec<Option<usize>> {
    let mut pairs = vec![None; there.len()];
    let mut taken = vec![false; found.len()];
    for (object, pair) in there.iter().zip(&mut pairs) {
        let Some(before) = last.get(&object.id) else {
            continue;
        };
        let kept = (0..found.len()).find(|&n| found[n].id == *before && !taken[n]);
        if let Some(kept) = kept.filter(|&n| object.iou(found[n]) >= LEAST_IOU) {
            *pair = Some(kept);
            taken[kept] = true;
        }
    }
    let rows: Vec<usize> = (0..there.len()).filter(|&n| pairs[n].is_none()).collect();
    let columns: Vec<usize> = (0..found.len()).filter(|&n| !taken[n]).collect();
    let rest = assign(rows.len(), columns.len(), |row, column| {
        let iou = there[rows[row]].iou(found[columns[column]]);
        if iou >= LEAST_IOU {
            1.0 - iou
        } else {
            FORBIDDEN
        }
    });
    for (row, column) in rest.into_iter().enumerate() {
        pairs[rows[row]] = column.map(|column| columns[column]);
    }
    pairs
}

/// How often a matched life is taken up again after a miss.
fn fragments(life: &[bool]) -> usize {
    let first = life
        .iter()
        .position(|&matched| matched)
        .unwrap_or(life.len());
    life[first..]
        .windows(2)
        .filter(|pair| !pair[0] && pair[1])
        .count()
}

/// The most boxes that one fixed pairing of truth ids and track ids explains.
fn identity_true_positives(together: &BTreeMap<(i64, i64), usize>) -> usize {
    let unique = |ids: Vec<i64>| {
        let mut ids = ids;
        ids.sort_unstable();
        ids.dedup();
        ids
    };
    let objects = unique(together.keys().map(|pair| pair.0).collect());
    let tracks = unique(together.keys().map(|pair| pair.1).collect());
    let most = together.values().copied().max().unwrap_or(0).max(1) as f64;
    let count = |row: usize, column: usize| together.get(&(objects[row], tracks[column])).copied();
    let pairs = assign(objects.len(), tracks.len(), |row, column| {
        1.0 - count(row, column).unwrap_or(0) as f64 / most
    });
    pairs
        .into_iter()
        .enumerate()
        .filter_map(|(row, column)| count(row, column?))
        .sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(frame: u32, id: i64, left: f64) -> Entry {
        Entry {
            frame,
            id,
            left,
            top: 0.0,
            width: 10.0,
            height: 20.0,
            score: 1.0,
        }
    }

    #[test]
    fn every_kind_of_error_is_counted_once() {
        // Truth 1 walks through frames 1 to 5; truth 2 stands in frames 1 to 3.
        let mut truth: Vec<Entry> = (1..=5).map(|n| entry(n, 1, 100.0)).collect();
        truth.extend((1..=3).map(|n| entry(n, 2, 500.0)));
        truth.push(Entry {
            score: 0.0,
            ..entry(1, 3, 900.0)
        });
        let output = [
            entry(1, 7, 101.0),
            entry(2, 7, 101.0),
            // Frame 3: missed. Frames 4 and 5: another id.
            entry(4, 8, 101.0),
            entry(5, 8, 101.0),
            entry(1, 9, 500.0),
            entry(2, 9, 500.0),
            entry(3, 9, 507.0), // IoU 0.18: a miss and a false positive
        ];
        let found = score(&truth, &output);
        assert_eq!(found.objects, 8);
        assert_eq!((found.misses, found.false_positives), (2, 1));
        assert_eq!((found.switches, found.fragmentations), (1, 1));
        assert!((found.mota - (1.0 - 4.0 / 8.0)).abs() < 1e-12);
        assert_eq!(found.identity_true_positives, 4);
        assert!((found.idf1 - 8.0 / 15.0).abs() < 1e-12);
    }

    #[test]
    fn a_truth_keeps_its_hypothesis_even_when_another_is_nearer() {
        let truth = [entry(1, 1, 100.0), entry(2, 1, 100.0)];
        let output = [entry(1, 7, 102.0), entry(2, 7, 103.0), entry(2, 8, 100.0)];
        let found = score(&truth, &output);
        assert_eq!(
            (found.switches, found.false_positives, found.misses),
            (0, 1, 0)
        );
    }

    proptest! {
        #[test]
        fn the_truth_itself_scores_one_whatever_its_ids_are_called(
            lefts in prop::collection::vec((1_u32..30, 0_i64..6), 1..80),
        ) {
            let mut truth: Vec<Entry> =
                lefts.iter().map(|&(f, id)| entry(f, id, id as f64 * 100.0)).collect();
            truth.sort_by_key(|e| (e.frame, e.id));
            truth.dedup_by_key(|e| (e.frame, e.id));
            let output: Vec<Entry> =
                truth.iter().map(|e| Entry { id: 1_000 - e.id, ..*e }).collect();
            let found = score(&truth, &output);
            prop_assert!((found.mota - 1.0).abs() < 1e-12 && (found.idf1 - 1.0).abs() < 1e-12);
            prop_assert_eq!(found.switches, 0);
        }
    }
}
