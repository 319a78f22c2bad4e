//! The public detectors, each by its manifest alone, against the same model run in Python
//! (`testdata/python/reference_boxes.py`) on the same picture.
#![expect(clippy::print_stderr, reason = "a skipped test says so")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use parapet::config::types::InferenceConfig;
use parapet::infer::ort::OrtBackend;
use parapet::infer::{Model, still};
use parapet::model::detection::Detection;
use parapet::model::geometry::Rect;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn data() -> Option<PathBuf> {
    let folder = std::env::var_os("PARAPET_DATA")
        .map_or_else(|| root().join("../shared/data"), PathBuf::from);
    if folder.join("models").is_dir() && folder.join("footage/pets/img1").is_dir() {
        return Some(folder);
    }
    eprintln!(
        "skipped: no PARAPET_DATA with models/ and footage/pets at {}",
        folder.display()
    );
    None
}

fn backend() -> OrtBackend {
    OrtBackend::new(&InferenceConfig::default()).expect("ONNX Runtime is set up: run `make setup`")
}

fn see(manifest: &str, weights: Option<&Path>, picture: &Path) -> Vec<Detection> {
    let model = Arc::new(Model::load(&root().join(manifest), weights).expect("a good model"));
    let picture = image::open(picture).expect("a picture").to_rgb8();
    still::look(&model, &backend(), &still::frame_from_image(&picture)).expect("a look")
}

/// Person boxes of the three models on frame 1 of PETS09-S2L1 (768x576), score 0.5 and above, as
/// `reference_boxes.py` prints them: left, top, right, bottom, normalised.
const REFERENCE: &str = include_str!("models/pets_frame_1.json");

#[test]
fn the_public_models_agree_with_python_by_their_manifests_alone() {
    let Some(data) = data() else { return };
    let folder = data.join("footage/pets/img1");
    let mut names: Vec<PathBuf> = std::fs::read_dir(&folder)
        .expect("pictures")
        .map(|e| e.expect("entry").path())
        .collect();
    names.sort();
    let reference: serde_json::Value = serde_json::from_str(REFERENCE).expect("JSON");
    for key in ["yolox_nano_416", "picodet_s_416_coco", "fastestdet_352"] {
        let manifest = format!("testdata/manifests/{key}");
        let found = see(&manifest, Some(&data.join("models")), &names[0]);
        let wanted = reference[key].as_array().expect("boxes");
        assert!(
            wanted.len() >= 3,
            "{key}: the reference has too few boxes to mean anything"
        );
        for row in wanted {
            let n = |at: usize| row[at].as_f64().expect("number") as f32;
            let place = Rect::from_corners(n(0), n(1), n(2), n(3));
            let best = found
                .iter()
                .map(|f| f.box_in_frame.iou(&place))
                .fold(0.0, f32::max);
            assert!(best >= 0.9, "{key}: {place:?} has at best IoU {best}");
        }
        let sure = found.iter().filter(|f| f.score >= 0.55).count();
        assert!(
            sure <= wanted.len(),
            "{key}: {sure} boxes, the reference has {}",
            wanted.len()
        );
    }
}

#[test]
fn weights_that_do_not_fit_their_manifest_are_refused_with_both_shapes() {
    let text = std::fs::read_to_string(root().join("models/demo/model.toml")).expect("manifest");
    for (from, to, says) in [
        (
            "width = 416",
            "width = 320",
            ["[batch, 3, 256, 320]", "416"],
        ),
        (
            "labels = [\"person\"]",
            "labels = [\"person\", \"car\"]",
            ["[batch, 6, ?]", "5"],
        ),
        (
            "head = \"yolov8\"",
            "head = \"yolox\"\nstrides = [8]",
            ["[batch, 1664, 6]", "5"],
        ),
    ] {
        assert!(text.contains(from), "the manifest has no `{from}` any more");
        let folder = tempfile::tempdir().expect("folder");
        std::fs::copy(
            root().join("models/demo/model.onnx"),
            folder.path().join("model.onnx"),
        )
        .expect("copied");
        std::fs::write(folder.path().join("model.toml"), text.replace(from, to)).expect("written");
        let model =
            Arc::new(Model::load(folder.path(), None).expect("the manifest itself is good"));
        let grey = image::RgbImage::new(64, 64);
        let error = still::look(&model, &backend(), &still::frame_from_image(&grey))
            .expect_err("refused")
            .to_string();
        assert!(says.iter().all(|part| error.contains(part)), "{error}");
    }
}

#[test]
fn weights_with_another_hash_are_refused() {
    let folder = tempfile::tempdir().expect("folder");
    for file in ["model.onnx", "model.toml"] {
        std::fs::copy(
            root().join("models/demo").join(file),
            folder.path().join(file),
        )
        .expect("copied");
    }
    std::fs::write(folder.path().join("model.onnx"), b"something else").expect("written");
    let error = Model::load(folder.path(), None)
        .expect_err("refused")
        .to_string();
    assert!(
        error.contains("SHA-256") && error.contains("model.toml"),
        "{error}"
    );
}

#[test]
fn the_command_line_checks_a_model_folder() {
    let run = Command::new(env!("CARGO_BIN_EXE_parapet"))
        .args(["model", "check", "models/demo"])
        .current_dir(root())
        .output()
        .expect("ran");
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    assert!(String::from_utf8_lossy(&run.stdout).contains("demo 1: good"));
}
