//! `parapet-lab manual`: what `--help` of both programs says, as manual pages and completions, in a folder
//! for each package.

use std::path::Path;

use anyhow::Context as _;
use clap::Command;
use clap_complete::Shell;
use parapet::cli::tools::{LAB, TOOLS};

use super::args::{self, ManualArgs};

pub(super) fn run(args: &ManualArgs) -> anyhow::Result<bool> {
    let folder = &args.folder;
    write(folder).with_context(|| format!("{}: cannot be written", folder.display()))?;
    Ok(true)
}

fn write(folder: &Path) -> std::io::Result<()> {
    let daemon = parapet::cli::args::command();
    program(&folder.join("parapet"), &daemon, with_tools(daemon.clone()))?;
    program(&folder.join(LAB), &args::command(), args::command())
}

fn program(folder: &Path, documented: &Command, mut completed: Command) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    clap_mangen::generate_to(documented.clone(), folder)?;
    let name = documented.get_name().to_owned();
    for shell in [Shell::Bash, Shell::Fish, Shell::Zsh] {
        clap_complete::generate_to(shell, &mut completed, &name, folder)?;
    }
    Ok(())
}

/// The daemon's command line with the tools that it hands over to, so that they are completed too.
fn with_tools(mut daemon: Command) -> Command {
    for tool in args::command().get_subcommands() {
        let name = tool.get_name().to_owned();
        if !TOOLS.iter().any(|(known, _)| *known == name) {
            continue;
        }
        daemon = if daemon.find_subcommand(&name).is_some() {
            daemon.mut_subcommand(name, |own| with_missing(own, tool))
        } else {
            daemon.subcommand(tool.clone())
        };
    }
    daemon
}

/// A command of the daemon with what only the tool of the same name has.
fn with_missing(mut own: Command, tool: &Command) -> Command {
    for more in tool.get_subcommands() {
        if own.find_subcommand(more.get_name()).is_none() {
            own = own.subcommand(more.clone());
        }
    }
    own
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_daemon_names_every_tool_and_no_other() {
        let lab = args::command();
        let mut has: Vec<_> = lab
            .get_subcommands()
            .filter(|command| !command.is_hide_set())
            .map(Command::get_name)
            .collect();
        let mut names: Vec<_> = TOOLS.iter().map(|(name, _)| *name).collect();
        has.sort_unstable();
        names.sort_unstable();
        assert_eq!(has, names);
    }

    #[test]
    fn manual_and_completions_have_both_programs() {
        let folder = tempfile::tempdir().expect("folder");
        write(folder.path()).expect("written");
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).expect(name);
        assert!(read("parapet/parapet.1").contains("tools"));
        assert!(read("parapet/parapet-model-check.1").contains("model.toml"));
        assert!(read("parapet-lab/parapet-lab-replay.1").contains("expect"));
        let completions = read("parapet/parapet.bash");
        for word in ["verify", "replay", "eval", "--expectations"] {
            assert!(completions.contains(word), "{word}");
        }
    }
}
