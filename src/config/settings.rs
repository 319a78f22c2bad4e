//! What a camera may inherit: `[defaults]`, `[profiles.NAME]` and the camera's own table hold the
//! same keys, and the nearest wins.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::environment::Environment;
use super::problem::Spot;
use super::reader::{Set, Table};
use super::reference;
use super::secret::Secret;
use super::section::{Section as _, section};
use super::types::{Pace, RtspClient, TrackerConfig, Transport, WatchConfig, WatchMode};
use crate::base::backoff::BackoffPolicy;

/// Keys that mean something for `url` only, and for `file` only.
pub(super) const RTSP_ONLY: [&str; 5] =
    ["transport", "client", "latency_millis", "user", "password"];
pub(super) const FILE_ONLY: [&str; 2] = ["pace", "repeat"];

section! {
    /// The keys that stand in the table itself.
    #[derive(Clone)]
    pub(super) struct Keys {
        model: Option<String> = None, text("model").owned.some;
        analysis_fps: f64 = 5.0, number("analysis_fps", 0.01..=120.0);
        /// Built in: 10, or `analysis_fps` where that is more.
        analysis_fps_near: Option<f64> = None, number("analysis_fps_near", 0.01..=120.0).some;
        priority: u8 = 100, whole("priority", 0..=255);
        decoders: Vec<String> = Vec::new(), texts("decoders").all_owned;
        stall_after: Duration = Duration::from_secs(4), seconds("stall_after_seconds", 0.1..=3_600.0);
        connect_timeout: Duration = Duration::from_secs(10),
            seconds("connect_timeout_seconds", 0.1..=600.0);
        backoff_first: Duration = Duration::from_millis(500),
            seconds("backoff_first_seconds", 0.01..=600.0);
        backoff_ceiling: Duration = Duration::from_secs(4),
            seconds("backoff_ceiling_seconds", 0.01..=3_600.0);
        transport: Transport = Transport::Tcp, choice("transport", &Transport::NAMES);
        /// Built in: what can receive it.
        client: Option<RtspClient> = None, choice("client", &RtspClient::NAMES).some;
        latency: Duration = Duration::from_millis(200), millis("latency_millis", 0..=60_000);
        user: Option<String> = None, text("user").owned.some;
        pace: Pace = Pace::RealTime, choice("pace", &Pace::NAMES);
        repeat: bool = false, flag("repeat");
        /// Built in: asleep while nothing moves, but for files.
        mode: Option<WatchMode> = None, choice("mode", &WatchMode::NAMES).some;
    }
}

/// The settings down to one layer.
#[derive(Clone, Default)]
pub(super) struct Settings<'f> {
    pub(super) keys: Keys,
    pub(super) password: Option<Secret>,
    watch: WatchConfig,
    tracker: TrackerConfig,
    /// Where the value of each key stands; what is built in stands nowhere.
    places: BTreeMap<&'static str, Spot<'f>>,
}

impl<'f> Settings<'f> {
    /// Puts a nearer layer over what is here.
    pub(super) fn take(&mut self, table: &Table<'f>, folder: &Path, environment: &dyn Environment) {
        self.keys.take(table);
        if let Some(Set { value, at }) = reference::secret(table, "password", folder, environment) {
            self.password = Some(value);
            table.note("password", at);
        }
        self.watch = table.section("watch", self.watch);
        self.tracker = table.section("tracker", self.tracker);
        self.places.extend(table.places());
    }

    /// Where the value of the key stands.
    pub(super) fn place(&self, key: &str) -> Option<Spot<'f>> {
        self.places.get(key).copied()
    }

    /// Where one of two contradicting values stands, the first where both do.
    fn either(&self, first: &str, second: &str) -> Option<Spot<'f>> {
        self.place(first).or_else(|| self.place(second))
    }

    /// Pictures analysed a second, and while somebody is near a line or fast; says at `table` when
    /// the second is less.
    pub(super) fn analysis_fps(&self, table: &Table<'f>) -> (f32, f32) {
        let calm = self.keys.analysis_fps;
        let near = self.keys.analysis_fps_near.unwrap_or(calm.max(10.0));
        if let Some(at) = self.either("analysis_fps_near", "analysis_fps")
            && near < calm
        {
            table.problem(at, format!("`analysis_fps_near` ({near}) is below `analysis_fps` ({calm}): make it at least as large"));
        }
        (calm as f32, near as f32)
    }

    /// The waits between tries; says at `table` when the first is longer than the longest.
    pub(super) fn backoff(&self, table: &Table<'f>) -> BackoffPolicy {
        let (first, ceiling) = (self.keys.backoff_first, self.keys.backoff_ceiling);
        if let Some(at) = self.either("backoff_first_seconds", "backoff_ceiling_seconds")
            && first > ceiling
        {
            table.problem(at, format!("`backoff_first_seconds` ({first:?}) is above `backoff_ceiling_seconds` ({ceiling:?}): make it smaller"));
        }
        BackoffPolicy { first, ceiling }
    }

    /// When the camera sleeps: built in, if it is `live` while nothing moves, and a recording never.
    pub(super) fn watch(&self, live: bool) -> WatchConfig {
        let built_in = if live {
            WatchMode::Watch
        } else {
            WatchMode::Always
        };
        WatchConfig {
            mode: self.keys.mode.unwrap_or(built_in),
            ..self.watch
        }
    }

    /// The tracker's settings; says at `table` when the scores contradict each other.
    pub(super) fn tracker(&self, table: &Table<'f>) -> TrackerConfig {
        let TrackerConfig {
            high_score: high,
            low_score: low,
            new_track_score: new,
            ..
        } = self.tracker;
        if let Some(at) = self.either("high_score", "low_score")
            && low > high
        {
            table.problem(
                at,
                format!("`low_score` ({low}) is above `high_score` ({high}): make it smaller"),
            );
        }
        if let Some(at) = self.either("new_track_score", "high_score")
            && new < high
        {
            table.problem(at, format!("`new_track_score` ({new}) is below `high_score` ({high}): make it at least as large"));
        }
        self.tracker
    }
}
