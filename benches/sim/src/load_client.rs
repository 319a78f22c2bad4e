//! Many viewers in one process, which count what comes and decode nothing. The counterpart of
//! [`super::server`], a load test for real cameras, and the measure of what an RTSP client costs.

mod config;
mod counts;
mod gstreamer;
mod retina;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde::Serialize;

pub use config::{Client, LoadConfig};
use counts::{Counts, NEVER};

use super::SimError;
use super::server::Usage;
use parapet::base::clock::{Monotonic, SharedClock};

struct Viewer {
    url: String,
    counts: Arc<Counts>,
    at_mark: u64,
    _running: Running,
}

/// Held for its drop, which ends it.
#[expect(dead_code, reason = "held for its drop")]
enum Running {
    Pipeline(gstreamer::Pipeline),
    Task(Option<retina::Task>),
}

/// Viewers that run until they are dropped.
pub struct LoadClient {
    clock: SharedClock,
    viewers: Vec<Viewer>,
    marked: Monotonic,
    usage_at_mark: Usage,
    _runtime: Option<retina::Runtime>,
}

/// What one viewer saw since the mark.
#[derive(Clone, Debug, Serialize)]
pub struct Seen {
    pub url: String,
    /// Pictures a second: RTP packets with the marker bit.
    pub fps: f64,
    /// Pictures since it connected.
    pub frames: u64,
    /// Bytes since it connected.
    pub bytes: u64,
    /// When the first picture came, milliseconds after the client began.
    pub first_millis: Option<u64>,
    pub error: Option<String>,
}

/// What all viewers saw since the mark.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// How many there are.
    pub viewers: usize,
    /// How many saw a picture since the mark.
    pub alive: usize,
    /// How many had an error.
    pub failed: usize,
    /// Seconds since the mark.
    pub seconds: f64,
    /// Pictures a second of the slowest.
    pub fps_min: f64,
    /// Of one in a hundred.
    pub fps_p01: f64,
    /// Of every second.
    pub fps_p50: f64,
    /// Of the fastest.
    pub fps_max: f64,
    /// When the last of them saw its first picture, milliseconds after the client began.
    pub all_first_millis: Option<u64>,
    pub process: Usage,
    /// Processor time of this process since the mark, seconds a second.
    pub cores: f64,
    /// Its context switches a second since the mark.
    pub switches_per_second: f64,
}

impl LoadClient {
    /// Connects to every URL.
    ///
    /// # Errors
    /// `Server` when GStreamer has no `rtspsrc`, or the client no thread.
    pub fn start(
        urls: impl IntoIterator<Item = String>,
        config: &LoadConfig,
        clock: SharedClock,
    ) -> Result<Self, SimError> {
        ::gstreamer::init().map_err(|error| SimError::Server(error.to_string()))?;
        let runtime = match config.client {
            Client::Gstreamer => None,
            Client::Retina => Some(retina::Runtime::start()?),
        };
        let mut viewers = Vec::new();
        let begun = clock.now();
        for url in urls {
            let counts = Arc::new(Counts::new(&clock, begun));
            let running = match &runtime {
                Some(runtime) => Running::Task(runtime.view(&url, config, &counts)),
                None => Running::Pipeline(gstreamer::view(&url, config, &counts)?),
            };
            viewers.push(Viewer {
                url,
                counts,
                at_mark: 0,
                _running: running,
            });
            std::thread::sleep(config.stagger);
        }
        Ok(Self {
            marked: clock.now(),
            clock,
            viewers,
            usage_at_mark: Usage::default(),
            _runtime: runtime,
        })
    }

    /// How many have seen a picture.
    #[must_use]
    pub fn started(&self) -> usize {
        let seen = |viewer: &&Viewer| viewer.counts.frames.load(Ordering::Relaxed) > 0;
        self.viewers.iter().filter(seen).count()
    }

    /// Counts rates from here on.
    pub fn mark(&mut self) {
        self.marked = self.clock.now();
        self.usage_at_mark = Usage::of_this_process();
        for viewer in &mut self.viewers {
            viewer.at_mark = viewer.counts.frames.load(Ordering::Relaxed);
        }
    }

    /// What each viewer saw.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        let seconds = self.clock.now().since(self.marked).as_secs_f64().max(1e-3);
        let one = |viewer: &Viewer| {
            let counts = &viewer.counts;
            let frames = counts.frames.load(Ordering::Relaxed);
            let first = counts.first_millis.load(Ordering::Relaxed);
            Seen {
                url: viewer.url.clone(),
                fps: (frames - viewer.at_mark) as f64 / seconds,
                frames,
                bytes: counts.bytes.load(Ordering::Relaxed),
                first_millis: (first != NEVER).then_some(first),
                error: counts.error.lock().clone(),
            }
        };
        self.viewers.iter().map(one).collect()
    }

    /// What all of them saw.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let seen = self.seen();
        let mut rates: Vec<f64> = seen.iter().map(|seen| seen.fps).collect();
        rates.sort_unstable_by(f64::total_cmp);
        let at = |share: f64| {
            let place = (rates.len().saturating_sub(1) as f64 * share) as usize;
            rates.get(place).copied().unwrap_or(0.0)
        };
        let seconds = self.clock.now().since(self.marked).as_secs_f64();
        let (process, before) = (Usage::of_this_process(), &self.usage_at_mark);
        let a_second = |amount: f64| amount / seconds.max(1e-3);
        let switches = process
            .context_switches
            .saturating_sub(before.context_switches);
        let firsts: Option<Vec<u64>> = seen.iter().map(|seen| seen.first_millis).collect();
        Summary {
            viewers: seen.len(),
            alive: rates.iter().filter(|rate| **rate > 0.0).count(),
            failed: seen.iter().filter(|seen| seen.error.is_some()).count(),
            seconds,
            fps_min: at(0.0),
            fps_p01: at(0.01),
            fps_p50: at(0.5),
            fps_max: at(1.0),
            all_first_millis: firsts.and_then(|firsts| firsts.into_iter().max()),
            cores: a_second(process.cpu_seconds - before.cpu_seconds),
            switches_per_second: a_second(switches as f64),
            process,
        }
    }
}
