//! What becomes of the pictures that the decoder gives, by their presentation time.

use std::collections::VecDeque;
use std::time::Duration;

use gstreamer as gst;

use crate::model::frame::Frame;

/// Keyframes that may be in the decoder at a time.
const KEYS: usize = 4;

/// What becomes of a decoded picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Fate {
    /// It is the next one of the sequence; so long ago by the stream's time it came to the gate.
    Follow(Duration),
    /// It may be glanced at, or was needed only for those after it; so long ago it came, likewise.
    Beside(Duration),
}

/// Which decoded pictures are handed on, by their presentation time.
#[derive(Debug, Default)]
pub(super) struct Fates {
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
    /// How long ago the keyframe came that is looked at now.
    pub(super) looked_late: Duration,
    /// The newest picture beside the sequence.
    pub(super) beside: Option<Frame>,
}

impl Fates {
    pub(super) fn of(&self, pts: gst::ClockTime) -> Fate {
        let followed =
            self.from.is_some_and(|from| pts >= from) && self.until.is_none_or(|until| pts < until);
        if !followed {
            return Fate::Beside(self.looked_late);
        }
        Fate::Follow(self.woke_at.saturating_sub(pts).into())
    }

    /// The picture's own time, by the time that it came out of the decoder with.
    pub(super) fn real(&mut self, pts: gst::ClockTime) -> gst::ClockTime {
        let place = self.aliases.iter().position(|(fed, _)| *fed == pts);
        let alias = place.and_then(|place| self.aliases.remove(place));
        alias.map_or(pts, |(_, own)| own)
    }

    /// A keyframe goes into the decoder.
    pub(super) fn key(&mut self, pts: gst::ClockTime) {
        if self.keys.len() >= KEYS {
            self.keys.pop_front();
        }
        self.keys.push_back(pts);
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

    const BESIDE: Fate = Fate::Beside(Duration::ZERO);
    const NOW: Fate = Fate::Follow(Duration::ZERO);

    #[test]
    fn a_replay_is_followed_by_its_own_time_and_says_how_long_it_was_held() {
        let mut fates = Fates {
            from: Some(at(0)),
            ..Fates::default()
        };
        assert_eq!(fates.of(at(40)), NOW);
        fates.from = None;
        assert_eq!(fates.of(at(80)), BESIDE);
        fates.from = Some(at(80));
        fates.woke_at = at(120);
        fates.aliases.push_back((at(101), at(80)));
        let own = fates.real(at(101));
        assert_eq!(own, at(80));
        assert_eq!(fates.of(own), Fate::Follow(Duration::from_millis(40)));
        assert_eq!(fates.real(at(101)), at(101), "an alias is used once");
        assert_eq!(fates.of(at(120)), NOW);
    }

    #[test]
    fn what_is_before_the_last_keyframe_is_delivered_while_the_decoder_is_emptied() {
        let fates = Fates {
            from: Some(at(0)),
            until: Some(at(80)),
            ..Fates::default()
        };
        assert_eq!(fates.of(at(40)), NOW);
        assert_eq!(fates.of(at(80)), BESIDE);
    }

    #[test]
    fn after_a_jump_back_pictures_are_delivered_again() {
        let mut fates = Fates {
            from: Some(at(500)),
            ..Fates::default()
        };
        assert_eq!(fates.of(at(900)), NOW);
        assert_eq!(fates.of(at(10)), BESIDE);
        fates.jump();
        assert_eq!(fates.of(at(20)), NOW);
    }

    #[test]
    fn keyframes_that_never_come_out_are_forgotten() {
        let mut fates = Fates::default();
        for number in 0..100 {
            fates.key(at(number));
        }
        assert_eq!(fates.keys.len(), KEYS);
        assert_eq!(fates.keys.front(), Some(&at(96)));
    }
}
