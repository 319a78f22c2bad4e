//! Why an export fails.

use std::io;
use std::path::PathBuf;

/// Why a scene did not become a clip.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A file could not be written.
    #[error("{file}: {source}", file = file.display())]
    Write {
        /// The file or folder.
        file: PathBuf,
        /// The operating system's words.
        source: io::Error,
    },
    /// The encoder gave up.
    #[error("{file}: the picture could not be encoded: {why}", file = file.display())]
    Encode {
        file: PathBuf,
        /// GStreamer's words.
        why: String,
    },
}
