//! A clip's pictures and its truth, as they were written.

use std::path::Path;

use serde::Deserialize;

use super::error::RealismError;
use super::score::Figure;
use parapet::config::types::{CameraConfig, Pace, SourceConfig, WatchConfig, WatchMode};
use parapet::config::{self, NoEnvironment};
use parapet::infer::InferError;
use parapet::ingest::{Source, playback};
use parapet::model::frame::Frame;
use parapet::model::geometry::Rect;
use parapet::model::posture::Posture;
use parapet_sim::export::Clip;

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

/// Plays a clip to its end, every picture.
pub(super) fn play(
    clip: &Clip,
    source: &dyn Source,
    show: &mut dyn FnMut(&Frame) -> Result<(), InferError>,
) -> Result<(), RealismError> {
    let camera = camera(clip)?;
    playback::play(source, &camera, &mut |frame| {
        show(frame).map_err(Into::into)
    })
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
