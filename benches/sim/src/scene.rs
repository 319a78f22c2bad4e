//! Scene files: who does what where, in world metres, and what a camera should make of it.
//!
//! A scene is one TOML file. It is read with every mistake at once (`file:line:column`), unknown
//! keys are mistakes, and compiled to a [`Timeline`], which says what is to be seen at any second;
//! a [`GroundTruth`] says which rules must speak up, by exact geometry of the world and without
//! looking at the daemon's own rules.
//!
//! ```toml
//! seed = 7                     # decides every random choice
//! seconds = 24                 # length
//! fps = 10                     # frames a second (default 10; whole or half numbers)
//! size = [1280, 720]           # default; even, at most 1920 x 1080
//! place = "yard"               # a preset (see `preset.rs`): camera, ground, structures
//! bare = false                 # true drops the preset's patches and structures
//! ground = "asphalt"           # overrides the preset's
//!
//! [encode]                     # all optional
//! codec = "h264"               # or "h265"
//! bitrate_kbps = 2000
//! gop_frames = 25
//!
//! [camera]                     # overrides the preset key by key; degrees and metres
//! at = [0, -4]
//! height = 5.5
//! pan = 90                     # counter-clockwise from east
//! tilt = 19                    # down from the horizon
//! field_of_view = 72           # horizontal
//!
//! [conditions]
//! light = "day"                # day, dusk, night_infrared, indoor; default by place
//! sun = [230, 48]              # compass (counter-clockwise from east) and height, degrees
//! wind = 0.4                   # 0 to 1, as are rain and snow
//! rain = 0.0
//! snow = 0.0
//! visibility = 60              # metres, in fog
//! shake = 0.0                  # standard deviation in picture widths
//!
//! [[patch]]                    # surface, corners
//! [[structure]]                # kind and its keys (see `place.rs`)
//!
//! [[zone]]                     # name, corners in metres or `picture` in 0..=1
//! [[line]]                     # name, path in metres or `picture`
//! [[rule]]                     # name, kind and keys as in Parapet's own configuration
//!
//! [[actor]]                    # name, at, script (see `script.rs`); optional clothing, height,
//!                              # build, heading, appears_seconds, leaves
//! [[crowd]]                    # the same with count, area, spacing, stagger_seconds,
//!                              # speed_spread instead of at; each member keeps the distance from
//!                              # the area's middle in all its ways
//! [[distractor]]               # see `distractors.rs`
//! [[fault]]                    # see `faults.rs`
//! ```

mod actors;
mod body;
mod distractors;
mod faults;
mod ground;
mod ground_truth;
mod lasting;
mod legs;
mod lens;
mod outcome;
mod path;
mod place;
mod preset;
mod quiet;
mod rules;
mod script;
#[cfg(test)]
mod tests;
mod timeline;

use std::path::{Path, PathBuf};

pub use actors::Actor;
pub use distractors::Distractor;
pub use faults::{Failure, FaultKind};
pub use ground_truth::{Due, GroundTruth, Unsure, posture};
pub use legs::Stance;
pub use lens::Lens;
pub use outcome::{configuration, expectation};
pub use rules::{Rule, SceneRules, Shape, Wanted};
pub use script::{Gait, Pose, Spot, Step};
pub use timeline::{Happening, Signal, Timeline};

use crate::world::{Light, Place, Structure};
use parapet::config::problem::{File, Report};
use parapet::config::reader::Table;
use parapet::config::{ConfigErrors, Problem};
use parapet::model::geometry::Size;
use parapet::model::ids::CameraId;

/// How the clip is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoding {
    /// H.265 rather than H.264.
    pub h265: bool,
    /// Kilobits a second, as the camera's setting would be.
    pub bitrate_kbps: u32,
    /// Frames from one keyframe to the next.
    pub gop_frames: u32,
}

/// A scene as its file says it.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// The file's stem: name of the clip and id of its camera.
    pub stem: String,
    /// The file's text; the cache's key depends on it.
    pub text: String,
    /// Decides every random choice.
    pub seed: u64,
    /// Length.
    pub seconds: f64,
    /// Frames a second.
    pub fps: f64,
    pub size: Size,
    /// How the clip is compressed.
    pub encoding: Encoding,
    /// What stands still.
    pub place: Place,
    pub actors: Vec<Actor>,
    pub distractors: Vec<Distractor>,
    /// What goes wrong with the camera.
    pub faults: Vec<Failure>,
    /// What the camera watches.
    pub rules: SceneRules,
}

impl Scene {
    /// How many frames the scene has.
    #[must_use]
    pub fn frames(&self) -> u64 {
        (self.seconds * self.fps).round() as u64
    }

    /// Words for tables per condition: the light, and whatever else makes seeing hard.
    #[must_use]
    pub fn condition_words(&self) -> Vec<&'static str> {
        let conditions = &self.place.conditions;
        let mut words = vec![match conditions.light {
            Light::Day => "day",
            Light::Dusk => "dusk",
            Light::NightInfrared => "night",
            Light::Indoor => "indoor",
        }];
        let foliage = self
            .place
            .structures
            .iter()
            .any(|s| matches!(s, Structure::Tree { .. } | Structure::Bush { .. }));
        for (is, word) in [
            (conditions.rain > 0.0, "rain"),
            (conditions.visibility.is_finite(), "fog"),
            (conditions.snow > 0.0, "snow"),
            (conditions.shake > 0.0, "shake"),
            (conditions.wind >= 0.3, "wind"),
            (conditions.wind >= 0.3 && foliage, "foliage"),
        ] {
            if is {
                words.push(word);
            }
        }
        for distractor in &self.distractors {
            if !words.contains(&distractor.word) {
                words.push(distractor.word);
            }
        }
        words
    }

    /// The same scene in another picture size.
    #[must_use]
    pub fn resized(&self, size: Size) -> Self {
        let mut scene = Self {
            size,
            ..self.clone()
        };
        let lens = scene.lens();
        scene.rules.look_through(&lens);
        scene
    }

    #[must_use]
    pub fn lens(&self) -> Lens {
        Lens::new(&self.place.camera, self.size.aspect())
    }
}

/// Reads and checks a scene file.
///
/// # Errors
/// Everything that is wrong, at once.
pub fn load(path: &Path) -> Result<Scene, ConfigErrors> {
    match std::fs::read_to_string(path) {
        Ok(text) => parse(path, &text),
        Err(error) => Err(ConfigErrors::new(vec![Problem::of_file(
            path,
            format!("cannot be read ({error}): check that it exists and is UTF-8"),
        )])),
    }
}

/// The scene files among `paths`: files as they are, folders by their `*.toml`, sorted.
///
/// # Errors
/// The operating system's, with the folder.
pub fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, std::io::Error> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let mut inside = Vec::new();
        for entry in std::fs::read_dir(path)? {
            let file = entry?.path();
            if file.extension().is_some_and(|ending| ending == "toml") {
                inside.push(file);
            }
        }
        inside.sort();
        files.extend(inside);
    }
    Ok(files)
}

/// Checks the text of a scene file.
///
/// # Errors
/// Everything that is wrong, at once.
pub fn parse(path: &Path, text: &str) -> Result<Scene, ConfigErrors> {
    let report = Report::default();
    let scene = File::parse(path, text, &report).and_then(|file| read(&file, path, text, &report));
    let (problems, _) = report.into_parts();
    match scene {
        Some(scene) if problems.is_empty() => Ok(scene),
        _ => Err(ConfigErrors::new(problems)),
    }
}

fn read(file: &File<'_>, path: &Path, text: &str, report: &Report) -> Option<Scene> {
    let root = Table::root(file, report);
    let stem = path
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    if let Err(error) = CameraId::new(&stem) {
        root.problem(
            root.at,
            format!("the file's name becomes a camera's: {error}"),
        );
    }
    if !root.has("seed") {
        root.missing("seed", "write any whole number");
    }
    if !root.has("seconds") {
        root.missing("seconds", "say how long the scene lasts");
    }
    let seed = root
        .integer("seed", 0..=i64::MAX)
        .map_or(0, |set| set.value.unsigned_abs());
    let seconds = script::number(&root, "seconds", 1.0..=script::SECONDS_MAX, 20.0);
    let fps = fps(&root);
    let size = size(&root);
    let encoding = encoding(&root, size, fps);
    let place = place::read(&root, seed);
    let lens = place
        .as_ref()
        .map(|place| Lens::new(&place.camera, size.aspect()));
    let rules = rules::read(&root, lens.as_ref());
    let actors = actors::read(&root, seed);
    let distractors = distractors::read(&root, seed);
    let faults = faults::read(&root);
    root.finish();
    Some(Scene {
        stem,
        text: text.to_owned(),
        seed,
        seconds,
        fps,
        size,
        encoding,
        place: place?,
        actors,
        distractors,
        faults,
        rules,
    })
}

fn fps(root: &Table<'_>) -> f64 {
    let Some(fps) = root.number("fps", 1.0..=30.0) else {
        return 10.0;
    };
    if (fps.value * 2.0).fract() != 0.0 {
        root.problem(
            fps.at,
            format!(
                "`fps` is {}: write a whole or half number such as 12.5",
                fps.value
            ),
        );
    }
    fps.value
}

fn size(root: &Table<'_>) -> Size {
    let usual = Size {
        width: 1280,
        height: 720,
    };
    let Some(size) = root.pair("size") else {
        return usual;
    };
    match size_of(size.value) {
        Some(size) => size,
        None => {
            root.problem(
                size.at,
                "`size` is no picture's: write even numbers such as [1280, 720], at most [1920, 1080]",
            );
            usual
        }
    }
}

/// A picture's size from two numbers; none where it cannot be encoded or drawn.
#[must_use]
pub fn size_of([width, height]: [f64; 2]) -> Option<Size> {
    let even = |side: f64, most: f64| (64.0..=most).contains(&side) && side % 2.0 == 0.0;
    (even(width, 1920.0) && even(height, 1080.0)).then_some(Size {
        width: width as u32,
        height: height as u32,
    })
}

fn encoding(root: &Table<'_>, size: Size, fps: f64) -> Encoding {
    // What cameras are set to: 2 Mbit/s for 720p, 4 for 1080p; a keyframe every 2 s.
    let mut encoding = Encoding {
        h265: false,
        bitrate_kbps: if size.height > 720 { 4_000 } else { 2_000 },
        gop_frames: (2.0 * fps).round() as u32,
    };
    let Some(table) = root.table("encode", "[encode]") else {
        return encoding;
    };
    if let Some(codec) = table.choice("codec", &[("h264", false), ("h265", true)]) {
        encoding.h265 = codec.value;
    }
    let whole = |key, range| {
        let number = table.integer(key, range)?;
        u32::try_from(number.value).ok()
    };
    encoding.bitrate_kbps = whole("bitrate_kbps", 50..=50_000).unwrap_or(encoding.bitrate_kbps);
    encoding.gop_frames = whole("gop_frames", 1..=1_000).unwrap_or(encoding.gop_frames);
    table.finish();
    encoding
}
