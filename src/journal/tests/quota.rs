//! What goes when there is too much, and what is said of it.

use super::*;
use crate::base::clock::SharedClock;
use crate::journal::verify::verify;

const HOUR: Duration = Duration::from_secs(3_600);

#[test]
fn younger_records_are_dropped_only_after_an_event_said_so_and_the_chain_stays_whole() {
    let folder = tempfile::tempdir().expect("folder");
    let (journal, metrics) = open_as(&JournalConfig {
        max_bytes: 1 << 20,
        ..config(folder.path())
    });
    let (writer, reader) = (journal.writer(), journal.reader());
    let append = |numbers: std::ops::Range<u128>| {
        for number in numbers {
            writer.append(event(number), None).expect("append");
        }
        assert!(journal.flush(LONG));
    };
    append(0..20);
    // Before anything is dropped: a cursor in what is gone counts from its end.
    reader
        .acknowledge(&name("platform"), Sequence(10))
        .expect("acknowledge");
    append(20..4_000);
    let ended = |record: &Record| {
        record.event.kind == EventKind::STORAGE_LOW
            && record.event.phase == Phase::Ended
            && record.event.id.0.as_u128() > 4_000
    };
    let filter = Filter {
        kinds: vec![EventKind::STORAGE_LOW],
        ..Filter::default()
    };
    let words = loop {
        let said = reader.query(&filter, 10_000).expect("query");
        if let Some(ended) = said.iter().find(|record| ended(record)) {
            let incident = ended.event.incident;
            let both = said
                .iter()
                .filter(|record| record.event.incident == incident);
            assert_eq!(both.count(), 2, "STARTED and ENDED");
            break ended.event.detail.clone();
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let dropped = reader.dropped_through().expect("anchor");
    assert!(dropped.0 >= 1_000, "{dropped:?}");
    assert_eq!(words.count, Some(dropped.0 as u32));
    let reason = words.reason.expect("words");
    let unread = format!("{} of them not acknowledged", dropped.0 - 10);
    assert!(reason.contains(&unread), "{reason}");
    assert_eq!(
        reader.first_sequence().expect("first"),
        Sequence(dropped.0 + 1)
    );
    let text = metrics.render();
    let counted = format!(
        "parapet_journal_dropped_total{{reason=\"size\"}} {}",
        dropped.0
    );
    assert!(text.contains(&counted), "{text}");
    assert!(journal.stop(LONG));
    let verdict = verify(&folder.path().join("journal.sqlite")).expect("verify");
    assert!(verdict.is_whole(), "{verdict:?}");
    assert_eq!(verdict.dropped_through, dropped.0);
    let (journal, metrics) = open(folder.path());
    assert_eq!(metrics.journal.damages.get(), 0);
    assert_eq!(journal.reader().dropped_through().expect("anchor"), dropped);
}

#[test]
fn old_records_go_after_their_time_but_not_by_a_clock_that_has_just_jumped() {
    let folder = tempfile::tempdir().expect("folder");
    let clock = ManualClock::at(1_700_000_000_000_000);
    let shared: SharedClock = clock.clone();
    let settings = JournalConfig {
        max_age: 10 * HOUR,
        ..config(folder.path())
    };
    let journal = Journal::open(&settings, shared, Metrics::new()).expect("journal");
    let (writer, reader) = (journal.writer(), journal.reader());
    for number in 0..30 {
        writer.append_wait(event(number), None).expect("commit");
    }
    clock.set_utc_micros(1_900_000_000_000_000);
    clock.advance(Duration::from_secs(7_200));
    writer.append_wait(event(30), None).expect("commit");
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(reader.dropped_through().expect("anchor"), Sequence(0));
    clock.set_utc_micros(1_700_000_000_000_000 + 7_200_000_000);
    clock.advance(9 * HOUR);
    while reader.dropped_through().expect("anchor") < Sequence(30) {
        // Each event wakes the thread; the newest record always stays.
        writer.append_wait(event(31), None).expect("commit");
        clock.advance(Duration::from_secs(1));
    }
    assert!(journal.stop(LONG));
    let verdict = verify(&settings.path).expect("verify");
    assert!(verdict.is_whole(), "{verdict:?}");
}
