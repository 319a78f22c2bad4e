//! One camera's dial: what the governor sets and its sink follows, what analyst and sink note and
//! governor and status read. It lives as long as the camera is configured, whatever its sessions do.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::coverage::CoverageWindow;
use super::pace::Pace;
use crate::base::clock::Monotonic;
use crate::config::types::CameraConfig;
use crate::model::coverage::{Coverage, CoverageLevel};

/// One camera's dial.
#[derive(Debug)]
pub struct Dial {
    pub(super) pace: Pace,
    level: AtomicUsize,
    /// Only keyframes are decoded.
    asleep: AtomicBool,
    /// Somebody is followed or an incident is open: the camera must not sleep.
    engaged: AtomicBool,
    /// Somebody is near a line or fast.
    hurried: AtomicBool,
    /// There was plenty for all when a glance was taken last.
    plenty: AtomicBool,
    /// 0 while it is not known.
    keys_apart_millis: AtomicU64,
    window: Mutex<CoverageWindow>,
}

impl Dial {
    /// A camera at its full level that is taken in now.
    #[must_use]
    pub fn new(config: &CameraConfig, now: Monotonic) -> Arc<Self> {
        let pace = Pace::of(config);
        let asleep = pace.sleeps();
        let promise = pace.promise(CoverageLevel::Full, asleep, None);
        Arc::new(Self {
            pace,
            level: AtomicUsize::new(0),
            asleep: AtomicBool::new(asleep),
            engaged: AtomicBool::new(false),
            hurried: AtomicBool::new(false),
            plenty: AtomicBool::new(true),
            keys_apart_millis: AtomicU64::new(0),
            window: Mutex::new(CoverageWindow::new(now, promise)),
        })
    }

    pub(super) fn level(&self) -> CoverageLevel {
        let index = self.level.load(Ordering::Acquire);
        CoverageLevel::ALL.get(index).copied().unwrap_or_default()
    }

    pub(super) fn set_level(&self, level: CoverageLevel) {
        self.level.store(level.index(), Ordering::Release);
        self.note_promise();
    }

    pub(super) fn is_asleep(&self) -> bool {
        self.asleep.load(Ordering::Acquire)
    }

    pub(super) fn set_asleep(&self, asleep: bool) {
        self.asleep.store(asleep, Ordering::Release);
        self.note_promise();
    }

    pub(super) fn is_engaged(&self) -> bool {
        self.engaged.load(Ordering::Acquire)
    }

    pub(super) fn is_hurried(&self) -> bool {
        self.hurried.load(Ordering::Acquire)
    }

    /// Whether there was plenty for all when a glance was taken last.
    pub(super) fn has_plenty(&self) -> bool {
        self.plenty.load(Ordering::Acquire)
    }

    pub(super) fn set_plenty(&self, plenty: bool) {
        self.plenty.store(plenty, Ordering::Release);
    }

    /// What the latest analysed frame showed.
    pub(super) fn set_seen(&self, engaged: bool, hurried: bool) {
        self.engaged.store(engaged, Ordering::Release);
        self.hurried.store(hurried, Ordering::Release);
    }

    pub(super) fn set_keys_apart(&self, apart: Duration) {
        let millis = u64::try_from(apart.as_millis()).unwrap_or(u64::MAX);
        self.keys_apart_millis.store(millis, Ordering::Release);
        self.note_promise();
    }

    /// A frame that came at `at` was analysed.
    pub(super) fn analysed(&self, at: Monotonic) {
        let promise = self.promise();
        self.window.lock().analysed(at, promise);
    }

    /// Promise and fact at `now`.
    pub(super) fn coverage(&self, now: Monotonic) -> Coverage {
        let fact = self.window.lock().fact(now);
        Coverage {
            level: self.level(),
            largest_gap: fact.largest_gap,
            promised_gap: self.promise(),
            kept: fact.kept,
        }
    }

    fn promise(&self) -> Duration {
        let millis = self.keys_apart_millis.load(Ordering::Acquire);
        let apart = (millis > 0).then(|| Duration::from_millis(millis));
        self.pace.promise(self.level(), self.is_asleep(), apart)
    }

    fn note_promise(&self) {
        let promise = self.promise();
        self.window.lock().promised(promise);
    }
}
