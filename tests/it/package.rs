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

/// Which of the words the file contains. The file is read once, however many words there are: it is large.
fn contained<'w>(file: &[u8], words: &[&'w [u8]]) -> BTreeSet<&'w [u8]> {
    let mut begins = [false; 256];
    for word in words {
        begins[usize::from(word[0])] = true;
    }
    let mut found = BTreeSet::new();
    for (at, byte) in file.iter().enumerate() {
        if begins[usize::from(*byte)] {
            found.extend(words.iter().filter(|word| file[at..].starts_with(word)));
        }
    }
    found
}

#[test]
fn the_daemons_binary_has_nothing_of_the_tools_in_it() {
    let file = std::fs::read(env!("CARGO_BIN_EXE_parapet")).expect("the daemon's binary");
    let words = [OWN.as_slice(), TOOLS_ONLY.as_slice()].concat();
    let found = contained(&file, &words);
    let text = |words: &[&[u8]]| -> Vec<String> {
        let there = words.iter().filter(|word| found.contains(*word));
        there
            .map(|word| String::from_utf8_lossy(word).into_owned())
            .collect()
    };
    assert_eq!(
        text(&OWN).len(),
        OWN.len(),
        "of {OWN:?} only {:?}",
        text(&OWN)
    );
    let tools = text(&TOOLS_ONLY);
    assert!(tools.is_empty(), "the daemon contains {tools:?}");
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
