//! A fleet on a clock that the test moves, with a model that computes as fast as the test allows.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use parapet::base::backoff::BackoffPolicy;
use parapet::base::clock::{Clock as _, ManualClock, Monotonic, SharedClock};
use parapet::base::metrics::Metrics;
use parapet::config::types::{CameraConfig, GovernorConfig, InferenceConfig, SourceConfig};
use parapet::fleet::analysis::{Identity, Observer};
use parapet::fleet::{Analysed, Emitted, Fleet, FleetParts, GovernorParts, StatusBoard};
use parapet::infer::InferencePool;
use parapet::infer::fake::FakeBackend;
use parapet::ingest::fake::FakeSource;
use parapet::model::camera::CameraStatus;
use parapet::model::coverage::{Coverage, CoverageLevel};
use parapet::model::event::Event;
use parapet::model::frame::{ColorMatrix, Colorimetry, Frame, OwnedPlanes, PixelFormat};
use parapet::model::geometry::Size;
use parapet::model::ids::{CameraId, IdSource, ModelName, NodeName, SiteName};
use parapet::model::time::{CaptureTime, ClockSource, UtcMicros};

use crate::support::camera_for_test;

pub(super) const SIZE: Size = Size {
    width: 64,
    height: 48,
};
/// Every camera sends so many pictures a second.
pub(super) const PICTURES_PER_SECOND: u64 = 5;
/// Where the model has not enough time, it is cut so much finer.
pub(super) const FINER: u64 = 5;
/// Enough for all.
pub(super) const ENOUGH: u64 = 1_000;
/// By priority; four cameras each.
pub(super) const PRIORITIES: [u8; 3] = [50, 100, 200];
pub(super) const EACH: usize = 4;
/// Somebody stands before this camera, which is one of the least important.
pub(super) const ACTIVE: usize = 0;

/// How many pictures the model may still look at.
#[derive(Default)]
pub(super) struct Permits {
    state: Mutex<PermitState>,
    more: Condvar,
}

#[derive(Default)]
struct PermitState {
    left: u64,
    /// A picture is before the model that has no permit yet.
    waits: bool,
}

impl Permits {
    /// So many from now on; what was not used is gone, as time is.
    pub(super) fn allow(&self, pictures: u64) {
        self.lock().left = pictures;
        self.more.notify_all();
    }

    /// The model has computed what it may and has more to do. Without the second half the clock
    /// would move on while the worker is between two batches, and that would count as idle.
    pub(super) fn are_short(&self) -> bool {
        let state = self.lock();
        state.left == 0 && state.waits
    }

    /// Waits for a permit; not for ever, so that a test that failed ends.
    pub(super) fn take(&self) {
        let mut state = self.lock();
        state.waits = true;
        let waited = self
            .more
            .wait_timeout_while(state, Duration::from_secs(20), |state| state.left == 0);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.left = state.left.saturating_sub(1);
        state.waits = false;
    }

    fn lock(&self) -> MutexGuard<'_, PermitState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets the governor look when the test says so and at no other time: how often it looks between two
/// moves of the clock would else depend on how busy the machine is.
#[derive(Default)]
pub(super) struct Turns {
    state: Mutex<TurnState>,
    changed: Condvar,
}

#[derive(Default)]
struct TurnState {
    granted: u64,
    waits: bool,
}

impl Turns {
    /// Waits for its turn; not for ever, so that a test that failed ends.
    fn wait(&self) {
        let mut state = self.lock();
        state.waits = true;
        self.changed.notify_all();
        let waited = self
            .changed
            .wait_timeout_while(state, Duration::from_secs(20), |state| state.granted == 0);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.granted = state.granted.saturating_sub(1);
        state.waits = false;
    }

    fn grant(&self, turns: u64) {
        self.lock().granted = turns;
        self.changed.notify_all();
    }

    /// Whether it has done all that it may and waits for more.
    fn are_over(&self) -> bool {
        let state = self.lock();
        state.granted == 0 && state.waits
    }

    fn lock(&self) -> MutexGuard<'_, TurnState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn id(number: usize) -> CameraId {
    CameraId::new(&format!("camera-{number:02}")).expect("name")
}

pub(super) fn camera(number: usize) -> CameraConfig {
    CameraConfig {
        id: id(number),
        model: ModelName::new("fake").expect("name"),
        priority: PRIORITIES[number / EACH],
        stall_after: Duration::from_secs(60),
        connect_timeout: Duration::from_secs(60),
        backoff: BackoffPolicy {
            first: Duration::from_millis(500),
            ceiling: Duration::from_secs(4),
        },
        ..camera_for_test(SourceConfig::Test { size: SIZE, fps: 5 })
    }
}

/// One worker that looks at as many pictures as the permits allow.
pub(super) fn pool(
    permits: &Arc<Permits>,
    clock: &SharedClock,
    metrics: &Arc<Metrics>,
) -> Arc<InferencePool> {
    let gate = Arc::clone(permits);
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
        max_batch: Some(2),
        ..InferenceConfig::default()
    };
    let pool = InferencePool::with_models(
        &inference,
        BTreeMap::from([(ModelName::new("fake").expect("name"), 0)]),
        vec![Arc::new(FakeBackend::model())],
        Arc::new(backend),
        Arc::clone(clock),
        Arc::clone(metrics),
    );
    Arc::new(pool.expect("pool"))
}

/// The fleet and what the test knows of it.
pub(super) struct Site {
    pub(super) fleet: Fleet,
    pub(super) board: StatusBoard,
    pub(super) source: FakeSource,
    pub(super) permits: Arc<Permits>,
    pub(super) clock: Arc<ManualClock>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) pool: Arc<InferencePool>,
    pub(super) events: Arc<Mutex<Vec<Event>>>,
    pub(super) turns: Arc<Turns>,
    /// When frames of each camera were analysed, as the analysis worker says.
    pub(super) analysed: Arc<Mutex<BTreeMap<usize, Vec<Monotonic>>>>,
    pub(super) pushed: u64,
    pub(super) media_time: Duration,
}

impl Site {
    pub(super) async fn start(governor: GovernorConfig) -> Self {
        Self::start_with(governor, |_| {}).await
    }

    pub(super) async fn start_with(
        governor: GovernorConfig,
        change: impl Fn(&mut CameraConfig),
    ) -> Self {
        let clock = ManualClock::at(1_750_000_000_000_000);
        let shared: SharedClock = clock.clone();
        let metrics = Metrics::new();
        let permits = Arc::new(Permits::default());
        let pool = pool(&permits, &shared, &metrics);
        let events: Arc<Mutex<Vec<Event>>> = Arc::default();
        let analysed: Arc<Mutex<BTreeMap<usize, Vec<Monotonic>>>> = Arc::default();
        let (told, seen) = (Arc::clone(&events), Arc::clone(&analysed));
        let source = FakeSource::new();
        let turns: Arc<Turns> = Arc::default();
        let turn = Arc::clone(&turns);
        let parts = FleetParts {
            source: Arc::new(source.clone()),
            pool: Arc::clone(&pool),
            clock: Arc::clone(&shared),
            metrics: Arc::clone(&metrics),
            analysed: Some(Arc::new(move |analysed: &Analysed<'_>| {
                let camera = analysed.frame.index as usize;
                let mut seen = seen.lock().expect("lock");
                seen.entry(camera).or_default().push(analysed.frame.arrived);
            })),
            governor: Some(GovernorParts {
                config: governor,
                cpu: Arc::new(move || {
                    tokio::task::block_in_place(|| turn.wait());
                    Duration::ZERO
                }),
            }),
        };
        let identity = Identity {
            site: SiteName::new("site").expect("name"),
            node: NodeName::new("node").expect("name"),
            observer: Observer::Clock(shared),
        };
        let sink = Arc::new(move |emitted: Emitted| told.lock().expect("lock").push(emitted.event));
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
            turns,
            analysed,
            pushed: 0,
            media_time: Duration::ZERO,
        }
    }

    pub(super) fn push(&mut self) {
        for number in 0..PRIORITIES.len() * EACH {
            let light = if number == ACTIVE { 235 } else { 20 };
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
                probe: false,
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
    pub(super) fn done(&self) -> u64 {
        let cameras = (0..PRIORITIES.len() * EACH).map(|n| self.metrics.camera(id(n).as_str()));
        let done = cameras.map(|camera| {
            let dropped = camera.superseded.get() + camera.stale.get() + camera.above_rate.get();
            camera.analysed.get() + dropped
        });
        done.sum()
    }

    /// Moves the time on; the model may look at so many pictures a second.
    pub(super) async fn run(
        &mut self,
        seconds: u64,
        pictures_per_second: u64,
        each: impl Fn(&Self),
    ) {
        let finer = if pictures_per_second < ENOUGH {
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
                while !self.permits.are_short() && self.done() < self.pushed {
                    tokio::time::sleep(Duration::from_micros(300)).await;
                }
            }
            self.governor_looks().await;
            each(self);
        }
    }

    /// The governor looks once.
    pub(super) async fn governor_looks(&self) {
        self.turns.grant(1);
        while !self.turns.are_over() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Nobody waits any more; then the fleet stops.
    pub(super) async fn stop(self) {
        self.permits.allow(u64::MAX);
        self.turns.grant(u64::MAX);
        assert!(self.fleet.stop(Duration::from_secs(5)).await);
        self.pool.stop();
    }

    pub(super) fn status(&self, number: usize) -> CameraStatus {
        let all = self.board.cameras();
        let found = all.into_iter().find(|status| status.camera == id(number));
        found.expect("configured")
    }

    pub(super) fn coverage(&self, number: usize) -> Coverage {
        self.status(number).coverage.expect("it runs")
    }

    pub(super) fn levels(&self) -> BTreeMap<u8, Vec<CoverageLevel>> {
        let mut levels: BTreeMap<u8, Vec<CoverageLevel>> = BTreeMap::new();
        for number in (0..PRIORITIES.len() * EACH).filter(|number| *number != ACTIVE) {
            let level = self.coverage(number).level;
            let of = levels.entry(PRIORITIES[number / EACH]).or_default();
            of.push(level);
        }
        levels
    }

    /// The largest gap of a camera by the frames that the analysis worker had, of those that ended within
    /// the last seconds.
    pub(super) fn true_gap(&self, number: usize, seconds: u64) -> Duration {
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

    pub(super) fn told(&self) -> Vec<Event> {
        self.events.lock().expect("lock").clone()
    }
}
