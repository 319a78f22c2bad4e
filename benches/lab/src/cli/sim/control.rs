//! `parapet sim control`.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args as ClapArgs, Subcommand};

use parapet_sim::server::{Cameras, Command, Fault, ask};

/// `parapet sim control SOCKET COMMAND`.
#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct ControlArgs {
    /// The camera server's socket.
    #[arg(value_name = "SOCKET")]
    socket: PathBuf,
    #[command(subcommand)]
    command: ControlCommand,
}

#[derive(Debug, Subcommand)]
enum ControlCommand {
    /// Put a fault in force: drop, stall, refuse, not-found, mute, garbage, loss=PERCENT,
    /// jitter=MILLIS, clock=SECONDS, resolution, codec, freeze, corrupt, backwards, reboot=SECONDS.
    Fault {
        /// Which.
        #[arg(value_name = "FAULT")]
        fault: Fault,
        #[command(flatten)]
        at: Which,
        /// End it after so many seconds; by default with `clear`.
        #[arg(long = "for", value_name = "SECONDS")]
        for_seconds: Option<f32>,
    },
    /// End every fault.
    Clear(Which),
    /// Play a recording once, from each camera's next keyframe on, in place of its own.
    Play {
        /// It must have the cameras' codec and size; the camera server reads it.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        at: Which,
    },
    /// Print what was served as JSON.
    Status(Which),
    /// Stop the camera server.
    Stop,
}

#[derive(Debug, ClapArgs)]
struct Which {
    /// Cameras by mount, with at most one `*` each; by default all.
    #[arg(value_name = "CAMERA")]
    cameras: Vec<String>,
    /// Only the first so many of them.
    #[arg(long, value_name = "N")]
    count: Option<usize>,
}

impl From<Which> for Cameras {
    fn from(which: Which) -> Self {
        Self {
            names: which.cameras,
            count: which.count,
        }
    }
}

pub(super) async fn run(args: ControlArgs) -> anyhow::Result<bool> {
    let command = match args.command {
        ControlCommand::Fault {
            fault,
            at,
            for_seconds,
        } => Command::Fault {
            fault,
            at: at.into(),
            for_seconds,
        },
        ControlCommand::Clear(at) => Command::Clear { at: at.into() },
        ControlCommand::Play { file, at } => Command::Play {
            file: std::path::absolute(file)?,
            at: at.into(),
        },
        ControlCommand::Status(at) => Command::Status { at: at.into() },
        ControlCommand::Stop => Command::Stop,
    };
    let reply = ask(&args.socket, &command)
        .await
        .with_context(|| format!("no camera server answers at {}", args.socket.display()))?;
    if let Some(error) = reply.error {
        anyhow::bail!("{error}");
    }
    match reply.status {
        Some(status) => println!("{}", serde_json::to_string_pretty(&status)?),
        None => eprintln!("done at {} cameras", reply.cameras.unwrap_or_default()),
    }
    Ok(reply.ok)
}
