//! The whole daemon in process: RTSP cameras, inference, journal, gRPC.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parapet::api::client::Client;
use parapet::app::{App, Ports};
use parapet::base::clock::{Clock as _, SystemClock};
use parapet::config::types::{CameraConfig, Pace, RtspClient, SourceConfig, Transport};
use parapet::config::{self, Config};
use parapet::infer::ort::OrtBackend;
use parapet::ingest::{FileStart, GstSource};
use parapet::model::camera::CameraState;
use parapet::model::event::{EventKind, Phase, Record};
use parapet::model::ids::CameraId;
use parapet_sim::server::{RtspServer, ServedCamera, ServerConfig};

fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn clip() -> PathBuf {
    root().join("testdata/clips/demo.mp4")
}

/// The drawn clip's configuration without cameras, on free ports, its state in `folder`.
fn base_config(folder: &Path) -> (Config, CameraConfig) {
    let loaded = config::load(
        &root().join("testdata/demo.toml"),
        &config::SystemEnvironment,
    );
    let mut config = loaded.expect("good").config;
    let camera = config.cameras.values().next().expect("a camera");
    let camera = CameraConfig::clone(camera);
    config.cameras.clear();
    config.api.listen = "127.0.0.1:0".parse().expect("address");
    config.ops.listen = "127.0.0.1:0".parse().expect("address");
    config.journal.path = folder.join("journal.sqlite");
    // Not what else runs on this machine is tried here.
    config.governor.enabled = false;
    (config, camera)
}

fn ports(config: &Config) -> Ports {
    let clock = SystemClock::shared();
    Ports {
        source: Arc::new(GstSource::new(Arc::clone(&clock), FileStart::Now).expect("GStreamer")),
        backend: Arc::new(OrtBackend::new(&config.inference).expect("run `make setup`")),
        clock,
    }
}

fn server(port: u16, mounts: &[usize]) -> RtspServer {
    let camera = |n: &usize| ServedCamera {
        mount: format!("camera-{n}"),
        file: clip(),
        ..ServedCamera::default()
    };
    let cameras = mounts.iter().map(camera).collect();
    RtspServer::start(ServerConfig {
        port,
        cameras,
        ..ServerConfig::default()
    })
    .expect("a camera server")
}

fn rtsp(
    template: &CameraConfig,
    number: usize,
    server: &RtspServer,
) -> (CameraId, Arc<CameraConfig>) {
    let id = CameraId::new(&format!("camera-{number}")).expect("name");
    let source = SourceConfig::Rtsp {
        url: server.url(id.as_str()).parse().expect("URL"),
        transport: Transport::Tcp,
        client: RtspClient::Retina,
        credentials: None,
        latency: Duration::from_millis(100),
    };
    let camera = CameraConfig {
        id: id.clone(),
        source,
        analysis_fps: 4.0,
        analysis_fps_near: 4.0,
        ..template.clone()
    };
    (id, Arc::new(camera))
}

/// Asks every 50 ms until `done`; says what never came true after 20 s.
async fn until(what: &str, mut done: impl FnMut() -> bool) -> Duration {
    let clock = SystemClock::new();
    while !done() {
        assert!(
            clock.now().0 < Duration::from_secs(20),
            "never came true: {what}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    clock.now().0
}

fn state(app: &App, number: usize) -> CameraState {
    let name = format!("camera-{number}");
    let all = app.cameras();
    all.iter()
        .find(|camera| camera.camera.as_str() == name)
        .expect("listed")
        .state
}

async fn wait_for(
    events: &mut parapet::api::client::Subscription,
    kind: EventKind,
    phase: Phase,
) -> Record {
    let next = async {
        loop {
            let record = events
                .next()
                .await
                .expect("the stream goes on")
                .expect("a record");
            if record.event.kind == kind && record.event.phase == phase {
                return record;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), next)
        .await
        .expect("told in time")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_cameras_death_is_told_and_mended_and_touches_no_other() {
    let folder = tempfile::tempdir().expect("folder");
    let (steady, mortal) =
        tokio::task::spawn_blocking(|| (server(0, &[1, 2, 3, 4, 5, 6, 7]), server(0, &[8])))
            .await
            .expect("servers");
    let (mut config, template) = base_config(folder.path());
    config.cameras = (1..=7).map(|n| rtsp(&template, n, &steady)).collect();
    config.cameras.extend([rtsp(&template, 8, &mortal)]);
    let ports = ports(&config);
    let app = App::start(config, ports).await.expect("started");
    let mut client = Client::connect(&format!("http://{}", app.api_address()))
        .await
        .expect("client");
    let mut events = client.subscribe_after(0).await.expect("subscribed");
    until("all eight stream", || {
        (1..=8).all(|n| state(&app, n) == CameraState::Streaming)
    })
    .await;

    let before: Vec<u64> = app.cameras().iter().map(|camera| camera.decoded).collect();
    let clock = SystemClock::new();
    let port = mortal.port();
    tokio::task::spawn_blocking(move || mortal.stop())
        .await
        .expect("stopped");
    let lost = until("camera 8 is lost", || {
        state(&app, 8) != CameraState::Streaming
    })
    .await;
    let told = wait_for(&mut events, EventKind::SIGNAL_LOST, Phase::Started).await;
    assert_eq!(told.event.camera.as_str(), "camera-8");
    tokio::time::sleep(Duration::from_secs(2)).await;
    let _returned = tokio::task::spawn_blocking(move || server(port, &[8]))
        .await
        .expect("server");
    let back = until("camera 8 is back", || {
        state(&app, 8) == CameraState::Streaming
    })
    .await;
    let ended = wait_for(&mut events, EventKind::SIGNAL_LOST, Phase::Ended).await;
    assert_eq!(ended.event.incident, told.event.incident);
    assert!(back <= Duration::from_secs(10), "back after {back:?}");

    // The clip has 12.5 frames a second: the other seven have missed nothing meanwhile.
    let seconds = clock.now().0.as_secs_f64();
    let all = app.cameras();
    for (camera, before) in all.iter().zip(before).take(7) {
        let frames = (camera.decoded - before) as f64;
        assert_eq!((camera.state, camera.failures), (CameraState::Streaming, 0));
        assert!(
            frames >= seconds * 12.5 - 15.0,
            "{}: {frames} in {seconds} s",
            camera.camera
        );
    }
    eprintln!(
        "lost seen after {lost:?}, back {back:?} after its return; others went on for {seconds:.1} s"
    );
    let begun = clock.now();
    assert!(app.stop().await, "stopped cleanly");
    assert!(
        clock.now().since(begun) < Duration::from_secs(5),
        "stopped inside 5 s"
    );
}

fn usage() -> (u64, usize, usize) {
    let me = procfs::process::Process::myself().expect("/proc");
    let rss = me.status().expect("status").vmrss.expect("RSS");
    (
        rss,
        me.fd_count().expect("descriptors"),
        me.tasks().expect("threads").count(),
    )
}

/// `PARAPET_CYCLES` asks for more than the suite's 30, and a table.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cameras_come_and_go_and_leave_nothing_behind() {
    let cycles: usize = std::env::var("PARAPET_CYCLES")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(30);
    let folder = tempfile::tempdir().expect("folder");
    let (config, template) = base_config(folder.path());
    let ports = ports(&config);
    let mut app = App::start(config.clone(), ports).await.expect("started");
    let id = CameraId::new("passing").expect("name");
    let source = SourceConfig::File {
        path: clip(),
        pace: Pace::RealTime,
        repeat: true,
    };
    let camera = Arc::new(CameraConfig {
        id: id.clone(),
        source,
        ..template
    });
    let with = Config {
        cameras: BTreeMap::from([(id, camera)]),
        ..config.clone()
    };
    let mut settled = None;
    for cycle in 0..=cycles {
        let changes = app.reload(with.clone()).await;
        assert_eq!((changes.added.len(), changes.needs_restart.len()), (1, 0));
        until("it streams", || {
            app.cameras()[0].state == CameraState::Streaming
        })
        .await;
        app.reload(config.clone()).await;
        assert!(app.cameras().is_empty());
        // The first cycles load plug-ins and start what GStreamer and tokio keep.
        if cycle == 10 {
            settled = Some(usage());
        }
        if cycles >= 500 && cycle % 500 == 0 {
            let (rss, descriptors, threads) = usage();
            eprintln!(
                "cycle {cycle:>5}: RSS {rss} KiB, {descriptors} descriptors, {threads} threads"
            );
        }
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let (_, descriptors, threads) = usage();
    let (_, first_descriptors, first_threads) = settled.expect("more than ten cycles");
    assert!(
        descriptors <= first_descriptors + 4,
        "{first_descriptors} descriptors became {descriptors}"
    );
    assert!(
        threads <= first_threads + 8,
        "{first_threads} threads became {threads}"
    );
    assert!(app.stop().await, "stopped cleanly");
}
