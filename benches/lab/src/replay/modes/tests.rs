use proptest::prelude::*;

use super::*;
use crate::replay::emitted::SeenBox;
use parapet::model::geometry::Rect;
use parapet::model::ids::TrackId;

fn sighting(at: Duration, held: Duration, counts: bool) -> Sighting {
    let seen = SeenBox {
        track: TrackId(1),
        score: 0.9,
        box_in_frame: Rect::from_corners(0.1, 0.1, 0.2, 0.5),
        counts,
    };
    Sighting {
        at,
        known: at + held,
        frame: 0,
        boxes: vec![seen],
        found: Vec::new(),
    }
}

fn every_100_ms(seconds: std::ops::Range<u64>, held: u64) -> Vec<Sighting> {
    (seconds.start * 10..seconds.end * 10)
        .map(|n| {
            let at = Duration::from_millis(n * 100);
            sighting(at, Duration::from_millis(held), true)
        })
        .collect()
}

#[test]
fn an_appearance_is_as_late_as_the_wake_that_told_of_it() {
    let always = every_100_ms(5..9, 0);
    // Held for 0.8 s: its own time is the same, but it was known later.
    let pairs = appearances(&always, &every_100_ms(5..9, 800));
    assert_eq!(pairs.len(), 1);
    assert!((pairs[0].later().expect("seen") - 0.8).abs() < 1e-9);
    assert_eq!(appearances(&always, &[])[0].later(), None);
}

#[test]
fn a_gap_of_nobody_divides_appearances_and_those_who_do_not_count_make_none() {
    let always = [every_100_ms(0..2, 0), every_100_ms(7..9, 0)].concat();
    let watch = every_100_ms(7..9, 0);
    let pairs = appearances(&always, &watch);
    let later: Vec<_> = pairs.iter().map(Pair::later).collect();
    assert_eq!(later, [None, Some(0.0)]);
    let doubtful = [sighting(Duration::from_secs(1), Duration::ZERO, false)];
    assert!(appearances(&doubtful, &doubtful).is_empty());
}

#[test]
fn limits_that_are_not_kept_are_named() {
    let pair = |watch_seconds| Pair {
        what: "running".into(),
        rule: None,
        always_seconds: 1.0,
        watch_seconds,
    };
    let clip = Compared {
        clip: "a".into(),
        seconds: 10.0,
        events: vec![pair(Some(1.0)), pair(None)],
        appearances: vec![pair(Some(1.9))],
        only_in_watch: 0,
        always: Cost::default(),
        watch: Cost::default(),
    };
    let report = ModesReport::of(vec![clip], BTreeMap::new());
    assert_eq!(report.summary.event_share, Some(0.5));
    assert_eq!(report.broken(Some(0.99), Some(0.5)).len(), 2);
    assert!(report.broken(Some(0.5), Some(1.0)).is_empty());
    assert!(report.broken(None, None).is_empty());
}

proptest! {
    /// Watch mode that is always mode misses nothing and is never later.
    #[test]
    fn the_same_against_itself_is_perfect(steps in prop::collection::vec((1_u64..6_000, any::<bool>()), 1..60)) {
        let mut at = Duration::ZERO;
        let seen: Vec<_> = steps.into_iter().map(|(step, counts)| {
            at += Duration::from_millis(step);
            sighting(at, Duration::ZERO, counts)
        }).collect();
        for pair in appearances(&seen, &seen) {
            let later = pair.later().expect("seen");
            prop_assert!((-LEEWAY.as_secs_f64()..=0.0).contains(&later), "{later}");
        }
    }
}
