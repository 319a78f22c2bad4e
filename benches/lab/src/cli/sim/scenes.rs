//! `parapet sim check`, `parapet sim render` and `parapet sim realism`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args as ClapArgs;
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::{BadConfig, logging, model};
use crate::realism::{self, Band, Detector, Kind, Tally};
use parapet::base::clock::SystemClock;
use parapet::infer::Model;
use parapet::infer::model::weights_folder;
use parapet::model::geometry::Size;
use parapet::model::posture::Posture;
use parapet_sim::export::{Cache, Clip, ExportOptions, default_cache, export_clip, with_options};
use parapet_sim::scene::{self, GroundTruth, Scene, Timeline};

/// The model that written configurations name, where no other is wanted.
const MODEL_FOLDER: &str = "testdata/manifests/yolox_nano_416";

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct CheckArgs {
    /// Scene files, or folders of them.
    #[arg(required = true, value_name = "SCENE")]
    pub(in crate::cli) scenes: Vec<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct RenderArgs {
    /// Scene files, or folders of them.
    #[arg(required = true, value_name = "SCENE")]
    scenes: Vec<PathBuf>,
    /// Where the clips go; without it they go to the cache and their folders are printed.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    #[command(flatten)]
    export: ExportArgs,
    /// No video: the truth, the boxes, the configuration and the expected events only.
    #[arg(long)]
    truth_only: bool,
}

#[derive(Debug, ClapArgs)]
struct ExportArgs {
    /// Another picture size, such as 640x360.
    #[arg(long, value_name = "WxH", value_parser = size)]
    size: Option<Size>,
    /// Only the first so many seconds.
    #[arg(long, value_name = "SECONDS")]
    seconds: Option<f64>,
    /// Another bitrate, in kbit/s.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(50..=50_000))]
    bitrate_kbps: Option<u32>,
    /// So many seconds before each scene, in which nobody is there: a camera that sees them has learned
    /// what is usual before anything happens.
    #[arg(long, value_name = "SECONDS", value_parser = quiet)]
    quiet_before: Option<f64>,
    /// Where clips are kept, so that none is made twice.
    #[arg(long, value_name = "FOLDER")]
    cache: Option<PathBuf>,
    /// The model folder that the written configurations name.
    #[arg(long = "config-model", default_value = MODEL_FOLDER, value_name = "FOLDER")]
    config_model: PathBuf,
}

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct RealismArgs {
    /// Scene files, or folders of them.
    #[arg(default_value = "testdata/scenes", value_name = "SCENE")]
    scenes: Vec<PathBuf>,
    /// A model folder; say it again for more.
    #[arg(long = "model", required = true, value_name = "FOLDER")]
    models: Vec<PathBuf>,
    /// Where the weights lie when not in the model folders.
    #[arg(long, value_name = "FOLDER")]
    weights: Option<PathBuf>,
    #[command(flatten)]
    export: ExportArgs,
    /// Look at every so many-th picture.
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    every: u64,
    /// JSON instead of a table.
    #[arg(long)]
    json: bool,
}

fn size(text: &str) -> Result<Size, String> {
    let sides = text.split_once('x').and_then(|(width, height)| {
        let (width, height) = (width.parse().ok()?, height.parse().ok()?);
        scene::size_of([width, height])
    });
    sides.ok_or_else(|| "write even numbers such as 1280x720, at most 1920x1080".to_owned())
}

fn quiet(text: &str) -> Result<f64, String> {
    let seconds = text.parse().ok();
    let sound = seconds.filter(|seconds| (0.0..=600.0).contains(seconds));
    sound.ok_or_else(|| "write a number of seconds from 0 to 600".to_owned())
}

impl ExportArgs {
    fn options(&self, truth_only: bool) -> ExportOptions {
        ExportOptions {
            size: self.size,
            seconds: self.seconds,
            bitrate_kbps: self.bitrate_kbps,
            quiet_before: self.quiet_before,
            truth_only,
            model_folder: self.config_model.clone(),
        }
    }

    fn cache(&self) -> Cache {
        Cache::new(&self.cache.clone().unwrap_or_else(default_cache))
    }
}

/// Reads all scenes, so that every mistake of every file is said at once.
fn load(paths: &[PathBuf]) -> anyhow::Result<Vec<Scene>> {
    let mut scenes = Vec::new();
    let mut wrong = Vec::new();
    for file in scene::files(paths)? {
        match scene::load(&file) {
            Ok(scene) => scenes.push(scene),
            Err(errors) => wrong.push(errors.to_string()),
        }
    }
    if !wrong.is_empty() {
        return Err(BadConfig(wrong.join("\n")).into());
    }
    anyhow::ensure!(!scenes.is_empty(), "no scene files (*.toml) there");
    Ok(scenes)
}

/// Says what each scene holds and what its rules owe.
pub(in crate::cli) fn check(args: &CheckArgs) -> anyhow::Result<bool> {
    logging::quiet()?;
    let scenes = load(&args.scenes)?;
    let mut owed = 0;
    for scene in &scenes {
        let timeline = Timeline::new(scene);
        let ground_truth = GroundTruth::of(&timeline);
        owed += ground_truth.due.len();
        println!(
            "{}: {} s, {} people, {}",
            scene.stem,
            scene.seconds,
            scene.actors.len(),
            scene.condition_words().join(" ")
        );
        for due in &ground_truth.due {
            let people: Vec<String> = due.people.iter().map(u32::to_string).collect();
            println!(
                "  {:6.2} s  {} by {} ({}), people {}",
                due.start,
                due.kind,
                due.rule,
                due.note,
                people.join(" ")
            );
        }
        for happening in timeline.happenings() {
            println!(
                "  {:6.2} s  to {:.2} s  {}",
                happening.start, happening.end, happening.kind
            );
        }
    }
    println!("{} scenes, {owed} events owed", scenes.len());
    Ok(true)
}

/// A bar over the frames of all scenes.
fn bar(scenes: &[Scene], options: &ExportOptions) -> anyhow::Result<ProgressBar> {
    let frames = scenes
        .iter()
        .map(|scene| with_options(scene, options).frames());
    let bar = ProgressBar::new(frames.sum());
    bar.set_style(ProgressStyle::with_template(
        "{wide_bar} {pos}/{len} frames, {per_sec}, {eta} left  {msg}",
    )?);
    Ok(bar)
}

/// Draws scenes and writes their clips.
pub(in crate::cli) fn render(args: &RenderArgs) -> anyhow::Result<bool> {
    logging::quiet()?;
    let scenes = load(&args.scenes)?;
    let options = args.export.options(args.truth_only);
    let cache = args.export.cache();
    let bar = bar(&scenes, &options)?;
    let clock = SystemClock::shared();
    let (begun, mut drawn) = (clock.now(), 0);
    for scene in &scenes {
        bar.set_message(scene.stem.clone());
        let before = bar.position();
        let mut progress = |frames| {
            bar.set_position(before + frames);
            drawn += 1;
        };
        let clip = match &args.out {
            Some(folder) => export_clip(scene, folder, &options, &mut progress)?,
            None => cache.clip(scene, &options, &mut progress)?,
        };
        bar.set_position(before + with_options(scene, &options).frames());
        let shown = clip.video.as_ref().unwrap_or(&clip.truth);
        bar.suspend(|| println!("{}", shown.display()));
    }
    bar.finish_and_clear();
    let seconds = clock.now().since(begun).as_secs_f64();
    eprintln!(
        "{} scenes, {drawn} frames drawn in {seconds:.1} s ({:.1} frames/s)",
        scenes.len(),
        f64::from(drawn) / seconds.max(1e-9)
    );
    Ok(true)
}

/// Measures how many of the drawn figures real detectors find.
pub(in crate::cli) fn realism(args: &RealismArgs) -> anyhow::Result<bool> {
    logging::quiet()?;
    let scenes = load(&args.scenes)?;
    let options = args.export.options(false);
    let weights = args.weights.clone().or_else(weights_folder);
    let backend = model::single_backend()?;
    let mut detectors = Vec::new();
    for folder in &args.models {
        let model = Arc::new(Model::load(folder, weights.as_deref())?);
        detectors.push(Detector::open(&model, &backend)?);
    }
    let source = realism::source(SystemClock::shared())?;
    let cache = args.export.cache();
    let bar = bar(&scenes, &options)?;
    for scene in &scenes {
        bar.set_message(scene.stem.clone());
        let before = bar.position();
        let progress = &mut |frames| bar.set_position(before + frames);
        let clip: Clip = cache.clip(scene, &options, progress)?;
        let scene = with_options(scene, &options);
        realism::measure(&scene, &clip, args.every, &source, &mut detectors)?;
        bar.set_position(before + scene.frames());
    }
    bar.finish_and_clear();
    if args.json {
        println!("{}", serde_json::to_string_pretty(&rows(&detectors))?);
    } else {
        table(&detectors);
    }
    Ok(true)
}

/// One line of the result.
#[derive(serde::Serialize)]
struct Row<'d> {
    detector: &'d str,
    condition: &'static str,
    posture: Posture,
    /// Nobody's box overlaps it by more than a quarter.
    free: bool,
    band: Band,
    /// Its box is 64 pixels high, not only long.
    high: bool,
    figures: u64,
    found: u64,
    found_share: f64,
    frames: u64,
    false_people: u64,
    false_per_100_frames: f64,
}

fn rows(detectors: &[Detector]) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    for detector in detectors {
        for (condition, tally) in &detector.tallies {
            for (kind, (figures, found)) in &tally.figures {
                rows.push(Row {
                    detector: &detector.name,
                    condition,
                    posture: kind.posture,
                    free: kind.free,
                    band: kind.band,
                    high: kind.high,
                    figures: *figures,
                    found: *found,
                    found_share: *found as f64 / (*figures).max(1) as f64,
                    frames: tally.frames,
                    false_people: tally.false_people,
                    false_per_100_frames: false_per_100(tally),
                });
            }
        }
    }
    rows
}

fn false_per_100(tally: &Tally) -> f64 {
    100.0 * tally.false_people as f64 / tally.frames.max(1) as f64
}

fn table(detectors: &[Detector]) {
    let bands = [Band::Small, Band::Middle, Band::Large];
    for detector in detectors {
        println!("\n{}", detector.name);
        println!(
            "{:<10} {:<14} {:>16} {:>16} {:>16} {:>16} {:>14}",
            "condition", "posture", "64-128 px", "128-256 px", ">256 px", "all", "false/100 fr."
        );
        let mut all: BTreeMap<&str, Tally> = BTreeMap::new();
        for (condition, tally) in &detector.tallies {
            print_tally(condition, tally, bands);
            all.entry("all").or_default().add(tally);
        }
        for (word, tally) in &all {
            print_tally(word, tally, bands);
        }
    }
}

fn print_tally(condition: &str, tally: &Tally, bands: [Band; 3]) {
    let share = |(figures, found): (u64, u64)| {
        if figures == 0 {
            return "-".to_owned();
        }
        let share = 100.0 * found as f64 / figures as f64;
        format!("{share:.1} % of {figures}")
    };
    let line = |word: &str, wanted: &dyn Fn(Kind) -> bool| {
        let all = tally.sum(wanted);
        if all.0 == 0 {
            return;
        }
        let [small, middle, large] =
            bands.map(|band| share(tally.sum(|kind| wanted(kind) && kind.band == band)));
        println!(
            "{condition:<10} {word:<14} {small:>16} {middle:>16} {large:>16} {:>16} {:>14.2}",
            share(all),
            false_per_100(tally)
        );
    };
    for posture in [Posture::Upright, Posture::Bent, Posture::Low] {
        let word = posture.word();
        line(word, &|kind| kind.posture == posture);
        line(&format!("{word}, free"), &|kind| {
            kind.posture == posture && kind.free
        });
    }
    line("all", &|_| true);
    line("all, free", &|kind| kind.free);
    // Low figures that are long, but not high, left out.
    line("64 high", &|kind| kind.high);
    line("64 high, free", &|kind| kind.high && kind.free);
}
