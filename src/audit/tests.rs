use super::*;
use crate::base::clock::ManualClock;

const DAY_US: i64 = 86_400 * 1_000_000;

struct Fixture {
    log: Arc<AuditLog>,
    clock: Arc<ManualClock>,
    metrics: Arc<Metrics>,
    path: PathBuf,
    _folder: tempfile::TempDir,
}

fn fixture(now_us: i64) -> Fixture {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("state/audit.sqlite3");
    let (clock, metrics) = (ManualClock::at(now_us), Metrics::new());
    let log = AuditLog::open(&path, MIN_KEEP, clock.clone(), Arc::clone(&metrics));
    Fixture {
        log,
        clock,
        metrics,
        path,
        _folder: folder,
    }
}

fn pause(camera: &str) -> Entry {
    Entry::once("platform", "camera.pause", Outcome::Done)
        .to(camera)
        .saying("by hand")
}

fn raw(path: &Path, sql: &str) -> rusqlite::Result<()> {
    rusqlite::Connection::open(path)
        .expect("open")
        .execute_batch(sql)
}

#[test]
fn entries_are_read_as_they_were_written_and_the_chain_holds() {
    let f = fixture(5);
    f.log.append(&[pause("a"), pause("b")]).expect("written");
    f.clock.advance(Duration::from_secs(1));
    f.log.append(&[pause("c")]).expect("written");
    let read = read_file(&f.path, 1, 10).expect("read");
    assert_eq!(read, f.log.read_after(1, 10).expect("read"));
    assert_eq!(
        (read.len(), read[0].sequence, &*read[0].target),
        (2, 2, "b")
    );
    assert_eq!(
        (&*read[1].who, &*read[1].what),
        ("platform", "camera.pause")
    );
    assert_eq!(
        (&*read[1].result, read[1].at_utc_micros),
        ("done", 1_000_005)
    );
    let verdict = verify_file(&f.path).expect("read");
    assert_eq!(verdict.problems, Vec::<String>::new());
    assert_eq!((verdict.entries, verdict.first, verdict.last), (3, 1, 3));
    assert_eq!(verdict.head, read[1].hash);
    assert_eq!(f.metrics.access.audit_entries.get(), 3);
}

#[test]
fn nobody_changes_or_deletes_an_entry_without_being_seen() {
    let f = fixture(5);
    let now = crate::base::clock::SystemClock::shared().utc_micros();
    f.clock
        .advance(Duration::from_micros(u64::try_from(now).expect("positive")));
    for n in 0..5 {
        f.log.append(&[pause(&format!("c{n}"))]).expect("written");
    }
    let refused = raw(&f.path, "UPDATE entries SET who = 'x' WHERE sequence = 2");
    assert!(
        refused
            .expect_err("trigger")
            .to_string()
            .contains("append-only")
    );
    let refused = raw(&f.path, "DELETE FROM entries WHERE sequence = 2");
    assert!(
        refused
            .expect_err("trigger")
            .to_string()
            .contains("kept for 180 days")
    );
    // Somebody who drops the triggers is seen by the chain.
    raw(
        &f.path,
        "DROP TRIGGER entries_stay; DROP TRIGGER entries_are_kept",
    )
    .expect("dropped");
    raw(&f.path, "UPDATE entries SET who = 'x' WHERE sequence = 2").expect("changed");
    let said = verify_file(&f.path).expect("read").problems;
    assert_eq!(said, ["entry 2: its content does not fit its hash"]);
    raw(&f.path, "DELETE FROM entries WHERE sequence = 2").expect("deleted");
    let said = verify_file(&f.path).expect("read").problems;
    assert_eq!(said, ["entry 3: entries 2 to 2 are missing"]);
    raw(&f.path, "DELETE FROM entries WHERE sequence < 4").expect("deleted");
    let said = verify_file(&f.path).expect("read").problems;
    assert_eq!(
        said,
        ["entry 4: no entry says that those up to 3 were pruned"]
    );
}

#[test]
fn old_entries_go_and_the_chain_says_so_and_young_ones_stay() {
    let f = fixture(0);
    f.log
        .append(&[pause("old"), pause("old too")])
        .expect("written");
    f.clock.advance(Duration::from_secs(100 * 86_400));
    f.log.append(&[pause("young")]).expect("written");
    assert_eq!(f.log.prune().expect("nothing"), 0);
    f.clock.advance(Duration::from_secs(81 * 86_400));
    assert_eq!(f.log.prune().expect("pruned"), 2);
    let left = f.log.read_after(0, 10).expect("read");
    let whats: Vec<_> = left.iter().map(|entry| &*entry.what).collect();
    assert_eq!(whats, ["camera.pause", "audit.prune"]);
    assert!(left[1].at_utc_micros - left[0].at_utc_micros == 81 * DAY_US);
    let verdict = verify_file(&f.path).expect("read");
    assert_eq!((verdict.problems, verdict.first), (Vec::new(), 3));
}

#[test]
fn a_log_that_cannot_be_written_says_so_and_is_tried_again() {
    let folder = tempfile::tempdir().expect("folder");
    let blocked = folder.path().join("state");
    // A file where the folder should be: nobody, not even root, can write below it.
    std::fs::write(&blocked, "").expect("file");
    let path = blocked.join("audit.sqlite3");
    let metrics = Metrics::new();
    let log = AuditLog::open(&path, MIN_KEEP, ManualClock::at(1), Arc::clone(&metrics));
    let error = log
        .append(&[pause("a")])
        .expect_err("no folder")
        .to_string();
    assert!(error.contains(&path.display().to_string()), "{error}");
    assert_eq!(metrics.access.audit_failures.get(), 2);
    std::fs::remove_file(&blocked).expect("removed");
    log.append(&[pause("a")]).expect("written at last");
    assert_eq!(verify_file(&path).expect("read").entries, 1);
}
