//! What is observed of one camera: its sink and the analysis worker note it, the governor and the
//! status read it. It lives as long as the camera is configured, whatever its sessions do.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::command::CameraCommand;
use super::coverage::CoverageWindow;
use crate::base::clock::Monotonic;
use crate::base::locks::Leaf;
use crate::model::coverage::Coverage;

/// One camera's.
#[derive(Debug)]
pub struct CameraObserved {
    /// What is promised of it follows from this too.
    command: Arc<CameraCommand>,
    /// Only keyframes are decoded.
    asleep: AtomicBool,
    /// Somebody is followed or an incident is open: the camera must not sleep.
    active: AtomicBool,
    /// Somebody is near a line or fast.
    needs_near_rate: AtomicBool,
    /// There was headroom when a probe was taken last.
    headroom: AtomicBool,
    /// 0 while it is not known.
    keyframes_apart_millis: AtomicU64,
    window: Leaf<CoverageWindow>,
}

impl CameraObserved {
    /// A camera that is taken in now.
    #[must_use]
    pub fn new(command: Arc<CameraCommand>, now: Monotonic) -> Arc<Self> {
        let asleep = command.pace.sleeps();
        let promise = command.pace.promise(command.level(), asleep, None);
        Arc::new(Self {
            command,
            asleep: AtomicBool::new(asleep),
            active: AtomicBool::new(false),
            needs_near_rate: AtomicBool::new(false),
            headroom: AtomicBool::new(true),
            keyframes_apart_millis: AtomicU64::new(0),
            window: Leaf::new(CoverageWindow::new(now, promise)),
        })
    }

    pub(super) fn command(&self) -> &CameraCommand {
        &self.command
    }

    pub(super) fn is_asleep(&self) -> bool {
        self.asleep.load(Ordering::Acquire)
    }

    pub(super) fn set_asleep(&self, asleep: bool) {
        self.asleep.store(asleep, Ordering::Release);
        self.promise_changed();
    }

    pub(super) fn is_active(&self) -> bool {
        self.active.load(Ordering::Acquire)
    }

    pub(super) fn needs_near_rate(&self) -> bool {
        self.needs_near_rate.load(Ordering::Acquire)
    }

    /// Whether there was headroom when a probe was taken last.
    pub(super) fn had_headroom(&self) -> bool {
        self.headroom.load(Ordering::Acquire)
    }

    pub(super) fn set_headroom(&self, headroom: bool) {
        self.headroom.store(headroom, Ordering::Release);
    }

    /// What the latest analysed frame showed.
    pub(super) fn set_shown(&self, active: bool, needs_near_rate: bool) {
        self.active.store(active, Ordering::Release);
        self.needs_near_rate
            .store(needs_near_rate, Ordering::Release);
    }

    pub(super) fn set_keyframes_apart(&self, apart: Duration) {
        let millis = u64::try_from(apart.as_millis()).unwrap_or(u64::MAX);
        self.keyframes_apart_millis.store(millis, Ordering::Release);
        self.promise_changed();
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
            level: self.command.level(),
            largest_gap: fact.largest_gap,
            promised_gap: self.promise(),
            kept: fact.kept,
        }
    }

    fn promise(&self) -> Duration {
        let millis = self.keyframes_apart_millis.load(Ordering::Acquire);
        let apart = (millis > 0).then(|| Duration::from_millis(millis));
        let level = self.command.level();
        self.command.pace.promise(level, self.is_asleep(), apart)
    }

    /// Something that the promise follows from is another: whoever commands says so too.
    pub(super) fn promise_changed(&self) {
        let promise = self.promise();
        self.window.lock().promised(promise);
    }
}
