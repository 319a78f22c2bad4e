//! Files that are not as they were left.

use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;

use super::*;
use crate::journal::verify::{Verdict, verify};
use crate::model::entry::{Entry, GapReason};

const MARGIN: u64 = 1_000_000;

/// A closed journal of `count` events; `acknowledged` of them by the consumer `platform`.
fn filled(folder: &Path, count: u64, acknowledged: u64) -> PathBuf {
    let (journal, _metrics) = open(folder);
    for number in 1..=count {
        journal
            .writer()
            .append(event(number.into()), None)
            .expect("append");
    }
    assert!(journal.flush(LONG));
    journal
        .reader()
        .acknowledge(&name("platform"), Sequence(acknowledged))
        .expect("acknowledge");
    assert!(journal.stop(LONG));
    folder.join("journal.sqlite")
}

fn forge(path: &Path, sequence: u64) {
    let file = Connection::open(path).expect("file");
    let sql = format!(
        "UPDATE records SET body = replace(body, 'node', 'edon') WHERE sequence = {sequence}"
    );
    assert_eq!(file.execute(&sql, []).expect("forge"), 1);
}

fn write_over(path: &Path, at: u64, bytes: &[u8]) {
    let mut file = std::fs::File::options()
        .write(true)
        .open(path)
        .expect("file");
    file.seek(SeekFrom::Start(at)).expect("seek");
    file.write_all(bytes).expect("write");
}

fn set_aside(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder).expect("folder");
    let mut found: Vec<_> = files
        .map(|file| file.expect("file").path())
        .filter(|path| {
            let name = path
                .file_name()
                .expect("name")
                .to_string_lossy()
                .into_owned();
            name.contains(".damaged-") && !name.ends_with("-wal") && !name.ends_with("-shm")
        })
        .collect();
    found.sort();
    found
}

fn entries(journal: &Journal) -> Vec<Entry> {
    journal
        .reader()
        .entries_after(Sequence(0), 10_000)
        .expect("read")
}

fn ids(entries: &[Entry]) -> Vec<u128> {
    let events = entries.iter().filter_map(|entry| match entry {
        Entry::Event(record) => Some(record.event.id.0.as_u128()),
        Entry::Gap(_) => None,
    });
    events.collect()
}

fn whole(path: &Path) -> Verdict {
    let verdict = verify(path).expect("verify");
    assert!(verdict.is_whole(), "{verdict:?}");
    verdict
}

#[test]
fn a_damaged_last_record_starts_a_new_file_that_says_so_and_brings_over_what_waits() {
    let folder = tempfile::tempdir().expect("folder");
    let path = filled(folder.path(), 20, 15);
    forge(&path, 20);
    let (journal, metrics) = open(folder.path());
    let found = entries(&journal);
    let Entry::Gap(gap) = &found[0] else {
        panic!("{found:?}");
    };
    assert_eq!((gap.first, gap.reason), (Sequence(1), GapReason::Damaged));
    // The witness remembers record 20, though its content is gone.
    assert_eq!((gap.last, gap.count), (Sequence(20 + MARGIN), 20));
    assert!(
        gap.note.contains("last known record 20 with hash"),
        "{}",
        gap.note
    );
    let Entry::Event(said) = &found[1] else {
        panic!("{found:?}");
    };
    assert_eq!(said.event.kind, EventKind::STORAGE_FAULT);
    assert_eq!(said.event.camera.as_str(), "node");
    let reason = said.event.detail.reason.as_deref().expect("a reason");
    assert!(reason.starts_with("journal damaged"), "{reason}");
    assert_eq!(ids(&found[2..]), [16, 17, 18, 19]);
    assert_eq!(found[2].first(), Sequence(20 + MARGIN + 2));
    assert_eq!(
        journal.reader().acknowledged(&name("platform")),
        Some(Sequence(15))
    );
    assert_eq!(metrics.journal.damages.get(), 1);
    assert_eq!(
        journal.writer().append_wait(event(77), None),
        Ok(Sequence(20 + MARGIN + 6))
    );
    assert!(journal.stop(LONG));
    whole(&path);
    let old = set_aside(folder.path());
    let verdict = verify(&old[0]).expect("the old file can still be read");
    assert_eq!(verdict.damages.len(), 1, "{verdict:?}");
    assert_eq!(verdict.damages[0].sequence, 20);
    // A restart finds nothing to complain of.
    let (journal, metrics) = open(folder.path());
    assert_eq!(metrics.journal.damages.get(), 0);
    assert_eq!(entries(&journal).len(), 7);
}

#[test]
fn the_auditor_names_the_damaged_record_in_the_middle_and_a_missing_one() {
    let folder = tempfile::tempdir().expect("folder");
    let path = filled(folder.path(), 3_000, 0);
    assert_eq!(whole(&path).events, 3_000);
    forge(&path, 1_500);
    let file = Connection::open(&path).expect("file");
    file.execute("DELETE FROM records WHERE sequence = 2000", [])
        .expect("delete");
    drop(file);
    let verdict = verify(&path).expect("verify");
    let found: Vec<_> = verdict.damages.iter().map(|d| d.sequence).collect();
    assert_eq!(found, [1_500, 2_000], "{verdict:?}");
    assert_eq!(verdict.events, 2_998);
    // While a daemon runs, too.
    let other = tempfile::tempdir().expect("folder");
    let (journal, _metrics) = open(other.path());
    journal
        .writer()
        .append_wait(event(1), None)
        .expect("commit");
    assert_eq!(whole(&other.path().join("journal.sqlite")).events, 1);
}

#[test]
fn a_file_of_garbage_an_empty_one_and_none_at_all_lead_above_what_was_known() {
    for damage in ["garbage", "empty", "gone"] {
        let folder = tempfile::tempdir().expect("folder");
        let path = filled(folder.path(), 9, 9);
        match damage {
            "garbage" => write_over(&path, 0, &[0x5a; 40_000]),
            "empty" => std::fs::File::create(&path).map(drop).expect("truncate"),
            _ => std::fs::remove_file(&path).expect("remove"),
        }
        let (journal, metrics) = open(folder.path());
        assert_eq!(metrics.journal.damages.get(), 1, "{damage}");
        let sequence = journal.writer().append_wait(event(10), None);
        assert_eq!(sequence, Ok(Sequence(9 + MARGIN + 2)), "{damage}");
        let found = entries(&journal);
        assert!(
            matches!(&found[0], Entry::Gap(gap) if gap.count == 9),
            "{damage}"
        );
        assert!(journal.stop(LONG));
        whole(&path);
    }
}

#[test]
fn without_any_knowledge_sequences_go_on_from_the_clock() {
    let folder = tempfile::tempdir().expect("folder");
    let path = filled(folder.path(), 9, 9);
    write_over(&path, 0, &[0x5a; 40_000]);
    std::fs::remove_file(folder.path().join("journal.sqlite.head")).expect("remove");
    let (journal, _metrics) = open(folder.path());
    let sequence = journal.writer().append_wait(event(10), None);
    assert!(sequence.expect("commit").0 > 1_600_000_000_000);
}

#[test]
fn a_write_ahead_log_that_lost_its_end_is_declared_by_a_gap() {
    let (folder, copy) = (
        tempfile::tempdir().expect("a"),
        tempfile::tempdir().expect("b"),
    );
    let (journal, _metrics) = open(folder.path());
    for number in 1..=40 {
        journal
            .writer()
            .append_wait(event(number), None)
            .expect("commit");
    }
    for ending in ["", "-wal", ".head"] {
        let name = format!("journal.sqlite{ending}");
        std::fs::copy(folder.path().join(&name), copy.path().join(&name)).expect("copy");
    }
    let log = copy.path().join("journal.sqlite-wal");
    let bytes = std::fs::metadata(&log).expect("log").len();
    write_over(&log, bytes * 3 / 4, &[0xff; 64]);
    let (after, metrics) = open(copy.path());
    let found = entries(&after);
    let last_kept = found
        .iter()
        .take_while(|entry| matches!(entry, Entry::Event(_)))
        .count() as u64;
    assert!((1..40).contains(&last_kept), "{last_kept}");
    let Entry::Gap(gap) = &found[last_kept as usize] else {
        panic!("{found:?}");
    };
    assert_eq!(gap.first, Sequence(last_kept + 1));
    assert_eq!(
        (gap.last, gap.count),
        (Sequence(40 + MARGIN), 40 - last_kept)
    );
    assert_eq!(metrics.journal.damages.get(), 1);
    assert!(after.flush(LONG));
    assert!(after.stop(LONG));
    whole(&copy.path().join("journal.sqlite"));
}

#[test]
fn damage_that_a_reader_meets_starts_a_new_file_while_the_daemon_runs() {
    let folder = tempfile::tempdir().expect("folder");
    let path = filled(folder.path(), 3_000, 2_000);
    let (journal, metrics) = open(folder.path());
    let reader = journal.reader();
    let size = std::fs::metadata(&path).expect("file").len();
    // Every page of the second quarter: some of them hold records that nobody has in a cache.
    write_over(
        &path,
        size / 4 / 4096 * 4096,
        &vec![0xa5; (size / 4) as usize],
    );
    let mut position = Sequence(0);
    let clock = SystemClock::new();
    use crate::base::clock::Clock as _;
    while metrics.journal.damages.get() == 0 {
        assert!(clock.now().0 < LONG, "nobody met the damage");
        match reader.entries_after(position, 256) {
            Ok(page) if page.is_empty() => position = Sequence(0),
            Ok(page) => position = page[page.len() - 1].last(),
            Err(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
    let sequence = journal
        .writer()
        .append_wait(event(9_999), None)
        .expect("commit");
    assert!(sequence.0 > 3_000 + MARGIN);
    let found = entries(&journal);
    // What could be read of the last thousand came over, each once and in order.
    let brought = ids(&found[2..]);
    assert!(brought.windows(2).all(|pair| pair[0] < pair[1]));
    assert!(
        brought
            .iter()
            .all(|id| (2_001..=3_000).contains(id) || *id == 9_999)
    );
    assert!(brought.len() > 500, "only {} came over", brought.len());
    assert!(journal.stop(LONG));
    whole(&path);
}

#[test]
fn a_file_that_is_taken_away_under_the_daemon_is_replaced_without_a_loss_of_later_events() {
    let folder = tempfile::tempdir().expect("folder");
    let (journal, metrics) = open(folder.path());
    let writer = journal.writer();
    assert_eq!(writer.append_wait(event(1), None), Ok(Sequence(1)));
    for ending in ["", "-wal", "-shm"] {
        let file = folder.path().join(format!("journal.sqlite{ending}"));
        std::fs::remove_file(file).expect("remove");
    }
    writer.append(event(2), None).expect("append");
    assert!(journal.flush(LONG));
    let found = entries(&journal);
    assert!(
        matches!(&found[0], Entry::Gap(gap) if gap.last == Sequence(1) && gap.count == 1),
        "{found:?}"
    );
    assert!(ids(&found).contains(&2));
    assert_eq!(metrics.events_lost.get(), 0);
    assert!(journal.stop(LONG));
    whole(&folder.path().join("journal.sqlite"));
}

#[test]
fn a_crash_between_the_two_moves_is_completed_and_an_unfinished_new_file_is_dropped() {
    let folder = tempfile::tempdir().expect("folder");
    let path = filled(folder.path(), 5, 0);
    let new = folder.path().join("journal.sqlite.new");
    std::fs::write(&new, "half").expect("write");
    drop(open(folder.path()));
    assert!(!new.exists());
    std::fs::rename(&path, &new).expect("rename");
    let (journal, metrics) = open(folder.path());
    assert_eq!(entries(&journal).len(), 5);
    assert_eq!(metrics.journal.damages.get(), 0);
}

#[test]
fn a_journal_of_version_1_is_brought_up_and_goes_on() {
    let folder = tempfile::tempdir().expect("folder");
    let path = filled(folder.path(), 5, 2);
    // What version 1 wrote: neither the column nor the table.
    let file = Connection::open(&path).expect("file");
    file.execute_batch(
        "DROP TABLE anchor; ALTER TABLE records DROP COLUMN first_sequence;
         DELETE FROM records WHERE sequence = 1; PRAGMA user_version = 1;",
    )
    .expect("an old file");
    drop(file);
    std::fs::remove_file(folder.path().join("journal.sqlite.head")).expect("remove");
    assert_eq!(whole(&path).events, 4);
    let (journal, metrics) = open(folder.path());
    assert_eq!(metrics.journal.damages.get(), 0);
    assert_eq!(
        journal.writer().append_wait(event(6), None),
        Ok(Sequence(6))
    );
    assert_eq!(
        journal.reader().dropped_through().expect("read"),
        Sequence(1)
    );
    assert!(journal.stop(LONG));
    let verdict = whole(&path);
    assert_eq!((verdict.events, verdict.dropped_through), (5, 1));
}

/// Writes `length` times `byte` at the place `at` (a share of the file) and starts the daemon.
fn survives(at: f64, length: usize, byte: u8) -> Result<(), TestCaseError> {
    let folder = tempfile::tempdir().expect("folder");
    let path = filled(folder.path(), 120, 60);
    let before = {
        let mut bytes = Vec::new();
        std::fs::File::open(&path)
            .expect("file")
            .read_to_end(&mut bytes)
            .expect("read");
        bytes.len() as f64
    };
    write_over(&path, (before * at) as u64, &vec![byte; length]);
    let (journal, _metrics) = open(folder.path());
    prop_assert_eq!(journal.storage(), Ok(()));
    let sequence = journal.writer().append_wait(event(500), None);
    let sequence = sequence.expect("the prison is watched");
    prop_assert!(sequence.0 > 120, "sequence {} was given before", sequence.0);
    // A reader that meets damage repeats until the journal has a new file.
    let mut found = Vec::new();
    for _ in 0..400 {
        match journal.reader().entries_after(Sequence(0), 10_000) {
            Ok(read) => {
                found = read;
                break;
            }
            Err(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
    let mut told = ids(&found);
    told.retain(|id| *id < 1_000);
    prop_assert_eq!(told.pop(), Some(500));
    prop_assert!(told.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", told);
    prop_assert!(told.iter().all(|id| (1..=120).contains(id)), "{:?}", told);
    let verdict = verify(&path);
    prop_assert!(verdict.is_ok(), "{:?}", verdict.err());
    for entry in &found {
        if let Entry::Event(record) = entry
            && record.event.id.0.as_u128() <= 120
        {
            prop_assert_eq!(&record.event, &event(record.event.id.0.as_u128()));
        }
    }
    Ok(())
}

/// An inner page of the tree whose keys all became the same small number.
#[test]
fn a_tree_that_leads_back_to_earlier_records_brings_none_over_twice() {
    survives(0.681_390_468_836_799_7, 1_164, 8).unwrap_or_else(|error| panic!("{error}"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn whatever_is_written_over_the_file_nothing_is_invented_and_no_sequence_comes_twice(
        at in 0.0_f64..1.0,
        length in 1_usize..9_000,
        byte in any::<u8>(),
    ) {
        survives(at, length, byte)?;
    }
}
