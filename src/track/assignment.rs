//! Minimum-cost assignment of rows to columns with forbidden pairs: the Jonker-Volgenant style
//! shortest augmenting path algorithm (Crouse, "On implementing 2D rectangular assignment
//! algorithms", IEEE TAES 52(4), 2016). The crates of the registry want integer weights or a
//! complete matrix; trackers gate most pairs away.

/// A pair that may not be.
pub const FORBIDDEN: f64 = f64::INFINITY;

/// The cost of leaving a row alone: more than any allowed pair, so that as many rows as can be
/// are assigned, and among those ways the cheapest is taken.
const ALONE: f64 = 1e6;

/// Assigns each of `rows` to at most one of `columns`; `cost(row, column)` is finite and in
/// 0..1000, or [`FORBIDDEN`]. Returns the column of each row. Most rows get one; among those
/// ways the sum of costs is least.
#[must_use]
pub fn assign(
    rows: usize,
    columns: usize,
    cost: impl Fn(usize, usize) -> f64,
) -> Vec<Option<usize>> {
    if rows == 0 || columns == 0 {
        return vec![None; rows];
    }
    // One column more per row, its own, stands for "alone".
    let width = columns + rows;
    let price = |row: usize, column: usize| {
        if column < columns {
            let cost = cost(row, column);
            if cost.is_finite() { cost } else { FORBIDDEN }
        } else if column - columns == row {
            ALONE
        } else {
            FORBIDDEN
        }
    };
    let mut u = vec![0.0; rows];
    let mut v = vec![0.0; width];
    let mut column_of = vec![usize::MAX; rows];
    let mut row_of = vec![usize::MAX; width];
    let mut shortest = vec![0.0; width];
    let mut from = vec![0; width];
    let mut done = vec![false; width];
    for start in 0..rows {
        shortest.fill(FORBIDDEN);
        done.fill(false);
        let mut path_rows = vec![start];
        let (mut row, mut least) = (start, 0.0);
        let sink = loop {
            let mut next = usize::MAX;
            for column in 0..width {
                if done[column] {
                    continue;
                }
                let reduced = least + price(row, column) - u[row] - v[column];
                if reduced < shortest[column] {
                    shortest[column] = reduced;
                    from[column] = row;
                }
                if next == usize::MAX || shortest[column] < shortest[next] {
                    next = column;
                }
            }
            least = shortest[next];
            done[next] = true;
            if row_of[next] == usize::MAX {
                break next;
            }
            row = row_of[next];
            path_rows.push(row);
        };
        u[start] += least;
        for &other in path_rows.iter().skip(1) {
            u[other] += least - shortest[column_of[other]];
        }
        for column in 0..width {
            if done[column] {
                v[column] -= least - shortest[column];
            }
        }
        let mut column = sink;
        loop {
            let row = from[column];
            row_of[column] = row;
            std::mem::swap(&mut column_of[row], &mut column);
            if row == start {
                break;
            }
        }
    }
    column_of
        .into_iter()
        .map(|column| (column < columns).then_some(column))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The best (most pairs, then least cost) over every possible assignment.
    fn exhaustive(matrix: &[Vec<f64>], row: usize, taken: &mut Vec<bool>) -> (usize, f64) {
        if row == matrix.len() {
            return (0, 0.0);
        }
        let mut best = exhaustive(matrix, row + 1, taken);
        for column in 0..taken.len() {
            if taken[column] || !matrix[row][column].is_finite() {
                continue;
            }
            taken[column] = true;
            let (pairs, cost) = exhaustive(matrix, row + 1, taken);
            taken[column] = false;
            let found = (pairs + 1, cost + matrix[row][column]);
            if found.0 > best.0 || (found.0 == best.0 && found.1 < best.1) {
                best = found;
            }
        }
        best
    }

    proptest! {
        #[test]
        fn no_assignment_is_better(
            (columns, matrix) in (1_usize..6).prop_flat_map(|columns| {
                let cell = prop_oneof![3 => 0.0_f64..1.0, 1 => Just(FORBIDDEN)];
                let row = prop::collection::vec(cell, columns);
                (Just(columns), prop::collection::vec(row, 0..6))
            })
        ) {
            let found = assign(matrix.len(), columns, |r, c| matrix[r][c]);
            let mut taken = vec![false; columns];
            let (mut pairs, mut cost) = (0, 0.0);
            for (row, column) in found.iter().enumerate() {
                if let Some(column) = *column {
                    prop_assert!(!std::mem::replace(&mut taken[column], true));
                    prop_assert!(matrix[row][column].is_finite());
                    pairs += 1;
                    cost += matrix[row][column];
                }
            }
            let best = exhaustive(&matrix, 0, &mut vec![false; columns]);
            prop_assert_eq!(pairs, best.0);
            prop_assert!((cost - best.1).abs() < 1e-6, "{} against {}", cost, best.1);
        }
    }
}
