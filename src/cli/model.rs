//! `parapet model`.

mod eval;
mod pull;

use std::sync::Arc;

use anyhow::Context as _;

use super::args::{ModelArgs, ModelCommand, ModelFolder};
use super::logging;
use crate::config::types::InferenceConfig;
use crate::infer::manifest::Resize;
use crate::infer::model::weights_folder;
use crate::infer::ort::OrtBackend;
use crate::infer::{Model, still};

pub(super) fn run(args: ModelArgs) -> anyhow::Result<bool> {
    logging::quiet()?;
    match args.command {
        ModelCommand::Check(folder) => check(&folder),
        ModelCommand::Detect { folder, picture } => detect(&folder, &picture),
        ModelCommand::Eval(args) => eval::run(&args),
        ModelCommand::Pull(args) => pull::run(&args),
    }
}

fn open(folder: &ModelFolder) -> anyhow::Result<(Arc<Model>, OrtBackend)> {
    let weights = folder.weights.clone().or_else(weights_folder);
    let model = Arc::new(Model::load(&folder.folder, weights.as_deref())?);
    Ok((model, single_backend()?))
}

/// ONNX Runtime for one picture at a time on one core.
pub(super) fn single_backend() -> anyhow::Result<OrtBackend> {
    Ok(OrtBackend::new(&InferenceConfig::default())?)
}

fn check(folder: &ModelFolder) -> anyhow::Result<bool> {
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

fn detect(folder: &ModelFolder, picture: &std::path::Path) -> anyhow::Result<bool> {
    let (model, backend) = open(folder)?;
    let pixels = image::ImageReader::open(picture)
        .with_context(|| picture.display().to_string())?
        .with_guessed_format()?
        .decode()
        .with_context(|| format!("{}: no JPEG or PNG", picture.display()))?
        .to_rgb8();
    anyhow::ensure!(
        pixels.width() >= 2 && pixels.height() >= 2,
        "{}: too small",
        picture.display()
    );
    for found in still::look(&model, &backend, &still::frame_from_image(&pixels))? {
        println!("{}", serde_json::to_string(&found)?);
    }
    Ok(true)
}
