//! A clip's pictures and its truth, as they were written.

use std::path::Path;
use std::sync::Arc;

use crossbeam_channel::{Sender, bounded};
use serde::Deserialize;

use super::RealismError;
use super::score::{Figure, Posture};
use crate::config::types::{CameraConfig, Pace, SourceConfig, WatchConfig, WatchMode};
use crate::config::{self, NoEnvironment};
use crate::infer::InferError;
use crate::ingest::{Note, Sink, Source, SourceError};
use crate::model::frame::Frame;
use crate::model::geometry::Rect;
use crate::sim::film::Clip;

/// Pictures that may wait; the decoder then waits.
const QUEUE_FRAMES: usize = 2;

#[derive(Deserialize)]
struct Line {
    people: Option<Vec<PersonLine>>,
    r#type: String,
}

#[derive(Deserialize)]
struct PersonLine {
    r#box: Option<[f32; 4]>,
    visible_share: Option<f32>,
    truncated: Option<bool>,
    posture: Option<String>,
}

/// Who is in each frame, boxes in pixels.
pub(super) fn truth(file: &Path) -> Result<Vec<Vec<Figure>>, RealismError> {
    let wrong = |why: String| RealismError::Read {
        file: file.to_owned(),
        why,
    };
    let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    let mut frames = Vec::new();
    for (number, line) in text.lines().enumerate() {
        // Events name people by number, so only frames have people to read.
        if !line.starts_with("{\"type\":\"frame\"") {
            continue;
        }
        let line: Line = serde_json::from_str(line)
            .map_err(|error| wrong(format!("line {}: {error}", number + 1)))?;
        debug_assert_eq!(line.r#type, "frame");
        let people = line.people.unwrap_or_default();
        frames.push(people.into_iter().filter_map(figure).collect());
    }
    Ok(frames)
}

fn figure(person: PersonLine) -> Option<Figure> {
    let [left, top, width, height] = person.r#box?;
    Some(Figure {
        pixels: Rect {
            left,
            top,
            width,
            height,
        },
        whole: person.visible_share? >= 0.95 && !person.truncated?,
        posture: Posture::of(person.posture.as_deref().unwrap_or_default()),
    })
}

enum Word {
    Frame(Box<Frame>),
    Over(Option<SourceError>),
}

struct Post(Sender<Word>);

impl Sink for Post {
    fn frame(&self, frame: Frame) {
        // Nobody listens any more after an error: the clip then plays to nobody until it is stopped.
        let _ = self.0.send(Word::Frame(Box::new(frame)));
    }

    fn note(&self, note: Note) {
        let over = match note {
            Note::Opened | Note::Format { .. } | Note::Woke(_) | Note::Asleep => return,
            Note::Ended => None,
            Note::Failed(error) => Some(error),
        };
        let _ = self.0.send(Word::Over(over));
    }
}

/// Plays a clip to its end, every picture.
pub(super) fn play(
    clip: &Clip,
    source: &dyn Source,
    show: &mut dyn FnMut(&Frame) -> Result<(), InferError>,
) -> Result<(), RealismError> {
    let camera = camera(clip)?;
    let (send, words) = bounded(QUEUE_FRAMES);
    let session = source.open(&camera, Arc::new(Post(send)))?;
    let mut outcome = Ok(());
    for word in &words {
        match word {
            Word::Frame(frame) => {
                if let Err(error) = show(&frame) {
                    outcome = Err(error.into());
                    break;
                }
            }
            Word::Over(error) => {
                outcome = error.map_or(Ok(()), |error| Err(error.into()));
                break;
            }
        }
    }
    // First, so that the decoder's thread does not wait for room while it is stopped.
    drop(words);
    session.stop();
    outcome
}

fn camera(clip: &Clip) -> Result<CameraConfig, RealismError> {
    let wrong = |why: String| RealismError::Read {
        file: clip.config.clone(),
        why,
    };
    let loaded =
        config::load(&clip.config, &NoEnvironment).map_err(|errors| wrong(errors.to_string()))?;
    let camera = loaded.config.cameras.values().next();
    let camera = camera.ok_or_else(|| wrong("it has no camera".to_owned()))?;
    let video = clip
        .video
        .clone()
        .ok_or_else(|| wrong("the clip has no video".to_owned()))?;
    Ok(CameraConfig {
        source: SourceConfig::File {
            path: video,
            pace: Pace::Fast,
            repeat: false,
        },
        // Every picture is to be seen.
        watch: WatchConfig {
            mode: WatchMode::Always,
            ..camera.watch
        },
        ..CameraConfig::clone(camera)
    })
}
