use std::sync::atomic::AtomicUsize;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::*;
use crate::base::clock::{Monotonic, SystemClock};
use crate::base::slot::WhenFull;
use crate::base::tasks::named_thread;
use crate::infer::fake::FakeBackend;
use crate::infer::{Answer, BatchSize};
use crate::model::frame::{ColorMatrix, Colorimetry, Frame, OwnedPlanes, PixelFormat};
use crate::model::geometry::Size;
use crate::model::ids::CameraId;
use crate::model::time::{CaptureTime, ClockSource, UtcMicros};

const WAIT: Duration = Duration::from_secs(10);

fn config(workers: usize, max_batch: usize) -> InferenceConfig {
    InferenceConfig {
        workers,
        max_batch: Some(max_batch),
        max_age: Duration::from_secs(60),
        ..InferenceConfig::default()
    }
}

fn pool(config: &InferenceConfig, backend: FakeBackend) -> (InferencePool, Arc<Metrics>) {
    let metrics = Metrics::new();
    let names = BTreeMap::from([(ModelName::new("fake").expect("name"), 0)]);
    let models = vec![Arc::new(FakeBackend::model())];
    let clock = SystemClock::shared();
    let pool = InferencePool::with_models(
        config,
        names,
        models,
        Arc::new(backend),
        clock,
        Arc::clone(&metrics),
    );
    (pool.expect("pool"), metrics)
}

fn spec(name: &str, when_full: WhenFull, metrics: &Metrics) -> QueueSpec {
    QueueSpec {
        camera: CameraId::new(name).expect("name"),
        model: ModelName::new("fake").expect("name"),
        priority: 0,
        when_full,
        metrics: metrics.camera(name),
    }
}

fn frame(index: u64, luma: u8, arrived: Monotonic) -> Frame {
    Frame {
        index,
        size: Size {
            width: 64,
            height: 48,
        },
        format: PixelFormat::Nv12,
        colorimetry: Colorimetry {
            matrix: ColorMatrix::Bt601,
            full_range: true,
        },
        capture: CaptureTime {
            utc: UtcMicros(0),
            source: ClockSource::File,
            offset_micros: 0,
        },
        media_time: Duration::from_millis(index * 100),
        arrived,
        held: Duration::ZERO,
        probe: false,
        planes: OwnedPlanes::new(vec![(vec![luma; 64 * 48], 64), (vec![128; 64 * 24], 64)]),
    }
}

/// Sees a box exactly where the picture is bright.
fn bright() -> FakeBackend {
    FakeBackend::new(|input| {
        if input[0] > 0.5 {
            vec![([0.25, 0.25, 0.5, 0.75], 0.9)]
        } else {
            Vec::new()
        }
    })
}

fn answers() -> (Sender<Answer>, Receiver<Answer>) {
    bounded(1_024)
}

#[test]
fn every_picture_gets_its_own_cameras_answer() {
    for batch in [BatchSize::Dynamic, BatchSize::Fixed(4)] {
        let (pool, metrics) = pool(&config(2, 4), bright().with_batch(batch));
        let (send, heard) = answers();
        let queues: Vec<CameraQueue> = (0..9)
            .map(|n| {
                let send = send.clone();
                let on_answer = Box::new(move |answer| send.send(answer).expect("room"));
                let name = format!("camera-{n}");
                pool.camera_queue(spec(&name, WhenFull::Block, &metrics), on_answer)
                    .expect("queue")
            })
            .collect();
        for round in 0..20 {
            for (n, queue) in queues.iter().enumerate() {
                let luma = if n % 2 == 0 { 200 } else { 20 };
                queue.offer(frame(round, luma, Monotonic::default()));
            }
            for _ in 0..9 {
                let answer = heard.recv_timeout(WAIT).expect("an answer");
                let number: usize = answer.camera.as_str()[7..].parse().expect("number");
                let found = answer.detections.as_ref().expect("no error");
                assert_eq!(found.len(), 1 - number % 2, "{}", answer.camera);
                if let Some(found) = found.first() {
                    assert!((found.box_in_frame.left - 0.25).abs() < 1e-5);
                    assert!((found.box_in_frame.bottom() - 0.75).abs() < 1e-5);
                }
                assert_eq!(answer.frame.index, round);
            }
        }
    }
}

/// A skipped camera's mark once read the queues a second time under the first read, with a closing
/// camera waiting in between to write.
#[test]
fn cameras_that_come_and_go_at_once_never_stop_the_worker() {
    let (pool, metrics) = pool(&config(1, 8), bright());
    let pool = Arc::new(pool);
    let (done, heard) = bounded(4);
    for number in 0..4 {
        let (pool, metrics, done) = (Arc::clone(&pool), Arc::clone(&metrics), done.clone());
        let body = move || {
            let name = format!("passing-{number}");
            for round in 0..2_000 {
                let spec = spec(&name, WhenFull::Overwrite, &metrics);
                let queue = pool.camera_queue(spec, Box::new(drop)).expect("queue");
                queue.offer(frame(round, 20, Monotonic::default()));
            }
            done.send(()).expect("room");
        };
        named_thread("passing", body).expect("a thread");
    }
    for _ in 0..4 {
        heard.recv_timeout(WAIT * 6).expect("nobody is stuck");
    }
}

#[test]
fn the_newest_frame_wins_and_only_one_is_in_flight() {
    let (pool, metrics) = pool(&config(2, 4), bright());
    let (send, heard) = answers();
    let on_answer = Box::new(move |answer| send.send(answer).expect("room"));
    let queue = pool
        .camera_queue(spec("yard", WhenFull::Overwrite, &metrics), on_answer)
        .expect("queue");
    queue.offer(frame(0, 20, Monotonic::default()));
    let first = heard.recv_timeout(WAIT).expect("an answer");
    for index in 1..=5 {
        queue.offer(frame(index, 20, Monotonic::default()));
    }
    assert!(
        heard.recv_timeout(Duration::from_millis(50)).is_err(),
        "two in flight"
    );
    assert!(!queue.wait_idle(Duration::ZERO));
    assert!(!queue.wait_idle(Duration::from_millis(20)));
    first.release();
    assert_eq!(heard.recv_timeout(WAIT).expect("an answer").frame.index, 5);
    assert_eq!(metrics.camera("yard").superseded.get(), 4);
    assert!(queue.wait_idle(WAIT));
    assert!(queue.wait_idle(Duration::ZERO));
}

#[test]
fn a_frame_past_its_age_is_counted_and_not_computed() {
    let mut config = config(1, 1);
    config.max_age = Duration::from_nanos(1);
    let runs = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&runs);
    let backend = FakeBackend::new(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        Vec::new()
    });
    let (pool, metrics) = pool(&config, backend);
    let queue = pool
        .camera_queue(
            spec("yard", WhenFull::Overwrite, &metrics),
            Box::new(|_| {}),
        )
        .expect("queue");
    queue.offer(frame(0, 20, Monotonic::default()));
    while metrics.camera("yard").stale.get() == 0 {
        std::thread::yield_now();
    }
    assert_eq!(runs.load(Ordering::SeqCst), 0);
}

#[test]
fn a_panicking_engine_answers_with_an_error_and_works_on() {
    let calls = AtomicUsize::new(0);
    let backend = FakeBackend::new(move |_| {
        assert!(
            calls.fetch_add(1, Ordering::SeqCst) != 0,
            "first call breaks"
        );
        Vec::new()
    });
    let (pool, metrics) = pool(&config(1, 1), backend);
    let (send, heard) = answers();
    let on_answer = Box::new(move |answer| send.send(answer).expect("room"));
    let queue = pool
        .camera_queue(spec("yard", WhenFull::Block, &metrics), on_answer)
        .expect("queue");
    queue.offer(frame(0, 20, Monotonic::default()));
    let answer = heard.recv_timeout(WAIT).expect("an answer");
    assert!(
        matches!(&answer.detections, Err(InferError::Engine { what, .. }) if what.contains("first call"))
    );
    drop(answer);
    queue.offer(frame(1, 20, Monotonic::default()));
    assert!(
        heard
            .recv_timeout(WAIT)
            .expect("an answer")
            .detections
            .is_ok()
    );
}

#[test]
fn an_unknown_model_is_refused_by_name() {
    let (pool, metrics) = pool(&config(1, 1), bright());
    let mut wanted = spec("yard", WhenFull::Block, &metrics);
    wanted.model = ModelName::new("magic").expect("name");
    let error = pool
        .camera_queue(wanted, Box::new(|_| {}))
        .err()
        .expect("refused");
    assert_eq!(error.to_string(), "no model is called `magic`");
}
