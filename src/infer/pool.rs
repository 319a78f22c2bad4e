//! The worker threads.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex, RwLock};

use super::model::{Model, weights_folder};
use super::planner::{PlanPolicy, Planner};
use super::queue::{CameraQueue, OnAnswer, QueueSpec, Shared};
use super::tune;
use super::worker::Worker;
use super::{Backend, InferError};
use crate::base::clock::SharedClock;
use crate::base::locks::Leaf;
use crate::base::metrics::Metrics;
use crate::base::pulse::Pulse;
use crate::base::tasks::yielding_thread;
use crate::config::types::{InferenceConfig, ModelConfig};
use crate::model::ids::ModelName;

/// All workers.
pub struct InferencePool {
    shared: Arc<Shared>,
    names: BTreeMap<ModelName, usize>,
    next_queue: AtomicU64,
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
            queues: RwLock::new(HashMap::new()),
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
            next_queue: AtomicU64::new(1),
            threads,
        })
    }

    /// Opens a camera's way in; its answers go to `on_answer` on a worker's thread.
    ///
    /// # Errors
    /// [`InferError::UnknownModel`] when no such model was configured.
    pub fn camera_queue(
        &self,
        spec: QueueSpec,
        on_answer: OnAnswer,
    ) -> Result<CameraQueue, InferError> {
        let model = *self
            .names
            .get(&spec.model)
            .ok_or_else(|| InferError::UnknownModel(spec.model.to_string()))?;
        let id = self.next_queue.fetch_add(1, Ordering::Relaxed);
        let shared = Arc::clone(&self.shared);
        Ok(CameraQueue::open(shared, id, model, spec, on_answer))
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
