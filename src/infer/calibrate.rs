//! Batch size and threads found by trying: a short measurement of one model on this machine.
//!
//! Every pair of threads and batch runs a few times on an empty picture; the shortest of its runs is
//! its time, which other work on the machine disturbs least, and the cheapest its processor time,
//! which other work hardly disturbs. Of the pairs whose batch is done within the latency bound the
//! one is taken that gives the most pictures for a second of *processor* time: the decoders want the
//! rest. Within [`EQUAL_WITHIN`] of it the smaller batch is taken, whose pictures wait less.

use std::time::Duration;

use super::timing::run_once;
use super::{Backend, BatchSize, InferError, Model};
use crate::base::clock::Clock;

/// What is looked at, as the padding of a letterbox: its value changes no kernel's time.
pub const GREY: f32 = 114.0;
/// Rates this close count as equal.
const EQUAL_WITHIN: f64 = 0.03;
/// A pair is run at least so often, after one run that is not counted,
const MIN_RUNS: u32 = 3;
/// and no longer than this where it has been run often enough,
const PAIR_TIME: Duration = Duration::from_millis(60);
/// nor more often than this, whatever the clock says.
const MAX_RUNS: u32 = 100;

/// What is tried, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trials {
    /// Threads of a session.
    pub threads: Vec<usize>,
    /// Pictures of a batch; a model with a batch of its own is tried with that only.
    pub batches: Vec<usize>,
    /// A batch must be done within this.
    pub latency: Duration,
    /// No pair is begun after this; loading the model counts.
    pub budget: Duration,
}

impl Trials {
    /// What the daemon tries at its start on a machine with so many cores.
    #[must_use]
    pub fn at_start(cores: usize, budget: Duration) -> Self {
        let mut threads = vec![1, 2, 4];
        threads.retain(|&threads| threads == 1 || threads <= cores / 2);
        Self {
            threads,
            batches: vec![1, 2, 4, 8, 16],
            latency: Duration::from_millis(250),
            budget,
        }
    }
}

/// One pair and how it did.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Trial {
    /// Threads of the session.
    pub threads: usize,
    /// Pictures of the batch.
    pub batch: usize,
    /// One run, in seconds.
    pub seconds: f64,
    /// Processor time of one run, over all threads, in seconds.
    pub cpu_seconds: f64,
}

impl Trial {
    /// Pictures a second of one session.
    #[must_use]
    pub fn pictures_per_second(&self) -> f64 {
        self.batch as f64 / self.seconds.max(1e-9)
    }

    /// Pictures for a second of processor time.
    #[must_use]
    pub fn pictures_per_core_second(&self) -> f64 {
        self.batch as f64 / self.cpu_seconds.max(1e-9)
    }
}

/// What a calibration found.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Calibration {
    /// Every pair that was tried.
    pub trials: Vec<Trial>,
    /// Whether every wanted pair was tried within the budget.
    pub complete: bool,
    /// The pair to take.
    pub best: Trial,
    /// Whether its batch is done within the latency bound; where none is, the quickest is taken.
    pub within_latency: bool,
}

/// Tries the pairs. `clock` measures; the backend is asked for a session of each number of threads.
///
/// # Errors
/// [`InferError`] where the model cannot be loaded or run, or the budget is over before one pair
/// was tried.
pub fn calibrate(
    model: &Model,
    backend: &dyn Backend,
    trials: &Trials,
    clock: &dyn Clock,
) -> Result<Calibration, InferError> {
    let begun = clock.now();
    let mut done: Vec<Trial> = Vec::new();
    let mut complete = true;
    'threads: for &threads in &trials.threads {
        let mut engine = backend.open_with(model, threads)?;
        let batches = match engine.batch() {
            BatchSize::Fixed(size) => vec![size],
            BatchSize::Dynamic => trials.batches.clone(),
        };
        for batch in batches {
            if clock.now().since(begun) >= trials.budget {
                complete = false;
                break 'threads;
            }
            let input = vec![GREY; batch * model.input_len()];
            let (mut shortest, mut cheapest) = (Duration::MAX, Duration::MAX);
            engine.run(batch, &input, &mut |_| {})?;
            let first = clock.now();
            let mut runs = 0;
            while runs < MIN_RUNS || (runs < MAX_RUNS && clock.now().since(first) < PAIR_TIME) {
                let run = run_once(&mut *engine, batch, &input, Duration::ZERO, clock)?;
                shortest = shortest.min(run.elapsed);
                cheapest = cheapest.min(run.cpu);
                runs += 1;
                let over = clock.now().since(begun) >= trials.budget;
                if over || (runs >= MIN_RUNS && shortest > PAIR_TIME) {
                    break;
                }
            }
            done.push(Trial {
                threads,
                batch,
                seconds: shortest.as_secs_f64(),
                cpu_seconds: cheapest.as_secs_f64(),
            });
            // A larger batch takes longer still.
            if shortest > trials.latency {
                break;
            }
        }
    }
    let Some((best, within_latency)) = choose(&done, trials.latency) else {
        return Err(InferError::Engine {
            model: model.manifest.name.clone(),
            what: format!("nothing could be measured within {:?}", trials.budget),
        });
    };
    Ok(Calibration {
        trials: done,
        complete,
        best,
        within_latency,
    })
}

/// The pair to take and whether it is within the bound; none of none.
fn choose(trials: &[Trial], latency: Duration) -> Option<(Trial, bool)> {
    let fits = |trial: &&Trial| trial.seconds <= latency.as_secs_f64();
    let top = trials
        .iter()
        .filter(fits)
        .map(Trial::pictures_per_core_second)
        .max_by(f64::total_cmp);
    let Some(top) = top else {
        let quickest = |one: &&Trial, other: &&Trial| one.seconds.total_cmp(&other.seconds);
        return Some((*trials.iter().min_by(quickest)?, false));
    };
    let near = trials
        .iter()
        .filter(fits)
        .filter(|trial| trial.pictures_per_core_second() >= top * (1.0 - EQUAL_WITHIN));
    let smallest = near.min_by_key(|trial| (trial.batch, trial.threads));
    smallest.map(|trial| (*trial, true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::SystemClock;
    use crate::infer::fake::FakeBackend;

    fn trial(threads: usize, batch: usize, millis: f64) -> Trial {
        Trial {
            threads,
            batch,
            seconds: millis / 1e3,
            // Two threads that share the work perfectly cost as much as one.
            cpu_seconds: millis * threads as f64 / 1e3,
        }
    }

    #[test]
    fn the_most_pictures_for_the_processors_time_win_and_of_equals_the_smaller_batch() {
        let bound = Duration::from_millis(100);
        let trials = [
            trial(1, 1, 10.0),
            trial(1, 4, 32.0),
            trial(1, 8, 63.5),
            trial(1, 16, 120.0),
            trial(2, 4, 20.0),
        ];
        assert_eq!(choose(&trials, bound), Some((trials[1], true)));
        // Two threads that not quite halve the time cost more.
        let pair = [trial(1, 1, 10.0), trial(2, 1, 5.1)];
        assert_eq!(choose(&pair, bound), Some((pair[0], true)));
    }

    #[test]
    fn where_nothing_is_quick_enough_the_quickest_is_taken_and_it_shows() {
        let trials = [trial(1, 1, 300.0), trial(2, 1, 160.0)];
        let found = choose(&trials, Duration::from_millis(100));
        assert_eq!(found, Some((trials[1], false)));
        assert_eq!(choose(&[], Duration::from_secs(1)), None);
    }

    fn trials(budget: Duration) -> Trials {
        Trials {
            threads: vec![1],
            batches: vec![1, 2],
            latency: Duration::from_secs(10),
            budget,
        }
    }

    #[test]
    fn a_model_with_a_batch_of_its_own_is_tried_with_that_only() {
        let backend = FakeBackend::new(|_| Vec::new());
        let (model, clock) = (FakeBackend::model(), SystemClock::new());
        let long = trials(Duration::from_secs(60));
        let found = calibrate(&model, &backend, &long, &clock).expect("measured");
        let batches: Vec<_> = found.trials.iter().map(|trial| trial.batch).collect();
        assert_eq!(
            (batches.as_slice(), found.complete),
            ([1, 2].as_slice(), true)
        );
        let fixed = backend.with_batch(BatchSize::Fixed(3));
        let found = calibrate(&model, &fixed, &long, &clock).expect("measured");
        assert_eq!((found.trials.len(), found.best.batch), (1, 3));
    }

    #[test]
    fn a_budget_that_is_over_gives_no_answer() {
        let backend = FakeBackend::new(|_| Vec::new());
        let (model, clock) = (FakeBackend::model(), SystemClock::new());
        let none = trials(Duration::ZERO);
        let error = calibrate(&model, &backend, &none, &clock).expect_err("no time");
        assert!(error.to_string().contains("within"), "{error}");
    }

    #[test]
    fn a_small_machine_tries_one_thread_and_a_large_one_more() {
        let threads = |cores| Trials::at_start(cores, Duration::ZERO).threads;
        assert_eq!(threads(1), [1]);
        assert_eq!(threads(2), [1]);
        assert_eq!(threads(16), [1, 2, 4]);
    }
}
