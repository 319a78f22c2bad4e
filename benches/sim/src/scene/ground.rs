//! Feet, zones and lines on the ground, seen from above: written anew for the ground truth, so that it
//! shares no mistake with the daemon's rules.

use super::script::Spot;
use parapet::model::event::Direction;

/// Whether a polygon holds a place (crossing number: Shimrat, CACM 5, 1962).
pub(super) fn contains(polygon: &[Spot], [x, y]: Spot) -> bool {
    let mut inside = false;
    for (index, [ax, ay]) in polygon.iter().enumerate() {
        let [bx, by] = polygon[(index + 1) % polygon.len()];
        if (*ay > y) != (by > y) && x < (bx - ax) * (y - ay) / (by - ay) + ax {
            inside = !inside;
        }
    }
    inside
}

/// Where the sides of a line are: positive to the left of `a`→`b` seen from above.
fn left_of(a: Spot, b: Spot, place: Spot) -> f64 {
    (b[0] - a[0]) * (place[1] - a[1]) - (b[1] - a[1]) * (place[0] - a[0])
}

/// Whether a step meets a segment, and which way.
pub(super) fn meets(from: Spot, to: Spot, a: Spot, b: Spot) -> Option<Direction> {
    let (before, after) = (left_of(a, b, from), left_of(a, b, to));
    if (before > 0.0) == (after > 0.0) {
        return None;
    }
    if (left_of(from, to, a) > 0.0) == (left_of(from, to, b) > 0.0) {
        return None;
    }
    Some(if before > 0.0 {
        Direction::LeftToRight
    } else {
        Direction::RightToLeft
    })
}

pub(super) fn far_from(line: &[Spot], place: Spot) -> f64 {
    line.windows(2)
        .map(|pair| {
            let (a, b) = (pair[0], pair[1]);
            let along = [b[0] - a[0], b[1] - a[1]];
            let length = (along[0] * along[0] + along[1] * along[1]).max(1e-12);
            let share = ((place[0] - a[0]) * along[0] + (place[1] - a[1]) * along[1]) / length;
            let share = share.clamp(0.0, 1.0);
            let near = [a[0] + share * along[0], a[1] + share * along[1]];
            (place[0] - near[0]).hypot(place[1] - near[1])
        })
        .fold(f64::INFINITY, f64::min)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_left_is_where_one_expects_it() {
        let (a, b) = ([0.0, 0.0], [0.0, 10.0]);
        assert_eq!(
            meets([-1.0, 5.0], [1.0, 5.0], a, b),
            Some(Direction::LeftToRight)
        );
        assert_eq!(
            meets([1.0, 5.0], [-1.0, 5.0], a, b),
            Some(Direction::RightToLeft)
        );
        assert_eq!(meets([-1.0, 11.0], [1.0, 11.0], a, b), None);
        assert!((far_from(&[a, b], [3.0, 14.0]) - 5.0).abs() < 1e-9);
    }
}
