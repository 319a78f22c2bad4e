//! The stream's time without its jumps, and where in it the keyframes lie. Pure.

use std::time::Duration;

/// Steps of the stream's time outside of this are jumps.
const LONGEST_STEP: Duration = Duration::from_secs(10);
/// Pictures that are shown earlier than the one before (B-pictures) are this much earlier at most.
const REORDER: Duration = Duration::from_secs(1);
/// Pictures arrive this unevenly: a glance is taken so much earlier, and a keyframe that is due
/// is waited for so much longer.
pub(super) const JITTER: Duration = Duration::from_millis(250);
/// Keyframes nearer to each other than this are not all looked at where only keyframes are.
const KEY_SPACING: Duration = Duration::from_secs(1);

/// One stream's.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    now: Duration,
    last_pts: Option<Duration>,
    step: Duration,
    last_key: Option<Duration>,
    keys_apart: Duration,
}

impl Timeline {
    /// Moves on to a picture; true where the stream's time jumped, which is a step of nothing.
    pub(super) fn pass(&mut self, pts: Duration, key: bool) -> bool {
        let jumped = self.advance(pts);
        if key && let Some(last) = self.last_key.replace(self.now) {
            self.keys_apart = self.now.saturating_sub(last);
        }
        jumped
    }

    fn advance(&mut self, pts: Duration) -> bool {
        let Some(last) = self.last_pts else {
            self.last_pts = Some(pts);
            return false;
        };
        if pts + REORDER < last || pts > last + LONGEST_STEP {
            self.last_pts = Some(pts);
            self.last_key = None;
            return true;
        }
        if pts > last {
            self.step = pts - last;
            self.now += self.step;
            self.last_pts = Some(pts);
        }
        false
    }

    /// The stream begins anew: its time may jump, and that is none.
    pub(super) fn restart(&mut self) {
        self.last_pts = None;
        self.last_key = None;
    }

    /// The stream's time without its jumps.
    pub(super) fn now(&self) -> Duration {
        self.now
    }

    /// How long ago that was.
    pub(super) fn since(&self, at: Duration) -> Duration {
        self.now.saturating_sub(at)
    }

    /// Whether a keyframe is far enough from the one before that was looked at.
    pub(super) fn is_spaced(&self, looked_at: Duration) -> bool {
        self.since(looked_at) + JITTER >= KEY_SPACING
    }

    /// How far the two latest pictures were apart.
    pub(super) fn step(&self) -> Duration {
        self.step
    }

    /// How far the two latest keyframes were apart; zero while that is not known.
    pub(super) fn keys_apart(&self) -> Duration {
        self.keys_apart
    }

    /// When the next keyframe comes if it comes as the one before did.
    pub(super) fn next_key(&self) -> Option<Duration> {
        self.last_key.map(|last| last + self.keys_apart)
    }
}
