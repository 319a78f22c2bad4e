//! What was sent and is not yet acknowledged. Pure.

use std::collections::VecDeque;

use crate::journal::Followed;
use crate::model::ids::Sequence;

/// Records sent beyond the last acknowledged one, at most.
const MAX_UNACKNOWLEDGED: usize = 1_024;

/// The sequences in flight, in order.
#[derive(Debug)]
pub(super) struct Window {
    unacknowledged: VecDeque<u64>,
    last_sent: u64,
}

impl Window {
    pub(super) fn after(position: Sequence) -> Self {
        Self {
            unacknowledged: VecDeque::new(),
            last_sent: position.0,
        }
    }

    pub(super) fn has_room(&self) -> bool {
        self.unacknowledged.len() < MAX_UNACKNOWLEDGED
    }

    pub(super) fn sent(&mut self, item: &Followed) {
        let last = match item {
            Followed::Event(record) => record.sequence.0,
            Followed::Gap(gap) => gap.last.0,
            // Nothing that needs room; a position may be acknowledged all the same.
            Followed::Position(position) => {
                self.last_sent = self.last_sent.max(position.0);
                return;
            }
            Followed::Provisional(_) => return,
        };
        self.last_sent = self.last_sent.max(last);
        self.unacknowledged.push_back(last);
    }

    pub(super) fn last_sent(&self) -> Sequence {
        Sequence(self.last_sent)
    }

    pub(super) fn acknowledged(&mut self, position: Sequence) {
        while self
            .unacknowledged
            .front()
            .is_some_and(|sent| *sent <= position.0)
        {
            self.unacknowledged.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use uuid::Uuid;

    use super::*;
    use crate::model::entry::{Gap, GapReason};
    use crate::model::event::{Event, EventDetail, EventKind, Phase, Record, Severity};
    use crate::model::ids::{CameraId, EventId, IncidentId, NodeName, SiteName};
    use crate::model::time::{CaptureTime, UtcMicros};

    fn event() -> Event {
        Event {
            id: EventId(Uuid::from_u128(1)),
            incident: IncidentId(Uuid::from_u128(2)),
            phase: Phase::Started,
            kind: EventKind::RUNNING,
            severity: Severity::Alarm,
            site: SiteName::new("site").expect("name"),
            node: NodeName::new("node").expect("name"),
            camera: CameraId::new("yard-1").expect("name"),
            rule: None,
            zone: None,
            occurred: CaptureTime::arrival(UtcMicros(0)),
            observed: UtcMicros(0),
            objects: Vec::new(),
            detail: EventDetail::default(),
            model: None,
        }
    }

    fn record(sequence: u64) -> Followed {
        Followed::Event(Box::new(Record {
            sequence: Sequence(sequence),
            committed: UtcMicros(0),
            previous_hash: [0; 32],
            hash: [0; 32],
            event: event(),
        }))
    }

    #[test]
    fn the_window_closes_at_its_bound_and_opens_with_what_is_acknowledged() {
        let mut window = Window::after(Sequence(10));
        for sequence in 11..11 + MAX_UNACKNOWLEDGED as u64 {
            assert!(window.has_room());
            window.sent(&record(sequence));
        }
        assert!(!window.has_room());
        window.acknowledged(Sequence(10));
        assert!(!window.has_room());
        window.acknowledged(Sequence(11));
        assert!(window.has_room());
        window.sent(&Followed::Gap(Gap {
            first: Sequence(4_999),
            last: Sequence(5_000),
            count: 2,
            reason: GapReason::Quota,
            note: String::new(),
            committed: UtcMicros(0),
            previous_hash: [0; 32],
            hash: [0; 32],
        }));
        window.sent(&Followed::Position(Sequence(6_000)));
        window.sent(&Followed::Provisional(Arc::new(event())));
        assert_eq!(window.last_sent(), Sequence(6_000));
        window.acknowledged(Sequence(6_000));
        assert!(window.unacknowledged.is_empty());
    }
}
