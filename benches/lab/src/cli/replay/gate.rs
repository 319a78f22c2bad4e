//! `parapet replay --expect`.

use std::sync::Arc;

use super::super::args::ReplayArgs;
use super::plan::Job;
use super::{Progress, write};
use crate::replay::frame_grabber::grab;
use crate::replay::gate::{Judged, Limits};
use crate::replay::report::picture::{MOST_PICTURES, Picture, moments, shapes};
use crate::replay::report::{Report, html::html, junit::junit, text::text};
use crate::replay::{Emissions, EventRecorder, Player};
use parapet::model::geometry::Size;

/// Plays every clip, scores it and writes the reports; false where the gate stays shut.
pub(super) async fn run(
    args: &ReplayArgs,
    jobs: Vec<Job>,
    mut player: Player,
    bar: &Progress,
) -> anyhow::Result<bool> {
    let gate = &args.gate;
    let mut judged = Vec::new();
    let mut pictures = Vec::new();
    for job in jobs {
        let recorder = EventRecorder::new(gate.html.is_some());
        let progress = bar.of(&job);
        let played = player.play(&job.clip, &recorder, None, &progress).await;
        let emitted = recorder.take();
        let (name, path) = (job.name.clone(), job.clip.path.clone());
        let camera = &job.clip.camera;
        let expected = job.expectation.clone().unwrap_or_default();
        match played {
            Ok(_) => {
                let alarms = emitted.alarms(player.start());
                let clip = Judged::played(name, path, camera, expected, alarms);
                if gate.html.is_some() {
                    let room = MOST_PICTURES.saturating_sub(pictures.len());
                    let number = judged.len();
                    pictures.extend(
                        grab_pictures(&mut player, &job, number, &clip, &emitted, room).await,
                    );
                }
                judged.push(clip);
            }
            Err(error) => {
                let why = format!("{:#}", anyhow::Error::from(error));
                judged.push(Judged::failed(name, path, camera, expected, why));
            }
        }
    }
    bar.finish();
    let stages = player.finish();
    let limits = Limits {
        min_f1: gate.min_f1,
        min_recall: gate.min_recall,
        max_false_per_hour: gate.max_false_per_hour,
    };
    let report = Report::of(&judged, gate.alpha, &limits);
    println!("{}", text(&report).trim_end());
    if !args.quiet {
        eprintln!(
            "stages: preprocess {:.3} s, inference {:.3} s, heads {:.3} s, track+rules {:.3} s",
            stages.preprocess, stages.inference, stages.heads, stages.analyse
        );
    }
    if let Some(file) = &gate.report_json {
        write(file, &serde_json::to_string_pretty(&report)?)?;
    }
    if let Some(file) = &gate.junit {
        write(file, &junit(&report)?)?;
    }
    if let Some(file) = &gate.html {
        write(file, &html(&report, &pictures))?;
    }
    Ok(report.passed)
}

/// Pictures of a clip's misses and false alarms, `room` at most. A recording that cannot be
/// decoded a second time gives pictures without a background.
async fn grab_pictures(
    player: &mut Player,
    job: &Job,
    number: usize,
    clip: &Judged,
    emitted: &Emissions,
    room: usize,
) -> Vec<Picture> {
    let mut wanted = moments(clip);
    wanted.truncate(room);
    let times: Vec<_> = wanted.iter().map(|(_, at, _)| *at).collect();
    let mut jpegs = vec![None; wanted.len()];
    if job.clip.detections.is_none()
        && !times.is_empty()
        && let Ok(source) = player.source()
    {
        let (path, camera) = (job.clip.path.clone(), Arc::clone(&job.clip.camera));
        let grabbed =
            tokio::task::spawn_blocking(move || grab(source.as_ref(), &path, &camera, &times));
        match grabbed.await {
            Ok(Ok(grabbed)) => jpegs = grabbed,
            Ok(Err(why)) => eprintln!("{}: no pictures: {why}", clip.name),
            Err(error) => eprintln!("{}: no pictures: {error}", clip.name),
        }
    }
    let form = job.clip.detections.map(|form| form.picture);
    let size = emitted.picture.or(form).unwrap_or(Size {
        width: 1280,
        height: 720,
    });
    wanted
        .into_iter()
        .zip(jpegs)
        .map(|((subject, at, rule), jpeg)| Picture {
            clip: number,
            subject,
            at,
            size,
            jpeg,
            boxes: emitted.boxes_at(at).to_vec(),
            shapes: shapes(&job.clip.camera, rule.as_ref()),
        })
        .collect()
}
