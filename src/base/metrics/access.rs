//! The metrics of who comes in.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::labels::Labels;

/// Refusals, connections, audit log and certificate.
#[derive(Debug, Default)]
pub struct AccessMetrics {
    /// `parapet_api_refusals_total` by `reason` (`access::Refusal`).
    pub(super) refusals: Family<Labels, Counter>,
    /// `parapet_api_connections`: open connections that have shown who they are.
    pub connections: Gauge,
    /// `parapet_audit_entries_total`: entries written to the audit log.
    pub audit_entries: Counter,
    /// `parapet_audit_failures_total`: entries that could not be written. Alert on this.
    pub audit_failures: Counter,
    /// `parapet_certificate_expires_timestamp_seconds`: when the server's certificate ends; 0
    /// where there is none.
    pub certificate_expires: Gauge,
}

impl AccessMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let new = Self::default();
        registry.register(
            "api_refusals",
            "Connections and requests turned away, by reason",
            new.refusals.clone(),
        );
        registry.register(
            "api_connections",
            "Open connections",
            new.connections.clone(),
        );
        registry.register("audit_entries", "Audit entries", new.audit_entries.clone());
        registry.register(
            "audit_failures",
            "Audit entries that could not be written",
            new.audit_failures.clone(),
        );
        registry.register(
            "certificate_expires_timestamp_seconds",
            "When the server's certificate ends, seconds since 1970",
            new.certificate_expires.clone(),
        );
        new
    }
}
