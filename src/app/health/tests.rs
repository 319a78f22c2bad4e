//! Each part's illness starves the watchdog; quiet does not.

use std::collections::BTreeMap;
use std::path::Path;

use parking_lot::Condvar;
use rusqlite::Connection;

use super::super::service::feed_watchdog;
use super::super::{App, Ports};
use super::*;
use crate::base::clock::{Clock as _, ManualClock};
use crate::config::{self, Config, NoEnvironment, SourceText};
use crate::fleet::EventSink;
use crate::fleet::analysis::{Identity, Observer};
use crate::fleet::command::CameraCommand;
use crate::fleet::handle::AnalysisHandle;
use crate::fleet::observed::CameraObserved;
use crate::infer::{Backend, BatchSize, Engine, InferError, Model, OutputView};
use crate::ingest::fake::FakeSource;
use crate::ingest::{Note, SourceError, SourceErrorKind};
use crate::model::frame::{ColorMatrix, Colorimetry, Frame, OwnedPlanes, PixelFormat};
use crate::model::geometry::Size;
use crate::model::ids::{CameraId, IdSource, NodeName, SiteName};
use crate::model::time::{CaptureTime, ClockSource, UtcMicros};

const MINUTE: Duration = Duration::from_secs(60);

/// A gate that a test shuts; whoever passes it meanwhile waits. Counts who stands before it.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<(bool, usize)>, Condvar)>);

impl Gate {
    fn pass(&self) {
        let (state, changed) = &*self.0;
        let mut state = state.lock();
        state.1 += 1;
        while state.0 {
            changed.wait(&mut state);
        }
        state.1 -= 1;
    }

    fn set(&self, shut: bool) {
        self.0.0.lock().0 = shut;
        self.0.1.notify_all();
    }

    fn standing(&self) -> usize {
        self.0.0.lock().1
    }
}

/// An engine behind the gate that finds nothing.
#[derive(Clone, Default)]
struct Gated(Gate);

impl Backend for Gated {
    fn open(&self, _model: &Model) -> Result<Box<dyn Engine>, InferError> {
        Ok(Box::new(self.clone()))
    }
}

impl Engine for Gated {
    fn batch(&self) -> BatchSize {
        BatchSize::Dynamic
    }

    fn run(
        &mut self,
        pictures: usize,
        _input: &[f32],
        read: &mut dyn FnMut(&[OutputView<'_>]),
    ) -> Result<(), InferError> {
        self.0.pass();
        let data = vec![0.0; pictures * 5];
        read(&[OutputView {
            shape: &[pictures as i64, 5, 1],
            data: &data,
        }]);
        Ok(())
    }
}

/// One test camera that a fake source moves, its journal in `folder`.
fn config(folder: &Path) -> Config {
    let text = SourceText {
        path: Path::new(env!("CARGO_MANIFEST_DIR")).join("parapet.toml"),
        text:
            "[site]\nname = \"s\"\n[node]\nname = \"n\"\n[models.demo]\nfolder = \"models/demo\"\n\
               [inference]\nworkers = 2\nmax_age_millis = 600000\n\
               [api]\nplaintext = true\nlisten = \"127.0.0.1:0\"\n[ops]\nlisten = \"127.0.0.1:0\"\n\
               [[camera]]\nid = \"yard\"\ntest = { size = [64, 48], fps = 5 }\n"
                .to_owned(),
    };
    let mut config = config::parse(&text, &[], &NoEnvironment)
        .expect("sound")
        .config;
    config.state_dir = folder.to_owned();
    config.journal.path = folder.join("journal.sqlite");
    config
}

fn frame(index: u64, arrived: Monotonic) -> Frame {
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
        media_time: Duration::from_secs(index),
        arrived,
        held: Duration::ZERO,
        probe: false,
        planes: OwnedPlanes::new(vec![(vec![9; 64 * 48], 64), (vec![128; 64 * 24], 64)]),
    }
}

/// Whether one tick of the service's loop feeds the watchdog.
fn fed(health: &Health) -> bool {
    let mut told = 0;
    feed_watchdog(health, &mut |_| told += 1);
    told == 1
}

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..2_000 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("never came true: {what}");
}

struct Stage {
    app: App,
    source: FakeSource,
    gate: Gate,
    clock: Arc<ManualClock>,
    folder: tempfile::TempDir,
}

async fn stage() -> Stage {
    let folder = tempfile::tempdir().expect("folder");
    let (source, engines, clock) = (FakeSource::new(), Gated::default(), ManualClock::at(0));
    let ports = Ports {
        source: Arc::new(source.clone()),
        backend: Arc::new(engines.clone()),
        clock: clock.clone(),
    };
    let app = App::start(config(folder.path()), ports)
        .await
        .expect("started");
    Stage {
        app,
        source,
        gate: engines.0,
        clock,
        folder,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wedged_worker_starves_the_watchdog_and_a_camera_that_says_nothing_does_not() {
    let stage = stage().await;
    let (health, yard) = (stage.app.health(), CameraId::new("yard").expect("name"));
    until("the camera is open", || stage.source.is_open(&yard)).await;
    // A day without a picture, and the first one after it.
    stage.clock.advance(MINUTE * 60 * 24);
    assert!(fed(&health) && health.ready().is_ok());
    stage.gate.set(true);
    assert!(stage.source.push_frame(&yard, frame(1, stage.clock.now())));
    until("a worker is wedged", || stage.gate.standing() == 1).await;
    assert!(fed(&health), "it has only just begun");
    stage.clock.advance(Duration::from_secs(31));
    let reason = health.alive().expect_err("one worker of two is stuck");
    assert!(reason.contains("at one batch for 31 s"), "{reason}");
    assert!(!fed(&health));
    stage.gate.set(false);
    until("it is well again", || fed(&health)).await;
    assert!(stage.app.stop().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_takes_no_events_makes_the_daemon_unready_but_starves_no_watchdog() {
    let stage = stage().await;
    let health = stage.app.health();
    let blocker = Connection::open(stage.folder.path().join("journal.sqlite")).expect("blocker");
    blocker.execute_batch("BEGIN IMMEDIATE").expect("lock");
    let yard = CameraId::new("yard").expect("name");
    until("the camera is open", || stage.source.is_open(&yard)).await;
    // A lost camera is an event.
    let cut = SourceError::new(SourceErrorKind::Io, "cut");
    assert!(stage.source.push_note(&yard, Note::Failed(cut)));
    until("a commit fails", || health.ready().is_err()).await;
    let reason = health.ready().expect_err("told at once");
    assert!(
        reason.contains("locked") && reason.contains("held in memory"),
        "{reason}"
    );
    assert!(health.alive().is_ok());
    for _ in 0..20 {
        stage.clock.advance(MINUTE);
        assert!(fed(&health), "a restart would lose what it holds");
    }
    blocker.execute_batch("COMMIT").expect("unlock");
    until("commits work again", || {
        // The next try is due by the daemon's clock.
        stage.clock.advance(Duration::from_secs(2));
        health.ready().is_ok()
    })
    .await;
    assert!(stage.app.stop().await);
}

#[test]
fn a_wedged_or_ended_analysis_starves_the_watchdog() {
    let (gate, clock) = (Gate::default(), ManualClock::at(0));
    let shared: SharedClock = clock.clone();
    let identity = Identity {
        site: SiteName::new("s").expect("name"),
        node: NodeName::new("n").expect("name"),
        observer: Observer::Clock(Arc::clone(&shared)),
    };
    let behind = gate.clone();
    let events: EventSink = Arc::new(move |_| behind.pass());
    let metrics = crate::base::metrics::Metrics::new();
    let (analysis, thread) =
        AnalysisHandle::start(identity, events, None, Arc::clone(&shared), &metrics)
            .expect("thread");
    let (asked, time) = (analysis.clone(), Arc::clone(&shared));
    let health = Health::new(shared).part(Duration::ZERO, move || {
        asked.healthy(time.now(), STUCK_AFTER)
    });
    clock.advance(MINUTE * 60);
    assert!(fed(&health), "nothing to do is no illness");
    let folder = tempfile::tempdir().expect("folder");
    let cameras: BTreeMap<_, _> = config(folder.path()).cameras;
    let (id, camera) = cameras.into_iter().next().expect("a camera");
    let command = Arc::new(CameraCommand::of(&camera));
    let observed = CameraObserved::new(command, clock.now());
    analysis.attach(
        camera,
        IdSource::seeded(1),
        metrics.camera("yard"),
        observed,
    );
    gate.set(true);
    analysis.signal_lost(id, "cut".to_owned());
    while gate.standing() == 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(fed(&health));
    clock.advance(Duration::from_secs(31));
    assert!(!fed(&health));
    gate.set(false);
    while !fed(&health) {
        std::thread::sleep(Duration::from_millis(1));
    }
    analysis.stop();
    thread.join().expect("ended");
    assert!(!fed(&health), "a thread that is gone analyses nothing");
}
