//! Work on rows shared between cores. Every row is computed alone, so the result does not depend
//! on how many cores there are, nor on which of them computes it.

use std::sync::{Mutex, PoisonError};
use std::thread;

/// Cores that one renderer uses at most.
const CORES: usize = 4;
/// Rows are handed out in so many parts for each core: what costs much is seldom spread evenly.
const PARTS: usize = 16;

fn cores() -> usize {
    thread::available_parallelism().map_or(1, |n| n.get().min(CORES))
}

/// Calls `work` with the number and the cells of every row.
pub(super) fn rows<T: Send>(cells: &mut [T], width: usize, work: impl Fn(usize, &mut [T]) + Sync) {
    let width = width.max(1);
    let height = cells.len() / width;
    let cores = cores().min(height);
    let each = height.div_ceil(cores.max(1) * PARTS).max(1);
    let parts = Mutex::new(cells.chunks_mut(each * width).enumerate());
    let next = || parts.lock().unwrap_or_else(PoisonError::into_inner).next();
    let run = || {
        while let Some((part, cells)) = next() {
            for (n, row) in cells.chunks_mut(width).enumerate() {
                work(part * each + n, row);
            }
        }
    };
    thread::scope(|scope| {
        for core in 1..cores {
            // Where the system gives no more threads, those that there are do all.
            drop(
                thread::Builder::new()
                    .name(format!("render-{core}"))
                    .spawn_scoped(scope, run),
            );
        }
        run();
    });
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
