//! Any text is a scene, an expectation, a camera server or a command to one, or is refused with
//! reasons. The first letter chooses. `cargo fuzz run files`

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use parapet_sim::{expectation, scene, server};

fuzz_target!(|text: &str| {
    let Some(which) = text.chars().next() else {
        return;
    };
    let rest = &text[which.len_utf8()..];
    match which {
        's' => {
            if let Err(errors) = scene::parse(Path::new("scene.toml"), rest) {
                assert!(!errors.problems().is_empty());
            }
        }
        'e' => {
            if let Err(errors) = expectation::parse(Path::new("clip.expect.toml"), rest) {
                assert!(!errors.problems().is_empty());
            }
        }
        'w' => {
            if let Err(errors) = server::parse(Path::new("server.toml"), rest) {
                assert!(!errors.problems().is_empty());
            }
        }
        _ => {
            if let Ok(command) = serde_json::from_str::<server::Command>(rest) {
                let text = serde_json::to_string(&command).expect("our own command");
                let again: server::Command = serde_json::from_str(&text).expect("our own command");
                assert_eq!(again, command);
            }
        }
    }
});
