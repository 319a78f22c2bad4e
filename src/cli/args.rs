//! What can be typed. The help texts are the manual.

mod security;

use std::path::{Path, PathBuf};

pub use security::ConnectArgs;
pub(super) use security::{AdminArgs, AdminCommand, AuditArgs, AuditCommand, AuditFile};

use std::ffi::OsString;

use clap::{Args as ClapArgs, CommandFactory as _, Parser, Subcommand, ValueEnum};

use super::tools;

/// Watches cameras and tells what is wrong, without losing the word.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100, after_help = tools::help())]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Command,
}

/// The daemon's command line as it is documented: manual pages and completions are made of it.
#[must_use]
pub fn command() -> clap::Command {
    Args::command()
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the daemon. SIGHUP reloads the configuration, SIGTERM stops cleanly.
    Run(RunArgs),
    /// Check a configuration: prints every error with file and line; exit code 64 when there is one.
    Check(CheckArgs),
    /// Follow the events of a running daemon over gRPC: a line each on a terminal, JSON lines
    /// elsewhere; or verify a journal.
    Events(EventsArgs),
    /// Show the cameras of a running daemon and how they are.
    Cameras(CamerasArgs),
    /// Deal with a running daemon's cameras, consumers, configuration and clients.
    Admin(AdminArgs),
    /// Look at the audit log: who did what, and whether its chain holds.
    Audit(AuditArgs),
    /// Check a model folder; with the tools also look at a picture, measure, fetch.
    Model(ModelArgs),
    #[command(external_subcommand)]
    Tool(Vec<OsString>),
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
    file: PathBuf,
    /// The same, as `run` takes it.
    #[arg(long, short, value_name = "FILE", conflicts_with = "file")]
    config: Option<PathBuf>,
}

impl CheckArgs {
    /// The file to check.
    pub(super) fn config(&self) -> &Path {
        self.config.as_deref().unwrap_or(&self.file)
    }
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
    /// Only these kinds, for example `zone_intrusion`; a kind of a newer daemon goes by its number.
    #[arg(long, value_name = "KIND")]
    pub(super) kind: Vec<String>,
    /// Only this severity and worse.
    #[arg(long, value_name = "SEVERITY")]
    pub(super) min_severity: Option<SeverityArg>,
    /// End after this many events.
    #[arg(long, value_name = "N")]
    pub(super) limit: Option<u64>,
    /// Print JSON lines on a terminal too.
    #[arg(long, conflicts_with = "readable")]
    pub(super) json: bool,
    /// Print lines for people where standard output is no terminal too.
    #[arg(long)]
    pub(super) readable: bool,
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
pub(super) struct ModelArgs {
    #[command(subcommand)]
    pub(super) command: ModelCommand,
}

#[derive(Debug, Subcommand)]
#[command(after_help = tools::help())]
pub(super) enum ModelCommand {
    /// Load a model folder and run it once; says what does not fit its manifest.
    Check(ModelFolder),
    #[command(external_subcommand)]
    Tool(Vec<OsString>),
}

/// A model as it is named on a command line.
#[derive(Debug, ClapArgs)]
pub struct ModelFolder {
    /// The folder that holds `model.toml`.
    pub folder: PathBuf,
    /// Where the weights lie when not in the folder.
    #[arg(long, value_name = "FOLDER")]
    pub weights: Option<PathBuf>,
}
