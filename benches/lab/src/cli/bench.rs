//! `parapet bench`: measurements that anyone can run again.

mod durability;
mod faults;
mod fleet;
mod hostile;
mod judge;
mod model;
mod processes;
mod soak;
mod stage;
mod table;

use clap::{Args as ClapArgs, Subcommand};

/// `parapet bench WHAT`.
#[derive(Debug, ClapArgs)]
pub(super) struct BenchArgs {
    #[command(subcommand)]
    command: BenchCommand,
}

#[derive(Debug, Subcommand)]
enum BenchCommand {
    /// A camera server fails in every way it can; tells what the daemon noticed, how soon, and
    /// what its other cameras lost. Exit code 1 where a limit was not kept.
    Faults(faults::FaultsArgs),
    /// Random faults for a long time; tells whether memory, threads and descriptors stay flat.
    Soak(soak::SoakArgs),
    /// Garbage, slow-loris, floods and oversized messages against the API, and what a live
    /// subscriber notices of it. Exit code 1 where it noticed too much.
    Hostile(hostile::HostileArgs),
    /// A camera server and the daemon as processes of their own: cameras connected, frames, gaps,
    /// latency of events against the truth, processor time by stage. Exit code 1 where a promise was
    /// not kept.
    Fleet(fleet::FleetArgs),
    /// The largest fleet that keeps its promises on this machine beside its camera server, found by short
    /// runs; what stops it, and the cost of a camera by stage.
    Density(fleet::density::DensityArgs),
    /// Batch sizes and threads of a model on this machine: milliseconds and pictures a second, and
    /// which the daemon would take at its start.
    Model(model::ModelArgs),
    #[command(flatten)]
    Durability(durability::DurabilityCommand),
}

pub(super) fn run(args: BenchArgs) -> anyhow::Result<bool> {
    match args.command {
        BenchCommand::Faults(args) => super::runtime()?.block_on(faults::run(args)),
        BenchCommand::Soak(args) => super::runtime()?.block_on(soak::run(args)),
        BenchCommand::Fleet(args) => super::runtime()?.block_on(fleet::run(args)),
        BenchCommand::Density(args) => super::runtime()?.block_on(fleet::density::run(args)),
        BenchCommand::Model(args) => model::run(&args),
        BenchCommand::Hostile(args) => {
            super::logging::quiet()?;
            super::runtime()?.block_on(hostile::run(args))
        }
        BenchCommand::Durability(command) => durability::run(command),
    }
}
