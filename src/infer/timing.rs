//! What a run of an engine takes and costs: once, or again and again in turns with others, so that
//! other work on the machine disturbs all alike.

use std::time::Duration;

use super::calibrate::GREY;
use super::{Engine, InferError};
use crate::base::clock::{Clock, SystemClock, process_cpu};

/// One measured run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// From its begin to its end.
    pub elapsed: Duration,
    /// Processor time of the whole process meanwhile.
    pub cpu: Duration,
}

/// Runs a batch of `pictures` once. The processor time counts until `pause` after the run: what a
/// thread does while it has nothing to do costs too.
///
/// # Errors
/// The engine's.
pub fn run_once(
    engine: &mut dyn Engine,
    pictures: usize,
    input: &[f32],
    pause: Duration,
    clock: &dyn Clock,
) -> Result<Run, InferError> {
    let (begun, cpu) = (clock.now(), process_cpu());
    engine.run(pictures, input, &mut |_| {})?;
    let elapsed = clock.now().since(begun);
    if !pause.is_zero() {
        std::thread::sleep(pause);
    }
    Ok(Run {
        elapsed,
        cpu: process_cpu().saturating_sub(cpu),
    })
}

/// How often engines run in turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turns {
    /// Counted rounds at most.
    pub rounds: usize,
    /// Counted rounds at least, …
    pub least: usize,
    /// … and no more once all runs together took so much processor time.
    pub enough: Duration,
    /// Between two runs.
    pub pause: Duration,
}

impl Turns {
    /// Runs each engine once a round with empty pictures: `batch` of them, or the engine's own
    /// number, of `input_len` values each. Gives each engine's counted runs, divided by its
    /// pictures; a first round, which is not counted, warms up.
    ///
    /// # Errors
    /// The first engine's that cannot be run.
    pub fn run(
        &self,
        engines: &mut [Box<dyn Engine>],
        batch: usize,
        input_len: usize,
    ) -> Result<Vec<Vec<Run>>, InferError> {
        let clock = SystemClock::new();
        let mut runs = vec![Vec::new(); engines.len()];
        let mut input = Vec::new();
        let mut spent = Duration::ZERO;
        for round in 0..=self.rounds {
            if round > self.least && spent >= self.enough {
                break;
            }
            for (engine, runs) in engines.iter_mut().zip(&mut runs) {
                let pictures = engine.batch().pictures(batch);
                input.resize(pictures * input_len, GREY);
                let run = run_once(&mut **engine, pictures, &input, self.pause, &clock)?;
                spent += run.cpu;
                if round > 0 {
                    let each = u32::try_from(pictures).unwrap_or(u32::MAX);
                    runs.push(Run {
                        elapsed: run.elapsed / each,
                        cpu: run.cpu / each,
                    });
                }
            }
        }
        Ok(runs)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::infer::fake::FakeBackend;
    use crate::infer::{Backend as _, BatchSize};

    const TURNS: Turns = Turns {
        rounds: 5,
        least: 2,
        enough: Duration::MAX,
        pause: Duration::ZERO,
    };

    #[test]
    fn the_first_round_is_run_and_not_counted() {
        let seen = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&seen);
        let backend = FakeBackend::new(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            Vec::new()
        })
        .with_batch(BatchSize::Fixed(2));
        let model = FakeBackend::model();
        let open = || backend.open(&model).expect("opened");
        let mut engines = [open(), open()];
        let runs = TURNS.run(&mut engines, 1, model.input_len()).expect("runs");
        assert_eq!((runs.len(), runs[0].len(), runs[1].len()), (2, 5, 5));
        // Two engines, six rounds, two pictures a batch.
        assert_eq!(seen.load(Ordering::Relaxed), 2 * 6 * 2);
    }

    #[test]
    fn rounds_end_early_once_enough_was_spent() {
        let backend = FakeBackend::new(|_| Vec::new());
        let model = FakeBackend::model();
        let mut engines = [backend.open(&model).expect("opened")];
        let turns = Turns {
            enough: Duration::ZERO,
            ..TURNS
        };
        let runs = turns.run(&mut engines, 1, model.input_len()).expect("runs");
        assert_eq!(runs[0].len(), 2, "the least");
    }
}
