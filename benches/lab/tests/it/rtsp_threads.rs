//! How many threads a fleet of RTSP cameras has.

#[path = "../../../../tests/it/ingest/stage.rs"]
#[expect(dead_code, reason = "the daemon's own tests ask for more")]
mod stage;

use std::sync::Arc;

use parapet::base::clock::SystemClock;
use parapet::config::types::{RtspClient, Transport};
use parapet::ingest::{Downstream, FileStart, GstSource, Source};
use parapet::model::time::UtcMicros;
use parapet_sim::{RtspServer, ServedCamera, ServerConfig};

use self::stage::{Stage, encode, rtsp};
use crate::support::camera_for_test;

#[test]
fn a_camera_has_no_thread_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("a.mp4");
    encode(&file, 50, "x264enc key-int-max=10 ! h264parse ! mp4mux");
    let server = RtspServer::start(ServerConfig {
        cameras: vec![ServedCamera {
            mount: "yard".to_owned(),
            file,
            ..ServedCamera::default()
        }],
        ..ServerConfig::default()
    })
    .expect("a camera server");
    let source = GstSource::new(SystemClock::shared(), FileStart::At(UtcMicros(1_000_000)));
    let (source, url) = (source.expect("gstreamer"), server.url("yard"));
    let open = |count: usize| {
        let stages: Vec<_> = (0..count).map(|_| Stage::new()).collect();
        let sessions: Vec<_> = stages
            .iter()
            .map(|stage| {
                let camera = rtsp(RtspClient::Retina, &url, Transport::Tcp, None);
                source
                    .open(
                        &camera_for_test(camera),
                        Downstream::unlimited(stage.clone()),
                    )
                    .expect("open")
            })
            .collect();
        stages.iter().for_each(|stage| stage.wait_for_frames(5));
        let threads = ours();
        sessions.into_iter().for_each(|session| session.stop());
        for stage in &stages {
            assert_eq!(Arc::strong_count(stage), 1, "somebody holds the sink");
            assert_eq!(stage.ends(), []);
        }
        threads
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    // One or two that receive, one a core that decodes.
    for count in [1, cores + 10] {
        let threads = open(count);
        assert!(
            (1 + cores..=2 + cores).contains(&threads),
            "{threads} threads"
        );
    }
}

/// Threads that receive or decode without belonging to one camera.
fn ours() -> usize {
    let me = procfs::process::Process::myself().expect("procfs");
    let threads = me.tasks().expect("tasks").filter_map(Result::ok);
    threads
        .filter_map(|task| task.stat().ok())
        .filter(|stat| matches!(stat.comm.as_str(), "rtsp" | "decode"))
        .count()
}
