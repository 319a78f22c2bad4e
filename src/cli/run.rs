//! `parapet run`.

use super::args::RunArgs;
use super::{load, logging, real_ports, runtime};
use crate::app::service;
use crate::ingest::FileStart;

pub(super) fn run(args: &RunArgs) -> anyhow::Result<bool> {
    let config = load(&args.config)?;
    logging::start(&config.log)?;
    let ports = real_ports(&config.inference, FileStart::Now)?;
    let runtime = runtime()?;
    let clean = runtime.block_on(service::run(&args.config, config, ports))?;
    // What is still blocked in a driver after a clean stop must not hold the process.
    runtime.shutdown_background();
    Ok(clean)
}
