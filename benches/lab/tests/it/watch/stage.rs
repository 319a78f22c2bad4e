//! The scene, the observer and the cameras of these tests.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;
use parapet::base::clock::SystemClock;
use parapet::config::types::{CameraConfig, Pace, SourceConfig, WatchConfig, WatchMode};
use parapet::ingest::{
    Allowance, Downstream, FileStart, GstSource, Note, Policy, Sink, Source, StreamStats,
};
use parapet::model::camera::WakeReason;
use parapet::model::coverage::CoverageLevel;
use parapet::model::frame::Frame;
use parapet::model::time::UtcMicros;

use crate::support::camera_for_test;

const WIDTH: usize = 320;
const HEIGHT: usize = 240;
const FPS: u64 = 10;
/// A keyframe every 2 s, as cameras send them, and bits enough to spend most of them on noise: nobody
/// shows in that, so each keyframe is compared.
pub(super) const H264: &str =
    "x264enc key-int-max=20 option-string=scenecut=0 bframes=0 bitrate=1600 ! h264parse";
/// The same at a constant quality: what moves costs bits.
pub(super) const VBR: &str =
    "x264enc key-int-max=20 option-string=scenecut=0 bframes=0 pass=quant quantizer=28 ! h264parse";
pub(super) const STEP: Duration = Duration::from_millis(1_000 / FPS);

/// A noisy wall; a dark figure walks along it between two moments.
pub(super) struct Scene {
    pub(super) seconds: u64,
    pub(super) walk: std::ops::Range<u64>,
}

impl Scene {
    pub(super) fn quiet(seconds: u64) -> Self {
        Self {
            seconds,
            walk: 0..0,
        }
    }

    fn luma(&self, frame: u64) -> Vec<u8> {
        let mut fixed = 12_345_u32;
        let mut noise = 1 + frame as u32 * 7_919;
        let mut luma: Vec<u8> = (0..WIDTH * HEIGHT)
            .map(|_| 100 + (random(&mut fixed) % 40) as u8 + (random(&mut noise) % 3) as u8)
            .collect();
        let (begin, end) = (self.walk.start * FPS, self.walk.end * FPS);
        if (begin..end).contains(&frame) {
            let left = 20 + (frame - begin) as usize * 3 % (WIDTH - 60);
            for row in 90..140 {
                luma[row * WIDTH + left..][..16].fill(20);
            }
        }
        luma
    }

    /// Encodes the scene through the elements of `tail` into an MP4 file.
    pub(super) fn film(&self, path: &Path, tail: &str) {
        gst::init().expect("gstreamer");
        let text = format!(
            "appsrc name=in format=time block=true max-bytes=2000000 \
             caps=video/x-raw,format=I420,width={WIDTH},height={HEIGHT},framerate={FPS}/1 ! \
             {tail} ! mp4mux ! filesink location={}",
            path.display()
        );
        let pipeline = gst::parse::launch(&text).expect("pipeline");
        let pipeline = pipeline.downcast::<gst::Pipeline>().expect("pipeline");
        let source = pipeline.by_name("in").expect("source");
        let source = source.downcast::<gst_app::AppSrc>().expect("source");
        pipeline.set_state(gst::State::Playing).expect("plays");
        for frame in 0..self.seconds * FPS {
            let mut pixels = self.luma(frame);
            pixels.resize(WIDTH * HEIGHT * 3 / 2, 128);
            let mut buffer = gst::Buffer::from_slice(pixels);
            let stamp = buffer.get_mut().expect("the only one");
            stamp.set_pts(gst::ClockTime::from_mseconds(frame * 1_000 / FPS));
            stamp.set_duration(gst::ClockTime::from_mseconds(1_000 / FPS));
            source.push_buffer(buffer).expect("takes it");
        }
        source.end_of_stream().expect("ends");
        let bus = pipeline.bus().expect("bus");
        let kinds = [gst::MessageType::Eos, gst::MessageType::Error];
        let end = bus.timed_pop_filtered(gst::ClockTime::from_seconds(60), &kinds);
        pipeline.set_state(gst::State::Null).expect("stops");
        let end = end.expect("the encoder ends");
        assert_eq!(end.type_(), gst::MessageType::Eos, "{end:?}");
    }
}

fn random(state: &mut u32) -> u32 {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    *state
}

#[derive(Default)]
pub(super) struct Seen {
    /// Media time, time held, sum of luma.
    pub(super) frames: Vec<(Duration, Duration, u64)>,
    pub(super) probes: Vec<Duration>,
    pub(super) notes: Vec<Note>,
    /// How many frames had come at each wake.
    pub(super) woke_before: Vec<usize>,
    pub(super) keys_apart: Duration,
    pub(super) stats: StreamStats,
}

#[derive(Default)]
pub(super) struct Observer {
    pub(super) seen: Mutex<Seen>,
    pub(super) changed: Condvar,
    pub(super) wanted: AtomicBool,
    /// Somebody is there from this probe on.
    pub(super) found_at: Option<usize>,
    /// From how many coded pictures on the level is which.
    pub(super) levels: Vec<(usize, CoverageLevel)>,
    /// There is no place for it among those that are awake at a sparse level.
    pub(super) crowded: bool,
    /// Coded pictures so far.
    pub(super) asked: AtomicUsize,
}

impl Sink for Observer {
    fn frame(&self, frame: Frame) {
        let rows = frame.planes.plane(0).chunks(frame.planes.stride(0));
        let visible = rows.take(HEIGHT).flat_map(|row| row.iter().take(WIDTH));
        let sum = visible.map(|value| u64::from(*value)).sum();
        let mut seen = self.seen.lock().expect("lock");
        seen.frames.push((frame.media_time, frame.held, sum));
        self.changed.notify_all();
    }

    fn note(&self, note: Note) {
        let mut seen = self.seen.lock().expect("lock");
        if let Note::KeyframesApart(apart) = note {
            seen.keys_apart = apart;
        }
        if let Note::Woke(_) = note {
            let frames = seen.frames.len();
            seen.woke_before.push(frames);
        }
        seen.notes.push(note);
        self.changed.notify_all();
    }

    fn probe(&self, frame: Frame) {
        assert!(frame.probe);
        let mut seen = self.seen.lock().expect("lock");
        seen.probes.push(frame.media_time);
        if self.found_at == Some(seen.probes.len()) {
            self.wanted.store(true, Ordering::Release);
        }
    }
}

impl Policy for Observer {
    fn allowance(&self) -> Allowance {
        let number = self.asked.fetch_add(1, Ordering::AcqRel);
        let begun = self.levels.iter().rev().find(|(from, _)| *from <= number);
        Allowance {
            level: begun.map_or(CoverageLevel::Full, |(_, level)| *level),
            ..Allowance::FULL
        }
    }

    fn wanted(&self) -> bool {
        self.wanted.load(Ordering::Acquire)
    }

    fn admits(&self, _reason: WakeReason) -> bool {
        !self.crowded
    }
}

impl Observer {
    pub(super) fn downstream(self: &Arc<Self>) -> Downstream {
        let stats = self.seen.lock().expect("lock").stats.clone();
        Downstream::new(self, stats)
    }
}

impl Seen {
    pub(super) fn undecoded(&self) -> u64 {
        self.stats.undecoded.get()
    }

    pub(super) fn unused(&self) -> u64 {
        self.stats.unused.get()
    }

    pub(super) fn spilled(&self) -> u64 {
        self.stats.spilled.get()
    }

    pub(super) fn alive(&self) -> u64 {
        self.stats.liveness.marks()
    }
}

fn file(path: &Path) -> SourceConfig {
    SourceConfig::File {
        path: path.to_owned(),
        pace: Pace::Fast,
        repeat: false,
    }
}

pub(super) fn camera(source: SourceConfig, watch: WatchConfig) -> CameraConfig {
    CameraConfig {
        watch,
        ..camera_for_test(source)
    }
}

pub(super) fn watching() -> WatchConfig {
    WatchConfig {
        mode: WatchMode::Watch,
        quiet: Duration::from_secs(4),
        ..WatchConfig::default()
    }
}

pub(super) fn play(path: &Path, watch: WatchConfig, observer: Observer) -> Seen {
    let start = FileStart::At(UtcMicros(1_000_000));
    let source = GstSource::new(SystemClock::shared(), start).expect("gstreamer");
    let observer = Arc::new(observer);
    let session = source
        .open(&camera(file(path), watch), observer.downstream())
        .expect("opens");
    let over = |seen: &mut Seen| {
        let end = |note: &Note| matches!(note, Note::Ended | Note::Failed(_));
        !seen.notes.iter().any(end)
    };
    let seen = observer.seen.lock().expect("lock");
    let patience = Duration::from_secs(60);
    let (seen, timeout) = observer
        .changed
        .wait_timeout_while(seen, patience, over)
        .expect("lock");
    assert!(!timeout.timed_out(), "it never ended");
    drop(seen);
    session.stop();
    let seen = std::mem::take(&mut *observer.seen.lock().expect("lock"));
    assert_eq!(seen.notes.last(), Some(&Note::Ended), "{:?}", seen.notes);
    seen
}
