//! Watch mode on real streams: what is decoded, what is handed on and when.

mod levels;
mod stage;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use self::stage::{H264, Observer, STEP, Scene, Seen, VBR, camera, play, watching};
use gstreamer as gst;
use parapet::base::clock::SystemClock;
use parapet::config::types::{RtspClient, SourceConfig, Transport, WatchConfig};
use parapet::ingest::{FileStart, GstSource, Note, Source};
use parapet::model::camera::WakeReason;
use parapet::model::coverage::CoverageLevel;
use parapet_sim::{RtspServer, ServedCamera, ServerConfig};

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
    let (_folder, path) = filmed(&Scene::quiet(60), VBR);
    let seen = play(&path, watching(), Observer::default());
    assert_eq!(wakes(&seen), [WakeReason::Start]);
    assert_eq!(count_asleep(&seen), 1);
    assert_eq!(seen.frames, []);
    assert_eq!(seen.probes[0], Duration::ZERO, "the first is probed");
    let keyframes = 60 / 2;
    let decoded = seen.probes.len() as u64 + seen.unused();
    // All until it is known what is usual, then every other one.
    assert!(
        (keyframes / 2..keyframes).contains(&decoded),
        "{decoded} of {keyframes}"
    );
    // The last two or three groups are still held at the end.
    let others = keyframes * 20 - decoded;
    assert!(
        (others - 60..=others).contains(&seen.undecoded()),
        "{}",
        seen.undecoded()
    );
    assert_eq!(seen.alive(), keyframes * 20);
    // The detector looked every 10 s, and at every keyframe until it was known what is usual.
    let apart = seen.probes.windows(2).map(|two| two[1] - two[0]);
    assert!(
        apart.max() <= Some(Duration::from_secs(10)),
        "{:?}",
        seen.probes
    );
    let probes = seen.probes.len() as u64;
    assert!((9..keyframes - 5).contains(&probes), "{:?}", seen.probes);
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
fn somebody_found_by_a_probe_wakes_it_and_who_is_followed_keeps_it_awake() {
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
        seen.probes[1] - first,
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
        let gaps = seen.probes.windows(2).map(|two| two[1] - two[0]);
        let longest = gaps.max().expect("several");
        assert!(longest <= Duration::from_millis(10_300), "{longest:?}");
        assert!((4..=6).contains(&seen.probes.len()), "{:?}", seen.probes);
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
    assert!(seen.spilled() > 0);
    assert_true_to(&always, &seen);
    let moved = |f: &&(Duration, Duration, u64)| (26..33).contains(&f.0.as_secs());
    assert_eq!(seen.frames.iter().filter(moved).count(), 70);
}

/// Watches a camera server's camera whose loop is `scene`, until `enough`.
fn view(scene: &Scene, client: RtspClient, enough: impl Fn(&Seen) -> bool) -> Seen {
    let (_folder, path) = filmed(scene, VBR);
    let server = RtspServer::start(ServerConfig {
        cameras: vec![ServedCamera {
            mount: "yard".to_owned(),
            file: path,
            ..ServedCamera::default()
        }],
        ..ServerConfig::default()
    })
    .expect("a camera server");
    let rtsp = SourceConfig::Rtsp {
        url: server.url("yard").parse().expect("URL"),
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
    let session = source
        .open(&camera(rtsp, watch), observer.downstream())
        .expect("opens");
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
    assert_ne!(wakes(&seen)[1], WakeReason::Discontinuity, "{client:?}");
    assert!(count_asleep(&seen) >= 1, "{client:?}");
    assert!(!seen.probes.is_empty(), "{client:?}: nobody probed");
    assert!(seen.undecoded() > 0, "{client:?}: all was decoded");
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
