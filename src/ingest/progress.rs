//! How far a session has come, and what its pictures are like.

use std::time::Duration;

use gstreamer as gst;
use gstreamer_video as gst_video;

use super::Note;
use super::error::{SourceError, SourceErrorKind};
use super::planes::{Picture, picture};
use super::sample::{DEFAULT_STEP, step_of};
use super::timing::MediaClock;

/// Of one session.
pub(super) struct Progress {
    pub(super) index: u64,
    pub(super) media: MediaClock,
    pub(super) caps: Option<gst::Caps>,
    pub(super) info: Option<(gst_video::VideoInfo, Picture)>,
    pub(super) step: Duration,
    pub(super) decoder: String,
    pub(super) codec: String,
    pub(super) told: Option<Note>,
    pub(super) frames_in_run: u64,
}

impl Progress {
    /// Of a session that has not begun.
    pub(super) fn new() -> Self {
        Self {
            index: 0,
            media: MediaClock::default(),
            caps: None,
            info: None,
            step: DEFAULT_STEP,
            decoder: "none".to_owned(),
            codec: "raw".to_owned(),
            told: None,
            frames_in_run: 0,
        }
    }

    /// Takes the pictures' format.
    ///
    /// # Errors
    /// Where they are of a kind that is not read.
    pub(super) fn describe(&mut self, caps: gst::Caps) -> Result<(), SourceError> {
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
    pub(super) fn format_note(&mut self, picture: Picture) -> Option<Note> {
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
