//! The worker threads and the lanes that feed them.
//!
//! A lane is one camera's way in: a slot for its newest frame and a mark in the planner. One
//! frame per camera is in flight at most: the camera is marked done when its [`Answer`] is
//! dropped, so whoever handles the answer sets the camera's pace.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex, RwLock};

use super::model::{Model, weights_folder};
use super::planner::{LaneId, Plan, PlanPolicy, Planner};
use super::tune;
use super::worker::Worker;
use super::{Backend, InferError};
use crate::base::clock::{Monotonic, SharedClock};
use crate::base::locks::Leaf;
use crate::base::metrics::{CameraMetrics, Metrics};
use crate::base::pulse::Pulse;
use crate::base::slot::{Put, Slot, WhenFull};
use crate::base::tasks::yielding_thread;
use crate::config::types::{InferenceConfig, ModelConfig};
use crate::model::detection::{Detection, ModelRef};
use crate::model::frame::Frame;
use crate::model::ids::{CameraId, ModelName};

/// What a camera says of itself when it takes a lane.
pub struct LaneSpec {
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
    pub(super) lane: LaneId,
    /// Where its next frame waits; none where the camera left before its batch was begun.
    pub(super) slot: Option<Arc<Slot<Frame>>>,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let full = self.slot.as_ref().is_some_and(|slot| slot.is_full());
        self.shared.done(self.lane, full);
    }
}

pub(super) type OnAnswer = Box<dyn Fn(Answer) + Send + Sync>;

/// The pool's side of a lane.
pub(super) struct LaneEntry {
    pub(super) camera: CameraId,
    pub(super) slot: Arc<Slot<Frame>>,
    pub(super) when_full: WhenFull,
    pub(super) metrics: CameraMetrics,
    pub(super) on_answer: OnAnswer,
}

/// What workers and lanes share.
pub(super) struct Shared {
    pub(super) planner: Leaf<Planner>,
    pub(super) wake: Condvar,
    /// A camera was marked done.
    pub(super) rests: Condvar,
    pub(super) lanes: RwLock<HashMap<LaneId, Arc<LaneEntry>>>,
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
    pub(super) fn next_batch(&self) -> Option<(usize, Vec<LaneId>, Monotonic)> {
        let mut planner = self.planner.lock();
        loop {
            if self.stopping.load(Ordering::Acquire) {
                return None;
            }
            let now = self.clock.now();
            match planner.cut(now) {
                Plan::Batch { model, lanes } => return Some((model, lanes, now)),
                Plan::WaitUntil(until) => {
                    self.wake.wait_for(planner.guard(), until.since(now));
                }
                Plan::Idle => self.wake.wait(planner.guard()),
            }
        }
    }

    /// The camera may be looked at again; `full` says that a frame waits for it.
    fn done(&self, lane: LaneId, full: bool) {
        let mut planner = self.planner.lock();
        planner.mark_done(lane);
        if full {
            planner.mark_ready(lane, self.clock.now());
        }
        drop(planner);
        self.wake.notify_one();
        self.rests.notify_all();
    }
}

/// One camera's way in. Dropping it closes the slot and forgets the camera.
pub struct Lane {
    shared: Arc<Shared>,
    entry: Arc<LaneEntry>,
    id: LaneId,
}

impl Lane {
    /// Offers a frame. A live lane replaces the one that waits (counted as superseded); a
    /// lossless one blocks until there is room or the lane is closed.
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

impl Drop for Lane {
    fn drop(&mut self) {
        self.entry.slot.close();
        self.shared.planner.lock().remove(self.id);
        self.shared.lanes.write().remove(&self.id);
    }
}

/// All workers.
pub struct InferencePool {
    shared: Arc<Shared>,
    names: BTreeMap<ModelName, usize>,
    next_lane: AtomicU64,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl InferencePool {
    /// Loads every model once per worker and starts the workers.
    ///
    /// # Errors
    /// [`InferError`] of the first model that cannot be used.
    pub fn start(
        config: &InferenceConfig,
        models: &BTreeMap<ModelName, ModelConfig>,
        backend: Arc<dyn Backend>,
        clock: SharedClock,
        metrics: Arc<Metrics>,
    ) -> Result<Self, InferError> {
        let weights = weights_folder();
        let loaded: Vec<Arc<Model>> = models
            .values()
            .map(|model| Model::load(&model.folder, weights.as_deref()).map(Arc::new))
            .collect::<Result<_, _>>()?;
        let names = models.keys().cloned().zip(0..).collect();
        Self::with_models(config, names, loaded, backend, clock, metrics)
    }

    /// As [`Self::start`], with models that are in memory already.
    ///
    /// # Errors
    /// [`InferError`] of the first model that cannot be used.
    pub fn with_models(
        config: &InferenceConfig,
        names: BTreeMap<ModelName, usize>,
        models: Vec<Arc<Model>>,
        backend: Arc<dyn Backend>,
        clock: SharedClock,
        metrics: Arc<Metrics>,
    ) -> Result<Self, InferError> {
        let opened = tune::open(config, &models, &backend, &clock)?;
        let policy = PlanPolicy {
            max_wait: config.max_wait,
        };
        let limits = opened.tuned.iter().map(|tuned| tuned.batch).collect();
        let shared = Arc::new(Shared {
            planner: Leaf::new(Planner::new(policy, limits)),
            wake: Condvar::new(),
            rests: Condvar::new(),
            lanes: RwLock::new(HashMap::new()),
            models: opened.models,
            max_age: config.max_age,
            clock,
            metrics,
            stopping: AtomicBool::new(false),
            worked_nanos: AtomicU64::new(0),
            pulses: opened.workers.iter().map(|_| Pulse::default()).collect(),
        });
        let mut threads = Vec::new();
        for (number, engines) in opened.workers.into_iter().enumerate() {
            let mut worker = Worker::new(
                Arc::clone(&shared),
                number,
                Arc::clone(&backend),
                engines,
                &opened.tuned,
            );
            let started = yielding_thread(&format!("infer-{number}"), move || worker.run());
            threads.push(started.map_err(|error| InferError::Pool(error.to_string()))?);
        }
        let threads = Mutex::new(threads);
        Ok(Self {
            shared,
            names,
            next_lane: AtomicU64::new(1),
            threads,
        })
    }

    /// Opens a camera's way in; its answers go to `on_answer` on a worker's thread.
    ///
    /// # Errors
    /// [`InferError::UnknownModel`] when no such model was configured.
    pub fn lane(&self, spec: LaneSpec, on_answer: OnAnswer) -> Result<Lane, InferError> {
        let model = *self
            .names
            .get(&spec.model)
            .ok_or_else(|| InferError::UnknownModel(spec.model.to_string()))?;
        let id = self.next_lane.fetch_add(1, Ordering::Relaxed);
        let entry = Arc::new(LaneEntry {
            camera: spec.camera,
            slot: Arc::new(Slot::new(spec.when_full)),
            when_full: spec.when_full,
            metrics: spec.metrics,
            on_answer,
        });
        self.shared.lanes.write().insert(id, Arc::clone(&entry));
        self.shared.planner.lock().add(id, model, spec.priority);
        Ok(Lane {
            shared: Arc::clone(&self.shared),
            entry,
            id,
        })
    }

    /// How many workers there are.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.shared.pulses.len()
    }

    /// Time that all workers together have spent in batches, the present ones included; without that
    /// for which they waited for the processor.
    #[must_use]
    pub fn busy(&self) -> Duration {
        let now = self.shared.clock.now();
        let present: Duration = self.shared.pulses.iter().map(|p| p.busy_for(now)).sum();
        Duration::from_nanos(self.shared.worked_nanos.load(Ordering::Acquire)) + present
    }

    /// Whether every worker lives and gets on. With nothing to look at it does.
    ///
    /// # Errors
    /// In words: a worker has ended, has been at one batch for longer than `limit`, or frames
    /// have waited for longer than that while no batch was cut.
    pub fn healthy(&self, limit: Duration) -> Result<(), String> {
        let ended = |(number, thread): (usize, &JoinHandle<()>)| {
            thread
                .is_finished()
                .then(|| format!("inference worker {number} has ended"))
        };
        if let Some(reason) = self.threads.lock().iter().enumerate().find_map(ended) {
            return Err(reason);
        }
        let now = self.shared.clock.now();
        for (number, pulse) in self.shared.pulses.iter().enumerate() {
            let busy = pulse.busy_for(now);
            if busy > limit {
                let seconds = busy.as_secs();
                return Err(format!(
                    "inference worker {number} has been at one batch for {seconds} s"
                ));
            }
        }
        let neglected = self.shared.planner.lock().neglected_for(now);
        if neglected > limit {
            let seconds = neglected.as_secs();
            return Err(format!(
                "frames wait, but no batch has been cut for {seconds} s"
            ));
        }
        Ok(())
    }

    /// Stops the workers after the batch they are at.
    pub fn stop(&self) {
        self.shared.stopping.store(true, Ordering::Release);
        // Under the lock, so that no worker is between its look at `stopping` and its wait.
        drop(self.shared.planner.lock());
        self.shared.wake.notify_all();
        for thread in self.threads.lock().drain(..) {
            if thread.join().is_err() {
                tracing::error!("an inference worker ended in a panic");
            }
        }
    }
}

impl Drop for InferencePool {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests;
