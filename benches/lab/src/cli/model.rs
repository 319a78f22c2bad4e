//! `parapet model`: what the daemon's own `model check` is too little for.

mod eval;
mod pull;

use anyhow::Context as _;
use parapet::cli::args::ModelFolder;
pub(super) use parapet::cli::model::single_backend;
use parapet::cli::model::{check, open};
use parapet::infer::still;

use super::args::{ModelArgs, ModelCommand};
use super::logging;

pub(super) fn run(args: ModelArgs) -> anyhow::Result<bool> {
    logging::quiet()?;
    match args.command {
        ModelCommand::Check(folder) => check(&folder),
        ModelCommand::Detect { folder, picture } => detect(&folder, &picture),
        ModelCommand::Eval(args) => eval::run(&args),
        ModelCommand::Pull(args) => pull::run(&args),
    }
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
