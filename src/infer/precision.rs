//! Floating point or 8-bit integers: which of a model's weights are taken.
//!
//! What int8 is worth depends on the processor: with VNNI a convolution costs a third of what it
//! costs in f32, without it the same or more. So it is measured where it will run.

use std::sync::Arc;
use std::time::Duration;

use super::timing::Turns;
use super::{Backend, InferError, Model};
use crate::config::types::{ExecutionProvider, InferenceConfig, Precision};

/// Integers must be at least this much cheaper, because they are a little less exact.
const MAX_COST_RATIO: f64 = 0.9;
/// The cheapest run counts: on a machine that is busy with something else only few are undisturbed.
/// A large model is run less often.
const TURNS: Turns = Turns {
    rounds: 32,
    least: 8,
    enough: Duration::from_secs(1),
    pause: Duration::ZERO,
};

/// What one picture costs by each of the weights, in processor time of the whole process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Costs {
    /// In floating point.
    pub float: Duration,
    /// In 8-bit integers.
    pub int8: Duration,
}

impl Costs {
    /// Whether the integers are worth it.
    #[must_use]
    pub fn favour_int8(self) -> bool {
        self.int8.as_secs_f64() < self.float.as_secs_f64() * MAX_COST_RATIO
    }
}

/// Measures both; `backend` opens each.
///
/// # Errors
/// [`InferError`] of the one that cannot be opened or run.
pub fn measure(float: &Model, int8: &Model, backend: &dyn Backend) -> Result<Costs, InferError> {
    let mut engines = [backend.open(float)?, backend.open(int8)?];
    let runs = TURNS.run(&mut engines, 1, float.input_len())?;
    let cheapest = |place: usize| {
        let costs = runs.get(place).into_iter().flatten().map(|run| run.cpu);
        costs.min().unwrap_or(Duration::MAX)
    };
    Ok(Costs {
        float: cheapest(0),
        int8: cheapest(1),
    })
}

/// The model by the weights that the configuration, or a measurement, chooses.
pub(super) fn weights_to_take(
    config: &InferenceConfig,
    model: &Arc<Model>,
    backend: &dyn Backend,
) -> Arc<Model> {
    let float = Arc::clone(model);
    let Some(int8) = model.in_int8() else {
        return float;
    };
    let measured = config.execution_provider == ExecutionProvider::Cpu;
    match config.precision {
        Precision::Int8 => Arc::new(int8),
        Precision::Float => float,
        // Other providers have a precision of their own.
        Precision::Auto if !measured => float,
        Precision::Auto => match measure(&float, &int8, backend) {
            Ok(costs) => {
                let int8_taken = costs.favour_int8();
                tracing::info!(
                    model = model.manifest.name,
                    float_millis = costs.float.as_secs_f64() * 1e3,
                    int8_millis = costs.int8.as_secs_f64() * 1e3,
                    taken = if int8_taken { "int8" } else { "float" },
                    "precision measured"
                );
                if int8_taken { Arc::new(int8) } else { float }
            }
            Err(error) => {
                tracing::warn!(
                    model = model.manifest.name,
                    %error,
                    "float and int8 could not be compared; float is taken"
                );
                float
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::infer::Engine;
    use crate::infer::fake::FakeBackend;
    use crate::infer::manifest::WeightsFile;

    /// A model with both weights; a backend that opens those in floating point only.
    struct FloatOnly(FakeBackend);

    impl Backend for FloatOnly {
        fn open(&self, model: &Model) -> Result<Box<dyn Engine>, InferError> {
            if model.manifest.version.ends_with("+int8") {
                return Err(InferError::Engine {
                    model: model.manifest.name.clone(),
                    what: "no such kernel".to_owned(),
                });
            }
            self.0.open(model)
        }
    }

    fn both() -> Arc<Model> {
        let mut model = FakeBackend::model();
        model.manifest.int8 = Some(WeightsFile {
            file: "none-int8".to_owned(),
            sha256: "0".repeat(64),
        });
        model.int8 = Some("none-int8".into());
        Arc::new(model)
    }

    fn taken(precision: Precision, provider: ExecutionProvider) -> String {
        let config = InferenceConfig {
            precision,
            execution_provider: provider,
            ..InferenceConfig::default()
        };
        let backend = FloatOnly(FakeBackend::new(|_| Vec::new()));
        let model = weights_to_take(&config, &both(), &backend);
        model.reference.version.to_string()
    }

    #[test]
    fn what_is_written_is_taken_and_what_cannot_be_measured_is_not() {
        let cpu = ExecutionProvider::Cpu;
        assert_eq!(taken(Precision::Int8, cpu), "1+int8");
        assert_eq!(taken(Precision::Float, cpu), "1");
        assert_eq!(taken(Precision::Auto, cpu), "1");
        assert_eq!(taken(Precision::Auto, ExecutionProvider::OpenVino), "1");
    }

    #[test]
    fn a_model_without_integers_stays_as_it_is() {
        let config = InferenceConfig {
            precision: Precision::Int8,
            ..InferenceConfig::default()
        };
        let model = Arc::new(FakeBackend::model());
        let backend = FakeBackend::new(|_| Vec::new());
        assert!(Arc::ptr_eq(
            &weights_to_take(&config, &model, &backend),
            &model
        ));
    }

    #[test]
    fn integers_must_be_a_tenth_cheaper() {
        let costs = |int8| Costs {
            float: Duration::from_micros(1_000),
            int8: Duration::from_micros(int8),
        };
        assert!(costs(650).favour_int8() && costs(899).favour_int8());
        assert!(!costs(901).favour_int8() && !costs(1_400).favour_int8());
    }

    #[test]
    fn both_are_run_to_be_measured() {
        let float = both();
        let int8 = float.in_int8().expect("both");
        assert_eq!(int8.weights.to_str(), Some("none-int8"));
        let runs = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let count = Arc::clone(&runs);
        let backend = FakeBackend::new(move |_| {
            count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Vec::new()
        });
        let costs = measure(&float, &int8, &backend).expect("measured");
        assert_eq!(
            runs.load(std::sync::atomic::Ordering::Relaxed),
            2 * (TURNS.rounds + 1)
        );
        assert!(costs.float < Duration::MAX && costs.int8 < Duration::MAX);
    }
}
