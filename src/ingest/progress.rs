//! How far a session has come, and what its pictures are like.

use std::sync::Arc;
use std::time::Duration;

use gstreamer as gst;
use gstreamer_video as gst_video;

use super::Note;
use super::error::{SourceError, SourceErrorKind};
use super::mask::PrivacyMask;
use super::planes::{GstPlanes, Picture, picture};
use super::routing::Route;
use super::sample::{DEFAULT_STEP, ntp_nanos, stamp, step_of};
use super::timing::{MediaClock, from_file, from_ntp};
use crate::base::clock::Monotonic;
use crate::config::types::Mask;
use crate::model::frame::{Frame, Planes};
use crate::model::time::{CaptureTime, UtcMicros};

/// Of one session.
pub(super) struct Progress {
    index: u64,
    pub(super) media: MediaClock,
    caps: Option<gst::Caps>,
    info: Option<(gst_video::VideoInfo, Picture)>,
    step: Duration,
    decoder: String,
    codec: String,
    told: Option<Note>,
    mask: Option<PrivacyMask>,
    /// Frames since the source was opened or began again.
    pub(super) frames_in_run: u64,
}

/// When a picture came out of the decoder, by all clocks.
#[derive(Clone, Copy)]
pub(super) struct Arrival {
    pub(super) now: Monotonic,
    pub(super) utc: UtcMicros,
    /// The capture time of a file's first frame; none for live sources.
    pub(super) file_start: Option<UtcMicros>,
}

impl Progress {
    /// Of a session that has not begun, of a camera with these masks.
    pub(super) fn new(masks: &[Mask]) -> Self {
        Self {
            index: 0,
            media: MediaClock::default(),
            caps: None,
            info: None,
            step: DEFAULT_STEP,
            decoder: "none".to_owned(),
            codec: "raw".to_owned(),
            told: None,
            mask: PrivacyMask::new(masks),
            frames_in_run: 0,
        }
    }

    /// Notes which decoder the coming frames go through.
    pub(super) fn decodes(&mut self, decoder: &str, codec: &str) {
        decoder.clone_into(&mut self.decoder);
        codec.clone_into(&mut self.codec);
    }

    /// A file begins again.
    pub(super) fn new_run(&mut self) {
        self.media.new_run(self.step);
        self.caps = None;
        self.frames_in_run = 0;
    }

    /// A decoded picture's frame; `pts` is its own time. Its format too, where that was not told yet.
    ///
    /// # Errors
    /// Where it is of a kind that is not read.
    pub(super) fn frame(
        &mut self,
        sample: &gst::Sample,
        route: Route,
        pts: Option<gst::ClockTime>,
        arrival: Arrival,
    ) -> Result<(Option<Note>, Frame), SourceError> {
        let unsupported = |text: &str| SourceError::new(SourceErrorKind::Unsupported, text);
        let (Some(caps), Some(buffer)) = (sample.caps_owned(), sample.buffer_owned()) else {
            return Err(unsupported("a picture without a description or pixels"));
        };
        if self.caps.as_ref() != Some(&caps) {
            self.describe(caps)?;
        }
        let Some((info, picture)) = self.info.clone() else {
            return Err(unsupported("a picture without a description"));
        };
        let (held, probe) = match route {
            Route::Follow(held) => (held, false),
            Route::OutOfSequence(held) => (held, true),
        };
        let arrived = arrival.utc.before(held);
        let stamp = stamp(sample, pts);
        let media_time = if probe {
            self.media.out_of_sequence(stamp)
        } else {
            self.media.next(stamp, self.step)
        };
        let capture = match arrival.file_start {
            Some(start) => from_file(start, media_time),
            None => ntp_nanos(&buffer)
                .and_then(|ntp| from_ntp(ntp, arrived))
                .unwrap_or_else(|| CaptureTime::arrival(arrived)),
        };
        let planes = GstPlanes::map(buffer, &info)
            .ok_or_else(|| unsupported("the decoder's memory cannot be read"))?;
        let planes: Arc<dyn Planes> = match &mut self.mask {
            Some(mask) => mask.painted(&planes, picture.format, picture.size),
            None => Arc::new(planes),
        };
        let frame = Frame {
            index: self.index,
            size: picture.size,
            format: picture.format,
            colorimetry: picture.colorimetry,
            capture,
            media_time,
            arrived: arrival.now,
            held,
            probe,
            planes,
        };
        self.index += u64::from(!probe);
        self.frames_in_run += 1;
        Ok((self.format_note(picture), frame))
    }

    /// Takes the pictures' format.
    fn describe(&mut self, caps: gst::Caps) -> Result<(), SourceError> {
        let found = gst_video::VideoInfo::from_caps(&caps)
            .ok()
            .and_then(|info| picture(&info).map(|picture| (info, picture)));
        let Some((info, picture)) = found else {
            return Err(SourceError::new(
                SourceErrorKind::Unsupported,
                &format!("pictures must be NV12 or I420 with 8 bits, these are {caps}"),
            ));
        };
        self.step = step_of(&info);
        self.info = Some((info, picture));
        self.caps = Some(caps);
        Ok(())
    }

    /// The format, where it was not told yet.
    fn format_note(&mut self, picture: Picture) -> Option<Note> {
        let note = Note::Format {
            size: picture.size,
            decoder: self.decoder.clone(),
            codec: self.codec.clone(),
        };
        if self.told.as_ref() == Some(&note) {
            return None;
        }
        self.told = Some(note.clone());
        Some(note)
    }
}
