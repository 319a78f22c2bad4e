//! Watch mode on real streams: what is decoded, what is handed on and when.

#[path = "watch/levels.rs"]
mod levels;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;
use parapet::base::backoff::BackoffPolicy;
use parapet::base::clock::SystemClock;
use parapet::config::types::{
    CameraConfig, Pace, RtspClient, SourceConfig, TrackerConfig, Transport, WatchConfig, WatchMode,
};
use parapet::ingest::{FileStart, GstSource, Note, Sink, Source, Tally};
use parapet::model::camera::WakeReason;
use parapet::model::coverage::CoverageLevel;
use parapet::model::frame::Frame;
use parapet::model::ids::{CameraId, ModelName};
use parapet::model::time::UtcMicros;
use parapet::sim::{Wall, WallCamera, WallConfig};

const WIDTH: usize = 320;
const HEIGHT: usize = 240;
const FPS: u64 = 10;
/// A keyframe every 2 s, as cameras send them.
const H264: &str =
    "x264enc key-int-max=20 option-string=scenecut=0 bframes=0 bitrate=400 ! h264parse";
/// The same at a constant quality: what moves costs bits.
const VBR: &str =
    "x264enc key-int-max=20 option-string=scenecut=0 bframes=0 pass=quant quantizer=28 ! h264parse";
const STEP: Duration = Duration::from_millis(1_000 / FPS);

/// A noisy wall; a dark figure walks along it between two moments.
struct Scene {
    seconds: u64,
    walk: std::ops::Range<u64>,
}

impl Scene {
    fn quiet(seconds: u64) -> Self {
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
    fn film(&self, path: &Path, tail: &str) {
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
struct Seen {
    /// Media time, time held, sum of luma.
    frames: Vec<(Duration, Duration, u64)>,
    glances: Vec<Duration>,
    notes: Vec<Note>,
    /// How many frames had come at each wake.
    woke_before: Vec<usize>,
    undecoded: u64,
    unused: u64,
    spilled: u64,
    alive: u64,
    keys_apart: Duration,
}

#[derive(Default)]
struct Observer {
    seen: Mutex<Seen>,
    changed: Condvar,
    wanted: AtomicBool,
    /// Somebody is there from this glance on.
    found_at: Option<usize>,
    /// From how many coded pictures on the level is which.
    levels: Vec<(usize, CoverageLevel)>,
    /// Coded pictures so far.
    asked: AtomicUsize,
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
        if let Note::Woke(_) = note {
            let frames = seen.frames.len();
            seen.woke_before.push(frames);
        }
        seen.notes.push(note);
        self.changed.notify_all();
    }

    fn glance(&self, frame: Frame) {
        assert!(frame.glance);
        let mut seen = self.seen.lock().expect("lock");
        seen.glances.push(frame.media_time);
        if self.found_at == Some(seen.glances.len()) {
            self.wanted.store(true, Ordering::Release);
        }
    }

    fn wanted(&self) -> bool {
        self.wanted.load(Ordering::Acquire)
    }

    fn level(&self) -> CoverageLevel {
        let number = self.asked.fetch_add(1, Ordering::AcqRel);
        let begun = self.levels.iter().rev().find(|(from, _)| *from <= number);
        begun.map_or(CoverageLevel::Full, |(_, level)| *level)
    }

    fn tally(&self, what: Tally) {
        let mut seen = self.seen.lock().expect("lock");
        match what {
            Tally::Alive => seen.alive += 1,
            Tally::Undecoded(pictures) => seen.undecoded += pictures,
            Tally::Unused => seen.unused += 1,
            Tally::Spilled => seen.spilled += 1,
            Tally::KeysApart(apart) => seen.keys_apart = apart,
            Tally::Decoded(_) => {}
        }
    }
}

fn file(path: &Path) -> SourceConfig {
    SourceConfig::File {
        path: path.to_owned(),
        pace: Pace::Fast,
        repeat: false,
    }
}

fn camera(source: SourceConfig, watch: WatchConfig) -> CameraConfig {
    CameraConfig {
        id: CameraId::new("test").expect("name"),
        source,
        model: ModelName::new("none").expect("name"),
        analysis_fps: 5.0,
        analysis_fps_near: 5.0,
        watch,
        priority: 0,
        decoders: Vec::new(),
        stall_after: Duration::from_secs(5),
        connect_timeout: Duration::from_secs(2),
        backoff: BackoffPolicy {
            first: Duration::from_millis(500),
            ceiling: Duration::from_secs(8),
        },
        tracker: TrackerConfig::default(),
        calibration: None,
        rules: Vec::new(),
    }
}

fn watching() -> WatchConfig {
    WatchConfig {
        mode: WatchMode::Watch,
        quiet: Duration::from_secs(4),
        ..WatchConfig::default()
    }
}

fn play(path: &Path, watch: WatchConfig, observer: Observer) -> Seen {
    let start = FileStart::At(UtcMicros(1_000_000));
    let source = GstSource::new(SystemClock::shared(), start).expect("gstreamer");
    let observer = Arc::new(observer);
    let receiver: Arc<dyn Sink> = Arc::clone(&observer) as Arc<dyn Sink>;
    let session = source
        .open(&camera(file(path), watch), receiver)
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

fn filmed(scene: &Scene, tail: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("a.mp4");
    scene.film(&path, tail);
    (folder, path)
}

fn wakes(seen: &Seen) -> Vec<WakeReason> {
    let wake = |note: &Note| match note {
        Note::Woke(reason) => Some(*reason),
        _ => None,
    };
    seen.notes.iter().filter_map(wake).collect()
}

fn count_asleep(seen: &Seen) -> usize {
    seen.notes.iter().filter(|n| **n == Note::Asleep).count()
}

/// Every frame of the sequence is the one that full decoding gives at that moment, none comes
/// twice, and none is missing between a wake and the next sleep.
fn assert_true_to(always: &Seen, watched: &Seen) {
    let truth: BTreeMap<Duration, u64> = always.frames.iter().map(|f| (f.0, f.2)).collect();
    for (number, (at, _, sum)) in watched.frames.iter().enumerate() {
        assert_eq!(truth.get(at), Some(sum), "frame {number} at {at:?}");
        if number > 0 && !watched.woke_before.contains(&number) {
            assert_eq!(*at - watched.frames[number - 1].0, STEP, "after {number}");
        }
    }
}

#[test]
fn of_a_quiet_stream_only_keyframes_are_decoded() {
    let (_folder, path) = filmed(&Scene::quiet(60), H264);
    let seen = play(&path, watching(), Observer::default());
    assert_eq!(wakes(&seen), [WakeReason::Start]);
    assert_eq!(count_asleep(&seen), 1);
    assert_eq!(seen.frames, []);
    assert_eq!(seen.glances[0], Duration::ZERO, "the first is glanced at");
    let keyframes = 60 / 2;
    let decoded = seen.glances.len() as u64 + seen.unused;
    assert_eq!(decoded, keyframes, "asleep");
    // The last two groups are still held at the end.
    let others = keyframes * 19;
    assert!(
        (others - 38..=others).contains(&seen.undecoded),
        "{}",
        seen.undecoded
    );
    assert_eq!(seen.alive, keyframes * 20);
    // The detector looked every 10 s.
    assert!((6..=8).contains(&seen.glances.len()), "{:?}", seen.glances);
}

fn movement_is_followed_from_before_it_began(tail: &str) -> WakeReason {
    let scene = Scene {
        seconds: 60,
        walk: 25..33,
    };
    let (_folder, path) = filmed(&scene, tail);
    let always = play(&path, WatchConfig::default(), Observer::default());
    assert_eq!(always.frames.len(), 600);
    assert_eq!(wakes(&always), []);
    let seen = play(&path, watching(), Observer::default());
    assert_true_to(&always, &seen);
    assert_eq!(wakes(&seen).len(), 2, "{tail}: {:?}", seen.notes);
    assert_eq!(count_asleep(&seen), 2, "{tail}: {:?}", seen.notes);
    let first = seen.frames[seen.woke_before[1]];
    assert!(first.0 <= Duration::from_secs(25), "{tail}: {first:?}");
    assert!(first.0 >= Duration::from_secs(20), "{tail}: {first:?}");
    assert!(!first.1.is_zero(), "{tail}: it was held");
    let last = seen.frames.last().expect("frames").0;
    assert!(last >= Duration::from_secs(33 + 2), "{tail}: {last:?}");
    assert!(last <= Duration::from_secs(33 + 20), "{tail}: {last:?}");
    wakes(&seen)[1]
}

#[test]
fn movement_that_costs_bits_is_followed_from_the_keyframe_before_it_on() {
    assert_eq!(
        movement_is_followed_from_before_it_began(VBR),
        WakeReason::Stream
    );
}

#[test]
fn movement_that_a_fixed_bitrate_hides_is_seen_in_the_next_keyframe() {
    assert_eq!(
        movement_is_followed_from_before_it_began(H264),
        WakeReason::Picture
    );
}

#[test]
fn movement_is_followed_in_a_stream_with_b_pictures() {
    movement_is_followed_from_before_it_began(
        "x264enc key-int-max=20 option-string=scenecut=0:b-adapt=0 bframes=2 bitrate=400 ! h264parse",
    );
}

#[test]
fn movement_is_followed_in_h265() {
    gst::init().expect("gstreamer");
    if gst::ElementFactory::find("x265enc").is_none() {
        return;
    }
    movement_is_followed_from_before_it_began(
        "x265enc key-int-max=20 bitrate=400 speed-preset=ultrafast log-level=none \
         option-string=scenecut=0:bframes=0:min-keyint=20 ! h265parse",
    );
}

#[test]
fn somebody_found_in_a_glance_wakes_it_and_who_is_followed_keeps_it_awake() {
    let (_folder, path) = filmed(&Scene::quiet(60), H264);
    let always = play(&path, WatchConfig::default(), Observer::default());
    let observer = Observer {
        found_at: Some(2),
        ..Observer::default()
    };
    let seen = play(&path, watching(), observer);
    assert_eq!(wakes(&seen), [WakeReason::Start, WakeReason::Detector]);
    assert_eq!(count_asleep(&seen), 1);
    assert_true_to(&always, &seen);
    let first = seen.frames[seen.woke_before[1]].0;
    assert_eq!(
        seen.glances[1] - first,
        Duration::from_secs(2),
        "the group before"
    );
    assert_eq!(seen.frames.last(), always.frames.last());
}

#[test]
fn a_group_longer_than_the_heartbeat_is_caught_up_with_at_each_heartbeat() {
    let scene = Scene {
        seconds: 60,
        walk: 46..54,
    };
    for group in [6_000, 300] {
        let tail = format!(
            "x264enc key-int-max={group} option-string=scenecut=0 bframes=0 pass=quant \
             quantizer=28 ! h264parse"
        );
        let (_folder, path) = filmed(&scene, &tail);
        let all = play(&path, WatchConfig::default(), Observer::default());
        assert_eq!(all.frames.len(), 600);
        let seen = play(&path, watching(), Observer::default());
        assert_true_to(&all, &seen);
        assert_eq!(wakes(&seen).len(), 2, "{group}: {:?}", seen.notes);
        let gaps = seen.glances.windows(2).map(|two| two[1] - two[0]);
        let longest = gaps.max().expect("several");
        assert!(longest <= Duration::from_millis(10_300), "{longest:?}");
        assert!((4..=6).contains(&seen.glances.len()), "{:?}", seen.glances);
        let first = seen.frames.first().expect("woken").0;
        assert!(
            (30..=46).contains(&first.as_secs()) && first <= Duration::from_secs(46),
            "{group}: {first:?}"
        );
        assert!(seen.frames.iter().any(|f| f.0 == Duration::from_secs(54)));
    }
}

#[test]
fn a_group_that_does_not_fit_is_decoded_and_the_movement_still_followed() {
    let scene = Scene {
        seconds: 60,
        walk: 25..33,
    };
    let (_folder, path) = filmed(&scene, H264);
    let always = play(&path, WatchConfig::default(), Observer::default());
    let watch = WatchConfig {
        ring_bytes: 64 << 10,
        ..watching()
    };
    let seen = play(&path, watch, Observer::default());
    assert!(seen.spilled > 0);
    assert_true_to(&always, &seen);
    let moved = |f: &&(Duration, Duration, u64)| (26..33).contains(&f.0.as_secs());
    assert_eq!(seen.frames.iter().filter(moved).count(), 70);
}

/// Watches a wall's camera whose loop is `scene`, until `enough`.
fn view(scene: &Scene, client: RtspClient, enough: impl Fn(&Seen) -> bool) -> Seen {
    let (_folder, path) = filmed(scene, VBR);
    let wall = Wall::start(WallConfig {
        cameras: vec![WallCamera {
            mount: "yard".to_owned(),
            file: path,
            ..WallCamera::default()
        }],
        ..WallConfig::default()
    })
    .expect("a wall");
    let rtsp = SourceConfig::Rtsp {
        url: wall.url("yard").parse().expect("URL"),
        transport: Transport::Tcp,
        client,
        credentials: None,
        latency: Duration::from_millis(100),
    };
    let watch = WatchConfig {
        quiet: Duration::from_secs(1),
        heartbeat: Duration::from_secs(2),
        ..watching()
    };
    let source = GstSource::new(SystemClock::shared(), FileStart::Now).expect("gstreamer");
    let observer = Arc::new(Observer::default());
    let receiver: Arc<dyn Sink> = Arc::clone(&observer) as Arc<dyn Sink>;
    let session = source.open(&camera(rtsp, watch), receiver).expect("opens");
    let seen = observer.seen.lock().expect("lock");
    let patience = Duration::from_secs(60);
    let (seen, timeout) = observer
        .changed
        .wait_timeout_while(seen, patience, |seen| !enough(seen))
        .expect("lock");
    let notes = seen.notes.clone();
    drop(seen);
    session.stop();
    assert!(!timeout.timed_out(), "{client:?}: {notes:?}");
    std::mem::take(&mut *observer.seen.lock().expect("lock"))
}

fn a_camera_sleeps_and_wakes(client: RtspClient) {
    let scene = Scene {
        seconds: 20,
        walk: 10..14,
    };
    let moved = |seen: &Seen| {
        let woke = seen.woke_before.get(1);
        woke.is_some_and(|before| seen.frames.len() > before + 10)
    };
    let seen = view(&scene, client, moved);
    assert_eq!(wakes(&seen)[0], WakeReason::Start, "{client:?}");
    assert_ne!(wakes(&seen)[1], WakeReason::Break, "{client:?}");
    assert!(count_asleep(&seen) >= 1, "{client:?}");
    assert!(!seen.glances.is_empty(), "{client:?}: nobody glanced");
    assert!(seen.undecoded > 0, "{client:?}: all was decoded");
    let times: Vec<_> = seen.frames.iter().map(|frame| frame.0).collect();
    assert!(
        times.windows(2).all(|two| two[0] < two[1]),
        "{client:?}: {times:?}"
    );
    let woken = &seen.frames[seen.woke_before[1]..][..10];
    assert!(!woken[0].1.is_zero(), "{client:?}: it was held");
    let steps = woken.windows(2).map(|two| two[1].0 - two[0].0);
    // `rtspsrc` corrects RTP time by what it thinks the clocks' drift is.
    let step = |step: Duration| step.abs_diff(STEP) < Duration::from_millis(20);
    assert!(
        steps.clone().all(step),
        "{client:?}: {:?}",
        steps.collect::<Vec<_>>()
    );
}

#[test]
fn an_rtsp_camera_sleeps_and_is_followed_from_before_it_woke() {
    a_camera_sleeps_and_wakes(RtspClient::Retina);
    a_camera_sleeps_and_wakes(RtspClient::Gstreamer);
}
