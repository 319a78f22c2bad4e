//! `parapet run`.

use anyhow::Context as _;

use super::args::RunArgs;
use super::{load, logging, real_ports, runtime};
use crate::app::service;
use crate::ingest::FileStart;

/// No core dump and no debugger of the same user shows what is in memory (prctl(2),
/// PR_SET_DUMPABLE; setrlimit(2), RLIMIT_CORE).
fn keep_memory_private() -> anyhow::Result<()> {
    use rustix::process::{DumpableBehavior, Resource, Rlimit};
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .context("core dumps cannot be switched off")?;
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    rustix::process::setrlimit(Resource::Core, none).context("core dumps cannot be limited")
}

pub(super) fn run(args: &RunArgs) -> anyhow::Result<bool> {
    // Before the first secret is read.
    keep_memory_private()?;
    let config = load(&args.config)?;
    logging::start(&config.log)?;
    let ports = real_ports(&config.inference, FileStart::Now)?;
    let runtime = runtime()?;
    let clean = runtime.block_on(service::run(&args.config, config, ports))?;
    // What is still blocked in a driver after a clean stop must not hold the process.
    runtime.shutdown_background();
    Ok(clean)
}
