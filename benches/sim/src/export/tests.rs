//! From a scene to files.

use std::path::Path;

use super::*;
use crate::mot;
use crate::render::Renderer;
use crate::scene::{self, Scene};

const SCENE: &str = r#"
seed = 5
seconds = 2
fps = 5
size = [320, 180]
place = "yard"

[[zone]]
name = "court"
corners = [[-6, 4], [6, 4], [6, 16], [-6, 16]]

[[rule]]
name = "court-entered"
kind = "zone_intrusion"
zone = "court"
dwell_seconds = 0.4

[[actor]]
name = "walker"
at = [0, 8]
script = [{ walk = [[3, 8]], speed = 1.2 }]

[[fault]]
kind = "signal_loss"
from = 1
until = 1.4
"#;

fn scene() -> Scene {
    scene::parse(Path::new("small.toml"), SCENE).unwrap_or_else(|errors| panic!("{errors}"))
}

fn options(truth_only: bool) -> ExportOptions {
    ExportOptions {
        truth_only,
        model_folder: "models/demo".into(),
        ..ExportOptions::default()
    }
}

fn files(clip: &Clip) -> Vec<Vec<u8>> {
    [&clip.config, &clip.expect, &clip.truth, &clip.mot]
        .into_iter()
        .chain(&clip.video)
        .map(|file| std::fs::read(file).expect("written"))
        .collect()
}

#[test]
fn two_runs_give_the_same_bytes_and_the_truth_tells_where_the_walker_is() {
    let folder = tempfile::tempdir().expect("folder");
    let exported = |name: &str| {
        let mut frames = Vec::new();
        let folder = folder.path().join(name);
        let clip = export_clip(&scene(), &folder, &options(false), &mut |n| frames.push(n))
            .expect("exported");
        assert_eq!(frames, (1..=10).collect::<Vec<_>>());
        assert!(clip.is_complete());
        clip
    };
    let (one, other) = (exported("one"), exported("other"));
    let (one_files, other_files) = (files(&one), files(&other));
    assert_eq!(one_files, other_files);

    let truth = std::fs::read_to_string(&one.truth).expect("truth");
    let lines: Vec<serde_json::Value> = truth
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines[0]["type"], "scene");
    assert_eq!(lines[1]["people"][0]["posture"], "walk");
    assert_eq!(
        lines[1]["people"][0]["ground"],
        serde_json::json!([0.0, 8.0])
    );
    assert_eq!(lines[6]["picture"], "lost");
    assert!(lines[6]["people"][0]["box"].is_null());
    let kinds: Vec<_> = lines[11..]
        .iter()
        .map(|line| line["kind"].clone())
        .collect();
    assert_eq!(kinds, ["signal_lost", "zone_intrusion"]);

    let text = std::fs::read_to_string(&one.mot).expect("mot");
    let boxes = mot::parse(&text, &one.mot).expect("MOT");
    let frames: Vec<u32> = boxes.iter().map(|entry| entry.frame).collect();
    // Seconds 1.0 and 1.2 are lost.
    assert_eq!(frames, [1, 2, 3, 4, 5, 8, 9, 10]);
    let lens = scene().lens();
    for entry in &boxes {
        let second = f64::from(entry.frame - 1) / 5.0;
        let foot = lens.project([1.2 * second, 8.0, 0.0]).expect("seen");
        let (x, y) = (foot[0] * 320.0, foot[1] * 180.0);
        assert!(
            (entry.left + entry.width / 2.0 - x).abs() < 8.0,
            "{entry:?} {x}"
        );
        assert!((entry.top + entry.height - y).abs() < 5.0, "{entry:?} {y}");
    }
}

#[test]
fn the_truth_alone_is_the_same_truth() {
    let folder = tempfile::tempdir().expect("folder");
    let exported = |only: bool| {
        let folder = folder.path().join(only.to_string());
        export_clip(&scene(), &folder, &options(only), &mut |_| {}).expect("exported")
    };
    let (whole, truth) = (exported(false), exported(true));
    assert!(truth.video.is_none() && truth.is_complete());
    assert_eq!(files(&whole)[..4], files(&truth)[..]);
}

#[test]
fn a_clip_is_made_once_and_again_when_the_scene_changes() {
    let folder = tempfile::tempdir().expect("folder");
    let cache = Cache::new(folder.path());
    let made = |scene: &Scene| {
        let mut frames = 0;
        let clip = cache
            .clip(scene, &options(true), &mut |done| frames = done)
            .expect("clip");
        assert!(clip.is_complete());
        (clip, frames)
    };
    let (first, drawn) = made(&scene());
    assert_eq!(drawn, 10);
    assert_eq!(made(&scene()), (first.clone(), 0));
    let other = scene::parse(
        Path::new("small.toml"),
        &SCENE.replace("seed = 5", "seed = 6"),
    );
    let (second, drawn) = made(&other.expect("scene"));
    assert!(drawn == 10 && second != first);
    let quiet = ExportOptions {
        quiet_before: Some(2.0),
        ..options(true)
    };
    let third = cache.clip(&scene(), &quiet, &mut |_| {}).expect("clip");
    assert!(third != first && third != second);
    let boxes = |clip: &Clip| {
        let text = std::fs::read_to_string(&clip.mot).expect("mot");
        mot::parse(&text, &clip.mot).expect("MOT")
    };
    // Five pictures a second.
    let frames = |clip: &Clip, later: u32| -> Vec<u32> {
        let boxes = boxes(clip);
        boxes.iter().map(|entry| entry.frame + later).collect()
    };
    assert_eq!(frames(&third, 0), frames(&first, 10));
}

#[test]
fn the_lens_of_scenes_and_the_camera_of_the_renderer_are_one() {
    let scene = scene();
    let (lens, renderer) = (scene.lens(), Renderer::new(&scene.place, scene.size));
    for place in [[0.0, 8.0, 0.0], [-5.0, 20.0, 3.0], [9.0, 14.0, 1.7]] {
        let ours = lens.project(place).expect("in front");
        let theirs = renderer
            .project(place.map(|metres| metres as f32))
            .expect("in front");
        assert!((ours[0] - f64::from(theirs.x)).abs() < 1e-4, "{place:?}");
        assert!((ours[1] - f64::from(theirs.y)).abs() < 1e-4, "{place:?}");
    }
}
