//! A journal whose bytes were changed never panics who looks at it, and a body that is taken goes
//! into the file and comes out of it the same. `cargo fuzz run record`

#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use parapet::base::clock::ManualClock;
use parapet::base::metrics::Metrics;
use parapet::config::types::JournalConfig;
use parapet::journal::{Journal, verify};
use parapet::model::event::Event;
use parapet::model::ids::{NodeName, SiteName};

/// A good journal of three records, made once; a body is the seed of it.
const BODY: &str = r#"{"id":"00000000-0000-0000-0000-000000000001","incident":"00000000-0000-0000-0000-000000000002","phase":"started","kind":"running","severity":"info","site":"s","node":"n","camera":"c","rule":null,"zone":null,"occurred":{"utc":1,"source":"arrival","offset_micros":0},"observed":1,"objects":[],"detail":{},"model":null}"#;

static GOOD: LazyLock<(tempfile::TempDir, PathBuf, Vec<u8>)> = LazyLock::new(|| {
    let folder = tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .expect("folder");
    let path = folder.path().join("journal.sqlite3");
    let name = (
        SiteName::new("s").expect("name"),
        NodeName::new("n").expect("name"),
    );
    let config = JournalConfig::new(path.clone(), name.0, name.1);
    let journal = Journal::open(&config, ManualClock::at(1), Metrics::new()).expect("journal");
    if let Ok(event) = serde_json::from_str::<Event>(BODY) {
        for _ in 0..3 {
            journal.writer().append(event.clone(), None).expect("room");
        }
    }
    assert!(journal.stop(std::time::Duration::from_secs(5)));
    drop(journal);
    let bytes = std::fs::read(&path).expect("file");
    (folder, path, bytes)
});

fuzz_target!(|input: (bool, u16, &[u8])| {
    let (in_file, at, bytes) = input;
    if in_file {
        let (_, path, good) = &*GOOD;
        let mut changed = good.clone();
        let at = usize::from(at) % changed.len();
        for (place, byte) in changed[at..].iter_mut().zip(bytes) {
            *place = *byte;
        }
        std::fs::write(path, &changed).expect("write");
        for side in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(path.with_extension(format!("sqlite3{side}")));
        }
        let _ = verify::verify(path);
    } else if let Ok(event) = serde_json::from_slice::<Event>(bytes) {
        let text = serde_json::to_string(&event).expect("our own event");
        // What is not finite is written as null and refused again; everything else comes back.
        if let Ok(again) = serde_json::from_str::<Event>(&text) {
            assert_eq!(serde_json::to_string(&again).expect("text"), text);
        }
    }
});
