//! The supervisor's rounds: about once a second it measures the load, asks the
//! [`governor`](super::governor), turns the cameras' dials, and shows what they promise and do.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::admission::Admission;
use super::analysis::Identity;
use super::analyst::Analyst;
use super::governor::{
    Announcement, Change, Governor, GovernorPolicy, Inference, Load, Watched, demand,
};
use super::supervisor::Seen;
use crate::base::clock::{CpuMeter, Monotonic, SharedClock};
use crate::base::metrics::Metrics;
use crate::config::types::{GovernorConfig, WatchMode};
use crate::infer::InferencePool;
use crate::ingest::{Source, Waits};
use crate::model::camera::CameraState;
use crate::model::event::{Event, EventDetail, EventKind, Phase, Severity};
use crate::model::ids::{CameraId, EventId, IdSource, IncidentId};
use crate::model::time::{CaptureTime, UtcMicros};

/// What the governor needs besides the fleet.
#[derive(Clone)]
pub struct GovernorParts {
    /// Its settings.
    pub config: GovernorConfig,
    /// Says how much processor time the process has used.
    pub cpu: CpuMeter,
}

/// What the counters said at the last look.
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
const MOST_WAIT: Duration = Duration::from_millis(400);

/// How long what was decoded had waited, as a share of the longest wait that is no shortage.
fn waiting(before: Waits, now: Waits) -> f64 {
    let count = now.count.saturating_sub(before.count);
    let total = now.total.saturating_sub(before.total);
    total.as_secs_f64() / count.max(1) as f64 / MOST_WAIT.as_secs_f64()
}

pub(super) struct Rounds {
    pub(super) parts: GovernorParts,
    pub(super) board: Arc<RwLock<BTreeMap<CameraId, Seen>>>,
    pub(super) source: Arc<dyn Source>,
    pub(super) admission: Arc<Admission>,
    pub(super) pool: Arc<InferencePool>,
    pub(super) clock: SharedClock,
    pub(super) metrics: Arc<Metrics>,
    pub(super) analyst: Analyst,
    pub(super) identity: Identity,
    pub(super) ids: IdSource,
}

impl Rounds {
    /// Goes its rounds until it is cancelled; a shortage that stands then is told to be over.
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
                let decision = governor.look(reading.at, load, &self.watched(reading.at));
                self.turn(&decision.changes);
                self.admission.set_plenty(decision.plenty);
                if let Some(word) = decision.announcement {
                    self.tell(&word, &mut incident);
                }
            }
            self.show(reading.at);
        }
        if let Some(word) = governor.stop(self.clock.now()) {
            self.tell(&word, &mut incident);
        }
    }

    fn read(&self) -> Reading {
        let cpu = (self.parts.cpu)();
        let cameras = self.board.read();
        let sum = |count: fn(&Seen) -> u64| cameras.values().map(count).sum();
        Reading {
            cpu,
            at: self.clock.now(),
            busy: self.pool.busy(),
            analysed: sum(|seen| seen.metrics.analysed.get()),
            missed: sum(|seen| seen.metrics.superseded.get() + seen.metrics.stale.get()),
            probes_taken: sum(|seen| seen.metrics.watch.probes_taken.get()),
            probes_deferred: sum(|seen| seen.metrics.watch.probes_deferred.get()),
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

    fn watched(&self, now: Monotonic) -> Vec<Watched> {
        let cameras = self.board.read();
        let running = cameras.iter().filter_map(|(id, seen)| {
            let state = seen.status.borrow().state;
            let always = seen.config.watch.mode == WatchMode::Always;
            // What its level keeps asleep would go on sleeping by itself in watch mode, as a rule.
            let by_itself = !seen.dial.level().is_sparse() || !always;
            (state != CameraState::Stopped).then(|| Watched {
                id: id.clone(),
                level: seen.dial.level(),
                priority: seen.config.priority,
                always,
                streaming: state == CameraState::Streaming,
                asleep: seen.dial.is_asleep() && by_itself,
                engaged: seen.dial.is_engaged(),
                overdue: !seen.dial.coverage(now).kept,
            })
        });
        running.collect()
    }

    fn turn(&self, changes: &[Change]) {
        let cameras = self.board.read();
        for change in changes {
            let (from, to) = (change.from.name(), change.to.name());
            tracing::debug!(camera = %change.camera, from, to, "coverage level");
            self.metrics.governor.count_change(change.to > change.from);
            if let Some(seen) = cameras.get(&change.camera) {
                seen.dial.set_level(change.to);
            }
        }
    }

    fn show(&self, now: Monotonic) {
        for seen in self.board.read().values() {
            let coverage = seen.dial.coverage(now);
            let shown = &seen.metrics.coverage;
            let level = i64::try_from(coverage.level.index()).unwrap_or(i64::MAX);
            shown.level.set(level);
            shown.gap_seconds.set(coverage.largest_gap.as_secs_f64());
            let promise = coverage.promised_gap.as_secs_f64();
            shown.promise_seconds.set(promise);
            shown.kept.set(i64::from(coverage.kept));
        }
    }

    fn tell(&mut self, word: &Announcement, incident: &mut Option<IncidentId>) {
        let now = UtcMicros(self.clock.utc_micros());
        let ids = &mut self.ids;
        let own = *incident.get_or_insert_with(|| IncidentId(ids.uuid_v7(now.0)));
        let Load {
            cpu,
            inference,
            decoding,
        } = word.load;
        let reason = match word.phase {
            Phase::Ended => "every camera is looked at as asked for".to_owned(),
            Phase::Started | Phase::Updated => format!(
                "inference is asked for {inference:.2} of what it can do, decoding for \
                 {decoding:.2}, and the processor for {cpu:.2} of its budget; {}",
                word.summary
            ),
        };
        let severity = match word.phase {
            Phase::Ended => Severity::Info,
            _ if word.summary.worst().is_sparse() => Severity::Alarm,
            _ => Severity::Warning,
        };
        tracing::warn!(phase = ?word.phase, reason, "coverage");
        let event = Event {
            id: EventId(ids.uuid_v7(now.0)),
            incident: own,
            phase: word.phase,
            kind: EventKind::COVERAGE_REDUCED,
            severity,
            site: self.identity.site.clone(),
            node: self.identity.node.clone(),
            camera: CameraId::of_node(&self.identity.node),
            rule: None,
            zone: None,
            occurred: CaptureTime::arrival(now),
            observed: now,
            objects: Vec::new(),
            detail: EventDetail {
                reason: Some(reason),
                count: Some(word.summary.reduced()),
                ..EventDetail::default()
            },
            model: None,
        };
        if word.phase == Phase::Ended {
            *incident = None;
        }
        self.analyst.tell(event);
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
