//! What comes out of a session's decoders, whichever those are at present: where each picture goes, what
//! its time and form are, and how its keyframes differ from what is usual.
//!
//! A decoder may give its pictures on a thread of its own, so this is shared, behind one lock that is taken
//! once a picture. Nothing is called under it that takes another.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use gstreamer as gst;

use super::Note;
use super::background::{Background, Change};
use super::error::SourceError;
use super::progress::{Arrival, Progress};
use super::routing::OutputRouting;
use crate::config::types::{CameraConfig, WatchMode};
use crate::model::frame::Frame;

/// Of one session.
pub(super) struct Output {
    pub(super) routing: OutputRouting,
    pub(super) progress: Progress,
    /// None in always mode, where nothing is compared.
    background: Option<Background>,
}

/// A picture that came out.
pub(super) struct Decoded {
    /// The format, where it was not told yet.
    pub(super) format: Option<Note>,
    pub(super) frame: Frame,
    /// How a keyframe of the sequence differs.
    pub(super) change: Change,
}

impl Output {
    pub(super) fn new(camera: &CameraConfig) -> Self {
        let compares = camera.watch.mode != WatchMode::Always;
        Self {
            routing: OutputRouting {
                from: Some(gst::ClockTime::ZERO),
                ..OutputRouting::default()
            },
            progress: Progress::new(&camera.masks),
            background: compares.then(|| Background::new(camera.watch.sensitivity)),
        }
    }

    /// Takes a picture over.
    ///
    /// # Errors
    /// Where it is of a kind that is not read.
    pub(super) fn decoded(
        &mut self,
        sample: &gst::Sample,
        arrival: Arrival,
    ) -> Result<Decoded, SourceError> {
        let pts = sample.buffer().and_then(gst::BufferRef::pts);
        let (route, pts) = self.routing.route(pts);
        let (format, frame) = self.progress.frame(sample, route, pts, arrival)?;
        let compared = !frame.probe && self.routing.take_key(pts);
        let change = if compared {
            self.compare(&frame)
        } else {
            Change::None
        };
        Ok(Decoded {
            format,
            frame,
            change,
        })
    }

    /// A keyframe that came `age` ago is decoded for itself; gives what nobody wants any more.
    pub(super) fn begin_probe(&mut self, age: Duration) -> Option<Frame> {
        self.routing.probe_age = age;
        self.routing.out_of_sequence.take()
    }

    /// The picture out of the sequence that came last, and how it differs.
    pub(super) fn take_compared(&mut self) -> Option<(Frame, Change)> {
        let frame = self.routing.out_of_sequence.take()?;
        let change = self.compare(&frame);
        Some((frame, change))
    }

    fn compare(&mut self, frame: &Frame) -> Change {
        let Some(background) = &mut self.background else {
            return Change::None;
        };
        let (luma, stride) = (frame.planes.plane(0), frame.planes.stride(0));
        background.compare(luma, stride, frame.size, frame.media_time)
    }

    /// A file begins again.
    pub(super) fn new_run(&mut self) {
        self.routing.restart();
        self.progress.new_run();
    }
}

/// The largest change that nothing was decided on yet. Read with every coded picture, so it needs no lock.
#[derive(Debug, Default)]
pub(super) struct LatestChange(AtomicU8);

impl LatestChange {
    pub(super) fn note(&self, change: Change) {
        if change != Change::None {
            self.0.fetch_max(change as u8, Ordering::AcqRel);
        }
    }

    pub(super) fn take(&self) -> Change {
        if self.0.load(Ordering::Acquire) == Change::None as u8 {
            return Change::None;
        }
        match self.0.swap(Change::None as u8, Ordering::AcqRel) {
            number if number == Change::None as u8 => Change::None,
            number if number == Change::Scattered as u8 => Change::Scattered,
            _ => Change::Local,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_change_is_taken_once() {
        let latest = LatestChange::default();
        assert_eq!(latest.take(), Change::None);
        for change in [Change::Scattered, Change::Local, Change::None] {
            latest.note(change);
        }
        assert_eq!(
            (latest.take(), latest.take()),
            (Change::Local, Change::None)
        );
        latest.note(Change::Scattered);
        assert_eq!(latest.take(), Change::Scattered);
    }
}
