//! Entries of the daemon's own in the audit log, and how long they stay.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::audit::{AuditLog, Entry};

/// A text in the audit log is for people.
const MAX_DETAIL_CHARS: usize = 500;

/// As much of a text as goes into an entry.
pub(super) fn shortened(text: &str) -> String {
    text.chars().take(MAX_DETAIL_CHARS).collect()
}

/// Writes an entry; whether that worked.
pub(super) async fn write(audit: &Arc<AuditLog>, entry: Entry) -> bool {
    let audit = Arc::clone(audit);
    let written = tokio::task::spawn_blocking(move || audit.append(&[entry])).await;
    matches!(written, Ok(Ok(())))
}

/// Lets go of old audit entries once a day.
pub(super) async fn prune(audit: Arc<AuditLog>, cancel: CancellationToken) {
    let mut day = tokio::time::interval(Duration::from_secs(86_400));
    // The first tick is at once, and opening has pruned already.
    day.tick().await;
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            _ = day.tick() => {}
        }
        let log = Arc::clone(&audit);
        match tokio::task::spawn_blocking(move || log.prune()).await {
            Ok(Ok(gone)) => tracing::info!(gone, "old audit entries let go"),
            Ok(Err(error)) => tracing::error!(%error, "the audit log cannot be pruned"),
            Err(error) => tracing::error!(%error, "pruning the audit log panicked"),
        }
    }
}
