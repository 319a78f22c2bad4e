//! Points and boxes in the picture. Unless a name says otherwise, coordinates are normalised:
//! x and widths in picture widths, y and heights in picture heights, origin top left.

use serde::{Deserialize, Serialize};

/// A picture's size in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Size {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

impl Size {
    /// Width over height.
    #[must_use]
    pub fn aspect(self) -> f32 {
        self.width as f32 / self.height.max(1) as f32
    }
}

/// A point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// To the right.
    pub x: f32,
    /// Downwards.
    pub y: f32,
}

/// An upright box.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rect {
    /// Left edge.
    pub left: f32,
    /// Top edge.
    pub top: f32,
    /// Width.
    pub width: f32,
    /// Height.
    pub height: f32,
}

impl Rect {
    /// From two corners.
    #[must_use]
    pub fn from_corners(left: f32, top: f32, right: f32, bottom: f32) -> Self {
        Self {
            left,
            top,
            width: (right - left).max(0.0),
            height: (bottom - top).max(0.0),
        }
    }

    /// Right edge.
    #[must_use]
    pub fn right(&self) -> f32 {
        self.left + self.width
    }

    /// Bottom edge.
    #[must_use]
    pub fn bottom(&self) -> f32 {
        self.top + self.height
    }

    /// Area.
    #[must_use]
    pub fn area(&self) -> f32 {
        self.width * self.height
    }

    /// Middle.
    #[must_use]
    pub fn center(&self) -> Point {
        Point {
            x: self.left + self.width / 2.0,
            y: self.top + self.height / 2.0,
        }
    }

    /// Middle of the lower edge: where a standing person touches the ground.
    #[must_use]
    pub fn foot(&self) -> Point {
        Point {
            x: self.left + self.width / 2.0,
            y: self.bottom(),
        }
    }

    /// Intersection over union, in 0..=1; 0 for empty boxes.
    #[must_use]
    pub fn iou(&self, other: &Self) -> f32 {
        let width = (self.right().min(other.right()) - self.left.max(other.left)).max(0.0);
        let height = (self.bottom().min(other.bottom()) - self.top.max(other.top)).max(0.0);
        let shared = width * height;
        let union = self.area() + other.area() - shared;
        if union > 0.0 { shared / union } else { 0.0 }
    }

    /// The part inside the picture.
    #[must_use]
    pub fn clamped(&self) -> Self {
        Self::from_corners(
            self.left.clamp(0.0, 1.0),
            self.top.clamp(0.0, 1.0),
            self.right().clamp(0.0, 1.0),
            self.bottom().clamp(0.0, 1.0),
        )
    }

    /// Whether all four numbers are finite and the box has an area.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        [self.left, self.top, self.width, self.height]
            .iter()
            .all(|v| v.is_finite())
            && self.width > 0.0
            && self.height > 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iou_is_one_for_itself_and_zero_when_apart() {
        let box_a = Rect {
            left: 0.1,
            top: 0.1,
            width: 0.2,
            height: 0.2,
        };
        let box_b = Rect {
            left: 0.2,
            top: 0.1,
            width: 0.2,
            height: 0.2,
        };
        assert!((box_a.iou(&box_a) - 1.0).abs() < 1e-6);
        assert!((box_a.iou(&box_b) - 1.0 / 3.0).abs() < 1e-5);
        assert_eq!(box_a.iou(&Rect { left: 0.5, ..box_a }), 0.0);
        assert_eq!(Rect::default().iou(&Rect::default()), 0.0);
    }

    #[test]
    fn clamping_keeps_what_is_in_the_picture() {
        let clamped = Rect::from_corners(-0.5, 0.5, 0.5, 1.5).clamped();
        assert_eq!(clamped, Rect::from_corners(0.0, 0.5, 0.5, 1.0));
        assert!(
            !Rect {
                width: f32::NAN,
                ..clamped
            }
            .is_sound()
        );
    }
}
