//! `model.toml`: what an integrator says of a model.
//!
//! ```toml
//! name = "yolox_nano_416"
//! version = "0.1.1"
//! file = "yolox_nano_416.onnx"      # in this folder, or in a weights folder named at start
//! sha256 = "…"                      # of that file, lower-case hex
//! licence = "Apache-2.0"
//! labels = ["person", "bicycle"]    # in the order of the model's classes
//! keep = ["person"]                 # classes that matter; the rest is dropped
//! score_threshold = 0.1
//! nms_iou = 0.5                     # not for heads that bring their own
//!
//! [input]
//! width = 416
//! height = 416
//! layout = "nchw"                   # or "nhwc"
//! color = "bgr"                     # or "rgb"
//! mean = [0, 0, 0]                  # (sample − mean) / std, samples 0..=255, in `color`'s order
//! std = [1, 1, 1]
//! resize = "letterbox"              # or "stretch"
//! placement = "top_left"            # or "center": where a letterboxed picture lies
//! pad = 114                         # sample value of the rest
//!
//! [output]
//! head = "yolox"                    # heads and their settings: `HeadConfig`
//! strides = [8, 16, 32]
//!
//! [int8]                            # where there is one: the same network in 8-bit integers, with
//! file = "yolox_nano_416-int8.onnx" # the same inputs and outputs, in f32; taken where it is cheaper
//! sha256 = "…"
//! ```

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::InferError;
use super::heads::HeadConfig;

pub use super::input::{ColorOrder, InputSpec, Layout, Placement, Resize};

/// The file's name in a model folder.
pub const MANIFEST: &str = "model.toml";

/// A checked manifest.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The weights' file name.
    pub file: String,
    /// SHA-256 of the weights, lower-case hex.
    pub sha256: String,
    /// SPDX identifier or words.
    pub licence: String,
    /// Where it came from.
    #[serde(default)]
    pub source: String,
    /// Class names in the model's order.
    pub labels: Vec<String>,
    /// Classes that matter.
    pub keep: Vec<String>,
    /// Detections below are dropped.
    pub score_threshold: f32,
    /// Boxes of one class that overlap more are one object.
    #[serde(default = "default_nms_iou")]
    pub nms_iou: f32,
    /// What goes in.
    pub input: InputSpec,
    /// What comes out.
    pub output: HeadConfig,
    /// The same network in 8-bit integers; inputs and outputs are the same, in f32.
    #[serde(default)]
    pub int8: Option<WeightsFile>,
}

/// A file of weights.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightsFile {
    /// Its name.
    pub file: String,
    /// Its SHA-256, lower-case hex.
    pub sha256: String,
}

impl WeightsFile {
    fn check(&self, table: &str) -> Result<(), String> {
        let hex = self.sha256.len() == 64
            && self
                .sha256
                .bytes()
                .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if !hex {
            return Err(format!(
                "{table}sha256: 64 lower-case hex digits are needed"
            ));
        }
        if self.file.is_empty() || self.file.contains(['/', '\\']) || self.file.starts_with('.') {
            return Err(format!(
                "{table}file `{}`: a plain file name is needed",
                self.file
            ));
        }
        Ok(())
    }
}

fn default_nms_iou() -> f32 {
    0.5
}

impl Manifest {
    /// Reads `folder/model.toml`.
    ///
    /// # Errors
    /// [`InferError::Manifest`] that says where and what.
    pub fn load(folder: &Path) -> Result<Self, InferError> {
        let path = folder.join(MANIFEST);
        let text = std::fs::read_to_string(&path).map_err(|error| InferError::Manifest {
            path: path.clone(),
            what: error.to_string(),
        })?;
        Self::parse(&text, &path)
    }

    /// Parses and checks a manifest's text; `path` is for the error.
    ///
    /// # Errors
    /// [`InferError::Manifest`] that says where and what.
    pub fn parse(text: &str, path: &Path) -> Result<Self, InferError> {
        let wrong = |what: String| InferError::Manifest {
            path: path.to_owned(),
            what,
        };
        let manifest: Self =
            toml_edit::de::from_str(text).map_err(|error| wrong(error.to_string()))?;
        manifest.check().map_err(wrong)?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), String> {
        let InputSpec { width, height, .. } = self.input;
        let good_side = |side: u32| (16..=4096).contains(&side);
        let probability = |value: f32| (0.0..=1.0).contains(&value);
        let strange = self.keep.iter().find(|class| !self.labels.contains(class));
        let numbers = || {
            self.input
                .mean
                .iter()
                .chain(&self.input.std)
                .chain([&self.input.pad])
        };
        if !good_side(width) || !good_side(height) {
            return Err(format!("input {width}x{height}: sides must be 16 to 4096"));
        }
        self.float().check("")?;
        if let Some(int8) = &self.int8 {
            int8.check("int8.")?;
        }
        if self.labels.is_empty() || self.keep.is_empty() {
            return Err("labels and keep: at least one class is needed".to_owned());
        }
        if let Some(class) = strange {
            return Err(format!("keep: `{class}` is not among the labels"));
        }
        if !probability(self.score_threshold) || !probability(self.nms_iou) {
            return Err("score_threshold and nms_iou must be 0 to 1".to_owned());
        }
        if numbers().any(|v| !v.is_finite()) || self.input.std.contains(&0.0) {
            return Err("input: mean, std and pad must be finite and std not 0".to_owned());
        }
        self.output.head().check()
    }

    /// The weights in floating point.
    #[must_use]
    pub fn float(&self) -> WeightsFile {
        WeightsFile {
            file: self.file.clone(),
            sha256: self.sha256.clone(),
        }
    }
}

impl WeightsFile {
    /// Where the weights lie: in the model's folder, else in the weights folder.
    ///
    /// # Errors
    /// [`InferError::Manifest`] naming the places looked at.
    pub fn find(&self, folder: &Path, weights: Option<&Path>) -> Result<PathBuf, InferError> {
        let places: Vec<PathBuf> = [Some(folder), weights]
            .into_iter()
            .flatten()
            .map(|at| at.join(&self.file))
            .collect();
        if let Some(found) = places.iter().find(|place| place.is_file()) {
            return Ok(found.clone());
        }
        let looked: Vec<String> = places
            .iter()
            .map(|place| place.display().to_string())
            .collect();
        Err(InferError::Manifest {
            path: folder.join(MANIFEST),
            what: format!(
                "the weights {} are not there; looked at {}",
                self.file,
                looked.join(" and ")
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) const GOOD: &str = r#"
name = "m"
version = "1"
file = "m.onnx"
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
licence = "Apache-2.0"
labels = ["person", "car"]
keep = ["person"]
score_threshold = 0.1
[input]
width = 64
height = 32
layout = "nchw"
color = "rgb"
mean = [0, 0, 0]
std = [255, 255, 255]
resize = "letterbox"
[output]
head = "yolov8"
"#;

    #[test]
    fn a_good_manifest_is_read() {
        let manifest = Manifest::parse(GOOD, Path::new("model.toml")).expect("good");
        assert_eq!((manifest.input.width, manifest.nms_iou), (64, 0.5));
        assert_eq!(manifest.input.placement, Placement::Center);
    }

    #[test]
    fn each_mistake_is_named_with_the_file() {
        for (from, to, says) in [
            ("width = 64", "width = 4", "sides must be"),
            ("width = 64", "width = 64\nwidht = 3", "widht"),
            (
                "keep = [\"person\"]",
                "keep = [\"cat\"]",
                "`cat` is not among the labels",
            ),
            ("sha256 = \"0", "sha256 = \"X", "hex digits"),
            (
                "file = \"m.onnx\"",
                "file = \"../m.onnx\"",
                "plain file name",
            ),
            ("std = [255, 255, 255]", "std = [255, 0, 255]", "std not 0"),
            ("head = \"yolov8\"", "head = \"magic\"", "magic"),
            ("score_threshold = 0.1", "score_threshold = 2", "0 to 1"),
            (
                "[output]",
                "[int8]\nfile = \"a/b\"\nsha256 = \"00\"\n[output]",
                "int8.sha256",
            ),
            ("version = \"1\"\n", "", "version"),
        ] {
            let text = GOOD.replace(from, to);
            let error = Manifest::parse(&text, Path::new("x/model.toml")).expect_err(says);
            let error = error.to_string();
            assert!(
                error.starts_with("x/model.toml: ") && error.contains(says),
                "{error}"
            );
        }
    }
}
