//! Who is looked at less when there is not enough for all. Pure: loads, cameras and times go in,
//! levels and announcements come out; [`governor_loop`](super::governor_loop) measures and performs.
//!
//! ```text
//!   load at or above 1 ───────────▶ the mark moves on: so many cameras lose a level that the
//!                                   load should fall to 0.9; then it waits for the effect
//!   load for a while below 0.9 ───▶ the mark moves back, as far as the load should stay below
//!                                   0.85 (below 0.8 by one step in any case): at most twice the
//!                                   work, at most one level for each that is awake; then it
//!                                   waits, and while the load stays low goes on
//! ```
//!
//! A machine that a sleeping fleet keeps busy by more than 0.8 for good gives levels back all the
//! same: those of sleeping cameras cost next to nothing.
//!
//! The declared order is that of [`ladder`]: a class of cameras gives all that it has, down to the
//! heartbeat, before the next one gives anything. Classes are ordered by priority (lowest first);
//! within a priority cameras on which somebody is followed or an incident is open come last, and
//! of the others those in watch mode before those that are always decoded. Within a class all
//! lose one level before one of them loses the next. So no camera is worse off than one of lower
//! priority, ever, and what one camera does never changes the level of another.
//!
//! When what was given back had to be taken again soon after, the next wait is twice as long, up
//! to [`LONGEST_WAIT`], and is kept before each step to the point that was too much and beyond it: under
//! a load that lies between two levels the changes become rare. A return beyond that point then halves
//! the wait again.

mod announce;
mod camera;
mod ladder;
mod load;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

pub(super) use announce::{Announcement, Summary};
pub(super) use camera::GovernedCamera;
use ladder::{Class, Ladder, Step};
pub(super) use load::{Inference, Load, demand};

use crate::base::clock::Monotonic;
use crate::model::coverage::CoverageLevel;
use crate::model::ids::CameraId;

/// At or above it cameras lose levels; 1 is all that there is.
const HIGH: f64 = 1.0;
/// Below it they may get back one at least, whatever it costs.
const LOW: f64 = 0.8;
/// Below it, and with all at their full rates, there is headroom.
const HEADROOM: f64 = 0.7;
/// Where a loss of levels is to bring the load.
const AIM_DOWN: f64 = 0.9;
/// What a return of levels may bring it to.
const AIM_UP: f64 = 0.85;
/// At most this share of the work is shed at once, and so much more is taken on at once.
const MAX_SHED: f64 = 0.5;
const MAX_GAIN: f64 = 1.0;
/// A single measurement counts as this at most, so that a hitch is no overload.
const MAX_LOAD: f64 = 2.0;
/// Measurements are smoothed over this (exponentially).
const SMOOTHING: Duration = Duration::from_secs(3);
/// The load must have been high for this long.
const HOT_FOR: Duration = Duration::from_secs(2);
/// A change needs this long to show: a keyframe must come, batches must empty.
const SETTLE: Duration = Duration::from_secs(6);
/// A camera counts as active for this long after somebody was last followed on it.
const ACTIVE_FOR: Duration = Duration::from_secs(30);
/// The longest wait before something is given back.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// A camera's new level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) camera: CameraId,
    pub(super) from: CoverageLevel,
    pub(super) to: CoverageLevel,
}

/// What comes of one evaluation.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Decision {
    pub(super) changes: Vec<Change>,
    pub(super) announcement: Option<Announcement>,
    /// There is so much for all that what nobody counts on may be looked at.
    pub(super) headroom: bool,
}

/// The policy's settings.
#[derive(Clone, Copy, Debug)]
pub(super) struct GovernorPolicy {
    pub(super) recover_after: Duration,
    pub(super) update_every: Duration,
}

/// One node's governor.
#[derive(Debug)]
pub(super) struct Governor {
    policy: GovernorPolicy,
    /// The last step of the ladder that was taken; none while all have their full rate.
    mark: Option<Step>,
    load: f64,
    evaluated_at: Option<Monotonic>,
    hot_since: Option<Monotonic>,
    calm_since: Option<Monotonic>,
    changed_at: Option<Monotonic>,
    returned_at: Option<Monotonic>,
    /// The mark that was too much last time, which may be that of full rates.
    too_far: Option<Option<Step>>,
    wait: Duration,
    /// Until when a camera counts as active.
    active_until: BTreeMap<CameraId, Monotonic>,
    announcer: announce::Announcer,
}

impl Governor {
    pub(super) fn new(policy: GovernorPolicy) -> Self {
        Self {
            policy,
            mark: None,
            load: 0.0,
            evaluated_at: None,
            hot_since: None,
            calm_since: None,
            changed_at: None,
            returned_at: None,
            too_far: None,
            wait: policy.recover_after,
            active_until: BTreeMap::new(),
            announcer: announce::Announcer::new(policy.update_every),
        }
    }

    /// Takes the load of the time since the last evaluation and says what changes.
    pub(super) fn evaluate(
        &mut self,
        now: Monotonic,
        load: Load,
        cameras: &[GovernedCamera],
    ) -> Decision {
        self.smooth(now, load);
        let classes = self.classes(now, cameras);
        if self.is_time_to_shed(now) {
            self.shed(now, &classes);
        } else if self.is_time_to_return(now) {
            self.try_to_give_back(now, &classes);
        }
        let mut changes = Vec::new();
        let summary = Summary::of(classes.iter().map(|(camera, class)| {
            let (from, to) = (camera.level, self.level(camera, *class));
            if from != to {
                let camera = camera.id.clone();
                changes.push(Change { camera, from, to });
            }
            (camera.priority, to, camera.overdue)
        }));
        let announcement = self
            .announcer
            .evaluate(now, self.mark.is_some(), summary, load);
        Decision {
            changes,
            announcement,
            headroom: self.mark.is_none() && self.load < HEADROOM,
        }
    }

    /// The last word, when the node stops: a shortage that was announced is over.
    pub(super) fn stop(&mut self, now: Monotonic) -> Option<Announcement> {
        let all_full = Summary::default();
        self.announcer
            .evaluate(now, false, all_full, Load::default())
    }

    fn smooth(&mut self, now: Monotonic, load: Load) {
        let measured = load.pressure().clamp(0.0, MAX_LOAD);
        let passed = self
            .evaluated_at
            .replace(now)
            .map(|before| now.since(before));
        let passed = passed.unwrap_or(Duration::from_secs(1));
        let share = 1.0 - (-passed.as_secs_f64() / SMOOTHING.as_secs_f64()).exp();
        self.load += (measured - self.load) * share;
        let mark = |is: bool, since: &mut Option<Monotonic>| {
            *since = if is { since.or(Some(now)) } else { None };
        };
        mark(self.load >= HIGH, &mut self.hot_since);
        // A little more for a moment does not end a calm that lasts.
        let calm = match self.calm_since {
            Some(_) => self.load < AIM_DOWN,
            None => self.load < AIM_UP,
        };
        mark(calm, &mut self.calm_since);
    }

    fn level(&self, camera: &GovernedCamera, class: Class) -> CoverageLevel {
        ladder::level(self.mark, class, camera.id.rank())
    }

    /// Each camera's place in the order.
    fn classes<'c>(
        &mut self,
        now: Monotonic,
        cameras: &'c [GovernedCamera],
    ) -> Vec<(&'c GovernedCamera, Class)> {
        for camera in cameras.iter().filter(|camera| camera.active) {
            let until = now.after(ACTIVE_FOR);
            self.active_until.insert(camera.id.clone(), until);
        }
        self.active_until.retain(|_, until| *until > now);
        let place = |camera: &'c GovernedCamera| {
            let class = Class {
                priority: camera.priority,
                active: self.active_until.contains_key(&camera.id),
                always: camera.always,
            };
            (camera, class)
        };
        cameras.iter().map(place).collect()
    }

    fn is_time_to_shed(&self, now: Monotonic) -> bool {
        let settled = self.changed_at.is_none_or(|at| now.since(at) >= SETTLE);
        let hot = self.hot_since.is_some_and(|at| now.since(at) >= HOT_FOR);
        settled && hot
    }

    /// Whether something may be given back, as far as it was not too much before.
    fn is_time_to_return(&self, now: Monotonic) -> bool {
        // One return that went well is followed by the next.
        let goes_on = self.returned_at.is_some() && self.returned_at == self.changed_at;
        let wait = if goes_on {
            self.wait.min(SETTLE)
        } else {
            self.wait
        };
        self.mark.is_some() && self.was_calm_for(now, wait)
    }

    fn was_calm_for(&self, now: Monotonic, wait: Duration) -> bool {
        let waited = self.changed_at.is_none_or(|at| now.since(at) >= wait);
        waited && self.calm_since.is_some_and(|at| now.since(at) >= wait)
    }

    fn shed(&mut self, now: Monotonic, cameras: &[(&GovernedCamera, Class)]) {
        let ladder = Ladder::of(cameras);
        let share = (1.0 - AIM_DOWN / self.load).min(MAX_SHED);
        let (mark, left) = ladder.down(self.mark, share);
        if mark == self.mark {
            return;
        }
        match self.returned_at.take() {
            // Taken again soon after it was given back: it was too early.
            Some(at) if now.since(at) < self.wait * 4 => {
                self.too_far = Some(self.mark);
                let longest = LONGEST_WAIT.max(self.policy.recover_after);
                self.wait = (self.wait * 2).min(longest);
            }
            Some(_) => (self.too_far, self.wait) = (None, self.policy.recover_after),
            // The same shortage, which deepens.
            None => {}
        }
        self.moved(now, mark, left);
    }

    fn try_to_give_back(&mut self, now: Monotonic, cameras: &[(&GovernedCamera, Class)]) {
        let ladder = Ladder::of(cameras);
        let share = (AIM_UP / self.load.max(0.01) - 1.0).clamp(0.0, MAX_GAIN);
        let (mark, more) = ladder.up(self.mark, share, self.load < LOW);
        if mark == self.mark {
            return;
        }
        let was_too_much = self.too_far.is_some_and(|too_far| mark <= too_far);
        if was_too_much && !self.was_calm_for(now, self.wait) {
            return;
        }
        if self.too_far.is_some_and(|too_far| mark < too_far) {
            self.wait = (self.wait / 2).max(self.policy.recover_after);
        }
        self.returned_at = Some(now);
        self.moved(now, mark, more);
        // One step in any case may be believed to cost far more than there is: only a measurement
        // takes it back.
        self.load = self.load.min(AIM_UP);
    }

    /// The load should become `factor` of what it was; measurements will tell.
    fn moved(&mut self, now: Monotonic, mark: Option<Step>, factor: f64) {
        self.mark = mark;
        self.load *= factor;
        self.changed_at = Some(now);
        self.hot_since = None;
        if self.mark.is_none() {
            self.calm_since = None;
        }
    }
}
