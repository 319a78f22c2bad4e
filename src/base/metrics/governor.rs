//! How much of each camera is looked at, what was promised and what came of it.

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::labels::Labels;

type Float = Gauge<f64, AtomicU64>;

/// Of one camera; renewed about once a second.
#[derive(Clone, Debug)]
pub struct CoverageMetrics {
    /// `parapet_governor_level`: 0 full, 1 half rate, 2 quarter rate, 3 keyframes, 4 heartbeat.
    pub level: Gauge,
    /// `parapet_coverage_gap_seconds`: longest time without an analysed frame in the last minute.
    pub gap_seconds: Float,
    /// `parapet_coverage_promise_seconds`: longest such time that its level and mode allow.
    pub promise_seconds: Float,
    /// `parapet_coverage_kept`: 1 while each gap of the last minute was within its promise.
    pub kept: Gauge,
}

/// Of the whole node.
#[derive(Clone, Debug, Default)]
pub struct GovernorMetrics {
    levels: Family<Labels, Gauge>,
    gaps: Family<Labels, Float>,
    promises: Family<Labels, Float>,
    kept: Family<Labels, Gauge>,
    /// `parapet_governor_load` by `resource` (cpu, inference, decoding): 1 is all that there is.
    load: Family<Labels, Float>,
    /// `parapet_governor_changes_total` by `to` (down, up): changes of cameras' levels.
    changes: Family<Labels, Counter>,
}

impl GovernorMetrics {
    pub(super) fn register(r: &mut Registry) -> Self {
        let all = Self::default();
        r.register(
            "governor_level",
            "0 full, 1 half rate, 2 quarter rate, 3 keyframes, 4 heartbeat",
            all.levels.clone(),
        );
        r.register_with_unit(
            "coverage_gap",
            "Longest time without an analysed frame in the last minute",
            Unit::Seconds,
            all.gaps.clone(),
        );
        r.register_with_unit(
            "coverage_promise",
            "Longest time without an analysed frame that level and mode allow",
            Unit::Seconds,
            all.promises.clone(),
        );
        r.register(
            "coverage_kept",
            "1 while each gap of the last minute was within its promise",
            all.kept.clone(),
        );
        r.register(
            "governor_load",
            "Demand by resource; 1 is all that there is",
            all.load.clone(),
        );
        r.register(
            "governor_changes",
            "Changes of cameras' levels by direction",
            all.changes.clone(),
        );
        for resource in ["cpu", "inference", "decoding"] {
            all.set_load(resource, 0.0);
        }
        for to in ["down", "up"] {
            let _ = all.changes.get_or_create(&vec![("to", to.to_owned())]);
        }
        all
    }

    /// Notes the demand for a resource.
    pub fn set_load(&self, resource: &'static str, load: f64) {
        let labels = vec![("resource", resource.to_owned())];
        self.load.get_or_create(&labels).set(load);
    }

    /// Counts a camera's change to a worse or a better level.
    pub fn count_change(&self, worse: bool) {
        let to = if worse { "down" } else { "up" };
        let labels = vec![("to", to.to_owned())];
        self.changes.get_or_create(&labels).inc();
    }

    pub(super) fn camera(&self, camera: &str) -> CoverageMetrics {
        let labels = vec![("camera", camera.to_owned())];
        CoverageMetrics {
            level: self.levels.get_or_create(&labels).clone(),
            gap_seconds: self.gaps.get_or_create(&labels).clone(),
            promise_seconds: self.promises.get_or_create(&labels).clone(),
            kept: self.kept.get_or_create(&labels).clone(),
        }
    }

    pub(super) fn forget(&self, camera: &str) {
        let labels = vec![("camera", camera.to_owned())];
        self.levels.remove(&labels);
        self.gaps.remove(&labels);
        self.promises.remove(&labels);
        self.kept.remove(&labels);
    }
}
