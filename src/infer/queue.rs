//! One camera's way in, and what queues and workers share.
//!
//! A queue is a slot for the camera's newest frame and a mark in the planner. One frame per camera
//! is in flight at most: the camera is marked done when its [`Answer`] is dropped, so whoever
//! handles the answer sets the camera's pace.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, RwLock};

use super::InferError;
use super::model::Model;
use super::planner::{Plan, Planner, QueueId};
use crate::base::clock::{Monotonic, SharedClock};
use crate::base::locks::Leaf;
use crate::base::metrics::{CameraMetrics, Metrics};
use crate::base::pulse::Pulse;
use crate::base::slot::{Put, Slot, WhenFull};
use crate::model::detection::{Detection, ModelRef};
use crate::model::frame::Frame;
use crate::model::ids::{CameraId, ModelName};

/// What a camera says of itself when it opens a queue.
pub struct QueueSpec {
    /// Which camera.
    pub camera: CameraId,
    /// Which model looks at it.
    pub model: ModelName,
    /// Larger goes first.
    pub priority: u8,
    /// Live cameras overwrite, recordings block.
    pub when_full: WhenFull,
    /// Where to count.
    pub metrics: CameraMetrics,
}

/// What came of one frame.
pub struct Answer {
    /// Which camera.
    pub camera: CameraId,
    /// The frame that was looked at.
    pub frame: Frame,
    /// What was found.
    pub detections: Result<Vec<Detection>, InferError>,
    /// Which model looked.
    pub model: ModelRef,
    /// When its batch was cut.
    pub cut_at: Monotonic,
    /// The camera is marked done when this goes.
    pub(super) in_flight: InFlight,
}

impl Answer {
    /// Ends the flight before the answer itself goes.
    pub fn release(self) {
        drop(self.in_flight);
    }
}

/// Marks a camera done when it goes.
pub(super) struct InFlight {
    pub(super) shared: Arc<Shared>,
    pub(super) queue: QueueId,
    /// Where its next frame waits; none where the camera left before its batch was begun.
    pub(super) slot: Option<Arc<Slot<Frame>>>,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let full = self.slot.as_ref().is_some_and(|slot| slot.is_full());
        self.shared.done(self.queue, full);
    }
}

pub(super) type OnAnswer = Box<dyn Fn(Answer) + Send + Sync>;

/// The pool's side of a queue.
pub(super) struct QueueEntry {
    pub(super) camera: CameraId,
    pub(super) slot: Arc<Slot<Frame>>,
    pub(super) when_full: WhenFull,
    pub(super) metrics: CameraMetrics,
    pub(super) on_answer: OnAnswer,
}

/// What workers and queues share.
pub(super) struct Shared {
    pub(super) planner: Leaf<Planner>,
    pub(super) wake: Condvar,
    /// A camera was marked done.
    pub(super) rests: Condvar,
    pub(super) queues: RwLock<HashMap<QueueId, Arc<QueueEntry>>>,
    pub(super) models: Vec<Arc<Model>>,
    pub(super) max_age: Duration,
    pub(super) clock: SharedClock,
    pub(super) metrics: Arc<Metrics>,
    pub(super) stopping: AtomicBool,
    /// Time that workers have spent in batches that are done.
    pub(super) worked_nanos: AtomicU64,
    /// One for each worker.
    pub(super) pulses: Vec<Pulse>,
}

impl Shared {
    /// Blocks until there is a batch to run; `None` when the pool stops.
    pub(super) fn next_batch(&self) -> Option<(usize, Vec<QueueId>, Monotonic)> {
        let mut planner = self.planner.lock();
        loop {
            if self.stopping.load(Ordering::Acquire) {
                return None;
            }
            let now = self.clock.now();
            match planner.cut(now) {
                Plan::Batch { model, queues } => return Some((model, queues, now)),
                Plan::WaitUntil(until) => {
                    self.wake.wait_for(planner.guard(), until.since(now));
                }
                Plan::Idle => self.wake.wait(planner.guard()),
            }
        }
    }

    /// The camera may be looked at again; `full` says that a frame waits for it.
    fn done(&self, queue: QueueId, full: bool) {
        let mut planner = self.planner.lock();
        planner.mark_done(queue);
        if full {
            planner.mark_ready(queue, self.clock.now());
        }
        drop(planner);
        self.wake.notify_one();
        self.rests.notify_all();
    }
}

/// One camera's way in. Dropping it closes the slot and forgets the camera.
pub struct CameraQueue {
    shared: Arc<Shared>,
    entry: Arc<QueueEntry>,
    id: QueueId,
}

impl CameraQueue {
    /// Makes the camera known to the planner and to the workers.
    pub(super) fn open(
        shared: Arc<Shared>,
        id: QueueId,
        model: usize,
        spec: QueueSpec,
        on_answer: OnAnswer,
    ) -> Self {
        let entry = Arc::new(QueueEntry {
            camera: spec.camera,
            slot: Arc::new(Slot::new(spec.when_full)),
            when_full: spec.when_full,
            metrics: spec.metrics,
            on_answer,
        });
        shared.queues.write().insert(id, Arc::clone(&entry));
        shared.planner.lock().add(id, model, spec.priority);
        Self { shared, entry, id }
    }

    /// Offers a frame. A live queue replaces the one that waits (counted as superseded); a
    /// lossless one blocks until there is room or the queue is closed.
    pub fn offer(&self, frame: Frame) {
        self.put(frame, false);
    }

    /// Offers a frame of a camera that something woke: it goes before all that did not wake.
    pub fn offer_woken(&self, frame: Frame) {
        self.put(frame, true);
    }

    fn put(&self, frame: Frame, woken: bool) {
        match self.entry.slot.put(frame) {
            Put::Stored => {}
            Put::Superseded(_) => {
                self.entry.metrics.superseded.inc();
            }
            Put::Closed(_) => return,
        }
        let mut planner = self.shared.planner.lock();
        planner.set_woken(self.id, woken);
        planner.mark_ready(self.id, self.shared.clock.now());
        drop(planner);
        self.shared.wake.notify_one();
    }

    /// Waits until the slot is free, `timeout` at most.
    pub fn wait_room(&self, timeout: Duration) {
        let _ = self.entry.slot.wait_empty(timeout);
    }

    /// Whether the slot is free.
    #[must_use]
    pub fn has_room(&self) -> bool {
        !self.entry.slot.is_full()
    }

    /// Waits until nothing waits and nothing is in flight, `timeout` at most; false where it still does.
    #[must_use]
    pub fn wait_idle(&self, timeout: Duration) -> bool {
        let mut planner = self.shared.planner.lock();
        let works = |planner: &mut Planner| self.entry.slot.is_full() || planner.is_busy(self.id);
        let waited = self
            .shared
            .rests
            .wait_while_for(planner.guard(), works, timeout);
        !waited.timed_out()
    }

    /// Refuses further frames and wakes a writer that waits for room.
    pub fn close(&self) {
        self.entry.slot.close();
    }
}

impl Drop for CameraQueue {
    fn drop(&mut self) {
        self.entry.slot.close();
        self.shared.planner.lock().remove(self.id);
        self.shared.queues.write().remove(&self.id);
    }
}
