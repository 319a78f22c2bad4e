//! `parapet model eval` on the drawn demo clip, whose figures the demo's model finds, and on small
//! datasets made of it; on real footage where there is some.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use image::{Rgb, RgbImage};
use serde_json::Value;

fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn eval(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_parapet-lab"))
        .args(["model", "eval"])
        .args(args)
        .arg("--quiet")
        .current_dir(root())
        .output()
        .expect("ran")
}

fn report(args: &[&str], folder: &Path) -> (Value, String) {
    let json = folder.join("report.json");
    let place = json.display().to_string();
    let done = eval(&[args, &["--json", &place]].concat());
    let words = String::from_utf8_lossy(&done.stdout).into_owned();
    let errors = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{errors}");
    let text = fs::read_to_string(&json).expect("a report");
    (serde_json::from_str(&text).expect("JSON"), words)
}

/// A figure as the demo's model knows them: orange, 46 x 114 in a picture of 1280 x 720.
fn picture(figures: &[(u32, u32)]) -> RgbImage {
    let mut picture = RgbImage::from_pixel(1280, 720, Rgb([90, 100, 90]));
    for (left, top) in figures {
        for y in *top..*top + 114 {
            for x in *left..*left + 46 {
                picture.put_pixel(x, y, Rgb([250, 120, 20]));
            }
        }
    }
    picture
}

/// Four pictures: two figures, one and another that is nowhere, none, none. YOLO and MOT labels.
fn made_up(folder: &Path) {
    for name in ["yolo/images", "yolo/labels", "mot/gt", "mot/img1", "empty"] {
        fs::create_dir_all(folder.join(name)).expect("made");
    }
    let shown: [&[(u32, u32)]; 4] = [&[(200, 300), (700, 200)], &[(500, 400)], &[], &[]];
    let told: [&[(u32, u32)]; 4] = [
        &[(200, 300), (700, 200)],
        &[(500, 400), (1000, 100)],
        &[],
        &[],
    ];
    let mut gt = String::new();
    for (number, (shown, told)) in shown.iter().zip(told).enumerate() {
        let drawn = picture(shown);
        for place in [
            format!("yolo/images/{number}.png"),
            format!("mot/img1/{number}.png"),
        ] {
            drawn.save(folder.join(place)).expect("saved");
        }
        if shown.is_empty() {
            drawn
                .save(folder.join(format!("empty/{number}.png")))
                .expect("saved");
        }
        let mut labels = String::new();
        for (id, (left, top)) in told.iter().enumerate() {
            let (x, y) = (f64::from(*left), f64::from(*top));
            let centre = ((x + 23.0) / 1280.0, (y + 57.0) / 720.0);
            let size = (46.0 / 1280.0, 114.0 / 720.0);
            let _ = writeln!(labels, "0 {} {} {} {}", centre.0, centre.1, size.0, size.1);
            // In another size, as where the truth was made on larger pictures.
            let _ = writeln!(
                gt,
                "{},{id},{},{},92,228,1,-1,-1,-1",
                number + 1,
                2.0 * x,
                2.0 * y
            );
        }
        if !labels.is_empty() {
            fs::write(folder.join(format!("yolo/labels/{number}.txt")), labels).expect("written");
        }
    }
    fs::write(folder.join("mot/gt/gt.txt"), gt).expect("written");
    let info = "[Sequence]\nframeRate=10\nseqLength=4\nimWidth=2560\nimHeight=1440\n";
    fs::write(folder.join("mot/seqinfo.ini"), info).expect("written");
}

#[test]
fn yolo_and_mot_sets_of_the_same_pictures_give_the_same_figures() {
    let folder = tempfile::tempdir().expect("folder");
    made_up(folder.path());
    let place = |name: &str| folder.path().join(name).display().to_string();
    let mot_scaled = format!("scaled={},scale=0.5", place("mot"));
    let (report, words) = report(
        &[
            "models/demo",
            &place("yolo"),
            &place("mot"),
            &mot_scaled,
            "--empty",
            &format!("nobody={}", place("empty")),
        ],
        folder.path(),
    );
    for (number, name) in ["yolo", "mot", "scaled"].into_iter().enumerate() {
        let set = &report["sets"][number];
        assert_eq!(set["name"], name);
        let all = &set["results"][0]["all"];
        assert_eq!(
            (&all["pictures"], &all["people"]),
            (&4.into(), &4.into()),
            "{all}"
        );
        // Three of four found, nothing else said: precision 1 up to recall 0.75.
        let ap50 = all["ap50"].as_f64().expect("a number");
        assert!((ap50 - 76.0 / 101.0).abs() < 1e-9, "{name}: {all}");
        assert_eq!(
            (&all["recall"], &all["precision"]),
            (&0.75.into(), &1.0.into())
        );
        assert_eq!(all["by_height"]["64-128"]["people"], 4, "{all}");
        assert_eq!(all["empty_pictures"], 2);
        assert!(set["results"][0]["millis"]["p50"].as_f64().expect("timed") > 0.0);
    }
    let nobody = &report["sets"][3]["results"][0]["all"];
    assert_eq!(
        (&nobody["empty_pictures"], &nobody["false_per_1000_empty"]),
        (&2.into(), &0.0.into())
    );
    assert_eq!(nobody["ap50"], Value::Null);
    assert!(words.contains("AP50") && words.contains("0.752"), "{words}");
    assert_eq!(report["models"][0]["name"], "demo");
}

#[test]
fn the_clip_of_the_demo_as_an_empty_set_makes_every_figure_false() {
    let folder = tempfile::tempdir().expect("folder");
    let (report, _) = report(
        &[
            "models/demo",
            "--empty",
            "testdata/clips/demo.mp4,every=20",
            "--against",
            "models/demo",
        ],
        folder.path(),
    );
    let results = report["sets"][0]["results"].as_array().expect("results");
    assert_eq!(results.len(), 2, "both models in one run");
    let [one, other] = [&results[0], &results[1]];
    assert!(
        one["all"]["false_on_empty"].as_u64().expect("a number") > 0,
        "{one}"
    );
    assert_eq!(one["all"], other["all"], "the same model finds the same");
}

#[test]
fn a_simulated_clip_is_scored_by_its_condition() {
    let folder = tempfile::tempdir().expect("folder");
    fs::copy(
        root().join("testdata/clips/demo.mp4"),
        folder.path().join("demo.mp4"),
    )
    .expect("copied");
    let mut truth = String::from(
        r#"{"type":"scene","version":1,"scene":"demo","seed":1,"width":1280,"height":720,"fps":10.0,"frames":4,"seconds":0.4,"conditions":["dusk"]}"#,
    );
    for number in 1..=4 {
        let _ = write!(
            truth,
            "\n{{\"type\":\"frame\",\"frame\":{number},\"seconds\":0.0,\"picture\":\"live\",\"people\":[]}}"
        );
    }
    fs::write(folder.path().join("demo.truth.jsonl"), truth).expect("written");
    let place = folder.path().display().to_string();
    let (report, _) = report(&["models/demo", &format!("sim={place}")], folder.path());
    let result = &report["sets"][0]["results"][0];
    assert_eq!(result["by_condition"][0]["condition"], "dusk", "{result}");
    assert_eq!(
        result["all"]["pictures"], 4,
        "no more pictures than the truth has"
    );
}

#[test]
fn mistakes_end_it_before_anything_is_looked_at() {
    let folder = tempfile::tempdir().expect("folder");
    made_up(folder.path());
    fs::write(folder.path().join("yolo/labels/2.txt"), "0 1 2\n").expect("written");
    let done = eval(&[
        "models/demo",
        &folder.path().join("yolo").display().to_string(),
    ]);
    let errors = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(1));
    assert!(errors.contains("labels/2.txt:1: 3 fields"), "{errors}");
}

#[test]
fn the_public_model_is_as_good_on_real_footage_as_its_manifest_is_right() {
    let data = std::env::var_os("PARAPET_DATA")
        .map_or_else(|| root().join("../shared/data"), PathBuf::from);
    let (gt, clip) = (
        data.join("mot/TUD-Stadtmitte"),
        data.join("footage/tud/TUD-Stadtmitte.mp4"),
    );
    if !gt.is_dir() || !clip.is_file() || !data.join("models").is_dir() {
        eprintln!(
            "skipped: no PARAPET_DATA with mot/, footage/tud and models/ at {}",
            data.display()
        );
        return;
    }
    let folder = tempfile::tempdir().expect("folder");
    let set = format!("{},pictures={},every=9", gt.display(), clip.display());
    let weights = data.join("models").display().to_string();
    let (report, _) = report(
        &[
            "testdata/manifests/yolox_nano_416",
            &set,
            "--weights",
            &weights,
        ],
        folder.path(),
    );
    let ap50 = report["sets"][0]["results"][0]["all"]["ap50"]
        .as_f64()
        .expect("a number");
    assert!((0.80..=0.95).contains(&ap50), "{ap50}: orientation is 0.87");
}
