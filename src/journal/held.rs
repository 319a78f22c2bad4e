//! What waits for its commit, in order: events, and the word that some were lost in between.
//!
//! Bounded: beyond `bound` events the newest is lost, which is counted where it happened, so that
//! the gap record stands at the right place. Pure.

use std::collections::VecDeque;
use std::sync::Arc;

use super::writer::Pending;
use crate::model::event::Event;

/// One thing that waits.
#[derive(Debug)]
pub(super) enum Waiting {
    Event(Box<Pending>),
    /// This many events were lost here.
    Lost(u64),
}

/// The waiting ones.
#[derive(Debug)]
pub(super) struct Held {
    items: VecDeque<Waiting>,
    events: usize,
    bound: usize,
}

impl Held {
    pub(super) fn new(bound: usize) -> Self {
        Self {
            items: VecDeque::new(),
            events: 0,
            bound,
        }
    }

    /// Takes an event; gives it back when there is no room, and counts the loss.
    pub(super) fn push(&mut self, pending: Box<Pending>) -> Result<(), Box<Pending>> {
        if self.events >= self.bound {
            self.lose(1);
            return Err(pending);
        }
        self.push_own(pending);
        Ok(())
    }

    /// Takes one of the journal's own few events, room or not.
    pub(super) fn push_own(&mut self, pending: Box<Pending>) {
        self.events += 1;
        self.items.push_back(Waiting::Event(pending));
    }

    /// Says that events were lost after what waits now.
    pub(super) fn lose(&mut self, count: u64) {
        match self.items.back_mut() {
            _ if count == 0 => {}
            Some(Waiting::Lost(lost)) => *lost += count,
            _ => self.items.push_back(Waiting::Lost(count)),
        }
    }

    /// The first few, in order.
    pub(super) fn front(&self, most: usize) -> impl Iterator<Item = &Waiting> {
        self.items.iter().take(most)
    }

    /// Removes the first few, which are durable or given up.
    pub(super) fn remove_front(&mut self, count: usize) -> Vec<Waiting> {
        let removed: Vec<_> = self.items.drain(..count.min(self.items.len())).collect();
        let events = |item: &&Waiting| matches!(item, Waiting::Event(_));
        self.events -= removed.iter().filter(events).count();
        removed
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Events among what waits.
    pub(super) fn events(&self) -> usize {
        self.events
    }

    pub(super) fn each_event(&self) -> impl Iterator<Item = &Arc<Event>> {
        self.items.iter().filter_map(|item| match item {
            Waiting::Event(pending) => Some(&pending.event),
            Waiting::Lost(_) => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::journal::tests::event;

    fn pending(number: u128) -> Box<Pending> {
        Box::new(Pending {
            event: Arc::new(event(number)),
            queued: crate::base::clock::Monotonic::default(),
            frame_arrived: None,
            reply: None,
        })
    }

    proptest! {
        /// Each step either offers an event or commits a few; what comes out is what went in.
        #[test]
        fn what_was_offered_comes_out_in_order_or_is_counted_at_its_place(
            bound in 1_usize..6,
            steps in prop::collection::vec(prop::option::of(1_usize..4), 1..60),
        ) {
            let mut held = Held::new(bound);
            let (mut offered, mut out) = (0_u128, Vec::new());
            let mut take = |held: &mut Held, count| {
                for item in held.remove_front(count) {
                    match item {
                        Waiting::Event(pending) => out.push(Some(pending.event.id.0.as_u128())),
                        Waiting::Lost(lost) => out.extend((0..lost).map(|_| None)),
                    }
                }
            };
            for step in steps {
                match step {
                    Some(count) => take(&mut held, count),
                    None => {
                        let full = held.events() >= bound;
                        prop_assert_eq!(held.push(pending(offered)).is_err(), full);
                        offered += 1;
                    }
                }
                prop_assert!(held.events() <= bound);
                prop_assert!(held.len() <= 2 * bound + 1);
            }
            let rest = held.len();
            take(&mut held, rest);
            prop_assert_eq!(out.len() as u128, offered);
            for (place, found) in out.iter().enumerate() {
                prop_assert!(found.is_none_or(|id| id == place as u128));
            }
            prop_assert!(held.is_empty() && held.events() == 0);
        }
    }
}
