//! What becomes of the pictures that the decoder gives, by their presentation time.

use std::collections::VecDeque;
use std::time::Duration;

use gstreamer as gst;

use crate::model::frame::Frame;

/// Keyframes that may be in the decoder at a time.
const KEYS: usize = 4;

/// What becomes of a decoded picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// It is the next one of the sequence; so long ago by the stream's time it came to the gate.
    Follow(Duration),
    /// It may be probed, or was needed only for those after it; so long ago it came, likewise.
    OutOfSequence(Duration),
}

/// Which decoded pictures are handed on, by their presentation time.
#[derive(Debug, Default)]
pub(super) struct OutputRouting {
    /// From here on; none while nobody follows.
    pub(super) from: Option<gst::ClockTime>,
    /// Up to here, exclusively, while the decoder is being emptied before sleep.
    pub(super) until: Option<gst::ClockTime>,
    /// Keyframes that are yet to be compared.
    pub(super) keys: VecDeque<gst::ClockTime>,
    /// Replayed pictures: the time they were fed with and their own. GStreamer's decoders never let
    /// the time of what they give go back, but a replay does.
    pub(super) aliases: VecDeque<(gst::ClockTime, gst::ClockTime)>,
    /// The picture at which the camera woke; those before it were held.
    pub(super) woke_at: gst::ClockTime,
    /// How long ago the keyframe came that is probed now.
    pub(super) probe_age: Duration,
    /// The newest picture out of the sequence.
    pub(super) out_of_sequence: Option<Frame>,
}

impl OutputRouting {
    fn of(&self, pts: gst::ClockTime) -> Route {
        let followed =
            self.from.is_some_and(|from| pts >= from) && self.until.is_none_or(|until| pts < until);
        if !followed {
            return Route::OutOfSequence(self.probe_age);
        }
        Route::Follow(self.woke_at.saturating_sub(pts).into())
    }

    /// The picture's own time, by the time that it came out of the decoder with.
    fn real(&mut self, pts: gst::ClockTime) -> gst::ClockTime {
        let place = self.aliases.iter().position(|(fed, _)| *fed == pts);
        let alias = place.and_then(|place| self.aliases.remove(place));
        alias.map_or(pts, |(_, own)| own)
    }

    /// What becomes of a picture that the decoder gives, and its own time.
    pub(super) fn route(&mut self, pts: Option<gst::ClockTime>) -> (Route, Option<gst::ClockTime>) {
        let Some(pts) = pts else {
            return (Route::Follow(Duration::ZERO), None);
        };
        let own = self.real(pts);
        (self.of(own), Some(own))
    }

    /// The camera wakes: what is shown from `from` on is followed; what came before `woke_at` was held.
    pub(super) fn follow(&mut self, from: gst::ClockTime, woke_at: gst::ClockTime) {
        self.from = Some(from);
        self.woke_at = woke_at;
    }

    /// A keyframe goes into the decoder.
    pub(super) fn key(&mut self, pts: gst::ClockTime) {
        if self.keys.len() >= KEYS {
            self.keys.pop_front();
        }
        self.keys.push_back(pts);
    }

    /// Whether this picture is a keyframe that is yet to be compared; those before it never come.
    pub(super) fn take_key(&mut self, pts: Option<gst::ClockTime>) -> bool {
        let place = self.keys.iter().position(|key| Some(*key) == pts);
        if let Some(place) = place {
            self.keys.drain(..=place);
        }
        place.is_some()
    }

    /// The stream begins anew, and its times do.
    pub(super) fn restart(&mut self) {
        *self = Self {
            from: self.from.map(|_| gst::ClockTime::ZERO),
            ..Self::default()
        };
    }

    /// The stream's time jumped: what is followed now may be earlier.
    pub(super) fn jump(&mut self) {
        self.woke_at = gst::ClockTime::ZERO;
        self.from = self.from.map(|_| gst::ClockTime::ZERO);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> gst::ClockTime {
        gst::ClockTime::from_mseconds(millis)
    }

    const OUT_OF_SEQUENCE: Route = Route::OutOfSequence(Duration::ZERO);
    const NOW: Route = Route::Follow(Duration::ZERO);

    #[test]
    fn a_replay_is_followed_by_its_own_time_and_says_how_long_it_was_held() {
        let mut routing = OutputRouting {
            from: Some(at(0)),
            ..OutputRouting::default()
        };
        assert_eq!(routing.of(at(40)), NOW);
        routing.from = None;
        assert_eq!(routing.of(at(80)), OUT_OF_SEQUENCE);
        routing.from = Some(at(80));
        routing.woke_at = at(120);
        routing.aliases.push_back((at(101), at(80)));
        let own = routing.real(at(101));
        assert_eq!(own, at(80));
        assert_eq!(routing.of(own), Route::Follow(Duration::from_millis(40)));
        assert_eq!(routing.real(at(101)), at(101), "an alias is used once");
        assert_eq!(routing.of(at(120)), NOW);
    }

    #[test]
    fn what_is_before_the_last_keyframe_is_delivered_while_the_decoder_is_emptied() {
        let routing = OutputRouting {
            from: Some(at(0)),
            until: Some(at(80)),
            ..OutputRouting::default()
        };
        assert_eq!(routing.of(at(40)), NOW);
        assert_eq!(routing.of(at(80)), OUT_OF_SEQUENCE);
    }

    #[test]
    fn after_a_jump_back_pictures_are_delivered_again() {
        let mut routing = OutputRouting {
            from: Some(at(500)),
            ..OutputRouting::default()
        };
        assert_eq!(routing.of(at(900)), NOW);
        assert_eq!(routing.of(at(10)), OUT_OF_SEQUENCE);
        routing.jump();
        assert_eq!(routing.of(at(20)), NOW);
    }

    #[test]
    fn keyframes_that_never_come_out_are_forgotten() {
        let mut routing = OutputRouting::default();
        for number in 0..100 {
            routing.key(at(number));
        }
        assert_eq!(routing.keys.len(), KEYS);
        assert_eq!(routing.keys.front(), Some(&at(96)));
    }
}
