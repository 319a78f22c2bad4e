//! Overload through the real supervisor: cameras, batches, analyst and governor run as in the
//! daemon, on a clock that the test moves and a model that computes as fast as the test allows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use parapet::base::backoff::BackoffPolicy;
use parapet::base::clock::{Clock as _, ManualClock, Monotonic, SharedClock};
use parapet::base::metrics::Metrics;
use parapet::config::types::{
    Anchor, CameraConfig, Directions, ExecutionProvider, GovernorConfig, InferenceConfig, Line,
    RuleConfig, RuleKind, SourceConfig, TrackerConfig, WatchConfig,
};
use parapet::fleet::analysis::{Identity, Observer};
use parapet::fleet::supervisor::StatusBoard;
use parapet::fleet::{Fleet, FleetParts, GovernorParts, Look};
use parapet::infer::InferencePool;
use parapet::infer::fake::FakeBackend;
use parapet::ingest::fake::FakeSource;
use parapet::model::camera::CameraStatus;
use parapet::model::coverage::{Coverage, CoverageLevel};
use parapet::model::event::{Event, EventKind, Phase, Severity};
use parapet::model::frame::{ColorMatrix, Colorimetry, Frame, OwnedPlanes, PixelFormat};
use parapet::model::geometry::{Point, Size};
use parapet::model::ids::{CameraId, IdSource, ModelName, NodeName, RuleName, SiteName, ZoneName};
use parapet::model::time::{CaptureTime, ClockSource, UtcMicros};

const SIZE: Size = Size {
    width: 64,
    height: 48,
};
/// Every camera sends so many pictures a second.
const PICTURES_PER_SECOND: u64 = 5;
/// Where the model has not enough time, it is cut so much finer.
const FINER: u64 = 5;
/// Enough for all.
const PLENTY: u64 = 1_000;
/// By priority; four cameras each.
const PRIORITIES: [u8; 3] = [50, 100, 200];
const EACH: usize = 4;
/// Somebody stands before this camera, which is one of the least important.
const ENGAGED: usize = 0;

/// How many pictures the model may still look at.
#[derive(Default)]
struct Permits {
    left: Mutex<u64>,
    more: Condvar,
}

impl Permits {
    /// So many from now on; what was not used is gone, as time is.
    fn allow(&self, pictures: u64) {
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = pictures;
        self.more.notify_all();
    }

    fn are_used_up(&self) -> bool {
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) == 0
    }

    /// Waits for a permit; not for ever, so that a test that failed ends.
    fn take(&self) {
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .more
            .wait_timeout_while(left, Duration::from_secs(20), |left| *left == 0);
        let (mut left, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *left = left.saturating_sub(1);
    }
}

fn id(number: usize) -> CameraId {
    CameraId::new(&format!("camera-{number:02}")).expect("name")
}

fn camera(number: usize) -> CameraConfig {
    CameraConfig {
        id: id(number),
        source: SourceConfig::Test { size: SIZE, fps: 5 },
        model: ModelName::new("fake").expect("name"),
        analysis_fps: 5.0,
        analysis_fps_near: 5.0,
        watch: WatchConfig::default(),
        priority: PRIORITIES[number / EACH],
        decoders: Vec::new(),
        stall_after: Duration::from_secs(60),
        connect_timeout: Duration::from_secs(60),
        backoff: BackoffPolicy {
            first: Duration::from_millis(500),
            ceiling: Duration::from_secs(4),
        },
        tracker: TrackerConfig::default(),
        calibration: None,
        rules: Vec::new(),
    }
}

/// The fleet and what the test knows of it.
struct Site {
    fleet: Fleet,
    board: StatusBoard,
    source: FakeSource,
    permits: Arc<Permits>,
    clock: Arc<ManualClock>,
    metrics: Arc<Metrics>,
    pool: Arc<InferencePool>,
    events: Arc<Mutex<Vec<Event>>>,
    /// When frames of each camera were analysed, by the look over the analyst's shoulder.
    analysed: Arc<Mutex<BTreeMap<usize, Vec<Monotonic>>>>,
    pushed: u64,
    media_time: Duration,
}

impl Site {
    async fn start(governor: GovernorConfig) -> Self {
        Self::start_with(governor, |_| {}).await
    }

    async fn start_with(governor: GovernorConfig, change: impl Fn(&mut CameraConfig)) -> Self {
        let clock = ManualClock::at(1_750_000_000_000_000);
        let shared: SharedClock = clock.clone();
        let metrics = Metrics::new();
        let permits = Arc::new(Permits::default());
        let gate = Arc::clone(&permits);
        // A bright picture shows somebody.
        let backend = FakeBackend::new(move |input| {
            gate.take();
            let bright = input.first().is_some_and(|value| *value > 0.5);
            bright
                .then_some(([0.4, 0.4, 0.5, 0.8], 0.9))
                .into_iter()
                .collect()
        });
        let inference = InferenceConfig {
            runtime_library: None,
            workers: 1,
            threads_per_worker: 1,
            max_batch: 2,
            max_wait: Duration::ZERO,
            max_age: Duration::from_secs(1),
            execution_provider: ExecutionProvider::Cpu,
        };
        let pool = InferencePool::with_models(
            &inference,
            BTreeMap::from([(ModelName::new("fake").expect("name"), 0)]),
            vec![Arc::new(FakeBackend::model())],
            Arc::new(backend),
            Arc::clone(&shared),
            Arc::clone(&metrics),
        );
        let pool = Arc::new(pool.expect("pool"));
        let events: Arc<Mutex<Vec<Event>>> = Arc::default();
        let analysed: Arc<Mutex<BTreeMap<usize, Vec<Monotonic>>>> = Arc::default();
        let (told, seen) = (Arc::clone(&events), Arc::clone(&analysed));
        let source = FakeSource::new();
        let parts = FleetParts {
            source: Arc::new(source.clone()),
            pool: Arc::clone(&pool),
            clock: Arc::clone(&shared),
            metrics: Arc::clone(&metrics),
            looks: Some(Arc::new(move |look: &Look<'_>| {
                let camera = look.frame.index as usize;
                let mut seen = seen.lock().expect("lock");
                seen.entry(camera).or_default().push(look.frame.arrived);
            })),
            governor: Some(GovernorParts {
                config: governor,
                cpu: Arc::new(|| Duration::ZERO),
            }),
        };
        let identity = Identity {
            site: SiteName::new("site").expect("name"),
            node: NodeName::new("node").expect("name"),
            observer: Observer::Clock(shared),
        };
        let sink = Arc::new(move |event, _| told.lock().expect("lock").push(event));
        let mut fleet = Fleet::start(parts, identity, sink, IdSource::seeded(1)).expect("started");
        let count = PRIORITIES.len() * EACH;
        let configured = |number| {
            let mut camera = camera(number);
            change(&mut camera);
            (id(number), Arc::new(camera))
        };
        let cameras = (0..count).map(configured).collect();
        fleet.apply(&cameras).await;
        while (0..count).any(|n| !source.is_open(&id(n))) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Self {
            board: fleet.board(),
            fleet,
            source,
            permits,
            clock,
            metrics,
            pool,
            events,
            analysed,
            pushed: 0,
            media_time: Duration::ZERO,
        }
    }

    fn push(&mut self) {
        for number in 0..PRIORITIES.len() * EACH {
            let light = if number == ENGAGED { 235 } else { 20 };
            let frame = Frame {
                index: number as u64,
                size: SIZE,
                format: PixelFormat::Nv12,
                colorimetry: Colorimetry {
                    matrix: ColorMatrix::Bt601,
                    full_range: false,
                },
                capture: CaptureTime {
                    utc: UtcMicros(self.clock.utc_micros()),
                    source: ClockSource::Arrival,
                    offset_micros: 0,
                },
                media_time: self.media_time,
                arrived: self.clock.now(),
                held: Duration::ZERO,
                glance: false,
                planes: OwnedPlanes::new(vec![
                    (vec![light; 64 * 48], 64),
                    (vec![128; 64 * 24], 64),
                ]),
            };
            assert!(self.source.push_frame(&id(number), frame));
            self.pushed += 1;
        }
    }

    /// Frames that something has become of.
    fn done(&self) -> u64 {
        let cameras = (0..PRIORITIES.len() * EACH).map(|n| self.metrics.camera(id(n).as_str()));
        let done = cameras.map(|camera| {
            let dropped = camera.superseded.get() + camera.stale.get() + camera.above_rate.get();
            camera.analysed.get() + dropped
        });
        done.sum()
    }

    /// Moves the time on; the model may look at so many pictures a second.
    async fn run(&mut self, seconds: u64, pictures_per_second: u64, each: impl Fn(&Self)) {
        let finer = if pictures_per_second < PLENTY {
            FINER
        } else {
            1
        };
        let steps = PICTURES_PER_SECOND * finer;
        let each_step = Duration::from_secs(1) / steps as u32;
        for _ in 0..seconds {
            for step in 0..steps {
                self.clock.advance(each_step);
                self.media_time += each_step;
                if step % finer == 0 {
                    self.push();
                }
                let share = |step: u64| pictures_per_second * step / steps;
                self.permits.allow(share(step + 1) - share(step));
                while !self.permits.are_used_up() && self.done() < self.pushed {
                    tokio::time::sleep(Duration::from_micros(300)).await;
                }
            }
            // The governor looks every 5 ms.
            tokio::time::sleep(Duration::from_millis(12)).await;
            each(self);
        }
    }

    fn status(&self, number: usize) -> CameraStatus {
        let all = self.board.cameras();
        let found = all.into_iter().find(|status| status.camera == id(number));
        found.expect("configured")
    }

    fn coverage(&self, number: usize) -> Coverage {
        self.status(number).coverage.expect("it runs")
    }

    fn levels(&self) -> BTreeMap<u8, Vec<CoverageLevel>> {
        let mut levels: BTreeMap<u8, Vec<CoverageLevel>> = BTreeMap::new();
        for number in (0..PRIORITIES.len() * EACH).filter(|number| *number != ENGAGED) {
            let level = self.coverage(number).level;
            let of = levels.entry(PRIORITIES[number / EACH]).or_default();
            of.push(level);
        }
        levels
    }

    /// The largest gap of a camera by the frames that the analyst had, of those that ended within
    /// the last seconds.
    fn true_gap(&self, number: usize, seconds: u64) -> Duration {
        let now = self.clock.now();
        let from = Monotonic(now.0.saturating_sub(Duration::from_secs(seconds)));
        let analysed = self.analysed.lock().expect("lock");
        let times = analysed.get(&number).expect("analysed");
        let ended = times
            .windows(2)
            .filter(|pair| pair[1] > from)
            .map(|pair| pair[1].since(pair[0]));
        let lasts = now.since(*times.last().expect("analysed"));
        ended.chain([lasts]).max().unwrap_or_default()
    }

    fn told(&self) -> Vec<Event> {
        self.events.lock().expect("lock").clone()
    }
}

fn assert_declared_order(site: &Site) {
    let levels = site.levels();
    for pair in PRIORITIES.windows(2) {
        let best_below = levels[&pair[0]].iter().min();
        let worst_above = levels[&pair[1]].iter().max();
        assert!(worst_above <= best_below, "{levels:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overload_takes_in_the_declared_order_is_told_shows_in_the_coverage_and_goes_again() {
    let mut site = Site::start(GovernorConfig {
        every: Duration::from_millis(5),
        recover_after: Duration::from_secs(3),
        ..GovernorConfig::of_cores(2)
    })
    .await;
    let cameras = PRIORITIES.len() * EACH;

    // Enough for all: twelve cameras at 5 frames a second.
    site.run(10, PLENTY, |_| {}).await;
    assert!(site.told().is_empty(), "{:?}", site.told());
    for number in 0..cameras {
        let coverage = site.coverage(number);
        assert_eq!((coverage.level, coverage.kept), (CoverageLevel::Full, true));
        assert_eq!(coverage.promised_gap.as_millis(), 200);
        assert_eq!(coverage.largest_gap, site.true_gap(number, 60));
    }

    // Enough for 55 of 60: what three of the least important cameras give is enough.
    site.run(20, 55, assert_declared_order).await;
    let levels = site.levels();
    assert!(
        levels[&50].iter().any(|l| *l > CoverageLevel::Full),
        "{levels:?}"
    );
    assert!(
        levels[&100].iter().all(|l| *l == CoverageLevel::Full),
        "{levels:?}"
    );
    assert_eq!(site.coverage(ENGAGED).level, CoverageLevel::Full);

    // Enough for 30: the engaged one gives too, then those of the next priority.
    site.run(75, 30, assert_declared_order).await;
    let levels = site.levels();
    assert!(
        levels[&50].iter().all(|l| *l == CoverageLevel::Heartbeat),
        "{levels:?}"
    );
    assert_eq!(site.coverage(ENGAGED).level, CoverageLevel::Heartbeat);
    // One of them may just be tried with more.
    let lower = levels[&100].iter().filter(|l| **l > CoverageLevel::Full);
    assert!(lower.count() >= 3, "{levels:?}");
    assert!(
        levels[&200].iter().all(|l| *l == CoverageLevel::Full),
        "{levels:?}"
    );
    for number in 0..cameras {
        let coverage = site.coverage(number);
        // The window is between 55 and 60 s long.
        let (least, most) = (site.true_gap(number, 55), site.true_gap(number, 60));
        let truth = least..=most;
        assert!(
            truth.contains(&coverage.largest_gap),
            "{number}: {coverage:?}, {truth:?}"
        );
        if PRIORITIES[number / EACH] == 50 {
            assert_eq!(coverage.promised_gap, Duration::from_secs(10));
            assert!(
                coverage.largest_gap >= Duration::from_secs(8),
                "{coverage:?}"
            );
            let kept = coverage.largest_gap <= Duration::from_millis(12_500);
            assert_eq!(coverage.kept, kept, "{number}: {coverage:?}");
        }
    }
    let text = site.metrics.render();
    for (number, level) in [(1, 4), (ENGAGED, 4), (11, 0)] {
        let line = format!(
            "parapet_governor_level{{camera=\"{}\"}} {level}\n",
            id(number)
        );
        assert!(text.contains(&line), "{line}");
    }

    // Enough for all again.
    site.run(180, PLENTY, assert_declared_order).await;
    for number in 0..cameras {
        let coverage = site.coverage(number);
        assert_eq!(
            (coverage.level, coverage.kept),
            (CoverageLevel::Full, true),
            "{number}"
        );
    }
    let told = site.told();
    let reduced: Vec<&Event> = told
        .iter()
        .filter(|e| e.kind == EventKind::CoverageReduced)
        .collect();
    let phases: Vec<Phase> = reduced.iter().map(|event| event.phase).collect();
    assert_eq!(phases.first(), Some(&Phase::Started), "{phases:?}");
    assert_eq!(phases.last(), Some(&Phase::Ended), "{phases:?}");
    let (begin, end) = (reduced[0], reduced[reduced.len() - 1]);
    let inner = &phases[1..phases.len() - 1];
    assert!(
        inner.iter().all(|phase| *phase == Phase::Updated),
        "{phases:?}"
    );
    assert!((1..=9).contains(&inner.len()), "{phases:?}");
    assert_eq!(
        reduced
            .iter()
            .map(|e| e.incident)
            .collect::<BTreeSet<_>>()
            .len(),
        1
    );
    assert_eq!(begin.camera.as_str(), "node");
    assert!(begin.detail.count >= Some(1));
    assert_eq!((end.detail.count, end.severity), (Some(0), Severity::Info));
    let deepest = reduced.iter().max_by_key(|event| event.detail.count);
    let words = deepest.and_then(|event| event.detail.reason.clone());
    let words = words.expect("a reason");
    assert!(words.contains("priority 50: 4 heartbeat"), "{words}");
    assert!(words.contains("priority 200: 4 full"), "{words}");

    site.permits.allow(u64::MAX);
    assert!(site.fleet.stop(Duration::from_secs(5)).await);
    site.pool.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_camera_is_looked_at_more_often_while_somebody_is_near_a_line() {
    let point = |x, y| Point { x, y };
    let line = RuleKind::LineCrossing {
        line: Line {
            name: ZoneName::new("line").expect("name"),
            points: vec![point(0.0, 0.9), point(1.0, 0.9)],
        },
        directions: Directions::Both,
        hysteresis_heights: 0.1,
    };
    let rule = RuleConfig {
        name: RuleName::new("over").expect("name"),
        severity: Severity::Alarm,
        classes: vec!["person".into()],
        anchor: Anchor::Foot,
        clear_after: Duration::from_secs(3),
        update_every: Duration::from_secs(10),
        kind: line,
    };
    let governor = GovernorConfig {
        every: Duration::from_millis(5),
        ..GovernorConfig::of_cores(2)
    };
    let mut site = Site::start_with(governor, |camera| {
        (camera.analysis_fps, camera.analysis_fps_near) = (1.0, 5.0);
        camera.rules = vec![rule.clone()];
    })
    .await;
    site.run(20, PLENTY, |_| {}).await;
    for number in 0..PRIORITIES.len() * EACH {
        let looks = site.analysed.lock().expect("lock")[&number].len();
        let wanted = if number == ENGAGED { 95..=100 } else { 19..=21 };
        assert!(wanted.contains(&looks), "camera {number}: {looks}");
    }
    site.permits.allow(u64::MAX);
    assert!(site.fleet.stop(Duration::from_secs(5)).await);
    site.pool.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_governor_that_is_off_takes_nothing_and_the_coverage_says_what_comes_of_it() {
    let mut site = Site::start(GovernorConfig {
        enabled: false,
        every: Duration::from_millis(5),
        ..GovernorConfig::of_cores(2)
    })
    .await;
    site.run(5, PLENTY, |_| {}).await;
    site.run(30, 10, |_| {}).await;
    let mut broken = 0;
    for number in 0..PRIORITIES.len() * EACH {
        let coverage = site.coverage(number);
        assert_eq!(coverage.level, CoverageLevel::Full);
        assert_eq!(coverage.largest_gap, site.true_gap(number, 60), "{number}");
        broken += usize::from(!coverage.kept);
    }
    assert!(broken >= 4, "only {broken} promises were broken");
    assert!(site.told().is_empty());
    site.permits.allow(u64::MAX);
    assert!(site.fleet.stop(Duration::from_secs(5)).await);
    site.pool.stop();
}
