//! From an event to its commit: alone, and 64 that share one transaction. Each iteration waits
//! until the disk has it, so the figure is the disk's as much as ours.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use parapet::base::clock::SystemClock;
use parapet::base::metrics::Metrics;
use parapet::config::types::JournalConfig;
use parapet::journal::Journal;
use parapet::model::event::{Event, EventDetail, EventKind, EventObject, Phase, Severity};
use parapet::model::geometry::Rect;
use parapet::model::ids::{CameraId, EventId, IdSource, IncidentId, NodeName, SiteName, TrackId};
use parapet::model::time::{CaptureTime, ClockSource, UtcMicros};

const LONG: Duration = Duration::from_secs(30);

fn event(ids: &mut IdSource) -> Event {
    let id = ids.uuid_v7(1_700_000_000_000_000);
    Event {
        id: EventId(id),
        incident: IncidentId(id),
        phase: Phase::Started,
        kind: EventKind::ZONE_INTRUSION,
        severity: Severity::Alarm,
        site: SiteName::new("site").expect("name"),
        node: NodeName::new("node").expect("name"),
        camera: CameraId::new("yard-1").expect("name"),
        rule: None,
        zone: None,
        occurred: CaptureTime {
            utc: UtcMicros(1),
            source: ClockSource::Arrival,
            offset_micros: 0,
        },
        observed: UtcMicros(1),
        objects: vec![EventObject {
            track: TrackId(7),
            class: "person".into(),
            score: 0.9,
            box_in_frame: Rect::from_corners(0.1, 0.2, 0.3, 0.4),
            ground_metres: None,
            speed_mps: None,
        }],
        detail: EventDetail::default(),
        model: None,
    }
}

fn commit(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("journal.sqlite");
    let config = JournalConfig {
        group_max: 64,
        deadline: LONG,
        ..JournalConfig::new(
            path,
            SiteName::new("site").expect("name"),
            NodeName::new("node").expect("name"),
        )
    };
    let journal = Journal::open(&config, SystemClock::shared(), Metrics::new()).expect("journal");
    let writer = journal.writer();
    let mut ids = IdSource::seeded(1);
    let mut group = criterion.benchmark_group("journal");
    group.throughput(Throughput::Elements(1));
    group.bench_function("commit_single", |bench| {
        bench.iter(|| black_box(writer.append_wait(event(&mut ids), None).expect("commit")));
    });
    group.throughput(Throughput::Elements(64));
    group.bench_function("commit_group_64", |bench| {
        bench.iter(|| {
            for _ in 0..64 {
                writer.append(event(&mut ids), None).expect("append");
            }
            assert!(journal.flush(LONG));
        });
    });
    group.finish();
}

criterion_group!(benches, commit);
criterion_main!(benches);
