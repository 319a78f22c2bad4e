//! The commands of `parapet-lab`, which `parapet NAME` hands over to. Exit codes as the daemon's.
#![expect(clippy::print_stderr, reason = "a command line speaks here")]

/// What `println!` does, but a reader that went away ends the command quietly.
macro_rules! println {
    ($($word:tt)*) => { parapet::cli::say(format_args!($($word)*)) };
}

mod args;
mod bench;
mod demo;
mod manual;
mod model;
mod mot;
mod pki;
mod programs;
mod replay;
mod sim;

use std::process::ExitCode;

use clap::Parser as _;
use parapet::cli::{BadConfig, exit_code, load, logging, real_ports, runtime};

/// Runs the command of this process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    exit_code(|| dispatch(args::Args::parse()))
}

fn dispatch(args: args::Args) -> anyhow::Result<bool> {
    use args::Command;
    match args.command {
        Command::Replay(args) => runtime()?.block_on(replay::run(*args)),
        Command::Pki(args) => pki::run(args),
        Command::Demo(args) => runtime()?.block_on(demo::run(args)),
        Command::Model(args) => model::run(args),
        Command::Mot(args) => mot::run(args),
        Command::Sim(args) => sim::run(args),
        Command::Manual(args) => manual::run(&args),
        Command::Bench(args) => bench::run(args),
    }
}
