//! Why the daemon could not start.

/// Why the daemon could not start.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The journal could not be opened.
    #[error("the journal could not be opened")]
    Journal(#[from] crate::journal::JournalError),
    /// A model could not be loaded.
    #[error("inference could not start")]
    Infer(#[from] crate::infer::InferError),
    /// The gRPC listener could not start.
    #[error("the gRPC API could not start")]
    Api(#[from] crate::api::ApiError),
    /// A certificate or key cannot be used.
    #[error("the certificates of [api.tls] cannot be used")]
    Tls(#[from] crate::access::TlsError),
    /// A thread or the ops endpoint's listener could not start.
    #[error("{what} could not start")]
    Io {
        /// Which part.
        what: &'static str,
        /// The operating system's words.
        source: std::io::Error,
    },
}
