//! `parapet sim load`.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args as ClapArgs;
use serde::Serialize;

use crate::cli::{logging, runtime};
use parapet::base::clock::SystemClock;
use parapet_sim::load_client::{Client, LoadClient, LoadConfig, Seen, Summary};
use parapet_sim::server::{Cameras, Command, Usage, ask};

/// `parapet sim load 'rtsp://127.0.0.1:8554/camera-{}' --cameras 1042`.
#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct LoadArgs {
    /// Cameras; `{}` stands for 1 … N of --cameras.
    #[arg(required = true, value_name = "URL")]
    urls: Vec<String>,
    /// How many cameras each `{}` stands for.
    #[arg(long, default_value_t = 1, value_name = "N")]
    cameras: usize,
    /// How long to count, in seconds, after every viewer has its first picture or a minute.
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    seconds: u64,
    /// Whose RTSP client connects; the summary says what it cost.
    #[arg(long, value_enum, default_value_t)]
    client: Client,
    /// Put access units together too, as a daemon must; `retina` always does.
    #[arg(long)]
    units: bool,
    /// RTP in datagrams rather than in the connection.
    #[arg(long)]
    udp: bool,
    /// User, with the password in the environment's PARAPET_CAMERA_PASSWORD.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Milliseconds from one viewer's start to the next.
    #[arg(long, default_value_t = 10, value_name = "MILLIS")]
    stagger_millis: u64,
    /// The camera server's socket: tells what the serving process costs meanwhile.
    #[arg(long, value_name = "SOCKET")]
    control: Option<PathBuf>,
    /// Print everything, every viewer's counts too, as JSON.
    #[arg(long)]
    json: bool,
}

/// What the load client found.
#[derive(Serialize)]
struct Outcome {
    summary: Summary,
    server: Option<Cost>,
    viewers: Vec<Seen>,
}

/// What the camera server's process cost while counting.
#[derive(Serialize)]
struct Cost {
    cores: f64,
    rss_kib: u64,
    threads: u64,
    descriptors: u64,
}

pub(super) fn run(args: LoadArgs) -> anyhow::Result<bool> {
    logging::quiet()?;
    let runtime = runtime()?;
    let credentials = match &args.user {
        Some(user) => {
            let password = std::env::var("PARAPET_CAMERA_PASSWORD")
                .context("--user needs a password in PARAPET_CAMERA_PASSWORD")?;
            Some((user.clone(), password))
        }
        None => None,
    };
    let config = LoadConfig {
        client: args.client,
        units: args.units,
        udp: args.udp,
        credentials,
        stagger: Duration::from_millis(args.stagger_millis),
    };
    let urls = args.urls.iter().flat_map(|url| {
        let count = if url.contains("{}") { args.cameras } else { 1 };
        (1..=count).map(move |number| url.replace("{}", &number.to_string()))
    });
    let mut client = LoadClient::start(urls, &config, SystemClock::shared())?;
    let total = client.seen().len();
    for _ in 0..600 {
        if client.started() == total {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let usage = || -> anyhow::Result<Option<Usage>> {
        let Some(socket) = &args.control else {
            return Ok(None);
        };
        let command = Command::Status {
            at: Cameras::default(),
        };
        let reply = runtime
            .block_on(ask(socket, &command))
            .with_context(|| format!("no camera server answers at {}", socket.display()))?;
        Ok(reply.status.map(|status| status.process))
    };
    let before = usage()?;
    client.mark();
    std::thread::sleep(Duration::from_secs(args.seconds));
    let summary = client.summary();
    let after = usage()?;
    let server = before.zip(after).map(|(before, after)| Cost {
        cores: (after.cpu_seconds - before.cpu_seconds) / summary.seconds.max(1e-3),
        rss_kib: after.rss_kib,
        threads: after.threads,
        descriptors: after.descriptors,
    });
    let outcome = Outcome {
        viewers: client.seen(),
        summary,
        server,
    };
    let all = outcome.summary.alive == outcome.summary.viewers;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&outcome)?);
    } else {
        tell(&outcome);
    }
    Ok(all)
}

fn tell(outcome: &Outcome) {
    let Summary {
        viewers,
        alive,
        failed,
        seconds,
        process,
        ..
    } = &outcome.summary;
    let sum = &outcome.summary;
    println!(
        "{alive} of {viewers} viewers saw pictures over {seconds:.1} s; {failed} had an error"
    );
    println!(
        "pictures a second per camera: min {:.2}, p1 {:.2}, p50 {:.2}, max {:.2}",
        sum.fps_min, sum.fps_p01, sum.fps_p50, sum.fps_max
    );
    if let Some(millis) = sum.all_first_millis {
        println!(
            "the last first picture came after {:.1} s",
            millis as f64 / 1e3
        );
    }
    println!(
        "viewers' process: {:.2} cores, {} MiB, {} threads, {:.0} context switches a second",
        sum.cores,
        process.rss_kib / 1_024,
        process.threads,
        sum.switches_per_second
    );
    if let Some(server) = &outcome.server {
        println!(
            "server's process: {:.2} cores, {} MiB, {} threads, {} descriptors",
            server.cores,
            server.rss_kib / 1_024,
            server.threads,
            server.descriptors
        );
    }
    let first = outcome.viewers.iter().find_map(|seen| {
        let error = seen.error.as_ref()?;
        Some((&seen.url, error))
    });
    if let Some((url, error)) = first {
        println!("first error: {}: {error}", parapet::config::redact_url(url));
    }
}
