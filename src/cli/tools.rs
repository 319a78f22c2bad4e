//! Commands that are not in the daemon's binary: `parapet NAME …` becomes `parapet-NAME …` where such
//! a program is installed, else `parapet-lab NAME …`.
//!
//! A program is looked for beside this one, then along `PATH`. What attacks, simulates and judges the
//! daemon is a package of its own, so that it need not be on a server in service.

use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

/// The program of the package [`PACKAGE`] that has the [`TOOLS`].
pub const LAB: &str = "parapet-lab";

/// The Debian package of the tools.
pub const PACKAGE: &str = "parapet-tools";

/// The tools' commands, and what each is for.
pub const TOOLS: [(&str, &str); 7] = [
    (
        "demo",
        "the whole path on this machine: RTSP cameras, the daemon and a subscriber",
    ),
    (
        "replay",
        "recordings through the daemon's own pipeline, scored",
    ),
    (
        "model",
        "detect, eval and pull: look at a picture, measure a detector, fetch one",
    ),
    ("mot", "score tracker output in MOTChallenge format"),
    (
        "sim",
        "stand-ins for cameras: scenes, clips, an RTSP server, viewers",
    ),
    ("bench", "measurements that anyone can run again"),
    ("pki", "a test authority and certificates for mutual TLS"),
];

/// What stands below the daemon's own commands in its help.
#[must_use]
pub fn help() -> String {
    let mut text = format!("Tools (package {PACKAGE}):");
    for (name, what) in TOOLS {
        text.push_str(&format!("\n  {name:<8} {what}"));
    }
    text
}

/// Becomes the tool that `words` name; returns only where it could not.
///
/// # Errors
/// No such command, or the tools are not installed: the message says which package has them.
pub(super) fn hand_over(words: &[OsString]) -> anyhow::Result<bool> {
    let (name, rest) = words.split_first().context("no command")?;
    let name = name.to_string_lossy();
    // It becomes a file's name.
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    anyhow::ensure!(name.chars().all(plain), unknown(&name));
    let own = format!("parapet-{name}");
    if let Some(program) = find(&own) {
        return become_program(&program, rest);
    }
    anyhow::ensure!(is_tool(&name), unknown(&name));
    let lab = find(LAB).with_context(|| missing(&name))?;
    become_program(&lab, words)
}

fn is_tool(name: &str) -> bool {
    TOOLS.iter().any(|(tool, _)| *tool == name)
}

fn unknown(name: &str) -> String {
    format!("`parapet {name}` is no command; `parapet --help` lists what there is")
}

fn missing(name: &str) -> String {
    format!(
        "`parapet {name}` is one of the tools, which are not installed here: install the package \
         {PACKAGE}, or build them beside this program with `cargo build --release -p {LAB}`"
    )
}

fn become_program(program: &Path, words: &[OsString]) -> anyhow::Result<bool> {
    let error = Command::new(program).args(words).exec();
    Err(error).with_context(|| format!("{}: cannot be started", program.display()))
}

/// A program beside this one or along `PATH`.
#[must_use]
pub fn find(name: &str) -> Option<PathBuf> {
    let own = std::env::current_exe().ok();
    let beside = own.as_deref().and_then(Path::parent).map(Path::to_owned);
    find_in(name, beside, std::env::var_os("PATH").as_deref())
}

fn find_in(name: &str, beside: Option<PathBuf>, path: Option<&OsStr>) -> Option<PathBuf> {
    let along = path.into_iter().flat_map(std::env::split_paths);
    beside
        .into_iter()
        .chain(along)
        // An empty part of PATH means the working directory, where anybody may have put a file.
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_beside_this_one_goes_before_one_along_the_path() {
        let (beside, along) = (tempfile::tempdir(), tempfile::tempdir());
        let (beside, along) = (beside.expect("folder"), along.expect("folder"));
        let path = Some(along.path().as_os_str());
        let look = || find_in("parapet-x", Some(beside.path().to_owned()), path);
        assert_eq!(look(), None);
        for folder in [&along, &beside] {
            let file = folder.path().join("parapet-x");
            std::fs::write(&file, "").expect("written");
            assert_eq!(look(), Some(file));
        }
    }

    #[test]
    fn a_relative_part_of_the_path_is_not_searched() {
        let here = Some(OsStr::new(":.:src"));
        assert_eq!(find_in("lib.rs", None, here), None);
        assert_eq!(find_in("Cargo.toml", None, here), None);
    }

    #[test]
    fn what_is_not_there_is_said_with_the_package_that_has_it() {
        assert!(missing("replay").contains(PACKAGE));
        for name in ["../evil", "Replay", "a b", "no-such-tool"] {
            let refused = hand_over(&[name.into()]).expect_err("refused").to_string();
            assert!(refused.contains("is no command"), "{refused}");
        }
    }
}
