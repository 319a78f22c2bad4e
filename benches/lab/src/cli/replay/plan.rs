//! From arguments to clips that can be played: finds expectation files, configurations and
//! cameras, and says everything that is wrong with them at once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::super::args::{ModeArg, ReplayArgs};
use super::super::{BadConfig, load};
use crate::replay::{Clip, MotForm, choose_camera};
use parapet::config::Config;
use parapet::config::types::{CameraConfig, WatchMode};
use parapet::model::ids::CameraId;
use parapet_sim::expectation::{self, Expectation, clip_stem, expectation_path};

/// One clip and what is expected of it.
pub(super) struct Job {
    /// What the clip is called.
    pub(super) name: String,
    pub(super) clip: Clip,
    /// The file with its rules.
    pub(super) config: PathBuf,
    /// Where its expectation file lies, or would.
    pub(super) expectation_file: PathBuf,
    /// What is expected, where that was asked for.
    pub(super) expectation: Option<Expectation>,
}

/// Makes the jobs.
pub(super) fn plan(args: &ReplayArgs) -> anyhow::Result<Vec<Job>> {
    check_numbers(args)?;
    let named = args.camera.as_deref().map(CameraId::new).transpose()?;
    let mut configs = Configs::default();
    let (mut jobs, mut wrong) = (Vec::new(), Vec::new());
    for path in &args.files {
        anyhow::ensure!(path.is_file(), "{}: no such file", path.display());
        match job(args, named.as_ref(), path, &mut configs) {
            Ok(job) => jobs.push(job),
            Err(error) => match error.downcast::<BadConfig>() {
                Ok(BadConfig(words)) => wrong.push(words),
                Err(other) => return Err(other),
            },
        }
    }
    if wrong.is_empty() {
        return Ok(jobs);
    }
    wrong.dedup();
    Err(BadConfig(wrong.join("\n")).into())
}

fn check_numbers(args: &ReplayArgs) -> anyhow::Result<()> {
    if let Some(fps) = args.fps {
        let most = if args.detections { 240.0 } else { 120.0 };
        anyhow::ensure!(
            fps > 0.0 && fps <= most,
            "--fps must be above 0 and at most {most}"
        );
    }
    for (name, seconds) in [
        ("--quiet-seconds", args.modes.quiet_seconds),
        ("--heartbeat-seconds", args.modes.heartbeat_seconds),
    ] {
        anyhow::ensure!(
            seconds.is_none_or(|seconds| (0.5..=3_600.0).contains(&seconds)),
            "{name} must be 0.5 to 3600"
        );
    }
    let alpha = args.gate.alpha;
    anyhow::ensure!(alpha > 0.0 && alpha.is_finite(), "--alpha must be above 0");
    for (name, share) in [
        ("--min-f1", args.gate.min_f1),
        ("--min-recall", args.gate.min_recall),
        ("--min-share", args.modes.min_share),
    ] {
        anyhow::ensure!(
            share.is_none_or(|share| (0.0..=1.0).contains(&share)),
            "{name} must be 0 to 1"
        );
    }
    Ok(())
}

/// Configurations, each read once.
#[derive(Default)]
struct Configs(BTreeMap<PathBuf, Arc<Config>>);

impl Configs {
    fn load(&mut self, path: &Path) -> anyhow::Result<Arc<Config>> {
        if let Some(config) = self.0.get(path) {
            return Ok(Arc::clone(config));
        }
        let config = Arc::new(load(path)?);
        self.0.insert(path.to_owned(), Arc::clone(&config));
        Ok(config)
    }
}

fn job(
    args: &ReplayArgs,
    named: Option<&CameraId>,
    path: &Path,
    configs: &mut Configs,
) -> anyhow::Result<Job> {
    let name = clip_stem(path);
    let file = expectation_path(path, args.expectations.as_deref());
    // Detections need to know how fast and how large their video was, also where nothing is scored.
    let wanted = args.expect || (file.is_file() && !args.record);
    let expectation = wanted
        .then(|| expectation::load(&file).map_err(|errors| BadConfig(errors.to_string())))
        .transpose()?;
    let by_file = expectation.as_ref().and_then(|e| e.config_path(&file));
    let config_file = args.config.clone().or(by_file).ok_or_else(|| {
        BadConfig(format!(
            "{}: no configuration: give --config, or name one with `config` in {}",
            path.display(),
            file.display()
        ))
    })?;
    let config = configs.load(&config_file)?;
    let expected = expectation.as_ref().and_then(|e| e.clip.camera.as_ref());
    let camera = choose_camera(&config, named.or(expected), &name)
        .map_err(|why| BadConfig(format!("{}: {why}", config_file.display())))?;
    if let Some(expectation) = &expectation {
        check_rules(&file, expectation, &camera)?;
    }
    let detections = args
        .detections
        .then(|| mot_form(args, path, &file, expectation.as_ref()))
        .transpose()?;
    let camera = Arc::new(overridden(args, &camera));
    Ok(Job {
        name,
        clip: Clip {
            path: path.to_owned(),
            detections,
            config,
            camera,
        },
        config: config_file,
        expectation_file: file,
        expectation: expectation.filter(|_| args.expect),
    })
}

/// The camera as the command line wants it.
fn overridden(args: &ReplayArgs, camera: &CameraConfig) -> CameraConfig {
    let mut camera = camera.clone();
    if let (Some(fps), false) = (args.fps, args.detections) {
        (camera.analysis_fps, camera.analysis_fps_near) = (fps as f32, fps as f32);
    }
    let watch = &mut camera.watch;
    match args.mode {
        Some(ModeArg::Always) => watch.mode = WatchMode::Always,
        Some(ModeArg::Watch) => watch.mode = WatchMode::Watch,
        None => {}
    }
    if let Some(seconds) = args.modes.quiet_seconds {
        watch.quiet = Duration::from_secs_f64(seconds);
    }
    if let Some(seconds) = args.modes.heartbeat_seconds {
        watch.heartbeat = Duration::from_secs_f64(seconds);
    }
    camera
}

fn mot_form(
    args: &ReplayArgs,
    path: &Path,
    file: &Path,
    expectation: Option<&Expectation>,
) -> anyhow::Result<MotForm> {
    let clip = expectation.map(|expectation| &expectation.clip);
    let fps = args.fps.or(clip.and_then(|clip| clip.fps));
    let picture = args.picture.or(clip.and_then(|clip| clip.picture));
    let (Some(fps), Some(picture)) = (fps, picture) else {
        let words = format!(
            "{}: how many frames a second and how large? Give --fps and --picture, or write `fps` and `picture` below [clip] in {}",
            path.display(),
            file.display()
        );
        return Err(BadConfig(words).into());
    };
    let frames = clip.map_or(0.0, |clip| (clip.length.as_secs_f64() * fps).floor());
    Ok(MotForm {
        fps,
        picture,
        frames: frames as u32,
    })
}

/// Every rule that the expectation names must be the camera's, and of the event's kind.
fn check_rules(
    file: &Path,
    expectation: &Expectation,
    camera: &CameraConfig,
) -> Result<(), BadConfig> {
    let mut wrong = Vec::new();
    let of_events = expectation
        .events
        .iter()
        .map(|e| (e.rule.as_ref(), Some(e.kind)));
    let of_spans = expectation
        .ignore
        .iter()
        .map(|span| (span.rule.as_ref(), None));
    for (rule, kind) in of_events.chain(of_spans) {
        let Some(rule) = rule else { continue };
        match camera.rules.iter().find(|have| have.name == *rule) {
            None => {
                let names: Vec<_> = camera.rules.iter().map(|have| have.name.as_str()).collect();
                wrong.push(format!(
                    "{}: camera {} has no rule `{rule}`; it has: {}",
                    file.display(),
                    camera.id,
                    names.join(", ")
                ));
            }
            Some(have) if kind.is_some_and(|kind| kind != have.kind.event()) => {
                wrong.push(format!(
                    "{}: rule `{rule}` of camera {} says {}, not {}",
                    file.display(),
                    camera.id,
                    have.kind.event(),
                    kind.map_or_else(String::new, |kind| kind.to_string())
                ));
            }
            Some(_) => {}
        }
    }
    wrong.dedup();
    if wrong.is_empty() {
        return Ok(());
    }
    Err(BadConfig(wrong.join("\n")))
}
