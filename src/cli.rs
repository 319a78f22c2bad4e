//! Floor 7: the commands of the binary, and what the tools' commands share with them.
//!
//! Exit codes: 0 done, 1 failed, 64 the configuration is wrong (`EX_USAGE` of sysexits.h). A command
//! that is not the daemon's own is handed over to the tools ([`tools`]).
#![expect(clippy::print_stderr, reason = "a command line speaks here")]

/// What `println!` does, but a reader that went away ends the command quietly.
macro_rules! println {
    ($($word:tt)*) => { $crate::cli::say(format_args!($($word)*)) };
}

mod admin;
pub mod args;
mod audit;
mod check;
mod connect;
pub mod event_line;
mod events;
pub mod logging;
pub mod model;
mod run;
pub mod tools;

use std::io::{ErrorKind, Write as _};
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Parser as _;

use crate::app::Ports;
use crate::base::clock::{SharedClock, SystemClock};
use crate::config::types::InferenceConfig;
use crate::config::{self, Config};
use crate::infer::ort::OrtBackend;
use crate::ingest::{FileStart, GstSource};

/// A configuration that cannot be used: exit code 64.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadConfig(pub String);

/// Runs the command of this process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    exit_code(|| dispatch(args::Args::parse()))
}

/// Runs a command: `Ok(false)` and an error are exit code 1, [`BadConfig`] is 64. The error's chain
/// goes to standard error.
#[must_use]
pub fn exit_code(command: impl FnOnce() -> anyhow::Result<bool>) -> ExitCode {
    crate::base::allocator::configure();
    let done = std::panic::catch_unwind(AssertUnwindSafe(command));
    match done.unwrap_or_else(ended) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            if let Some(bad) = error.downcast_ref::<BadConfig>() {
                eprintln!("{bad}");
                return ExitCode::from(64);
            }
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Nobody reads standard output any more, as after `| head`.
struct ReaderGone;

/// Writes a line to standard output. Ends the command quietly where nobody reads any more.
///
/// # Panics
/// Where standard output cannot be written.
pub fn say(words: std::fmt::Arguments<'_>) {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{words}") {
        Ok(()) => {}
        // Unwinds, so that what the command started is cleaned up; no hook prints a word.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {
            std::panic::resume_unwind(Box::new(ReaderGone))
        }
        Err(error) => panic!("standard output cannot be written: {error}"),
    }
}

fn ended(panic: Box<dyn std::any::Any + Send>) -> anyhow::Result<bool> {
    if panic.is::<ReaderGone>() {
        return Ok(true);
    }
    std::panic::resume_unwind(panic)
}

fn dispatch(args: args::Args) -> anyhow::Result<bool> {
    use args::Command;
    match args.command {
        Command::Run(args) => run::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Events(args) => runtime()?.block_on(events::run(args)),
        Command::Cameras(args) => runtime()?.block_on(events::cameras(args)),
        Command::Admin(args) => runtime()?.block_on(admin::run(args)),
        Command::Audit(args) => audit::run(args),
        Command::Model(args) => model::run(args),
        Command::Tool(words) => tools::hand_over(&words),
    }
}

/// Reads a configuration and prints its warnings.
///
/// # Errors
/// [`BadConfig`] with everything that is wrong.
pub fn load(path: &std::path::Path) -> anyhow::Result<Config> {
    match config::load(path, &config::SystemEnvironment) {
        Ok(loaded) => {
            for warning in &loaded.warnings {
                eprintln!("warning: {warning}");
            }
            Ok(loaded.config)
        }
        Err(errors) => Err(BadConfig(errors.to_string()).into()),
    }
}

/// The control plane's threads.
///
/// # Errors
/// Where they cannot be started.
pub fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(64)
        .thread_name("control")
        .enable_all()
        .build()
        .context("the control plane's threads could not start")
}

/// Real cameras, real inference and the system's clock.
///
/// # Errors
/// Where ONNX Runtime or GStreamer is missing.
pub fn real_ports(inference: &InferenceConfig, start: FileStart) -> anyhow::Result<Ports> {
    let clock: SharedClock = SystemClock::shared();
    let backend = Arc::new(OrtBackend::new(inference)?);
    let source = Arc::new(GstSource::new(Arc::clone(&clock), start)?);
    Ok(Ports {
        source,
        backend,
        clock,
    })
}
