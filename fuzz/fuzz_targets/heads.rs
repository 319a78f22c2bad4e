//! A manifest and arbitrary output numbers never panic. The integrator points it at the heads'
//! decode function once `infer::heads` exists; until then it parses the manifest alone.
//! `cargo +nightly fuzz run heads`

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use parapet::infer::manifest::Manifest;

fuzz_target!(|input: (&str, Vec<f32>)| {
    let (text, _outputs) = input;
    let _ = Manifest::parse(text, Path::new("model.toml"));
});
