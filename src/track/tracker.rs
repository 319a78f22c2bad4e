//! The tracker.
//!
//! Each frame: predict every track to now; associate confirmed and lost tracks with confident
//! detections; associate what is left of the tracks seen last time with the unsure ones (the
//! "second association" that gives ByteTrack its name); associate tentative tracks with what is
//! left of the confident ones; begin tracks; forget those unseen for too long.

use std::sync::Arc;
use std::time::Duration;

use super::assignment::{FORBIDDEN, assign};
use super::kalman::{BoxState, Kalman};
use crate::config::types::TrackerConfig;
use crate::model::detection::Detection;
use crate::model::geometry::{Point, Rect, Size};
use crate::model::ids::TrackId;
use crate::model::track::Track;

/// How long a track that is not seen is still told of, with its predicted box.
const TELL_UNSEEN: Duration = Duration::from_millis(500);
/// Least IoU of the second association and of tentative tracks.
const SECOND_IOU: f32 = 0.4;
const TENTATIVE_IOU: f32 = 0.3;

#[derive(Debug)]
struct Living {
    id: TrackId,
    class: Arc<str>,
    filter: Kalman,
    score: f32,
    hits: u32,
    confirmed: bool,
    last_seen: Duration,
    seen_before: bool,
    seen_now: bool,
}

/// Follows one camera's objects.
#[derive(Debug)]
pub struct Tracker {
    config: TrackerConfig,
    aspect: f32,
    next_id: u64,
    living: Vec<Living>,
    told: Vec<Track>,
    last: Option<Duration>,
}

impl Tracker {
    /// A tracker for pictures of this size (only its aspect matters).
    #[must_use]
    pub fn new(config: TrackerConfig, picture: Size) -> Self {
        Self {
            config,
            aspect: picture.aspect().max(1e-3),
            next_id: 1,
            living: Vec::new(),
            told: Vec::new(),
            last: None,
        }
    }

    /// Takes the detections of the frame at media time `at`; returns the tracks as they are now,
    /// in the order of their ids. Detections that are not sound (NaN, no area) are passed over.
    pub fn update(&mut self, detections: &[Detection], at: Duration) -> &[Track] {
        let step = self
            .last
            .map_or(Duration::ZERO, |last| at.saturating_sub(last));
        self.last = Some(self.last.map_or(at, |last| last.max(at)));
        for track in &mut self.living {
            track.filter.predict(step);
            track.seen_before = std::mem::replace(&mut track.seen_now, false);
        }
        let boxes: Vec<BoxState> = detections
            .iter()
            .map(|found| self.to_state(found))
            .collect();
        let of = |low: f32, high: f32| -> Vec<usize> {
            (0..detections.len())
                .filter(|&n| {
                    let found = &detections[n];
                    found.box_in_frame.is_sound() && found.score >= low && found.score < high
                })
                .collect()
        };
        let sure = of(self.config.high_score, f32::INFINITY);
        let unsure = of(self.config.low_score, self.config.high_score);

        let known = self.pick(|track| track.confirmed);
        let left = self.associate(&known, &sure, detections, &boxes, self.config.match_iou, at);
        let seen_last = self.pick(|track| track.confirmed && !track.seen_now && track.seen_before);
        self.associate(&seen_last, &unsure, detections, &boxes, SECOND_IOU, at);
        let tentative = self.pick(|track| !track.confirmed);
        let new = self.associate(&tentative, &left, detections, &boxes, TENTATIVE_IOU, at);
        for n in new {
            if detections[n].score >= self.config.new_track_score {
                self.begin(&detections[n], boxes[n], at);
            }
        }
        let memory = self.config.lost_memory;
        self.living.retain(|track| {
            track.seen_now || (track.confirmed && at.saturating_sub(track.last_seen) <= memory)
        });
        self.tell(at)
    }

    /// What the latest [`Tracker::update`] returned.
    #[must_use]
    pub fn tracks(&self) -> &[Track] {
        &self.told
    }

    fn pick(&self, wanted: impl Fn(&Living) -> bool) -> Vec<usize> {
        (0..self.living.len())
            .filter(|&n| wanted(&self.living[n]))
            .collect()
    }

    /// Matches `tracks` with `found` (indices); returns the detections left over.
    fn associate(
        &mut self,
        tracks: &[usize],
        found: &[usize],
        detections: &[Detection],
        boxes: &[BoxState],
        least_iou: f32,
        at: Duration,
    ) -> Vec<usize> {
        let states: Vec<BoxState> = tracks
            .iter()
            .map(|&n| self.living[n].filter.state())
            .collect();
        let cost = |row: usize, column: usize| {
            let (track, detection) = (&self.living[tracks[row]], &detections[found[column]]);
            if track.class != detection.class {
                return FORBIDDEN;
            }
            let iou = states[row].iou(&boxes[found[column]]);
            if iou < least_iou {
                FORBIDDEN
            } else {
                f64::from(1.0 - iou)
            }
        };
        let matched = assign(tracks.len(), found.len(), cost);
        let mut taken = vec![false; found.len()];
        for (row, column) in matched.into_iter().enumerate() {
            let track = &mut self.living[tracks[row]];
            if let Some(column) = column {
                taken[column] = true;
                track.filter.update(boxes[found[column]]);
                track.score = detections[found[column]].score;
                track.hits += 1;
                track.confirmed |= track.hits >= self.config.confirm_hits;
                track.last_seen = at;
                track.seen_now = true;
            } else {
                track.filter.freeze_size();
            }
        }
        found
            .iter()
            .zip(taken)
            .filter(|(_, taken)| !taken)
            .map(|(n, _)| *n)
            .collect()
    }

    fn begin(&mut self, found: &Detection, first: BoxState, at: Duration) {
        self.living.push(Living {
            id: TrackId(self.next_id),
            class: Arc::clone(&found.class),
            filter: Kalman::new(first),
            score: found.score,
            hits: 1,
            confirmed: self.config.confirm_hits <= 1,
            last_seen: at,
            seen_before: false,
            seen_now: true,
        });
        self.next_id += 1;
    }

    fn tell(&mut self, at: Duration) -> &[Track] {
        let aspect = self.aspect;
        self.told.clear();
        self.told.extend(
            self.living
                .iter()
                .filter(|track| track.seen_now || at.saturating_sub(track.last_seen) <= TELL_UNSEEN)
                .map(|track| {
                    let (state, (vx, vy)) = (track.filter.state(), track.filter.velocity());
                    Track {
                        id: track.id,
                        class: Arc::clone(&track.class),
                        score: track.score,
                        box_in_frame: Rect {
                            left: (state.x - state.width / 2.0) / aspect,
                            top: state.y - state.height / 2.0,
                            width: state.width / aspect,
                            height: state.height,
                        },
                        velocity_per_second: Point {
                            x: vx / aspect,
                            y: vy,
                        },
                        confirmed: track.confirmed,
                        seen_now: track.seen_now,
                    }
                }),
        );
        &self.told
    }

    fn to_state(&self, found: &Detection) -> BoxState {
        let Rect {
            left,
            top,
            width,
            height,
        } = found.box_in_frame;
        BoxState {
            x: (left + width / 2.0) * self.aspect,
            y: top + height / 2.0,
            width: width * self.aspect,
            height,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PICTURE: Size = Size {
        width: 1920,
        height: 1080,
    };

    fn person(x: f32, y: f32, score: f32) -> Detection {
        let box_in_frame = Rect {
            left: x,
            top: y,
            width: 0.04,
            height: 0.2,
        };
        Detection {
            class: "person".into(),
            score,
            box_in_frame,
        }
    }

    fn frame(n: u64) -> Duration {
        Duration::from_millis(n * 100)
    }

    fn tracker() -> Tracker {
        Tracker::new(TrackerConfig::default(), PICTURE)
    }

    #[test]
    fn a_walker_keeps_one_id_from_its_first_frame_and_is_confirmed_by_the_third() {
        let mut tracker = tracker();
        for n in 0..50 {
            let tracks = tracker.update(&[person(0.1 + n as f32 * 0.008, 0.4, 0.8)], frame(n));
            assert_eq!(tracks.len(), 1);
            assert_eq!(tracks[0].id, TrackId(1));
            assert_eq!(tracks[0].confirmed, n >= 2);
        }
    }

    #[test]
    fn a_flicker_of_one_frame_is_never_confirmed() {
        let mut tracker = tracker();
        tracker.update(&[person(0.5, 0.5, 0.9)], frame(0));
        assert!(tracker.update(&[], frame(1)).is_empty());
        let tracks = tracker.update(&[person(0.5, 0.5, 0.9)], frame(2));
        assert!(!tracks[0].confirmed);
        assert_eq!(tracks[0].id, TrackId(2));
    }

    #[test]
    fn a_walker_hidden_for_a_second_comes_back_with_its_id() {
        let mut tracker = tracker();
        let at = |n: u64| person(0.1 + n as f32 * 0.004, 0.4, 0.8);
        for n in 0..20 {
            tracker.update(&[at(n)], frame(n));
        }
        for n in 20..30 {
            assert!(
                tracker
                    .update(&[], frame(n))
                    .iter()
                    .all(|track| !track.seen_now)
            );
        }
        let tracks = tracker.update(&[at(30)], frame(30));
        assert_eq!((tracks[0].id, tracks[0].seen_now), (TrackId(1), true));
        for n in 31..60 {
            tracker.update(&[], frame(n));
        }
        assert_eq!(tracker.update(&[at(60)], frame(60))[0].id, TrackId(2));
    }

    #[test]
    fn an_unsure_detection_carries_a_known_track_but_begins_none() {
        let mut tracker = tracker();
        assert!(
            tracker
                .update(&[person(0.7, 0.4, 0.3)], frame(0))
                .is_empty()
        );
        for n in 1..5 {
            tracker.update(&[person(0.2, 0.4, 0.9)], frame(n));
        }
        let tracks = tracker.update(&[person(0.2, 0.4, 0.2)], frame(5));
        assert_eq!((tracks.len(), tracks[0].seen_now), (1, true));
    }

    #[test]
    fn two_who_pass_each_other_keep_their_ids_and_classes_never_mix() {
        let mut tracker = tracker();
        let mut last = Vec::new();
        for n in 0..60 {
            let step = n as f32 * 0.01;
            let found = [person(0.2 + step, 0.40, 0.9), person(0.8 - step, 0.45, 0.9)];
            last = tracker.update(&found, frame(n)).to_vec();
        }
        assert!(last[0].id == TrackId(1) && last[0].box_in_frame.left > 0.7);
        assert!(last[1].id == TrackId(2) && last[1].box_in_frame.left < 0.3);
        let dog = Detection {
            class: "dog".into(),
            ..person(0.79, 0.4, 0.9)
        };
        let tracks = tracker.update(&[dog], frame(60));
        assert!(
            tracks
                .iter()
                .any(|track| track.id == TrackId(3) && &*track.class == "dog")
        );
    }

    proptest! {
        #[test]
        fn anything_may_come_in_and_ids_stay_unique_and_rise(
            frames in prop::collection::vec(prop::collection::vec(
                (any::<f32>(), -1.0_f32..2.0, -0.1_f32..1.0, 0.0_f32..1.0), 0..8), 0..20),
        ) {
            let mut tracker = tracker();
            for (n, found) in frames.iter().enumerate() {
                let found: Vec<Detection> = found
                    .iter()
                    .map(|&(left, top, height, score)| Detection {
                        class: "person".into(),
                        score,
                        box_in_frame: Rect { left, top, width: 0.1, height },
                    })
                    .collect();
                let tracks = tracker.update(&found, frame(n as u64));
                prop_assert!(tracks.windows(2).all(|pair| pair[0].id < pair[1].id));
                prop_assert!(tracks.iter().all(|track| track.id.0 > 0));
            }
        }
    }
}
