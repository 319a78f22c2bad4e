//! `parapet bench fleet`: a camera server and the daemon as processes of their own; what the
//! daemon sees, what it tells and when, and what each stage costs.
//!
//! Quiet cameras play an empty night picture. At random times somebody walks into a few of them:
//! the camera server cuts to the other clip at a keyframe and says when, the clip's truth says what is owed
//! and when, and a subscriber of the daemon's API says when it heard of it.

mod clips;
pub(super) mod density;
mod gaps;
mod outcome;
mod probe;
mod run;
mod script;
mod setup;
mod table;
mod threads;

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

use crate::cli::logging;

use run::{Stretch, measure};

/// How the cameras are watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Mode {
    /// Only keyframes are decoded while nothing moves.
    Watch,
    /// Every picture is decoded.
    Always,
}

impl Mode {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Watch => "watch",
            Self::Always => "always",
        }
    }
}

/// What a fleet is like, whatever its size.
#[derive(Clone, Debug, ClapArgs)]
pub(super) struct FleetKind {
    /// How they are watched.
    #[arg(long, value_enum, default_value_t = Mode::Watch)]
    pub(super) mode: Mode,
    /// The detector's folder.
    #[arg(long, default_value = "models/person", value_name = "FOLDER")]
    pub(super) model: PathBuf,
    /// `scenes`: the two night scenes of benches/fleet, 1080p at 12.5 fps and about 130 kbit/s. Or a
    /// recording that all cameras play; say it again for more, given to the cameras in turn.
    #[arg(long, default_value = "scenes", value_name = "FILE")]
    pub(super) clip: Vec<PathBuf>,
    /// With a recording: what it is replaced by when somebody intrudes, one for each --clip, with
    /// configuration and expectation beside it as `parapet sim render` writes them.
    #[arg(long, value_name = "FILE")]
    pub(super) intrusion: Vec<PathBuf>,
    /// Into so many cameras somebody walks.
    #[arg(long, default_value_t = 10, value_name = "N")]
    pub(super) intrusions: usize,
    /// What receives the cameras; by default the built-in one.
    #[arg(long, value_parser = ["retina", "gstreamer"], value_name = "CLIENT")]
    pub(super) client: Option<String>,
    /// Pictures analysed a second and camera, at most.
    #[arg(long, default_value_t = 5.0, value_name = "N")]
    pub(super) analysis_fps: f64,
    /// The largest gap between two analysed frames that is promised; by default 10 s in watch mode
    /// and 1 s in always mode.
    #[arg(long, value_name = "SECONDS")]
    pub(super) promise: Option<f64>,
    /// The same seed, the same intrusions.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub(super) seed: u64,
    /// The daemon gets so many cameras a second at the start; by default all at once.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) ramp: Option<u64>,
    /// How long the cameras may take to stream and, in watch mode, to fall asleep before the
    /// measurement begins all the same.
    #[arg(long, default_value_t = 180, value_name = "SECONDS")]
    pub(super) warm_up: u64,
}

#[derive(Debug, ClapArgs)]
pub(super) struct FleetArgs {
    /// How many cameras.
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=5_000))]
    cameras: u64,
    /// How long is measured, after the warm-up.
    #[arg(long, default_value_t = 3.0, value_name = "MINUTES")]
    minutes: f64,
    /// Measure three times: with the cameras, with so many times as many, and with the first ones
    /// again.
    #[arg(long, value_name = "FACTOR")]
    overload: Option<f64>,
    #[command(flatten)]
    kind: FleetKind,
    /// Print JSON instead of the table.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: FleetArgs) -> anyhow::Result<bool> {
    logging::quiet()?;
    let cameras = usize::try_from(args.cameras)?;
    let stretch = |name, cameras| Stretch {
        name,
        cameras,
        seconds: args.minutes * 60.0,
    };
    let stretches = match args.overload {
        None => vec![stretch("", cameras)],
        Some(factor) => {
            anyhow::ensure!(
                factor > 1.0 && factor <= 10.0,
                "--overload must be above 1 and at most 10"
            );
            let more = (cameras as f64 * factor).round() as usize;
            vec![
                stretch("before", cameras),
                stretch("overload", more),
                stretch("after", cameras),
            ]
        }
    };
    let outcome = measure(&args.kind, &stretches).await?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&outcome)?);
    } else {
        table::tell(&outcome);
    }
    Ok(outcome.broken.is_empty() && outcome.stopped_cleanly)
}
