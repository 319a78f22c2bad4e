//! Files of other versions of the program.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::*;
use crate::journal::verify::verify;
use crate::model::entry::Entry;

/// A closed journal of a few events, of which `platform` has acknowledged some.
fn filled(folder: &Path) -> PathBuf {
    let (journal, _metrics) = open(folder);
    for number in 1..=40 {
        journal
            .writer()
            .append(event(number), None)
            .expect("append");
    }
    assert!(journal.flush(LONG));
    journal
        .reader()
        .acknowledge(&name("platform"), Sequence(15))
        .expect("acknowledge");
    assert!(journal.stop(LONG));
    folder.join("journal.sqlite")
}

fn set_version(path: &Path, version: i64) {
    let file = Connection::open(path).expect("file");
    file.pragma_update(None, "user_version", version)
        .expect("version");
}

fn version(path: &Path) -> i64 {
    let file = Connection::open(path).expect("file");
    file.pragma_query_value(None, "user_version", |row| row.get(0))
        .expect("version")
}

/// Every file but the lock and SQLite's index of its log, which both are made anew each time.
fn bytes(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = std::fs::read_dir(folder).expect("folder");
    files
        .map(|file| file.expect("file").path())
        .map(|path| {
            let name = path.file_name().expect("name").to_string_lossy();
            (name.into_owned(), std::fs::read(&path).expect("read"))
        })
        .filter(|(name, _)| !name.ends_with(".lock") && !name.ends_with("-shm"))
        .collect()
}

/// Opening and verifying are refused with words, and nothing is written, moved or removed.
fn assert_refused_untouched(folder: &Path, version: i64) {
    let before = bytes(folder);
    let config = config(folder);
    let opened = Journal::open(&config, SystemClock::shared(), Metrics::new());
    let error = opened.expect_err("a newer format");
    assert!(
        matches!(error, JournalError::Version { found, known: 3, .. } if found == version),
        "{error:?}"
    );
    let words = error.to_string();
    for part in [
        "journal.sqlite has format",
        &format!("format {version},"),
        "this daemon reads formats 1 to 3",
        "run the newer version that wrote it, or set another path in [journal]",
        "the file was left as it is",
    ] {
        assert!(words.contains(part), "{words}");
    }
    assert_eq!(bytes(folder), before);
    if config.path.exists() {
        let verified = verify(&config.path);
        assert!(
            matches!(verified, Err(JournalError::Version { .. })),
            "{verified:?}"
        );
        assert_eq!(bytes(folder), before);
    }
}

#[test]
fn a_newer_file_is_refused_in_words_and_left_as_it_is_to_the_byte() {
    for version in [4, 99, 1_000] {
        let folder = tempfile::tempdir().expect("folder");
        set_version(&filled(folder.path()), version);
        assert_refused_untouched(folder.path(), version);
    }
}

#[test]
fn a_newer_file_that_is_also_damaged_is_not_set_aside() {
    let folder = tempfile::tempdir().expect("folder");
    let path = filled(folder.path());
    set_version(&path, 4);
    let mut content = std::fs::read(&path).expect("read");
    // All but the header.
    content[100..].fill(0xa5);
    std::fs::write(&path, content).expect("write");
    std::fs::remove_file(folder.path().join("journal.sqlite.head")).expect("remove");
    assert_refused_untouched(folder.path(), 4);
}

#[test]
fn a_version_that_stands_only_in_the_log_is_seen_and_the_log_is_not_folded_into_the_file() {
    let (folder, copy) = (
        tempfile::tempdir().expect("a"),
        tempfile::tempdir().expect("b"),
    );
    let path = filled(folder.path());
    // As a newer daemon that was killed leaves it.
    let newer = Connection::open(&path).expect("file");
    newer
        .pragma_update(None, "user_version", 5)
        .expect("version");
    for ending in ["", "-wal", ".head"] {
        let name = format!("journal.sqlite{ending}");
        std::fs::copy(folder.path().join(&name), copy.path().join(&name)).expect("copy");
    }
    let header = std::fs::read(copy.path().join("journal.sqlite")).expect("read");
    assert_eq!(header[60..64], [0, 0, 0, 2]);
    assert_refused_untouched(copy.path(), 5);
}

#[test]
fn a_newer_file_whose_move_was_interrupted_stays_where_it_is() {
    let folder = tempfile::tempdir().expect("folder");
    let path = filled(folder.path());
    set_version(&path, 4);
    let new = folder.path().join("journal.sqlite.new");
    std::fs::rename(&path, &new).expect("rename");
    let before = bytes(folder.path());
    let opened = Journal::open(
        &config(folder.path()),
        SystemClock::shared(),
        Metrics::new(),
    );
    assert!(matches!(
        opened,
        Err(JournalError::Version { found: 4, .. })
    ));
    assert_eq!(bytes(folder.path()), before);
}

#[test]
fn a_newer_file_that_takes_the_journals_place_while_the_daemon_runs_is_not_set_aside() {
    let (folder, other) = (
        tempfile::tempdir().expect("a"),
        tempfile::tempdir().expect("b"),
    );
    let newer = filled(other.path());
    set_version(&newer, 4);
    let path = filled(folder.path());
    let (journal, metrics) = open(folder.path());
    for ending in ["", "-wal", "-shm"] {
        let file = folder.path().join(format!("journal.sqlite{ending}"));
        std::fs::remove_file(file).expect("remove");
    }
    std::fs::copy(&newer, &path).expect("copy");
    journal.writer().append(event(41), None).expect("append");
    // It may notice first that its own file is gone, and at its next try what lies there instead.
    let refused = (0..2_000).any(|_| {
        std::thread::sleep(Duration::from_millis(5));
        let storage = journal.storage();
        storage.is_err_and(|reason| reason.contains("has format 4"))
    });
    assert!(refused, "{:?}", journal.storage());
    assert_eq!(metrics.journal.damages.get(), 0);
    assert_eq!(
        std::fs::read(&path).expect("read"),
        std::fs::read(&newer).expect("read")
    );
    // The event is not lost: it waits for a file that takes it.
    assert_eq!(metrics.events_lost.get(), 0);
    assert!(!journal.stop(Duration::from_millis(20)));
}

/// A file of the program before format 3, as `testdata/journal/README.md` says.
#[test]
fn a_journal_of_format_2_opens_whole_with_its_events_and_consumers_and_goes_on_as_format_2() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("journal.sqlite");
    let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/journal/format-2.sqlite");
    for ending in ["", ".head"] {
        let [from, to] = [&old, &path].map(|file| {
            let mut name = file.clone().into_os_string();
            name.push(ending);
            name
        });
        std::fs::copy(from, to).expect("copy");
    }
    let verdict = verify(&path).expect("verify");
    assert!(verdict.is_whole(), "{verdict:?}");
    assert_eq!((verdict.events, verdict.gaps, verdict.last), (50, 0, 50));
    assert_eq!(
        hex::encode(verdict.last_hash),
        "3e54580728856aee4b6a1d88d6b0d809853d8caff2d53864ce5752b425613af6"
    );
    let (journal, metrics) = open(folder.path());
    let reader = journal.reader();
    let entries = reader.entries_after(Sequence(0), 1_000).expect("read");
    let records: Vec<Record> = entries.into_iter().filter_map(Entry::into_record).collect();
    assert!(records.iter().map(|record| record.sequence.0).eq(1..=50));
    for record in &records {
        let event = &record.event;
        assert_eq!(event.camera.as_str().split('-').next(), Some("camera"));
        // The run stands in the id's upper half, the number in its lower.
        let number = event.id.0.as_u128() as u64;
        assert_eq!(event.objects[0].track, TrackId(number));
        let reason = format!("event {number} of run 1");
        assert_eq!(event.detail.reason, Some(reason));
    }
    assert_eq!(reader.acknowledged(&name("platform")), Some(Sequence(30)));
    assert_eq!(reader.acknowledged(&name("archive")), Some(Sequence(12)));
    assert_eq!(reader.consumers().len(), 2);
    assert_eq!(
        journal.writer().append_wait(event(51), None),
        Ok(Sequence(51))
    );
    assert_eq!(metrics.journal.damages.get(), 0);
    assert!(journal.stop(LONG));
    assert_eq!(verify(&path).expect("verify").events, 51);
    // The way back is open: nothing stands in it that the older program cannot read.
    assert_eq!(version(&path), 2);
}

#[test]
fn the_first_record_of_a_kind_that_format_2_does_not_know_raises_the_file_to_format_3() {
    let folder = tempfile::tempdir().expect("folder");
    let path = filled(folder.path());
    assert_eq!(version(&path), 2);
    let numbered = Event {
        kind: EventKind::from_number(9_999).expect("a kind"),
        ..event(41)
    };
    let (journal, _metrics) = open(folder.path());
    let writer = journal.writer();
    assert_eq!(writer.append_wait(numbered.clone(), None), Ok(Sequence(41)));
    assert_eq!(writer.append_wait(event(42), None), Ok(Sequence(42)));
    assert!(journal.stop(LONG));
    assert_eq!(version(&path), 3);
    let (journal, metrics) = open(folder.path());
    assert_eq!(metrics.journal.damages.get(), 0);
    let found = journal.reader().read_after(Sequence(40), 9).expect("read");
    assert_eq!(found[0].event, numbered);
    assert_eq!(found[1].event, event(42));
    assert!(journal.stop(LONG));
    assert!(verify(&path).expect("verify").is_whole());
}

#[test]
fn what_is_brought_over_from_a_damaged_file_keeps_its_words_and_its_format() {
    let folder = tempfile::tempdir().expect("folder");
    let path = filled(folder.path());
    let numbered = Event {
        kind: EventKind::from_number(9_999).expect("a kind"),
        ..event(41)
    };
    let body = serde_json::to_string(&numbered).expect("json");
    // As a newer program writes it: with a name, and with more to say.
    let body = body.replace(r#""kind":"9999""#, r#""measure":[1],"kind":"walls_moved""#);
    let mut file = Connection::open(&path).expect("file");
    let transaction = file.transaction().expect("transaction");
    let mut tail = schema::tail(&transaction).expect("tail");
    tail =
        store::insert_body(&transaction, (&numbered, &body), tail, UtcMicros(9)).expect("insert");
    tail = store::insert_event(&transaction, &event(42), tail, UtcMicros(9)).expect("insert");
    assert_eq!(tail.sequence, Sequence(42));
    transaction.commit().expect("commit");
    let forge = "UPDATE records SET body = replace(body, 'node', 'edon') WHERE sequence = 42";
    assert_eq!(file.execute(forge, []).expect("forge"), 1);
    drop(file);
    let (journal, metrics) = open(folder.path());
    assert_eq!(metrics.journal.damages.get(), 1);
    let filter = Filter {
        kinds: vec![numbered.kind],
        ..Filter::default()
    };
    let found = journal.reader().query(&filter, 9).expect("query");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].event, numbered);
    assert!(journal.stop(LONG));
    let file = Connection::open(&path).expect("file");
    let stored: String = file
        .query_row("SELECT body FROM records WHERE kind = '9999'", [], |row| {
            row.get(0)
        })
        .expect("body");
    assert_eq!(stored, body);
    assert_eq!(version(&path), 3);
    assert!(verify(&path).expect("verify").is_whole());
}
