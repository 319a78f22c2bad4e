//! What a coded picture tells before it is decoded, against what is usual for the camera. Pure.

use std::time::Duration;

use super::group::{Group, Sum};
use super::{Unit, UnitKind};
use crate::config::types::Sensitivity;
use crate::ingest::baseline::{Baseline, cost};

/// Learning: values by kind and how often one is taken.
const KEYS: usize = 24;
const OTHERS: usize = 96;
const SPACING: Duration = Duration::from_millis(250);
/// A single picture this many thresholds above the usual needs no second one.
const CERTAIN: f32 = 3.0;

/// A keyframe this many standard deviations around the usual hints at nothing.
const USUAL_KEY: f32 = 2.0;

/// What somebody who walks adds to a coded picture, about: 40 macroblocks of 200 bits.
const FIGURE_BYTES: f32 = 1_000.0;
/// So many standard deviations it must make, or it is lost in the noise that is coded.
const SHOWS: f32 = 2.0;

/// Standard deviations above the usual that count as activity.
fn threshold(sensitivity: Sensitivity) -> f32 {
    match sensitivity {
        Sensitivity::Low => 8.0,
        Sensitivity::Medium => 5.0,
        Sensitivity::High => 3.5,
    }
}

/// Standard deviations, summed up beyond what noise has, that are worth a glance.
fn sum_limit(sensitivity: Sensitivity) -> f32 {
    match sensitivity {
        Sensitivity::Low => 14.0,
        Sensitivity::Medium => 8.0,
        Sensitivity::High => 6.0,
    }
}

/// What a coded picture tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Activity {
    None,
    /// A little above the usual, but for long: worth a glance.
    Lasting,
    /// Above the threshold, but not by as much as is believed.
    Suppressed,
    Certain,
}

/// What a keyframe and the pictures since the one before tell together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StreamActivity {
    /// Nothing: too little was seen of the stream to know what is usual, always something moves in it,
    /// or so much is spent on noise that somebody would not show.
    Unknown,
    /// None of them hints at anything, and somebody would show.
    Calm,
    /// One hints at something.
    Active,
}

/// Pictures above a limit: two of them soon after one another count, or one far above.
#[derive(Debug, Default)]
struct Hot(u32);

impl Hot {
    fn take(&mut self, score: f32, limit: f32, key: bool) -> bool {
        if score < limit {
            self.0 = self.0.saturating_sub(u32::from(!key));
            return false;
        }
        self.0 += 1;
        self.0 >= 2 || score >= CERTAIN * limit
    }
}

/// One camera's.
#[derive(Debug)]
pub(super) struct Judge {
    threshold: f32,
    sum_limit: f32,
    sum: Sum,
    group: Group,
    /// Bytes of the pictures since the keyframe that others refer to.
    bytes: usize,
    stream_activity: StreamActivity,
    hot: Hot,
    warm: Hot,
    keys: Baseline,
    references: Baseline,
    others: Baseline,
}

impl Judge {
    pub(super) fn new(sensitivity: Sensitivity) -> Self {
        Self {
            threshold: threshold(sensitivity),
            sum_limit: sum_limit(sensitivity),
            sum: Sum::new(),
            group: Group::new(),
            bytes: 0,
            stream_activity: StreamActivity::Unknown,
            hot: Hot::default(),
            warm: Hot::default(),
            keys: Baseline::new(KEYS, Duration::ZERO),
            references: Baseline::new(OTHERS, SPACING),
            others: Baseline::new(OTHERS, SPACING),
        }
    }

    /// What came before counts no more as the first of two.
    pub(super) fn forget_hot(&mut self) {
        (self.hot, self.warm) = (Hot::default(), Hot::default());
        self.sum.forget();
    }

    /// Of the latest keyframe and the pictures before it.
    pub(super) fn stream_activity(&self) -> StreamActivity {
        self.stream_activity
    }

    /// Whether what somebody adds to the pictures since the keyframe would stand out of what they differ
    /// by in any case.
    fn would_show(&self) -> bool {
        let mean = self.bytes as f32 / self.group.pictures().max(1) as f32;
        (1.0 + FIGURE_BYTES / mean.max(1.0)).log2() >= SHOWS * self.group.spread()
    }

    /// Somebody is there.
    pub(super) fn somebody(&mut self) {
        self.sum.somebody();
    }

    /// Judges a picture and learns from it; activity is believed `factor` times above the threshold.
    pub(super) fn take(&mut self, unit: &Unit, factor: f32, now: Duration) -> Activity {
        let cost = cost(unit.bytes, unit.qp);
        let baseline = match unit.kind {
            UnitKind::Key => &mut self.keys,
            UnitKind::Reference => &mut self.references,
            UnitKind::NonReference => &mut self.others,
        };
        let known = baseline.score(cost);
        let score = known.unwrap_or(0.0);
        baseline.learn(cost, now);
        let key = unit.kind == UnitKind::Key;
        let lasting = match unit.kind {
            UnitKind::Key => {
                let little = self.sum.take_peak() < self.sum_limit / 2.0;
                let tells = self.group.is_known() && self.would_show();
                self.stream_activity = match known {
                    _ if !tells => StreamActivity::Unknown,
                    Some(score) if score.abs() >= USUAL_KEY => StreamActivity::Active,
                    _ if !little => StreamActivity::Active,
                    Some(_) if factor <= 1.0 => StreamActivity::Calm,
                    _ => StreamActivity::Unknown,
                };
                self.bytes = 0;
                self.group.begin();
                false
            }
            UnitKind::Reference => {
                self.bytes += unit.bytes;
                let above = self.group.take(cost, now).unwrap_or(0.0);
                self.sum.take(above, self.sum_limit * factor, now)
            }
            UnitKind::NonReference => false,
        };
        let certain = self.hot.take(score, self.threshold * factor, key);
        let moved = self.warm.take(score, self.threshold, key);
        match (certain, moved) {
            (true, _) => Activity::Certain,
            (false, true) => Activity::Suppressed,
            (false, false) if lasting => Activity::Lasting,
            (false, false) => Activity::None,
        }
    }
}
