//! `parapet replay`.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};

use super::args::ReplayArgs;
use super::{BadConfig, load, logging, real_ports};
use crate::config::types::CameraConfig;
use crate::fleet::EventSink;
use crate::ingest::FileStart;
use crate::model::event::{EventKind, Phase};
use crate::model::ids::CameraId;
use crate::model::time::UtcMicros;
use crate::replay::{Clip, Collected, ReplayPorts, choose_camera, replay};

pub(super) async fn run(args: ReplayArgs) -> anyhow::Result<bool> {
    logging::quiet()?;
    let config = load(&args.config)?;
    let named = args.camera.as_deref().map(CameraId::new).transpose()?;
    let clips = clips(&args, |stem| choose_camera(&config, named.as_ref(), stem))?;
    let start: jiff::Timestamp = args
        .start
        .parse()
        .with_context(|| format!("--start `{}` is no RFC 3339 time", args.start))?;
    let start = FileStart::At(UtcMicros(start.as_microsecond()));
    let ports = real_ports(&config.inference, start)?;
    let ports = ReplayPorts {
        source: ports.source,
        backend: ports.backend,
        clock: ports.clock,
    };
    let bar = if args.quiet {
        ProgressBar::hidden()
    } else {
        ProgressBar::new_spinner()
    };
    bar.set_style(ProgressStyle::with_template(
        "{spinner} {msg} {pos} frames, {per_sec}",
    )?);
    bar.enable_steady_tick(Duration::from_millis(200));
    let collected = Collected::default();
    let (keep, shown) = (collected.sink(), bar.clone());
    let print: EventSink = Arc::new(move |event, arrived| {
        let line = serde_json::to_string(&event).unwrap_or_else(|error| format!("{error}"));
        shown.suspend(|| {
            // A closed pipe ends the printing, not the replay: the summary still counts.
            let _ = writeln!(std::io::stdout().lock(), "{line}");
        });
        keep(event, arrived);
    });
    let names: Vec<String> = clips
        .iter()
        .map(|clip| clip.path.display().to_string())
        .collect();
    let progress = |number: usize, frames: u64| {
        bar.set_message(names[number].clone());
        bar.set_position(frames);
    };
    let (reports, stages) = replay(&config, &clips, ports, print, &progress).await?;
    bar.finish_and_clear();
    if !args.quiet {
        for report in &reports {
            let seconds = report.elapsed.as_secs_f64();
            eprintln!(
                "{}: {} frames decoded, {} analysed in {seconds:.1} s ({:.0} frames/s)",
                report.path.display(),
                report.decoded,
                report.analysed,
                report.decoded as f64 / seconds.max(1e-9),
            );
        }
        let events = collected.events();
        for kind in EventKind::ALL {
            let of = |phase| {
                events
                    .iter()
                    .filter(|e| e.kind == kind && e.phase == phase)
                    .count()
            };
            if of(Phase::Started) > 0 {
                eprintln!("{:>16}: {} incidents", kind.name(), of(Phase::Started));
            }
        }
        eprintln!(
            "stages: preprocess {:.3} s, inference {:.3} s, heads {:.3} s, track+rules {:.3} s",
            stages.preprocess, stages.inference, stages.heads, stages.analyse
        );
    }
    Ok(true)
}

fn clips(
    args: &ReplayArgs,
    choose: impl Fn(&str) -> Result<Arc<CameraConfig>, String>,
) -> anyhow::Result<Vec<Clip>> {
    let mut clips = Vec::new();
    for path in &args.files {
        anyhow::ensure!(path.is_file(), "{}: no such file", path.display());
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let mut camera =
            choose(&stem).map_err(|why| BadConfig(format!("{}: {why}", args.config.display())))?;
        if let Some(fps) = args.fps {
            anyhow::ensure!(
                fps > 0.0 && fps <= 120.0,
                "--fps must be above 0 and at most 120"
            );
            camera = Arc::new(CameraConfig {
                analysis_fps: fps,
                ..CameraConfig::clone(&camera)
            });
        }
        clips.push(Clip {
            path: path.clone(),
            camera,
        });
    }
    Ok(clips)
}
