//! Any text is a model's manifest or is refused. `cargo fuzz run manifest`

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use parapet::infer::manifest::Manifest;

fuzz_target!(|text: &str| {
    let _ = Manifest::parse(text, Path::new("model.toml"));
});
