//! A constant-velocity Kalman filter of an upright box, as in SORT and ByteTrack, with two
//! changes: the four coordinates are filtered apart (their noises are independent, so the 8×8
//! filter of the papers falls into four 2×2 ones), and the step between frames is real time.
//! Lengths are in picture heights; noise is relative to the box's height.

use std::time::Duration;

/// One coordinate: value, velocity per second and their covariance.
#[derive(Clone, Copy, Debug)]
struct Axis {
    value: f32,
    rate: f32,
    p00: f32,
    p01: f32,
    p11: f32,
}

/// Standard deviations relative to the box's height: of a measurement, and of the velocity's
/// change in a second (ByteTrack's 1/20 and 1/160 a frame, the latter at 30 frames a second).
const MEASURE: f32 = 1.0 / 20.0;
const RATE_CHANGE: f32 = 1.0 / 4.0;
const FIRST_RATE: f32 = 1.0;

impl Axis {
    fn new(value: f32, height: f32) -> Self {
        let (measure, rate) = (2.0 * MEASURE * height, FIRST_RATE * height);
        Self {
            value,
            rate: 0.0,
            p00: measure * measure,
            p01: 0.0,
            p11: rate * rate,
        }
    }

    fn predict(&mut self, dt: f32, height: f32) {
        self.value += self.rate * dt;
        let noise = (RATE_CHANGE * height).powi(2) * dt;
        let drift = (MEASURE * height).powi(2) * dt;
        self.p00 += dt * (2.0 * self.p01 + dt * self.p11) + noise * dt * dt / 3.0 + drift;
        self.p01 += dt * self.p11 + noise * dt / 2.0;
        self.p11 += noise;
    }

    fn update(&mut self, measured: f32, height: f32) {
        let spread = self.p00 + (MEASURE * height).powi(2);
        let (gain, rate_gain) = (self.p00 / spread, self.p01 / spread);
        let surprise = measured - self.value;
        self.value += gain * surprise;
        self.rate += rate_gain * surprise;
        self.p11 -= rate_gain * self.p01;
        self.p01 -= gain * self.p01;
        self.p00 -= gain * self.p00;
    }
}

/// A box: centre x, centre y, width, height; all in picture heights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct BoxState {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) width: f32,
    pub(super) height: f32,
}

impl BoxState {
    pub(super) fn iou(&self, other: &Self) -> f32 {
        let across = ((self.x + self.width / 2.0).min(other.x + other.width / 2.0)
            - (self.x - self.width / 2.0).max(other.x - other.width / 2.0))
        .max(0.0);
        let down = ((self.y + self.height / 2.0).min(other.y + other.height / 2.0)
            - (self.y - self.height / 2.0).max(other.y - other.height / 2.0))
        .max(0.0);
        let shared = across * down;
        let union = self.width * self.height + other.width * other.height - shared;
        if union > 0.0 { shared / union } else { 0.0 }
    }
}

/// The filter.
#[derive(Clone, Debug)]
pub(super) struct Kalman {
    axes: [Axis; 4],
}

impl Kalman {
    pub(super) fn new(first: BoxState) -> Self {
        let axes = [first.x, first.y, first.width, first.height];
        Self {
            axes: axes.map(|value| Axis::new(value, first.height)),
        }
    }

    pub(super) fn predict(&mut self, step: Duration) {
        let (dt, height) = (step.as_secs_f32(), self.height());
        for axis in &mut self.axes {
            axis.predict(dt, height);
        }
        // A box does not shrink away while nobody sees it.
        for axis in &mut self.axes[2..] {
            axis.value = axis.value.max(1e-4);
        }
    }

    pub(super) fn update(&mut self, seen: BoxState) {
        let height = self.height();
        for (axis, value) in self
            .axes
            .iter_mut()
            .zip([seen.x, seen.y, seen.width, seen.height])
        {
            axis.update(value, height);
        }
    }

    /// A lost track keeps its size and its course.
    pub(super) fn freeze_size(&mut self) {
        self.axes[2].rate = 0.0;
        self.axes[3].rate = 0.0;
    }

    pub(super) fn state(&self) -> BoxState {
        let [x, y, width, height] = self.axes.map(|axis| axis.value);
        BoxState {
            x,
            y,
            width: width.max(1e-4),
            height: height.max(1e-4),
        }
    }

    /// Picture heights per second.
    pub(super) fn velocity(&self) -> (f32, f32) {
        (self.axes[0].rate, self.axes[1].rate)
    }

    fn height(&self) -> f32 {
        self.axes[3].value.max(1e-4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_walk_is_learnt_at_any_frame_rate() {
        for fps in [2_u32, 5, 12, 25] {
            let at = |t: f32| BoxState {
                x: 0.2 + 0.1 * t,
                y: 0.5,
                width: 0.1,
                height: 0.3,
            };
            let mut filter = Kalman::new(at(0.0));
            for n in 1..=fps * 4 {
                filter.predict(Duration::from_secs_f64(1.0 / f64::from(fps)));
                filter.update(at(n as f32 / fps as f32));
            }
            let (vx, vy) = filter.velocity();
            assert!(
                (vx - 0.1).abs() < 0.01 && vy.abs() < 0.01,
                "{fps} fps: {vx} {vy}"
            );
            filter.predict(Duration::from_secs(1));
            assert!(
                (filter.state().x - 0.7).abs() < 0.03,
                "{fps} fps: {:?}",
                filter.state()
            );
        }
    }
}
