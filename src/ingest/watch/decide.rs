//! What is decided on a coded picture, and what of it needs no decoder.

use std::time::Duration;

use gstreamer as gst;

use super::state::{Held, PendingProbe, ProbeTarget, StreamState, is_key};
use crate::ingest::deliver::Core;
use crate::ingest::error::{SourceError, SourceErrorKind};
use crate::ingest::gate::{Action, Ask, Unit, UnitKind, Urgency};
use crate::ingest::slice::Verdict;
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
    /// With what was read for the latest coded picture.
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
pub(in crate::ingest) fn judge(
    core: &Core,
    state: &mut StreamState,
    buffer: gst::Buffer,
    h264: bool,
) -> Next {
    if !admits(core, state, &buffer, h264) {
        return Next::Gone;
    }
    state.allowance = core.policy().allowance();
    if passes(state, &buffer) {
        return Next::Through(buffer);
    }
    match buffer.pts() {
        Some(pts) => decide(core, state, buffer, pts).map_or(Next::Gone, Next::Decided),
        None => Next::Through(buffer),
    }
}

/// Whether the picture can be one of the stream; notes what was read of it. An H.264 keyframe that is
/// none goes undecoded; where pictures do not follow on each other the source has failed.
fn admits(core: &Core, state: &mut StreamState, buffer: &gst::Buffer, h264: bool) -> bool {
    let map = buffer.map_readable().ok().filter(|_| h264);
    state.slice = map.and_then(|map| state.reader.read(map.as_slice()));
    let Some(slice) = state.slice else {
        return true;
    };
    match state.continuity.take(&slice) {
        Verdict::Sound => return true,
        Verdict::Senseless => undecoded(core, 1),
        Verdict::Broken => core.fail(SourceError::new(
            SourceErrorKind::Decode,
            "the pictures do not follow on each other; what comes is no H.264 stream",
        )),
    }
    false
}

/// Holds the picture of a job that can wait and takes note of the [probe](PendingProbe) that it is for,
/// which stands until it is taken, the camera wakes, or the next keyframe comes.
///
/// # Errors
/// The job itself where it cannot wait.
pub(in crate::ingest) fn defer(core: &Core, state: &mut StreamState, job: Job) -> Result<(), Job> {
    let what = match job.action {
        Action::Look { analyse } => ProbeTarget::Key { analyse },
        // Nothing is in the decoder that must come out first.
        Action::Sleep { analyse } if state.rests || state.fed == gst::ClockTime::ZERO => {
            core.output.lock().routing.from = None;
            core.tell(Note::Asleep);
            ProbeTarget::Key { analyse }
        }
        Action::CatchUp => ProbeTarget::Newest,
        _ => return Err(job),
    };
    alive(core, state);
    let bytes = job.unit.bytes;
    let gone = if what == ProbeTarget::Newest {
        match state.ring.push(job.held, bytes) {
            Ok(gone) => gone,
            Err(held) => return Err(Job { held, ..job }),
        }
    } else {
        state.ring.keep(job.held, bytes)
    };
    undecoded(core, gone);
    state.pending = Some(PendingProbe {
        what,
        urgency: job.urgency,
    });
    Ok(())
}

/// A pending probe does not take place.
pub(super) fn put_off(core: &Core, state: &mut StreamState, pending: PendingProbe) {
    state.gate.put_off(pending.owes());
    if pending.urgency.counts() {
        core.stats().probes_deferred.inc();
    }
}

/// A pending probe took place.
pub(super) fn taken(core: &Core, pending: PendingProbe) {
    if pending.urgency.counts() {
        core.stats().probes_taken.inc();
    }
}

/// Whether the picture goes its way untouched: in always mode, where nothing is to be left out.
fn passes(state: &mut StreamState, buffer: &gst::Buffer) -> bool {
    if !state.always || state.allowance.level != CoverageLevel::Full {
        return false;
    }
    if !state.gate.is_awake() {
        return false;
    }
    if let Some(pts) = buffer.pts() {
        state
            .gate
            .pass(Duration::from_nanos(pts.nseconds()), is_key(buffer));
        state.gate.take_jump();
        state.fed = state.fed.max(pts);
    }
    state.rests = false;
    true
}

/// Decides on a picture that was [admitted](admits); `None` where no decoder is needed.
fn decide(
    core: &Core,
    state: &mut StreamState,
    buffer: gst::Buffer,
    pts: gst::ClockTime,
) -> Option<Job> {
    let unit = state.measure(&buffer, pts);
    let held = Held { buffer, pts };
    if !state.always && !std::mem::replace(&mut state.told, true) {
        core.tell(Note::Woke(WakeReason::Start));
    }
    if unit.kind == UnitKind::Key && !state.always {
        core.output.lock().routing.key(pts);
    }
    // Its keyframe is as good.
    if unit.kind == UnitKind::Key
        && let Some(pending) = state.pending.take()
    {
        put_off(core, state, pending);
    }
    // A comparison that came late, from a decoder with threads of its own.
    let late = core.changed.take();
    let action = match state.gate.looked(late, Asking::of(core, state.allowance)) {
        Some((reason, from)) => Action::Wake(reason, from),
        None => asked(core, state, &unit),
    };
    let held = match action {
        Action::Follow if unit.kind == UnitKind::NonReference && !needed(core, state, pts) => {
            undecoded(core, 1);
            return None;
        }
        Action::Skip => {
            let_go(core, state);
            return None;
        }
        Action::Keep => {
            alive(core, state);
            let gone = state.ring.keep(held, unit.bytes);
            undecoded(core, gone);
            return None;
        }
        Action::Hold => {
            alive(core, state);
            match state.ring.push(held, unit.bytes) {
                Ok(gone) => {
                    undecoded(core, gone);
                    return None;
                }
                Err(_) if state.gate.overflows() => {
                    let_go(core, state);
                    return None;
                }
                Err(held) => held,
            }
        }
        _ => held,
    };
    // Awake or caught up with, there is nothing left to probe.
    state.pending = None;
    Some(Job {
        held,
        unit,
        action,
        urgency: state.gate.urgency(),
    })
}

/// What the gate says to a picture.
fn asked(core: &Core, state: &mut StreamState, unit: &Unit) -> Action {
    let level = state.allowance.level;
    let asking = Asking::of(core, state.allowance);
    let action = state.gate.unit(unit, level, asking);
    if unit.kind == UnitKind::Key && !state.gate.keys_apart().is_zero() {
        core.keyframes_apart(state.gate.keys_apart());
    }
    if state.gate.take_jump() {
        core.output.lock().routing.jump();
        if level.is_sparse() || state.always {
            let gone = state.ring.clear();
            undecoded(core, gone);
        }
    }
    action
}

/// The present picture and all that is held go undecoded.
fn let_go(core: &Core, state: &mut StreamState) {
    alive(core, state);
    let gone = state.ring.clear();
    undecoded(core, gone + 1);
}

/// Whether anybody would look at the picture; where that cannot be told, yes.
pub(super) fn needed(core: &Core, state: &StreamState, pts: gst::ClockTime) -> bool {
    let running = state.segment.to_running_time(pts);
    running.is_none_or(|running| core.needs(running.into()))
}

pub(super) fn alive(core: &Core, state: &StreamState) {
    if state.blind < BLIND_KEYFRAMES {
        core.alive();
    }
}

pub(super) fn undecoded(core: &Core, pictures: usize) {
    if pictures > 0 {
        core.stats().undecoded.inc_by(pictures as u64);
    }
}
