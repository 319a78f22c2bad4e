//! What goes wrong with a camera goes wrong with that camera, when it is told to, and ends.

use std::path::Path;
use std::time::Duration;

use gstreamer as gst;
use parapet_sim::server::{CameraReport, Cameras, Coding, Command, Fault, Planned, Report, ask};
use parapet_sim::{RtspServer, ServedCamera, ServerConfig};

use crate::sim::viewer::{DEADLINE, MP4, ROUND, SMALL, Viewer, camera, record};

/// Two cameras, `yard` and `gate`, of one recording.
fn server_of_two(folder: &Path) -> RtspServer {
    let file = record(folder, "ball.mp4", MP4);
    RtspServer::start(ServerConfig {
        cameras: vec![camera("yard", &file), camera("gate", &file)],
        ..ServerConfig::default()
    })
    .expect("server")
}

fn fault(server: &RtspServer, fault: &str, mount: &str) {
    let reply = server.handle().command_blocking(Command::Fault {
        fault: fault.parse().expect("a fault"),
        at: Cameras::named([mount]),
        for_seconds: None,
    });
    assert!(reply.ok && reply.cameras == Some(1), "{reply:?}");
}

fn clear(server: &RtspServer) {
    let at = Cameras::default();
    assert!(server.handle().command_blocking(Command::Clear { at }).ok);
}

fn status(server: &RtspServer) -> Report {
    let at = Cameras::default();
    let reply = server.handle().command_blocking(Command::Status { at });
    *reply.status.expect("a status")
}

fn seen(report: &Report, mount: &str) -> CameraReport {
    let mut cameras = report.cameras.iter();
    let found = cameras.find(|camera| camera.camera == mount);
    found.expect("listed").clone()
}

const SHORT: gst::ClockTime = gst::ClockTime::from_mseconds(700);

/// Takes what is on its way, then sees nothing for a while.
fn assert_silent(viewer: &Viewer) {
    let mut last = 0;
    while viewer.frame(SHORT).is_some() {
        last += 1;
        assert!(last < 10, "frames still come");
    }
}

#[test]
fn a_dropped_viewer_is_hung_up_on_and_may_come_back() {
    let folder = tempfile::tempdir().expect("folder");
    let server = server_of_two(folder.path());
    let (yard, gate) = (
        Viewer::connect(&server.url("yard"), "h264", None),
        Viewer::connect(&server.url("gate"), "h264", None),
    );
    yard.times(3);
    gate.times(3);
    fault(&server, "drop", "yard");
    assert!(yard.ends(), "the viewer was not hung up on");
    gate.times(5);
    Viewer::connect(&server.url("yard"), "h264", None).times(3);
    let report = status(&server);
    let (yard, gate) = (seen(&report, "yard"), seen(&report, "gate"));
    assert_eq!((yard.sessions, yard.faults_applied), (2, 1));
    assert_eq!((gate.sessions, gate.faults_applied), (1, 0));
    assert!(yard.faults.is_empty());
}

#[test]
fn a_stalled_camera_is_silent_and_goes_on_without_a_reconnect() {
    let folder = tempfile::tempdir().expect("folder");
    let server = server_of_two(folder.path());
    let yard = Viewer::connect(&server.url("yard"), "h264", None);
    yard.times(3);
    for silence in ["stall", "mute"] {
        fault(&server, silence, "yard");
        assert_silent(&yard);
        clear(&server);
        yard.times(5);
    }
    assert_eq!(seen(&status(&server), "yard").sessions, 1);
}

#[test]
fn a_closed_camera_refuses_and_its_neighbour_does_not() {
    let folder = tempfile::tempdir().expect("folder");
    let server = server_of_two(folder.path());
    for closed in ["refuse", "not-found", "garbage"] {
        fault(&server, closed, "yard");
        let viewer = Viewer::connect(&server.url("yard"), "h264", None);
        assert!(viewer.error().is_some(), "{closed}: no error");
        assert!(viewer.frame(gst::ClockTime::ZERO).is_none());
        Viewer::connect(&server.url("gate"), "h264", None).times(2);
        clear(&server);
    }
    fault(&server, "mute", "yard");
    let viewer = Viewer::connect(&server.url("yard"), "h264", None);
    assert!(viewer.frame(SHORT).is_none(), "a mute camera answers");
    clear(&server);
    Viewer::connect(&server.url("yard"), "h264", None).times(2);
}

#[test]
fn lost_packets_are_lost_over_tcp_and_udp() {
    let folder = tempfile::tempdir().expect("folder");
    let server = server_of_two(folder.path());
    fault(&server, "loss=20", "yard");
    let viewers = ["tcp", "udp"].map(|way| Viewer::over(way, &server.url("yard"), "h264", None));
    std::thread::sleep(Duration::from_secs(5));
    drop(viewers);
    let yard = seen(&status(&server), "yard");
    let share = yard.packets_lost as f64 / (yard.packets + yard.packets_lost) as f64;
    assert!(yard.packets > 100, "only {} packets", yard.packets);
    assert!((0.1..0.3).contains(&share), "{share} lost");
}

#[test]
fn the_picture_changes_its_size_and_its_codec_in_mid_stream() {
    let folder = tempfile::tempdir().expect("folder");
    let server = server_of_two(folder.path());
    let yard = Viewer::connect(&server.url("yard"), "h264", None);
    assert_eq!(yard.height(), 120);
    fault(&server, "resolution", "yard");
    assert!(
        (0..2 * ROUND).any(|_| yard.height() == 240),
        "the size does not change"
    );
    clear(&server);
    fault(&server, "codec", "yard");
    Viewer::connect(&server.url("yard"), "h265", None).times(5);
    Viewer::connect(&server.url("gate"), "h264", None).times(5);
}

#[test]
fn a_storm_takes_cameras_away_for_its_time_and_gives_them_back() {
    let folder = tempfile::tempdir().expect("folder");
    let file = record(folder.path(), "ball.mp4", MP4);
    let storm = Planned {
        at: Duration::from_millis(1_500),
        command: Command::Fault {
            fault: Fault::Reboot { seconds: 1.0 },
            at: Cameras {
                names: vec!["yard-*".into()],
                count: Some(2),
            },
            for_seconds: None,
        },
    };
    let server = RtspServer::start(ServerConfig {
        cameras: (1..=3)
            .map(|n| camera(&format!("yard-{n}"), &file))
            .collect(),
        script: vec![storm],
        ..ServerConfig::default()
    })
    .expect("server");
    let viewers: Vec<_> = (1..=3)
        .map(|n| Viewer::connect(&server.url(&format!("yard-{n}")), "h264", None))
        .collect();
    assert!(viewers[0].ends() && viewers[1].ends());
    let gone = Viewer::connect(&server.url("yard-1"), "h264", None);
    assert!(gone.error().is_some(), "a rebooting camera answers");
    std::thread::sleep(Duration::from_secs(1));
    Viewer::connect(&server.url("yard-1"), "h264", None).times(2);
    viewers[2].times(2 * ROUND);
    assert_eq!(seen(&status(&server), "yard-3").refused, 0);
}

#[test]
fn a_camera_coded_anew_has_the_asked_for_rate_and_keyframes() {
    let folder = tempfile::tempdir().expect("folder");
    let file = record(folder.path(), "ball.mp4", MP4);
    let coding = Coding {
        millihertz: Some(5_000),
        gop_frames: Some(5),
        ..Coding::default()
    };
    let cameras = ["a", "b"].map(|mount| ServedCamera {
        coding,
        ..camera(mount, &file)
    });
    let server = RtspServer::start(ServerConfig {
        cameras: cameras.to_vec(),
        ..ServerConfig::default()
    })
    .expect("server");
    let coded = status(&server).recordings;
    assert_eq!(coded.len(), 1, "once for both: {coded:?}");
    assert!(coded[0].contains("5.000 fps"), "{coded:?}");
    let viewer = Viewer::connect(&server.url("a"), "h264", None);
    let mut since_key = None;
    for _ in 0..17 {
        let frame = viewer
            .frame(gst::ClockTime::from_seconds(5))
            .expect("a frame");
        if frame.flags().contains(gst::BufferFlags::DELTA_UNIT) {
            since_key = since_key.map(|since| since + 1);
        } else {
            // The recording's ten pictures make two groups of five.
            assert!(since_key.is_none_or(|since| since == 5), "{since_key:?}");
            since_key = Some(1);
        }
    }
    let times = viewer.times(6);
    let span = times[5] - times[0];
    assert!(span.abs_diff(1_000_000_000) < 150_000_000, "{span} ns");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_socket_takes_orders_and_tells_what_was_served() {
    let folder = tempfile::tempdir().expect("folder");
    let socket = folder.path().join("server.sock");
    let file = record(folder.path(), "ball.mp4", MP4);
    let config = ServerConfig {
        cameras: vec![camera("yard", &file)],
        control: Some(socket.clone()),
        ..ServerConfig::default()
    };
    let server = tokio::task::spawn_blocking(|| RtspServer::start(config).expect("server"))
        .await
        .expect("started");
    let command = |text: &str| serde_json::from_str::<Command>(text).expect("a command");
    let loss = command(r#"{"do":"fault","fault":"loss=5","at":{"names":["yard"]}}"#);
    assert!(ask(&socket, &loss).await.expect("answered").ok);
    let nobody = command(r#"{"do":"fault","fault":"drop","at":{"names":["nobody"]}}"#);
    let reply = ask(&socket, &nobody).await.expect("answered");
    assert!(!reply.ok && reply.error.is_some());
    let reply = ask(&socket, &command(r#"{"do":"status"}"#))
        .await
        .expect("answered");
    let report = reply.status.expect("a status");
    assert_eq!(seen(&report, "yard").faults, [Fault::Loss { percent: 5.0 }]);
    assert!(report.process.threads > 0);
    assert!(ask(&socket, &Command::Stop).await.expect("answered").ok);
    tokio::time::timeout(Duration::from_secs(5), server.handle().stopped())
        .await
        .expect("it stops when told so");
    let report = tokio::task::spawn_blocking(move || server.stop())
        .await
        .expect("stopped");
    assert_eq!(report.cameras.len(), 1);
    assert!(!socket.exists(), "the socket's file is left behind");
}

#[test]
fn an_inserted_recording_plays_once_from_a_keyframe_on_and_the_cameras_own_goes_on_after_it() {
    let folder = tempfile::tempdir().expect("folder");
    let server = server_of_two(folder.path());
    // Noise costs many times what the ball costs.
    let noise = folder.path().join("noise.mp4");
    let encode = format!("videotestsrc pattern=snow num-buffers={ROUND} ! {SMALL} ! {MP4}");
    crate::sim::viewer::run(&format!("{encode} ! filesink location={}", noise.display()));
    let watched = Viewer::connect(&server.url("yard"), "h264", None);
    let other = Viewer::connect(&server.url("gate"), "h264", None);
    let ball = |viewer: &Viewer| {
        let frame = viewer.frame(DEADLINE).expect("a frame");
        let key = !frame.flags().contains(gst::BufferFlags::DELTA_UNIT);
        (key, frame.size(), frame.pts().expect("a time").nseconds())
    };
    let usual = (0..ROUND).map(|_| ball(&watched).1).max().expect("frames");
    let reply = server.handle().command_blocking(Command::Play {
        file: noise,
        at: Cameras::named(["yard"]),
    });
    assert!(reply.ok && reply.cameras == Some(1), "{reply:?}");
    let frames: Vec<_> = (0..3 * ROUND).map(|_| ball(&watched)).collect();
    let large = |frame: &&(bool, usize, u64)| frame.1 > 2 * usual;
    let first = frames
        .iter()
        .position(|frame| large(&frame))
        .expect("noise");
    assert!(frames[first].0, "it does not begin with a keyframe");
    assert_eq!(frames.iter().filter(large).count(), ROUND, "{frames:?}");
    let mut times: Vec<_> = frames.iter().map(|frame| frame.2).collect();
    times.sort_unstable();
    let steps = times.windows(2).map(|pair| pair[1] - pair[0]);
    assert!(steps.clone().all(|step| step < 250_000_000), "{times:?}");
    assert!((0..ROUND).all(|_| ball(&other).1 <= usual));
    let report = status(&server);
    assert_eq!(seen(&report, "yard").played.len(), 1);
    assert!(seen(&report, "gate").played.is_empty());
    let missing = server.handle().command_blocking(Command::Play {
        file: folder.path().join("nowhere.mp4"),
        at: Cameras::named(["yard"]),
    });
    let why = missing.error.expect("refused");
    assert!(why.contains("nowhere.mp4"), "{why}");
}
