//! Any text is a list of boxes in the MOTChallenge format or is refused. `cargo fuzz run mot`

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use parapet_lab::mot::{parse, score};

fuzz_target!(|text: &str| {
    if let Ok(entries) = parse(text, Path::new("gt.txt"))
        && entries.len() < 200
    {
        let _ = score(&entries, &entries);
    }
});
