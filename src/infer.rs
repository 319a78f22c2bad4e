//! Pictures in, detections out: model folders, the batch planner, and workers that each own an
//! OS thread and an engine.
//!
//! A worker that is idle cuts the next batch itself ([`planner`], pure, under one lock), takes
//! each camera's newest frame out of its slot at that moment, letterboxes it straight from its
//! planes into the batch tensor ([`preprocess`]), runs the engine, decodes ([`heads`]) and answers.
//! There is no queue between planner and worker: a frame taken one batch early would only be older.

pub mod calibrate;
pub mod fake;
pub mod heads;
mod input;
pub mod manifest;
pub mod model;
pub mod ort;
mod output;
pub mod planner;
pub mod pool;
pub mod precision;
pub mod preprocess;
mod queue;
pub mod still;
pub mod timing;
mod tune;
mod worker;

use std::path::PathBuf;

pub use model::Model;
pub use output::OutputView;
pub use pool::InferencePool;
pub use queue::{Answer, CameraQueue, QueueSpec};

/// Why inference cannot be.
#[derive(Clone, Debug, thiserror::Error)]
pub enum InferError {
    /// The manifest cannot be used.
    #[error("{path}: {what}", path = path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong, and where.
        what: String,
    },
    /// The weights do not fit the manifest.
    #[error("{model}: {what}: the manifest expects {expected}, the file has {found}")]
    Shape {
        /// The manifest's name.
        model: String,
        /// Which tensor.
        what: String,
        /// By the manifest.
        expected: String,
        /// In the file.
        found: String,
    },
    /// ONNX Runtime cannot be loaded.
    #[error("ONNX Runtime cannot be loaded: {0}")]
    Runtime(String),
    /// The engine failed.
    #[error("{model}: {what}")]
    Engine {
        /// The manifest's name.
        model: String,
        /// The engine's words.
        what: String,
    },
    /// No such model was configured.
    #[error("no model is called `{0}`")]
    UnknownModel(String),
    /// The pool could not start a thread, or has stopped.
    #[error("{0}")]
    Pool(String),
}

/// How many pictures an engine takes at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchSize {
    /// Any number.
    Dynamic,
    /// Exactly this many; a smaller batch is filled up with what lay there before.
    Fixed(usize),
}

impl BatchSize {
    /// How many pictures a run takes where `wanted` are wanted.
    #[must_use]
    pub fn pictures(self, wanted: usize) -> usize {
        match self {
            Self::Dynamic => wanted,
            Self::Fixed(size) => size.max(1),
        }
    }
}

/// A loaded model, owned by one thread.
pub trait Engine: Send {
    /// How many pictures it takes at once.
    fn batch(&self) -> BatchSize;

    /// Runs `pictures` pictures (after filling up a fixed batch), laid out as the manifest says,
    /// and hands the outputs to `read` in the model's own order.
    ///
    /// # Errors
    /// [`InferError::Engine`] with the engine's words.
    fn run(
        &mut self,
        pictures: usize,
        input: &[f32],
        read: &mut dyn FnMut(&[OutputView<'_>]),
    ) -> Result<(), InferError>;
}

/// Makes engines: ONNX Runtime, or a test's fake.
pub trait Backend: Send + Sync {
    /// Loads a model.
    ///
    /// # Errors
    /// [`InferError`] when the file is not what the manifest says.
    fn open(&self, model: &Model) -> Result<Box<dyn Engine>, InferError>;

    /// The same with so many threads of the engine's own, where it has such a thing.
    ///
    /// # Errors
    /// As [`Backend::open`].
    fn open_with(&self, model: &Model, _threads: usize) -> Result<Box<dyn Engine>, InferError> {
        self.open(model)
    }
}
