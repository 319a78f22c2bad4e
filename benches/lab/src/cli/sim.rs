//! `parapet sim`.

pub(super) mod control;
pub(super) mod load;
pub(super) mod scenes;
pub(super) mod serve;

use super::args::{SimArgs, SimCommand};

pub(super) fn run(args: SimArgs) -> anyhow::Result<bool> {
    match args.command {
        SimCommand::Check(args) => scenes::check(&args),
        SimCommand::Render(args) => scenes::render(&args),
        SimCommand::Realism(args) => scenes::realism(&args),
        SimCommand::Serve(args) => serve::run(&args),
        SimCommand::Control(args) => super::runtime()?.block_on(control::run(args)),
        SimCommand::Load(args) => load::run(args),
    }
}
