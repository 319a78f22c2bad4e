//! A slot for one value. In live mode the newest value wins and the one it replaced is handed
//! back to be counted; in lossless mode (replay) the writer waits until the slot is free.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Condvar;

use super::locks::Leaf;

/// What a writer finds when the slot already holds a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// Replace it: the newest wins.
    Overwrite,
    /// Wait until it was taken or the slot is closed.
    Block,
}

/// What became of a value that was put.
#[derive(Debug, PartialEq, Eq)]
pub enum Put<T> {
    /// It lies in the slot, which was empty.
    Stored,
    /// It lies in the slot in the place of this older one.
    Superseded(T),
    /// The slot is closed; here it is back.
    Closed(T),
}

#[derive(Debug)]
struct State<T> {
    value: Option<T>,
    closed: bool,
}

/// A one-value mailbox between two threads.
#[derive(Debug)]
pub struct Slot<T> {
    state: Leaf<State<T>>,
    /// As the state is, for those who only ask; written under its lock.
    full: AtomicBool,
    freed: Condvar,
    when_full: WhenFull,
}

impl<T> Slot<T> {
    /// An empty slot.
    #[must_use]
    pub fn new(when_full: WhenFull) -> Self {
        Self {
            state: Leaf::new(State {
                value: None,
                closed: false,
            }),
            full: AtomicBool::new(false),
            freed: Condvar::new(),
            when_full,
        }
    }

    /// Puts a value in; blocks only with [`WhenFull::Block`].
    pub fn put(&self, value: T) -> Put<T> {
        let mut state = self.state.lock();
        if self.when_full == WhenFull::Block {
            self.freed.wait_while(state.guard(), |state| {
                state.value.is_some() && !state.closed
            });
        }
        if state.closed {
            return Put::Closed(value);
        }
        let old = state.value.replace(value);
        self.full.store(true, Ordering::Release);
        drop(state);
        old.map_or(Put::Stored, Put::Superseded)
    }

    /// Takes the value out, if there is one.
    pub fn take(&self) -> Option<T> {
        let mut state = self.state.lock();
        let taken = state.value.take();
        self.full.store(false, Ordering::Release);
        drop(state);
        if taken.is_some() {
            self.freed.notify_one();
        }
        taken
    }

    /// Whether a value lies ready.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.full.load(Ordering::Acquire)
    }

    /// Waits until the slot is empty; false when it still is not after `timeout`.
    #[must_use]
    pub fn wait_empty(&self, timeout: Duration) -> bool {
        let mut state = self.state.lock();
        !self
            .freed
            .wait_while_for(state.guard(), |state| state.value.is_some(), timeout)
            .timed_out()
    }

    /// Drops what lies in the slot, wakes a waiting writer and refuses what comes after.
    pub fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        let dropped = state.value.take();
        self.full.store(false, Ordering::Release);
        drop(state);
        drop(dropped);
        self.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::tasks::named_thread;

    #[test]
    fn the_newest_value_wins_and_the_old_one_comes_back() {
        let slot = Slot::new(WhenFull::Overwrite);
        assert_eq!(slot.put(1), Put::Stored);
        assert_eq!(slot.put(2), Put::Superseded(1));
        assert_eq!(slot.take(), Some(2));
        assert_eq!(slot.take(), None);
        slot.close();
        assert_eq!(slot.put(3), Put::Closed(3));
    }

    #[test]
    fn a_lossless_writer_waits_and_nothing_is_lost() {
        let slot = Arc::new(Slot::new(WhenFull::Block));
        let writer = {
            let slot = Arc::clone(&slot);
            named_thread("writer", move || {
                for value in 0..1_000 {
                    assert_eq!(slot.put(value), Put::Stored);
                }
            })
            .expect("thread")
        };
        let mut seen = Vec::new();
        while seen.len() < 1_000 {
            seen.extend(slot.take());
        }
        writer.join().expect("writer");
        assert!(seen.iter().copied().eq(0..1_000));
    }

    #[test]
    fn closing_wakes_a_waiting_writer() {
        let slot = Arc::new(Slot::new(WhenFull::Block));
        assert_eq!(slot.put(1), Put::Stored);
        let writer = {
            let slot = Arc::clone(&slot);
            named_thread("writer", move || slot.put(2)).expect("thread")
        };
        slot.close();
        assert_eq!(writer.join().expect("writer"), Put::Closed(2));
    }
}
