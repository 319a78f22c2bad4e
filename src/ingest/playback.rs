//! A recording from its first picture to its last, for those who only want to look.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Sender, bounded};

use super::{Downstream, Note, Sink, Source, SourceError, SourceErrorKind};
use crate::base::backoff::BackoffPolicy;
use crate::config::types::{
    CameraConfig, Pace, SourceConfig, TrackerConfig, WatchConfig, WatchMode,
};
use crate::model::frame::Frame;
use crate::model::ids::{CameraId, ModelName, NameError};

/// Pictures that may wait; the decoder then waits.
const QUEUE_FRAMES: usize = 2;

enum Message {
    Frame(Box<Frame>),
    Over(Option<SourceError>),
}

struct ToPlayer(Sender<Message>);

impl Sink for ToPlayer {
    fn frame(&self, frame: Frame) {
        // Nobody listens any more after an error: the clip then plays to nobody until it is stopped.
        let _ = self.0.send(Message::Frame(Box::new(frame)));
    }

    fn note(&self, note: Note) {
        let over = match note {
            Note::Opened
            | Note::Format { .. }
            | Note::Woke(_)
            | Note::Asleep
            | Note::KeyframesApart(_) => return,
            Note::Ended => None,
            Note::Failed(error) => Some(error),
        };
        let _ = self.0.send(Message::Over(over));
    }
}

/// Shows every picture of a camera's file, one after the other, to `show`; its error ends it.
///
/// # Errors
/// `show`'s, and [`SourceError`] when the file cannot be played.
pub fn play<E: From<SourceError>>(
    source: &dyn Source,
    camera: &CameraConfig,
    show: &mut dyn FnMut(&Frame) -> Result<(), E>,
) -> Result<(), E> {
    let (send, messages) = bounded(QUEUE_FRAMES);
    let session = source.open(camera, Downstream::unlimited(Arc::new(ToPlayer(send))))?;
    let mut outcome = Ok(());
    for message in &messages {
        match message {
            Message::Frame(frame) => {
                outcome = show(&frame);
                if outcome.is_err() {
                    break;
                }
            }
            Message::Over(error) => {
                outcome = error.map_or(Ok(()), |error| Err(error.into()));
                break;
            }
        }
    }
    // First, so that the decoder's thread does not wait for room while it is stopped.
    drop(messages);
    session.stop();
    outcome
}

/// A camera that is a file, played once and as fast as its pictures are taken.
///
/// # Errors
/// None that can happen: its names are good ones.
pub fn file_camera(path: &Path) -> Result<CameraConfig, SourceError> {
    let bad = |error: NameError| SourceError::new(SourceErrorKind::Other, &error.to_string());
    Ok(CameraConfig {
        id: CameraId::new("recording").map_err(bad)?,
        source: SourceConfig::File {
            path: path.to_owned(),
            pace: Pace::Fast,
            repeat: false,
        },
        model: ModelName::new("none").map_err(bad)?,
        analysis_fps: 1.0,
        analysis_fps_near: 1.0,
        priority: 100,
        decoders: Vec::new(),
        stall_after: Duration::from_secs(20),
        connect_timeout: Duration::from_secs(20),
        backoff: BackoffPolicy {
            first: Duration::from_secs(1),
            ceiling: Duration::from_secs(1),
        },
        // Every picture is to be seen.
        watch: WatchConfig {
            mode: WatchMode::Always,
            ..WatchConfig::default()
        },
        tracker: TrackerConfig::default(),
        calibration: None,
        masks: Vec::new(),
        rules: Vec::new(),
    })
}
