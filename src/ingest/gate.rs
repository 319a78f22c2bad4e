//! Which coded pictures of a watched camera are decoded. Pure: pictures and their times go in,
//! actions come out; `watch` performs them.
//!
//! ```text
//!          a keyframe, quiet for `quiet`, and nobody is followed
//!   Awake ─────────────────────────────────────────────────────▶ Asleep
//!  Follow ◀───────────────────────────────────────────────────── Look at keyframes, Hold the rest
//!          Stream:   coded pictures cost more than is usual
//!          Picture:  a keyframe differs from the background
//!          Detector: a glance found somebody, or somebody is followed
//!          Break:    the stream's time jumped
//! ```
//!
//! A camera begins awake and goes to sleep at its first keyframe, at which the detector glances: a
//! fleet that starts costs little more than one that sleeps, and who stands there is seen at once.
//! Asleep, each keyframe is decoded and compared with the background; the detector glances at the last
//! keyframe before the heartbeat is due. Where no keyframe comes in time (a group longer than the
//! heartbeat, as "smart codecs" send them), all that is held is decoded at the heartbeat and the
//! detector glances at the newest picture ([`Action::CatchUp`]): such a stream costs its decoding but not
//! its inference, and keeps the promise.
//!
//! What the pictures between two keyframes tell ([`Judge::stir`]) decides on the second of them:
//!
//! ```text
//!   Calm      nothing stirs, and somebody would show: every other of the keyframes between two glances
//!             goes undecoded, for half of what a quiet camera costs is the decoding of its keyframes
//!   Stirs     it is compared
//!   Unknown   the stream cannot tell: too little was seen of it, or it spends so much on noise (a high
//!             constant bitrate) that somebody is lost in that. It is compared, and where there is
//!             plenty for all the detector glances at it
//! ```
//!
//! The detector glances in the same way when pictures stay a little above what is usual at their place
//! in the group, by less than would be believed of a single one: somebody small or far away.
//!
//! Over all that stands the level that the governor leaves the camera with, in always mode too.
//! At lower rates of a sleeping camera's keyframes only those are decoded in which something stirs and
//! those at which the detector glances; movement in the stream wakes it as ever. So it does while the
//! level is sparse, but then only so many may be awake at a time: it must be admitted ([`Ask::admits`]),
//! and at each keyframe again. Who is not goes on sleeping, and the detector glances at its next
//! keyframe. What is not held is let go, never decoded for nobody.
//!
//! In always mode a camera whose level is sparse is asleep whatever happens in it, and nothing but the
//! level wakes it ([`WakeReason::Eased`]):
//!
//! ```text
//!   Keyframes   Look at each keyframe, at most one a second. Hold the rest where it fits, so
//!               that a camera that gets its rate back is decoded from its last keyframe on
//!   Heartbeat   Look at one keyframe in each heartbeat; Skip the rest
//! ```
//!
//! A look that nobody had the time for was put off ([`Gate::put_off`]): the keyframe is held, and the
//! next one is looked at instead.
//!
//! Where something always moves and nobody is ever there, what moves is [`doubt`]ed: such a camera
//! sleeps although it is not quiet, and instead of waking it the detector glances at the next
//! keyframe, from before which on it is decoded if somebody is there.
//!
//! All times are the stream's own, so that a recording is decided alike at any pace.

mod asleep;
mod awake;
mod doubt;
mod group;
mod judge;
mod level;
mod unit;

use std::time::Duration;

use doubt::Doubt;
use judge::{Activity, Judge};
pub(super) use unit::{Action, Ask, Unit, UnitKind, Urgency};

use super::background::Change;
use super::gop_ring::Rewind;
use crate::config::types::{WatchConfig, WatchMode};
use crate::model::camera::WakeReason;
use crate::model::coverage::CoverageLevel;

/// Steps of the stream's time outside of this are jumps.
const LONGEST_STEP: Duration = Duration::from_secs(10);
/// Pictures that are shown earlier than the one before (B-pictures) are this much earlier at most.
const REORDER: Duration = Duration::from_secs(1);
/// Pictures arrive this unevenly: a glance is taken so much earlier, and a keyframe that is due
/// is waited for so much longer.
const JITTER: Duration = Duration::from_millis(250);
/// Keyframes nearer to each other than this are not all looked at where only keyframes are.
const KEY_SPACING: Duration = Duration::from_secs(1);
/// Awake, it is asked this often whether somebody is there.
const ASK: Duration = Duration::from_secs(1);
/// Who is there for so long after a glance woke the camera was no mistake of that glance.
const CONFIRMED_AFTER: Duration = Duration::from_secs(2);
/// A camera that a glance woke by mistake sleeps after so many times less quiet.
const IN_VAIN: u32 = 3;
/// A doubt waits so long for a keyframe.
const DOUBT_WAIT: Duration = Duration::from_secs(4);
/// While it is not known what is usual in the stream, and no longer than this after its begin, the
/// detector glances at every keyframe where the level allows it.
const BLIND_FOR: Duration = Duration::from_secs(60);

/// The policy of one camera.
#[derive(Debug)]
pub(super) struct Gate {
    policy: WatchConfig,
    /// The second glance comes so much earlier.
    early: Duration,
    awake: bool,
    /// A glance woke it, and it is not known yet whether somebody is there.
    glanced: Option<Duration>,
    /// No keyframe came yet.
    begins: bool,
    /// Of a sleeping camera's keyframes the latest was not decoded.
    kept: bool,
    /// How much the latest action's decoding is needed.
    urgency: Urgency,
    /// A glance was put off that was needed so much.
    owed: Option<Urgency>,
    /// The stream's time without its jumps.
    now: Duration,
    last_pts: Option<Duration>,
    step: Duration,
    last_key: Option<Duration>,
    group: Duration,
    active_at: Duration,
    analysed_at: Duration,
    /// The last keyframe that the level left to be looked at.
    keyframe_at: Duration,
    broken: bool,
    jumped: bool,
    level: CoverageLevel,
    /// Pictures went by since the last keyframe that was decoded; nothing can be decoded before
    /// the next.
    gapped: bool,
    doubt: Doubt,
    /// Something moved that is doubted and that nobody glanced at yet.
    doubted_at: Option<Duration>,
    asked_at: Duration,
    judge: Judge,
}

impl Gate {
    /// `phase`, 0 to 1: where in their heartbeats cameras are that begin together.
    pub(super) fn new(policy: WatchConfig, phase: f32) -> Self {
        Self {
            policy,
            early: policy.heartbeat.mul_f32(phase),
            awake: true,
            glanced: None,
            begins: true,
            kept: false,
            urgency: Urgency::Followed,
            owed: None,
            now: Duration::ZERO,
            last_pts: None,
            step: Duration::ZERO,
            last_key: None,
            group: Duration::ZERO,
            active_at: Duration::ZERO,
            analysed_at: Duration::ZERO,
            keyframe_at: Duration::ZERO,
            broken: false,
            jumped: false,
            level: CoverageLevel::Full,
            gapped: false,
            doubt: Doubt::new(policy.quiet),
            doubted_at: None,
            asked_at: Duration::ZERO,
            judge: Judge::new(policy.sensitivity),
        }
    }

    /// Decides on the next coded picture.
    pub(super) fn unit(&mut self, unit: &Unit, level: CoverageLevel, ask: impl Ask) -> Action {
        let key = unit.kind == UnitKind::Key;
        self.pass(unit.pts, key);
        let always = self.is_always();
        let activity = if always {
            Activity::None
        } else {
            self.judge(unit)
        };
        self.level = level;
        self.urgency = Urgency::Followed;
        if self.is_forced() {
            return self.sparse_unit(key, level);
        }
        if self.awake && always {
            return Action::Follow;
        }
        if self.awake {
            return self.awake_unit(key, activity, &ask);
        }
        if self.misses_pictures(key) {
            if activity == Activity::Certain {
                self.owes(Urgency::Hint);
            }
            return Action::Skip;
        }
        if always {
            return self.wake(WakeReason::Eased, Rewind::Current);
        }
        if let Some((reason, from)) = self.wakes_by(key, activity, &ask) {
            return self.wake(reason, from);
        }
        if matches!(activity, Activity::Certain | Activity::Doubtful) {
            self.doubted_at.get_or_insert(self.now);
        }
        if key {
            return self.asleep_key(level, &ask);
        }
        self.asleep_unit(activity)
    }

    /// A picture went by that nothing had to be decided on; as [`Gate::unit`], time moves on.
    pub(super) fn pass(&mut self, pts: Duration, key: bool) {
        self.advance(pts);
        if key && let Some(last) = self.last_key.replace(self.now) {
            self.group = self.now.saturating_sub(last);
        }
    }

    /// Whether every picture is decoded.
    pub(super) fn is_awake(&self) -> bool {
        self.awake
    }

    /// Whether every picture is to be decoded as long as the level allows it.
    fn is_always(&self) -> bool {
        self.policy.mode == WatchMode::Always
    }

    /// How far the two latest keyframes were apart; zero while that is not known.
    pub(super) fn keys_apart(&self) -> Duration {
        self.group
    }

    /// What was to be held does not fit. True where it must go undecoded.
    pub(super) fn overflows(&mut self) -> bool {
        self.gapped |= self.level.is_sparse();
        self.level.is_sparse()
    }

    /// How much the decoding is needed that was decided on last.
    pub(super) fn urgency(&self) -> Urgency {
        self.urgency
    }

    /// A look that was needed so much did not take place; its keyframe is held.
    pub(super) fn put_off(&mut self, urgency: Urgency) {
        self.kept = true;
        self.owes(urgency);
    }

    /// The next keyframe must be looked at, as urgently as this.
    fn owes(&mut self, urgency: Urgency) {
        if urgency.counts() {
            self.owed = self.owed.max(Some(urgency));
        }
    }

    /// Whether something doubtful moved since the detector looked last; it is about to look now.
    pub(super) fn take_doubt(&mut self) -> bool {
        let doubted = self.doubted_at.take().is_some();
        if doubted {
            self.analysed_at = self.now;
        }
        doubted
    }

    /// The picture decoded last was compared with the background. Says from where to decode if that
    /// wakes the camera; what changed all over the picture is doubted.
    pub(super) fn looked(&mut self, change: Change, ask: impl Ask) -> Option<(WakeReason, Rewind)> {
        if change == Change::None {
            return None;
        }
        self.doubt.moved(true, self.now);
        if self.doubt.is_any() || change == Change::Scattered {
            self.doubted_at.get_or_insert(self.now);
            return None;
        }
        self.active_at = self.now;
        if self.awake || self.is_forced() {
            return None;
        }
        if !self.admits(WakeReason::Picture, &ask) {
            self.doubted_at.get_or_insert(self.now);
            return None;
        }
        self.wake(WakeReason::Picture, Rewind::Previous);
        Some((WakeReason::Picture, self.rewind(Rewind::Previous)))
    }

    /// A glance was taken; if it found somebody, as [`Gate::unit`] would find out at the next picture.
    pub(super) fn glanced(&mut self, ask: impl Ask) -> Option<(WakeReason, Rewind)> {
        let wakes = !self.awake && !self.is_forced() && ask.wanted();
        (wakes && self.admits(WakeReason::Detector, &ask)).then(|| {
            self.wake(WakeReason::Detector, Rewind::Previous);
            (WakeReason::Detector, self.rewind(Rewind::Previous))
        })
    }

    /// Whether the stream's time jumped since this was asked last.
    pub(super) fn take_jump(&mut self) -> bool {
        std::mem::take(&mut self.jumped)
    }

    /// The stream begins anew (a file repeats, the format changed): its time may jump.
    pub(super) fn restart(&mut self) {
        self.last_pts = None;
        self.last_key = None;
    }

    /// Whether a keyframe is expected in time for the heartbeat, or as good as: a group as long as
    /// the heartbeat must not be decoded each time for the sake of its last pictures.
    fn key_is_near(&self) -> bool {
        self.last_key.is_some_and(|last| {
            let next = last + self.group;
            next <= self.analysed_at + self.policy.heartbeat + JITTER && self.now <= next + JITTER
        })
    }

    /// Whether the detector must look at this keyframe.
    fn key_glance_is_due(&mut self) -> bool {
        let due = self.glance_is_due(self.group + self.early);
        if due {
            self.early = Duration::ZERO;
        }
        due
    }

    /// Whether the detector must look now, because the next chance comes `next` later.
    fn glance_is_due(&mut self, next: Duration) -> bool {
        let since = self.now.saturating_sub(self.analysed_at);
        let due = since + next + JITTER >= self.policy.heartbeat;
        if due {
            self.analysed_at = self.now;
        }
        due
    }

    /// Moves the time on; a jump is one step of nothing and a break.
    fn advance(&mut self, pts: Duration) {
        let Some(last) = self.last_pts else {
            self.last_pts = Some(pts);
            return;
        };
        if pts + REORDER < last || pts > last + LONGEST_STEP {
            self.broken |= !self.awake;
            self.jumped = true;
            self.last_pts = Some(pts);
            self.last_key = None;
        } else if pts > last {
            self.step = pts - last;
            self.now += self.step;
            self.last_pts = Some(pts);
        }
    }

    /// Whether the coded picture tells of activity; learns from it.
    fn judge(&mut self, unit: &Unit) -> Activity {
        let activity = self.judge.take(unit, self.doubt.factor(), self.now);
        self.doubt.moved(activity != Activity::None, self.now);
        activity
    }
}

#[cfg(test)]
#[path = "gate/tests.rs"]
mod tests;
