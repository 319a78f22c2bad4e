//! The pinhole camera: places to picture, picture to rays.

use super::vector::{V3, add, along, cross, dot, scale, sub, unit};
use crate::world::View;
use parapet::model::geometry::{Point, Size};

/// Nothing nearer than this is drawn, metres.
pub(super) const NEAR: f32 = 0.15;

/// A camera that knows its picture's size.
#[derive(Clone, Copy, Debug)]
pub(super) struct Camera {
    pub(super) position: V3,
    pub(super) forward: V3,
    pub(super) right: V3,
    pub(super) up: V3,
    /// Focal length in pixels.
    pub(super) focal: f32,
    pub(super) size: Size,
}

impl Camera {
    /// The view, turned by `pan` to the left and `tilt` downwards.
    pub(super) fn new(view: &View, size: Size, pan: f32, tilt: f32) -> Self {
        let (pan, tilt) = (view.pan + pan, view.tilt + tilt);
        let forward = [tilt.cos() * pan.cos(), tilt.cos() * pan.sin(), -tilt.sin()];
        let right = [pan.sin(), -pan.cos(), 0.0];
        Self {
            position: view.position,
            forward,
            right,
            up: unit(cross(right, forward)),
            focal: size.width as f32 / 2.0 / (view.field_of_view / 2.0).tan(),
            size,
        }
    }

    /// Pixel coordinates (continuous, origin top left) and the distance along the axis, also when
    /// that is negative.
    pub(super) fn pixel(&self, place: V3) -> [f32; 3] {
        let to = sub(place, self.position);
        let depth = dot(to, self.forward);
        let per = self.focal / if depth.abs() < 1e-6 { 1e-6 } else { depth };
        [
            self.size.width as f32 / 2.0 + dot(to, self.right) * per,
            self.size.height as f32 / 2.0 - dot(to, self.up) * per,
            depth,
        ]
    }

    /// Where a place is in the picture, normalised, also outside it; `None` behind the camera.
    pub(super) fn project(&self, place: V3) -> Option<Point> {
        let [x, y, depth] = self.pixel(place);
        (depth > NEAR).then(|| Point {
            x: x / self.size.width as f32,
            y: y / self.size.height as f32,
        })
    }

    /// The ray through a pixel coordinate, scaled so that one unit is one metre along the axis:
    /// `position + ray * depth` is the place at that depth.
    pub(super) fn ray(&self, x: f32, y: f32) -> V3 {
        let across = (x - self.size.width as f32 / 2.0) / self.focal;
        let down = (y - self.size.height as f32 / 2.0) / self.focal;
        add(
            along(self.forward, self.right, across),
            scale(self.up, -down),
        )
    }

    /// The place at a depth below a pixel coordinate.
    pub(super) fn place(&self, x: f32, y: f32, depth: f32) -> V3 {
        along(self.position, self.ray(x, y), depth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn camera() -> Camera {
        let view = View {
            position: [0.0, 0.0, 4.0],
            pan: 0.0,
            tilt: 0.0,
            field_of_view: std::f32::consts::FRAC_PI_2,
        };
        Camera::new(
            &view,
            Size {
                width: 320,
                height: 180,
            },
            0.0,
            0.0,
        )
    }

    #[test]
    fn known_places_project_where_geometry_says() {
        let camera = camera();
        let middle = camera.project([10.0, 0.0, 4.0]).expect("in front");
        assert!((middle.x - 0.5).abs() < 1e-5 && (middle.y - 0.5).abs() < 1e-5);
        let left_edge = camera.project([10.0, 10.0, 4.0]).expect("in front");
        assert!(left_edge.x.abs() < 1e-5, "{left_edge:?}");
        let below = camera.project([10.0, 0.0, 0.0]).expect("in front");
        assert!((below.y - (0.5 + 0.4 * 160.0 / 180.0)).abs() < 1e-5);
        assert!(camera.project([-1.0, 0.0, 4.0]).is_none());
    }

    #[test]
    fn rays_lead_back_to_the_place() {
        let camera = camera();
        let place = [7.0, -2.0, 1.0];
        let [x, y, depth] = camera.pixel(place);
        let back = camera.place(x, y, depth);
        for (a, b) in place.iter().zip(back) {
            assert!((a - b).abs() < 1e-4);
        }
    }
}
