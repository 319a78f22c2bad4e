//! From a frame leaving the decoder to its event committed: inference pool, tracker, rules and
//! journal together, with a fake and with a real backend. Prints p50 and p99 besides criterion's.
#![expect(
    clippy::print_stdout,
    reason = "percentiles are not criterion's to print"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use crossbeam_channel::bounded;
use hdrhistogram::Histogram;
use parapet::base::clock::{Clock as _, SystemClock};
use parapet::base::metrics::Metrics;
use parapet::base::slot::WhenFull;
use parapet::config::types::{InferenceConfig, JournalConfig};
use parapet::infer::fake::FakeBackend;
use parapet::infer::ort::OrtBackend;
use parapet::infer::{Answer, Backend, InferencePool, Model, QueueSpec};
use parapet::journal::Journal;
use parapet::model::event::{Event, EventDetail, EventKind, Phase, Severity};
use parapet::model::frame::{ColorMatrix, Colorimetry, Frame, OwnedPlanes, PixelFormat};
use parapet::model::geometry::Size;
use parapet::model::ids::{CameraId, EventId, IdSource, IncidentId, ModelName, NodeName, SiteName};
use parapet::model::time::{CaptureTime, ClockSource, UtcMicros};
use parapet::track::Tracker;

const FULL_HD: Size = Size {
    width: 1920,
    height: 1080,
};

fn frame(clock: &SystemClock, index: u64) -> Frame {
    let planes = vec![
        (vec![120; 1920 * 1080], 1920),
        (vec![128; 1920 * 540], 1920),
    ];
    Frame {
        index,
        size: FULL_HD,
        format: PixelFormat::Nv12,
        colorimetry: Colorimetry {
            matrix: ColorMatrix::Bt709,
            full_range: false,
        },
        capture: CaptureTime {
            utc: UtcMicros(clock.utc_micros()),
            source: ClockSource::Arrival,
            offset_micros: 0,
        },
        media_time: Duration::from_millis(index * 100),
        arrived: clock.now(),
        held: Duration::ZERO,
        probe: false,
        planes: OwnedPlanes::new(planes),
    }
}

fn event(ids: &mut IdSource, capture: CaptureTime) -> Event {
    Event {
        id: EventId(ids.uuid_v7(capture.utc.0)),
        incident: IncidentId(ids.uuid_v7(capture.utc.0)),
        phase: Phase::Started,
        kind: EventKind::ZONE_INTRUSION,
        severity: Severity::Alarm,
        site: SiteName::new("bench").expect("name"),
        node: NodeName::new("bench").expect("name"),
        camera: CameraId::new("bench").expect("name"),
        rule: None,
        zone: None,
        occurred: capture,
        observed: capture.utc,
        objects: Vec::new(),
        detail: EventDetail::default(),
        model: None,
    }
}

fn run(c: &mut Criterion, name: &str, backend: Arc<dyn Backend>, model: Model) {
    let folder = tempfile::tempdir().expect("folder");
    let metrics = Metrics::new();
    let clock = Arc::new(SystemClock::new());
    let journal_config = JournalConfig {
        group_max: 64,
        deadline: Duration::from_secs(5),
        ..JournalConfig::new(
            folder.path().join("journal.sqlite"),
            SiteName::new("bench").expect("name"),
            NodeName::new("bench").expect("name"),
        )
    };
    let journal =
        Journal::open(&journal_config, clock.clone(), Arc::clone(&metrics)).expect("journal");
    let config = InferenceConfig {
        max_batch: Some(1),
        max_age: Duration::from_secs(60),
        ..InferenceConfig::default()
    };
    let names = BTreeMap::from([(ModelName::new("m").expect("name"), 0)]);
    let models = vec![Arc::new(model)];
    let pool = InferencePool::with_models(
        &config,
        names,
        models,
        backend,
        clock.clone(),
        Arc::clone(&metrics),
    )
    .expect("pool");
    let (send, heard) = bounded::<Answer>(4);
    let spec = QueueSpec {
        camera: CameraId::new("bench").expect("name"),
        model: ModelName::new("m").expect("name"),
        priority: 0,
        when_full: WhenFull::Block,
        metrics: metrics.camera("bench"),
    };
    let queue = pool
        .camera_queue(
            spec,
            Box::new(move |answer| send.send(answer).expect("room")),
        )
        .expect("queue");
    let writer = journal.writer();
    let mut tracker = Tracker::new(Default::default(), FULL_HD);
    let mut ids = IdSource::seeded(1);
    let mut latencies = Histogram::<u64>::new(3).expect("histogram");
    let template = frame(&clock, 0);
    let mut index = 0;
    c.bench_function(name, |b| {
        b.iter(|| {
            index += 1;
            let mut frame = template.clone();
            frame.index = index;
            frame.media_time = Duration::from_millis(index * 100);
            frame.arrived = clock.now();
            let begun = frame.arrived;
            queue.offer(frame);
            let answer = heard.recv().expect("an answer");
            let found = answer.detections.as_ref().expect("no error");
            tracker.update(found, answer.frame.media_time);
            let told = event(&mut ids, answer.frame.capture);
            writer.append_wait(told, Some(begun)).expect("committed");
            let micros = clock.now().since(begun).as_micros();
            latencies
                .record(u64::try_from(micros).unwrap_or(u64::MAX))
                .expect("in range");
        });
    });
    println!(
        "{name}: p50 {} us, p99 {} us over {} frames",
        latencies.value_at_quantile(0.5),
        latencies.value_at_quantile(0.99),
        latencies.len()
    );
}

fn hot_path(c: &mut Criterion) {
    let fake = FakeBackend::new(|_| vec![([0.4, 0.4, 0.5, 0.8], 0.9)]);
    run(
        c,
        "frame to committed event, fake backend",
        Arc::new(fake),
        FakeBackend::model(),
    );
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/demo");
    let model = Model::load(&folder, None).expect("the demo model");
    let config = InferenceConfig {
        max_batch: Some(1),
        max_age: Duration::from_secs(60),
        ..InferenceConfig::default()
    };
    let real = OrtBackend::new(&config).expect("ONNX Runtime: run `make setup`");
    run(
        c,
        "frame to committed event, demo model on ONNX Runtime",
        Arc::new(real),
        model,
    );
}

criterion_group!(benches, hot_path);
criterion_main!(benches);
