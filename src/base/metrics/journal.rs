//! The metrics of the journal and of those who read it.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Metric, Registry};

use super::labels::Labels;

/// How the journal is.
#[derive(Clone, Debug, Default)]
pub struct JournalMetrics {
    /// `parapet_journal_sequence`: the latest committed sequence.
    pub sequence: Gauge,
    /// `parapet_journal_state`: 0 commits work, 1 the disk fails and events are held in memory.
    pub state: Gauge,
    /// `parapet_journal_held_events`: events in memory that the disk does not take.
    pub held: Gauge,
    /// `parapet_journal_bytes`: what the stored records take.
    pub bytes: Gauge,
    /// `parapet_journal_oldest_sequence`: the oldest stored record.
    pub oldest: Gauge,
    /// `parapet_journal_dropped_total` by `reason`: `age` at the end of the retention; `size`
    /// before it, for the quota: alert on this.
    pub dropped: Family<Labels, Counter>,
    /// `parapet_journal_damages_total`: files set aside or ends found missing. Alert on this.
    pub damages: Counter,
    /// `parapet_consumer_acknowledged` by `consumer`: last acknowledged sequence.
    pub acknowledged: Family<Labels, Gauge>,
    /// `parapet_uplink_connected`: 1 while the platform has answered the uplink's greeting.
    pub uplink_connected: Gauge,
    /// `parapet_uplink_failures_total`: connections that failed or broke.
    pub uplink_failures: Counter,
}

impl JournalMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        fn add<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: &M) {
            registry.register(name, help, metric.clone());
        }
        let own = Self::default();
        let r = registry;
        add(r, "journal_sequence", "Latest sequence", &own.sequence);
        let state = "0 commits work, 1 events are held in memory";
        add(r, "journal_state", state, &own.state);
        let held = "Events in memory that the disk does not take";
        add(r, "journal_held_events", held, &own.held);
        add(r, "journal_bytes", "Stored records", &own.bytes);
        add(
            r,
            "journal_oldest_sequence",
            "Oldest stored record",
            &own.oldest,
        );
        add(
            r,
            "journal_dropped",
            "Records dropped by reason",
            &own.dropped,
        );
        for reason in ["age", "size"] {
            // Shown from the start: an increase from nothing would be seen by nobody.
            let labels = vec![("reason", reason.to_owned())];
            drop(own.dropped.get_or_create(&labels));
        }
        let damages = "Damaged files and missing ends";
        add(r, "journal_damages", damages, &own.damages);
        let acknowledged = "Last acknowledged sequence";
        add(r, "consumer_acknowledged", acknowledged, &own.acknowledged);
        let connected = "1 while the platform listens";
        add(r, "uplink_connected", connected, &own.uplink_connected);
        let failures = "Uplink connections that failed or broke";
        add(r, "uplink_failures", failures, &own.uplink_failures);
        own
    }
}
