//! What a coded picture tells before it is decoded, against what is usual for the camera. Pure.

use std::time::Duration;

use super::{Unit, UnitKind};
use crate::config::types::Sensitivity;
use crate::ingest::baseline::{Baseline, cost};

/// Learning: values by kind and how often one is taken.
const KEYS: usize = 24;
const OTHERS: usize = 96;
const SPACING: Duration = Duration::from_millis(250);
/// A single picture this many thresholds above the usual needs no second one.
const CERTAIN: f32 = 3.0;

/// Standard deviations above the usual that count as activity.
fn threshold(sensitivity: Sensitivity) -> f32 {
    match sensitivity {
        Sensitivity::Low => 8.0,
        Sensitivity::Medium => 5.0,
        Sensitivity::High => 3.5,
    }
}

/// What a coded picture tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Activity {
    None,
    /// Above the threshold, but not by as much as is believed.
    Doubtful,
    Certain,
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
    }

    /// Judges a picture and learns from it; activity is believed `factor` times above the threshold.
    pub(super) fn take(&mut self, unit: &Unit, factor: f32, now: Duration) -> Activity {
        let cost = cost(unit.bytes, unit.qp);
        let baseline = match unit.kind {
            UnitKind::Key => &mut self.keys,
            UnitKind::Reference => &mut self.references,
            UnitKind::NonReference => &mut self.others,
        };
        let score = baseline.score(cost).unwrap_or(0.0);
        baseline.learn(cost, now);
        let key = unit.kind == UnitKind::Key;
        let certain = self.hot.take(score, self.threshold * factor, key);
        let moved = self.warm.take(score, self.threshold, key);
        match (certain, moved) {
            (true, _) => Activity::Certain,
            (false, true) => Activity::Doubtful,
            (false, false) => Activity::None,
        }
    }
}
