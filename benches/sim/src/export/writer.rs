//! Draws a scene and writes its files.

use std::fs;
use std::path::{Path, PathBuf};

use super::clip::Clip;
use super::encoder::Encoder;
use super::error::ExportError;
use super::truth::TruthWriter;
use crate::expectation::Expectation;
use crate::render::{Drawn, Renderer, Seen};
use crate::scene::{GroundTruth, Scene, Signal, Timeline, configuration, expectation};
use parapet::model::geometry::Size;

/// What is wanted of a scene besides what it says itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExportOptions {
    pub size: Option<Size>,
    /// Only the first so many seconds.
    pub seconds: Option<f64>,
    /// Another bitrate of the video, in kbit/s.
    pub bitrate_kbps: Option<u32>,
    /// So many seconds before it in which nobody is there.
    pub quiet_before: Option<f64>,
    /// Everything but the video.
    pub truth_only: bool,
    /// The model folder that the written configuration names.
    pub model_folder: PathBuf,
}

/// The scene with the changes of the options.
#[must_use]
pub fn with_options(scene: &Scene, options: &ExportOptions) -> Scene {
    let mut scene = options
        .size
        .map_or_else(|| scene.clone(), |size| scene.resized(size));
    if let Some(seconds) = options.seconds {
        scene.seconds = scene.seconds.min(seconds);
    }
    if let Some(bitrate_kbps) = options.bitrate_kbps {
        scene.encoding.bitrate_kbps = bitrate_kbps;
    }
    if let Some(seconds) = options.quiet_before {
        scene.begin_quietly(seconds);
    }
    scene
}

/// What must come of a scene, without drawing anything.
#[must_use]
pub fn expected(scene: &Scene) -> Expectation {
    let timeline = Timeline::new(scene);
    expectation(&timeline, &GroundTruth::of(&timeline))
}

/// Draws and writes a scene into `folder`, which is made where it is missing. `progress` hears
/// the frames done so far.
///
/// # Errors
/// [`ExportError`]; files written before it stay.
pub fn export_clip(
    scene: &Scene,
    folder: &Path,
    options: &ExportOptions,
    progress: &mut dyn FnMut(u64),
) -> Result<Clip, ExportError> {
    let scene = with_options(scene, options);
    let timeline = Timeline::new(&scene);
    let clip = Clip::of(folder, &scene.stem, options.truth_only);
    fs::create_dir_all(folder).map_err(|source| ExportError::Write {
        file: folder.to_owned(),
        source,
    })?;
    let model = relative(folder, &options.model_folder);
    write(
        &clip.config,
        &configuration(&timeline, &model.to_string_lossy()),
    )?;
    let ground_truth = GroundTruth::of(&timeline);
    let header = format!("Written from the scene {}: do not change.", scene.stem);
    write(
        &clip.expect,
        &expectation(&timeline, &ground_truth).to_toml(&header),
    )?;
    let mut truth = TruthWriter::open(&clip, &timeline)?;
    let mut renderer = Renderer::new(&scene.place, scene.size);
    let encoder = match &clip.video {
        None => None,
        Some(video) => Some(Encoder::open(
            video,
            (scene.size, renderer.matrix()),
            scene.fps,
            scene.encoding,
        )?),
    };
    let mut shown: Option<Shown> = None;
    for frame in 0..scene.frames() {
        let second = timeline.second_of(frame);
        let signal = timeline.signal(second);
        // A scene may begin frozen: then its first picture is what stands.
        if signal == Signal::Live || (signal == Signal::Frozen && shown.is_none()) {
            let moment = timeline.moment(second);
            shown = Some(match encoder {
                Some(_) => Shown::Picture(renderer.draw(&moment, frame)),
                None => Shown::People(renderer.look(&moment, frame)),
            });
        }
        let picture = shown.as_ref().filter(|_| signal != Signal::Lost);
        truth.frame(frame, signal, picture.map(Shown::people))?;
        if let (Some(encoder), Some(Shown::Picture(drawn))) = (&encoder, picture) {
            encoder.push(frame, [&drawn.y, &drawn.u, &drawn.v])?;
        }
        progress(frame + 1);
    }
    if let Some(encoder) = encoder {
        encoder.finish()?;
    }
    truth.finish(&ground_truth)?;
    Ok(clip)
}

/// What a frame shows.
enum Shown {
    Picture(Drawn),
    People(Vec<Seen>),
}

impl Shown {
    fn people(&self) -> &[Seen] {
        match self {
            Self::Picture(drawn) => &drawn.people,
            Self::People(people) => people,
        }
    }
}

fn write(file: &Path, text: &str) -> Result<(), ExportError> {
    fs::write(file, text).map_err(|source| ExportError::Write {
        file: file.to_owned(),
        source,
    })
}

/// The way from a folder to a place, so that both can be moved together; `to` as it is where one
/// of them does not exist.
fn relative(from: &Path, to: &Path) -> PathBuf {
    let (Ok(from), Ok(to)) = (from.canonicalize(), to.canonicalize()) else {
        return to.to_owned();
    };
    let shared = from
        .components()
        .zip(to.components())
        .take_while(|(a, b)| a == b)
        .count();
    let up = from.components().skip(shared).map(|_| "..");
    let way: PathBuf = up.collect();
    way.join(to.components().skip(shared).collect::<PathBuf>())
}
