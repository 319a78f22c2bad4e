//! What the committing thread lets the rest of the process see.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::provisional::Provisional;
use crate::base::clock::Monotonic;
use crate::model::event::Event;
use crate::model::ids::{ConsumerName, Sequence};

/// Written by the thread, read by everybody.
#[derive(Debug)]
pub(super) struct Shared {
    /// Why commits fail right now.
    pub(super) failing: Mutex<Option<String>>,
    /// What is held while they do.
    pub(super) provisional: Mutex<Provisional>,
    /// The place after the newest provisional event.
    pub(super) provisional_next: watch::Sender<u64>,
    /// The consumers' durable positions, so that a failing disk is not asked for them.
    pub(super) cursors: Mutex<BTreeMap<ConsumerName, Sequence>>,
    /// Counts the files: a reader's connection of another generation shows the wrong one.
    pub(super) generation: AtomicU64,
    /// Events lost in front of the queue whose gap is not yet declared.
    pub(super) lost_in_front: AtomicU64,
    /// Since when the thread has been at one piece of work, in nanoseconds of the journal's clock;
    /// 0 while it waits for one.
    busy_nanos: AtomicU64,
    /// Events in memory.
    pub(super) held: AtomicUsize,
    /// Events lost since the disk began to fail.
    pub(super) lost: AtomicU64,
}

impl Shared {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            failing: Mutex::default(),
            provisional: Mutex::default(),
            provisional_next: watch::channel(0).0,
            cursors: Mutex::default(),
            generation: AtomicU64::new(0),
            lost_in_front: AtomicU64::new(0),
            busy_nanos: AtomicU64::new(0),
            held: AtomicUsize::new(0),
            lost: AtomicU64::new(0),
        })
    }

    pub(super) fn is_busy(&self, now: Monotonic) {
        let nanos = u64::try_from(now.0.as_nanos()).unwrap_or(u64::MAX);
        self.busy_nanos.store(nanos.max(1), Ordering::Release);
    }

    pub(super) fn is_idle(&self) {
        self.busy_nanos.store(0, Ordering::Release);
    }

    pub(super) fn busy_since(&self) -> Option<Monotonic> {
        let nanos = self.busy_nanos.load(Ordering::Acquire);
        (nanos > 0).then(|| Monotonic(Duration::from_nanos(nanos)))
    }

    /// Whether the disk takes events; else why not and what is held.
    pub(super) fn storage(&self) -> Result<(), String> {
        match self.failing.lock().as_ref() {
            None => Ok(()),
            Some(reason) => Err(format!(
                "the journal's disk takes no events ({reason}); {} are held in memory, {} were lost",
                self.held.load(Ordering::Acquire),
                self.lost.load(Ordering::Acquire)
            )),
        }
    }

    /// Adds what is held beyond what was shown already.
    pub(super) fn show<'e>(&self, held: impl Iterator<Item = &'e Arc<Event>>) {
        let mut provisional = self.provisional.lock();
        let shown = provisional.len();
        let before = provisional.next();
        for event in held.skip(shown) {
            provisional.push(Arc::clone(event));
        }
        let next = provisional.next();
        drop(provisional);
        if next > before {
            self.provisional_next.send_replace(next);
        }
    }
}
