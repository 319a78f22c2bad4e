//! What a run of the fleet bench found, and how it is printed.

use std::collections::BTreeMap;

use serde::Serialize;

use super::gaps::{GapReport, Spread};
use super::probe::{Snapshot, Values};
use super::script::EventReport;
use super::threads::{Part, Usage};

/// Counters of frames that were not analysed, by the reason's word.
pub(super) const DROPS: [(&str, &str); 7] = [
    ("superseded", "frames_superseded_total"),
    ("above_rate", "frames_unwanted_total"),
    ("stale", "frames_stale_total"),
    ("compared_only", "frames_unused_total"),
    ("gop_spills", "gop_spills_total"),
    ("deferred", "probes_deferred_total"),
    ("late", "pictures_late_total"),
];

/// A stage's share of the processor.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct StageCost {
    pub(super) stage: &'static str,
    /// Cores kept busy, on average.
    pub(super) cores: f64,
    /// Milliseconds of processor time that one camera costs in a second.
    pub(super) millis_per_camera_second: f64,
}

/// Everything at one moment, to be compared with another.
#[derive(Clone, Debug, Default)]
pub(super) struct Moment {
    pub(super) seconds: f64,
    pub(super) metrics: Snapshot,
    pub(super) daemon: Usage,
    pub(super) server: Usage,
    pub(super) bench: Usage,
    /// Busy seconds of all cores, and their number.
    pub(super) machine: (f64, usize),
    pub(super) frames_sent: u64,
    pub(super) frames_skipped: u64,
}

/// Cores in use, by process.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Load {
    pub(super) machine_cores: usize,
    pub(super) daemon: f64,
    pub(super) server: f64,
    pub(super) bench: f64,
    /// Other processes of this machine: what the run was disturbed by.
    pub(super) elsewhere: f64,
    pub(super) idle: f64,
}

/// One stretch of measuring with one number of cameras.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Phase {
    pub(super) name: &'static str,
    pub(super) cameras: usize,
    pub(super) seconds: f64,
    /// Cameras that streamed, at the worst look and at the last.
    pub(super) connected_least: usize,
    pub(super) connected: usize,
    pub(super) asleep: usize,
    pub(super) failures: u64,
    /// By reason.
    pub(super) wakes: BTreeMap<String, u64>,
    pub(super) sent_per_second: f64,
    pub(super) received_per_second: f64,
    pub(super) decoded_per_second: f64,
    pub(super) analysed_per_second: f64,
    pub(super) gaps: GapReport,
    pub(super) events: EventReport,
    pub(super) governor: Governed,
    pub(super) events_lost: u64,
    pub(super) stages: Vec<StageCost>,
    pub(super) load: Load,
    pub(super) rss_mib: f64,
    pub(super) server_rss_mib: f64,
    pub(super) threads: usize,
    /// Frames not analysed, by reason, over the phase.
    pub(super) drops: BTreeMap<&'static str, u64>,
    /// Pictures that the camera server left out because the daemon did not read fast enough.
    pub(super) server_skipped: u64,
}

/// What the poller saw between the two moments.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) connected_least: usize,
    pub(super) gaps: GapReport,
    pub(super) events: EventReport,
    pub(super) governor: Governed,
}

/// The cameras of one place, which share a priority.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct PlaceReport {
    pub(super) name: String,
    pub(super) priority: u8,
    /// At the end, cameras at each of the governor's levels, from full to least.
    pub(super) levels: Vec<usize>,
    pub(super) gaps: Spread,
}

/// What the governor held back; empty where the daemon has none.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Governed {
    /// At the end, cameras at each level, from full to least.
    pub(super) levels: Vec<usize>,
    /// The same by place, the highest priority first.
    pub(super) places: Vec<PlaceReport>,
    /// Cameras whose largest gap of the last minute was above their promise, at the worst look.
    pub(super) unkept_most: usize,
}

/// Of the cameras that count, how many are at each of the governor's levels.
pub(super) fn levels(metrics: &Snapshot, counts: impl Fn(&str) -> bool) -> Vec<usize> {
    let mut levels = Vec::new();
    for (camera, values) in &metrics.cameras {
        if !counts(camera) {
            continue;
        }
        if let Some(level) = values.get("governor_level") {
            let level = level.clamp(0.0, 9.0) as usize;
            levels.resize(levels.len().max(level + 1), 0);
            levels[level] += 1;
        }
    }
    levels
}

fn grown_by(before: &Values, after: &Values) -> BTreeMap<String, u64> {
    let grown = after.iter().map(|(reason, count)| {
        let had = before.get(reason).copied().unwrap_or(0.0);
        (reason.clone(), (count - had).max(0.0) as u64)
    });
    grown.filter(|(_, count)| *count > 0).collect()
}

impl Phase {
    pub(super) fn between(
        (name, cameras): (&'static str, usize),
        before: &Moment,
        after: &Moment,
        seen: Seen,
    ) -> Self {
        let seconds = (after.seconds - before.seconds).max(1e-3);
        let grown = |name: &str| (after.metrics.sum(name) - before.metrics.sum(name)).max(0.0);
        let rate = |name: &str| grown(name) / seconds;
        let load = load(before, after, seconds);
        let whole = |name: &str| {
            let read = |moment: &Moment| moment.metrics.whole.get(name).copied().unwrap_or(0.0);
            (read(after) - read(before)).max(0.0)
        };
        Self {
            name,
            cameras,
            seconds,
            connected_least: seen.connected_least,
            connected: after.metrics.streaming(),
            asleep: after.metrics.asleep(),
            failures: grown("camera_failures_total") as u64,
            wakes: grown_by(&before.metrics.wakes, &after.metrics.wakes),
            sent_per_second: after.frames_sent.saturating_sub(before.frames_sent) as f64 / seconds,
            received_per_second: rate("frames_decoded_total") + rate("pictures_undecoded_total"),
            decoded_per_second: rate("frames_decoded_total"),
            analysed_per_second: rate("frames_analysed_total"),
            gaps: seen.gaps,
            events: seen.events,
            governor: Governed {
                levels: levels(&after.metrics, |_| true),
                ..seen.governor
            },
            events_lost: whole("events_lost_total") as u64,
            stages: stages(before, after, seconds, cameras),
            load,
            rss_mib: after.daemon.rss_mib,
            server_rss_mib: after.server.rss_mib,
            threads: after.daemon.thread_count(),
            drops: DROPS
                .iter()
                .map(|(word, counter)| (*word, grown(counter) as u64))
                .collect(),
            server_skipped: after.frames_skipped.saturating_sub(before.frames_skipped),
        }
    }

    /// What was promised and not kept, in words.
    pub(super) fn broken(&self, promise: &Promise) -> Vec<String> {
        let mut broken = Vec::new();
        if self.connected_least < self.cameras || self.connected < self.cameras {
            broken.push(format!(
                "{} of {} cameras were connected all the time",
                self.connected_least.min(self.connected),
                self.cameras
            ));
        }
        if self.gaps.all.p99 > promise.gap_seconds {
            broken.push(format!(
                "gap between analysed frames p99 {:.1} s, promised {:.1}",
                self.gaps.all.p99, promise.gap_seconds
            ));
        }
        let events = &self.events;
        if events.reported < events.owed {
            broken.push(format!(
                "{} of {} intrusions reported",
                events.reported, events.owed
            ));
        }
        if events.latency.p99 > promise.latency_seconds {
            broken.push(format!(
                "event latency p99 {:.1} s, promised {:.1}",
                events.latency.p99, promise.latency_seconds
            ));
        }
        if self.events_lost > 0 {
            broken.push(format!("{} events lost", self.events_lost));
        }
        broken
    }

    /// What there was too little of, as far as the figures tell.
    pub(super) fn bottleneck(&self) -> String {
        let most = |one: &&StageCost, other: &&StageCost| one.cores.total_cmp(&other.cores);
        let Some(top) = self.stages.iter().max_by(most) else {
            return "unknown".to_owned();
        };
        let load = &self.load;
        if load.idle > 0.1 * load.machine_cores as f64 {
            return format!(
                "not the processor ({:.2} cores idle); the daemon's largest stage is {}",
                load.idle, top.stage
            );
        }
        format!(
            "the processor: {} takes most of the daemon's {:.2} cores ({:.2}), the camera server {:.2}, others {:.2}",
            top.stage, load.daemon, top.cores, load.server, load.elsewhere
        )
    }
}

/// What a camera owes its facility.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Promise {
    pub(super) gap_seconds: f64,
    pub(super) latency_seconds: f64,
}

fn load(before: &Moment, after: &Moment, seconds: f64) -> Load {
    let cores = |earlier: &Usage, later: &Usage| (later.total - earlier.total).max(0.0) / seconds;
    let (daemon, server, bench) = (
        cores(&before.daemon, &after.daemon),
        cores(&before.server, &after.server),
        cores(&before.bench, &after.bench),
    );
    let busy = (after.machine.0 - before.machine.0) / seconds;
    Load {
        machine_cores: after.machine.1,
        daemon,
        server,
        bench,
        elsewhere: (busy - daemon - server - bench).max(0.0),
        idle: (after.machine.1 as f64 - busy).max(0.0),
    }
}

/// The daemon's cores by stage. Threads tell the parts apart; within the streaming and inference
/// threads the daemon's own counters do, and what they do not name is parsing and the engine.
fn stages(before: &Moment, after: &Moment, seconds: f64, cameras: usize) -> Vec<StageCost> {
    let parts = after.daemon.parts_since(&before.daemon);
    let part = |part: Part| parts.get(&part).copied().unwrap_or(0.0);
    let counted = |stage: &str| {
        let read = |moment: &Moment| moment.metrics.cpu.get(stage).copied().unwrap_or(0.0);
        (read(after) - read(before)).max(0.0)
    };
    let (decode, preprocess, heads) = (counted("decode"), counted("preprocess"), counted("heads"));
    [
        ("receive", part(Part::Receive)),
        ("parse+gate", (part(Part::Stream) - decode).max(0.0)),
        ("decode", decode),
        ("preprocess", preprocess),
        (
            "inference",
            (part(Part::Infer) - preprocess - heads).max(0.0),
        ),
        ("heads", heads),
        ("track+rules", part(Part::Analyse)),
        ("journal", part(Part::Journal)),
        ("api+drivers", part(Part::Control)),
        ("metrics", part(Part::Ops)),
        ("other", part(Part::Other)),
    ]
    .into_iter()
    .map(|(stage, spent)| StageCost {
        stage,
        cores: spent / seconds,
        millis_per_camera_second: spent * 1e3 / seconds / cameras.max(1) as f64,
    })
    .collect()
}

/// The whole run.
#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    pub(super) mode: &'static str,
    pub(super) model: String,
    pub(super) clips: Vec<String>,
    pub(super) seed: u64,
    pub(super) promise: Promise,
    /// Until all cameras streamed and, in watch mode, slept.
    pub(super) settled_seconds: Option<f64>,
    pub(super) phases: Vec<Phase>,
    /// What was promised and not kept.
    pub(super) broken: Vec<String>,
    pub(super) stopped_cleanly: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(seconds: f64, decoded: u64) -> Moment {
        let text = format!(
            "parapet_frames_decoded_total{{camera=\"a\"}} {decoded}\n\
             parapet_pictures_undecoded_total{{camera=\"a\"}} {}\n\
             parapet_camera_state{{camera=\"a\"}} 2\n\
             parapet_cpu_seconds_total{{stage=\"decode\"}} {}\n",
            decoded * 9,
            seconds / 10.0
        );
        Moment {
            seconds,
            metrics: Snapshot::parse(&text),
            machine: (seconds * 1.5, 2),
            ..Moment::default()
        }
    }

    #[test]
    fn rates_are_differences_over_the_time_between() {
        let seen = Seen {
            connected_least: 1,
            ..Seen::default()
        };
        let phase = Phase::between(("run", 1), &moment(10.0, 100), &moment(20.0, 150), seen);
        assert_eq!(phase.decoded_per_second, 5.0);
        assert_eq!(phase.received_per_second, 50.0);
        assert_eq!(phase.connected, 1);
        let decode = phase.stages.iter().find(|cost| cost.stage == "decode");
        assert!((decode.expect("decode").cores - 0.1).abs() < 1e-9);
        assert!((phase.load.elsewhere - 1.5).abs() < 1e-9);
        assert!((phase.load.idle - 0.5).abs() < 1e-9);
    }

    #[test]
    fn a_broken_promise_is_named() {
        let promise = Promise {
            gap_seconds: 10.0,
            latency_seconds: 2.0,
        };
        let seen = Seen {
            connected_least: 1,
            ..Seen::default()
        };
        let mut phase = Phase::between(("run", 1), &moment(0.0, 0), &moment(9.0, 9), seen);
        assert_eq!(phase.broken(&promise), [] as [String; 0]);
        phase.connected_least = 0;
        phase.gaps.all.p99 = 10.5;
        phase.events.owed = 2;
        phase.events.latency.p99 = 2.5;
        phase.events_lost = 1;
        assert_eq!(phase.broken(&promise).len(), 5);
    }
}
