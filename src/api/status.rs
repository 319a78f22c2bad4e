//! What the other side is told when something does not go as it asked.

use tonic::{Code, Status};

use crate::access::Refusal;
use crate::access::owners::OwnerError;
use crate::journal::{FollowError, JournalError, JournalReader};

/// Why it was refused.
pub(super) fn refused(refusal: Refusal) -> Status {
    let (code, words) = match refusal {
        Refusal::UnknownMethod => (Code::Unimplemented, "there is no such method"),
        Refusal::Role => (
            Code::PermissionDenied,
            "your role may not call this; see the server's [[api.client]]",
        ),
        Refusal::UnknownIdentity => (
            Code::PermissionDenied,
            "your certificate has no role here; see the server's [[api.client]]",
        ),
        Refusal::Rate => (
            Code::ResourceExhausted,
            "too many requests a second; come slower",
        ),
        Refusal::Headers => (Code::ResourceExhausted, "too large headers"),
        Refusal::RequestTime => (
            Code::DeadlineExceeded,
            "the request did not come whole, or was not answered, in time",
        ),
        Refusal::Streams => (
            Code::ResourceExhausted,
            "as many subscribers are connected as there may be",
        ),
        Refusal::StreamsOfClient => (
            Code::ResourceExhausted,
            "as many of your subscribers are connected as there may be",
        ),
        Refusal::Audit => (
            Code::Unavailable,
            "the audit log cannot be written, so nothing may be changed",
        ),
        other => (Code::PermissionDenied, other.name()),
    };
    Status::new(code, words)
}

/// What every stream is told when the daemon ends.
pub(super) fn stopping() -> Status {
    Status::unavailable("daemon stopping")
}

/// A read of the journal off the async threads.
pub(super) async fn blocking<T: Send + 'static>(
    reader: &JournalReader,
    read: impl FnOnce(&JournalReader) -> Result<T, JournalError> + Send + 'static,
) -> Result<T, Status> {
    let reader = reader.clone();
    tokio::task::spawn_blocking(move || read(&reader))
        .await
        .map_err(|error| Status::internal(error.to_string()))?
        .map_err(|error| unreadable(&error))
}

/// Why a follower is told nothing more.
pub(super) fn follow_ended(error: FollowError) -> Status {
    match error {
        FollowError::Stopped => stopping(),
        FollowError::Unreadable(error) => unreadable(&error),
        FollowError::Panicked(panic) => Status::internal(panic),
    }
}

/// The reason goes to the log; the path of the file is nothing for the other side.
fn unreadable(error: &JournalError) -> Status {
    let cause = std::error::Error::source(error)
        .map(ToString::to_string)
        .unwrap_or_default();
    tracing::error!(%error, cause, "a subscriber's read of the journal failed");
    Status::unavailable("the journal cannot be read; see the daemon's log")
}

/// The reason goes to the log; the path of the file is nothing for the other side.
pub(super) fn not_stored(error: &OwnerError) -> Status {
    tracing::error!(%error, "the owners of consumers cannot be read or stored");
    Status::unavailable(
        "the owners of consumers cannot be read or stored now; see the daemon's log",
    )
}
