//! The truth files of a clip.
//!
//! `<stem>.truth.jsonl` is JSON, one object a line:
//!
//! ```text
//! {"type":"scene","version":1,"scene":"yard-1","seed":7,"width":1280,"height":720,"fps":10.0,
//!  "frames":240,"seconds":24.0,"conditions":["day"]}
//! {"type":"frame","frame":1,"seconds":0.0,"picture":"live","people":[
//!   {"id":1,"name":"walker","box":[l,t,w,h],"visible_box":[l,t,w,h],"visible_share":1.0,
//!    "truncated":false,"ground":[x,y],"height":0.0,"speed":1.4,"heading":90.0,"posture":"walk"}]}
//! {"type":"event","kind":"climbing","start_seconds":3.2,"end_seconds":9.0,"people":[1]}
//! {"type":"due","kind":"zone_intrusion","rule":"strip-entered","start_seconds":9.1,
//!  "end_seconds":12.0,"people":[1],"note":"climb"}
//! ```
//!
//! The scene first, then every frame in order (from 1, at `(frame - 1) / fps` seconds), then
//! every scripted happening, then every event that a rule owes. Boxes are pixels of the clip:
//! left, top, width and height; `box` is around the whole body as if nothing hid it but the
//! picture's edges, `visible_box` around what can be seen of it (null where nothing can). `visible_share` is the part of the
//! body's pixels that can be seen, `truncated` says that the picture's edge cuts it. `ground` and
//! `height` are metres, the latter that of what the person stands on; `speed` is metres per
//! second over the ground, `heading` degrees counter-clockwise from east. `picture` is `live`,
//! `frozen` or `lost`; boxes are null while no picture is drawn, and for who is not in it.
//!
//! `<stem>.mot.txt` is MOTChallenge's `frame,id,left,top,width,height,score,-1,-1,-1` with what a
//! perfect detector sees in the clip: everybody of whom at least [`SEEN_SHARE`] is visible, whole
//! but for the picture's edges; nobody under a covered lens, the same again in a frozen picture.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::clip::Clip;
use super::error::ExportError;
use crate::render::Seen;
use crate::scene::{GroundTruth, Signal, Timeline, posture};
use parapet::model::geometry::{Rect, Size};

/// Who is hidden more than this is no detection.
const SEEN_SHARE: f32 = 0.25;

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Line<'t> {
    Scene {
        version: u32,
        scene: &'t str,
        seed: u64,
        width: u32,
        height: u32,
        fps: f64,
        frames: u64,
        seconds: f64,
        conditions: Vec<&'static str>,
    },
    Frame {
        frame: u64,
        seconds: f64,
        picture: &'static str,
        people: Vec<PersonTruth<'t>>,
    },
    Event {
        kind: &'static str,
        start_seconds: f64,
        end_seconds: f64,
        people: &'t [u32],
    },
    Due {
        kind: &'t str,
        rule: &'t str,
        start_seconds: f64,
        end_seconds: Option<f64>,
        people: &'t [u32],
        note: &'static str,
    },
}

#[derive(Serialize)]
struct PersonTruth<'t> {
    id: u32,
    name: &'t str,
    r#box: Option<[f64; 4]>,
    visible_box: Option<[f64; 4]>,
    visible_share: Option<f64>,
    truncated: Option<bool>,
    ground: [f64; 2],
    height: f64,
    speed: f64,
    heading: f64,
    posture: &'static str,
}

/// Writes both files frame by frame.
pub(super) struct TruthWriter<'t> {
    timeline: &'t Timeline,
    truth: (BufWriter<File>, PathBuf),
    mot: (BufWriter<File>, PathBuf),
}

fn create(file: &Path) -> Result<(BufWriter<File>, PathBuf), ExportError> {
    match File::create(file) {
        Ok(open) => Ok((BufWriter::new(open), file.to_owned())),
        Err(source) => Err(ExportError::Write {
            file: file.to_owned(),
            source,
        }),
    }
}

fn rounded(value: f64, places: i32) -> f64 {
    let scale = 10_f64.powi(places);
    // Never "-0.0".
    (value * scale).round() / scale + 0.0
}

fn pixels(rect: &Rect, size: Size) -> [f64; 4] {
    let (width, height) = (f64::from(size.width), f64::from(size.height));
    [
        rounded(f64::from(rect.left) * width, 2),
        rounded(f64::from(rect.top) * height, 2),
        rounded(f64::from(rect.width) * width, 2),
        rounded(f64::from(rect.height) * height, 2),
    ]
}

impl<'t> TruthWriter<'t> {
    pub(super) fn open(clip: &Clip, timeline: &'t Timeline) -> Result<Self, ExportError> {
        let mut writer = Self {
            timeline,
            truth: create(&clip.truth)?,
            mot: create(&clip.mot)?,
        };
        let scene = timeline.scene();
        writer.line(&Line::Scene {
            version: 1,
            scene: &scene.stem,
            seed: scene.seed,
            width: scene.size.width,
            height: scene.size.height,
            fps: scene.fps,
            frames: scene.frames(),
            seconds: scene.seconds,
            conditions: scene.condition_words(),
        })?;
        Ok(writer)
    }

    fn line(&mut self, line: &Line<'_>) -> Result<(), ExportError> {
        let (out, file) = &mut self.truth;
        serde_json::to_writer(&mut *out, line)
            .map_err(io::Error::from)
            .and_then(|()| out.write_all(b"\n"))
            .map_err(|source| ExportError::Write {
                file: file.clone(),
                source,
            })
    }

    /// Takes a frame (from 0) and who is seen in its picture; none where there is no picture.
    pub(super) fn frame(
        &mut self,
        frame: u64,
        signal: Signal,
        seen: Option<&[Seen]>,
    ) -> Result<(), ExportError> {
        let second = self.timeline.second_of(frame);
        let drawn = seen.filter(|_| signal == Signal::Live);
        let people = self.people(second, drawn);
        self.line(&Line::Frame {
            frame: frame + 1,
            seconds: rounded(second, 3),
            picture: match signal {
                Signal::Live => "live",
                Signal::Frozen => "frozen",
                Signal::Lost => "lost",
            },
            people,
        })?;
        if self.timeline.is_hidden(second) {
            return Ok(());
        }
        for person in seen.unwrap_or_default() {
            self.detection(frame, person)?;
        }
        Ok(())
    }

    fn people(&self, second: f64, drawn: Option<&[Seen]>) -> Vec<PersonTruth<'t>> {
        let scene = self.timeline.scene();
        let mut people = Vec::new();
        for (number, actor) in scene.actors.iter().enumerate() {
            let Some(stance) = self.timeline.stance(number, second) else {
                continue;
            };
            let seen = drawn.and_then(|all| all.iter().find(|seen| seen.id == actor.id));
            people.push(PersonTruth {
                id: actor.id,
                name: &actor.name,
                r#box: seen.map(|seen| pixels(&seen.full_box, scene.size)),
                visible_box: seen
                    .and_then(|seen| seen.visible_box.as_ref())
                    .map(|visible| pixels(visible, scene.size)),
                visible_share: seen.map(|seen| rounded(f64::from(seen.visible_share), 3)),
                truncated: seen.map(|seen| seen.truncated),
                ground: [rounded(stance.at[0], 3), rounded(stance.at[1], 3)],
                height: rounded(stance.at[2], 3),
                speed: rounded(self.timeline.speed(number, second), 3),
                heading: rounded(stance.heading.to_degrees().rem_euclid(360.0), 1),
                posture: posture(&stance.motion),
            });
        }
        people
    }

    fn detection(&mut self, frame: u64, seen: &Seen) -> Result<(), ExportError> {
        let inside = &seen.full_box;
        if seen.visible_share < SEEN_SHARE || !inside.is_sound() {
            return Ok(());
        }
        let [left, top, width, height] = pixels(inside, self.timeline.scene().size);
        let (out, file) = &mut self.mot;
        writeln!(
            out,
            "{},{},{left:.2},{top:.2},{width:.2},{height:.2},1,-1,-1,-1",
            frame + 1,
            seen.id
        )
        .map_err(|source| ExportError::Write {
            file: file.clone(),
            source,
        })
    }

    /// Writes what happened and what is due, and closes both files.
    pub(super) fn finish(mut self, ground_truth: &GroundTruth) -> Result<(), ExportError> {
        for happening in self.timeline.happenings() {
            self.line(&Line::Event {
                kind: happening.kind,
                start_seconds: rounded(happening.start, 3),
                end_seconds: rounded(happening.end, 3),
                people: &happening.people,
            })?;
        }
        for due in &ground_truth.due {
            self.line(&Line::Due {
                kind: &due.kind.name(),
                rule: &due.rule,
                start_seconds: rounded(due.start, 3),
                end_seconds: due.end.map(|end| rounded(end, 3)),
                people: &due.people,
                note: due.note,
            })?;
        }
        for (mut out, file) in [self.truth, self.mot] {
            out.flush()
                .map_err(|source| ExportError::Write { file, source })?;
        }
        Ok(())
    }
}
