//! How a camera in watch mode stays awake and falls asleep.

use std::time::Duration;

use super::judge::Activity;
use super::memory::Memory;
use super::phase::{Asleep, Awake, Because, Input, Phase, Picture, Step};
use super::unit::{Action, Ask, Decision, Urgency};
use crate::ingest::background::Change;
use crate::model::camera::WakeReason;

/// It is asked this often whether somebody is there.
const ASK: Duration = Duration::from_secs(1);
/// Who is there for so long after a glance woke the camera was no mistake of that glance.
const CONFIRMED_AFTER: Duration = Duration::from_secs(2);
/// A camera that a glance woke by mistake sleeps after so many times less quiet.
const FALSE_WAKE: u32 = 3;

impl Awake {
    /// A camera that begins.
    pub(super) fn begins() -> Self {
        Self {
            because: Because::Begins,
            active_at: Duration::ZERO,
            asked_at: Duration::ZERO,
            keys: Default::default(),
        }
    }

    /// Takes one input. Every picture is decoded, so that nothing is missed and nothing more is to be
    /// looked at.
    pub(super) fn on(self, input: Input, memory: &mut Memory, ask: &impl Ask) -> Step {
        match input {
            Input::Picture(picture) => self.picture(picture, memory, ask),
            Input::Compared(change) => self.compared(change, memory),
            Input::Glanced | Input::PutOff(_) | Input::Overflowed => (Phase::Awake(self), None),
        }
    }

    /// A picture comes; at a keyframe it may fall asleep.
    fn picture(mut self, picture: Picture, memory: &mut Memory, ask: &impl Ask) -> Step {
        let now = memory.time.now();
        memory.heartbeat.looks(now);
        if picture.activity == Activity::Certain {
            self.active_at = now;
        }
        let asks = picture.key || now >= self.asked_at + ASK;
        let somebody = asks && self.is_somebody_there(memory, ask);
        // Only a keyframe can be the first of those that are looked at.
        if !picture.key {
            return self.follows();
        }
        let begins = self.because == Because::Begins;
        let mut deferred = None;
        if let Some(reason) = self.stays(somebody, memory) {
            if memory.admits(reason, ask) {
                if begins {
                    self.because = Because::Activity;
                }
                return self.follows();
            }
            // Others come first; what it shows is not forgotten.
            deferred = Some(Urgency::Hint);
        }
        memory.judge.forget_hot();
        memory.nuisance.sleeps(now);
        let analyse = begins || deferred.is_some() || memory.heartbeat.takes_key(&memory.time);
        let urgency = deferred.unwrap_or(if analyse {
            Urgency::Due
        } else {
            Urgency::Spare
        });
        let asleep = Asleep {
            keys: self.keys,
            ..Asleep::default()
        };
        let sleep = Decision::of(Action::Sleep { analyse }, urgency);
        (Phase::Asleep(asleep), Some(sleep))
    }

    /// Asks whether somebody is there, and learns from the answer.
    fn is_somebody_there(&mut self, memory: &mut Memory, ask: &impl Ask) -> bool {
        let now = memory.time.now();
        self.asked_at = now;
        if !ask.wanted() {
            let moving = memory.time.since(self.active_at) < memory.quiet;
            memory.nuisance.nobody(moving, now);
            return false;
        }
        if let Because::Glance(at) = self.because
            && memory.time.since(at) >= CONFIRMED_AFTER
        {
            self.because = Because::Activity;
        }
        self.active_at = now;
        memory.nuisance.somebody(now);
        memory.judge.somebody();
        true
    }

    /// What keeps it awake at a keyframe.
    fn stays(&self, somebody: bool, memory: &Memory) -> Option<WakeReason> {
        if somebody {
            return Some(WakeReason::Detector);
        }
        let quiet = match self.because {
            Because::Begins => return None,
            Because::Glance(_) => memory.quiet / FALSE_WAKE,
            Because::Activity => memory.quiet,
        };
        (memory.time.since(self.active_at) < quiet).then_some(WakeReason::Stream)
    }

    fn follows(self) -> Step {
        (Phase::Awake(self), Some(Decision::FOLLOW))
    }

    /// A keyframe was compared with the background.
    fn compared(mut self, change: Change, memory: &mut Memory) -> Step {
        if change != Change::None {
            memory.nuisance.moved(true, memory.time.now());
            if !memory.nuisance.is_any() && change != Change::Scattered {
                self.active_at = memory.time.now();
            }
        }
        (Phase::Awake(self), None)
    }
}
