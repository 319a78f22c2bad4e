//! `parapet model check`; what else there is about models are tools.

use std::ffi::OsString;
use std::sync::Arc;

use super::args::{ModelArgs, ModelCommand, ModelFolder};
use super::{logging, tools};
use crate::config::types::InferenceConfig;
use crate::infer::manifest::Resize;
use crate::infer::model::weights_folder;
use crate::infer::ort::OrtBackend;
use crate::infer::{Model, still};

pub(super) fn run(args: ModelArgs) -> anyhow::Result<bool> {
    match args.command {
        ModelCommand::Check(folder) => {
            logging::quiet()?;
            check(&folder)
        }
        ModelCommand::Tool(words) => {
            let model = OsString::from("model");
            tools::hand_over(&[&[model], words.as_slice()].concat())
        }
    }
}

/// The model, and ONNX Runtime to run it on one core.
///
/// # Errors
/// Where either cannot be used.
pub fn open(folder: &ModelFolder) -> anyhow::Result<(Arc<Model>, OrtBackend)> {
    let weights = folder.weights.clone().or_else(weights_folder);
    let model = Arc::new(Model::load(&folder.folder, weights.as_deref())?);
    Ok((model, single_backend()?))
}

/// ONNX Runtime for one picture at a time on one core.
///
/// # Errors
/// Where it is missing.
pub fn single_backend() -> anyhow::Result<OrtBackend> {
    Ok(OrtBackend::new(&InferenceConfig::default())?)
}

/// Runs a model once and prints what it is.
///
/// # Errors
/// What does not fit its manifest.
pub fn check(folder: &ModelFolder) -> anyhow::Result<bool> {
    let (model, backend) = open(folder)?;
    let input = &model.manifest.input;
    // A grey picture through the whole way: load, shapes, one run, head.
    let grey = image::RgbImage::from_pixel(640, 360, image::Rgb([114; 3]));
    let grey = still::frame_from_image(&grey);
    let found = still::look(&model, &backend, &grey)?;
    let int8 = model.in_int8().map(Arc::new);
    if let Some(int8) = &int8 {
        still::look(int8, &backend, &grey)?;
    }
    let how = if input.resize == Resize::Stretch {
        "stretched"
    } else {
        "letterboxed"
    };
    println!(
        "{} {}: good{}; input {}x{} {how}, {} of {} classes kept, licence {}, {} objects on a grey picture",
        model.manifest.name,
        model.manifest.version,
        if int8.is_some() {
            ", in float and in int8"
        } else {
            ""
        },
        input.width,
        input.height,
        model.manifest.keep.len(),
        model.manifest.labels.len(),
        model.manifest.licence,
        found.len()
    );
    Ok(true)
}
