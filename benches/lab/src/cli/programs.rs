//! The two programs that the benches start as processes of their own.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;

/// The daemon, `parapet`: beside this program, else along `PATH`.
pub(super) fn daemon() -> anyhow::Result<Command> {
    let file = parapet::cli::tools::find("parapet").context(
        "the daemon `parapet` is neither beside this program nor on the PATH: \
         install the package parapet, or build it with `cargo build --workspace`",
    )?;
    Ok(Command::new(file))
}

/// This program once more.
pub(super) fn lab() -> anyhow::Result<Command> {
    Ok(Command::new(this()?))
}

fn this() -> anyhow::Result<PathBuf> {
    std::env::current_exe().context("this program's own file is not known")
}
