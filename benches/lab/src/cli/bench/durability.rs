//! The journal and its delivery under kills, faults and load. Every command
//! prints a table and ends with exit code 1 when a promise was broken.

mod delivered;
mod disk;
mod drain;
mod kill;
mod ledger;
pub(super) mod load;
mod mounts;
mod node;
mod stalled;

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use parapet::config::types::{LogConfig, LogFormat};

/// What of it.
#[derive(Debug, Subcommand)]
pub(super) enum DurabilityCommand {
    /// Kill a journal with its API by SIGKILL at random points under load, again and again, and
    /// account for every event: lost, invented and repeated.
    Kill(KillArgs),
    /// Fill a journal and drain it over gRPC as after a long outage.
    Drain(DrainArgs),
    /// The latency of a live subscriber, alone and beside one that never reads.
    Stalled(StalledArgs),
    /// Disk full, I/O error, read-only file system, corrupt page. Needs root for its mounts.
    Disk,
    /// What `kill` kills.
    #[command(hide = true)]
    Node(NodeArgs),
}

#[derive(Debug, ClapArgs)]
pub(super) struct KillArgs {
    /// How often.
    #[arg(long, default_value_t = 100, value_name = "N")]
    kills: u32,
    /// The same seed kills after the same times.
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// Where the journal lies; by default a folder that is removed afterwards.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct DrainArgs {
    /// How many events.
    #[arg(long, default_value_t = 200_000, value_name = "N")]
    events: u64,
}

#[derive(Debug, ClapArgs)]
pub(super) struct StalledArgs {
    /// How long each of the two parts takes.
    #[arg(long, default_value_t = 20, value_name = "SECONDS")]
    seconds: u64,
    /// Events a second.
    #[arg(long, default_value_t = 200, value_name = "N")]
    rate: u32,
}

#[derive(Debug, ClapArgs)]
pub(super) struct NodeArgs {
    #[arg(long)]
    folder: PathBuf,
    /// Stands in every event's id.
    #[arg(long)]
    run: u64,
    #[arg(long)]
    seed: u64,
    /// Serve only.
    #[arg(long)]
    quiet: bool,
}

pub(super) fn run(command: DurabilityCommand) -> anyhow::Result<bool> {
    // The disk bench breaks disks on purpose; what the journal says to that fills pages. The others
    // speak plain text on loopback, and the warning of it is none here.
    let filter = match command {
        DurabilityCommand::Disk => "off",
        _ => "error",
    };
    super::super::logging::start(&LogConfig {
        format: LogFormat::Human,
        filter: filter.to_owned(),
    })?;
    match command {
        DurabilityCommand::Kill(args) => super::super::runtime()?.block_on(kill::run(args)),
        DurabilityCommand::Drain(args) => {
            super::super::runtime()?.block_on(drain::run(args.events))
        }
        DurabilityCommand::Stalled(args) => super::super::runtime()?.block_on(stalled::run(&args)),
        DurabilityCommand::Disk => disk::run(),
        DurabilityCommand::Node(args) => super::super::runtime()?.block_on(node::run(args)),
    }
}
