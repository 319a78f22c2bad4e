//! Counts and what follows from them. Pure.

use std::time::Duration;

use serde::Serialize;

use super::interval::clopper_pearson;

/// What i-LIDS calls the recall bias of real-time alarms.
pub const DEFAULT_ALPHA: f64 = 0.65;

/// Counts over some clips.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// Clips that were played.
    pub clips: usize,
    /// Their length together: camera time.
    pub watched: Duration,
    /// Expected events without an alarm.
    pub missed: usize,
    /// From an expected event's start to its alarm, in seconds of the clip, one per hit; negative
    /// where the alarm came first.
    pub latencies: Vec<f64>,
    /// Alarms that speak of nothing, or too late.
    pub false_alarms: usize,
    /// Alarms that speak once more of an event that was hit.
    pub repeats: usize,
    /// Alarms where they count neither way.
    pub ignored: usize,
    /// Alarms are not counted here, because they cannot be told apart by what groups the events.
    pub events_only: bool,
}

/// What is shown of a [`Tally`]. Figures that nothing was counted for are absent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Score {
    /// What was counted: a rule's kind, a condition, a note, a clip.
    pub name: String,
    /// Clips that were played.
    pub clips: usize,
    /// Events that a rule must say.
    pub expected: usize,
    /// Those that it said in time.
    pub hits: usize,
    /// Those that it did not.
    pub missed: usize,
    /// Alarms that speak of nothing, or too late.
    pub false_alarms: usize,
    /// Alarms that speak once more of an event that was hit.
    pub repeats: usize,
    /// Alarms where they count neither way.
    pub ignored: usize,
    /// Hits among hits and false alarms.
    pub precision: Option<f64>,
    /// Hits among expected events: the detection probability.
    pub recall: Option<f64>,
    /// The recall-biased mean of both.
    pub f1: Option<f64>,
    /// Exact 95 % bounds of the detection probability (Clopper–Pearson).
    pub detection_bounds: Option<[f64; 2]>,
    /// Median time from event to alarm, seconds of the clip.
    pub latency_p50_seconds: Option<f64>,
    /// Its 99th percentile.
    pub latency_p99_seconds: Option<f64>,
    /// Camera time.
    pub camera_hours: f64,
    /// False alarms in one camera's hour.
    pub false_alarms_per_hour: Option<f64>,
}

impl Tally {
    /// The figures, with recall bias `alpha`.
    #[must_use]
    pub fn score(&self, name: &str, alpha: f64) -> Score {
        let hits = self.latencies.len();
        let expected = hits + self.missed;
        let camera_hours = self.watched.as_secs_f64() / 3600.0;
        let of_alarms = |value: Option<f64>| value.filter(|_| !self.events_only);
        Score {
            name: name.to_owned(),
            clips: self.clips,
            expected,
            hits,
            missed: self.missed,
            false_alarms: self.false_alarms,
            repeats: self.repeats,
            ignored: self.ignored,
            precision: of_alarms(share(hits, hits + self.false_alarms)),
            recall: share(hits, expected),
            f1: of_alarms(f1(hits, self.missed, self.false_alarms, alpha)),
            detection_bounds: clopper_pearson(hits, expected),
            latency_p50_seconds: quantile(&self.latencies, 0.5),
            latency_p99_seconds: quantile(&self.latencies, 0.99),
            camera_hours,
            false_alarms_per_hour: of_alarms(
                (camera_hours > 0.0).then(|| self.false_alarms as f64 / camera_hours),
            ),
        }
    }
}

fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// F1 = (α + 1)·R·P / (R + α·P), the measure of the i-LIDS evaluations (UK Home Office), written
/// with counts so that it is 0 where nothing was hit; `None` where nothing was expected and
/// nothing said.
#[must_use]
pub fn f1(hits: usize, missed: usize, false_alarms: usize, alpha: f64) -> Option<f64> {
    // The same formula, so arranged that nothing missed and nothing false is exactly 1.
    let wrong = (false_alarms as f64 + alpha * missed as f64) / (alpha + 1.0);
    let below = hits as f64 + wrong;
    (below > 0.0).then(|| hits as f64 / below)
}

/// The nearest-rank quantile: the least value that `share` of all values do not exceed.
#[must_use]
pub fn quantile(values: &[f64], share: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_tally_becomes_the_figures_that_one_computes_by_hand() {
        let tally = Tally {
            clips: 2,
            watched: Duration::from_secs(1800),
            missed: 1,
            latencies: vec![2.0, -0.5, 1.0],
            false_alarms: 2,
            repeats: 4,
            ignored: 0,
            events_only: false,
        };
        let score = tally.score("all", DEFAULT_ALPHA);
        assert_eq!((score.expected, score.hits), (4, 3));
        assert_eq!(score.precision, Some(0.6));
        assert_eq!(score.recall, Some(0.75));
        // 1.65 · 0.75 · 0.6 / (0.75 + 0.65 · 0.6)
        assert!((score.f1.expect("f1") - 0.651_315_789_473).abs() < 1e-9);
        assert_eq!(score.latency_p50_seconds, Some(1.0));
        assert_eq!(score.latency_p99_seconds, Some(2.0));
        assert_eq!(score.false_alarms_per_hour, Some(4.0));
    }

    #[test]
    fn what_was_not_counted_has_no_figure() {
        let score = Tally::default().score("nothing", DEFAULT_ALPHA);
        assert_eq!(
            (score.precision, score.recall, score.f1),
            (None, None, None)
        );
        assert_eq!(score.false_alarms_per_hour, None);
        assert_eq!(quantile(&[], 0.5), None);
        let noted = Tally {
            latencies: vec![1.0],
            watched: Duration::from_secs(60),
            events_only: true,
            ..Tally::default()
        };
        let score = noted.score("crawls", DEFAULT_ALPHA);
        assert_eq!(
            (score.recall, score.precision, score.f1),
            (Some(1.0), None, None)
        );
        assert_eq!(score.false_alarms_per_hour, None);
    }

    proptest! {
        #[test]
        fn f1_is_the_i_lids_formula(
            hits in 1..1000_usize, missed in 0..1000_usize, wrong in 0..1000_usize,
            alpha in 0.01..100.0_f64,
        ) {
            let (r, p) = (
                hits as f64 / (hits + missed) as f64,
                hits as f64 / (hits + wrong) as f64,
            );
            let wanted = (alpha + 1.0) * r * p / (r + alpha * p);
            let found = f1(hits, missed, wrong, alpha).expect("counted");
            prop_assert!((found - wanted).abs() < 1e-9);
            prop_assert!((0.0..=1.0).contains(&found));
            prop_assert!(f1(hits, 0, 0, alpha).expect("counted") >= 1.0);
            prop_assert!(f1(hits + 1, missed, wrong, alpha).expect("counted") >= found);
            prop_assert!(f1(hits, missed + 1, wrong, alpha).expect("counted") <= found);
            prop_assert!(f1(hits, missed, wrong + 1, alpha).expect("counted") <= found);
        }

        #[test]
        fn a_quantile_is_a_value_that_its_share_does_not_exceed(
            values in prop::collection::vec(-10.0..100.0_f64, 1..60), share in 0.0..=1.0_f64,
        ) {
            let found = quantile(&values, share).expect("values");
            prop_assert!(values.contains(&found));
            let below = values.iter().filter(|value| **value <= found).count();
            prop_assert!(below as f64 >= share * values.len() as f64 - 1e-9);
        }
    }
}
