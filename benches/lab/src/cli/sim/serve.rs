//! `parapet sim serve`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args as ClapArgs;

use crate::cli::{BadConfig, logging, runtime};
use parapet_sim::server::{
    self, ChaosConfig, Coding, Report, RtspServer, ServedCamera, ServerConfig, ServerHandle,
};

/// `parapet sim serve FILE…` or `parapet sim serve --config server.toml`.
#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct ServeArgs {
    /// Recordings (mp4, mkv; H.264 or H.265), given to the cameras `/camera-1` … in turn.
    #[arg(required_unless_present = "config", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// A server file: which cameras, how coded, and what goes wrong when (TOML; its keys stand at
    /// the head of benches/sim/src/server/file.rs).
    #[arg(long, alias = "server", value_name = "FILE", conflicts_with_all = ["files", "cameras", "fps", "bitrate_kbps", "gop_frames", "user", "spread"])]
    config: Option<PathBuf>,
    /// How many cameras; by default one per file.
    #[arg(long, value_name = "N")]
    cameras: Option<usize>,
    /// Where to listen; by default the server file's address, else 127.0.0.1:8554.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Pictures a second; where it is not the recording's, the recording is coded anew at the start.
    #[arg(long, value_name = "N")]
    fps: Option<f64>,
    /// Thousands of bits a second, likewise.
    #[arg(long, value_name = "KBPS")]
    bitrate_kbps: Option<u32>,
    /// Pictures from one keyframe to the next, likewise.
    #[arg(long, value_name = "N")]
    gop_frames: Option<u32>,
    /// Ask viewers for this user and the password in the environment's PARAPET_CAMERA_PASSWORD.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Each camera at another place of its recording.
    #[arg(long)]
    spread: bool,
    /// Take commands on this Unix socket (JSON lines; `parapet sim control` speaks them).
    #[arg(long, value_name = "SOCKET")]
    control: Option<PathBuf>,
    /// Random faults; the same seed gives the same faults at the same times.
    #[arg(long, value_name = "SEED")]
    chaos: Option<u64>,
    /// How many random faults a minute, over all cameras.
    #[arg(long, value_name = "N", requires = "chaos")]
    faults_per_minute: Option<f64>,
    /// Stop after so many seconds; by default at Ctrl-C or a `stop` command.
    #[arg(long, value_name = "SECONDS")]
    seconds: Option<u64>,
    /// At the end, write what was served as JSON.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Do not list the cameras' URLs.
    #[arg(long, short)]
    quiet: bool,
}

pub(super) fn run(args: &ServeArgs) -> anyhow::Result<bool> {
    logging::quiet()?;
    let config = config(args)?;
    let mounts: Vec<_> = config
        .cameras
        .iter()
        .map(|camera| camera.mount.clone())
        .collect();
    let server = RtspServer::start(config)?;
    let handle = server.handle();
    if !args.quiet {
        for mount in &mounts {
            println!("{}", server.url(mount));
        }
    }
    let begun = handle.command_blocking(server::Command::Status {
        at: server::Cameras::default(),
    });
    for line in begun.status.iter().flat_map(|status| &status.recordings) {
        eprintln!("{line}");
    }
    eprintln!("{} cameras on port {}", mounts.len(), server.port());
    runtime()?.block_on(wait(&handle, args.seconds));
    let report = server.stop();
    tell(&report);
    if let Some(path) = &args.report {
        let text = serde_json::to_string_pretty(&report)?;
        std::fs::write(path, text + "\n")
            .with_context(|| format!("the report {} cannot be written", path.display()))?;
    }
    Ok(true)
}

async fn wait(handle: &ServerHandle, seconds: Option<u64>) {
    let over = async {
        match seconds {
            Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = handle.stopped() => {}
        () = over => {}
    }
}

fn config(args: &ServeArgs) -> anyhow::Result<ServerConfig> {
    let mut config = match &args.config {
        Some(path) => server::load(path).map_err(|errors| BadConfig(errors.to_string()))?,
        None => ServerConfig {
            port: 8_554,
            cameras: cameras(args)?,
            ..ServerConfig::default()
        },
    };
    if let Some(at) = args.listen {
        (config.address, config.port) = (at.ip(), at.port());
    }
    if args.control.is_some() {
        config.control.clone_from(&args.control);
    }
    if let Some(seed) = args.chaos {
        let mut chaos = ChaosConfig::seeded(seed);
        if let Some(rate) = args.faults_per_minute {
            chaos.faults_per_minute = rate;
        }
        config.chaos = Some(chaos);
    }
    Ok(config)
}

fn cameras(args: &ServeArgs) -> anyhow::Result<Vec<ServedCamera>> {
    let count = args.cameras.unwrap_or(args.files.len());
    anyhow::ensure!(
        (1..=10_000).contains(&count),
        "--cameras must be 1 to 10000"
    );
    let millihertz = match args.fps {
        Some(fps) => {
            anyhow::ensure!((0.1..=240.0).contains(&fps), "--fps must be 0.1 to 240");
            Some((fps * 1_000.0).round() as u32)
        }
        None => None,
    };
    let credentials = match &args.user {
        Some(user) => {
            let password = std::env::var("PARAPET_CAMERA_PASSWORD")
                .context("--user needs a password in PARAPET_CAMERA_PASSWORD")?;
            Some((user.clone(), password))
        }
        None => None,
    };
    let coding = Coding {
        millihertz,
        bitrate_kbps: args.bitrate_kbps,
        gop_frames: args.gop_frames,
        ..Coding::default()
    };
    let camera = |number: usize| ServedCamera {
        mount: format!("camera-{}", number + 1),
        file: args.files[number % args.files.len()].clone(),
        credentials: credentials.clone(),
        coding,
        start: if args.spread {
            server::spread_start(number)
        } else {
            Duration::ZERO
        },
    };
    Ok((0..count).map(camera).collect())
}

fn tell(report: &Report) {
    let faults: u64 = report
        .cameras
        .iter()
        .map(|camera| camera.faults_applied)
        .sum();
    eprintln!(
        "served {} pictures, {:.1} MB, in {:.0} s; {faults} faults; {:.1} s of processor time, {} MiB",
        report.frames,
        report.bytes as f64 / 1e6,
        report.seconds,
        report.process.cpu_seconds,
        report.process.rss_kib / 1_024,
    );
}
