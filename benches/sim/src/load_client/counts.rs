//! One viewer's counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use parapet::base::clock::{Monotonic, SharedClock};

/// No picture yet.
pub(super) const NEVER: u64 = u64::MAX;

#[derive(Debug)]
pub(super) struct Counts {
    pub(super) frames: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) first_millis: AtomicU64,
    pub(super) error: Mutex<Option<String>>,
    pub(super) clock: SharedClock,
    pub(super) begun: Monotonic,
}

impl Counts {
    pub(super) fn new(clock: &SharedClock, begun: Monotonic) -> Self {
        Self {
            frames: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            first_millis: AtomicU64::new(NEVER),
            error: Mutex::new(None),
            clock: Arc::clone(clock),
            begun,
        }
    }

    /// Counts bytes that came; `whole` where a picture ends with them.
    pub(super) fn take(&self, bytes: usize, whole: bool) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        if !whole {
            return;
        }
        let since = self.clock.now().since(self.begun);
        let millis = u64::try_from(since.as_millis()).unwrap_or(NEVER - 1);
        let _ =
            self.first_millis
                .compare_exchange(NEVER, millis, Ordering::Relaxed, Ordering::Relaxed);
        self.frames.fetch_add(1, Ordering::Relaxed);
    }

    /// Keeps the first error.
    pub(super) fn failed(&self, error: &str) {
        self.error.lock().get_or_insert_with(|| error.to_owned());
    }
}
