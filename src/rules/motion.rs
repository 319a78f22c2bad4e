//! How fast each track moves, and where on the ground: once per frame for all rules.

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::event::EventObject;
use crate::model::geometry::{Point, Size};
use crate::model::track::Track;

use super::calibration::Homography;
use super::geometry::Flat;
use super::track_memory::TrackMemory;

/// Speed is the slope over this much of the past.
const WINDOW: Duration = Duration::from_millis(600);
/// A camera analysed seldom still needs some samples; none is older than this.
const MAX_WINDOW: Duration = Duration::from_secs(2);
/// Kept even when older than [`WINDOW`].
const MIN_SAMPLES: usize = 3;
/// Kept at most.
const MAX_SAMPLES: usize = 64;
/// Less than this says nothing about speed.
const MIN_SPAN: Duration = Duration::from_millis(300);

/// One track in one frame.
#[derive(Debug)]
pub(super) struct Observation<'a> {
    /// The track.
    pub(super) track: &'a Track,
    /// A detection of this frame with a box that makes sense.
    pub(super) seen: bool,
    /// The foot point on the ground.
    pub(super) ground_metres: Option<Point>,
    /// Speed over the ground.
    pub(super) speed_mps: Option<f32>,
    /// Speed of the box's centre in heights of the own box.
    pub(super) body_heights_per_second: Option<f32>,
}

impl Observation<'_> {
    /// As events carry it.
    pub(super) fn object(&self) -> EventObject {
        EventObject {
            track: self.track.id,
            class: self.track.class.clone(),
            score: if self.track.score.is_nan() {
                0.0
            } else {
                self.track.score
            },
            box_in_frame: self.track.box_in_frame,
            ground_metres: self.ground_metres,
            speed_mps: self.speed_mps,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Duration,
    center: Flat,
    ground: Option<Flat>,
    height: f64,
}

/// The last samples of every track.
#[derive(Debug, Default)]
pub(super) struct Motion {
    tracks: TrackMemory<VecDeque<Sample>>,
}

impl Motion {
    /// Takes a frame's tracks and says how each moves.
    pub(super) fn observe<'a>(
        &mut self,
        at: Duration,
        picture: Size,
        tracks: &'a [Track],
        homography: Option<&Homography>,
    ) -> Vec<Observation<'a>> {
        let aspect = picture.aspect();
        let observations = tracks
            .iter()
            .map(|track| {
                let samples = self.tracks.listed(at, track.id);
                let seen = track.seen_now && track.box_in_frame.is_sound();
                let ground_metres = homography
                    .filter(|_| seen)
                    .and_then(|map| map.apply(track.box_in_frame.foot()));
                if seen {
                    remember(
                        samples,
                        Sample {
                            at,
                            center: Flat::from_normalised(track.box_in_frame.center(), aspect),
                            ground: ground_metres.map(|point| Flat::from_normalised(point, 1.0)),
                            height: f64::from(track.box_in_frame.height),
                        },
                    );
                }
                let heights: f64 =
                    samples.iter().map(|s| s.height).sum::<f64>() / samples.len().max(1) as f64;
                Observation {
                    track,
                    seen,
                    ground_metres,
                    speed_mps: homography
                        .and_then(|_| slope(samples, |s| s.ground))
                        .map(|s| s as f32),
                    body_heights_per_second: slope(samples, |s| Some(s.center))
                        .map(|speed| (speed / heights.max(1e-6)) as f32),
                }
            })
            .collect();
        self.tracks.forget(at, |_| false);
        observations
    }

    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.tracks.len()
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.tracks.clear();
    }
}

fn remember(samples: &mut VecDeque<Sample>, sample: Sample) {
    if samples.back().is_some_and(|last| last.at >= sample.at) {
        samples.pop_back();
    }
    samples.push_back(sample);
    while let Some(first) = samples.front() {
        let age = sample.at.saturating_sub(first.at);
        let stale = age > MAX_WINDOW || (age > WINDOW && samples.len() > MIN_SAMPLES);
        if !stale && samples.len() <= MAX_SAMPLES {
            break;
        }
        samples.pop_front();
    }
}

/// Length of the least-squares velocity of the samples that have a place; none for less than
/// [`MIN_SPAN`] of them.
fn slope(samples: &VecDeque<Sample>, place: impl Fn(&Sample) -> Option<Flat>) -> Option<f64> {
    let first = samples.front()?.at;
    let placed = || {
        samples
            .iter()
            .filter_map(|s| Some((s.at.saturating_sub(first).as_secs_f64(), place(s)?)))
    };
    let (mut n, mut t, mut x, mut y) = (0.0, 0.0, 0.0, 0.0);
    let (mut earliest, mut latest) = (f64::MAX, 0.0_f64);
    for (time, p) in placed() {
        (n, t, x, y) = (n + 1.0, t + time, x + p.x, y + p.y);
        (earliest, latest) = (earliest.min(time), latest.max(time));
    }
    if n < 2.0 || latest - earliest < MIN_SPAN.as_secs_f64() {
        return None;
    }
    let (t, x, y) = (t / n, x / n, y / n);
    let (mut tt, mut tx, mut ty) = (0.0, 0.0, 0.0);
    for (time, p) in placed() {
        tt += (time - t) * (time - t);
        tx += (time - t) * (p.x - x);
        ty += (time - t) * (p.y - y);
    }
    Some((tx / tt).hypot(ty / tt)).filter(|speed| speed.is_finite())
}
