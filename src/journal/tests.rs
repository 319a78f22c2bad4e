mod damage;
mod follow;
mod format;
mod kinds;
mod memory;
mod quota;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use rusqlite::Connection;
use uuid::Uuid;

use super::record::chain_hash;
use super::*;
use crate::base::clock::{ManualClock, SystemClock};
use crate::model::access::{CameraPattern, Scope};
use crate::model::event::{Event, EventDetail, EventKind, EventObject, Phase, Record, Severity};
use crate::model::geometry::{Point, Rect};
use crate::model::ids::{CameraId, ConsumerName, EventId, IncidentId, NodeName, SiteName, TrackId};
use crate::model::time::{CaptureTime, ClockSource, UtcMicros};

pub(super) const LONG: Duration = Duration::from_secs(30);

/// An event whose id is its number.
pub(super) fn event(number: u128) -> Event {
    Event {
        id: EventId(Uuid::from_u128(number)),
        incident: IncidentId(Uuid::from_u128(number / 2)),
        phase: Phase::Started,
        kind: EventKind::ALL[number as usize % 6],
        severity: if number.is_multiple_of(2) {
            Severity::Info
        } else {
            Severity::Alarm
        },
        site: SiteName::new("site").expect("name"),
        node: NodeName::new("node").expect("name"),
        camera: CameraId::new(&format!("cam-{}", number % 3)).expect("name"),
        rule: None,
        zone: None,
        occurred: CaptureTime {
            utc: UtcMicros(number as i64 * 1_000),
            source: ClockSource::Arrival,
            offset_micros: 0,
        },
        observed: UtcMicros(7),
        objects: Vec::new(),
        detail: EventDetail::default(),
        model: None,
    }
}

/// The settings of most tests.
pub(super) fn config(folder: &Path) -> JournalConfig {
    JournalConfig {
        group_max: 64,
        deadline: LONG,
        ..JournalConfig::new(
            folder.join("journal.sqlite"),
            SiteName::new("site").expect("name"),
            NodeName::new("node").expect("name"),
        )
    }
}

/// A journal on the machine's clock.
pub(super) fn open_as(config: &JournalConfig) -> (Journal, Arc<Metrics>) {
    let metrics = Metrics::new();
    let journal =
        Journal::open(config, SystemClock::shared(), Arc::clone(&metrics)).expect("journal");
    (journal, metrics)
}

fn open_with(folder: &Path, group_max: usize, deadline: Duration) -> (Journal, Arc<Metrics>) {
    open_as(&JournalConfig {
        group_max,
        deadline,
        ..config(folder)
    })
}

pub(super) fn open(folder: &Path) -> (Journal, Arc<Metrics>) {
    open_with(folder, 64, LONG)
}

pub(super) fn name(text: &str) -> ConsumerName {
    ConsumerName::new(text).expect("name")
}

/// Recomputes every hash from the file alone, as an auditor would.
fn assert_chain(folder: &Path, records: u64) {
    let file = Connection::open(folder.join("journal.sqlite")).expect("file");
    let mut statement = file
        .prepare("SELECT sequence, committed_us, previous_hash, hash, body FROM records ORDER BY 1")
        .expect("statement");
    let mut rows = statement.query([]).expect("rows");
    let (mut expected, mut previous) = (0_u64, [0_u8; 32]);
    while let Some(row) = rows.next().expect("row") {
        expected += 1;
        let sequence: i64 = row.get(0).expect("sequence");
        assert_eq!(sequence as u64, expected);
        assert_eq!(row.get::<_, [u8; 32]>(2).expect("previous"), previous);
        let body: String = row.get(4).expect("body");
        let committed = UtcMicros(row.get(1).expect("committed"));
        let hash = chain_hash(Sequence(expected), committed, &previous, &body);
        assert_eq!(row.get::<_, [u8; 32]>(3).expect("hash"), hash);
        previous = hash;
    }
    assert_eq!(expected, records);
}

#[test]
fn what_is_committed_is_read_back_and_reopening_continues_the_chain() {
    let folder = tempfile::tempdir().expect("folder");
    for round in 0..3_u64 {
        let (journal, metrics) = open(folder.path());
        let writer = journal.writer();
        for number in 0..5 {
            let wanted = round * 5 + number + 1;
            let sequence = writer
                .append_wait(event(wanted.into()), None)
                .expect("commit");
            assert_eq!(sequence, Sequence(wanted));
        }
        assert_eq!(*journal.committed().borrow(), Sequence((round + 1) * 5));
        assert_eq!(metrics.events_committed.get(), 5);
        let records = journal
            .reader()
            .read_after(Sequence(round * 5), 100)
            .expect("read");
        let found: Vec<Event> = records.iter().map(|record| record.event.clone()).collect();
        let wanted: Vec<Event> = (1..=5).map(|n| event(u128::from(round * 5 + n))).collect();
        assert_eq!(found, wanted);
        assert_eq!(
            journal.reader().first_sequence().expect("first"),
            Sequence(1)
        );
        assert!(journal.stop(LONG));
    }
    assert_chain(folder.path(), 15);
}

#[test]
fn a_copy_of_the_files_taken_while_the_daemon_runs_opens_with_all_that_was_committed() {
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
    for file in ["journal.sqlite", "journal.sqlite-wal"] {
        std::fs::copy(folder.path().join(file), copy.path().join(file)).expect("copy");
    }
    let (after, _metrics) = open(copy.path());
    assert_eq!(after.reader().last_sequence().expect("last"), Sequence(40));
    assert_eq!(
        after.writer().append_wait(event(41), None),
        Ok(Sequence(41))
    );
    assert_chain(copy.path(), 41);
}

#[test]
fn events_of_one_writer_keep_their_order_and_many_writers_leave_no_gap() {
    let folder = tempfile::tempdir().expect("folder");
    let (journal, metrics) = open_with(folder.path(), 16, LONG);
    let threads: Vec<_> = (0..4_u128)
        .map(|thread| {
            let writer = journal.writer();
            named_thread("test writer", move || {
                for number in 0..100 {
                    writer
                        .append(event(thread * 1_000 + number), None)
                        .expect("append");
                }
            })
            .expect("thread")
        })
        .collect();
    threads
        .into_iter()
        .for_each(|thread| thread.join().expect("thread"));
    assert!(journal.flush(LONG));
    let records = journal
        .reader()
        .read_after(Sequence(0), 1_000)
        .expect("read");
    assert!(records.iter().map(|record| record.sequence.0).eq(1..=400));
    for thread in 0..4_u128 {
        let own = records.iter().map(|record| record.event.id.0.as_u128());
        assert!(
            own.filter(|id| id / 1_000 == thread)
                .eq(thread * 1_000..thread * 1_000 + 100)
        );
    }
    assert_eq!(metrics.events_committed.get(), 400);
    assert_eq!(metrics.journal.sequence.get(), 400);
    assert!(
        metrics
            .render()
            .contains("parapet_stage_seconds_count{stage=\"commit\"} 400")
    );
    assert_chain(folder.path(), 400);
}

#[test]
fn an_acknowledgement_is_durable_and_never_moves_back_or_beyond_the_end() {
    let folder = tempfile::tempdir().expect("folder");
    let platform = name("platform");
    {
        let (journal, _metrics) = open(folder.path());
        for number in 0..9 {
            journal
                .writer()
                .append(event(number), None)
                .expect("append");
        }
        assert!(journal.flush(LONG));
        let reader = journal.reader();
        assert_eq!(reader.acknowledged(&platform), None);
        assert_eq!(
            reader.acknowledge(&platform, Sequence(7)).expect("ack"),
            Sequence(7)
        );
        assert_eq!(
            reader.acknowledge(&platform, Sequence(3)).expect("ack"),
            Sequence(7)
        );
        let beyond = reader.acknowledge(&platform, Sequence(10));
        assert!(matches!(
            beyond,
            Err(AcknowledgeError::Beyond { asked: 10, last: 9 })
        ));
        assert!(journal.stop(LONG));
        let stopped = reader.acknowledge(&platform, Sequence(8));
        assert!(matches!(stopped, Err(AcknowledgeError::Stopped)));
    }
    let (journal, _metrics) = open(folder.path());
    let consumers = journal.reader().consumers();
    assert_eq!(
        consumers,
        [Consumer {
            name: platform,
            acknowledged: Sequence(7)
        }]
    );
}

#[test]
fn while_commits_fail_the_journal_says_so_keeps_the_events_and_recovers() {
    let folder = tempfile::tempdir().expect("folder");
    let (journal, metrics) = open(folder.path());
    let blocker = Connection::open(folder.path().join("journal.sqlite")).expect("blocker");
    blocker.execute_batch("BEGIN IMMEDIATE").expect("lock");
    journal.writer().append(event(1), None).expect("append");
    while journal.storage().is_ok() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let reason = journal.storage().expect_err("failing");
    assert!(reason.contains("locked"), "{reason}");
    assert_eq!(journal.healthy(LONG), Ok(()));
    assert_eq!(metrics.journal.state.get(), 1);
    assert_eq!(*journal.committed().borrow(), Sequence(0));
    blocker.execute_batch("COMMIT").expect("unlock");
    assert!(journal.flush(LONG));
    assert_eq!(journal.storage(), Ok(()));
    assert_eq!(metrics.journal.state.get(), 0);
    assert_eq!(journal.reader().last_sequence().expect("last"), Sequence(1));
    assert_eq!(metrics.events_lost.get(), 0);
}

#[test]
fn beyond_the_memory_events_are_lost_loudly_and_a_stop_that_cannot_commit_counts_the_rest() {
    let folder = tempfile::tempdir().expect("folder");
    let (journal, metrics) = open_as(&JournalConfig {
        group_max: 1,
        deadline: Duration::from_millis(1),
        memory_events: 100,
        ..config(folder.path())
    });
    let blocker = Connection::open(folder.path().join("journal.sqlite")).expect("blocker");
    blocker.execute_batch("BEGIN IMMEDIATE").expect("lock");
    let writer = journal.writer();
    for number in 0..2_000 {
        let _ = writer.append(event(number), None);
    }
    assert!(!journal.stop(Duration::from_millis(20)));
    // The one more: the journal's own word that its disk takes nothing, where it came to that.
    let lost = metrics.events_lost.get();
    assert!((2_000..=2_001).contains(&lost), "{lost}");
    assert_eq!(writer.append(event(1), None), Err(AppendError::Stopped));
    assert_eq!(metrics.events_lost.get(), lost + 1);
}

#[test]
fn a_second_daemon_and_a_newer_format_are_refused_by_name() {
    let folder = tempfile::tempdir().expect("folder");
    let config = config(folder.path());
    let again = || Journal::open(&config, ManualClock::at(0), Metrics::new());
    {
        let (journal, _metrics) = open(folder.path());
        journal
            .writer()
            .append_wait(event(1), None)
            .expect("commit");
        assert!(matches!(again(), Err(JournalError::InUse { .. })));
    }
    let file = Connection::open(&config.path).expect("file");
    file.execute_batch("PRAGMA user_version = 99")
        .expect("version");
    assert!(matches!(
        again(),
        Err(JournalError::Version { found: 99, .. })
    ));
}

#[test]
fn numbers_that_are_not_finite_do_not_make_a_record_unreadable() {
    let folder = tempfile::tempdir().expect("folder");
    let (journal, _metrics) = open(folder.path());
    let mut odd = event(1);
    odd.detail.body_heights_per_second = Some(f32::NAN);
    odd.objects.push(EventObject {
        track: TrackId(1),
        class: "person".into(),
        score: f32::NAN,
        box_in_frame: Rect {
            left: f32::INFINITY,
            ..Rect::default()
        },
        ground_metres: Some(Point {
            x: f32::NAN,
            y: 0.0,
        }),
        speed_mps: Some(f32::NEG_INFINITY),
    });
    journal.writer().append_wait(odd, None).expect("commit");
    let records = journal.reader().read_after(Sequence(0), 1).expect("read");
    assert_eq!(records[0].event.objects[0].speed_mps, None);
    assert_eq!(records[0].event.objects[0].score, 0.0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_query_finds_what_its_filter_matches_and_sequences_have_no_gap(
        numbers in prop::collection::vec(0_u128..60, 1..40),
        group_max in 1_usize..9,
        cameras in prop::collection::vec(0_u8..3, 0..3),
        kinds in prop::collection::vec(0_usize..6, 0..3),
        alarms in any::<bool>(),
        from in prop::option::of(0_i64..60_000),
        to in prop::option::of(0_i64..60_000),
        after in 0_u64..40,
        pattern in prop::option::of(prop::sample::select(vec!["cam-*", "*1", "cam-0", "c*-*", "x*"])),
    ) {
        let folder = tempfile::tempdir().expect("folder");
        let (journal, _metrics) = open_with(folder.path(), group_max, LONG);
        for number in &numbers {
            journal.writer().append(event(*number), None).expect("append");
        }
        prop_assert!(journal.flush(LONG));
        let reader = journal.reader();
        let all = reader.read_after(Sequence(0), 1_000).expect("read");
        prop_assert!(all.iter().map(|record| record.sequence.0).eq(1..=numbers.len() as u64));
        prop_assert!(all.iter().map(|record| record.event.id.0.as_u128()).eq(numbers));
        let filter = Filter {
            cameras: cameras
                .iter()
                .map(|camera| CameraId::new(&format!("cam-{camera}")).expect("name"))
                .collect(),
            kinds: kinds.iter().map(|kind| EventKind::ALL[*kind]).collect(),
            min_severity: alarms.then_some(Severity::Warning),
            from: from.map(UtcMicros),
            to: to.map(UtcMicros),
            after_sequence: Sequence(after),
            scope: pattern.map_or(Scope::All, |text| Scope::Only(vec![CameraPattern::new(text).expect("pattern")])),
        };
        let found = reader.query(&filter, 1_000).expect("query");
        let wanted: Vec<Record> =
            all.into_iter().filter(|record| filter.matches(record)).collect();
        prop_assert_eq!(found, wanted);
    }
}
