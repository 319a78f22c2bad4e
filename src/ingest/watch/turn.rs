//! What was decided on a coded picture, performed with the decoder.

use std::sync::atomic::Ordering;
use std::time::Duration;

use gst::prelude::*;
use gstreamer as gst;

use super::decide::{Asking, Job, Look, alive, needed, undecoded};
use super::{CATCH_UP_WAIT, Course, Held, Watch, is_key};
use crate::ingest::deliver::Core;
use crate::ingest::gate::{Action, Unit, UnitKind};
use crate::ingest::gop_ring::Rewind;
use crate::ingest::{Allowance, Note, Sink};
use crate::model::camera::WakeReason;
use crate::model::frame::Frame;

type Flow = Result<gst::FlowSuccess, gst::FlowError>;

/// One coded picture's way through the gate.
pub(in super::super) struct Turn<'t> {
    pub(in super::super) core: &'t Core,
    pub(in super::super) watch: &'t Watch,
    /// Where pictures go in.
    pub(in super::super) entry: &'t gst::Pad,
    /// The decoder's own sink pad: the same, or behind a parser.
    pub(in super::super) decoder: &'t gst::Pad,
}

impl Turn<'_> {
    fn sink(&self) -> &dyn Sink {
        self.core.sink()
    }

    /// Does what was decided, and all that comes of it; waits for the sink.
    pub(super) fn whole(&self, job: Job) -> Flow {
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
    pub(in super::super) fn catches_up(&self, mut pressed: bool) -> Result<bool, gst::FlowError> {
        while !self.core.is_over() {
            let mut course = self.watch.course.lock();
            let Some(next) = course.backlog.front() else {
                return Ok(false);
            };
            let waits = !std::mem::take(&mut pressed)
                && needed(self.core, &course, next.pts)
                && !self.core.policy().has_room(Duration::ZERO);
            if waits {
                return Ok(true);
            }
            if let Some(next) = course.backlog.pop_front() {
                self.feed(&mut course, next)?;
            }
        }
        Ok(false)
    }

    /// Does what was decided; [`Turn::catches_up`] must follow.
    pub(in super::super) fn perform(&self, job: Job) -> Flow {
        let mut course = self.watch.course.lock();
        let course = &mut *course;
        let Job {
            held, unit, action, ..
        } = job;
        match action {
            Action::Follow => self.feed(course, held),
            Action::Hold => self.spill(course, held),
            // Done where it was decided.
            Action::Skip | Action::Keep => Ok(gst::FlowSuccess::Ok),
            Action::Sleep { analyse } => {
                self.fall_asleep(&held);
                self.look(course, held, &unit, analyse)
            }
            Action::Look { analyse } => self.look(course, held, &unit, analyse),
            Action::CatchUp => self.catch_up(course, held),
            Action::Wake(reason, from) => self.wake(course, reason, from, held, &unit),
        }
    }

    /// Decodes a picture.
    fn feed(&self, course: &mut Course, held: Held) -> Flow {
        course.fed = course.fed.max(held.pts);
        course.rests = false;
        self.chain(held.buffer)
    }

    /// Gives the pictures of a replay that lie not behind what the decoder was fed times that do, in the order of their own: a microsecond apart, so that all of them lie before the next.
    fn alias(&self, course: &Course, items: &mut [Held]) {
        let mut early: Vec<&mut Held> = items
            .iter_mut()
            .filter(|item| item.pts <= course.fed)
            .collect();
        early.sort_by_key(|item| item.pts);
        let mut fates = self.watch.fates.lock();
        fates.aliases.clear();
        let mut fed = course.fed;
        for item in early {
            fed += gst::ClockTime::from_useconds(1);
            fates.aliases.push_back((fed, item.pts));
            item.buffer.make_mut().set_pts(fed);
        }
    }

    fn chain(&self, buffer: gst::Buffer) -> Flow {
        self.watch.passing.store(true, Ordering::Release);
        let flow = self.entry.chain(buffer);
        self.watch.passing.store(false, Ordering::Release);
        flow
    }

    /// Takes what is left out of the decoder.
    fn drain(&self, at: gst::ClockTime) {
        self.watch.passing.store(true, Ordering::Release);
        self.decoder.send_event(gst::event::SegmentDone::new(at));
        self.watch.passing.store(false, Ordering::Release);
    }

    fn fall_asleep(&self, key: &Held) {
        self.watch.fates.lock().until = Some(key.pts);
        self.drain(key.pts);
        let mut fates = self.watch.fates.lock();
        fates.from = None;
        fates.until = None;
        drop(fates);
        self.core.tell(Note::Asleep);
    }

    /// Decodes all that is held and the picture that did not fit.
    fn spill(&self, course: &mut Course, held: Held) -> Flow {
        self.core.stats().spilled.inc();
        self.through(course, Rewind::Current, Some(held))?;
        self.unused();
        Ok(gst::FlowSuccess::Ok)
    }

    /// Decodes a keyframe of a sleeping camera; it may wake it.
    fn look(&self, course: &mut Course, held: Held, unit: &Unit, analyse: bool) -> Flow {
        self.alive(course);
        let (pts, buffer) = (held.pts, held.buffer.clone());
        let gone = course.ring.begin(held, unit.bytes);
        self.undecoded(gone);
        self.look_at(course, pts, buffer, analyse)
    }

    /// Looks at what is held, as was wished.
    pub(in super::super) fn fulfil(&self) -> Flow {
        let mut course = self.watch.course.lock();
        let course = &mut *course;
        let Some(wish) = course.wish.take() else {
            return Ok(gst::FlowSuccess::Ok);
        };
        if wish.what == Look::Newest {
            return self.look_at_newest(course, None);
        }
        let analyse = wish.what == Look::Key { analyse: true };
        let Some((key, latest)) = course.ring.see() else {
            // It was let go meanwhile.
            course.gate.put_off(wish.owes());
            return Ok(gst::FlowSuccess::Ok);
        };
        let (pts, buffer) = (key.pts, key.buffer.clone());
        self.watch.fates.lock().looked_late = latest.pts.saturating_sub(pts).into();
        let flow = self.look_at(course, pts, buffer, analyse);
        self.watch.fates.lock().looked_late = Duration::ZERO;
        flow
    }

    /// Decodes a keyframe that is in the ring.
    fn look_at(
        &self,
        course: &mut Course,
        pts: gst::ClockTime,
        buffer: gst::Buffer,
        analyse: bool,
    ) -> Flow {
        course.fed = course.fed.max(pts);
        course.rests = false;
        self.unused();
        self.chain(buffer)?;
        if self.watch.fates.lock().beside.is_none() {
            self.drain(pts);
        }
        let Some(frame) = self.take_beside() else {
            course.blind += 1;
            return Ok(gst::FlowSuccess::Ok);
        };
        course.blind = 0;
        self.watch.compare(&frame);
        let changed = self.watch.changed();
        let mut woken = course
            .gate
            .looked(changed, Asking::of(self.core, Allowance::FULL));
        let doubted = course.gate.take_doubt();
        let analyse = analyse || doubted;
        if woken.is_none() && analyse {
            self.sink().probe(frame);
            woken = course.gate.glanced(Asking::of(self.core, Allowance::FULL));
        } else {
            self.core.stats().unused();
        }
        match woken {
            Some((reason, from)) => self.replay(course, reason, from),
            None => {
                course.rests = true;
                Ok(gst::FlowSuccess::Ok)
            }
        }
    }

    /// Decodes what is held of a group that is longer than the heartbeat; the detector glances at
    /// the newest picture.
    fn catch_up(&self, course: &mut Course, held: Held) -> Flow {
        self.alive(course);
        self.look_at_newest(course, Some(held))
    }

    fn look_at_newest(&self, course: &mut Course, held: Option<Held>) -> Flow {
        self.through(course, Rewind::Current, held)?;
        if let Some(frame) = self.take_beside() {
            self.watch.compare(&frame);
            self.sink().probe(frame);
        }
        Ok(gst::FlowSuccess::Ok)
    }

    /// Decodes what is held and then this picture, for nobody.
    fn through(&self, course: &mut Course, from: Rewind, held: Option<Held>) -> Flow {
        let (items, gone) = course.ring.take(from);
        self.undecoded(gone);
        for item in items.into_iter().chain(held) {
            self.feed(course, item)?;
        }
        Ok(gst::FlowSuccess::Ok)
    }

    /// Wakes at a picture that is not in the ring yet.
    fn wake(
        &self,
        course: &mut Course,
        reason: WakeReason,
        from: Rewind,
        held: Held,
        unit: &Unit,
    ) -> Flow {
        if reason == WakeReason::Break {
            let gone = course.ring.clear();
            self.undecoded(gone);
        }
        if unit.kind == UnitKind::Key {
            let gone = course.ring.begin(held, unit.bytes);
            self.undecoded(gone);
            return self.replay(course, reason, from);
        }
        match course.ring.push(held, unit.bytes) {
            Ok(gone) => {
                self.undecoded(gone);
                self.replay(course, reason, from)
            }
            Err(held) => {
                self.replay(course, reason, from)?;
                course.backlog.push_back(held);
                Ok(gst::FlowSuccess::Ok)
            }
        }
    }

    /// From here on what is held, from there on, is decoded and handed on.
    fn replay(&self, course: &mut Course, reason: WakeReason, from: Rewind) -> Flow {
        let (mut items, gone) = course.ring.take(from);
        self.undecoded(gone);
        self.unused();
        self.alias(course, &mut items);
        {
            let mut fates = self.watch.fates.lock();
            // What is shown before the keyframe refers to a group that is not decoded.
            let first = match items.first() {
                Some(item) if is_key(&item.buffer) => Some(item.pts),
                _ => items.iter().map(|item| item.pts).min(),
            };
            fates.from = Some(first.unwrap_or(gst::ClockTime::ZERO));
            let last = items.iter().map(|item| item.pts).max();
            fates.woke_at = last.unwrap_or(gst::ClockTime::ZERO);
        }
        course.blind = 0;
        tracing::debug!(camera = %self.core.id(), reason = reason.name(), pictures = items.len(), "camera wakes");
        self.core.tell(Note::Woke(reason));
        course.rests = false;
        course.backlog.extend(items);
        Ok(gst::FlowSuccess::Ok)
    }

    /// Lets go of a picture that nobody wants any more.
    fn unused(&self) {
        if self.take_beside().is_some() {
            self.core.stats().unused();
        }
    }

    fn take_beside(&self) -> Option<Frame> {
        self.watch.fates.lock().beside.take()
    }

    fn alive(&self, course: &Course) {
        alive(self.core, course);
    }

    fn undecoded(&self, pictures: usize) {
        undecoded(self.core, pictures);
    }
}
