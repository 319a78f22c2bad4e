//! Certificates that change under the running daemon.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::audit_trail::{shortened, write};
use crate::access::tls::Change;
use crate::access::{Authorizer, ServerTls, TlsError};
use crate::audit::{AuditLog, Entry, Outcome};
use crate::base::metrics::Metrics;

/// Looks at the certificates' files; the serial number of new ones that are now in force.
pub(super) async fn look(
    tls: &Arc<ServerTls>,
    authorizer: &Arc<Authorizer>,
    metrics: &Arc<Metrics>,
    again: bool,
) -> Result<Option<String>, TlsError> {
    let looking = Arc::clone(tls);
    let change = match tokio::task::spawn_blocking(move || looking.look(again)).await {
        Ok(looked) => looked?,
        Err(error) => {
            tracing::error!(%error, "reading the certificates panicked");
            return Ok(None);
        }
    };
    let Change::Taken { facts, authority } = change else {
        return Ok(None);
    };
    metrics.access.certificate_expires.set(facts.not_after);
    tracing::info!(
        serial = facts.serial,
        authority,
        "new certificates are in force"
    );
    if authority {
        // Somebody may be inside whom the new authority would not let in.
        authorizer.cut_all();
    }
    Ok(Some(facts.serial))
}

/// Looks at the certificates' files again and again. A change is audited; where that cannot be
/// written it still counts, for an expired certificate would lock the platform out.
pub(super) async fn watch(
    tls: Arc<ServerTls>,
    authorizer: Arc<Authorizer>,
    audit: Arc<AuditLog>,
    metrics: Arc<Metrics>,
    cancel: CancellationToken,
) {
    let mut tick = tokio::time::interval(tls.check_every());
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            _ = tick.tick() => {}
        }
        let entry = |outcome| Entry::once("daemon", "certificates.reload", outcome);
        let entry = match look(&tls, &authorizer, &metrics, false).await {
            Ok(None) => continue,
            Ok(Some(serial)) => entry(Outcome::Done).saying(serial),
            Err(error) => {
                tracing::error!(%error, "new certificates refused; the old ones stay in force");
                entry(Outcome::Refused).saying(shortened(&error.to_string()))
            }
        };
        write(&audit, entry).await;
    }
}
