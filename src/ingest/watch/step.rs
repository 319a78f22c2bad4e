//! What was decided on a coded picture, performed with the decoder.

use std::time::Duration;

use gst::prelude::*;
use gstreamer as gst;

use super::decide::{Asking, Job, alive, needed, put_off, taken, undecoded};
use super::state::{Held, ProbeTarget, StreamState, is_key};
use crate::ingest::background::Change;
use crate::ingest::deliver::Core;
use crate::ingest::gate::{Action, Unit, UnitKind};
use crate::ingest::gop_ring::Rewind;
use crate::ingest::{Note, Sink};
use crate::model::camera::WakeReason;
use crate::model::frame::Frame;

/// While a camera that woke catches up, its frames come faster than they were taken: each waits
/// this long at most for the one before to be looked at, so that it is not simply replaced.
pub(in crate::ingest) const CATCH_UP_WAIT: Duration = Duration::from_millis(100);

type Flow = Result<gst::FlowSuccess, gst::FlowError>;

/// One coded picture's way through the gate.
pub(in crate::ingest) struct DecodeStep<'s> {
    pub(in crate::ingest) core: &'s Core,
    pub(in crate::ingest) state: &'s mut StreamState,
    /// Where pictures go in.
    pub(in crate::ingest) entry: &'s gst::Pad,
    /// The decoder's own sink pad: the same, or behind a parser.
    pub(in crate::ingest) decoder: &'s gst::Pad,
}

impl DecodeStep<'_> {
    fn sink(&self) -> &dyn Sink {
        self.core.sink()
    }

    /// Does what was decided, and all that comes of it; waits for the sink.
    pub(super) fn whole(mut self, job: Job) -> Flow {
        self.perform(job)?;
        let mut pressed = false;
        while self.catches_up(pressed)? {
            self.core.policy().has_room(CATCH_UP_WAIT);
            pressed = true;
        }
        Ok(gst::FlowSuccess::Ok)
    }

    /// Decodes what a wake left, up to a picture that would replace one that nobody looked at yet;
    /// `pressed`, the first one all the same. True where more is left.
    pub(in crate::ingest) fn catches_up(
        &mut self,
        mut pressed: bool,
    ) -> Result<bool, gst::FlowError> {
        while !self.core.is_over() {
            let Some(next) = self.state.backlog.front() else {
                return Ok(false);
            };
            let waits = !std::mem::take(&mut pressed)
                && needed(self.core, self.state, next.pts)
                && !self.core.policy().has_room(Duration::ZERO);
            if waits {
                return Ok(true);
            }
            if let Some(next) = self.state.backlog.pop_front() {
                self.feed(next)?;
            }
        }
        Ok(false)
    }

    /// Does what was decided; [`DecodeStep::catches_up`] must follow.
    pub(in crate::ingest) fn perform(&mut self, job: Job) -> Flow {
        let Job {
            held, unit, action, ..
        } = job;
        match action {
            Action::Follow => self.feed(held),
            Action::Hold => self.spill(held),
            // Done where it was decided.
            Action::Skip | Action::Keep => Ok(gst::FlowSuccess::Ok),
            Action::Sleep { analyse } => {
                self.fall_asleep(&held);
                self.probe(held, &unit, analyse)
            }
            Action::Look { analyse } => self.probe(held, &unit, analyse),
            Action::CatchUp => self.catch_up(held),
            Action::Wake(reason, from) => self.wake(reason, from, held, &unit),
        }
    }

    /// Decodes a picture.
    fn feed(&mut self, held: Held) -> Flow {
        self.state.fed = self.state.fed.max(held.pts);
        self.state.rests = false;
        self.chain(held.buffer)
    }

    /// Gives the pictures of a replay that lie not behind what the decoder was fed times that do, in
    /// the order of their own: a microsecond apart, so that all of them lie before the next.
    fn alias(&self, items: &mut [Held]) {
        let mut early: Vec<&mut Held> = items
            .iter_mut()
            .filter(|item| item.pts <= self.state.fed)
            .collect();
        early.sort_by_key(|item| item.pts);
        let mut output = self.core.output.lock();
        let aliases = &mut output.routing.aliases;
        aliases.clear();
        let mut fed = self.state.fed;
        for item in early {
            fed += gst::ClockTime::from_useconds(1);
            aliases.push_back((fed, item.pts));
            item.buffer.make_mut().set_pts(fed);
        }
    }

    fn chain(&self, buffer: gst::Buffer) -> Flow {
        self.entry.chain(buffer)
    }

    /// Takes what is left out of the decoder.
    fn drain(&self, at: gst::ClockTime) {
        self.decoder.send_event(gst::event::SegmentDone::new(at));
    }

    fn fall_asleep(&self, key: &Held) {
        self.core.output.lock().routing.until = Some(key.pts);
        self.drain(key.pts);
        let mut output = self.core.output.lock();
        output.routing.from = None;
        output.routing.until = None;
        drop(output);
        self.core.tell(Note::Asleep);
    }

    /// Decodes all that is held and the picture that did not fit.
    fn spill(&mut self, held: Held) -> Flow {
        self.core.stats().spilled.inc();
        self.through(Rewind::Current, Some(held))?;
        self.unused();
        Ok(gst::FlowSuccess::Ok)
    }

    /// Decodes a keyframe of a sleeping camera; it may wake it.
    fn probe(&mut self, held: Held, unit: &Unit, analyse: bool) -> Flow {
        self.alive();
        let (pts, buffer) = (held.pts, held.buffer.clone());
        let gone = self.state.ring.begin(held, unit.bytes);
        self.undecoded(gone);
        self.probe_key(pts, buffer, analyse, Duration::ZERO)
    }

    /// Takes the probe that waited.
    pub(in crate::ingest) fn fulfil(&mut self) -> Flow {
        let Some(pending) = self.state.pending.take() else {
            return Ok(gst::FlowSuccess::Ok);
        };
        let flow = match pending.what {
            ProbeTarget::Newest => self.probe_newest(None),
            ProbeTarget::Key { analyse } => {
                let Some((key, latest)) = self.state.ring.see() else {
                    // It was let go meanwhile.
                    put_off(self.core, self.state, pending);
                    return Ok(gst::FlowSuccess::Ok);
                };
                let age = latest.pts.saturating_sub(key.pts).into();
                let (pts, buffer) = (key.pts, key.buffer.clone());
                self.probe_key(pts, buffer, analyse, age)
            }
        };
        taken(self.core, pending);
        flow
    }

    /// Decodes a keyframe that is in the ring and came so long ago.
    fn probe_key(
        &mut self,
        pts: gst::ClockTime,
        buffer: gst::Buffer,
        analyse: bool,
        age: Duration,
    ) -> Flow {
        self.state.fed = self.state.fed.max(pts);
        self.state.rests = false;
        let Some((frame, change)) = self.decode_alone(pts, buffer, age)? else {
            self.state.blind += 1;
            return Ok(gst::FlowSuccess::Ok);
        };
        self.state.blind = 0;
        let changed = change.max(self.core.changed.take());
        let asking = Asking::of(self.core, self.state.allowance);
        let mut woken = self.state.gate.looked(changed, asking);
        let doubted = self.state.gate.take_suppressed();
        let analyse = analyse || doubted;
        if woken.is_none() && analyse {
            self.sink().probe(frame);
            let asking = Asking::of(self.core, self.state.allowance);
            woken = self.state.gate.glanced(asking);
        } else {
            self.core.stats().unused();
        }
        match woken {
            Some((reason, from)) => self.replay(reason, from),
            None => {
                self.state.rests = true;
                Ok(gst::FlowSuccess::Ok)
            }
        }
    }

    /// The picture of a keyframe that came `age` ago, and how it differs from the background.
    fn decode_alone(
        &self,
        pts: gst::ClockTime,
        buffer: gst::Buffer,
        age: Duration,
    ) -> Result<Option<(Frame, Change)>, gst::FlowError> {
        let stale = self.core.output.lock().begin_probe(age);
        if stale.is_some() {
            self.core.stats().unused();
        }
        let flow = self.chain(buffer);
        let mut output = self.core.output.lock();
        if flow.is_ok() && output.routing.out_of_sequence.is_none() {
            drop(output);
            self.drain(pts);
            output = self.core.output.lock();
        }
        output.routing.probe_age = Duration::ZERO;
        flow.map(|_| output.take_compared())
    }

    /// Decodes what is held of a group that is longer than the heartbeat; the detector gets the
    /// newest picture.
    fn catch_up(&mut self, held: Held) -> Flow {
        self.alive();
        self.probe_newest(Some(held))
    }

    fn probe_newest(&mut self, held: Option<Held>) -> Flow {
        self.through(Rewind::Current, held)?;
        let taken = self.core.output.lock().take_compared();
        if let Some((frame, change)) = taken {
            // Judged with the next picture.
            self.core.changed.note(change);
            self.sink().probe(frame);
        }
        Ok(gst::FlowSuccess::Ok)
    }

    /// Decodes what is held and then this picture, for nobody.
    fn through(&mut self, from: Rewind, held: Option<Held>) -> Flow {
        let (items, gone) = self.state.ring.take(from);
        self.undecoded(gone);
        for item in items.into_iter().chain(held) {
            self.feed(item)?;
        }
        Ok(gst::FlowSuccess::Ok)
    }

    /// Wakes at a picture that is not in the ring yet.
    fn wake(&mut self, reason: WakeReason, from: Rewind, held: Held, unit: &Unit) -> Flow {
        if reason == WakeReason::Discontinuity {
            let gone = self.state.ring.clear();
            self.undecoded(gone);
        }
        if unit.kind == UnitKind::Key {
            let gone = self.state.ring.begin(held, unit.bytes);
            self.undecoded(gone);
            return self.replay(reason, from);
        }
        match self.state.ring.push(held, unit.bytes) {
            Ok(gone) => {
                self.undecoded(gone);
                self.replay(reason, from)
            }
            Err(held) => {
                self.replay(reason, from)?;
                self.state.backlog.push_back(held);
                Ok(gst::FlowSuccess::Ok)
            }
        }
    }

    /// From here on what is held, from there on, is decoded and handed on.
    fn replay(&mut self, reason: WakeReason, from: Rewind) -> Flow {
        let (mut items, gone) = self.state.ring.take(from);
        self.undecoded(gone);
        self.unused();
        self.alias(&mut items);
        // What is shown before the keyframe refers to a group that is not decoded.
        let first = match items.first() {
            Some(item) if is_key(&item.buffer) => Some(item.pts),
            _ => items.iter().map(|item| item.pts).min(),
        };
        let last = items.iter().map(|item| item.pts).max();
        self.core.output.lock().routing.follow(
            first.unwrap_or(gst::ClockTime::ZERO),
            last.unwrap_or(gst::ClockTime::ZERO),
        );
        self.state.blind = 0;
        tracing::debug!(camera = %self.core.id(), reason = reason.name(), pictures = items.len(), "camera wakes");
        self.core.tell(Note::Woke(reason));
        self.state.rests = false;
        self.state.backlog.extend(items);
        Ok(gst::FlowSuccess::Ok)
    }

    /// Lets go of a picture that nobody wants any more.
    fn unused(&self) {
        let stale = self.core.output.lock().routing.out_of_sequence.take();
        if stale.is_some() {
            self.core.stats().unused();
        }
    }

    fn alive(&self) {
        alive(self.core, self.state);
    }

    fn undecoded(&self, pictures: usize) {
        undecoded(self.core, pictures);
    }
}
