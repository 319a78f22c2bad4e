//! Where a viewer is in a camera's endless playback, and when the next picture is due. Times are
//! nanoseconds of the server's clock, signed: a playback may have begun before that clock did. Pure.

use std::sync::Arc;

use super::fault::Picture;
use super::looped::Place;
use super::packets::{Stream, Unit};

/// A picture to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    /// Which unit of the stream.
    pub(super) unit: usize,
    /// When it is sent.
    pub(super) send_nanos: i128,
    /// When it is shown.
    pub(super) show_nanos: i128,
}

#[derive(Debug)]
pub(super) struct Playback {
    pub(super) stream: Arc<Stream>,
    pub(super) picture: Picture,
    /// When the first round's first nanosecond was.
    zero_nanos: i128,
    place: Place,
    next: Due,
    keyframe: usize,
    rounds: u32,
}

impl Playback {
    /// Begins with the latest keyframe at or before `position` of the endless playback, now: a camera
    /// codes a keyframe when somebody asks for pictures.
    pub(super) fn at(
        stream: Arc<Stream>,
        picture: Picture,
        position_nanos: u128,
        now_nanos: i128,
    ) -> Self {
        let within = position_nanos % u128::from(stream.length);
        let first = stream.keyframe_before(u64::try_from(within).unwrap_or(0));
        let mut place = Place::beginning_at(first);
        let begun = stream.units.get(first).map_or(0, |unit| unit.timing.dts);
        let zero_nanos = now_nanos - i128::from(begun);
        let next = take(&stream, &mut place, zero_nanos);
        Self {
            stream,
            picture,
            zero_nanos,
            place,
            next,
            keyframe: first,
            rounds: 0,
        }
    }

    /// The picture that is due next.
    pub(super) fn next(&self) -> Due {
        self.next
    }

    pub(super) fn unit(&self, due: Due) -> Option<&Unit> {
        self.stream.units.get(due.unit)
    }

    /// The latest keyframe that was due.
    pub(super) fn keyframe(&self) -> usize {
        self.keyframe
    }

    /// How often it has begun again.
    pub(super) fn rounds(&self) -> u32 {
        self.rounds
    }

    /// Goes on by one picture.
    pub(super) fn advance(&mut self) {
        self.next = take(&self.stream, &mut self.place, self.zero_nanos);
        self.rounds = self.rounds.saturating_add(u32::from(self.next.unit == 0));
        if self.is_keyframe() {
            self.keyframe = self.next.unit;
        }
    }

    /// Leaves pictures out up to the first keyframe that is not in the past; how many.
    pub(super) fn catch_up(&mut self, now_nanos: i128) -> u64 {
        let mut skipped = 0;
        while self.next.send_nanos < now_nanos || !self.is_keyframe() {
            self.advance();
            skipped += 1;
        }
        skipped
    }

    /// Whether the picture that is due next decodes by itself.
    pub(super) fn is_keyframe(&self) -> bool {
        self.unit(self.next).is_none_or(|unit| unit.keyframe)
    }
}

fn take(stream: &Stream, place: &mut Place, zero_nanos: i128) -> Due {
    let (unit, offset) = place.advance(stream.units.len(), stream.length);
    let (send, show) = stream
        .units
        .get(unit)
        .map_or((0, 0), |unit| (unit.timing.dts, unit.timing.pts));
    let round = zero_nanos + i128::from(offset);
    Due {
        unit,
        send_nanos: round + i128::from(send),
        show_nanos: round + i128::from(show),
    }
}
