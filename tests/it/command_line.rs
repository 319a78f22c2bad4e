//! The daemon's binary as it is typed: exit codes, words, and the tools that it hands over to.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

fn parapet(args: &[&str], path: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_parapet"))
        .args(args)
        .env("PATH", path)
        .output()
        .expect("ran")
}

fn error_of(run: &Output) -> String {
    String::from_utf8_lossy(&run.stderr).into_owned()
}

#[test]
fn a_bad_configuration_is_named_with_its_lines() {
    let folder = tempfile::tempdir().expect("folder");
    let config = folder.path().join("parapet.toml");
    std::fs::write(&config, "[site]\nname = \"a b\"\n[nod]\n").expect("written");
    let file = config.display().to_string();
    for typed in [vec!["check", &file], vec!["check", "--config", &file]] {
        let run = parapet(&typed, folder.path());
        let error = error_of(&run);
        assert_eq!(run.status.code(), Some(64), "{error}");
        assert!(
            error.contains("parapet.toml:2") && error.contains("parapet.toml:3"),
            "{error}"
        );
    }
}

#[test]
fn a_command_that_is_installed_beside_gets_the_words_and_gives_the_exit_code() {
    let folder = tempfile::tempdir().expect("folder");
    let tool = folder.path().join("parapet-made-up");
    std::fs::write(&tool, "#!/bin/sh\necho \"$# $1 $2\"; exit 7\n").expect("written");
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&tool, mode).expect("made executable");
    let run = parapet(&["made-up", "--a", "b c"], folder.path());
    assert_eq!(String::from_utf8_lossy(&run.stdout), "2 --a b c\n");
    assert_eq!(run.status.code(), Some(7), "{}", error_of(&run));
}

#[test]
fn a_command_that_nothing_has_is_refused() {
    let folder = tempfile::tempdir().expect("folder");
    for typed in ["no-such-tool", "../made-up", "Replay"] {
        let run = parapet(&[typed], folder.path());
        assert_eq!(run.status.code(), Some(1));
        assert!(error_of(&run).contains("is no command"), "{typed}");
    }
    let help = parapet(&["--help"], folder.path());
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    assert!(
        help.contains("parapet-tools") && help.contains("replay"),
        "{help}"
    );
}
