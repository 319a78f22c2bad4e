//! Sources on real streams: generated files, RTSP servers in this process, recorded footage.

mod rtsp_cameras;
mod rtsp_server;
mod stage;

use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use self::stage::{Stage, encode, fast_file, has_element, sum};
use crate::support::camera_for_test;
use parapet::base::clock::SystemClock;
use parapet::config::types::{CameraConfig, Mask, Pace, SourceConfig};
use parapet::ingest::{Downstream, FileStart, GstSource, Note, Source, SourceErrorKind};
use parapet::model::frame::{Frame, PixelFormat};
use parapet::model::geometry::{Point, Size};
use parapet::model::time::{ClockSource, UtcMicros};

fn source() -> GstSource {
    GstSource::new(SystemClock::shared(), FileStart::At(UtcMicros(1_000_000))).expect("gstreamer")
}

/// Opens a source, lets it end and returns what its sink saw.
fn run_to_end(config: SourceConfig) -> Arc<Stage> {
    let stage = Stage::new();
    match source().open(
        &camera_for_test(config),
        Downstream::unlimited(stage.clone()),
    ) {
        Ok(session) => {
            stage.wait_for_end();
            session.stop();
        }
        Err(error) => stage.refused(error),
    }
    stage
}

fn assert_rising(stage: &Stage) {
    let times = stage.times();
    assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "{times:?}");
}

/// Says which test was skipped for want of the element.
#[expect(clippy::print_stderr, reason = "says which test was skipped")]
fn is_missing(element: &str) -> bool {
    let missing = !has_element(element);
    if missing {
        eprintln!("skipped: no {element}");
    }
    missing
}

fn every_frame_of(name: &str, encoder: &str, tail: &str) {
    if is_missing(encoder) {
        return;
    }
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join(name);
    encode(&path, 61, tail);
    let stage = run_to_end(fast_file(&path));
    assert_eq!(stage.ends(), [Note::Ended], "{name}");
    assert_eq!(stage.frames(), 61, "{name}");
    assert_rising(&stage);
    let last = *stage.times().last().expect("frames");
    let wanted = Duration::from_millis(40) * 60;
    assert!(
        last.abs_diff(wanted) < Duration::from_millis(3),
        "{name}: {last:?}"
    );
    let capture = stage.last_capture().expect("frame");
    assert_eq!(capture.source, ClockSource::File);
    assert_eq!(capture.utc, UtcMicros(1_000_000).after(last));
}

#[test]
fn an_mp4_file_gives_every_frame() {
    every_frame_of("a.mp4", "x264enc", "x264enc bframes=2 ! h264parse ! mp4mux");
}

#[test]
fn an_mkv_file_gives_every_frame() {
    every_frame_of(
        "a.mkv",
        "x264enc",
        "x264enc bframes=2 ! h264parse ! matroskamux",
    );
}

#[test]
fn an_avi_file_gives_every_frame() {
    let tail = "x264enc bframes=0 ! h264parse ! video/x-h264,stream-format=byte-stream ! avimux";
    every_frame_of("a.avi", "x264enc", tail);
}

#[test]
fn a_raw_h264_file_gives_every_frame() {
    let tail = "x264enc bframes=2 ! h264parse ! video/x-h264,stream-format=byte-stream";
    every_frame_of("a.264", "x264enc", tail);
}

#[test]
fn an_h265_file_gives_every_frame() {
    every_frame_of("a.mp4", "x265enc", "x265enc ! h265parse ! mp4mux");
}

#[test]
fn a_raw_h265_file_gives_every_frame() {
    let tail = "x265enc ! h265parse ! video/x-h265,stream-format=byte-stream";
    every_frame_of("a.265", "x265enc", tail);
}

#[test]
fn a_wished_decoder_is_taken_for_a_file_whatever_form_of_h264_it_holds() {
    if is_missing("openh264dec") {
        return;
    }
    let folder = tempfile::tempdir().expect("folder");
    for name in ["a.mp4", "a.avi"] {
        let path = folder.path().join(name);
        let form = "x264enc bframes=0 ! h264parse ! video/x-h264,stream-format";
        let tail = match name {
            "a.mp4" => format!("{form}=avc ! mp4mux"),
            _ => format!("{form}=byte-stream ! avimux"),
        };
        encode(&path, 12, &tail);
        let camera = CameraConfig {
            decoders: vec!["nvh264dec".to_owned(), "openh264dec".to_owned()],
            ..camera_for_test(fast_file(&path))
        };
        let stage = Stage::new();
        let session = source()
            .open(&camera, Downstream::unlimited(stage.clone()))
            .expect("open");
        stage.wait_for_end();
        session.stop();
        assert_eq!(stage.ends(), [Note::Ended], "{name}");
        assert_eq!(stage.frames(), 12, "{name}");
        let taken = stage.notes().into_iter().find_map(|note| match note {
            Note::Format { decoder, .. } => Some(decoder),
            _ => None,
        });
        let taken = taken.expect("a format");
        // Where there is such a card, the first wish is fulfilled.
        assert!(camera.decoders.contains(&taken), "{name}: {taken}");
    }
}

#[test]
fn a_slow_consumer_loses_nothing_of_a_fast_file() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("a.mp4");
    encode(&path, 30, "x264enc ! h264parse ! mp4mux");
    let stage = Stage::slow(Duration::from_millis(5));
    let session = source()
        .open(
            &camera_for_test(fast_file(&path)),
            Downstream::unlimited(stage.clone()),
        )
        .expect("open");
    stage.wait_for_end();
    session.stop();
    assert_eq!(stage.frames(), 30);
}

#[test]
fn real_time_takes_as_long_as_the_recording() {
    for (name, tail) in [
        ("a.mp4", "x264enc ! h264parse ! mp4mux"),
        (
            "a.264",
            "x264enc ! h264parse ! video/x-h264,stream-format=byte-stream",
        ),
    ] {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join(name);
        encode(&path, 26, tail);
        let stage = run_to_end(SourceConfig::File {
            path,
            pace: Pace::RealTime,
            repeat: false,
        });
        assert_eq!(stage.frames(), 26, "{name}");
        let took = stage.arrival_span();
        // It cannot be faster than recorded; how much slower is the machine's affair.
        assert!(took >= Duration::from_millis(900), "{name}: {took:?}");
    }
}

#[test]
fn a_repeating_file_goes_on_with_rising_time_and_opens_once() {
    let folder = tempfile::tempdir().expect("folder");
    for (name, tail) in [
        ("a.mp4", "x264enc ! h264parse ! mp4mux"),
        (
            "a.264",
            "x264enc ! h264parse ! video/x-h264,stream-format=byte-stream",
        ),
    ] {
        let path = folder.path().join(name);
        encode(&path, 10, tail);
        let stage = Stage::new();
        let config = SourceConfig::File {
            path,
            pace: Pace::Fast,
            repeat: true,
        };
        let session = source()
            .open(
                &camera_for_test(config),
                Downstream::unlimited(stage.clone()),
            )
            .expect("open");
        stage.wait_for_frames(45);
        session.stop();
        let after = stage.frames();
        assert_rising(&stage);
        assert!(
            stage.times()[40].abs_diff(Duration::from_millis(1_600)) < Duration::from_millis(5)
        );
        assert_eq!(stage.ends(), []);
        assert_eq!(
            stage.notes().iter().filter(|n| **n == Note::Opened).count(),
            1
        );
        assert_eq!(stage.formats().len(), 1);
        assert_eq!(stage.frames(), after, "a frame after stop");
    }
}

#[test]
fn a_held_frame_keeps_its_pixels_while_others_are_decoded() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("a.mp4");
    encode(&path, 50, "x264enc ! h264parse ! mp4mux");
    let stage = Stage::keeping(3);
    let session = source()
        .open(
            &camera_for_test(fast_file(&path)),
            Downstream::unlimited(stage.clone()),
        )
        .expect("open");
    stage.wait_for_end();
    session.stop();
    let kept = stage.kept();
    assert_eq!(kept.len(), 3);
    for (frame, sum_at_arrival) in &kept {
        assert_eq!(sum(frame), *sum_at_arrival);
        assert_eq!(
            frame.size,
            Size {
                width: 320,
                height: 240
            }
        );
        assert!(frame.planes.plane(0).len() >= 320 * 239 + 320);
    }
    assert_ne!(kept[0].1, kept[2].1, "the picture moves");
}

#[test]
fn a_change_of_size_in_mid_stream_is_told_before_its_first_frame() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("both.264");
    let mut whole = Vec::new();
    for (name, size) in [("a.264", (320, 240)), ("b.264", (176, 144))] {
        let part = folder.path().join(name);
        stage::encode_sized(
            &part,
            20,
            size,
            "x264enc ! video/x-h264,stream-format=byte-stream",
        );
        std::fs::File::open(part)
            .expect("part")
            .read_to_end(&mut whole)
            .expect("read");
    }
    std::fs::write(&path, whole).expect("write");
    let stage = run_to_end(fast_file(&path));
    assert_eq!(stage.ends(), [Note::Ended]);
    let sizes: Vec<_> = stage
        .formats()
        .iter()
        .map(|(size, at)| (size.width, *at))
        .collect();
    assert_eq!(sizes, [(320, 0), (176, 20)]);
    assert_eq!(stage.frames(), 40);
    assert!(stage.every_frame_matched_its_format());
}

#[test]
fn broken_and_missing_files_fail_once_with_a_kind() {
    let folder = tempfile::tempdir().expect("folder");
    let mut noise = vec![0_u8; 20_000];
    fastrand::Rng::with_seed(1).fill(&mut noise);
    let whole = folder.path().join("whole.mp4");
    encode(&whole, 30, "x264enc ! h264parse ! mp4mux");
    let bytes = std::fs::read(&whole).expect("read");
    let cases: [(&str, &[u8]); 4] = [
        ("noise.mp4", &noise),
        ("noise.264", &noise),
        ("empty.mp4", &[]),
        ("cut.mp4", &bytes[..bytes.len() / 2]),
    ];
    for (name, content) in cases {
        let path = folder.path().join(name);
        std::fs::write(&path, content).expect("write");
        let kind = run_to_end(fast_file(&path)).failure().kind;
        use SourceErrorKind as Kind;
        assert!(
            matches!(kind, Kind::Decode | Kind::Io | Kind::Unsupported),
            "{name}: {kind:?}"
        );
    }
    let missing = run_to_end(fast_file(&folder.path().join("none.mp4"))).failure();
    assert_eq!(missing.kind, SourceErrorKind::NotFound);
}

#[test]
fn ten_bit_video_is_refused_in_words() {
    if is_missing("x264enc") {
        return;
    }
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("ten.mkv");
    let tail = "videoconvert ! video/x-raw,format=I420_10LE ! x264enc ! h264parse ! matroskamux";
    encode(&path, 5, tail);
    let failure = run_to_end(fast_file(&path)).failure();
    assert_eq!(failure.kind, SourceErrorKind::Unsupported, "{failure}");
}

#[test]
fn a_panicking_sink_ends_its_own_session_only() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("a.mp4");
    encode(&path, 30, "x264enc ! h264parse ! mp4mux");
    let (bad, good) = (Stage::panicking_at(3), Stage::new());
    let camera = camera_for_test(fast_file(&path));
    let source = source();
    let sessions = [
        source
            .open(&camera, Downstream::unlimited(bad.clone()))
            .expect("open"),
        source
            .open(&camera, Downstream::unlimited(good.clone()))
            .expect("open"),
    ];
    assert_eq!(bad.failure().kind, SourceErrorKind::Panicked);
    good.wait_for_end();
    sessions.into_iter().for_each(|session| session.stop());
    assert_eq!((bad.frames(), good.frames()), (3, 30));
    assert_eq!((bad.ends().len(), good.ends()), (1, vec![Note::Ended]));
}

#[test]
fn the_test_pattern_moves_at_its_rate() {
    let stage = Stage::keeping(1);
    let config = SourceConfig::Test {
        size: Size {
            width: 640,
            height: 360,
        },
        fps: 50,
    };
    let session = source()
        .open(
            &camera_for_test(config),
            Downstream::unlimited(stage.clone()),
        )
        .expect("open");
    stage.wait_for_frames(10);
    session.stop();
    assert_rising(&stage);
    assert_eq!(
        stage.formats()[0].0,
        Size {
            width: 640,
            height: 360
        }
    );
    assert_eq!(stage.kept()[0].0.format, PixelFormat::I420);
    assert_eq!(
        stage.last_capture().expect("frame").source,
        ClockSource::Arrival
    );
}

#[test]
fn no_frame_of_a_masked_camera_shows_what_is_under_the_mask_and_the_rest_is_as_it_was() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("a.mp4");
    // Nowhere black, and one long chain of predictions: paint in a reference picture would spread.
    let tail = "videobalance brightness=0.4 ! x264enc key-int-max=50 ! h264parse ! mp4mux";
    encode(&path, 20, tail);
    let corner = |x: f32, y: f32| Point { x, y };
    let mask = Mask {
        points: vec![
            corner(0.25, 0.25),
            corner(0.5, 0.25),
            corner(0.5, 0.75),
            corner(0.25, 0.75),
        ],
    };
    let frames = |masks: Vec<Mask>| {
        let stage = Stage::keeping(20);
        let camera = CameraConfig {
            masks,
            ..camera_for_test(fast_file(&path))
        };
        let session = source()
            .open(&camera, Downstream::unlimited(stage.clone()))
            .expect("open");
        stage.wait_for_frames(20);
        session.stop();
        stage.kept()
    };
    let (plain, masked) = (frames(Vec::new()), frames(vec![mask]));
    assert_eq!((plain.len(), masked.len()), (20, 20));
    for ((plain, _), (masked, _)) in plain.iter().zip(&masked) {
        let (width, height) = (plain.size.width as usize, plain.size.height as usize);
        let luma = |frame: &Frame, x: usize, y: usize| {
            frame.planes.plane(0)[y * frame.planes.stride(0) + x]
        };
        let (across, down) = (width / 4..width / 2, height / 4..height * 3 / 4);
        for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
            let found = luma(masked, x, y);
            if across.contains(&x) && down.contains(&y) {
                assert_eq!(found, 16, "({x}, {y})");
                assert!(luma(plain, x, y) > 16, "({x}, {y})");
            } else if x + 2 < across.start || x > across.end + 2 {
                assert_eq!(found, luma(plain, x, y), "({x}, {y})");
            }
        }
    }
}

#[test]
fn nothing_is_left_behind_by_fifty_sessions() {
    fn held() -> (usize, usize) {
        let me = procfs::process::Process::myself().expect("procfs");
        let threads = me.tasks().expect("tasks").filter_map(Result::ok);
        // GLib's and GStreamer's pools keep idle threads for the whole process.
        let own = threads
            .filter_map(|task| task.stat().ok())
            .filter(|stat| !stat.comm.starts_with("pool-") && !stat.comm.starts_with("gmain"))
            .count();
        (me.fd_count().expect("fds"), own)
    }
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("a.mp4");
    encode(&path, 10, "x264enc ! h264parse ! mp4mux");
    let cycle = || {
        let stage = Stage::new();
        let session = source()
            .open(
                &camera_for_test(fast_file(&path)),
                Downstream::unlimited(stage.clone()),
            )
            .expect("open");
        stage.wait_for_frames(2);
        session.stop();
        assert_eq!(
            Arc::strong_count(&stage),
            1,
            "somebody still holds the sink"
        );
    };
    // GStreamer's clock and GLib's idle pool threads come with the first sessions and stay.
    for _ in 0..10 {
        cycle();
    }
    let (descriptors, threads) = held();
    for _ in 0..50 {
        cycle();
    }
    let (descriptors_after, threads_after) = held();
    // The pools keep a few idle threads, and their wake-up descriptors, more or less; a leak would be fifty.
    assert!(
        descriptors_after <= descriptors + 8,
        "{descriptors} then {descriptors_after}"
    );
    assert!(
        threads_after <= threads + 5,
        "{threads} then {threads_after}"
    );
}

#[test]
fn recorded_footage_gives_its_known_number_of_frames() {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let data = std::env::var_os("PARAPET_DATA").map_or(default, Into::into);
    for (name, frames) in [
        ("footage/perimeter/people-detection.264", 596),
        ("footage/pets/vtest_480x360_795f.mp4", 795),
    ] {
        let path = data.join(name);
        if !path.exists() {
            eprintln!("skipped: {name} is not there");
            continue;
        }
        let stage = run_to_end(fast_file(&path));
        assert_eq!(stage.ends(), [Note::Ended], "{name}");
        assert_eq!(stage.frames(), frames, "{name}");
        assert_rising(&stage);
    }
}
