//! `parapet sim`.

use super::args::{SimArgs, SimCommand};
use super::{logging, runtime};
use crate::sim::wall::{Wall, WallCamera, WallConfig};

pub(super) fn run(args: SimArgs) -> anyhow::Result<bool> {
    logging::quiet()?;
    let SimCommand::Serve {
        files,
        cameras,
        listen,
    } = args.command;
    let count = cameras.unwrap_or(files.len());
    anyhow::ensure!((1..=2_000).contains(&count), "--cameras must be 1 to 2000");
    let cameras = (0..count)
        .map(|number| WallCamera {
            mount: format!("camera-{}", number + 1),
            file: files[number % files.len()].clone(),
            credentials: None,
        })
        .collect();
    let wall = Wall::start(WallConfig {
        address: listen.ip(),
        port: listen.port(),
        cameras,
    })?;
    for number in 0..count {
        println!("{}", wall.url(&format!("camera-{}", number + 1)));
    }
    runtime()?.block_on(tokio::signal::ctrl_c())?;
    wall.stop();
    Ok(true)
}
