//! One camera's state machine.
//!
//! ```text
//!            start               first frame
//!  Stopped ─────────▶ Connecting ───────────▶ Streaming ◀──┐
//!     ▲                 ▲   │ fails, ends,     │   │       │ a frame
//!     │ stop, or a      │   │ no answer or no  │   │ silent for stall_after
//!     │ file's end      │   │ frame in time    │   ▼       │
//!     │                 │   ▼                  │ Stalled ──┘
//!     └──────────── BackingOff ◀───────────────┘   │
//!                       ▲   fails, ends            │ silent for twice stall_after
//!                       └──────────────────────────┘
//! ```
//!
//! Pure: inputs and times go in, effects come out; `camera` performs them in order. An outage
//! is one `SignalLost` and one `SignalBack`, however many tries lie between; it is over when the
//! camera has streamed for `steady_after`, so that one that flaps is lost once.

use std::time::Duration;

use crate::base::backoff::{Backoff, BackoffPolicy};
use crate::base::clock::Monotonic;
use crate::model::camera::CameraState;

/// What the machine is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Watch this camera.
    Start,
    /// The source answered; frames may follow.
    Answered,
    /// The latest frame came at this time.
    Frame(Monotonic),
    /// The source said why it cannot go on.
    Failed(String),
    /// The source came to its end.
    Ended,
    /// Time has passed.
    Tick,
    /// Watch it no more.
    Stop,
}

/// What the driver must do, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Open the source.
    Open,
    /// Close the source and wait until nothing of it runs.
    Close,
    /// Tell the platform that the camera is lost.
    SignalLost(String),
    /// Tell the platform that it is back.
    SignalBack,
}

/// The settings that the machine needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatePolicy {
    /// Silence that makes a stall.
    pub stall_after: Duration,
    /// The source must answer within this.
    pub answer_timeout: Duration,
    /// The first frame must come within this.
    pub connect_timeout: Duration,
    /// A camera that was lost is back when it has streamed for this long.
    pub steady_after: Duration,
    /// Waits between tries.
    pub backoff: BackoffPolicy,
    /// The source's end is the end (a file that does not repeat), no fault.
    pub end_is_final: bool,
}

/// One camera's state.
#[derive(Debug)]
pub struct Machine {
    policy: StatePolicy,
    backoff: Backoff,
    state: CameraState,
    since: Monotonic,
    last_frame: Monotonic,
    retry_at: Monotonic,
    reason: String,
    answered: bool,
    lost: bool,
}

impl Machine {
    /// A stopped camera.
    #[must_use]
    pub fn new(policy: StatePolicy, backoff: Backoff) -> Self {
        Self {
            policy,
            backoff,
            state: CameraState::Stopped,
            since: Monotonic::default(),
            last_frame: Monotonic::default(),
            retry_at: Monotonic::default(),
            reason: String::new(),
            answered: false,
            lost: false,
        }
    }

    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> CameraState {
        self.state
    }

    /// Why it is not streaming; empty while it is.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Failures since it last streamed for as long as the back-off's ceiling.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.backoff.failures()
    }

    /// When [`Input::Tick`] is due next; `None` when only an input can change anything.
    #[must_use]
    pub fn deadline(&self) -> Option<Monotonic> {
        match self.state {
            CameraState::Stopped => None,
            CameraState::Connecting => Some(self.since.after(self.patience())),
            CameraState::Streaming => {
                let stalled = self.last_frame.after(self.policy.stall_after);
                let steady = self.since.after(self.policy.steady_after);
                Some(if self.lost {
                    stalled.min(steady)
                } else {
                    stalled
                })
            }
            CameraState::Stalled => Some(self.last_frame.after(self.policy.stall_after * 2)),
            CameraState::BackingOff => Some(self.retry_at),
        }
    }

    /// Takes one input at time `now`.
    pub fn on(&mut self, input: Input, now: Monotonic) -> Vec<Effect> {
        match (self.state, input) {
            (CameraState::Stopped, Input::Start) => {
                self.enter(CameraState::Connecting, now, "");
                vec![Effect::Open]
            }
            (CameraState::Stopped, _) => Vec::new(),
            (state, Input::Stop) => {
                self.enter(CameraState::Stopped, now, "stopped");
                if state == CameraState::BackingOff {
                    Vec::new()
                } else {
                    vec![Effect::Close]
                }
            }
            (CameraState::BackingOff, Input::Tick) if now >= self.retry_at => {
                let reason = std::mem::take(&mut self.reason);
                self.enter(CameraState::Connecting, now, &reason);
                vec![Effect::Open]
            }
            (CameraState::BackingOff, _) | (_, Input::Start) => Vec::new(),
            (_, Input::Answered) => {
                self.answered = true;
                Vec::new()
            }
            (state, Input::Frame(at)) => self.frame(state, at, now),
            (_, Input::Failed(reason)) => self.fail(&reason, now),
            (_, Input::Ended) if self.policy.end_is_final => {
                self.enter(CameraState::Stopped, now, "end of file");
                vec![Effect::Close]
            }
            (_, Input::Ended) => self.fail("the stream ended", now),
            (_, Input::Tick) => self.tick(now),
        }
    }

    fn frame(&mut self, state: CameraState, at: Monotonic, now: Monotonic) -> Vec<Effect> {
        self.last_frame = self.last_frame.max(at);
        if now.since(self.last_frame) >= self.policy.stall_after {
            return Vec::new();
        }
        if state == CameraState::Streaming {
            if now.since(self.since) >= self.policy.backoff.ceiling {
                self.backoff.reset();
            }
            return Vec::new();
        }
        self.enter(CameraState::Streaming, now, "");
        Vec::new()
    }

    /// How long a source that is being opened may take from its start.
    fn patience(&self) -> Duration {
        if self.answered {
            self.policy.connect_timeout
        } else {
            self.policy.answer_timeout.min(self.policy.connect_timeout)
        }
    }

    fn tick(&mut self, now: Monotonic) -> Vec<Effect> {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return Vec::new();
        }
        match self.state {
            CameraState::Connecting if self.answered => {
                self.fail("no frame within the connect timeout", now)
            }
            CameraState::Connecting => self.fail("no answer in time", now),
            // The deadline of a stall lies behind that of the word that it is back.
            CameraState::Streaming if now < self.last_frame.after(self.policy.stall_after) => {
                self.lost = false;
                vec![Effect::SignalBack]
            }
            CameraState::Streaming => {
                self.enter(CameraState::Stalled, now, "no frames come, and no word why");
                self.lose()
            }
            CameraState::Stalled => self.fail("no frames came, and no word why", now),
            CameraState::Stopped | CameraState::BackingOff => Vec::new(),
        }
    }

    fn fail(&mut self, reason: &str, now: Monotonic) -> Vec<Effect> {
        self.retry_at = now.after(self.backoff.fail());
        self.enter(CameraState::BackingOff, now, reason);
        let mut effects = vec![Effect::Close];
        effects.extend(self.lose());
        effects
    }

    fn lose(&mut self) -> Vec<Effect> {
        if std::mem::replace(&mut self.lost, true) {
            Vec::new()
        } else {
            vec![Effect::SignalLost(self.reason.clone())]
        }
    }

    fn enter(&mut self, state: CameraState, now: Monotonic, reason: &str) {
        self.answered &= state != CameraState::Connecting;
        self.state = state;
        self.since = now;
        reason.clone_into(&mut self.reason);
    }
}

#[cfg(test)]
mod tests;
