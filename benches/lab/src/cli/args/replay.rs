//! `parapet replay`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

use crate::replay::score::DEFAULT_ALPHA;
use parapet::model::geometry::Size;

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct ReplayArgs {
    /// Recordings: mp4, mkv, avi or raw H.264/H.265. With --detections: MOTChallenge files
    /// (frame,id,left,top,width,height,score,… in pixels), called CLIP.mot.txt or CLIP.txt.
    #[arg(required = true, value_name = "FILE")]
    pub(in crate::cli) files: Vec<PathBuf>,
    /// The files hold detections: tracker and rules run without model and video.
    #[arg(long)]
    pub(in crate::cli) detections: bool,
    /// The configuration that names models, rules and cameras. Not needed where each clip's
    /// expectation file names one.
    #[arg(long, short, value_name = "FILE")]
    pub(in crate::cli) config: Option<PathBuf>,
    /// The camera whose rules apply; by default the one of the expectation file, the one called
    /// like the recording, or the only one.
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) camera: Option<String>,
    /// When each recording began, RFC 3339; event times count from here.
    #[arg(long, default_value = "1970-01-01T00:00:00Z", value_name = "TIME")]
    pub(in crate::cli) start: String,
    /// Look at this many pictures a second instead of the configured number. With --detections:
    /// how many frames a second the files have, where the expectation file does not say.
    #[arg(long, value_name = "N")]
    pub(in crate::cli) fps: Option<f64>,
    /// The picture's size in the detections' pixels, where the expectation file does not say.
    #[arg(long, value_name = "WIDTHxHEIGHT", value_parser = size, requires = "detections")]
    pub(in crate::cli) picture: Option<Size>,
    /// No progress bar and no summary; events or tables only.
    #[arg(long, short)]
    pub(in crate::cli) quiet: bool,
    /// Score the events against CLIP.expect.toml beside each clip. Fails where a clip could not
    /// be played or a limit is not kept.
    #[arg(long)]
    pub(in crate::cli) expect: bool,
    /// Look for expectation files in this folder instead.
    #[arg(long, value_name = "FOLDER")]
    pub(in crate::cli) expectations: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) gate: GateArgs,
    /// Draft CLIP.expect.toml from what was told, for a person to confirm.
    #[arg(long, conflicts_with = "expect")]
    pub(in crate::cli) record: bool,
    /// Let --record overwrite.
    #[arg(long, requires = "record")]
    pub(in crate::cli) force: bool,
    /// Decode every picture, or only keyframes while nothing moves, whatever the camera's `mode`.
    #[arg(long, value_enum, value_name = "MODE")]
    pub(in crate::cli) mode: Option<ModeArg>,
    /// Write what each clip cost (frames, seconds by stage, processor time) as JSON.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["expect", "compare_modes"])]
    pub(in crate::cli) cost_json: Option<PathBuf>,
    /// Write what the detector found into CLIP.mot.txt in this folder, as --detections reads it.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["expect", "compare_modes"])]
    pub(in crate::cli) write_detections: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) modes: ModesArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ModeArg {
    Always,
    Watch,
}

#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "With --compare-modes")]
pub(in crate::cli) struct ModesArgs {
    /// Play each clip in always and in watch mode and tell what watch mode misses, how much later
    /// it knows and what it saves.
    #[arg(long, conflicts_with_all = ["expect", "record", "detections", "mode"])]
    pub(in crate::cli) compare_modes: bool,
    /// Let cameras sleep after so many quiet seconds instead of the configured number.
    #[arg(long, value_name = "SECONDS", requires = "compare_modes")]
    pub(in crate::cli) quiet_seconds: Option<f64>,
    /// Let the detector probe this often instead.
    #[arg(long, value_name = "SECONDS", requires = "compare_modes")]
    pub(in crate::cli) heartbeat_seconds: Option<f64>,
    /// As on a server that its cameras take whole: sleeping cameras are looked at no more often than is
    /// promised, and where something stirs.
    #[arg(long, requires = "compare_modes")]
    pub(in crate::cli) scarce: bool,
    /// Fail below this share of always mode's events.
    #[arg(long, value_name = "R", requires = "compare_modes")]
    pub(in crate::cli) min_share: Option<f64>,
    /// Fail where the first detection is later than this, at the 95th percentile.
    #[arg(long, value_name = "SECONDS", requires = "compare_modes")]
    pub(in crate::cli) max_later: Option<f64>,
    /// Write the comparison as JSON.
    #[arg(long, value_name = "FILE", requires = "compare_modes")]
    pub(in crate::cli) compare_json: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "With --expect")]
pub(in crate::cli) struct GateArgs {
    /// The recall bias of F1 = (A+1)·R·P / (R+A·P).
    #[arg(long, default_value_t = DEFAULT_ALPHA, value_name = "A", requires = "expect")]
    pub(in crate::cli) alpha: f64,
    /// Fail below this F1.
    #[arg(long, value_name = "F1", requires = "expect")]
    pub(in crate::cli) min_f1: Option<f64>,
    /// Fail below this share of expected events that were told in time.
    #[arg(long, value_name = "R", requires = "expect")]
    pub(in crate::cli) min_recall: Option<f64>,
    /// Fail above this many false alarms in one camera's hour.
    #[arg(long, value_name = "N", requires = "expect")]
    pub(in crate::cli) max_false_per_hour: Option<f64>,
    /// Write the whole result as JSON.
    #[arg(long, value_name = "FILE", requires = "expect")]
    pub(in crate::cli) report_json: Option<PathBuf>,
    /// Write it as JUnit XML: a suite per clip, a case per expected event.
    #[arg(long, value_name = "FILE", requires = "expect")]
    pub(in crate::cli) junit: Option<PathBuf>,
    /// Write it as one self-contained page, with a picture of each miss and false alarm. Those
    /// pictures show people: put the page where the recording itself may lie.
    #[arg(long, value_name = "FILE", requires = "expect")]
    pub(in crate::cli) html: Option<PathBuf>,
}

fn size(text: &str) -> Result<Size, String> {
    let sides = text.split_once(['x', '×']);
    let side = |text: &str| text.parse().ok().filter(|side| (2..=16_384).contains(side));
    sides
        .and_then(|(width, height)| {
            Some(Size {
                width: side(width)?,
                height: side(height)?,
            })
        })
        .ok_or_else(|| "write it such as 1920x1080".to_owned())
}
