//! `parapet bench soak`: the camera server is a process of its own, so that what is measured here is the
//! daemon.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use clap::Args as ClapArgs;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::processes::ServerProcess;
use super::stage::Stage;
use crate::cli::logging;
use parapet::api::client::Client;
use parapet::app::App;
use parapet::base::clock::{SharedClock, SystemClock};
use parapet::base::tasks::TaskSet;
use parapet::model::camera::CameraState;
use parapet::ops::HealthView as _;
use parapet_sim::server::Usage;

/// The start is no steady state: caches fill, threads of the pools appear.
const WARM_UP_SHARE: f64 = 0.1;
/// What a slope may add over the whole run and still be flat, as a share of the mean.
const FLAT_SHARE: f64 = 0.05;

#[derive(Debug, ClapArgs)]
pub(super) struct SoakArgs {
    /// How long.
    #[arg(long, default_value_t = 60.0, value_name = "MINUTES")]
    minutes: f64,
    /// How many cameras.
    #[arg(long, default_value_t = 100, value_name = "N")]
    cameras: usize,
    /// The same seed, the same faults.
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// Random faults a minute, over all cameras.
    #[arg(long, default_value_t = 30.0, value_name = "N")]
    faults_per_minute: f64,
    /// From one sample to the next.
    #[arg(long, default_value_t = 5, value_name = "SECONDS")]
    sample_seconds: u64,
    /// Write every sample and the outcome as JSON.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Sample {
    seconds: f64,
    rss_kib: u64,
    threads: u64,
    descriptors: u64,
    streaming: usize,
}

#[derive(Debug, Serialize)]
struct Outcome {
    minutes: f64,
    cameras: usize,
    seed: u64,
    faults: u64,
    events: u64,
    panics: u64,
    unhealthy_samples: u64,
    stopped_cleanly: bool,
    slopes: Vec<Slope>,
    samples: Vec<Sample>,
}

/// A straight line through one figure's samples after the warm-up (least squares).
#[derive(Debug, Serialize)]
struct Slope {
    figure: &'static str,
    mean: f64,
    first: f64,
    last: f64,
    per_hour: f64,
    /// What the slope adds over the run, as a share of the mean.
    share: f64,
    flat: bool,
}

pub(super) async fn run(args: SoakArgs) -> anyhow::Result<bool> {
    logging::quiet()?;
    let panics = count_panics();
    let stage = tokio::task::spawn_blocking(Stage::new).await??;
    let tables = server_tables(&stage, &args);
    let mut server = ServerProcess::start(stage.path(), &tables, args.cameras)?;
    let cameras: Vec<_> = (1..=args.cameras)
        .map(|number| {
            let mount = format!("camera-{number}");
            let url = format!("{}{mount}", server.url);
            (mount, url)
        })
        .collect();
    let clock = SystemClock::shared();
    let app = App::start(stage.config(&cameras)?, Stage::ports(&clock)?).await?;
    let mut tasks = TaskSet::under(&CancellationToken::new());
    let events = count_events(&app, &mut tasks).await?;
    eprintln!(
        "{} cameras, {} minutes, seed {}",
        args.cameras, args.minutes, args.seed
    );
    let begun = clock.now();
    let (samples, unhealthy) = sample(&args, &app, &clock, (&events, &panics)).await;
    let served = server.stop().await;
    let stopped_cleanly = app.stop().await;
    tasks.stop(Duration::from_secs(1)).await;
    let outcome = Outcome {
        minutes: clock.now().since(begun).as_secs_f64() / 60.0,
        cameras: args.cameras,
        seed: args.seed,
        faults: served.map_or(0, |report| {
            report
                .cameras
                .iter()
                .map(|camera| camera.faults_applied)
                .sum()
        }),
        events: events.load(Ordering::Relaxed),
        panics: panics.load(Ordering::Relaxed),
        unhealthy_samples: unhealthy,
        stopped_cleanly,
        slopes: slopes(&samples),
        samples,
    };
    if let Some(path) = &args.report {
        std::fs::write(path, serde_json::to_string_pretty(&outcome)? + "\n")
            .with_context(|| format!("the report {} cannot be written", path.display()))?;
    }
    tell(&outcome);
    Ok(outcome.panics == 0
        && outcome.unhealthy_samples == 0
        && outcome.slopes.iter().all(|slope| slope.flat))
}

/// Samples until the time is over or somebody interrupts; also how many times the daemon was not
/// healthy.
async fn sample(
    args: &SoakArgs,
    app: &App,
    clock: &SharedClock,
    (events, panics): (&AtomicU64, &AtomicU64),
) -> (Vec<Sample>, u64) {
    let (mut samples, mut unhealthy) = (Vec::new(), 0);
    let over = Duration::from_secs_f64(args.minutes * 60.0);
    let begun = clock.now();
    let mut next_line = Duration::ZERO;
    while clock.now().since(begun) < over {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(args.sample_seconds)) => {}
            _ = tokio::signal::ctrl_c() => break,
        }
        let usage = Usage::of_this_process();
        let streaming = |state: CameraState| state == CameraState::Streaming;
        let since = clock.now().since(begun);
        let sample = Sample {
            seconds: since.as_secs_f64(),
            rss_kib: usage.rss_kib,
            threads: usage.threads,
            descriptors: usage.descriptors,
            streaming: app
                .cameras()
                .iter()
                .filter(|camera| streaming(camera.state))
                .count(),
        };
        if let Err(reason) = app.health().alive() {
            unhealthy += 1;
            println!("{:>6.0} s: not healthy: {reason}", sample.seconds);
        }
        if since >= next_line {
            next_line = since + Duration::from_secs(60);
            println!(
                "{:>6.0} s: {:>7} KiB, {:>5} threads, {:>5} descriptors, {:>4} stream, {} events, {} panics",
                sample.seconds,
                sample.rss_kib,
                sample.threads,
                sample.descriptors,
                sample.streaming,
                events.load(Ordering::Relaxed),
                panics.load(Ordering::Relaxed)
            );
        }
        samples.push(sample);
    }
    (samples, unhealthy)
}

/// Counts every panic of the process, caught or not.
fn count_panics() -> Arc<AtomicU64> {
    let panics = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&panics);
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        counted.fetch_add(1, Ordering::Relaxed);
        before(info);
    }));
    panics
}

async fn count_events(app: &App, tasks: &mut TaskSet) -> anyhow::Result<Arc<AtomicU64>> {
    let mut client = Client::connect(&format!("http://{}", app.api_address())).await?;
    let mut told = client.subscribe_after(0).await?;
    let events = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&events);
    tasks.spawn("soak subscriber", async move {
        while let Some(Ok(_)) = told.next().await {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    Ok(events)
}

/// The server file's tables: one clip, every picture fault made ready, random faults.
fn server_tables(stage: &Stage, args: &SoakArgs) -> String {
    format!(
        "stand_ins = true\n\
         [[camera]]\nmount = \"camera\"\nfile = '{}'\ncount = {}\nspread = true\n\
         [chaos]\nseed = {}\nfaults_per_minute = {:.3}\n",
        stage.clip.display(),
        args.cameras,
        args.seed,
        args.faults_per_minute
    )
}

fn slopes(samples: &[Sample]) -> Vec<Slope> {
    let skip = (samples.len() as f64 * WARM_UP_SHARE).ceil() as usize;
    let steady = samples.get(skip..).unwrap_or_default();
    let line = |figure, value: fn(&Sample) -> f64| {
        let point = |sample: &Sample| (sample.seconds / 3_600.0, value(sample));
        slope(figure, &steady.iter().map(point).collect::<Vec<_>>())
    };
    [
        line("RSS in KiB", |sample| sample.rss_kib as f64),
        line("threads", |sample| sample.threads as f64),
        line("descriptors", |sample| sample.descriptors as f64),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Ordinary least squares of value over hours.
fn slope(figure: &'static str, points: &[(f64, f64)]) -> Option<Slope> {
    let count = points.len() as f64;
    let (first, last) = (points.first()?, points.last()?);
    let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / count;
    let spread: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    let joint: f64 = points
        .iter()
        .map(|(x, y)| (x - mean_x) * (y - mean_y))
        .sum();
    let per_hour = if spread > 0.0 { joint / spread } else { 0.0 };
    let share = per_hour * (last.0 - first.0) / mean_y.max(1.0);
    Some(Slope {
        figure,
        mean: mean_y,
        first: first.1,
        last: last.1,
        per_hour,
        share,
        flat: share <= FLAT_SHARE,
    })
}

fn tell(outcome: &Outcome) {
    println!(
        "{:.1} minutes, {} cameras, seed {}: {} faults, {} events, {} panics, {} unhealthy samples, stopped {}",
        outcome.minutes,
        outcome.cameras,
        outcome.seed,
        outcome.faults,
        outcome.events,
        outcome.panics,
        outcome.unhealthy_samples,
        if outcome.stopped_cleanly {
            "cleanly"
        } else {
            "late"
        }
    );
    for slope in &outcome.slopes {
        println!(
            "{:<12} mean {:>10.1}, first {:>8.0}, last {:>8.0}, slope {:>+9.1} an hour ({:+.1} % of the mean over the run): {}",
            slope.figure,
            slope.mean,
            slope.first,
            slope.last,
            slope.per_hour,
            slope.share * 100.0,
            if slope.flat { "flat" } else { "GROWS" }
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_through_growing_points_grows_and_one_through_noise_does_not() {
        let grows: Vec<_> = (0..100)
            .map(|n| (f64::from(n) / 100.0, f64::from(n)))
            .collect();
        let found = slope("x", &grows).expect("points");
        assert!((found.per_hour - 100.0).abs() < 1e-6 && !found.flat);
        let noise: Vec<_> = (0..100)
            .map(|n| (f64::from(n) / 100.0, 50.0 + f64::from(n % 2)))
            .collect();
        assert!(slope("x", &noise).expect("points").flat);
        assert!(slope("x", &[]).is_none());
    }
}
