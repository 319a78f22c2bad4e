//! Who intrudes where and when, and what the subscriber heard of it. Pure.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::clips::Place;
use super::gaps::Spread;
use parapet::model::event::EventKind;
use parapet_sim::expectation::DEFAULT_BEFORE;

/// An event that comes later than this after its truth does not stand for it any more.
const LATEST: Duration = Duration::from_secs(30);
/// From the command to the camera server's next keyframe, at most.
const SWITCH: Duration = Duration::from_secs(5);
/// Between the last event's truth and the end, for it to be heard of.
const HEARING: Duration = Duration::from_secs(6);

/// A camera of the bench.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Camera {
    /// Its id and mount.
    pub(super) id: String,
    /// Which place it shows.
    pub(super) place: usize,
}

/// The cameras: the places in turn.
pub(super) fn cameras(places: &[Place], count: usize) -> Vec<Camera> {
    (0..count)
        .map(|number| {
            let place = number % places.len();
            Camera {
                id: format!("{}-{}", places[place].name, number / places.len() + 1),
                place,
            }
        })
        .collect()
}

/// One command to the camera server.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Visit {
    /// After the measurement's begin.
    pub(super) at: Duration,
    /// Which camera.
    pub(super) camera: usize,
}

/// `count` different cameras at random times, so that all events fall into the measurement;
/// fewer where it is too short or there are not enough cameras that anybody comes to.
pub(super) fn plan(
    places: &[Place],
    cameras: &[Camera],
    (count, length): (usize, Duration),
    random: &mut fastrand::Rng,
) -> Vec<Visit> {
    let mut chosen: Vec<usize> = (0..cameras.len())
        .filter(|&camera| places[cameras[camera].place].intrusion.is_some())
        .collect();
    random.shuffle(&mut chosen);
    chosen.truncate(count);
    let mut visits: Vec<_> = chosen
        .into_iter()
        .filter_map(|camera| {
            let intrusion = places[cameras[camera].place].intrusion.as_ref()?;
            let last = intrusion.owed().iter().map(|event| event.start).max()?;
            let room = length.checked_sub(last + SWITCH + HEARING)?;
            let at = room.mul_f64(random.f64());
            Some(Visit { at, camera })
        })
        .collect();
    visits.sort_by_key(|visit| visit.at);
    visits
}

/// The beginning of an incident, as the subscriber heard it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Heard {
    pub(super) camera: String,
    pub(super) kind: EventKind,
    /// Microseconds since 1970, when it was received.
    pub(super) received: i64,
}

/// An event that must come.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Owed {
    pub(super) camera: String,
    pub(super) kind: EventKind,
    /// Microseconds since 1970, when the truth says it is so.
    pub(super) truth: i64,
}

/// What came of the script.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct EventReport {
    pub(super) owed: usize,
    pub(super) reported: usize,
    /// The subscriber's clock minus the truth, in seconds; earlier counts as zero.
    pub(super) latency: Spread,
    /// The cameras whose event did not come.
    pub(super) missed: Vec<String>,
    /// Incidents that nothing was owed for, by kind.
    pub(super) others: BTreeMap<Cow<'static, str>, usize>,
}

/// Gives each owed event the first word that may stand for it; each word stands for one at most.
pub(super) fn judge(owed: &[Owed], heard: &[Heard]) -> EventReport {
    let mut report = EventReport {
        owed: owed.len(),
        ..EventReport::default()
    };
    let mut taken = vec![false; heard.len()];
    let mut latencies = Vec::new();
    let micros = |time: Duration| i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
    let window = -micros(DEFAULT_BEFORE)..=micros(LATEST);
    for event in owed {
        let found = heard
            .iter()
            .enumerate()
            .filter(|(number, word)| {
                !taken[*number]
                    && word.camera == event.camera
                    && word.kind == event.kind
                    && window.contains(&(word.received - event.truth))
            })
            .min_by_key(|(_, word)| word.received);
        match found {
            Some((number, word)) => {
                taken[number] = true;
                latencies.push((word.received - event.truth).max(0) as f64 / 1e6);
            }
            None => report.missed.push(event.camera.clone()),
        }
    }
    report.reported = latencies.len();
    report.latency = Spread::of_each(latencies);
    for (word, _) in heard.iter().zip(&taken).filter(|(_, taken)| !**taken) {
        *report.others.entry(word.kind.name()).or_default() += 1;
    }
    report
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::cli::bench::fleet::clips::Intrusion;
    use parapet_sim::expectation::{Expectation, ExpectedClip, ExpectedEvent};

    fn places() -> Vec<Place> {
        let event = ExpectedEvent {
            kind: EventKind::ZONE_INTRUSION,
            rule: None,
            start: Duration::from_secs(10),
            end: None,
            before: None,
            after: None,
            note: None,
        };
        let expected = Expectation {
            clip: ExpectedClip {
                length: Duration::from_secs(24),
                ..ExpectedClip::default()
            },
            events: vec![event],
            ..Expectation::default()
        };
        let place = |name: &str, intrusion| Place {
            name: name.to_owned(),
            quiet: PathBuf::new(),
            intrusion,
            rules: String::new(),
        };
        let intrusion = Intrusion {
            clip: PathBuf::new(),
            expected,
        };
        vec![place("gate", Some(intrusion)), place("hall", None)]
    }

    #[test]
    fn visits_go_to_different_cameras_and_end_in_time() {
        let places = places();
        let cameras = cameras(&places, 20);
        assert_eq!(cameras[3].id, "hall-2");
        let mut random = fastrand::Rng::with_seed(5);
        let length = Duration::from_secs(60);
        let visits = plan(&places, &cameras, (8, length), &mut random);
        assert_eq!(visits.len(), 8);
        let mut seen: Vec<_> = visits.iter().map(|visit| visit.camera).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 8);
        assert!(seen.iter().all(|&camera| cameras[camera].place == 0));
        assert!(visits.iter().all(|visit| visit.at.as_secs() < 40));
        let short = (8, Duration::from_secs(15));
        assert!(plan(&places, &cameras, short, &mut random).is_empty());
    }

    #[test]
    fn words_stand_for_the_truth_of_their_camera_in_its_time() {
        let owed = |camera: &str, seconds: i64| Owed {
            camera: camera.to_owned(),
            kind: EventKind::ZONE_INTRUSION,
            truth: seconds * 1_000_000,
        };
        let heard = |camera: &str, kind, millis: i64| Heard {
            camera: camera.to_owned(),
            kind,
            received: millis * 1_000,
        };
        let report = judge(
            &[owed("a", 10), owed("b", 10), owed("c", 10)],
            &[
                heard("a", EventKind::ZONE_INTRUSION, 10_400),
                heard("a", EventKind::ZONE_INTRUSION, 12_000),
                heard("b", EventKind::LINE_CROSSED, 10_400),
                heard("c", EventKind::ZONE_INTRUSION, 45_000),
                heard("c", EventKind::SIGNAL_LOST, 9_000),
            ],
        );
        assert_eq!((report.owed, report.reported), (3, 1));
        assert_eq!(report.missed, ["b", "c"]);
        assert!((report.latency.max - 0.4).abs() < 1e-9);
        let others: Vec<_> = report
            .others
            .iter()
            .map(|(kind, n)| (&**kind, *n))
            .collect();
        assert_eq!(
            others,
            [
                ("line_crossed", 1),
                ("signal_lost", 1),
                ("zone_intrusion", 2)
            ]
        );
    }
}
