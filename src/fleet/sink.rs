//! Where one session of a camera's source delivers: frames go on to inference at the asked-for
//! rate, notes wait for the driver. No queue: the newest format and the first end are kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::base::clock::Monotonic;
use crate::base::metrics::CameraMetrics;
use crate::infer::Lane;
use crate::ingest::{Note, Sink, SourceError};
use crate::model::frame::Frame;
use crate::model::geometry::Size;

const NEVER: u64 = u64::MAX;

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
    last_frame_nanos: AtomicU64,
    end: Mutex<Option<End>>,
    format: Mutex<Option<Format>>,
    changed: Arc<Notify>,
}

impl Signals {
    pub(super) fn new(changed: Arc<Notify>) -> Arc<Self> {
        Arc::new(Self {
            answered: AtomicBool::new(false),
            last_frame_nanos: AtomicU64::new(NEVER),
            end: Mutex::new(None),
            format: Mutex::new(None),
            changed,
        })
    }

    /// Whether the source has answered.
    pub(super) fn answered(&self) -> bool {
        self.answered.load(Ordering::Acquire)
    }

    /// When the latest frame came.
    pub(super) fn last_frame(&self) -> Option<Monotonic> {
        let nanos = self.last_frame_nanos.load(Ordering::Acquire);
        (nanos != NEVER).then(|| Monotonic(Duration::from_nanos(nanos)))
    }

    pub(super) fn take_end(&self) -> Option<End> {
        self.end.lock().take()
    }

    pub(super) fn format(&self) -> Option<Format> {
        self.format.lock().clone()
    }
}

/// The receiving end of one session.
pub(super) struct CameraSink {
    signals: Arc<Signals>,
    lane: Lane,
    metrics: CameraMetrics,
    rate: Mutex<RateLimit>,
}

impl CameraSink {
    pub(super) fn new(
        signals: Arc<Signals>,
        lane: Lane,
        metrics: CameraMetrics,
        analysis_fps: f32,
    ) -> Arc<Self> {
        Arc::new(Self {
            signals,
            lane,
            metrics,
            rate: Mutex::new(RateLimit::new(analysis_fps)),
        })
    }
}

impl CameraSink {
    /// Waits until every frame that came has been analysed and its answer handed on.
    pub(super) fn drain(&self, deadline: Duration) -> bool {
        let step = Duration::from_millis(2);
        let mut left = deadline;
        while !self.lane.idle() {
            if left.is_zero() {
                return false;
            }
            std::thread::sleep(step);
            left = left.saturating_sub(step);
        }
        true
    }

    /// Refuses further frames; a writer that waits for room goes on.
    pub(super) fn close(&self) {
        self.lane.close();
    }
}

impl Sink for CameraSink {
    fn frame(&self, frame: Frame) {
        self.metrics.decoded.inc();
        let nanos = u64::try_from(frame.arrived.0.as_nanos()).unwrap_or(NEVER - 1);
        let before = self.signals.last_frame_nanos.swap(nanos, Ordering::AcqRel);
        // The driver waits for the first frame, and after a stall for the next one.
        if before == NEVER || nanos.saturating_sub(before) > 500_000_000 {
            self.signals.changed.notify_one();
        }
        if self.rate.lock().wants(frame.media_time) {
            self.lane.offer(frame);
        } else {
            self.metrics.above_rate.inc();
        }
    }

    fn note(&self, note: Note) {
        match note {
            Note::Opened => self.signals.answered.store(true, Ordering::Release),
            Note::Format {
                size,
                decoder,
                codec,
            } => {
                tracing::info!(%codec, %decoder, width = size.width, height = size.height, "stream format");
                *self.signals.format.lock() = Some(Format { size, decoder });
            }
            Note::Ended => {
                self.signals.end.lock().get_or_insert(End::Ended);
            }
            Note::Failed(error) => {
                self.signals.end.lock().get_or_insert(End::Failed(error));
            }
        }
        self.signals.changed.notify_one();
    }
}

/// Picks frames at a rate by their own media time, so that replay picks the same ones.
#[derive(Debug)]
pub struct RateLimit {
    interval: Duration,
    due: Duration,
}

impl RateLimit {
    /// At most `fps` frames a second; the first frame is wanted.
    #[must_use]
    pub fn new(fps: f32) -> Self {
        Self {
            interval: Duration::from_secs_f32(1.0 / fps),
            due: Duration::ZERO,
        }
    }

    /// Whether the frame at `media_time` is wanted. The due times form a grid, so that 5 of 12.5
    /// frames a second are 5 and not 4.2; a frame may come 1 ms early for rounding's sake.
    pub fn wants(&mut self, media_time: Duration) -> bool {
        if media_time + Duration::from_millis(1) < self.due {
            return false;
        }
        let behind = media_time.saturating_sub(self.due);
        let next = self.due + self.interval;
        self.due = if behind > self.interval {
            media_time + self.interval
        } else {
            next
        };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picked(source_fps: u64, wanted_fps: f32, seconds: u64) -> u64 {
        let mut rate = RateLimit::new(wanted_fps);
        (0..seconds * source_fps)
            .filter(|n| rate.wants(Duration::from_nanos(n * 1_000_000_000 / source_fps)))
            .count() as u64
    }

    #[test]
    fn the_asked_for_rate_is_kept_also_when_it_does_not_divide_the_cameras() {
        assert!(picked(25, 5.0, 10).abs_diff(50) <= 1);
        assert!(picked(12, 5.0, 10).abs_diff(50) <= 1);
        assert!(picked(30, 7.0, 10).abs_diff(70) <= 1);
        assert_eq!(picked(10, 25.0, 10), 100);
    }

    #[test]
    fn a_pause_is_not_caught_up_on() {
        let mut rate = RateLimit::new(5.0);
        assert!(rate.wants(Duration::ZERO));
        assert!(rate.wants(Duration::from_secs(60)));
        assert!(!rate.wants(Duration::from_millis(60_040)));
        assert!(rate.wants(Duration::from_millis(60_200)));
    }
}
