//! Records of programs that know more kinds of events than this one.

use super::*;
use crate::journal::verify::verify;

#[test]
fn a_newer_programs_record_is_read_by_its_number_and_no_damage() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("journal.sqlite");
    let (journal, _metrics) = open(folder.path());
    journal
        .writer()
        .append_wait(event(1), None)
        .expect("commit");
    assert!(journal.stop(LONG));
    let newer = Event {
        kind: EventKind::from_number(9_999).expect("a kind"),
        ..event(2)
    };
    // As the newer program writes it: with a name, and with more to say.
    let body = serde_json::to_string(&newer).expect("json");
    let body = body.replace(r#""kind":"9999""#, r#""measure":[1],"kind":"walls_moved""#);
    {
        let file = Connection::open(&path).expect("file");
        let previous: [u8; 32] = file
            .query_row("SELECT hash FROM records", [], |row| row.get(0))
            .expect("hash");
        let hash = chain_hash(Sequence(2), UtcMicros(9), &previous, &body);
        file.execute(
            "INSERT INTO records (sequence, id, incident, phase, kind, severity, camera,
             occurred_us, committed_us, previous_hash, hash, body)
             VALUES (2, 'id', 'incident', 'started', '9999', 0, 'cam-2', 2000, 9, ?1, ?2, ?3)",
            rusqlite::params![previous, hash, body],
        )
        .expect("insert");
    }
    let (journal, metrics) = open(folder.path());
    assert_eq!(
        journal.writer().append_wait(event(3), None),
        Ok(Sequence(3))
    );
    let records = journal.reader().read_after(Sequence(0), 9).expect("read");
    let found: Vec<_> = records.into_iter().map(|record| record.event).collect();
    assert_eq!(found, [event(1), newer.clone(), event(3)]);
    let only = Filter {
        kinds: vec![newer.kind],
        ..Filter::default()
    };
    let records = journal.reader().query(&only, 9).expect("query");
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].event, newer);
    assert_eq!(metrics.events_committed.get(), 1);
    assert!(journal.stop(LONG));
    assert!(verify(&path).expect("verify").is_whole());
    assert_chain(folder.path(), 3);
}
