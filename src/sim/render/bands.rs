//! Work on rows shared between cores. Every row is computed alone, so the result does not depend
//! on how many cores there are.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Cores that one renderer uses at most.
const CORES: usize = 4;

fn cores() -> usize {
    thread::available_parallelism().map_or(1, |n| n.get().min(CORES))
}

/// Calls `work` with the number and the cells of every row.
pub(super) fn rows<T: Send>(cells: &mut [T], width: usize, work: impl Fn(usize, &mut [T]) + Sync) {
    let height = cells.len() / width.max(1);
    let each = height.div_ceil(cores()).max(1);
    let run = |band: usize, part: &mut [T]| {
        for (n, row) in part.chunks_mut(width).enumerate() {
            work(band * each + n, row);
        }
    };
    let mut parts: Vec<(usize, &mut [T])> =
        cells.chunks_mut(each * width.max(1)).enumerate().collect();
    let others = parts.split_off(parts.len().min(1));
    thread::scope(|scope| {
        let (run, mut unstarted) = (&run, Vec::new());
        for (band, part) in others {
            let slot = Arc::new(Mutex::new(Some(part)));
            let theirs = Arc::clone(&slot);
            let started = thread::Builder::new()
                .name(format!("render-{band}"))
                .spawn_scoped(scope, move || {
                    if let Some(part) = take(&theirs) {
                        run(band, part);
                    }
                });
            if started.is_err() {
                unstarted.push((band, slot));
            }
        }
        for (band, part) in parts {
            run(band, part);
        }
        // The system gave no more threads: this one does their share.
        for (band, slot) in unstarted {
            if let Some(part) = take(&slot) {
                run(band, part);
            }
        }
    });
}

fn take<T>(slot: &Mutex<Option<T>>) -> Option<T> {
    slot.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Calls `work` for every item and keeps the order of the answers.
pub(super) fn each<I: Sync, O: Send>(items: &[I], work: impl Fn(&I) -> O + Sync) -> Vec<O> {
    let mut answers: Vec<Option<O>> = items.iter().map(|_| None).collect();
    rows(&mut answers, 1, |n, slot| slot[0] = Some(work(&items[n])));
    answers.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_worked_on_once_and_in_its_place() {
        let mut cells = vec![0_usize; 7 * 13];
        rows(&mut cells, 7, |row, cells| {
            cells.iter_mut().for_each(|cell| *cell += row + 1)
        });
        assert!(cells.iter().enumerate().all(|(n, cell)| *cell == n / 7 + 1));
        assert_eq!(each(&[3, 1, 2], |n| n * 2), vec![6, 2, 4]);
    }
}
