//! The governor's loop: about once a second it measures the load, asks the
//! [`governor`](super::governor), commands the cameras' levels, and shows what is promised of them and
//! observed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::admission::Admission;
use super::analysis::Identity;
use super::board::BoardEntry;
use super::governor::{
    Announcement, Change, GovernedCamera, Governor, GovernorPolicy, Inference, Load, demand,
};
use super::handle::AnalysisHandle;
use super::parts::GovernorParts;
use crate::base::clock::{Monotonic, SharedClock};
use crate::base::metrics::Metrics;
use crate::config::types::WatchMode;
use crate::infer::InferencePool;
use crate::ingest::{Source, Waits};
use crate::model::camera::CameraState;
use crate::model::event::{EventDetail, EventKind, Phase, Severity};
use crate::model::ids::{CameraId, IdSource, IncidentId};
use crate::model::node_event::NodeEvent;
use crate::model::time::UtcMicros;

/// What the counters said the last time.
#[derive(Clone, Copy)]
struct Reading {
    at: Monotonic,
    cpu: Duration,
    busy: Duration,
    analysed: u64,
    missed: u64,
    probes_taken: u64,
    probes_deferred: u64,
    waits: Waits,
}

/// Where pictures wait as long as this to be decoded, decoding is asked for all that it can do: the
/// processor's load does not tell, for who cannot keep up reads later and asks for no more.
const LONGEST_DECODE_WAIT: Duration = Duration::from_millis(400);

/// How long what was decoded had waited, as a share of the longest wait that is no shortage.
fn waiting(before: Waits, now: Waits) -> f64 {
    let count = now.count.saturating_sub(before.count);
    let total = now.total.saturating_sub(before.total);
    total.as_secs_f64() / count.max(1) as f64 / LONGEST_DECODE_WAIT.as_secs_f64()
}

pub(super) struct GovernorLoop {
    pub(super) parts: GovernorParts,
    pub(super) board: Arc<RwLock<BTreeMap<CameraId, BoardEntry>>>,
    pub(super) source: Arc<dyn Source>,
    pub(super) admission: Arc<Admission>,
    pub(super) pool: Arc<InferencePool>,
    pub(super) clock: SharedClock,
    pub(super) metrics: Arc<Metrics>,
    pub(super) analysis: AnalysisHandle,
    pub(super) identity: Identity,
    pub(super) ids: IdSource,
}

impl GovernorLoop {
    /// Runs until it is cancelled; a shortage that stands then is told to be over.
    pub(super) async fn run(mut self, cancel: CancellationToken) {
        let config = &self.parts.config;
        let mut ticks = tokio::time::interval(config.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut governor = Governor::new(GovernorPolicy {
            recover_after: config.recover_after,
            update_every: config.update_every,
        });
        let mut incident = None;
        // The first tick comes at once.
        ticks.tick().await;
        let mut before = self.read();
        loop {
            tokio::select! {
                () = cancel.cancelled() => break,
                _ = ticks.tick() => {}
            }
            let reading = self.read();
            if reading.at.since(before.at).is_zero() {
                continue;
            }
            let load = self.load(&before, &reading);
            before = reading;
            if self.parts.config.enabled {
                let decision = governor.evaluate(reading.at, load, &self.governed(reading.at));
                self.command(&decision.changes);
                self.admission.set_headroom(decision.headroom);
                if let Some(announcement) = decision.announcement {
                    self.announce(&announcement, &mut incident);
                }
            }
            self.show(reading.at);
        }
        if let Some(announcement) = governor.stop(self.clock.now()) {
            self.announce(&announcement, &mut incident);
        }
    }

    fn read(&self) -> Reading {
        let cpu = (self.parts.cpu)();
        let cameras = self.board.read();
        let sum = |count: fn(&BoardEntry) -> u64| cameras.values().map(count).sum();
        Reading {
            cpu,
            at: self.clock.now(),
            busy: self.pool.busy(),
            analysed: sum(|entry| entry.metrics.analysed.get()),
            missed: sum(|entry| entry.metrics.superseded.get() + entry.metrics.stale.get()),
            probes_taken: sum(|entry| entry.metrics.watch.probes_taken.get()),
            probes_deferred: sum(|entry| entry.metrics.watch.probes_deferred.get()),
            waits: self.source.waits(),
        }
    }

    fn load(&self, before: &Reading, now: &Reading) -> Load {
        let seconds = now.at.since(before.at).as_secs_f64();
        let share = |time: Duration, of: f64| time.as_secs_f64() / seconds / of;
        let busy = now.busy.saturating_sub(before.busy);
        // A camera that was removed took its counts with it.
        let inference = Inference {
            busy: share(busy, self.pool.workers() as f64),
            analysed: now.analysed.saturating_sub(before.analysed),
            missed: now.missed.saturating_sub(before.missed),
        };
        let probes = demand(
            now.probes_taken.saturating_sub(before.probes_taken),
            now.probes_deferred.saturating_sub(before.probes_deferred),
        );
        let cpu = now.cpu.saturating_sub(before.cpu);
        let load = Load {
            cpu: share(cpu, self.parts.config.budget_cores),
            inference: inference.load(),
            decoding: waiting(before.waits, now.waits).max(probes),
        };
        self.metrics.governor.set_load("cpu", load.cpu);
        self.metrics.governor.set_load("inference", load.inference);
        self.metrics.governor.set_load("decoding", load.decoding);
        load
    }

    fn governed(&self, now: Monotonic) -> Vec<GovernedCamera> {
        let cameras = self.board.read();
        let running = cameras.iter().filter_map(|(id, entry)| {
            let state = entry.status.borrow().state;
            let always = entry.config.watch.mode == WatchMode::Always;
            // What its level keeps asleep would go on sleeping by itself in watch mode, as a rule.
            let by_itself = !entry.command.level().is_sparse() || !always;
            (state != CameraState::Stopped).then(|| GovernedCamera {
                id: id.clone(),
                level: entry.command.level(),
                priority: entry.config.priority,
                always,
                streaming: state == CameraState::Streaming,
                asleep: entry.observed.is_asleep() && by_itself,
                active: entry.observed.is_active(),
                overdue: !entry.observed.coverage(now).kept,
            })
        });
        running.collect()
    }

    fn command(&self, changes: &[Change]) {
        let cameras = self.board.read();
        for change in changes {
            let (from, to) = (change.from.name(), change.to.name());
            tracing::debug!(camera = %change.camera, from, to, "coverage level");
            self.metrics.governor.count_change(change.to > change.from);
            if let Some(entry) = cameras.get(&change.camera) {
                entry.command.set_level(change.to);
                entry.observed.promise_changed();
            }
        }
    }

    fn show(&self, now: Monotonic) {
        for entry in self.board.read().values() {
            let coverage = entry.observed.coverage(now);
            let shown = &entry.metrics.coverage;
            let level = i64::try_from(coverage.level.index()).unwrap_or(i64::MAX);
            shown.level.set(level);
            shown.gap_seconds.set(coverage.largest_gap.as_secs_f64());
            let promise = coverage.promised_gap.as_secs_f64();
            shown.promise_seconds.set(promise);
            shown.kept.set(i64::from(coverage.kept));
        }
    }

    fn announce(&mut self, announcement: &Announcement, incident: &mut Option<IncidentId>) {
        let Announcement {
            phase,
            summary,
            load,
        } = announcement;
        let now = UtcMicros(self.clock.utc_micros());
        let ids = &mut self.ids;
        let own = *incident.get_or_insert_with(|| IncidentId(ids.uuid_v7(now.0)));
        let reason = match phase {
            Phase::Ended => "every camera is looked at as asked for".to_owned(),
            Phase::Started | Phase::Updated => format!(
                "inference is asked for {:.2} of what it can do, decoding for {:.2}, and the \
                 processor for {:.2} of its budget; {summary}",
                load.inference, load.decoding, load.cpu
            ),
        };
        let severity = match phase {
            Phase::Ended => Severity::Info,
            _ if summary.worst().is_sparse() => Severity::Alarm,
            _ => Severity::Warning,
        };
        tracing::warn!(?phase, reason, "coverage");
        let event = NodeEvent {
            camera: None,
            incident: own,
            phase: *phase,
            kind: EventKind::COVERAGE_REDUCED,
            severity,
            detail: EventDetail {
                reason: Some(reason),
                count: Some(summary.reduced()),
                ..EventDetail::default()
            },
        };
        let Identity { site, node, .. } = &self.identity;
        let event = event.build(ids, site, node, now);
        if *phase == Phase::Ended {
            *incident = None;
        }
        self.analysis.emit(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_as_long_as_is_bearable_asks_for_all() {
        let waits = |millis, count| Waits {
            total: Duration::from_millis(millis),
            count,
        };
        assert_eq!(waiting(waits(50, 7), waits(50, 7)), 0.0);
        assert_eq!(waiting(waits(0, 0), waits(400, 1)), 1.0);
        assert_eq!(waiting(waits(400, 1), waits(4_400, 41)), 0.25);
    }
}
