//! Any text is a configuration or is refused with reasons that have a place; a sound one does not
//! differ from itself. `cargo fuzz run config`

#![no_main]

use std::path::PathBuf;

use libfuzzer_sys::fuzz_target;
use parapet::config::{NoEnvironment, SourceText, diff, parse, redact_url};

fuzz_target!(|text: &str| {
    // The part after a form feed stands for a file of `cameras.d`.
    let (main, extra) = text.split_once('\u{c}').unwrap_or((text, ""));
    let source = |path: &str, text: &str| SourceText {
        path: PathBuf::from(path),
        text: text.to_owned(),
    };
    let main = source("parapet.toml", main);
    let extra = [source("cameras.d/1.toml", extra)];
    match parse(&main, &extra, &NoEnvironment) {
        Ok(loaded) => {
            assert!(diff(&loaded.config, &loaded.config).is_empty());
            for camera in loaded.config.cameras.values() {
                assert!(camera.analysis_fps > 0.0);
                assert!(camera.analysis_fps_near >= camera.analysis_fps);
            }
        }
        Err(errors) => {
            assert!(!errors.problems().is_empty());
            assert!(errors.problems().iter().all(|problem| problem.line > 0));
        }
    }
    let _ = redact_url(text);
});
