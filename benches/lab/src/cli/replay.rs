//! `parapet replay`.

mod gate;
mod modes;
mod plan;
mod record;

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};

use super::args::ReplayArgs;
use super::logging;
use crate::replay::{
    Emissions, EventRecorder, Played, Player, ReplayPorts, StageSeconds, detections,
};
use parapet::base::clock::{SharedClock, SystemClock};
use parapet::fleet::{Emitted, EventSink};
use parapet::infer::Backend;
use parapet::infer::ort::OrtBackend;
use parapet::ingest::{FileStart, GstSource, Source};
use parapet::model::event::{Event, EventKind, Phase};
use parapet::model::time::UtcMicros;
use plan::Job;

pub(super) async fn run(args: ReplayArgs) -> anyhow::Result<bool> {
    logging::quiet()?;
    let jobs = plan::plan(&args)?;
    let start: jiff::Timestamp = args
        .start
        .parse()
        .with_context(|| format!("--start `{}` is no RFC 3339 time", args.start))?;
    let player = Player::new(ports(UtcMicros(start.as_microsecond()), args.modes.scarce));
    let bar = Progress::new(args.quiet)?;
    if args.modes.compare_modes {
        return modes::run(&args, jobs, player, &bar).await;
    }
    if args.expect {
        return gate::run(&args, jobs, player, &bar).await;
    }
    events(&args, jobs, player, &bar).await
}

fn ports(start: UtcMicros, scarce: bool) -> ReplayPorts {
    let clock: SharedClock = SystemClock::shared();
    let of_source = Arc::clone(&clock);
    ReplayPorts {
        source: Box::new(move || {
            let source = GstSource::new(Arc::clone(&of_source), FileStart::At(start))?;
            Ok(Arc::new(source) as Arc<dyn Source>)
        }),
        backend: Box::new(
            |inference| Ok(Arc::new(OrtBackend::new(inference)?) as Arc<dyn Backend>),
        ),
        clock,
        start,
        scarce,
    }
}

/// Prints every event as it comes; drafts expectation files where asked to.
async fn events(
    args: &ReplayArgs,
    jobs: Vec<Job>,
    mut player: Player,
    bar: &Progress,
) -> anyhow::Result<bool> {
    let mut played = Vec::new();
    let mut emitted = Vec::new();
    for job in &jobs {
        let recorder = EventRecorder::new(args.write_detections.is_some());
        let print = (!args.record).then(|| bar.printer());
        let progress = bar.of(job);
        played.push(player.play(&job.clip, &recorder, print, &progress).await?);
        let heard = recorder.take();
        if args.record {
            record::write(args, job, &heard, player.start())?;
        }
        if let Some(folder) = &args.write_detections {
            write_detections(folder, job, &heard)?;
        }
        emitted.extend(heard.events);
    }
    bar.finish();
    let stages = player.finish();
    if !args.quiet {
        summary(&played, &emitted, stages);
    }
    if let Some(file) = &args.cost_json {
        write(
            file,
            &serde_json::to_string_pretty(&costs(&played, stages))?,
        )?;
    }
    Ok(true)
}

fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(file, text).with_context(|| format!("{}: cannot be written", file.display()))
}

fn write_detections(folder: &Path, job: &Job, heard: &Emissions) -> anyhow::Result<()> {
    let picture = heard
        .picture
        .with_context(|| format!("{}: no pictures", job.name))?;
    let file = folder.join(format!("{}.mot.txt", job.name));
    write(&file, &detections::file(&heard.sightings, picture))
}

/// What each clip cost, and what the stages took over all of them.
fn costs(played: &[Played], stages: StageSeconds) -> serde_json::Value {
    let clips: Vec<_> = played
        .iter()
        .map(|clip| {
            serde_json::json!({
                "clip": clip.path,
                "decoded": clip.decoded,
                "analysed": clip.analysed,
                "undecoded": clip.undecoded,
                "wakes": clip.wakes,
                "wall_seconds": clip.elapsed.as_secs_f64(),
                "cpu_seconds": clip.cpu.as_secs_f64(),
            })
        })
        .collect();
    serde_json::json!({
        "clips": clips,
        "stage_seconds": {
            "preprocess": stages.preprocess,
            "inference": stages.inference,
            "heads": stages.heads,
            "track_and_rules": stages.analyse,
        },
    })
}

fn summary(played: &[Played], events: &[Event], stages: StageSeconds) {
    for clip in played {
        let seconds = clip.elapsed.as_secs_f64();
        eprintln!(
            "{}: {} frames decoded, {} analysed in {seconds:.1} s ({:.0} frames/s)",
            clip.path.display(),
            clip.decoded,
            clip.analysed,
            clip.decoded as f64 / seconds.max(1e-9),
        );
    }
    for kind in EventKind::ALL {
        let started = |e: &&Event| e.kind == kind && e.phase == Phase::Started;
        let count = events.iter().filter(started).count();
        if count > 0 {
            eprintln!("{:>16}: {count} incidents", kind.name());
        }
    }
    eprintln!(
        "stages: preprocess {:.3} s, inference {:.3} s, heads {:.3} s, track+rules {:.3} s",
        stages.preprocess, stages.inference, stages.heads, stages.analyse
    );
}

/// What is shown while clips play.
struct Progress {
    bar: ProgressBar,
}

impl Progress {
    fn new(quiet: bool) -> anyhow::Result<Self> {
        let bar = if quiet {
            ProgressBar::hidden()
        } else {
            ProgressBar::new_spinner()
        };
        bar.set_style(ProgressStyle::with_template(
            "{spinner} {msg} {pos} frames, {per_sec}",
        )?);
        bar.enable_steady_tick(Duration::from_millis(200));
        Ok(Self { bar })
    }

    fn of(&self, job: &Job) -> impl Fn(u64) + Sync + use<> {
        let bar = self.bar.clone();
        bar.reset();
        bar.set_message(job.clip.path.display().to_string());
        move |frames| bar.set_position(frames)
    }

    /// Writes events to standard output, one JSON line each.
    fn printer(&self) -> EventSink {
        let bar = self.bar.clone();
        Arc::new(move |Emitted { event, .. }| {
            let line = serde_json::to_string(&event).unwrap_or_else(|error| format!("{error}"));
            bar.suspend(|| {
                // A closed pipe ends the printing, not the replay: the summary still counts.
                let _ = writeln!(std::io::stdout().lock(), "{line}");
            });
        })
    }

    fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
