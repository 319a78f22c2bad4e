//! ONNX Runtime through `ort`, loaded at start from a shared library.

use std::path::{Path, PathBuf};

use ort::environment::Environment;
use ort::ep::{self, ExecutionProviderDispatch};
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::{Outlet, TensorElementType, TensorRef, ValueType};
use parking_lot::Mutex;

use super::manifest::Layout;
use super::{Backend, BatchSize, Engine, InferError, Model, OutputView};
use crate::config::types::{ExecutionProvider, InferenceConfig};

/// The library that the set-up script unpacks and the package brings.
pub const LIBRARY: &str = "libonnxruntime.so.1.32.0";

/// The process has one environment; the first backend makes it.
static ENVIRONMENT: Mutex<Option<Environment>> = Mutex::new(None);

/// How ONNX Runtime is set up; what differs from its own defaults differs for a reason that
/// `parapet bench model --options` measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionOptions {
    /// Threads of a session, the caller's included.
    pub threads: usize,
    /// Every graph optimisation, or only the basic ones.
    pub optimised: bool,
    /// Whether a thread without work burns its core for a while before it sleeps.
    pub spinning: bool,
    /// Whether memory comes from an arena that only grows.
    pub arena: bool,
    /// Whether a plan of the memory is kept for each shape of the input.
    pub memory_pattern: bool,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            threads: 1,
            optimised: true,
            // A spinning thread burns the core that the decoders need.
            spinning: false,
            arena: true,
            memory_pattern: true,
        }
    }
}

/// Makes sessions.
#[derive(Clone, Debug)]
pub struct OrtBackend {
    environment: Environment,
    options: SessionOptions,
    provider: ExecutionProvider,
}

impl OrtBackend {
    /// Loads the library: the configured one, else `ORT_DYLIB_PATH`, else `../lib/parapet/` of
    /// the binary, where the package puts it, else `.runtime/` of the project it was built in.
    /// Never what merely lies in the working directory: that may be anybody's.
    ///
    /// # Errors
    /// [`InferError::Runtime`] says where it looked and what to do.
    pub fn new(config: &InferenceConfig) -> Result<Self, InferError> {
        let mut shared = ENVIRONMENT.lock();
        let environment = match &*shared {
            Some(environment) => environment.clone(),
            None => {
                let library = find_library(config.runtime_library.as_deref())?;
                let failed =
                    |what: String| InferError::Runtime(format!("{}: {what}", library.display()));
                let environment = ort::init_from(&library)
                    .map_err(|error| failed(error.to_string()))?
                    .with_name("parapet")
                    .with_telemetry(false)
                    .build()
                    .map_err(|error| failed(error.to_string()))?;
                shared.insert(environment).clone()
            }
        };
        let options = SessionOptions {
            threads: config.threads_per_worker.unwrap_or(1).max(1),
            ..SessionOptions::default()
        };
        Ok(Self {
            environment,
            options,
            provider: config.execution_provider,
        })
    }

    /// The same library with other options.
    #[must_use]
    pub fn with_options(&self, options: SessionOptions) -> Self {
        Self {
            options,
            ..self.clone()
        }
    }

    fn session(&self, model: &Model) -> Result<Session, String> {
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let options = &self.options;
        let mut builder = Session::builder(&self.environment)
            .map_err(|e| text(&e))?
            .with_optimization_level(if options.optimised {
                GraphOptimizationLevel::Level3
            } else {
                GraphOptimizationLevel::Level1
            })
            .map_err(|e| text(&e))?
            .with_intra_threads(options.threads)
            .map_err(|e| text(&e))?
            .with_inter_threads(1)
            .map_err(|e| text(&e))?
            .with_intra_op_spinning(options.spinning)
            .map_err(|e| text(&e))?
            .with_memory_pattern(options.memory_pattern)
            .map_err(|e| text(&e))?
            .with_log_level(ort::logging::LogLevel::Error)
            .map_err(|e| text(&e))?;
        if self.provider == ExecutionProvider::Cpu && !options.arena {
            let bare = ep::CPU::default().with_arena_allocator(false).build();
            builder = builder
                .with_execution_providers([bare])
                .map_err(|e| text(&e))?;
        }
        let providers = dispatch(self.provider, options.threads);
        if !providers.is_empty() {
            builder = builder
                .with_execution_providers(providers)
                .map_err(|e| format!("the execution provider {:?}: {e}", self.provider))?;
        }
        builder
            .commit_from_file(&model.weights)
            .map_err(|e| text(&e))
    }
}

/// Who gets the nodes of a graph, the first first; what none of them takes is the CPU's.
fn dispatch(provider: ExecutionProvider, threads: usize) -> Vec<ExecutionProviderDispatch> {
    // The default tries every kernel on every new shape: seen to take 2 s a batch size.
    let search = ep::cuda::ConvAlgorithmSearch::Heuristic;
    let cuda = || ep::CUDA::default().with_conv_algorithm_search(search);
    match provider {
        ExecutionProvider::Cpu => Vec::new(),
        // Its threads are its own: without a number it takes all cores.
        ExecutionProvider::OpenVino => {
            vec![ep::OpenVINO::default().with_num_threads(threads).build()]
        }
        ExecutionProvider::Cuda => vec![cuda().build()],
        ExecutionProvider::TensorRt => vec![ep::TensorRT::default().build(), cuda().build()],
    }
    .into_iter()
    .map(ExecutionProviderDispatch::error_on_failure)
    .collect()
}

fn find_library(configured: Option<&Path>) -> Result<PathBuf, InferError> {
    let binary = std::env::current_exe()
        .ok()
        .and_then(|exe| exe.parent().map(Path::to_owned));
    let given = configured
        .map(Path::to_owned)
        .or_else(|| std::env::var_os("ORT_DYLIB_PATH").map(PathBuf::from));
    // `target/release`, and `target/debug/deps` of the tests, stand in the project.
    let near = ["../lib/parapet", "../../.runtime", "../../../.runtime"];
    // A build for development may have its target folder anywhere.
    let project = cfg!(debug_assertions).then(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        root.join(".runtime").join(LIBRARY)
    });
    let places: Vec<PathBuf> = match given {
        Some(given) => vec![given],
        None => binary
            .iter()
            .flat_map(|at| near.map(|folder| at.join(folder).join(LIBRARY)))
            .chain(project)
            .collect(),
    };
    if let Some(found) = places.iter().find(|place| place.is_file()) {
        return Ok(found.clone());
    }
    let looked: Vec<String> = places
        .iter()
        .map(|place| place.display().to_string())
        .collect();
    Err(InferError::Runtime(format!(
        "no library at {}; run `make setup`, or name it with `runtime_library` in [inference] \
         or with ORT_DYLIB_PATH",
        looked.join(", ")
    )))
}

impl Backend for OrtBackend {
    fn open(&self, model: &Model) -> Result<Box<dyn Engine>, InferError> {
        let failed = |what: String| InferError::Engine {
            model: model.manifest.name.clone(),
            what: format!("{}: {what}", model.weights.display()),
        };
        let session = self.session(model).map_err(failed)?;
        let batch = check_input(model, session.inputs())?;
        check_outputs(model, session.outputs())?;
        let outputs = session.outputs().len();
        Ok(Box::new(OrtEngine {
            name: model.manifest.name.clone(),
            input: input_shape(model),
            session,
            batch,
            converted: vec![Vec::new(); outputs],
        }))
    }

    fn open_with(&self, model: &Model, threads: usize) -> Result<Box<dyn Engine>, InferError> {
        let options = SessionOptions {
            threads: threads.max(1),
            ..self.options
        };
        self.with_options(options).open(model)
    }
}

fn input_shape(model: &Model) -> [usize; 4] {
    let (width, height) = (
        model.manifest.input.width as usize,
        model.manifest.input.height as usize,
    );
    match model.manifest.input.layout {
        Layout::Nchw => [1, 3, height, width],
        Layout::Nhwc => [1, height, width, 3],
    }
}

fn shape_error(model: &Model, what: &str, expected: String, found: String) -> InferError {
    InferError::Shape {
        model: model.manifest.name.clone(),
        what: what.to_owned(),
        expected,
        found,
    }
}

fn check_input(model: &Model, inputs: &[Outlet]) -> Result<BatchSize, InferError> {
    let wanted = input_shape(model);
    let expected = format!(
        "one f32 [batch, {}, {}, {}]",
        wanted[1], wanted[2], wanted[3]
    );
    let found = || {
        inputs
            .iter()
            .map(|i| format!("{}: {}", i.name(), i.dtype()))
            .collect::<Vec<_>>()
    };
    let wrong = || shape_error(model, "the input", expected.clone(), found().join(", "));
    let [input] = inputs else { return Err(wrong()) };
    let ValueType::Tensor {
        ty: TensorElementType::Float32,
        shape,
        ..
    } = input.dtype()
    else {
        return Err(wrong());
    };
    let fits = shape.len() == 4
        && shape
            .iter()
            .zip(wanted)
            .skip(1)
            .all(|(have, want)| *have == -1 || *have == want as i64);
    if !fits {
        return Err(wrong());
    }
    Ok(match usize::try_from(shape[0]) {
        Ok(size) if size > 0 => BatchSize::Fixed(size),
        _ => BatchSize::Dynamic,
    })
}

fn check_outputs(model: &Model, outputs: &[Outlet]) -> Result<(), InferError> {
    let shapes: Vec<Vec<i64>> = outputs
        .iter()
        .map(|output| match output.dtype() {
            ValueType::Tensor { shape, .. } => shape.to_vec(),
            _ => Vec::new(),
        })
        .collect();
    let alternatives = model
        .manifest
        .output
        .head()
        .expected(&model.manifest.input, model.classes.len());
    if alternatives
        .iter()
        .any(|wanted| outputs_fit(wanted, &shapes))
    {
        return Ok(());
    }
    let words = |shapes: &[Vec<i64>], batch: &str| {
        let one = |shape: &Vec<i64>| {
            let numbers = shape.iter().map(|n| {
                if *n < 0 {
                    "?".to_owned()
                } else {
                    n.to_string()
                }
            });
            format!("[{batch}{}]", numbers.collect::<Vec<_>>().join(", "))
        };
        shapes.iter().map(one).collect::<Vec<_>>().join(" ")
    };
    let expected: Vec<String> = alternatives
        .iter()
        .map(|wanted| words(wanted, "batch, "))
        .collect();
    Err(shape_error(
        model,
        "the outputs",
        expected.join(" or "),
        words(&shapes, ""),
    ))
}

/// Whether the file's shapes (with the batch first) are the wanted ones; unknown sizes fit all.
fn outputs_fit(wanted: &[Vec<i64>], found: &[Vec<i64>]) -> bool {
    let one = |want: &[i64], have: &[i64]| {
        want.len() == have.len()
            && want
                .iter()
                .zip(have)
                .all(|(w, h)| *w == -1 || *h == -1 || w == h)
    };
    found.len() >= wanted.len()
        && wanted.iter().zip(found).all(|(want, have)| {
            // Models with their own NMS may have no batch; a shape that is not known fits.
            have.is_empty() || one(want, &have[1..]) || one(want, have)
        })
}

struct OrtEngine {
    name: String,
    input: [usize; 4],
    session: Session,
    batch: BatchSize,
    /// Outputs that are not f32, converted; kept from run to run.
    converted: Vec<Vec<f32>>,
}

impl Engine for OrtEngine {
    fn batch(&self) -> BatchSize {
        self.batch
    }

    fn run(
        &mut self,
        pictures: usize,
        input: &[f32],
        read: &mut dyn FnMut(&[OutputView<'_>]),
    ) -> Result<(), InferError> {
        let name = &self.name;
        let failed = |error: ort::Error| InferError::Engine {
            model: name.clone(),
            what: error.to_string(),
        };
        let shape = [pictures, self.input[1], self.input[2], self.input[3]];
        let tensor = TensorRef::from_array_view((shape, input)).map_err(failed)?;
        let outputs = self.session.run(ort::inputs![tensor]).map_err(failed)?;
        for (value, kept) in outputs.values().zip(&mut self.converted) {
            kept.clear();
            if let Ok((_, data)) = value.try_extract_tensor::<i64>() {
                kept.extend(data.iter().map(|v| *v as f32));
            } else if let Ok((_, data)) = value.try_extract_tensor::<i32>() {
                kept.extend(data.iter().map(|v| *v as f32));
            }
        }
        let values: Vec<_> = outputs.values().collect();
        let mut views = Vec::with_capacity(values.len());
        for (value, kept) in values.iter().zip(&self.converted) {
            let view = match value.try_extract_tensor::<f32>() {
                Ok((shape, data)) => OutputView { shape, data },
                Err(_) => OutputView {
                    shape: value.shape(),
                    data: kept,
                },
            };
            views.push(view);
        }
        read(&views);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_fit_with_and_without_a_batch_and_misfits_are_seen() {
        let wanted = [vec![3549, 85]];
        assert!(outputs_fit(&wanted, &[vec![1, 3549, 85]]));
        assert!(outputs_fit(&wanted, &[vec![-1, -1, 85]]));
        assert!(!outputs_fit(&wanted, &[vec![1, 3549, 84]]));
        assert!(!outputs_fit(&wanted, &[vec![1, 3549]]));
        assert!(!outputs_fit(&wanted, &[]));
        assert!(outputs_fit(&[vec![-1, 6]], &[vec![300, 6]]));
    }

    #[test]
    fn a_missing_library_says_where_and_what_to_do() {
        let error = find_library(Some(Path::new("/nowhere/lib.so"))).expect_err("missing");
        let error = error.to_string();
        assert!(
            error.contains("/nowhere/lib.so") && error.contains("make setup"),
            "{error}"
        );
    }
}
