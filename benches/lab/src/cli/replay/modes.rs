//! `parapet replay --compare-modes`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::args::ReplayArgs;
use super::plan::Job;
use super::{Progress, write};
use crate::replay::modes::{Compared, ModesReport, text};
use crate::replay::{Clip, Emissions, EventRecorder, Played, Player, ReplayError};
use parapet::config::types::{CameraConfig, WatchMode};

/// Plays every clip in both modes; false where a limit is not kept.
pub(super) async fn run(
    args: &ReplayArgs,
    jobs: Vec<Job>,
    mut player: Player,
    bar: &Progress,
) -> anyhow::Result<bool> {
    let (mut clips, mut failed) = (Vec::new(), BTreeMap::new());
    for job in &jobs {
        match both(&mut player, job, bar).await {
            Ok(compared) => clips.push(compared),
            Err(error) => {
                let why = format!("{:#}", anyhow::Error::from(error));
                failed.insert(job.name.clone(), why);
            }
        }
    }
    bar.finish();
    let _ = player.finish();
    let report = ModesReport::of(clips, failed);
    println!("{}", text(&report).trim_end());
    if let Some(file) = &args.modes.compare_json {
        write(file, &serde_json::to_string_pretty(&report)?)?;
    }
    let broken = report.broken(args.modes.min_share, args.modes.max_later);
    for words in &broken {
        println!("FAILED: {words}");
    }
    Ok(broken.is_empty())
}

async fn both(player: &mut Player, job: &Job, bar: &Progress) -> Result<Compared, ReplayError> {
    let always = one(player, job, bar, WatchMode::Always).await?;
    let watch = one(player, job, bar, WatchMode::Watch).await?;
    Ok(Compared::of(&job.name, player.start(), &always, &watch))
}

async fn one(
    player: &mut Player,
    job: &Job,
    bar: &Progress,
    mode: WatchMode,
) -> Result<(Emissions, Played), ReplayError> {
    let mut camera = CameraConfig::clone(&job.clip.camera);
    camera.watch.mode = mode;
    let clip = Clip {
        camera: Arc::new(camera),
        ..job.clip.clone()
    };
    let recorder = EventRecorder::new(true);
    let progress = bar.of(job);
    let played = player.play(&clip, &recorder, None, &progress).await?;
    Ok((recorder.take(), played))
}
