//! `parapet replay --record`.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::super::args::ReplayArgs;
use super::plan::Job;
use crate::replay::Emissions;
use crate::replay::draft::{DRAFT_HEADER, draft, relative};
use parapet::model::time::UtcMicros;
use parapet_sim::expectation::ExpectedClip;

/// Writes the draft of one clip's expectation file; never over a file that is there, unless asked.
pub(super) fn write(
    args: &ReplayArgs,
    job: &Job,
    emitted: &Emissions,
    start: UtcMicros,
) -> anyhow::Result<()> {
    let file = &job.expectation_file;
    let clip = ExpectedClip {
        length: emitted.length(),
        conditions: Vec::new(),
        config: named_from(&job.config, file),
        camera: Some(job.clip.camera.id.clone()),
        fps: job.clip.detections.map(|form| form.fps),
        picture: emitted.picture,
    };
    anyhow::ensure!(
        !clip.length.is_zero(),
        "{}: it has less than two pictures",
        job.clip.path.display()
    );
    let drafted = draft(clip, &emitted.alarms(start));
    let mut options = std::fs::OpenOptions::new();
    options.write(true);
    match args.force {
        true => options.create(true).truncate(true),
        false => options.create_new(true),
    };
    let mut out = options.open(file).with_context(|| {
        let hint = if args.force {
            ""
        } else {
            " (--force overwrites)"
        };
        format!("{}: cannot be written{hint}", file.display())
    })?;
    out.write_all(drafted.to_toml(DRAFT_HEADER).as_bytes())
        .with_context(|| file.display().to_string())?;
    eprintln!(
        "{}: {} events drafted; watch the clip and confirm them",
        file.display(),
        drafted.events.len()
    );
    Ok(())
}

/// How the expectation file calls the configuration; none where either cannot be found.
fn named_from(config: &Path, file: &Path) -> Option<PathBuf> {
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new(".")).canonicalize().ok()?;
    Some(relative(&config.canonicalize().ok()?, &folder))
}
