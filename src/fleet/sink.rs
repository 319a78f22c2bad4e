//! Where one session of a camera's source delivers: frames go on to inference at the asked-for
//! rate, notes wait for the driver. No queue: the newest format and the first end are kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::base::clock::{Monotonic, SharedClock};
use crate::base::metrics::CameraMetrics;
use crate::base::slot::WhenFull;
use crate::infer::Lane;
use crate::ingest::{Note, Sink, SourceError, Tally};
use crate::model::camera::WakeReason;
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
    asleep: AtomicBool,
    woke_by: Mutex<Option<WakeReason>>,
    changed: Arc<Notify>,
}

/// Whether somebody in a camera's pictures holds it awake; written by the analyst.
#[derive(Debug, Default)]
pub(super) struct Attention {
    held: AtomicBool,
}

impl Attention {
    pub(super) fn set(&self, held: bool) {
        self.held.store(held, Ordering::Release);
    }

    fn is_held(&self) -> bool {
        self.held.load(Ordering::Acquire)
    }
}

impl Signals {
    pub(super) fn new(changed: Arc<Notify>) -> Arc<Self> {
        Arc::new(Self {
            answered: AtomicBool::new(false),
            last_frame_nanos: AtomicU64::new(NEVER),
            end: Mutex::new(None),
            format: Mutex::new(None),
            asleep: AtomicBool::new(false),
            woke_by: Mutex::new(None),
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

    /// Whether its camera sleeps, and what woke it last.
    pub(super) fn watch(&self) -> (bool, Option<WakeReason>) {
        (self.asleep.load(Ordering::Acquire), *self.woke_by.lock())
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
    attention: Arc<Attention>,
    when_full: WhenFull,
    clock: SharedClock,
    rate: Mutex<RateLimit>,
}

/// What a session's sink stands on.
pub(super) struct SinkParts {
    pub(super) signals: Arc<Signals>,
    pub(super) lane: Lane,
    pub(super) metrics: CameraMetrics,
    pub(super) attention: Arc<Attention>,
    pub(super) when_full: WhenFull,
    pub(super) clock: SharedClock,
}

/// While a camera that woke catches up, its frames come faster than they were taken: each waits
/// this long at most for the one before to be looked at, so that it is not simply replaced.
const CATCH_UP_WAIT: Duration = Duration::from_millis(100);
/// A recording's frames are all looked at within this, or something hangs and it goes on.
const SETTLE: Duration = Duration::from_secs(30);

impl CameraSink {
    pub(super) fn new(parts: SinkParts, analysis_fps: f32) -> Arc<Self> {
        Arc::new(Self {
            signals: parts.signals,
            lane: parts.lane,
            metrics: parts.metrics,
            attention: parts.attention,
            when_full: parts.when_full,
            clock: parts.clock,
            rate: Mutex::new(RateLimit::new(analysis_fps)),
        })
    }

    fn mark_alive(&self, at: Monotonic) {
        let nanos = u64::try_from(at.0.as_nanos()).unwrap_or(NEVER - 1);
        let before = self.signals.last_frame_nanos.swap(nanos, Ordering::AcqRel);
        // The driver waits for the first frame, and after a stall for the next one.
        if before == NEVER || nanos.saturating_sub(before) > 500_000_000 {
            self.signals.changed.notify_one();
        }
    }
}

impl CameraSink {
    /// Waits until every frame that came has been analysed and its answer handed on.
    pub(super) fn drain(&self, deadline: Duration) -> bool {
        let step = Duration::from_micros(200);
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
        self.mark_alive(frame.arrived);
        if self.rate.lock().wants(frame.media_time) {
            if self.when_full == WhenFull::Overwrite && !frame.held.is_zero() {
                self.lane.wait_room(CATCH_UP_WAIT);
            }
            self.lane.offer(frame);
        } else {
            self.metrics.above_rate.inc();
        }
    }

    fn glance(&self, frame: Frame) {
        self.metrics.decoded.inc();
        self.metrics.watch.glanced.inc();
        self.mark_alive(frame.arrived);
        self.lane.offer(frame);
    }

    fn wanted(&self) -> bool {
        // Replay must decide alike every time, so it waits until every answer is there.
        if self.when_full == WhenFull::Block {
            self.drain(SETTLE);
        }
        self.attention.is_held()
    }

    fn needs(&self, media_time: Duration) -> bool {
        self.rate.lock().is_due(media_time)
    }

    fn tally(&self, what: Tally) {
        let watch = &self.metrics.watch;
        match what {
            Tally::Alive => self.mark_alive(self.clock.now()),
            Tally::Undecoded(pictures) => {
                watch.undecoded.inc_by(pictures);
            }
            Tally::Unused => {
                self.metrics.decoded.inc();
                watch.unused.inc();
            }
            Tally::Spilled => {
                watch.spills.inc();
            }
            Tally::Decoded(spent) => self.metrics.decode_cpu.add(spent),
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
            Note::Woke(reason) => {
                self.signals.asleep.store(false, Ordering::Release);
                *self.signals.woke_by.lock() = Some(reason);
                self.metrics.watch.asleep.set(0);
                self.metrics.watch.woke(reason.name());
            }
            Note::Asleep => {
                self.signals.asleep.store(true, Ordering::Release);
                self.metrics.watch.asleep.set(1);
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

    /// Whether the frame at `media_time` would be wanted if it came now.
    #[must_use]
    pub fn is_due(&self, media_time: Duration) -> bool {
        media_time + Duration::from_millis(1) >= self.due
    }

    /// Whether the frame at `media_time` is wanted. The due times form a grid, so that 5 of 12.5
    /// frames a second are 5 and not 4.2; a frame may come 1 ms early for rounding's sake.
    pub fn wants(&mut self, media_time: Duration) -> bool {
        if !self.is_due(media_time) {
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
