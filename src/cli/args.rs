//! What can be typed. The help texts are the manual.

mod model;
mod replay;
mod security;

use std::path::PathBuf;

pub(super) use model::{EvalArgs, ModelArgs, ModelCommand, ModelFolder, PullArgs};
pub(super) use security::{
    AdminArgs, AdminCommand, AuditArgs, AuditCommand, AuditFile, ConnectArgs, PkiArgs, PkiCommand,
};

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

use super::bench::BenchArgs;
use super::sim::control::ControlArgs;
use super::sim::serve::ServeArgs;
use super::sim::watch::WatchArgs;
pub(super) use replay::{ModeArg, ReplayArgs};

/// Watches cameras and tells what is wrong, without losing the word.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the daemon. SIGHUP reloads the configuration, SIGTERM stops cleanly.
    Run(RunArgs),
    /// Check a configuration: prints every error with file and line; exit code 64 when there is one.
    Check(CheckArgs),
    /// Play recordings through the daemon's own pipeline: events as JSON lines, or scored against
    /// what was expected of them.
    Replay(Box<ReplayArgs>),
    /// Follow the events of a running daemon over gRPC, as JSON lines; or verify a journal.
    Events(EventsArgs),
    /// Show the cameras of a running daemon and how they are.
    Cameras(CamerasArgs),
    /// Deal with a running daemon's cameras, consumers, configuration and clients.
    Admin(AdminArgs),
    /// Look at the audit log: who did what, and whether its chain holds.
    Audit(AuditArgs),
    /// Make a test authority and certificates for mutual TLS.
    Pki(PkiArgs),
    /// The whole path on this machine: RTSP cameras, the daemon and a subscriber in one process.
    Demo(DemoArgs),
    /// Check a model folder, look at a picture with it, measure it, or fetch a public one.
    Model(ModelArgs),
    /// Score tracker output in MOTChallenge format, or run the tracker on stored detections.
    Mot(MotArgs),
    /// Stand-ins for cameras: serve them, make them fail, watch them.
    Sim(SimArgs),
    /// Write the manual pages and the shells' completions, as the package brings them.
    #[command(hide = true)]
    Manual(ManualArgs),
    /// Measurements that anyone can run again.
    Bench(BenchArgs),
}

#[derive(Debug, ClapArgs)]
pub(super) struct RunArgs {
    /// The configuration file; a folder `cameras.d` beside it is read too.
    #[arg(
        long,
        short,
        default_value = "/etc/parapet/parapet.toml",
        value_name = "FILE"
    )]
    pub(super) config: PathBuf,
}

#[derive(Debug, ClapArgs)]
pub(super) struct CheckArgs {
    /// The configuration file; a folder `cameras.d` beside it is read too.
    #[arg(default_value = "/etc/parapet/parapet.toml", value_name = "FILE")]
    pub(super) config: PathBuf,
}

#[derive(Debug, ClapArgs)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct EventsArgs {
    #[command(subcommand)]
    pub(super) command: Option<EventsCommand>,
    #[command(flatten)]
    pub(super) connect: ConnectArgs,
    /// Subscribe as this durable consumer and acknowledge what was printed.
    #[arg(long, value_name = "NAME", conflicts_with = "after")]
    pub(super) consumer: Option<String>,
    /// Begin after this sequence; 0 is the beginning of the journal.
    #[arg(long, default_value_t = 0, value_name = "SEQUENCE")]
    pub(super) after: u64,
    /// Only these cameras.
    #[arg(long, value_name = "ID")]
    pub(super) camera: Vec<String>,
    /// Only these kinds, for example `zone_intrusion`.
    #[arg(long, value_name = "KIND")]
    pub(super) kind: Vec<String>,
    /// Only this severity and worse.
    #[arg(long, value_name = "SEVERITY")]
    pub(super) min_severity: Option<SeverityArg>,
    /// End after this many events.
    #[arg(long, value_name = "N")]
    pub(super) limit: Option<u64>,
}

#[derive(Debug, Subcommand)]
pub(super) enum EventsCommand {
    /// Check the whole hash chain of a journal, also while a daemon writes to it; names every
    /// damaged record.
    Verify {
        /// The journal; by default the configured one.
        file: Option<PathBuf>,
        /// The configuration that names it.
        #[arg(
            long,
            short,
            default_value = "/etc/parapet/parapet.toml",
            value_name = "FILE"
        )]
        config: PathBuf,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum SeverityArg {
    Info,
    Warning,
    Alarm,
    Critical,
}

#[derive(Debug, ClapArgs)]
pub(super) struct CamerasArgs {
    #[command(flatten)]
    pub(super) connect: ConnectArgs,
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
    /// Tell a wall that serves what to do: put faults in force, end them, report, stop.
    Control(ControlArgs),
    /// Connect many viewers to RTSP cameras and count the pictures that come; decodes nothing.
    Watch(WatchArgs),
}
