//! `parapet demo`: RTSP cameras, the daemon and a gRPC subscriber in one process, on loopback.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

use super::args::DemoArgs;
use super::{load, logging, real_ports};
use parapet::app::App;
use parapet::cli::event_line::EventLines;
use parapet::config::Config;
use parapet::config::types::{
    CameraConfig, LogConfig, LogFormat, RtspClient, SourceConfig, Transport,
};
use parapet::ingest::FileStart;
use parapet::model::event::Phase;
use parapet::model::ids::CameraId;
use parapet_sim::server::{RtspServer, ServedCamera, ServerConfig};

/// A recording, and the configuration whose only camera watches it.
struct Clip {
    video: PathBuf,
    config: PathBuf,
}

/// What the demo shows: clips, and the detector that looks at them where it is not the one of
/// their configuration.
struct Show {
    words: String,
    clips: Vec<Clip>,
    model: Option<PathBuf>,
}

/// `testdata` of the working directory, or of the package that this binary came with.
fn installed_testdata() -> PathBuf {
    let here = PathBuf::from("testdata");
    let binary = std::env::current_exe().ok();
    let shared = binary
        .as_deref()
        .and_then(Path::parent)
        .map(|at| at.join("../share/parapet/testdata"));
    match shared {
        Some(shared) if !here.join("demo.toml").is_file() && shared.is_dir() => shared,
        _ => here,
    }
}

/// A person detector's folder and what to call it: the one of `PARAPET_MODEL`, else our own, else
/// a public one whose weights lie in `PARAPET_DATA`.
fn detector(testdata: &Path) -> Option<(String, PathBuf)> {
    if let Some(folder) = std::env::var_os("PARAPET_MODEL").map(PathBuf::from) {
        let words = format!("the model of PARAPET_MODEL ({})", folder.display());
        return Some((words, folder));
    }
    let own = testdata.join("../models/person");
    if own.join("model.toml").is_file() {
        return Some(("models/person".to_owned(), own));
    }
    let data =
        std::env::var_os("PARAPET_DATA").map_or_else(|| "../shared/data".into(), PathBuf::from);
    let found = data.join("models/yolox_nano_416.onnx").is_file();
    let words = format!("yolox_nano_416 of PARAPET_DATA ({})", data.display());
    found.then(|| (words, testdata.join("manifests/yolox_nano_416")))
}

/// The clips drawn from scenes: those with a configuration beside them.
fn scenes(clips: &Path) -> anyhow::Result<Vec<Clip>> {
    let entries = std::fs::read_dir(clips).with_context(|| {
        let clips = clips.display();
        format!("{clips}: cannot be read; run from the project's folder or say --testdata")
    })?;
    let mut found = Vec::new();
    for entry in entries {
        let video = entry?.path();
        let config = video.with_extension("toml");
        if video.extension().is_some_and(|it| it == "mp4") && config.is_file() {
            found.push(Clip { video, config });
        }
    }
    found.sort_by(|a, b| a.video.cmp(&b.video));
    Ok(found)
}

/// Simulated scenes with a person detector where one is found; else the drawn clip.
fn choose(testdata: &Path) -> anyhow::Result<Show> {
    let folder = testdata.join("clips");
    let clips = scenes(&folder)?;
    if let Some((with, model)) = detector(testdata).filter(|_| !clips.is_empty()) {
        return Ok(Show {
            words: format!("{} simulated scenes, looked at with {with}", clips.len()),
            clips,
            model: Some(model),
        });
    }
    let video = folder.join("demo.mp4");
    anyhow::ensure!(
        video.is_file(),
        "{}: not found; run from the project's folder or say --testdata",
        video.display()
    );
    Ok(Show {
        words:
            "no person detector or no scenes found (models/person, PARAPET_MODEL, PARAPET_DATA): \
                a drawn clip, looked at with models/demo, which finds its orange figures only"
                .to_owned(),
        clips: vec![Clip {
            video,
            config: testdata.join("demo.toml"),
        }],
        model: None,
    })
}

/// The cameras of the demo, with the rest of the first clip's configuration.
fn demo_config(
    show: &Show,
    count: usize,
    server: &RtspServer,
    state: &Path,
) -> anyhow::Result<Config> {
    let configs: Vec<Config> = show
        .clips
        .iter()
        .map(|clip| load(&clip.config))
        .collect::<anyhow::Result<_>>()?;
    let mut cameras = BTreeMap::new();
    for number in 0..count {
        let at = number % configs.len();
        let watching = configs[at].cameras.values().next();
        let file = show.clips[at].config.display();
        let watching = watching.with_context(|| format!("{file}: no camera in it"))?;
        let mut camera = CameraConfig::clone(watching);
        camera.id = CameraId::new(&mount(number))?;
        camera.source = SourceConfig::Rtsp {
            url: server.url(&mount(number)).parse()?,
            transport: Transport::Tcp,
            credentials: None,
            latency: Duration::from_millis(200),
            client: RtspClient::Gstreamer,
        };
        cameras.insert(camera.id.clone(), Arc::new(camera));
    }
    let first = configs.into_iter().next();
    let mut config = first.context("the demo has no clip")?;
    config.cameras = cameras;
    if let Some(folder) = &show.model {
        for model in config.models.values_mut() {
            model.folder.clone_from(folder);
        }
    }
    let any = || "127.0.0.1:0".parse();
    (config.api.listen, config.ops.listen) = (any()?, any()?);
    config.journal.path = state.join("journal.sqlite");
    config.state_dir = state.to_owned();
    Ok(config)
}

fn mount(number: usize) -> String {
    format!("camera-{}", number + 1)
}

pub(super) async fn run(args: DemoArgs) -> anyhow::Result<bool> {
    anyhow::ensure!(
        (1..=64).contains(&args.cameras),
        "--cameras must be 1 to 64"
    );
    logging::start(&LogConfig {
        format: LogFormat::Human,
        // Below that the log lines would bury the events; PARAPET_LOG overrides it.
        filter: "warn".to_owned(),
    })?;
    let testdata = args.testdata.unwrap_or_else(installed_testdata);
    let show = choose(&testdata)?;
    eprintln!("demo: {}", show.words);
    let state = tempfile::Builder::new().prefix("parapet-demo-").tempdir()?;
    let cameras = (0..args.cameras)
        .map(|number| ServedCamera {
            mount: mount(number),
            file: show.clips[number % show.clips.len()].video.clone(),
            ..ServedCamera::default()
        })
        .collect();
    let server = RtspServer::start(ServerConfig {
        port: 0,
        cameras,
        ..ServerConfig::default()
    })?;
    let config = demo_config(&show, args.cameras, &server, state.path())?;
    let ports = real_ports(&config.inference, FileStart::Now)?;
    let app = App::start(config, ports).await?;
    eprintln!(
        "demo: {} RTSP cameras on port {}; try\n  grpcurl -plaintext {} list\n  curl http://{}/metrics",
        args.cameras,
        server.port(),
        app.api_address(),
        app.ops_address()
    );
    let lines = if args.json {
        EventLines::Json
    } else {
        EventLines::readable()
    };
    let told = listen(&app, args.seconds, lines).await?;
    eprintln!(
        "\n{:<12} {:<12} {:>8} {:>9} {:>11}",
        "camera", "state", "decoded", "analysed", "superseded"
    );
    for camera in app.cameras() {
        eprintln!(
            "{:<12} {:<12} {:>8} {:>9} {:>11}",
            camera.camera.as_str(),
            camera.state.name(),
            camera.decoded,
            camera.analysed,
            camera.superseded
        );
    }
    let clean = app.stop().await;
    tokio::task::spawn_blocking(move || server.stop()).await?;
    eprintln!(
        "demo: {told} incidents reported over gRPC; stopped {}",
        if clean { "cleanly" } else { "late" }
    );
    anyhow::ensure!(
        told > 0,
        "the subscriber was told of nothing: the main job does not work here"
    );
    eprintln!("{}", next_step(&testdata));
    Ok(clean)
}

/// The way from here to cameras of one's own.
fn next_step(testdata: &Path) -> String {
    let example = "deploy/parapet.example.toml";
    let (example, readme, program) = if testdata.join("..").join(example).is_file() {
        (example, "README.md", program())
    } else {
        let installed = "/usr/share/doc/parapet/examples/parapet.example.toml";
        (
            installed,
            "/usr/share/doc/parapet/README.md",
            "parapet".to_owned(),
        )
    };
    format!(
        "next: name your own cameras in a copy of {example} ({readme}, \"Configuration\"), then\n  \
         {program} check my.toml && {program} run --config my.toml"
    )
}

/// The daemon's program beside this one, from the working directory.
fn program() -> String {
    let program = std::env::current_exe().map(|this| this.with_file_name("parapet"));
    let here = std::env::current_dir().unwrap_or_default();
    program.map_or_else(
        |_| "parapet".to_owned(),
        |path| {
            path.strip_prefix(&here)
                .unwrap_or(&path)
                .display()
                .to_string()
        },
    )
}

/// Follows the daemon's own API like any subscriber; returns how many incidents it heard of.
async fn listen(app: &App, seconds: u64, mut lines: EventLines) -> anyhow::Result<usize> {
    let mut client =
        parapet::api::client::Client::connect(&format!("http://{}", app.api_address())).await?;
    let mut events = client.subscribe_after(0).await?;
    let mut incidents = BTreeSet::new();
    let over = async {
        if seconds == 0 {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    };
    tokio::pin!(over);
    loop {
        tokio::select! {
            () = &mut over => return Ok(incidents.len()),
            _ = tokio::signal::ctrl_c() => return Ok(incidents.len()),
            next = events.next() => {
                let Some(record) = next else { return Ok(incidents.len()) };
                let record = record?;
                incidents.insert(record.event.incident);
                if record.event.phase != Phase::Updated {
                    println!("{}", lines.record(&record)?);
                }
            }
        }
    }
}
