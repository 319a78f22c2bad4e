//! What can be typed. The help texts are the manual.

mod model;
mod pki;
mod replay;

use std::path::PathBuf;

use clap::{Args as ClapArgs, CommandFactory as _, Parser, Subcommand};

use super::bench::BenchArgs;
use super::sim::control::ControlArgs;
use super::sim::load::LoadArgs;
use super::sim::serve::ServeArgs;
pub(super) use model::{EvalArgs, ModelArgs, ModelCommand, PullArgs};
pub(super) use pki::{PkiArgs, PkiCommand};
pub(super) use replay::{ModeArg, ReplayArgs};

/// Tools that prove Parapet: replay, simulator, benches, model evaluation.
#[derive(Debug, Parser)]
#[command(name = "parapet-lab", version, about, max_term_width = 100)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Command,
}

/// The tools' command line as it is documented.
pub(super) fn command() -> clap::Command {
    Args::command()
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Play recordings through the daemon's own pipeline: events as JSON lines, or scored against
    /// what was expected of them.
    Replay(Box<ReplayArgs>),
    /// The whole path on this machine: RTSP cameras, the daemon and a subscriber in one process.
    Demo(DemoArgs),
    /// Check a model folder, look at a picture with it, measure it, or fetch a public one.
    Model(ModelArgs),
    /// Score tracker output in MOTChallenge format, or run the tracker on stored detections.
    Mot(MotArgs),
    /// Stand-ins for cameras: serve them, make them fail, watch them.
    Sim(SimArgs),
    /// Measurements that anyone can run again.
    Bench(BenchArgs),
    /// Make a test authority and certificates for mutual TLS.
    Pki(PkiArgs),
    /// Write the manual pages and the shells' completions of both packages.
    #[command(hide = true)]
    Manual(ManualArgs),
}

#[derive(Debug, ClapArgs)]
pub(super) struct DemoArgs {
    /// How many RTSP cameras.
    #[arg(long, default_value_t = 4, value_name = "N")]
    pub(super) cameras: usize,
    /// How long, in seconds; 0 runs until Ctrl-C.
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    pub(super) seconds: u64,
    /// The folder that holds the demo's clip and configuration; by default `testdata` here, else
    /// what the package installed.
    #[arg(long, value_name = "FOLDER")]
    pub(super) testdata: Option<PathBuf>,
    /// Print events as JSON lines, for machines.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct ManualArgs {
    /// Where to; made where it does not exist.
    pub(super) folder: PathBuf,
}

#[derive(Debug, ClapArgs)]
pub(super) struct MotArgs {
    #[command(subcommand)]
    pub(super) command: MotCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum MotCommand {
    /// CLEAR and IDF1 of stored tracker output against ground truth, at IoU 0.5.
    Score {
        /// `gt.txt`.
        truth: PathBuf,
        /// The tracker's output.
        output: PathBuf,
    },
    /// Run the tracker on a sequence folder's `det/det.txt`; scores it where `gt/gt.txt` lies too.
    Track {
        /// Folders with `det/det.txt` and `seqinfo.ini`.
        #[arg(required = true)]
        sequences: Vec<PathBuf>,
    },
}

#[derive(Debug, ClapArgs)]
pub(super) struct SimArgs {
    #[command(subcommand)]
    pub(super) command: SimCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum SimCommand {
    /// Check scene files: prints every error with file and line, else what happens in them.
    Check(super::sim::scenes::CheckArgs),
    /// Draw scenes: a clip, its truth, its configuration and the events that must come of it.
    Render(super::sim::scenes::RenderArgs),
    /// Measure which share of the drawn people real detectors find, and what else they report.
    Realism(super::sim::scenes::RealismArgs),
    /// Serve recordings as RTSP cameras, looping them without end, with faults on command.
    Serve(ServeArgs),
    /// Tell a camera server that serves what to do: put faults in force, end them, report, stop.
    Control(ControlArgs),
    /// Connect many viewers to RTSP cameras and count the pictures that come; decodes nothing.
    #[command(alias = "watch")]
    Load(LoadArgs),
}
