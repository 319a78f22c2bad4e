//! Why a clip could not be measured.

use std::path::PathBuf;

use parapet::infer::InferError;
use parapet::ingest::SourceError;

/// Why a clip could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum RealismError {
    /// The clip's configuration or truth cannot be read.
    #[error("{file}: {why}", file = file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The clip cannot be played.
    #[error("the clip cannot be played")]
    Play(#[from] SourceError),
    /// A model cannot be run.
    #[error("a model cannot be run")]
    Infer(#[from] InferError),
}
