//! What a follower is told.

use super::*;
use crate::model::entry::{Gap, GapReason};

async fn next(follower: &mut Follower) -> Vec<Followed> {
    let next = tokio::time::timeout(LONG, follower.next());
    next.await.expect("in time").expect("goes on")
}

/// What is told until at least `count` items came.
async fn told(follower: &mut Follower, count: usize) -> Vec<Followed> {
    let mut told = Vec::new();
    while told.len() < count {
        told.extend(next(follower).await);
    }
    told
}

fn sequences(items: &[Followed]) -> Vec<u64> {
    let sequences = items.iter().filter_map(|item| match item {
        Followed::Event(record) => Some(record.sequence.0),
        _ => None,
    });
    sequences.collect()
}

fn append(journal: &Journal, numbers: std::ops::RangeInclusive<u128>) {
    for number in numbers {
        journal
            .writer()
            .append(event(number), None)
            .expect("append");
    }
    assert!(journal.flush(LONG));
}

#[tokio::test]
async fn stored_events_come_in_pages_then_a_position_then_what_comes() {
    let folder = tempfile::tempdir().expect("folder");
    let (journal, _metrics) = open(folder.path());
    append(&journal, 1..=600);
    let mut follower = journal.reader().follow(Filter::default(), Sequence(20));
    let first = next(&mut follower).await;
    assert!(sequences(&first).into_iter().eq(21..=276));
    let rest = told(&mut follower, 325).await;
    assert!(sequences(&rest).into_iter().eq(277..=600));
    assert_eq!(rest.last(), Some(&Followed::Position(Sequence(600))));
    append(&journal, 601..=603);
    let more = told(&mut follower, 3).await;
    assert_eq!(sequences(&more), [601, 602, 603]);
    assert_eq!(more.len(), 3);
}

#[tokio::test]
async fn a_filter_holds_events_back_and_never_a_gap() {
    let folder = tempfile::tempdir().expect("folder");
    let (journal, _metrics) = open(folder.path());
    append(&journal, 1..=9);
    let file = Connection::open(folder.path().join("journal.sqlite")).expect("file");
    file.execute_batch("DELETE FROM records WHERE sequence <= 5")
        .expect("drop the oldest");
    let filter = Filter {
        cameras: vec![CameraId::new("nowhere").expect("name")],
        ..Filter::default()
    };
    let mut follower = journal.reader().follow(filter, Sequence(2));
    let items = next(&mut follower).await;
    let [Followed::Gap(gap), Followed::Position(Sequence(9))] = &items[..] else {
        panic!("{items:?}");
    };
    let Gap {
        first, last, count, ..
    } = gap;
    assert_eq!((*first, *last, *count), (Sequence(3), Sequence(5), 3));
    assert_eq!(gap.reason, GapReason::Missing);
    // The anchor declares what the quota dropped.
    file.execute_batch("UPDATE anchor SET sequence = 5")
        .expect("anchor");
    let mut follower = journal.reader().follow(Filter::default(), Sequence(2));
    let items = next(&mut follower).await;
    assert!(
        matches!(&items[0], Followed::Gap(gap) if gap.reason == GapReason::Quota),
        "{items:?}"
    );
    assert_eq!(sequences(&items), [6, 7, 8, 9]);
}

#[tokio::test]
async fn of_a_gap_record_only_what_the_follower_has_not_had_is_told() {
    let folder = tempfile::tempdir().expect("folder");
    let (journal, _metrics) = open(folder.path());
    append(&journal, 1..=10);
    assert!(journal.stop(LONG));
    let mut store = store::Store::open(&folder.path().join("journal.sqlite")).expect("store");
    store
        .write_gap(Sequence(30), 20, "a test", 0)
        .expect("a gap");
    drop(store);
    let (journal, _metrics) = open(folder.path());
    let mut follower = journal.reader().follow(Filter::default(), Sequence(12));
    let items = next(&mut follower).await;
    let Followed::Gap(gap) = &items[0] else {
        panic!("{items:?}");
    };
    assert_eq!(
        (gap.first, gap.last, gap.count),
        (Sequence(13), Sequence(30), 18)
    );
    assert_eq!(items[1], Followed::Position(Sequence(30)));
}

#[tokio::test(flavor = "multi_thread")]
async fn provisional_events_come_again_stored_and_a_dropped_wait_loses_nothing() {
    let folder = tempfile::tempdir().expect("folder");
    let (journal, _metrics) = open(folder.path());
    append(&journal, 1..=1);
    let mut follower = journal.reader().follow(Filter::default(), Sequence(0));
    assert_eq!(told(&mut follower, 2).await.len(), 2);
    let blocker = Connection::open(folder.path().join("journal.sqlite")).expect("blocker");
    blocker.execute_batch("BEGIN IMMEDIATE").expect("lock");
    for number in 2..=4 {
        journal
            .writer()
            .append(event(number), None)
            .expect("append");
    }
    let mut provisional = Vec::new();
    while provisional.len() < 3 {
        // Dropped again and again while it waits and while it reads.
        let wait = tokio::time::timeout(Duration::from_millis(20), follower.next()).await;
        for item in wait.map_or(Vec::new(), |items| items.expect("goes on")) {
            let Followed::Provisional(event) = item else {
                panic!("{item:?}");
            };
            provisional.push(event.id.0.as_u128());
        }
    }
    assert_eq!(provisional[..3], [2, 3, 4]);
    blocker.execute_batch("COMMIT").expect("unlock");
    assert!(journal.flush(LONG));
    let mut stored = Vec::new();
    while stored.len() < 3 {
        stored.extend(sequences(&next(&mut follower).await));
    }
    assert_eq!(stored[..3], [2, 3, 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_of_a_stopped_journal_is_told_that_it_has_stopped() {
    let folder = tempfile::tempdir().expect("folder");
    let (journal, _metrics) = open(folder.path());
    append(&journal, 1..=2);
    let mut follower = journal.reader().follow(Filter::default(), Sequence(2));
    assert_eq!(next(&mut follower).await, [Followed::Position(Sequence(2))]);
    assert!(journal.stop(LONG));
    drop(journal);
    let end = tokio::time::timeout(LONG, follower.next()).await;
    assert!(matches!(end.expect("in time"), Err(FollowError::Stopped)));
}
