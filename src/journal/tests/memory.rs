//! While the disk takes nothing.

use super::*;
use crate::model::entry::{Entry, GapReason};

#[test]
fn events_flow_from_memory_while_commits_fail_and_are_stored_in_order_afterwards() {
    let folder = tempfile::tempdir().expect("folder");
    let (journal, metrics) = open(folder.path());
    let (writer, reader) = (journal.writer(), journal.reader());
    assert_eq!(writer.append_wait(event(1), None), Ok(Sequence(1)));
    let blocker = Connection::open(folder.path().join("journal.sqlite")).expect("blocker");
    blocker.execute_batch("BEGIN IMMEDIATE").expect("lock");
    for number in 2..=50 {
        writer.append(event(number), None).expect("append");
    }
    let mut end = reader.provisional_end();
    while *end.borrow_and_update() < 49 {
        std::thread::sleep(Duration::from_millis(5));
    }
    let (shown, after) = reader.provisional(0, 1_000);
    let shown: Vec<_> = shown.iter().map(|event| event.id.0.as_u128()).collect();
    assert!(shown.iter().copied().take(49).eq(2..=50), "{shown:?}");
    assert_eq!(reader.provisional(after, 10).0.len(), 0);
    // What is not durable cannot be acknowledged, and what is cannot be made durable now.
    let refused = reader.acknowledge(&name("platform"), Sequence(1));
    assert!(
        matches!(refused, Err(AcknowledgeError::NotDurable)),
        "{refused:?}"
    );
    blocker.execute_batch("COMMIT").expect("unlock");
    assert!(journal.flush(LONG));
    let stored = reader.read_after(Sequence(0), 1_000).expect("read");
    let stored: Vec<_> = stored
        .iter()
        .filter(|record| {
            record.event.kind != EventKind::STORAGE_FAULT || record.event.id.0.as_u128() < 99
        })
        .map(|record| record.event.id.0.as_u128())
        .collect();
    assert!(stored.into_iter().eq(1..=50));
    assert_eq!(reader.provisional(0, 10).0.len(), 0);
    assert_eq!(metrics.events_lost.get(), 0);
}

#[test]
fn trouble_of_more_than_a_second_is_raised_once_and_ended_and_what_was_lost_has_its_gap() {
    let folder = tempfile::tempdir().expect("folder");
    let (journal, metrics) = open_as(&JournalConfig {
        memory_events: 100,
        ..config(folder.path())
    });
    let blocker = Connection::open(folder.path().join("journal.sqlite")).expect("blocker");
    blocker.execute_batch("BEGIN IMMEDIATE").expect("lock");
    let writer = journal.writer();
    for number in 0..130 {
        writer.append(event(number), None).expect("append");
    }
    while metrics.journal.held.get() < 101 {
        std::thread::sleep(Duration::from_millis(10));
    }
    blocker.execute_batch("COMMIT").expect("unlock");
    assert!(journal.flush(LONG));
    writer.append_wait(event(130), None).expect("commit");
    let entries = journal.reader().entries_after(Sequence(0), 1_000);
    let entries = entries.expect("read");
    let first_hundred = entries.iter().take(100);
    assert!(
        first_hundred
            .map(|entry| match entry {
                Entry::Event(record) => record.event.id.0.as_u128(),
                Entry::Gap(gap) => panic!("{gap:?}"),
            })
            .eq(0..100)
    );
    let Entry::Gap(gap) = &entries[100] else {
        panic!("{:?}", entries[100]);
    };
    assert_eq!(
        (gap.first, gap.last, gap.count, gap.reason),
        (Sequence(101), Sequence(130), 30, GapReason::MemoryFull)
    );
    let words: Vec<_> = entries[101..]
        .iter()
        .filter_map(|entry| match entry {
            Entry::Event(record) => Some((record.event.kind, record.event.phase)),
            Entry::Gap(_) => None,
        })
        .collect();
    let fault = EventKind::STORAGE_FAULT;
    assert_eq!(
        words,
        [
            (fault, Phase::Started),
            (fault, Phase::Ended),
            (event(130).kind, Phase::Started)
        ]
    );
    assert_eq!(metrics.events_lost.get(), 30);
    assert!(journal.stop(LONG));
    let verdict = verify::verify(&folder.path().join("journal.sqlite")).expect("verify");
    assert!(verdict.is_whole(), "{verdict:?}");
    assert_eq!(verdict.declared_missing, 30);
}

#[test]
fn a_journal_that_cannot_be_opened_yet_takes_events_and_stores_them_when_it_can() {
    let folder = tempfile::tempdir().expect("folder");
    // A file where the folder should be: nothing can be made in it.
    let place = folder.path().join("state");
    std::fs::write(&place, "").expect("file");
    let (journal, metrics) = open_as(&config(&place));
    assert!(journal.storage().is_err());
    assert!(journal.healthy(LONG).is_ok() && !journal.reader().is_open());
    journal.writer().append(event(1), None).expect("append");
    std::fs::remove_file(&place).expect("remove");
    assert!(journal.flush(LONG));
    assert_eq!(journal.reader().last_sequence().expect("last").0 % 2, 1);
    assert_eq!(metrics.events_lost.get(), 0);
    assert!(journal.storage().is_ok() && journal.reader().is_open());
}
