//! The camera server, watched by real RTSP clients.

use std::time::Duration;

use gstreamer as gst;
use parapet_sim::{RtspServer, ServedCamera, ServerConfig, SimError};

mod faults;
mod viewer;

use self::viewer::{DEADLINE, MP4, ROUND, Viewer, camera, record};

fn server(port: u16, cameras: Vec<ServedCamera>) -> RtspServer {
    RtspServer::start(ServerConfig {
        port,
        cameras,
        ..ServerConfig::default()
    })
    .expect("server")
}

/// Checks that no frame is shown twice and that rounds follow each other. Frames arrive in
/// decoding order, so times are compared a reordering depth apart.
fn assert_rising(times: &[u64]) {
    for (at, pair) in times.windows(5).enumerate() {
        assert!(pair[4] > pair[0], "time goes back at frame {at}: {pair:?}");
    }
    let span = times.iter().max().expect("frames") - times.iter().min().expect("frames");
    let expected = Duration::from_millis(80) * u32::try_from(times.len() - 1).expect("few");
    let off = span.abs_diff(u64::try_from(expected.as_nanos()).expect("short"));
    let three_frames = 240_000_000;
    assert!(off <= three_frames, "{} frames span {span} ns", times.len());
}

#[test]
fn two_mounts_of_one_file_play_on_past_its_end() {
    let folder = tempfile::tempdir().expect("folder");
    let file = record(folder.path(), "ball.mp4", MP4);
    let server = server(0, vec![camera("yard", &file), camera("/gate", &file)]);
    assert_eq!(
        server.url("yard"),
        format!("rtsp://127.0.0.1:{}/yard", server.port())
    );
    let viewers = ["yard", "gate"].map(|mount| Viewer::connect(&server.url(mount), "h264", None));
    for viewer in &viewers {
        assert_rising(&viewer.times(2 * ROUND + 5));
    }
}

#[test]
fn a_late_viewer_begins_with_a_keyframe() {
    let folder = tempfile::tempdir().expect("folder");
    let file = record(folder.path(), "ball.mp4", MP4);
    let server = server(0, vec![camera("yard", &file)]);
    let first = Viewer::connect(&server.url("yard"), "h264", None);
    first.times(5);
    let late = Viewer::connect(&server.url("yard"), "h264", None);
    let key = (0..2 * ROUND).any(|_| {
        let frame = late.frame(DEADLINE).expect("a frame");
        !frame.flags().contains(gst::BufferFlags::DELTA_UNIT)
    });
    assert!(key, "no keyframe in two rounds");
}

#[test]
fn raw_streams_and_h265_play_at_their_frame_rate() {
    let folder = tempfile::tempdir().expect("folder");
    let raw = "x264enc key-int-max=12 speed-preset=ultrafast tune=zerolatency ! \
        video/x-h264,stream-format=byte-stream";
    let h265 = "x265enc key-int-max=12 speed-preset=ultrafast tune=zerolatency ! \
        h265parse ! matroskamux";
    let raw = record(folder.path(), "ball.264", raw);
    let h265 = record(folder.path(), "ball.mkv", h265);
    let server = server(0, vec![camera("raw", &raw), camera("h265", &h265)]);
    for (mount, codec) in [("raw", "h264"), ("h265", "h265")] {
        let viewer = Viewer::connect(&server.url(mount), codec, None);
        assert_rising(&viewer.times(ROUND + 10));
    }
}

#[test]
fn a_stopped_wall_hangs_up_and_starts_again_on_the_same_port() {
    let folder = tempfile::tempdir().expect("folder");
    let file = record(folder.path(), "ball.mp4", MP4);
    let first = server(0, vec![camera("yard", &file)]);
    let (port, url) = (first.port(), first.url("yard"));
    let watching = Viewer::connect(&url, "h264", None);
    watching.times(3);
    first.stop();
    std::net::TcpStream::connect(("127.0.0.1", port)).expect_err("nobody listens");
    assert!(watching.ends(), "the viewer was not hung up on");
    let again = server(port, vec![camera("yard", &file)]);
    assert_eq!(again.port(), port);
    Viewer::connect(&url, "h264", None).times(3);
}

#[test]
fn a_closed_mount_asks_for_the_password_and_an_open_one_does_not() {
    let folder = tempfile::tempdir().expect("folder");
    let file = record(folder.path(), "ball.mp4", MP4);
    let closed = |mount: &str, user: &str| ServedCamera {
        credentials: Some((user.to_owned(), format!("{user}-secret"))),
        ..camera(mount, &file)
    };
    let server = server(
        0,
        vec![
            closed("cell", "guard"),
            closed("office", "clerk"),
            camera("yard", &file),
        ],
    );
    let cell = server.url("cell");
    Viewer::connect(&cell, "h264", Some(("guard", "guard-secret"))).times(3);
    Viewer::connect(&server.url("yard"), "h264", None).times(3);
    for refused in [
        Some(("guard", "wrong")),
        Some(("clerk", "clerk-secret")),
        None,
    ] {
        let viewer = Viewer::connect(&cell, "h264", refused);
        assert!(viewer.error().is_some(), "{refused:?} was not refused");
        assert!(viewer.frame(gst::ClockTime::ZERO).is_none());
    }
}

fn refusal(cameras: Vec<ServedCamera>) -> SimError {
    RtspServer::start(ServerConfig {
        cameras,
        ..ServerConfig::default()
    })
    .expect_err("refused")
}

#[test]
fn a_wall_that_cannot_start_names_what_is_wrong() {
    let folder = tempfile::tempdir().expect("folder");
    let missing = folder.path().join("nowhere.mp4");
    let text = refusal(vec![camera("yard", &missing)]).to_string();
    assert!(text.contains("nowhere.mp4"), "{text}");

    let words = folder.path().join("words.mp4");
    std::fs::write(&words, "no recording at all, only words").expect("written");
    let text = refusal(vec![camera("yard", &words)]).to_string();
    assert!(text.contains("words.mp4"), "{text}");

    let file = record(folder.path(), "ball.mp4", MP4);
    let twice = refusal(vec![camera("yard", &file), camera("/yard/", &file)]);
    assert!(matches!(twice, SimError::Mount { .. }), "{twice}");

    let first = server(0, vec![camera("yard", &file)]);
    let taken = RtspServer::start(ServerConfig {
        port: first.port(),
        ..ServerConfig::default()
    })
    .expect_err("taken");
    assert!(
        taken.to_string().contains(&first.port().to_string()),
        "{taken}"
    );
}
