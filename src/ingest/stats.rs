//! What a source counts of one camera: handles that it is given when it is opened, so that counting is
//! no call to anybody.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use tokio::sync::Notify;

use crate::base::clock::Monotonic;
use crate::base::metrics::CpuSeconds;

/// What a watched camera's gate did, and what decoding cost. Clones count into the same.
#[derive(Clone, Debug, Default)]
pub struct StreamStats {
    /// Pictures came, decoded or not.
    pub liveness: Arc<Liveness>,
    /// Pictures that came out of the decoder; those that the sink was given it counts itself.
    pub decoded: Counter,
    /// Coded pictures that went by undecoded.
    pub undecoded: Counter,
    /// Pictures decoded and handed to nobody: they were compared, or the ones after them need them.
    pub unused: Counter,
    /// Probes of a sleeping camera that somebody counts on, had waited for a decoder and took place.
    pub probes_taken: Counter,
    /// Likewise, and nobody had the time until the next keyframe came.
    pub probes_deferred: Counter,
    /// Of the pictures that went by undecoded, those of an awake camera that had fallen behind.
    pub late: Counter,
    /// Groups of pictures that did not fit and were decoded although nothing moved.
    pub spilled: Counter,
    /// Processor time of the decoder.
    pub decode_cpu: CpuSeconds,
}

impl StreamStats {
    /// A picture was decoded and handed to nobody.
    pub fn unused(&self) {
        self.decoded.inc();
        self.unused.inc();
    }
}

const NEVER: u64 = u64::MAX;

/// A picture after a silence as long as this is news.
const SILENCE: Duration = Duration::from_millis(500);

/// When a camera was last heard of. It lives while its pictures come, although none may be decoded.
#[derive(Debug)]
pub struct Liveness {
    last_nanos: AtomicU64,
    marks: AtomicU64,
    changed: Arc<Notify>,
}

impl Default for Liveness {
    fn default() -> Self {
        Self::telling(Arc::default())
    }
}

impl Liveness {
    /// Nothing came yet; `changed` is told of the first picture, and of the next one after a silence.
    #[must_use]
    pub fn telling(changed: Arc<Notify>) -> Self {
        Self {
            last_nanos: AtomicU64::new(NEVER),
            marks: AtomicU64::new(0),
            changed,
        }
    }

    /// A picture came.
    pub fn mark(&self, at: Monotonic) {
        let nanos = u64::try_from(at.0.as_nanos()).unwrap_or(NEVER - 1);
        self.marks.fetch_add(1, Ordering::Relaxed);
        let before = self.last_nanos.swap(nanos, Ordering::AcqRel);
        let silence = Duration::from_nanos(nanos.saturating_sub(before));
        if before == NEVER || silence > SILENCE {
            self.changed.notify_one();
        }
    }

    /// When the latest came.
    #[must_use]
    pub fn last(&self) -> Option<Monotonic> {
        let nanos = self.last_nanos.load(Ordering::Acquire);
        (nanos != NEVER).then(|| Monotonic(Duration::from_nanos(nanos)))
    }

    /// How many came.
    #[must_use]
    pub fn marks(&self) -> u64 {
        self.marks.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Monotonic {
        Monotonic(Duration::from_millis(millis))
    }

    #[tokio::test]
    async fn the_first_picture_and_the_next_after_a_silence_are_told() {
        let changed = Arc::new(Notify::new());
        let liveness = Liveness::telling(Arc::clone(&changed));
        let told = || async {
            let heard = tokio::time::timeout(Duration::ZERO, changed.notified());
            heard.await.is_ok()
        };
        assert_eq!(liveness.last(), None);
        liveness.mark(at(40));
        assert!(told().await);
        liveness.mark(at(540));
        assert!(!told().await);
        liveness.mark(at(1_041));
        assert!(told().await);
        assert_eq!(liveness.last(), Some(at(1_041)));
        assert_eq!(liveness.marks(), 3);
    }
}
