//! `parapet bench`: measurements that anyone can run again.

mod durability;
mod faults;
mod hostile;
mod judge;
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
    /// A wall of cameras fails in every way it can; tells what the daemon noticed, how soon, and
    /// what its other cameras lost. Exit code 1 where a limit was not kept.
    Faults(faults::FaultsArgs),
    /// Random faults for a long time; tells whether memory, threads and descriptors stay flat.
    Soak(soak::SoakArgs),
    /// Garbage, slow-loris, floods and oversized messages against the API, and what a live
    /// subscriber notices of it. Exit code 1 where it noticed too much.
    Hostile(hostile::HostileArgs),
    #[command(flatten)]
    Durability(durability::DurabilityCommand),
}

pub(super) fn run(args: BenchArgs) -> anyhow::Result<bool> {
    match args.command {
        BenchCommand::Faults(args) => super::runtime()?.block_on(faults::run(args)),
        BenchCommand::Soak(args) => super::runtime()?.block_on(soak::run(args)),
        BenchCommand::Hostile(args) => {
            super::logging::quiet()?;
            super::runtime()?.block_on(hostile::run(args))
        }
        BenchCommand::Durability(command) => durability::run(command),
    }
}
