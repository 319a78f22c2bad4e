//! `parapet manual`: what `--help` says, as manual pages and completions.

use anyhow::Context as _;
use clap::CommandFactory as _;
use clap_complete::Shell;

use super::args::{Args, ManualArgs};

pub(super) fn run(args: &ManualArgs) -> anyhow::Result<bool> {
    let folder = &args.folder;
    let cannot = || format!("{}: cannot be written", folder.display());
    std::fs::create_dir_all(folder).with_context(cannot)?;
    clap_mangen::generate_to(Args::command(), folder).with_context(cannot)?;
    for shell in [Shell::Bash, Shell::Fish, Shell::Zsh] {
        clap_complete::generate_to(shell, &mut Args::command(), "parapet", folder)
            .with_context(cannot)?;
    }
    Ok(true)
}
