//! What the detector's probes of a sleeping camera are worth. Pure.
//!
//! A probe wakes the camera if it finds anything that might be somebody, at a score below what
//! begins a track. So a post that looks a little like somebody would wake its camera at every
//! probe. But what comes of a wake is known at the next sleep: where nobody was followed although
//! the detector looked at several pictures, what the probe found is no reason to wake for the
//! same thing in the same place. It becomes one again when it moves, looks more like somebody
//! than before, or after [`FORGET`]. Nor is what the probe before found in the same place already,
//! not sure enough to wake for: whoever comes was not there. Where there is headroom, less is
//! enough of what was not there at the probe before. Nothing is lost by either that an
//! awake camera would have told: what would begin a track wakes it in any case.

use std::time::Duration;

use crate::model::detection::Detection;
use crate::model::geometry::Rect;

/// What a probe must find in a place for it to be known at the next.
const KNOWN: f32 = 0.25;
/// Overlap from which on it is the same place.
const SAME_PLACE: f32 = 0.5;
/// So much more sure is another matter.
const SURER: f32 = 0.1;
/// After fewer analysed pictures nobody knows whether a wake was a false one.
const MIN_SAMPLES: u32 = 5;
const FORGET: Duration = Duration::from_secs(900);
/// Places remembered for one camera.
const MAX_PLACES: usize = 16;

#[derive(Clone, Copy, Debug)]
struct Candidate {
    place: Rect,
    score: f32,
    at: Duration,
}

/// One camera's.
#[derive(Debug, Default)]
pub(super) struct Probes {
    /// What the last probe woke it for.
    pending: Vec<Candidate>,
    /// Pictures analysed since.
    analysed: u32,
    /// Somebody was followed since.
    met: bool,
    dismissed: Vec<Candidate>,
    /// What the last probe found, sure or not; none before the first.
    usual: Option<Vec<Rect>>,
}

/// From which scores on a detection counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// It may wake the camera where the probe before found nothing.
    pub(super) suspects: f32,
    /// It may wake the camera.
    pub(super) wakes: f32,
    /// It would begin a track.
    pub(super) begins: f32,
}

impl Probes {
    /// A picture of the awake camera was analysed; `met` says that somebody is followed.
    pub(super) fn followed(&mut self, met: bool) {
        self.analysed = self.analysed.saturating_add(1);
        self.met |= met;
    }

    /// Whether the camera must wake for what a probe at `now` found.
    pub(super) fn triggers(&mut self, found: &[&Detection], limits: Limits, now: Duration) -> bool {
        self.learn();
        self.dismissed
            .retain(|old| now.saturating_sub(old.at) < FORGET);
        let usual = |detection: &Detection| {
            let same = |place: &Rect| place.iou(&detection.box_in_frame) >= SAME_PLACE;
            let known = self.usual.as_deref().unwrap_or_default();
            detection.score < limits.begins && known.iter().any(same)
        };
        // Of the first probe nobody knows whether what it found is always there.
        let least = match self.usual {
            Some(_) => limits.suspects,
            None => limits.wakes,
        };
        let worth = found
            .iter()
            .filter(|detection| detection.score >= least)
            .filter(|detection| !self.dismissed.iter().any(|old| old.is(detection)))
            .filter(|detection| !usual(detection));
        let pending = worth.map(|detection| Candidate {
            place: detection.box_in_frame,
            score: detection.score,
            at: now,
        });
        self.pending = pending.take(MAX_PLACES).collect();
        let known = found.iter().filter(|detection| detection.score >= KNOWN);
        let places = known.map(|detection| detection.box_in_frame);
        self.usual = Some(places.take(MAX_PLACES).collect());
        !self.pending.is_empty()
    }

    /// It sleeps again: what came of the last wake?
    fn learn(&mut self) {
        let (analysed, met) = (self.analysed, self.met);
        (self.analysed, self.met) = (0, false);
        let pending = std::mem::take(&mut self.pending);
        if met || analysed < MIN_SAMPLES {
            return;
        }
        for found in pending {
            self.dismissed
                .retain(|old| old.place.iou(&found.place) < SAME_PLACE);
            self.dismissed.push(found);
        }
        let surplus = self.dismissed.len().saturating_sub(MAX_PLACES);
        self.dismissed.drain(..surplus);
    }
}

impl Candidate {
    fn is(&self, detection: &Detection) -> bool {
        detection.score < self.score + SURER
            && self.place.iou(&detection.box_in_frame) >= SAME_PLACE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        suspects: 0.5,
        wakes: 0.5,
        begins: 0.6,
    };

    fn found(left: f32, score: f32) -> Detection {
        Detection {
            class: "person".into(),
            score,
            box_in_frame: Rect::from_corners(left, 0.3, left + 0.1, 0.6),
        }
    }

    /// A probe, and if it wakes the camera, so many pictures until it sleeps again.
    fn probe(probes: &mut Probes, seconds: u64, what: &Detection, followed: (u32, bool)) -> bool {
        let woke = probes.triggers(&[what], LIMITS, Duration::from_secs(seconds));
        for _ in 0..followed.0 * u32::from(woke) {
            probes.followed(followed.1);
        }
        woke
    }

    #[test]
    fn what_nobody_came_of_wakes_it_once() {
        let mut probes = Probes::default();
        let post = found(0.4, 0.55);
        assert!(probe(&mut probes, 0, &post, (20, false)));
        for seconds in [10, 20, 30] {
            assert!(!probe(&mut probes, seconds, &post, (20, false)));
        }
        let beside = found(0.48, 0.55);
        assert!(probe(&mut probes, 40, &beside, (20, false)), "elsewhere");
        let surer = found(0.4, 0.66);
        assert!(probe(&mut probes, 50, &surer, (20, false)), "surer");
        assert!(!probe(&mut probes, 55, &surer, (20, false)));
        assert!(!probe(&mut probes, 60, &surer, (20, false)));
        assert!(!probe(&mut probes, 70, &post, (20, false)));
        probe(&mut probes, 100, &beside, (0, false));
        assert!(probe(&mut probes, 60 + 900, &post, (20, false)), "later");
    }

    #[test]
    fn what_the_probe_before_saw_already_wakes_it_only_once_it_would_be_followed() {
        let mut probes = Probes::default();
        for (seconds, score, wakes) in [
            (0, 0.3, false),
            (10, 0.52, false),
            (20, 0.59, false),
            (30, 0.61, true),
        ] {
            let what = found(0.4, score);
            let woke = probe(&mut probes, seconds, &what, (20, true));
            assert_eq!(woke, wakes, "{score}");
        }
        let moved = found(0.5, 0.52);
        assert!(probe(&mut probes, 40, &moved, (20, true)));
    }

    #[test]
    fn a_suspicion_wakes_it_only_for_what_was_not_there_before_and_once() {
        let limits = Limits {
            suspects: 0.35,
            ..LIMITS
        };
        let mut probes = Probes::default();
        let mut wakes = |seconds, what: &Detection, limits| {
            let woke = probes.triggers(&[what], limits, Duration::from_secs(seconds));
            for _ in 0..20 * u32::from(woke) {
                probes.followed(false);
            }
            woke
        };
        let shrub = found(0.1, 0.4);
        assert!(!wakes(0, &shrub, limits), "the first probe");
        assert!(!wakes(10, &shrub, limits), "it was there");
        let somebody = found(0.5, 0.4);
        assert!(!wakes(20, &somebody, LIMITS), "not sure enough");
        assert!(wakes(30, &shrub, limits), "not there the last time");
        assert!(wakes(40, &somebody, limits));
        for seconds in [50, 60, 70, 80] {
            let what = if seconds % 20 == 0 { &shrub } else { &somebody };
            assert!(!wakes(seconds, what, limits), "in vain before");
        }
    }

    #[test]
    fn who_was_followed_wakes_it_again_and_so_does_what_was_hardly_looked_at() {
        for followed in [(20, true), (4, false), (0, false)] {
            let mut probes = Probes::default();
            for seconds in [0, 10, 20] {
                let woke = probe(&mut probes, seconds, &found(0.4, 0.65), followed);
                assert!(woke, "{followed:?}");
            }
        }
    }

    #[test]
    fn not_more_than_so_many_places_are_remembered() {
        let mut probes = Probes::default();
        for number in 0..200_u16 {
            let place = f32::from(number % 50) / 60.0;
            probe(&mut probes, 1, &found(place, 0.5), (20, false));
            assert!(probes.dismissed.len() <= MAX_PLACES);
        }
    }
}
