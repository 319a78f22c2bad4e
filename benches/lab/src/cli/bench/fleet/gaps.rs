//! How far apart a camera's analysed frames are, from what the daemon's metrics show now and then.
//! Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

/// Seconds: median, 99th percentile (nearest rank) and the largest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct Spread {
    pub(super) p50: f64,
    pub(super) p99: f64,
    pub(super) max: f64,
}

impl Spread {
    /// Of values that count so many times each; zeroes where there are none.
    pub(super) fn of(mut values: Vec<(f64, u64)>) -> Self {
        values.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        let all: u64 = values.iter().map(|(_, count)| count).sum();
        let rank = |share: f64| {
            let wanted = (all as f64 * share).ceil().max(1.0) as u64;
            let mut below = 0;
            let reached = values.iter().find(|(_, count)| {
                below += count;
                below >= wanted
            });
            reached.map_or(0.0, |(value, _)| *value)
        };
        Self {
            p50: rank(0.5),
            p99: rank(0.99),
            max: values.last().map_or(0.0, |(value, _)| *value),
        }
    }

    /// Of values that count once.
    pub(super) fn of_each(values: impl IntoIterator<Item = f64>) -> Self {
        Self::of(values.into_iter().map(|value| (value, 1)).collect())
    }
}

#[derive(Clone, Copy, Debug)]
struct Watched {
    analysed: u64,
    /// When the count rose last, as far as this shows.
    rose: Duration,
    largest: f64,
}

/// Collects the gaps of all cameras while it is told of them.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    cameras: BTreeMap<String, Watched>,
    seen: Vec<(f64, u64)>,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct GapReport {
    /// Over all gaps.
    pub(super) all: Spread,
    /// Over the cameras, of the largest gap of each.
    pub(super) largest: Spread,
}

impl Gaps {
    /// A camera's count of analysed frames and its latest gap in seconds, at a time. What it shows
    /// the first time happened before and does not count.
    ///
    /// Of several frames since the last look all get the gap of the latest.
    pub(super) fn look(&mut self, camera: &str, now: Duration, analysed: u64, latest: f64) {
        let Some(watched) = self.cameras.get_mut(camera) else {
            let watched = Watched {
                analysed,
                rose: now,
                largest: 0.0,
            };
            self.cameras.insert(camera.to_owned(), watched);
            return;
        };
        // A daemon that was started again counts from zero.
        let more = analysed.saturating_sub(watched.analysed);
        watched.analysed = analysed;
        if more > 0 {
            watched.rose = now;
            watched.largest = watched.largest.max(latest);
            self.seen.push((latest, more));
        }
    }

    /// The gaps until now; one that lasts still is as long as it is.
    pub(super) fn report(&self, now: Duration) -> GapReport {
        let open = |watched: &Watched| now.saturating_sub(watched.rose).as_secs_f64();
        let mut all = self.seen.clone();
        let lasting = self.cameras.values().filter(|it| open(it) > it.largest);
        all.extend(lasting.map(|watched| (open(watched), 1)));
        GapReport {
            all: Spread::of(all),
            largest: Spread::of_each(
                self.cameras
                    .values()
                    .map(|watched| watched.largest.max(open(watched))),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn percentiles_are_by_nearest_rank_and_weight() {
        let spread = Spread::of_each((1..=100).map(f64::from));
        assert_eq!((spread.p50, spread.p99, spread.max), (50.0, 99.0, 100.0));
        let spread = Spread::of(vec![(9.0, 1), (0.2, 99)]);
        assert_eq!((spread.p50, spread.p99, spread.max), (0.2, 0.2, 9.0));
        assert_eq!(Spread::of(Vec::new()), Spread::default());
    }

    #[test]
    fn a_camera_that_is_never_looked_at_has_the_longest_gap() {
        let mut gaps = Gaps::default();
        for at in 0..60 {
            gaps.look("lively", seconds(at), at, 1.0);
            gaps.look("dead", seconds(at), 7, 0.2);
        }
        let report = gaps.report(seconds(60));
        assert_eq!(report.largest.max, 60.0);
        assert_eq!(report.largest.p50, 1.0);
        assert_eq!(report.all.p50, 1.0);
    }

    #[test]
    fn what_happened_before_the_first_look_does_not_count() {
        let mut gaps = Gaps::default();
        gaps.look("yard", seconds(0), 1, 500.0);
        gaps.look("yard", seconds(1), 2, 8.0);
        assert_eq!(gaps.report(seconds(1)).all.max, 8.0);
    }
}
