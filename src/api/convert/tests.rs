use std::time::Duration;

use prop::option;
use prop::sample::select;
use proptest::prelude::*;

use super::*;
use crate::model::camera::{CameraState, WakeReason};
use crate::model::coverage::{Coverage, CoverageLevel};
use crate::model::event::{Direction, EventKind, Phase, Severity};
use crate::model::geometry::Size;
use crate::model::time::ClockSource;

fn name_text() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9监区._-]{1,20}"
}

fn object() -> impl Strategy<Value = EventObject> {
    let rect = any::<[f32; 4]>();
    let numbers = (-1e6_f32..1e6, option::of((-1e6_f32..1e6, -1e6_f32..1e6)));
    (
        any::<u64>(),
        "[a-z]{0,9}",
        rect,
        numbers,
        option::of(0.0_f32..1e3),
    )
        .prop_map(
            |(track, class, [left, top, width, height], (score, ground), speed_mps)| EventObject {
                track: TrackId(track),
                class: class.into(),
                score,
                box_in_frame: Rect {
                    left,
                    top,
                    width,
                    height,
                },
                ground_metres: ground.map(|(x, y)| Point { x, y }),
                speed_mps,
            },
        )
}

fn detail() -> impl Strategy<Value = EventDetail> {
    let direction = option::of(select(vec![Direction::LeftToRight, Direction::RightToLeft]));
    let (count, dwell) = (option::of(any::<u32>()), option::of(any::<u64>()));
    (
        direction,
        count,
        dwell,
        option::of(0.0_f32..9.0),
        option::of(".{0,30}"),
    )
        .prop_map(
            |(direction, count, dwell_millis, body_heights_per_second, reason)| EventDetail {
                direction,
                count,
                dwell_millis,
                body_heights_per_second,
                reason,
            },
        )
}

/// Known here or not.
fn kind() -> impl Strategy<Value = EventKind> {
    prop_oneof![
        select(EventKind::ALL.to_vec()),
        any::<i32>().prop_filter_map("zero is no kind", EventKind::from_number),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let words = (
        select(vec![Phase::Started, Phase::Updated, Phase::Ended]),
        kind(),
        select(vec![
            Severity::Info,
            Severity::Warning,
            Severity::Alarm,
            Severity::Critical,
        ]),
        select(vec![
            ClockSource::CameraNtp,
            ClockSource::Arrival,
            ClockSource::File,
        ]),
    );
    let names = (
        name_text(),
        name_text(),
        name_text(),
        option::of(name_text()),
    );
    let parts = (
        prop::collection::vec(object(), 0..4),
        detail(),
        option::of(("[a-z]{0,9}", ".{0,9}")),
    );
    (any::<[u128; 2]>(), words, names, any::<[i64; 3]>(), parts).prop_map(
        |(ids, (phase, kind, severity, source), names, times, (objects, detail, model))| {
            let (site, node, camera, rule) = names;
            Event {
                id: EventId(Uuid::from_u128(ids[0])),
                incident: IncidentId(Uuid::from_u128(ids[1])),
                phase,
                kind,
                severity,
                site: SiteName::new(&site).expect("name"),
                node: NodeName::new(&node).expect("name"),
                camera: CameraId::new(&camera).expect("name"),
                zone: rule.as_ref().map(|rule| ZoneName::new(rule).expect("name")),
                rule: rule.map(|rule| RuleName::new(&rule).expect("name")),
                occurred: CaptureTime {
                    utc: UtcMicros(times[0]),
                    source,
                    offset_micros: times[1],
                },
                observed: UtcMicros(times[2]),
                objects,
                detail,
                model: model.map(|(name, version)| ModelRef {
                    name: name.into(),
                    version: version.into(),
                }),
            }
        },
    )
}

proptest! {
    #[test]
    fn an_event_survives_the_wire_whole(
        event in event(),
        sequence in any::<u64>(),
        committed in any::<i64>(),
        hashes in any::<[[u8; 32]; 2]>(),
    ) {
        let record = Record {
            sequence: Sequence(sequence),
            committed: UtcMicros(committed),
            previous_hash: hashes[0],
            hash: hashes[1],
            event,
        };
        let bytes = prost::Message::encode_to_vec(&to_wire(&record));
        let wire: v1::Event = prost::Message::decode(bytes.as_slice()).expect("decode");
        prop_assert_eq!(from_wire(wire).expect("domain"), record);
    }

    #[test]
    fn a_camera_and_a_filter_survive_the_wire(
        id in name_text(),
        state in 0_usize..5,
        counts in any::<[u64; 3]>(),
        size in option::of((1_u32..9_000, 1_u32..9_000)),
        decoder in option::of("[a-z0-9]{1,12}"),
        severity in option::of(select(vec![Severity::Info, Severity::Critical])),
        unknown in kind(),
        coverage in option::of((select(CoverageLevel::ALL.to_vec()), any::<[u32; 2]>(), any::<bool>())),
    ) {
        let states = [
            CameraState::Stopped,
            CameraState::Connecting,
            CameraState::Streaming,
            CameraState::Stalled,
            CameraState::BackingOff,
        ];
        let status = CameraStatus {
            camera: CameraId::new(&id).expect("name"),
            state: states[state],
            since: UtcMicros(5),
            reason: "why".to_owned(),
            failures: 3,
            size: size.map(|(width, height)| Size { width, height }),
            decoder,
            source: "rtsp://camera/".to_owned(),
            decoded: counts[0],
            analysed: counts[1],
            superseded: counts[2],
            asleep: counts[0] % 2 == 0,
            woke_by: WakeReason::ALL.get(state).copied().filter(|_| counts[1] % 2 == 0),
            wakes: counts[1],
            coverage: coverage.map(|(level, [gap, promise], kept)| Coverage {
                level,
                largest_gap: Duration::from_millis(gap.into()),
                promised_gap: Duration::from_millis(promise.into()),
                kept,
            }),
        };
        prop_assert_eq!(camera_from_wire(camera_to_wire(&status)).expect("domain"), status.clone());
        let filter = Filter {
            cameras: vec![status.camera],
            kinds: EventKind::ALL.into_iter().chain([unknown]).collect(),
            min_severity: severity,
            ..Filter::default()
        };
        prop_assert_eq!(filter_from_wire(filter_to_wire(&filter)).expect("domain"), filter);
    }
}

#[test]
fn a_wrong_field_is_called_by_its_name() {
    let error = from_wire(v1::Event {
        occurred: Some(v1::CaptureTime::default()),
        ..v1::Event::default()
    });
    assert_eq!(error.expect_err("empty id").field, "id");
    let wrong = v1::EventFilter {
        cameras: vec!["a b".to_owned()],
        ..v1::EventFilter::default()
    };
    assert_eq!(filter_from_wire(wrong).expect_err("name").field, "cameras");
    let wrong = v1::EventFilter {
        kinds: vec![0],
        ..v1::EventFilter::default()
    };
    assert_eq!(filter_from_wire(wrong).expect_err("kind").field, "kinds");
    let wrong = v1::EventFilter {
        min_severity: 77,
        ..v1::EventFilter::default()
    };
    assert_eq!(
        filter_from_wire(wrong).expect_err("severity").field,
        "min_severity"
    );
}

#[test]
fn every_kind_of_the_wire_is_known_by_its_number_and_name() {
    let on_the_wire = (i16::MIN..=i16::MAX)
        .filter_map(|number| v1::EventKind::try_from(i32::from(number)).ok())
        .filter(|kind| *kind != v1::EventKind::Unspecified);
    let on_the_wire: Vec<_> = on_the_wire
        .map(|kind| {
            let name = kind.as_str_name().trim_start_matches("EVENT_KIND_");
            (i32::from(kind), name.to_lowercase())
        })
        .collect();
    let known = EventKind::ALL.map(|kind| (kind.number(), kind.to_string()));
    assert_eq!(on_the_wire, known);
}

#[test]
fn an_unknown_kind_has_no_topic_and_no_code() {
    let kind = EventKind::from_number(9_999).expect("a kind");
    assert_eq!((kind.onvif_topic(), kind.gbt28181()), (None, None));
}
