//! `parapet check`.

use super::args::CheckArgs;
use super::load;
use crate::infer::manifest::Manifest;

pub(super) fn run(args: &CheckArgs) -> anyhow::Result<bool> {
    let config = load(args.config())?;
    let mut good = true;
    for (name, model) in &config.models {
        match Manifest::load(&model.folder) {
            Ok(manifest) => println!("model {name}: {} {}", manifest.name, manifest.version),
            Err(error) => {
                eprintln!("model {name}: {error}");
                good = false;
            }
        }
    }
    let rules: usize = config
        .cameras
        .values()
        .map(|camera| camera.rules.len())
        .sum();
    if good {
        println!(
            "{}: good; {} cameras, {rules} rules",
            args.config().display(),
            config.cameras.len()
        );
        return Ok(true);
    }
    Err(super::BadConfig(format!(
        "{}: a model cannot be used",
        args.config().display()
    ))
    .into())
}
