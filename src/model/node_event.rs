//! Events that no picture shows: what a node says of itself, and that a camera's signal is lost or back.

use super::event::{Event, EventDetail, EventKind, Phase, Severity};
use super::ids::{CameraId, EventId, IdSource, IncidentId, NodeName, SiteName};
use super::time::{CaptureTime, UtcMicros};

/// What one of them says.
#[derive(Clone, Debug)]
pub struct NodeEvent {
    /// The camera that it is about; none where the node speaks of itself.
    pub camera: Option<CameraId>,
    /// The happening it belongs to.
    pub incident: IncidentId,
    /// Its place in that happening.
    pub phase: Phase,
    /// What happened.
    pub kind: EventKind,
    /// How bad it is.
    pub severity: Severity,
    /// The reason in words, and a count where there is one.
    pub detail: EventDetail,
}

impl NodeEvent {
    /// The event of a node that knows it `now`, which is also when it happened; takes one id.
    #[must_use]
    pub fn build(
        self,
        ids: &mut IdSource,
        site: &SiteName,
        node: &NodeName,
        now: UtcMicros,
    ) -> Event {
        Event {
            id: EventId(ids.uuid_v7(now.0)),
            incident: self.incident,
            phase: self.phase,
            kind: self.kind,
            severity: self.severity,
            site: site.clone(),
            node: node.clone(),
            camera: self.camera.unwrap_or_else(|| CameraId::of_node(node)),
            rule: None,
            zone: None,
            occurred: CaptureTime::arrival(now),
            observed: now,
            objects: Vec::new(),
            detail: self.detail,
            model: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_speaks_of_no_camera_speaks_in_the_nodes_name() {
        let (site, node) = (
            SiteName::new("s").expect("name"),
            NodeName::new("n").expect("name"),
        );
        let mut ids = IdSource::seeded(1);
        let incident = IncidentId(ids.uuid_v7(7_000));
        let of = |camera| NodeEvent {
            camera,
            incident,
            phase: Phase::Started,
            kind: EventKind::COVERAGE_REDUCED,
            severity: Severity::Warning,
            detail: EventDetail::default(),
        };
        let event = of(None).build(&mut ids, &site, &node, UtcMicros(7_000));
        assert_eq!(event.camera.as_str(), "n");
        assert_eq!(
            (event.occurred.utc, event.observed),
            (UtcMicros(7_000), UtcMicros(7_000))
        );
        let yard = CameraId::new("yard").expect("name");
        let other = of(Some(yard.clone())).build(&mut ids, &site, &node, UtcMicros(7_000));
        assert_eq!(other.camera, yard);
        assert_ne!(other.id, event.id);
    }
}
