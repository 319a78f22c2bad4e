//! What a session's sink leaves for the driver to read. No queue: the newest format and the first end are
//! kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

use crate::base::clock::Monotonic;
use crate::base::locks::Leaf;
use crate::ingest::{Liveness, SourceError};
use crate::model::camera::WakeReason;
use crate::model::geometry::Size;

/// How a session ended.
#[derive(Debug)]
pub(super) enum End {
    Ended,
    Failed(SourceError),
}

/// The format of a session's pictures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Format {
    pub(super) size: Size,
    pub(super) decoder: String,
}

/// What the driver reads.
#[derive(Debug)]
pub(super) struct Signals {
    answered: AtomicBool,
    liveness: Arc<Liveness>,
    end: Leaf<Option<End>>,
    format: Leaf<Option<Format>>,
    woke_by: Leaf<Option<WakeReason>>,
    changed: Arc<Notify>,
}

impl Signals {
    pub(super) fn new(changed: Arc<Notify>) -> Arc<Self> {
        Arc::new(Self {
            answered: AtomicBool::new(false),
            liveness: Arc::new(Liveness::telling(Arc::clone(&changed))),
            end: Leaf::new(None),
            format: Leaf::new(None),
            woke_by: Leaf::new(None),
            changed,
        })
    }

    /// Where the session's pictures are marked.
    pub(super) fn liveness(&self) -> &Arc<Liveness> {
        &self.liveness
    }

    /// The source has answered.
    pub(super) fn set_answered(&self) {
        self.answered.store(true, Ordering::Release);
    }

    /// It is over; what comes after the first end is none.
    pub(super) fn set_end(&self, end: End) {
        self.end.lock().get_or_insert(end);
    }

    pub(super) fn set_format(&self, format: Format) {
        *self.format.lock() = Some(format);
    }

    pub(super) fn set_woke_by(&self, reason: WakeReason) {
        *self.woke_by.lock() = Some(reason);
    }

    /// Wakes the driver.
    pub(super) fn tell(&self) {
        self.changed.notify_one();
    }

    /// Whether the source has answered.
    pub(super) fn answered(&self) -> bool {
        self.answered.load(Ordering::Acquire)
    }

    /// When the latest picture came.
    pub(super) fn last_frame(&self) -> Option<Monotonic> {
        self.liveness.last()
    }

    pub(super) fn take_end(&self) -> Option<End> {
        self.end.lock().take()
    }

    /// What woke its camera last.
    pub(super) fn woke_by(&self) -> Option<WakeReason> {
        *self.woke_by.lock()
    }

    pub(super) fn format(&self) -> Option<Format> {
        self.format.lock().clone()
    }
}
