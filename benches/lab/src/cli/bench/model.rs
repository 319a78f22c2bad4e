//! `parapet bench model`: what the daemon's calibration at start finds for a model, and what ONNX
//! Runtime's options are worth.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args as ClapArgs;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::Serialize;

use crate::cli::logging;
use parapet::base::clock::{Clock as _, SystemClock};
use parapet::config::types::{ExecutionProvider, InferenceConfig};
use parapet::infer::calibrate::{Calibration, Trials, calibrate};
use parapet::infer::model::weights_folder;
use parapet::infer::ort::{OrtBackend, SessionOptions};
use parapet::infer::precision;
use parapet::infer::timing::{Run, Turns};
use parapet::infer::{Backend as _, Model};

#[derive(Debug, ClapArgs)]
pub(super) struct ModelArgs {
    /// The folder that holds `model.toml`.
    folder: PathBuf,
    /// Where the weights lie when not in the folder.
    #[arg(long, value_name = "FOLDER")]
    weights: Option<PathBuf>,
    /// A batch must be done within this.
    #[arg(long, default_value_t = 250, value_name = "MILLIS")]
    latency: u64,
    /// Threads of a session to try; by default what the daemon tries on this machine.
    #[arg(long, value_delimiter = ',', value_name = "N", value_parser = positive)]
    threads: Vec<usize>,
    /// Pictures of a batch to try; likewise.
    #[arg(long, value_delimiter = ',', value_name = "N", value_parser = positive)]
    batches: Vec<usize>,
    /// No pair is begun after this.
    #[arg(long, default_value_t = 3.0, value_name = "SECONDS")]
    budget: f64,
    /// What computes it; all but the CPU need an ONNX Runtime that carries them (`ORT_DYLIB_PATH`).
    #[arg(long, default_value = "cpu", value_parser = provider())]
    execution_provider: ExecutionProvider,
    /// Compare ONNX Runtime's options too, in turns, so that other work disturbs all alike.
    #[arg(long)]
    options: bool,
    /// Print JSON instead of tables.
    #[arg(long)]
    json: bool,
}

fn provider() -> impl TypedValueParser<Value = ExecutionProvider> {
    let names = ExecutionProvider::NAMES.map(|(name, _)| name);
    PossibleValuesParser::new(names).try_map(|chosen| {
        let mut all = ExecutionProvider::NAMES.into_iter();
        let found = all.find(|(name, _)| *name == chosen);
        found.map(|(_, provider)| provider).ok_or("no such name")
    })
}

fn positive(text: &str) -> Result<usize, String> {
    let number = text
        .parse()
        .ok()
        .filter(|number| (1..=256).contains(number));
    number.ok_or_else(|| "write 1 to 256".to_owned())
}

/// One setting of ONNX Runtime.
#[derive(Debug, Serialize)]
struct Setting {
    what: &'static str,
    threads: usize,
    batch: usize,
    /// Of a picture: the median run, in time and in processor time of the whole process.
    millis: f64,
    cpu_millis: f64,
}

#[derive(Debug, Serialize)]
struct Found {
    model: String,
    cores: usize,
    seconds: f64,
    calibration: Calibration,
    /// The same by the model's weights in 8-bit integers, where it has them.
    int8: Option<Int8>,
    options: Vec<Setting>,
}

/// What the integers are worth.
#[derive(Debug, Serialize)]
struct Int8 {
    /// Processor time of one picture, in turns.
    float_millis: f64,
    int8_millis: f64,
    /// Whether a daemon with `precision = "auto"` takes the integers.
    taken: bool,
    calibration: Calibration,
}

pub(super) fn run(args: &ModelArgs) -> anyhow::Result<bool> {
    logging::quiet()?;
    let weights = args.weights.clone().or_else(weights_folder);
    let model = Arc::new(Model::load(&args.folder, weights.as_deref())?);
    let backend = OrtBackend::new(&InferenceConfig {
        execution_provider: args.execution_provider,
        ..InferenceConfig::default()
    })?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut trials = Trials::at_start(cores, Duration::from_secs_f64(args.budget.max(0.0)));
    trials.latency = Duration::from_millis(args.latency);
    if !args.threads.is_empty() {
        trials.threads.clone_from(&args.threads);
    }
    if !args.batches.is_empty() {
        trials.batches.clone_from(&args.batches);
    }
    let clock = SystemClock::new();
    let calibration = calibrate(&model, &backend, &trials, &clock)?;
    let int8 = model.in_int8();
    let int8 = int8.map(|int8| -> anyhow::Result<Int8> {
        let costs = precision::measure(&model, &int8, &backend)?;
        Ok(Int8 {
            float_millis: costs.float.as_secs_f64() * 1e3,
            int8_millis: costs.int8.as_secs_f64() * 1e3,
            taken: costs.favour_int8(),
            calibration: calibrate(&int8, &backend, &trials, &clock)?,
        })
    });
    let int8 = int8.transpose()?;
    let seconds = clock.now().0.as_secs_f64();
    let options = if args.options {
        compare(&model, &backend, &calibration)?
    } else {
        Vec::new()
    };
    let found = Found {
        model: model.manifest.name.clone(),
        cores,
        seconds,
        calibration,
        int8,
        options,
    };
    if args.json {
        println!("{}", serde_json::to_string_pretty(&found)?);
    } else {
        tell(&found, args.latency);
    }
    Ok(true)
}

/// The settings that are compared, each one step away from the daemon's own.
fn settings(threads: usize) -> Vec<(&'static str, SessionOptions)> {
    let own = SessionOptions {
        threads,
        ..SessionOptions::default()
    };
    let two = SessionOptions { threads: 2, ..own };
    vec![
        ("the daemon's", own),
        (
            "basic graph optimisations only",
            SessionOptions {
                optimised: false,
                ..own
            },
        ),
        (
            "no memory arena",
            SessionOptions {
                arena: false,
                ..own
            },
        ),
        (
            "no memory pattern",
            SessionOptions {
                memory_pattern: false,
                ..own
            },
        ),
        ("two threads", two),
        (
            "two threads that spin",
            SessionOptions {
                spinning: true,
                ..two
            },
        ),
    ]
}

/// Over all settings. Between two runs a pause: a camera's pictures do not come back to back, and
/// what a thread does while it has nothing to do costs too.
const TURNS: Turns = Turns {
    rounds: 25,
    least: 25,
    enough: Duration::MAX,
    pause: Duration::from_millis(5),
};

fn compare(
    model: &Model,
    backend: &OrtBackend,
    calibration: &Calibration,
) -> anyhow::Result<Vec<Setting>> {
    let best = calibration.best;
    let settings = settings(best.threads);
    // Threads that spin burn on after a run: they are measured when nothing else is any more.
    let (spinning, calm): (Vec<_>, Vec<_>) = settings.iter().partition(|(_, o)| o.spinning);
    let mut measured = Vec::new();
    for together in [calm, spinning] {
        measured.extend(in_turns(model, backend, best.batch, together)?);
    }
    Ok(measured)
}

/// Measures settings in turns, so that other work disturbs all alike.
fn in_turns(
    model: &Model,
    backend: &OrtBackend,
    batch: usize,
    settings: Vec<&(&'static str, SessionOptions)>,
) -> anyhow::Result<Vec<Setting>> {
    let mut engines = Vec::new();
    for (_, options) in &settings {
        engines.push(backend.with_options(*options).open(model)?);
    }
    let runs = TURNS.run(&mut engines, batch, model.input_len())?;
    let of = |runs: &[Run], part: fn(&Run) -> Duration| {
        median(
            runs.iter()
                .map(|run| part(run).as_secs_f64() * 1e3)
                .collect(),
        )
    };
    Ok(settings
        .into_iter()
        .zip(runs)
        .map(|((what, options), runs)| Setting {
            what,
            threads: options.threads,
            batch,
            millis: of(&runs, |run| run.elapsed),
            cpu_millis: of(&runs, |run| run.cpu),
        })
        .collect())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

fn tell(found: &Found, latency: u64) {
    println!(
        "{} on {} cores, {:.1} s",
        found.model, found.cores, found.seconds
    );
    tell_calibration(&found.calibration, latency);
    if let Some(int8) = &found.int8 {
        println!(
            "\nint8: {:.2} cpu ms a picture, float {:.2}: {} is taken",
            int8.int8_millis,
            int8.float_millis,
            if int8.taken { "int8" } else { "float" }
        );
        tell_calibration(&int8.calibration, latency);
    }
    if found.options.is_empty() {
        return;
    }
    println!(
        "\n{:<32} {:>7} {:>6} {:>12} {:>13}",
        "options (medians, in turns)", "threads", "batch", "ms a picture", "cpu ms"
    );
    for setting in &found.options {
        println!(
            "{:<32} {:>7} {:>6} {:>12.2} {:>13.2}",
            setting.what, setting.threads, setting.batch, setting.millis, setting.cpu_millis
        );
    }
}

fn tell_calibration(calibration: &Calibration, latency: u64) {
    if !calibration.complete {
        println!("(the time was over before every pair was tried)");
    }
    println!(
        "{:>7} {:>6} {:>9} {:>12} {:>11} {:>10}",
        "threads", "batch", "ms a run", "cpu ms", "pictures/s", "a cpu s"
    );
    for trial in &calibration.trials {
        let rate = trial.pictures_per_second();
        println!(
            "{:>7} {:>6} {:>9.1} {:>12.2} {rate:>11.1} {:>10.1}",
            trial.threads,
            trial.batch,
            trial.seconds * 1e3,
            trial.cpu_seconds * 1e3 / trial.batch as f64,
            trial.pictures_per_core_second()
        );
    }
    let best = calibration.best;
    println!(
        "taken within {latency} ms: threads_per_worker = {}, max_batch = {}{}",
        best.threads,
        best.batch,
        if calibration.within_latency {
            ""
        } else {
            " (nothing is within it; this is the quickest)"
        }
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_setting_is_one_step_from_the_daemons() {
        let all = settings(1);
        let own = all[0].1;
        assert_eq!(own, SessionOptions::default());
        assert!(all[1..].iter().all(|(_, options)| *options != own));
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
    }
}
