//! What the failing disk does not take yet, for the subscribers that are caught up. Pure.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::model::event::Event;

/// Mirrors the front of what is held; `next` counts on without end, so that each reader keeps its
/// place.
#[derive(Debug, Default)]
pub(super) struct Provisional {
    events: VecDeque<Arc<Event>>,
    next: u64,
}

impl Provisional {
    pub(super) fn push(&mut self, event: Arc<Event>) {
        self.events.push_back(event);
        self.next += 1;
    }

    /// The oldest few are durable now.
    pub(super) fn remove_front(&mut self, count: usize) {
        self.events.drain(..count.min(self.events.len()));
    }

    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    /// The place after the newest one.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// At most `limit` from the place `from` on, and the place after them.
    pub(super) fn read(&self, from: u64, limit: usize) -> (Vec<Arc<Event>>, u64) {
        let oldest = self.next - self.events.len() as u64;
        let start = from.clamp(oldest, self.next);
        let skip = usize::try_from(start - oldest).unwrap_or(usize::MAX);
        let read: Vec<_> = self.events.iter().skip(skip).take(limit).cloned().collect();
        let after = start + read.len() as u64;
        (read, after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::tests::event;

    #[test]
    fn each_reader_of_the_provisional_events_keeps_its_own_place() {
        let mut provisional = Provisional::default();
        for number in 0..5 {
            provisional.push(Arc::new(event(number)));
        }
        let ids = |(read, after): (Vec<Arc<Event>>, u64)| {
            let ids: Vec<_> = read.iter().map(|event| event.id.0.as_u128()).collect();
            (ids, after)
        };
        assert_eq!(ids(provisional.read(0, 2)), (vec![0, 1], 2));
        provisional.remove_front(3);
        assert_eq!(ids(provisional.read(2, 9)), (vec![3, 4], 5));
        assert_eq!(ids(provisional.read(5, 9)), (vec![], 5));
        provisional.remove_front(9);
        assert!(provisional.len() == 0 && provisional.next() == 5);
        assert_eq!(ids(provisional.read(0, 9)), (vec![], 5));
    }
}
