//! What the daemon's binary must not contain: a simulator, benches that attack, a client that downloads, a
//! test authority. `deploy/test-deb.sh` looks for the same in the packaged file.

use std::collections::BTreeSet;

/// Crates, folders and words that only the tools are made of.
const TOOLS_ONLY: [&[u8]; 9] = [
    b"parapet_sim",
    b"parapet_lab",
    b"benches/sim",
    b"benches/lab",
    b"5rcgen",
    b"4ureq",
    b"10rtsp_types",
    b"hostile",
    b"signal_loss",
];
/// What is in it for certain, so that a look which finds nothing is not taken for a clean file.
const OWN: [&[u8]; 3] = [b"src/journal/", b"rusqlite", b"gstreamer"];

fn contains(file: &[u8], word: &[u8]) -> bool {
    file.windows(word.len()).any(|part| part == word)
}

#[test]
fn the_daemons_binary_has_nothing_of_the_tools_in_it() {
    let file = std::fs::read(env!("CARGO_BIN_EXE_parapet")).expect("the daemon's binary");
    for word in OWN {
        let word_text = String::from_utf8_lossy(word);
        assert!(contains(&file, word), "{word_text} is not found");
    }
    let found: Vec<_> = TOOLS_ONLY
        .into_iter()
        .filter(|word| contains(&file, word))
        .map(String::from_utf8_lossy)
        .collect();
    assert!(found.is_empty(), "the daemon contains {found:?}");
}

#[test]
fn the_daemons_direct_dependencies_stay_few() {
    let manifest = include_str!("../../Cargo.toml");
    let own: BTreeSet<&str> = manifest
        .split("\n[dependencies]\n")
        .nth(1)
        .and_then(|rest| rest.split("\n[").next())
        .expect("[dependencies]")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|name| !name.is_empty())
        .collect();
    assert!(own.contains("tonic"), "{own:?}");
    assert!(
        own.len() <= 46,
        "{} direct dependencies: {own:?}",
        own.len()
    );
}
