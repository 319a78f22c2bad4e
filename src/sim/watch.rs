//! Many viewers in one process: `rtspsrc ! fakesink` per camera, which counts what comes and
//! decodes nothing. The counterpart of [`super::wall`], and a load test for real cameras.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gst::prelude::*;
use gstreamer as gst;
use parking_lot::Mutex;
use serde::Serialize;

use super::SimError;
use super::wall::Usage;
use crate::base::clock::{Monotonic, SharedClock};

const NEVER: u64 = u64::MAX;

/// How viewers connect.
#[derive(Clone, Debug)]
pub struct WatchConfig {
    /// RTP in datagrams rather than in the connection.
    pub udp: bool,
    /// User and password, where the cameras ask.
    pub credentials: Option<(String, String)>,
    /// From one viewer's start to the next.
    pub stagger: Duration,
}

/// One viewer's counts.
#[derive(Debug)]
struct Counts {
    frames: AtomicU64,
    bytes: AtomicU64,
    first_millis: AtomicU64,
    error: Mutex<Option<String>>,
}

struct Viewer {
    url: String,
    pipeline: gst::Pipeline,
    counts: Arc<Counts>,
    at_mark: u64,
}

impl Drop for Viewer {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gst::State::Null);
        if let Some(bus) = self.pipeline.bus() {
            bus.unset_sync_handler();
        }
    }
}

/// Viewers that run until they are dropped.
pub struct Watch {
    clock: SharedClock,
    viewers: Vec<Viewer>,
    marked: Monotonic,
}

/// What one viewer saw since the mark.
#[derive(Clone, Debug, Serialize)]
pub struct Seen {
    /// The camera's URL.
    pub url: String,
    /// Pictures a second: RTP packets with the marker bit.
    pub fps: f64,
    /// Pictures since it connected.
    pub frames: u64,
    /// Bytes since it connected.
    pub bytes: u64,
    /// When the first picture came, milliseconds after the watch began.
    pub first_millis: Option<u64>,
    /// Its first error.
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
    /// When the last of them saw its first picture, milliseconds after the watch began.
    pub all_first_millis: Option<u64>,
    /// This process.
    pub process: Usage,
}

impl Watch {
    /// Connects to every URL.
    ///
    /// # Errors
    /// `Server` when GStreamer has no `rtspsrc`.
    pub fn start(
        urls: impl IntoIterator<Item = String>,
        config: &WatchConfig,
        clock: SharedClock,
    ) -> Result<Self, SimError> {
        gst::init().map_err(|error| SimError::Server(error.to_string()))?;
        let mut viewers = Vec::new();
        let begun = clock.now();
        for url in urls {
            viewers.push(viewer(url, config, &clock, begun)?);
            std::thread::sleep(config.stagger);
        }
        Ok(Self {
            marked: clock.now(),
            clock,
            viewers,
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
        let firsts: Option<Vec<u64>> = seen.iter().map(|seen| seen.first_millis).collect();
        Summary {
            viewers: seen.len(),
            alive: rates.iter().filter(|rate| **rate > 0.0).count(),
            failed: seen.iter().filter(|seen| seen.error.is_some()).count(),
            seconds: self.clock.now().since(self.marked).as_secs_f64(),
            fps_min: at(0.0),
            fps_p01: at(0.01),
            fps_p50: at(0.5),
            fps_max: at(1.0),
            all_first_millis: firsts.and_then(|firsts| firsts.into_iter().max()),
            process: Usage::of_this_process(),
        }
    }
}

fn viewer(
    url: String,
    config: &WatchConfig,
    clock: &SharedClock,
    begun: Monotonic,
) -> Result<Viewer, SimError> {
    let make = |name: &str| {
        gst::ElementFactory::make(name)
            .build()
            .map_err(|error| SimError::Server(error.to_string()))
    };
    let source = make("rtspsrc")?;
    source.set_property("location", &url);
    source.set_property_from_str("protocols", if config.udp { "udp" } else { "tcp" });
    source.set_property("latency", 0_u32);
    if let Some((user, password)) = &config.credentials {
        source.set_property("user-id", user);
        source.set_property("user-pw", password);
    }
    let sink = make("fakesink")?;
    sink.set_property("sync", false);
    sink.set_property("async", false);
    let pipeline = gst::Pipeline::new();
    pipeline
        .add_many([&source, &sink])
        .map_err(|error| SimError::Server(error.to_string()))?;
    let counts = Arc::new(Counts {
        frames: AtomicU64::new(0),
        bytes: AtomicU64::new(0),
        first_millis: AtomicU64::new(NEVER),
        error: Mutex::new(None),
    });
    let weak = sink.downgrade();
    source.connect_pad_added(move |_, pad| {
        let into = weak.upgrade().and_then(|sink| sink.static_pad("sink"));
        if let Some(into) = into.filter(|into| !into.is_linked()) {
            let _ = pad.link(&into);
        }
    });
    if let Some(pad) = sink.static_pad("sink") {
        let (counts, clock) = (Arc::clone(&counts), Arc::clone(clock));
        let kinds = gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST;
        pad.add_probe(kinds, move |_, info| {
            let since = clock.now().since(begun);
            if let Some(buffer) = info.buffer() {
                counts.take(buffer, since);
            }
            for buffer in info.buffer_list().iter().flat_map(|list| list.iter()) {
                counts.take(buffer, since);
            }
            gst::PadProbeReturn::Ok
        });
    }
    if let Some(bus) = pipeline.bus() {
        let counts = Arc::clone(&counts);
        bus.set_sync_handler(move |_, message| {
            if let gst::MessageView::Error(error) = message.view() {
                let mut first = counts.error.lock();
                first.get_or_insert_with(|| error.error().message().to_owned());
            }
            // Nobody reads the queue, so nothing may stay in it.
            gst::BusSyncReply::Drop
        });
    }
    if pipeline.set_state(gst::State::Playing).is_err() {
        let mut first = counts.error.lock();
        first.get_or_insert_with(|| "the viewer does not start".to_owned());
    }
    Ok(Viewer {
        url,
        pipeline,
        counts,
        at_mark: 0,
    })
}

impl Counts {
    fn take(&self, buffer: &gst::BufferRef, since: Duration) {
        self.bytes
            .fetch_add(buffer.size() as u64, Ordering::Relaxed);
        // The last packet of a picture carries the marker bit (RFC 6184, RFC 7798); the buffer is
        // the packet as it came.
        let mut byte = [0];
        if buffer.copy_to_slice(1, &mut byte).is_err() || byte[0] & 0x80 == 0 {
            return;
        }
        let millis = u64::try_from(since.as_millis()).unwrap_or(NEVER - 1);
        let _ =
            self.first_millis
                .compare_exchange(NEVER, millis, Ordering::Relaxed, Ordering::Relaxed);
        self.frames.fetch_add(1, Ordering::Relaxed);
    }
}
