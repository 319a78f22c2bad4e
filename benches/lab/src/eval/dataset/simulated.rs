//! `STEM.mp4` and `STEM.truth.jsonl`, as the simulator writes them.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Leniency, Mistakes, Part, Person, Pictures, Truth, Unit, entries};
use parapet::model::geometry::Rect;
use parapet::model::posture::Posture;

const ENDING: &str = ".truth.jsonl";
/// The version that is understood.
const VERSION: u32 = 1;
/// What the picture shows during these is not what the truth says.
const SPOILING: [&str; 5] = [
    "picture_covered",
    "picture_defocused",
    "picture_frozen",
    "picture_moved",
    "signal_lost",
];
const WEATHER: [&str; 3] = ["fog", "rain", "snow"];

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Line {
    Scene {
        version: u32,
        fps: f64,
        conditions: Vec<String>,
    },
    Frame {
        frame: usize,
        picture: String,
        people: Vec<PersonLine>,
    },
    Event {
        kind: String,
        start_seconds: f64,
        end_seconds: f64,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct PersonLine {
    r#box: Option<[f32; 4]>,
    visible_box: Option<[f32; 4]>,
    visible_share: Option<f32>,
    posture: String,
}

/// The truth files in a folder and in the folders in it, or the one that a file is.
pub(super) fn clips(place: &Path) -> Vec<PathBuf> {
    let is_truth = |file: &PathBuf| file.is_file() && file.to_string_lossy().ends_with(ENDING);
    if place.is_file() {
        return Some(place.to_owned())
            .filter(is_truth)
            .into_iter()
            .collect();
    }
    let inside = entries(place);
    let below = inside.iter().filter(|entry| entry.is_dir());
    let below: Vec<PathBuf> = below.flat_map(|folder| entries(folder)).collect();
    inside.into_iter().chain(below).filter(is_truth).collect()
}

/// Reads one clip's truth.
pub(super) fn read(
    file: &Path,
    every: u64,
    leniency: Leniency,
    mistakes: &mut Mistakes,
) -> Option<Part> {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => {
            mistakes.add(format!("{}: {error}", file.display()));
            return None;
        }
    };
    let name = file.to_string_lossy();
    let video = PathBuf::from(format!("{}.mp4", name.trim_end_matches(ENDING)));
    if !video.is_file() {
        mistakes.add(format!("{}: the clip is not there", video.display()));
    }
    let mut clip = Clip::default();
    for (number, line) in text.lines().enumerate() {
        let taken = serde_json::from_str(line)
            .map_err(|error| error.to_string())
            .and_then(|line| clip.take(line, leniency));
        if let Err(what) = taken {
            mistakes.at(file, number + 1, &what);
            return None;
        }
    }
    let Some(fps) = clip.fps else {
        mistakes.at(file, 1, "no line of type `scene`");
        return None;
    };
    clip.leave_out_spoilt(fps);
    Some(Part {
        pictures: Pictures::Video(video),
        truth: Truth::People(clip.frames),
        unit: Unit::Pixels { scale: 1.0 },
        rate: Some(fps),
        every,
        condition: Some(clip.condition),
    })
}

#[derive(Default)]
struct Clip {
    fps: Option<f64>,
    condition: String,
    frames: Vec<Option<Vec<Person>>>,
    spoilt: Vec<(f64, f64)>,
}

impl Clip {
    fn take(&mut self, line: Line, leniency: Leniency) -> Result<(), String> {
        match line {
            Line::Scene { version, fps, .. } if version != VERSION || !fps.is_normal() => {
                return Err(format!("version {version} at {fps} frames/s is not known"));
            }
            Line::Scene {
                fps, conditions, ..
            } => {
                self.fps = Some(fps);
                self.condition = condition(&conditions);
            }
            Line::Frame { frame, .. } if frame != self.frames.len() + 1 => {
                return Err(format!(
                    "frame {frame} where {} should come",
                    self.frames.len() + 1
                ));
            }
            Line::Frame {
                picture, people, ..
            } => {
                let live = picture == "live";
                let people = people.iter().filter_map(|one| person(one, leniency));
                self.frames.push(live.then(|| people.collect()));
            }
            Line::Event {
                kind,
                start_seconds,
                end_seconds,
            } if SPOILING.contains(&kind.as_str()) => {
                self.spoilt.push((start_seconds, end_seconds));
            }
            Line::Event { .. } | Line::Other => {}
        }
        Ok(())
    }

    fn leave_out_spoilt(&mut self, fps: f64) {
        for (number, frame) in self.frames.iter_mut().enumerate() {
            let second = number as f64 / fps;
            let within = |(start, end): &(f64, f64)| (*start..*end).contains(&second);
            if self.spoilt.iter().any(within) {
                *frame = None;
            }
        }
    }
}

/// The one word a scene is listed under: the weather where there is any, else the light.
fn condition(words: &[String]) -> String {
    let weather = words.iter().find(|word| WEATHER.contains(&word.as_str()));
    let found = weather.or(words.first());
    found.map_or_else(|| "day".to_owned(), Clone::clone)
}

fn person(line: &PersonLine, leniency: Leniency) -> Option<Person> {
    let rect = |[left, top, width, height]: [f32; 4]| Rect {
        left,
        top,
        width,
        height,
    };
    let whole = rect(line.r#box?);
    let share = line.visible_share?;
    let big = whole.width.max(whole.height) >= leniency.pixels;
    Some(Person {
        whole,
        seen: line.visible_box.map(rect),
        counts: big && share >= leniency.visible_share,
        posture: Some(Posture::of(&line.posture)),
    })
}
