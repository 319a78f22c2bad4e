//! The events that the journal itself raises, in the node's name.

use crate::base::clock::SharedClock;
use crate::config::types::JournalConfig;
use crate::model::event::{Event, EventDetail, EventKind, Phase, Severity};
use crate::model::ids::{IdSource, IncidentId, NodeName, SiteName};
use crate::model::node_event::NodeEvent;
use crate::model::time::UtcMicros;

/// Makes the journal's own events.
#[derive(Debug)]
pub(super) struct Notices {
    site: SiteName,
    node: NodeName,
    clock: SharedClock,
    ids: IdSource,
}

/// What one of them says.
#[derive(Clone, Debug)]
pub(super) struct Notice {
    pub(super) kind: EventKind,
    pub(super) phase: Phase,
    pub(super) incident: IncidentId,
    pub(super) reason: String,
    pub(super) count: Option<u64>,
}

impl Notices {
    pub(super) fn new(config: &JournalConfig, clock: SharedClock) -> Self {
        Self {
            site: config.site.clone(),
            node: config.node.clone(),
            clock,
            ids: IdSource::random(),
        }
    }

    /// A new happening.
    pub(super) fn incident(&mut self) -> IncidentId {
        IncidentId(self.ids.uuid_v7(self.clock.utc_micros()))
    }

    pub(super) fn event(&mut self, notice: Notice) -> Event {
        let now = UtcMicros(self.clock.utc_micros());
        let event = NodeEvent {
            camera: None,
            incident: notice.incident,
            phase: notice.phase,
            kind: notice.kind,
            severity: match notice.phase {
                Phase::Started | Phase::Updated => Severity::Critical,
                Phase::Ended => Severity::Info,
            },
            detail: EventDetail {
                reason: Some(notice.reason),
                count: notice
                    .count
                    .map(|count| u32::try_from(count).unwrap_or(u32::MAX)),
                ..EventDetail::default()
            },
        };
        event.build(&mut self.ids, &self.site, &self.node, now)
    }
}
