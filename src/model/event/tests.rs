//! An event as the journal holds it and clients print it.

use uuid::Uuid;

use super::*;
use crate::model::time::ClockSource;

fn event(kind: EventKind) -> Event {
    Event {
        id: EventId(Uuid::from_u128(1)),
        incident: IncidentId(Uuid::from_u128(2)),
        phase: Phase::Started,
        kind,
        severity: Severity::Alarm,
        site: SiteName::new("site").expect("name"),
        node: NodeName::new("node").expect("name"),
        camera: CameraId::new("yard-1").expect("name"),
        rule: None,
        zone: None,
        occurred: CaptureTime {
            utc: UtcMicros(3),
            source: ClockSource::Arrival,
            offset_micros: 0,
        },
        observed: UtcMicros(4),
        objects: Vec::new(),
        detail: EventDetail::default(),
        model: None,
    }
}

/// The journals of before hold this text, and their hashes with it.
#[test]
fn a_kind_that_every_program_knows_is_stored_by_its_name_alone() {
    let stored = concat!(
        r#"{"id":"00000000-0000-0000-0000-000000000001","#,
        r#""incident":"00000000-0000-0000-0000-000000000002","phase":"started","#,
        r#""kind":"line_crossed","severity":"alarm","site":"site","node":"node","#,
        r#""camera":"yard-1","rule":null,"zone":null,"#,
        r#""occurred":{"utc":3,"source":"arrival","offset_micros":0},"observed":4,"objects":[],"#,
        r#""detail":{"direction":null,"count":null,"dwell_millis":null,"#,
        r#""body_heights_per_second":null,"reason":null},"model":null}"#
    );
    let event = event(EventKind::LINE_CROSSED);
    assert_eq!(serde_json::to_string(&event).expect("json"), stored);
    assert_eq!(serde_json::from_str::<Event>(stored).expect("event"), event);
}

#[test]
fn every_kind_known_or_not_is_read_as_it_was_stored() {
    let unknown = EventKind::from_number(9_999);
    for kind in EventKind::ALL.into_iter().chain(unknown) {
        let event = event(kind);
        let stored = serde_json::to_string(&event).expect("json");
        assert_eq!(
            serde_json::from_str::<Event>(&stored).expect("event"),
            event
        );
    }
}

#[test]
fn a_newer_programs_kind_is_its_number_whatever_its_name_is() {
    let kind = EventKind::from_number(9_999).expect("a kind");
    let own = serde_json::to_string(&event(kind)).expect("json");
    assert!(own.contains(r#""kind":"9999","kind_number":9999"#), "{own}");
    let newer = own.replace(r#""kind":"9999""#, r#""kind":"walls_moved","angle":[1.5]"#);
    assert_eq!(
        serde_json::from_str::<Event>(&newer).expect("event"),
        event(kind)
    );
    let nameless = own.replace(r#","kind_number":9999"#, "");
    assert_eq!(
        serde_json::from_str::<Event>(&nameless).expect("event"),
        event(kind)
    );
    let wrong = newer.replace(r#","kind_number":9999"#, "");
    let error = serde_json::from_str::<Event>(&wrong).expect_err("no number");
    assert!(
        error.to_string().contains("`walls_moved` is no kind"),
        "{error}"
    );
}
