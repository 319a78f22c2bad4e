//! Every metric, named once. Series of one camera appear with [`Metrics::camera`] and go with
//! [`Metrics::forget_camera`], so that a removed camera leaves nothing behind.

mod access;
mod cpu;
mod governor;
mod journal;
mod labels;
mod watch;

pub use access::AccessMetrics;
pub use cpu::{CpuMetrics, CpuSeconds};
pub use governor::{CoverageMetrics, GovernorMetrics};
pub use journal::JournalMetrics;
pub use labels::Labels;
use watch::WatchFamilies;
pub use watch::WatchMetrics;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

type Float = Gauge<f64, AtomicU64>;

/// Latency stages with a histogram of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// From the decoder to the batch.
    Wait,
    /// Planes to tensor, one picture.
    Preprocess,
    /// ONNX Runtime, one batch.
    Inference,
    /// Heads and NMS, one picture.
    Decode,
    /// Tracker and rules, one picture.
    Analyse,
    /// From a rule's event to its commit.
    Commit,
    /// From the frame leaving the decoder to the commit.
    FrameToCommit,
}

impl Stage {
    /// The label's value.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Wait => "wait",
            Self::Preprocess => "preprocess",
            Self::Inference => "inference",
            Self::Decode => "decode_heads",
            Self::Analyse => "analyse",
            Self::Commit => "commit",
            Self::FrameToCommit => "frame_to_commit",
        }
    }
}

/// The metrics of one camera.
#[derive(Clone, Debug)]
pub struct CameraMetrics {
    /// `parapet_frames_decoded_total`
    pub decoded: Counter,
    /// `parapet_frames_analysed_total`
    pub analysed: Counter,
    /// `parapet_frames_superseded_total`: a newer frame took the place before inference.
    pub superseded: Counter,
    /// `parapet_frames_unwanted_total`: above the asked-for analysis rate.
    pub above_rate: Counter,
    /// `parapet_frames_stale_total`: older than the age limit when a worker was free.
    pub stale: Counter,
    /// `parapet_camera_connects_total`
    pub connects: Counter,
    /// `parapet_camera_failures_total`
    pub failures: Counter,
    /// `parapet_camera_state`: 0 stopped, 1 connecting, 2 streaming, 3 stalled, 4 backing off.
    pub state: Gauge,
    /// `parapet_analysis_gap_seconds`: the latest time between two analysed frames.
    pub gap_seconds: Float,
    /// `parapet_age_at_inference_seconds`: of the latest analysed frame.
    pub age_seconds: Float,
    /// Of watch mode.
    pub watch: WatchMetrics,
    /// Of the governor.
    pub coverage: CoverageMetrics,
    /// [`CpuMetrics::decode`], which all cameras share.
    pub decode_cpu: CpuSeconds,
}

/// All metrics of the process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    decoded: Family<Labels, Counter>,
    analysed: Family<Labels, Counter>,
    superseded: Family<Labels, Counter>,
    above_rate: Family<Labels, Counter>,
    stale: Family<Labels, Counter>,
    connects: Family<Labels, Counter>,
    failures: Family<Labels, Counter>,
    state: Family<Labels, Gauge>,
    gap: Family<Labels, Float>,
    age: Family<Labels, Float>,
    watch: WatchFamilies,
    stages: Family<Labels, Histogram>,
    /// `parapet_batch_pictures`: pictures per batch.
    pub batch_pictures: Histogram,
    /// `parapet_gap_between_analysed_frames_seconds`, over all cameras.
    pub gaps: Histogram,
    /// `parapet_events_committed_total`
    pub events_committed: Counter,
    /// `parapet_events_lost_total`: events the journal could not take in time. Alert on this.
    pub events_lost: Counter,
    /// The journal and those who read it.
    pub journal: JournalMetrics,
    /// `parapet_subscribers`: open Subscribe streams.
    pub subscribers: Gauge,
    /// `parapet_config_reloads_total` by `result`.
    pub reloads: Family<Labels, Counter>,
    /// How much of the cameras is looked at.
    pub governor: GovernorMetrics,
    /// Who comes in.
    pub access: AccessMetrics,
    /// What the work on pictures costs.
    pub cpu: CpuMetrics,
}

fn seconds_histogram() -> Histogram {
    Histogram::new(exponential_buckets(0.000_05, 2.0, 18))
}

/// There from the start, so that the first refusal is an increase and not a new series.
fn both_results() -> Family<Labels, Counter> {
    let reloads = Family::<Labels, Counter>::default();
    for result in ["ok", "refused"] {
        let _ = reloads.get_or_create(&vec![("result", result.to_owned())]);
    }
    reloads
}

fn stage_histograms(registry: &mut Registry) -> Family<Labels, Histogram> {
    let stages = Family::<Labels, Histogram>::new_with_constructor(seconds_histogram);
    let help = "Time spent by stage";
    registry.register_with_unit("stage", help, Unit::Seconds, stages.clone());
    stages
}

impl Metrics {
    /// All metrics at zero.
    #[must_use]
    pub fn new() -> Arc<Self> {
        let mut r = Registry::with_prefix("parapet");
        macro_rules! register {
            ($name:literal, $help:literal, $metric:expr) => {{
                let metric = $metric;
                r.register($name, $help, metric.clone());
                metric
            }};
        }
        let stages = stage_histograms(&mut r);
        let batch = Histogram::new([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0]);
        let gaps = Histogram::new([0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0]);
        r.register_with_unit(
            "gap_between_analysed_frames",
            "Time between two analysed frames of a camera",
            Unit::Seconds,
            gaps.clone(),
        );
        Arc::new(Self {
            journal: JournalMetrics::register(&mut r),
            watch: WatchFamilies::register(&mut r),
            governor: GovernorMetrics::register(&mut r),
            decoded: register!(
                "frames_decoded",
                "Frames out of the decoder",
                Family::default()
            ),
            analysed: register!(
                "frames_analysed",
                "Frames through inference",
                Family::default()
            ),
            superseded: register!(
                "frames_superseded",
                "Frames replaced by a newer one before inference",
                Family::default()
            ),
            above_rate: register!(
                "frames_unwanted",
                "Frames above the asked-for analysis rate",
                Family::default()
            ),
            stale: register!(
                "frames_stale",
                "Frames past the age limit",
                Family::default()
            ),
            connects: register!("camera_connects", "Sources opened", Family::default()),
            failures: register!("camera_failures", "Sources that failed", Family::default()),
            state: register!(
                "camera_state",
                "0 stopped, 1 connecting, 2 streaming, 3 stalled, 4 backing off",
                Family::default()
            ),
            gap: register!(
                "analysis_gap_seconds",
                "Latest time between two analysed frames",
                Family::default()
            ),
            age: register!(
                "age_at_inference_seconds",
                "Age of the latest analysed frame when its batch was cut",
                Family::default()
            ),
            batch_pictures: register!("batch_pictures", "Pictures per batch", batch),
            events_committed: register!("events_committed", "Durable events", Counter::default()),
            events_lost: register!(
                "events_lost",
                "Events lost before commit",
                Counter::default()
            ),
            subscribers: register!("subscribers", "Open Subscribe streams", Gauge::default()),
            reloads: register!("config_reloads", "Reloads by result", both_results()),
            access: AccessMetrics::register(&mut r),
            cpu: CpuMetrics::register(&mut r),
            stages,
            gaps,
            registry: r,
        })
    }

    /// The histogram of one stage, to be kept by who observes it.
    #[must_use]
    pub fn stage(&self, stage: Stage) -> Histogram {
        self.stages
            .get_or_create(&vec![("stage", stage.name().to_owned())])
            .clone()
    }

    /// The series of one camera, made where they do not exist yet.
    #[must_use]
    pub fn camera(&self, camera: &str) -> CameraMetrics {
        let labels = vec![("camera", camera.to_owned())];
        CameraMetrics {
            decoded: self.decoded.get_or_create(&labels).clone(),
            analysed: self.analysed.get_or_create(&labels).clone(),
            superseded: self.superseded.get_or_create(&labels).clone(),
            above_rate: self.above_rate.get_or_create(&labels).clone(),
            stale: self.stale.get_or_create(&labels).clone(),
            connects: self.connects.get_or_create(&labels).clone(),
            failures: self.failures.get_or_create(&labels).clone(),
            state: self.state.get_or_create(&labels).clone(),
            gap_seconds: self.gap.get_or_create(&labels).clone(),
            age_seconds: self.age.get_or_create(&labels).clone(),
            watch: self.watch.camera(camera),
            coverage: self.governor.camera(camera),
            decode_cpu: self.cpu.decode.clone(),
        }
    }

    /// Drops a removed camera's series.
    pub fn forget_camera(&self, camera: &str) {
        let labels = vec![("camera", camera.to_owned())];
        for family in [
            &self.decoded,
            &self.analysed,
            &self.superseded,
            &self.above_rate,
            &self.stale,
            &self.connects,
            &self.failures,
        ] {
            family.remove(&labels);
        }
        self.watch.forget(camera);
        self.governor.forget(camera);
        self.state.remove(&labels);
        self.gap.remove(&labels);
        self.age.remove(&labels);
    }

    /// Counts one reload of the configuration.
    pub fn count_reload(&self, result: &str) {
        self.reloads
            .get_or_create(&vec![("result", result.to_owned())])
            .inc();
    }

    /// Counts somebody who was turned away.
    pub fn count_refusal(&self, reason: &'static str) {
        self.access
            .refusals
            .get_or_create(&vec![("reason", reason.to_owned())])
            .inc();
    }

    /// How many were turned away for this reason.
    #[must_use]
    pub fn refusals(&self, reason: &'static str) -> u64 {
        self.access
            .refusals
            .get_or_create(&vec![("reason", reason.to_owned())])
            .get()
    }

    /// All metrics in the OpenMetrics text format.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::new();
        if encode(&mut text, &self.registry).is_err() {
            text.clear();
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removed_camera_leaves_no_series() {
        let metrics = Metrics::new();
        let yard = metrics.camera("yard-1");
        yard.decoded.inc();
        yard.watch.woke("stream");
        metrics.stage(Stage::Commit).observe(0.001);
        let text = metrics.render();
        assert!(
            text.contains("parapet_frames_decoded_total{camera=\"yard-1\"} 1"),
            "{text}"
        );
        assert!(
            text.contains("parapet_stage_seconds_count{stage=\"commit\"} 1"),
            "{text}"
        );
        metrics.forget_camera("yard-1");
        assert!(!metrics.render().contains("yard-1"));
    }
}
