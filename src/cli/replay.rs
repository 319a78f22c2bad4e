//! `parapet replay`.

mod gate;
mod plan;
mod record;

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};

use super::args::ReplayArgs;
use super::logging;
use crate::base::clock::{SharedClock, SystemClock};
use crate::fleet::EventSink;
use crate::infer::Backend;
use crate::infer::ort::OrtBackend;
use crate::ingest::{FileStart, GstSource, Source};
use crate::model::event::{Event, EventKind, Phase};
use crate::model::time::UtcMicros;
use crate::replay::{Played, Player, ReplayPorts, StageSeconds, Witness};
use plan::Job;

pub(super) async fn run(args: ReplayArgs) -> anyhow::Result<bool> {
    logging::quiet()?;
    let jobs = plan::plan(&args)?;
    let start: jiff::Timestamp = args
        .start
        .parse()
        .with_context(|| format!("--start `{}` is no RFC 3339 time", args.start))?;
    let player = Player::new(ports(UtcMicros(start.as_microsecond())));
    let bar = Progress::new(args.quiet)?;
    if args.expect {
        return gate::run(&args, jobs, player, &bar).await;
    }
    events(&args, jobs, player, &bar).await
}

fn ports(start: UtcMicros) -> ReplayPorts {
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
    let mut told = Vec::new();
    for job in &jobs {
        let witness = Witness::new(false);
        let print = (!args.record).then(|| bar.printer());
        let progress = bar.of(job);
        played.push(player.play(&job.clip, &witness, print, &progress).await?);
        let heard = witness.take();
        if args.record {
            record::write(args, job, &heard, player.start())?;
        }
        told.extend(heard.events);
    }
    bar.finish();
    if !args.quiet {
        summary(&played, &told, player.finish());
    }
    Ok(true)
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
        Arc::new(move |event, _| {
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
