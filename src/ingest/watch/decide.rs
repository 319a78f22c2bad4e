//! What is decided on a coded picture, and what of it needs no decoder.

use std::time::Duration;

use gstreamer as gst;

use super::{Course, Held, Watch, is_key, measure};
use crate::ingest::deliver::Core;
use crate::ingest::gate::{Action, Ask, Unit, UnitKind, Urgency};
use crate::ingest::{Allowance, Note};
use crate::model::camera::WakeReason;
use crate::model::coverage::CoverageLevel;

/// After so many keyframes without a picture the camera counts as dead, not as quiet.
const BLIND_KEYFRAMES: u32 = 3;

/// A picture that was decided on, for which the decoder is needed.
#[derive(Debug)]
pub(in crate::ingest) struct Job {
    pub(super) held: Held,
    pub(super) unit: Unit,
    pub(super) action: Action,
    urgency: Urgency,
}

impl Job {
    /// Whether it is a picture of an awake camera and nothing else.
    pub(in crate::ingest) fn is_followed(&self) -> bool {
        self.action == Action::Follow
    }

    /// Whether it can be decoded by itself.
    pub(in crate::ingest) fn is_key(&self) -> bool {
        self.unit.kind == UnitKind::Key
    }
}

/// What the gate asks of the policy.
pub(super) struct Asking<'c> {
    core: &'c Core,
    allowance: Allowance,
}

impl<'c> Asking<'c> {
    /// With what was read for the present picture.
    pub(super) fn of(core: &'c Core, allowance: Allowance) -> Self {
        Self { core, allowance }
    }
}

impl Ask for Asking<'_> {
    fn wanted(&self) -> bool {
        self.core.policy().wanted()
    }

    fn admits(&self, reason: WakeReason) -> bool {
        self.core.policy().admits(reason)
    }

    fn is_plenty(&self) -> bool {
        self.allowance.headroom
    }
}

/// What becomes of a coded picture.
#[derive(Debug)]
pub(in crate::ingest) enum Next {
    /// It is held or was let go: nobody else need do anything.
    Gone,
    /// To the decoder, untouched.
    Through(gst::Buffer),
    /// The decoder is needed.
    Decided(Job),
}

/// Decides on a picture and does at once what needs no decoder.
pub(in crate::ingest) fn judge(core: &Core, buffer: gst::Buffer, h264: bool) -> Next {
    let watch = &core.watch;
    if !watch.admits(core, &buffer, h264) {
        return Next::Gone;
    }
    let allowance = core.policy().allowance();
    if passes(watch, &buffer, allowance.level) {
        return Next::Through(buffer);
    }
    match buffer.pts() {
        Some(pts) => decide(core, watch, buffer, pts, allowance).map_or(Next::Gone, Next::Decided),
        None => Next::Through(buffer),
    }
}

/// A look that waits for somebody who decodes; what there is to look at is in the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) what: Look,
    pub(super) urgency: Urgency,
}

impl Wish {
    /// How much the detector's glance is needed that did not take place. What was only to be
    /// compared the next keyframe shows as well.
    pub(super) fn owes(self) -> Urgency {
        match self.what {
            Look::Key { analyse: false } => Urgency::Spare,
            _ => self.urgency,
        }
    }
}

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// The latest keyframe; the detector too if `analyse`.
    Key { analyse: bool },
    /// All that is held, and the detector at the newest.
    Newest,
}

/// Holds the picture of a job that can wait and takes note of the [wish](Watch::wishes) to look at
/// it, which stands until it is fulfilled, the camera wakes, or the next keyframe comes.
///
/// # Errors
/// The job itself where it cannot wait.
pub(in crate::ingest) fn defer(core: &Core, job: Job) -> Result<(), Job> {
    let watch = &core.watch;
    let mut course = watch.course.lock();
    let what = match job.action {
        Action::Look { analyse } => Look::Key { analyse },
        // Nothing is in the decoder that must come out first.
        Action::Sleep { analyse } if course.rests || course.fed == gst::ClockTime::ZERO => {
            watch.fates.lock().from = None;
            core.tell(Note::Asleep);
            Look::Key { analyse }
        }
        Action::CatchUp => Look::Newest,
        _ => return Err(job),
    };
    alive(core, &course);
    let bytes = job.unit.bytes;
    let gone = if what == Look::Newest {
        match course.ring.push(job.held, bytes) {
            Ok(gone) => gone,
            Err(held) => return Err(Job { held, ..job }),
        }
    } else {
        course.ring.keep(job.held, bytes)
    };
    undecoded(core, gone);
    course.wish = Some(Wish {
        what,
        urgency: job.urgency,
    });
    Ok(())
}

/// Whether the picture goes its way untouched: in always mode, where nothing is to be left out.
fn passes(watch: &Watch, buffer: &gst::Buffer, level: CoverageLevel) -> bool {
    if !watch.always || level != CoverageLevel::Full {
        return false;
    }
    let mut course = watch.course.lock();
    if !course.gate.is_awake() {
        return false;
    }
    if let Some(pts) = buffer.pts() {
        course
            .gate
            .pass(Duration::from_nanos(pts.nseconds()), is_key(buffer));
        course.gate.take_jump();
        course.fed = course.fed.max(pts);
    }
    course.rests = false;
    true
}

/// Decides on a picture that was [admitted](Watch::admits); `None` where no decoder is needed.
fn decide(
    core: &Core,
    watch: &Watch,
    buffer: gst::Buffer,
    pts: gst::ClockTime,
    allowance: Allowance,
) -> Option<Job> {
    let mut course = watch.course.lock();
    let course = &mut *course;
    let unit = measure(&buffer, pts, course.slice);
    let held = Held { buffer, pts };
    if !watch.always && !std::mem::replace(&mut course.told, true) {
        core.tell(Note::Woke(WakeReason::Start));
    }
    if unit.kind == UnitKind::Key && !watch.always {
        watch.fates.lock().key(pts);
    }
    // Its keyframe is as good.
    if unit.kind == UnitKind::Key
        && let Some(wish) = course.wish.take()
    {
        course.gate.put_off(wish.owes());
        if wish.urgency.counts() {
            core.stats().put_off.inc();
        }
    }
    // A comparison that came late, from a decoder with threads of its own.
    let late = watch.changed();
    let action = match course.gate.looked(late, Asking::of(core, allowance)) {
        Some((reason, from)) => Action::Wake(reason, from),
        None => asked(core, watch, course, &unit, allowance),
    };
    let held = match action {
        Action::Follow if unit.kind == UnitKind::NonReference && !needed(core, course, pts) => {
            undecoded(core, 1);
            return None;
        }
        Action::Skip => {
            let_go(core, course);
            return None;
        }
        Action::Keep => {
            alive(core, course);
            let gone = course.ring.keep(held, unit.bytes);
            undecoded(core, gone);
            return None;
        }
        Action::Hold => {
            alive(core, course);
            match course.ring.push(held, unit.bytes) {
                Ok(gone) => {
                    undecoded(core, gone);
                    return None;
                }
                Err(_) if course.gate.overflows() => {
                    let_go(core, course);
                    return None;
                }
                Err(held) => held,
            }
        }
        _ => held,
    };
    // Awake or caught up with, there is nothing left to look at.
    course.wish = None;
    Some(Job {
        held,
        unit,
        action,
        urgency: course.gate.urgency(),
    })
}

/// What the gate says to a picture.
fn asked(
    core: &Core,
    watch: &Watch,
    course: &mut Course,
    unit: &Unit,
    allowance: Allowance,
) -> Action {
    let level = allowance.level;
    let action = course.gate.unit(unit, level, Asking::of(core, allowance));
    if unit.kind == UnitKind::Key && !course.gate.keys_apart().is_zero() {
        core.keyframes_apart(course.gate.keys_apart());
    }
    if course.gate.take_jump() {
        watch.fates.lock().jump();
        if level.is_sparse() || watch.always {
            let gone = course.ring.clear();
            undecoded(core, gone);
        }
    }
    action
}

/// The present picture and all that is held go undecoded.
fn let_go(core: &Core, course: &mut Course) {
    alive(core, course);
    let gone = course.ring.clear();
    undecoded(core, gone + 1);
}

/// Whether anybody would look at the picture; where that cannot be told, yes.
pub(super) fn needed(core: &Core, course: &Course, pts: gst::ClockTime) -> bool {
    let running = course.segment.to_running_time(pts);
    running.is_none_or(|running| core.needs(running.into()))
}

pub(super) fn alive(core: &Core, course: &Course) {
    if course.blind < BLIND_KEYFRAMES {
        core.alive();
    }
}

pub(super) fn undecoded(core: &Core, pictures: usize) {
    if pictures > 0 {
        core.stats().undecoded.inc_by(pictures as u64);
    }
}
