//! What a camera may inherit: `[defaults]`, `[profiles.NAME]` and the camera's own table hold the
//! same keys, and the nearest wins.

use std::path::Path;
use std::time::Duration;

use super::environment::Environment;
use super::reader::{Set, Table};
use super::reference;
use super::secret::Secret;
use super::types::{
    Pace, RtspClient, Sensitivity, TrackerConfig, Transport, WatchConfig, WatchMode,
};
use crate::base::backoff::BackoffPolicy;

/// Keys that mean something for `url` only, and for `file` only.
pub(super) const RTSP_ONLY: [&str; 5] =
    ["transport", "client", "latency_millis", "user", "password"];
pub(super) const FILE_ONLY: [&str; 2] = ["pace", "repeat"];

type Maybe<'f, T> = Option<Set<'f, T>>;

/// One layer of settings; what is not written is `None`.
#[derive(Clone, Default)]
pub(super) struct Settings<'f> {
    pub(super) model: Maybe<'f, &'f str>,
    analysis_fps: Maybe<'f, f64>,
    analysis_fps_near: Maybe<'f, f64>,
    pub(super) priority: Maybe<'f, i64>,
    pub(super) decoders: Maybe<'f, Vec<&'f str>>,
    pub(super) stall_after: Maybe<'f, Duration>,
    pub(super) connect_timeout: Maybe<'f, Duration>,
    backoff_first: Maybe<'f, Duration>,
    backoff_ceiling: Maybe<'f, Duration>,
    pub(super) transport: Maybe<'f, Transport>,
    pub(super) client: Maybe<'f, RtspClient>,
    pub(super) latency: Maybe<'f, Duration>,
    pub(super) user: Maybe<'f, &'f str>,
    pub(super) password: Maybe<'f, Secret>,
    pub(super) pace: Maybe<'f, Pace>,
    pub(super) repeat: Maybe<'f, bool>,
    mode: Maybe<'f, WatchMode>,
    watch: WatchSettings<'f>,
    tracker: TrackerSettings<'f>,
}

#[derive(Clone, Default)]
struct WatchSettings<'f> {
    sensitivity: Maybe<'f, Sensitivity>,
    heartbeat: Maybe<'f, Duration>,
    quiet: Maybe<'f, Duration>,
    ring_kib: Maybe<'f, i64>,
}

#[derive(Clone, Default)]
struct TrackerSettings<'f> {
    high_score: Maybe<'f, f64>,
    low_score: Maybe<'f, f64>,
    new_track_score: Maybe<'f, f64>,
    match_iou: Maybe<'f, f64>,
    confirm_hits: Maybe<'f, i64>,
    lost_memory: Maybe<'f, Duration>,
}

impl<'f> Settings<'f> {
    /// Reads the keys of one layer from its table.
    pub(super) fn read(table: &Table<'f>, folder: &Path, environment: &dyn Environment) -> Self {
        Self {
            model: table.text("model"),
            analysis_fps: table.number("analysis_fps", 0.01..=120.0),
            analysis_fps_near: table.number("analysis_fps_near", 0.01..=120.0),
            priority: table.integer("priority", 0..=255),
            decoders: table.texts("decoders"),
            stall_after: table.seconds("stall_after_seconds", 0.1..=3_600.0),
            connect_timeout: table.seconds("connect_timeout_seconds", 0.1..=600.0),
            backoff_first: table.seconds("backoff_first_seconds", 0.01..=600.0),
            backoff_ceiling: table.seconds("backoff_ceiling_seconds", 0.01..=3_600.0),
            transport: table.choice(
                "transport",
                &[("tcp", Transport::Tcp), ("udp", Transport::Udp)],
            ),
            client: table.choice(
                "client",
                &[
                    ("retina", RtspClient::Retina),
                    ("gstreamer", RtspClient::Gstreamer),
                ],
            ),
            latency: table.millis("latency_millis", 0..=60_000),
            user: table.text("user"),
            password: reference::secret(table, "password", folder, environment),
            pace: table.choice(
                "pace",
                &[("real_time", Pace::RealTime), ("fast", Pace::Fast)],
            ),
            repeat: table.flag("repeat"),
            mode: table.choice(
                "mode",
                &[("always", WatchMode::Always), ("watch", WatchMode::Watch)],
            ),
            watch: WatchSettings::read(table),
            tracker: TrackerSettings::read(table),
        }
    }

    /// This layer over `below`.
    pub(super) fn over(self, below: &Self) -> Self {
        let below = below.clone();
        Self {
            model: self.model.or(below.model),
            analysis_fps: self.analysis_fps.or(below.analysis_fps),
            analysis_fps_near: self.analysis_fps_near.or(below.analysis_fps_near),
            priority: self.priority.or(below.priority),
            decoders: self.decoders.or(below.decoders),
            stall_after: self.stall_after.or(below.stall_after),
            connect_timeout: self.connect_timeout.or(below.connect_timeout),
            backoff_first: self.backoff_first.or(below.backoff_first),
            backoff_ceiling: self.backoff_ceiling.or(below.backoff_ceiling),
            transport: self.transport.or(below.transport),
            client: self.client.or(below.client),
            latency: self.latency.or(below.latency),
            user: self.user.or(below.user),
            password: self.password.or(below.password),
            pace: self.pace.or(below.pace),
            repeat: self.repeat.or(below.repeat),
            mode: self.mode.or(below.mode),
            watch: self.watch.over(below.watch),
            tracker: self.tracker.over(below.tracker),
        }
    }

    /// Pictures analysed a second, and while somebody is near a line or fast; says at `table` when
    /// the second is less.
    pub(super) fn analysis_fps(&self, table: &Table<'f>) -> (f32, f32) {
        let calm = value(&self.analysis_fps, 5.0);
        let near = value(&self.analysis_fps_near, calm.max(10.0));
        if let Some(at) = place(&self.analysis_fps_near, &self.analysis_fps)
            && near < calm
        {
            table.problem(at, format!("`analysis_fps_near` ({near}) is below `analysis_fps` ({calm}): make it at least as large"));
        }
        (calm as f32, near as f32)
    }

    /// The waits between tries; says at `table` when the first is longer than the longest.
    pub(super) fn backoff(&self, table: &Table<'f>) -> BackoffPolicy {
        let policy = BackoffPolicy {
            first: value(&self.backoff_first, Duration::from_millis(500)),
            ceiling: value(&self.backoff_ceiling, Duration::from_secs(4)),
        };
        if let Some(at) = place(&self.backoff_first, &self.backoff_ceiling)
            && policy.first > policy.ceiling
        {
            let (first, ceiling) = (policy.first, policy.ceiling);
            table.problem(at, format!("`backoff_first_seconds` ({first:?}) is above `backoff_ceiling_seconds` ({ceiling:?}): make it smaller"));
        }
        policy
    }

    /// When the camera sleeps: built in, if it is `live` while nothing moves, and a recording never.
    pub(super) fn watch(&self, live: bool) -> WatchConfig {
        let (set, built_in) = (&self.watch, WatchConfig::default());
        let mode = if live {
            WatchMode::Watch
        } else {
            WatchMode::Always
        };
        WatchConfig {
            mode: value(&self.mode, mode),
            sensitivity: value(&set.sensitivity, built_in.sensitivity),
            heartbeat: value(&set.heartbeat, built_in.heartbeat),
            quiet: value(&set.quiet, built_in.quiet),
            ring_bytes: set
                .ring_kib
                .as_ref()
                .and_then(|kib| usize::try_from(kib.value).ok())
                .map_or(built_in.ring_bytes, |kib| kib << 10),
        }
    }

    /// The tracker's settings; says at `table` when the scores contradict each other.
    pub(super) fn tracker(&self, table: &Table<'f>) -> TrackerConfig {
        let set = &self.tracker;
        let built_in = TrackerConfig::default();
        let score =
            |set: &Maybe<'f, f64>, other: f32| set.as_ref().map_or(other, |s| s.value as f32);
        let tracker = TrackerConfig {
            high_score: score(&set.high_score, built_in.high_score),
            low_score: score(&set.low_score, built_in.low_score),
            new_track_score: score(&set.new_track_score, built_in.new_track_score),
            match_iou: score(&set.match_iou, built_in.match_iou),
            confirm_hits: set
                .confirm_hits
                .as_ref()
                .map_or(built_in.confirm_hits, |s| {
                    u32::try_from(s.value).unwrap_or(built_in.confirm_hits)
                }),
            lost_memory: value(&set.lost_memory, built_in.lost_memory),
        };
        if let Some(at) = place(&set.high_score, &set.low_score)
            && tracker.low_score > tracker.high_score
        {
            let (low, high) = (tracker.low_score, tracker.high_score);
            table.problem(
                at,
                format!("`low_score` ({low}) is above `high_score` ({high}): make it smaller"),
            );
        }
        if let Some(at) = place(&set.new_track_score, &set.high_score)
            && tracker.new_track_score < tracker.high_score
        {
            let (new, high) = (tracker.new_track_score, tracker.high_score);
            table.problem(at, format!("`new_track_score` ({new}) is below `high_score` ({high}): make it at least as large"));
        }
        tracker
    }
}

impl<'f> WatchSettings<'f> {
    fn read(table: &Table<'f>) -> Self {
        let Some(table) = table.table("watch", "watch") else {
            return Self::default();
        };
        let settings = Self {
            sensitivity: table.choice(
                "sensitivity",
                &[
                    ("low", Sensitivity::Low),
                    ("medium", Sensitivity::Medium),
                    ("high", Sensitivity::High),
                ],
            ),
            heartbeat: table.seconds("heartbeat_seconds", 0.5..=3_600.0),
            quiet: table.seconds("quiet_seconds", 0.5..=3_600.0),
            ring_kib: table.integer("ring_kib", 64..=1_048_576),
        };
        table.finish();
        settings
    }

    fn over(self, below: Self) -> Self {
        Self {
            sensitivity: self.sensitivity.or(below.sensitivity),
            heartbeat: self.heartbeat.or(below.heartbeat),
            quiet: self.quiet.or(below.quiet),
            ring_kib: self.ring_kib.or(below.ring_kib),
        }
    }
}

impl<'f> TrackerSettings<'f> {
    fn read(table: &Table<'f>) -> Self {
        let Some(table) = table.table("tracker", "tracker") else {
            return Self::default();
        };
        let settings = Self {
            high_score: table.number("high_score", 0.0..=1.0),
            low_score: table.number("low_score", 0.0..=1.0),
            new_track_score: table.number("new_track_score", 0.0..=1.0),
            match_iou: table.number("match_iou", 0.0..=1.0),
            confirm_hits: table.integer("confirm_hits", 1..=1_000),
            lost_memory: table.seconds("lost_memory_seconds", 0.0..=600.0),
        };
        table.finish();
        settings
    }

    fn over(self, below: Self) -> Self {
        Self {
            high_score: self.high_score.or(below.high_score),
            low_score: self.low_score.or(below.low_score),
            new_track_score: self.new_track_score.or(below.new_track_score),
            match_iou: self.match_iou.or(below.match_iou),
            confirm_hits: self.confirm_hits.or(below.confirm_hits),
            lost_memory: self.lost_memory.or(below.lost_memory),
        }
    }
}

/// The written value or the built-in one.
pub(super) fn value<T: Clone>(set: &Maybe<'_, T>, built_in: T) -> T {
    set.as_ref().map_or(built_in, |set| set.value.clone())
}

fn place<'f, A, B>(
    first: &Maybe<'f, A>,
    second: &Maybe<'f, B>,
) -> Option<super::problem::Spot<'f>> {
    first
        .as_ref()
        .map(|set| set.at)
        .or(second.as_ref().map(|set| set.at))
}
