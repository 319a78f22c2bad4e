//! What can be typed about models.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};
use parapet::cli::args::ModelFolder;

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct ModelArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: ModelCommand,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ModelCommand {
    /// Load a model folder and run it once; says what does not fit its manifest.
    Check(ModelFolder),
    /// Look at one picture; prints the detections as JSON lines, boxes normalised to the picture.
    Detect {
        #[command(flatten)]
        folder: ModelFolder,
        /// A JPEG or PNG.
        picture: PathBuf,
    },
    /// Measure person detectors on pictures whose truth is known: average precision, recall by
    /// height, false persons, time.
    Eval(EvalArgs),
    /// Fetch a public detector and write its model folder; without a name, list what there is.
    Pull(PullArgs),
}

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct EvalArgs {
    #[command(flatten)]
    pub(in crate::cli) model: ModelFolder,
    /// `[NAME=]FOLDER[,key=value…]`, for example `pets=mot/PETS09-S2L1,pictures=pets.mp4,every=5`.
    ///
    /// The folder is in YOLO's form (images/, labels/), MOT's (gt/gt.txt, seqinfo.ini, img1/) or the
    /// simulator's (*.truth.jsonl, also in folders below); those of one name are one set. Keys:
    /// every=N; for MOT also pictures=VIDEO-OR-FOLDER, first=N (the truth's number of the first
    /// picture) and scale=X (from the truth's pixels to the pictures').
    #[arg(value_name = "DATASET", required_unless_present = "empty")]
    pub(in crate::cli) datasets: Vec<String>,
    /// Another model folder, measured on the same pictures in the same run; say it again for more.
    #[arg(long, value_name = "FOLDER")]
    pub(in crate::cli) against: Vec<PathBuf>,
    /// `[NAME=]FILE` (a video, or a folder of pictures) in which nobody is; say it again for more.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) empty: Vec<String>,
    /// Look at every so many-th picture.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(in crate::cli) every: u64,
    /// The operating threshold: the score from which a detection counts for recall, precision and
    /// false persons. The default is what the tracker takes as certain.
    #[arg(long, default_value_t = parapet::config::types::TrackerConfig::default().high_score, value_name = "SCORE")]
    pub(in crate::cli) threshold: f32,
    /// Simulated figures of which less can be seen are ignored: neither hit nor miss.
    #[arg(long, default_value_t = 0.5, value_name = "SHARE")]
    pub(in crate::cli) min_visible: f32,
    /// Simulated figures whose longer side has fewer pixels are ignored.
    #[arg(long, default_value_t = 16.0, value_name = "PIXELS")]
    pub(in crate::cli) min_pixels: f32,
    /// Write everything as JSON too.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) json: Option<PathBuf>,
    /// No progress bar.
    #[arg(long)]
    pub(in crate::cli) quiet: bool,
}

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct PullArgs {
    /// Its name in the registry.
    pub(in crate::cli) name: Option<String>,
    /// Where the model's folder goes; made where it does not exist.
    #[arg(long, default_value = "models", value_name = "FOLDER")]
    pub(in crate::cli) into: PathBuf,
    /// Take the weights from this file, fetched elsewhere, and use no network.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) from: Option<PathBuf>,
    /// Take a model whose SHA-256 the registry does not know; prints the one found.
    #[arg(long)]
    pub(in crate::cli) accept_unverified: bool,
    /// Another registry than the built-in one (`models/registry.toml`).
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) registry: Option<PathBuf>,
    /// No progress bar.
    #[arg(long)]
    pub(in crate::cli) quiet: bool,
}
