//! What was sent and is not yet acknowledged. Pure.

use std::collections::VecDeque;

use crate::model::ids::Sequence;
use crate::proto::v1::subscribe_response::Message;

/// Records sent beyond the last acknowledged one, at most.
const RECORDS: usize = 1_024;

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
        self.unacknowledged.len() < RECORDS
    }

    pub(super) fn sent(&mut self, message: &Message) {
        let last = match message {
            Message::Event(event) => event.sequence,
            Message::Gap(gap) => gap.last_sequence,
            // Nothing that needs room; a position may be acknowledged all the same.
            Message::Position(position) => {
                self.last_sent = self.last_sent.max(position.sequence);
                return;
            }
            Message::Provisional(_) => return,
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
    use super::*;
    use crate::proto::v1;

    #[test]
    fn the_window_closes_at_its_bound_and_opens_with_what_is_acknowledged() {
        let mut window = Window::after(Sequence(10));
        let event = |sequence| {
            Message::Event(v1::Event {
                sequence,
                ..v1::Event::default()
            })
        };
        for sequence in 11..11 + RECORDS as u64 {
            assert!(window.has_room());
            window.sent(&event(sequence));
        }
        assert!(!window.has_room());
        window.acknowledged(Sequence(10));
        assert!(!window.has_room());
        window.acknowledged(Sequence(11));
        assert!(window.has_room());
        window.sent(&Message::Gap(v1::Gap {
            last_sequence: 5_000,
            ..v1::Gap::default()
        }));
        window.sent(&Message::Position(v1::Position { sequence: 6_000 }));
        window.sent(&Message::Provisional(v1::Event::default()));
        assert_eq!(window.last_sent(), Sequence(6_000));
        window.acknowledged(Sequence(6_000));
        assert!(window.unacknowledged.is_empty());
    }
}
