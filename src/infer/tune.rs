//! The pool's engines: how many threads and pictures each model gets, as configured or found by a
//! short calibration, and one engine of each model for every worker.

use std::sync::Arc;
use std::time::Duration;

use super::calibrate::{Calibration, GREY, Trials, calibrate};
use super::precision::weights_to_take;
use super::{Backend, Engine, InferError, Model};
use crate::base::clock::SharedClock;
use crate::base::tasks::named_thread;
use crate::config::types::{ExecutionProvider, InferenceConfig};

/// All models together may delay the start by this much.
const BUDGET: Duration = Duration::from_secs(3);
/// What is taken where nothing could be measured: what the configuration has built in.
const FALLBACK: Tuned = Tuned {
    threads: 1,
    batch: 8,
};

/// What a model gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tuned {
    /// The engine's own threads.
    pub(super) threads: usize,
    /// Its largest batch.
    pub(super) batch: usize,
}

/// A worker's engines, one of each model.
pub(super) type Engines = Vec<Box<dyn Engine>>;

/// All models, opened.
pub(super) struct Opened {
    /// Each worker's engines.
    pub(super) workers: Vec<Engines>,
    /// What each model got.
    pub(super) tuned: Vec<Tuned>,
    /// The models, each with the weights that were taken.
    pub(super) models: Vec<Arc<Model>>,
}

/// Opens every model once per worker; also what each model gets.
///
/// The thread that opens them gives its name to ONNX Runtime's own threads, so that they can be
/// told from ours.
///
/// # Errors
/// [`InferError`] of the first model that cannot be used, or when there is no thread.
pub(super) fn open(
    config: &InferenceConfig,
    models: &[Arc<Model>],
    backend: &Arc<dyn Backend>,
    clock: &SharedClock,
) -> Result<Opened, InferError> {
    let (config, models) = (config.clone(), models.to_vec());
    let (backend, clock) = (Arc::clone(backend), Arc::clone(clock));
    let opening = named_thread("onnx", move || {
        open_all(&config, &models, &*backend, &clock)
    });
    let opening = opening.map_err(|error| InferError::Pool(error.to_string()))?;
    opening
        .join()
        .unwrap_or_else(|_| Err(InferError::Pool("loading the models panicked".to_owned())))
}

fn open_all(
    config: &InferenceConfig,
    models: &[Arc<Model>],
    backend: &dyn Backend,
    clock: &SharedClock,
) -> Result<Opened, InferError> {
    let models: Vec<Arc<Model>> = models
        .iter()
        .map(|model| weights_to_take(config, model, backend))
        .collect();
    let budget = BUDGET / u32::try_from(models.len().max(1)).unwrap_or(u32::MAX);
    let mut tuned: Vec<Tuned> = models
        .iter()
        .map(|model| tune(config, model, backend, clock, budget))
        .collect();
    let mut workers = (0..config.workers.max(1))
        .map(|_| {
            let with = models.iter().zip(&tuned);
            with.map(|(model, tuned)| backend.open_with(model, tuned.threads))
                .collect()
        })
        .collect::<Result<Vec<Engines>, _>>()?;
    // A model's own batch wins.
    for (engine, tuned) in workers.iter().take(1).flatten().zip(&mut tuned) {
        tuned.batch = engine.batch().pictures(tuned.batch);
    }
    if config.execution_provider != ExecutionProvider::Cpu {
        for engines in &mut workers {
            for ((engine, model), tuned) in engines.iter_mut().zip(&models).zip(&tuned) {
                warm_up(&mut **engine, model, tuned.batch)?;
            }
        }
    }
    Ok(Opened {
        workers,
        tuned,
        models,
    })
}

/// Runs every size of batch once: a graphics card chooses, or builds, its kernels for a shape at the
/// first run of it, which must not be a camera's pictures that grow stale meanwhile.
///
/// # Errors
/// [`InferError::Engine`] where a size does not run.
fn warm_up(engine: &mut dyn Engine, model: &Model, most: usize) -> Result<(), InferError> {
    // A batch of its own is the only size there is.
    let least = engine.batch().pictures(1);
    let input = vec![GREY; most * model.input_len()];
    for pictures in least..=most {
        engine.run(
            pictures,
            &input[..pictures * model.input_len()],
            &mut |_| {},
        )?;
    }
    Ok(())
}

/// What is written is taken; what is not is tried out.
fn tune(
    config: &InferenceConfig,
    model: &Model,
    backend: &dyn Backend,
    clock: &SharedClock,
    budget: Duration,
) -> Tuned {
    let written = (config.threads_per_worker, config.max_batch);
    if let (Some(threads), Some(batch)) = written {
        return Tuned {
            threads: threads.max(1),
            batch: batch.max(1),
        };
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut trials = Trials::at_start(cores, budget);
    if let Some(threads) = config.threads_per_worker {
        trials.threads = vec![threads.max(1)];
    }
    if let Some(batch) = config.max_batch {
        trials.batches = vec![batch.max(1)];
    }
    let name = &model.manifest.name;
    match calibrate(model, backend, &trials, &**clock) {
        Ok(found) => taken(name, &found),
        Err(error) => {
            let Tuned { threads, batch } = FALLBACK;
            tracing::warn!(model = name, %error, threads, batch, "the model could not be calibrated; the built-in batch and threads are taken");
            Tuned {
                threads: config.threads_per_worker.unwrap_or(threads),
                batch: config.max_batch.unwrap_or(batch),
            }
        }
    }
}

fn taken(name: &str, found: &Calibration) -> Tuned {
    let best = found.best;
    let (threads, batch) = (best.threads, best.batch);
    let millis = best.seconds * 1e3;
    let rate = best.pictures_per_second();
    if !found.within_latency {
        tracing::warn!(
            model = name,
            threads,
            batch,
            millis,
            "no batch is done within the latency bound; the quickest is taken"
        );
    } else if !found.complete {
        tracing::warn!(
            model = name,
            threads,
            batch,
            millis,
            tried = found.trials.len(),
            "the calibration's time was over early; the best so far is taken"
        );
    }
    tracing::info!(
        model = name,
        threads,
        batch,
        millis,
        pictures_per_second = rate,
        "calibrated"
    );
    Tuned { threads, batch }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::SystemClock;
    use crate::infer::BatchSize;
    use crate::infer::fake::FakeBackend;

    fn limits(threads: Option<usize>, batch: Option<usize>, size: BatchSize) -> Vec<usize> {
        let config = InferenceConfig {
            workers: 2,
            threads_per_worker: threads,
            max_batch: batch,
            ..InferenceConfig::default()
        };
        let backend = FakeBackend::new(|_| Vec::new()).with_batch(size);
        let models = [Arc::new(FakeBackend::model())];
        let backend: Arc<dyn Backend> = Arc::new(backend);
        let clock: SharedClock = SystemClock::shared();
        let opened = open(&config, &models, &backend, &clock).expect("opened");
        assert_eq!(opened.workers.len(), 2);
        opened.tuned.iter().map(|tuned| tuned.batch).collect()
    }

    #[test]
    fn what_is_written_is_taken_and_a_models_own_batch_wins() {
        assert_eq!(limits(Some(1), Some(5), BatchSize::Dynamic), [5]);
        assert_eq!(limits(Some(1), Some(5), BatchSize::Fixed(3)), [3]);
        assert_eq!(limits(None, Some(5), BatchSize::Dynamic), [5]);
    }

    /// Pictures of each size that engines of two workers saw at the start.
    fn seen_at_the_start(provider: ExecutionProvider, size: BatchSize) -> usize {
        let seen = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let count = Arc::clone(&seen);
        let backend: Arc<dyn Backend> = Arc::new(
            FakeBackend::new(move |_| {
                count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                Vec::new()
            })
            .with_batch(size),
        );
        let config = InferenceConfig {
            workers: 2,
            threads_per_worker: Some(1),
            max_batch: Some(3),
            execution_provider: provider,
            ..InferenceConfig::default()
        };
        let models = [Arc::new(FakeBackend::model())];
        open(&config, &models, &backend, &SystemClock::shared()).expect("opened");
        seen.load(std::sync::atomic::Ordering::Relaxed)
    }

    #[test]
    fn a_graphics_card_sees_every_batch_size_before_the_first_camera_does() {
        assert_eq!(
            seen_at_the_start(ExecutionProvider::Cuda, BatchSize::Dynamic),
            2 * (1 + 2 + 3),
            "each worker's engine: batches of one, two and three"
        );
        let fixed = seen_at_the_start(ExecutionProvider::Cuda, BatchSize::Fixed(2));
        assert_eq!(fixed, 2 * 2, "the only size, once");
        assert_eq!(
            seen_at_the_start(ExecutionProvider::Cpu, BatchSize::Dynamic),
            0
        );
    }

    #[test]
    fn what_is_not_written_is_found() {
        let [found] = limits(None, None, BatchSize::Dynamic)[..] else {
            panic!("one model");
        };
        assert!([1, 2, 4, 8, 16].contains(&found), "{found}");
        assert_eq!(limits(None, None, BatchSize::Fixed(3)), [3]);
    }
}
