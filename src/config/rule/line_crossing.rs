//! `kind = "line_crossing"`.

use super::kind::{RuleKeys, RuleSettings};
use super::shape::Shape;
use crate::config::types::shape::Line;
use crate::model::event::EventKind;

/// Somebody crosses a line.
#[derive(Clone, Debug, PartialEq)]
pub struct LineCrossing {
    /// The line.
    pub line: Line,
    /// Which crossings count.
    pub directions: Directions,
    /// How far beyond the line counts as crossed, in heights of the object's own box.
    pub hysteresis_heights: f32,
}

/// Which crossings of a line count, looking from its first point to its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Directions {
    /// All.
    Both,
    /// Only from the left-hand to the right-hand side.
    LeftToRight,
    /// Only from the right-hand to the left-hand side.
    RightToLeft,
}

impl RuleSettings for LineCrossing {
    const NAME: &'static str = "line_crossing";
    const EVENT: EventKind = EventKind::LINE_CROSSED;

    fn read(keys: &mut RuleKeys<'_, '_>) -> Option<Self> {
        let line = keys.line();
        let directions = keys.table.choice(
            "direction",
            &[
                ("both", Directions::Both),
                ("left_to_right", Directions::LeftToRight),
                ("right_to_left", Directions::RightToLeft),
            ],
        );
        let hysteresis_heights = keys.number("hysteresis_heights", 0.0..=10.0, 0.1);
        Some(Self {
            line: line?,
            directions: directions.map_or(Directions::Both, |set| set.value),
            hysteresis_heights,
        })
    }

    fn shape(&self) -> Shape<'_> {
        Shape::Lines(std::slice::from_ref(&self.line))
    }
}
