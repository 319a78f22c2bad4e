//! The one task that owns a server: it takes connections in, gives commands to cameras, and knows
//! when a fault is over. Everything else sends it messages.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::camera::Camera;
use super::command::{Cameras, Command, CommandRequest, Reply};
use super::connection::serve;
use super::error::SimError;
use super::fault::{Fault, Picture};
use super::library::Library;
use super::plan::Plan;
use super::report::{Report, Usage};
use super::state::ServerState;
use parapet::base::clock::Monotonic;
use parapet::base::tasks::TaskSet;

/// Connections may take this long to end when the server stops.
const STOP_DEADLINE: Duration = Duration::from_secs(2);

pub(super) struct ServerTask {
    /// In the order they were given.
    pub(super) cameras: Vec<Arc<Camera>>,
    pub(super) state: Arc<ServerState>,
    pub(super) library: Arc<Library>,
    pub(super) plan: Plan,
    pub(super) begun: Monotonic,
    pub(super) seed: u64,
    /// Sends to itself, for commands that first need a picture made.
    pub(super) myself: mpsc::WeakSender<CommandRequest>,
    pub(super) tasks: TaskSet,
    pub(super) next_fault: u64,
    /// When a fault ends: time, fault, camera's place.
    pub(super) ends: BinaryHeap<Reverse<(Monotonic, u64, usize)>>,
}

impl ServerTask {
    /// Works until it is told to stop; then hangs up on everybody and tells what was served.
    pub(super) async fn run(
        mut self,
        listener: TcpListener,
        mut inbox: mpsc::Receiver<CommandRequest>,
        cancel: CancellationToken,
    ) -> Report {
        let udp = Arc::clone(&self.state.udp);
        self.tasks
            .spawn("server udp", async move { udp.drain().await });
        loop {
            let timer = self
                .next_deadline()
                .map(|at| at.since(self.state.clock.now()));
            let sleep = async {
                match timer {
                    Some(wait) => tokio::time::sleep(wait).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = cancel.cancelled() => break,
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => self.take_in(stream),
                    Err(error) => {
                        // Out of descriptors: the listener stays, and so do those who watch.
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                },
                request = inbox.recv() => match request {
                    Some((Command::Stop, reply)) => {
                        let _ = reply.send(Reply::done(self.cameras.len()));
                        break;
                    }
                    Some((command, reply)) => self.obey(command, reply),
                    None => break,
                },
                () = sleep => if self.on_time() { break },
            }
        }
        drop(listener);
        let report = self.report(&self.chosen(&Cameras::default()));
        self.tasks.stop(STOP_DEADLINE).await;
        report
    }

    fn take_in(&mut self, stream: tokio::net::TcpStream) {
        for end in self.tasks.reap() {
            if let Some(panic) = end.panic {
                tracing::error!(task = end.name, panic, "a connection's task panicked");
            }
        }
        self.seed = self.seed.wrapping_add(1);
        let (state, cancel) = (Arc::clone(&self.state), self.tasks.token());
        self.tasks
            .spawn("server connection", serve(stream, state, cancel, self.seed));
    }

    fn next_deadline(&self) -> Option<Monotonic> {
        let end = self.ends.peek().map(|Reverse((at, _, _))| *at);
        let planned = self.plan.due().map(|due| self.begun.after(due));
        end.into_iter().chain(planned).min()
    }

    /// Ends faults whose time is over and gives the plan's commands; whether one of them was to stop.
    fn on_time(&mut self) -> bool {
        let now = self.state.clock.now();
        while let Some(Reverse((at, fault, camera))) = self.ends.peek().copied() {
            if at > now {
                break;
            }
            self.ends.pop();
            if let Some(camera) = self.cameras.get(camera) {
                tracing::info!(camera = camera.mount, "fault ends");
                camera.end(fault);
            }
        }
        while let Some(command) = self.plan.take(now.since(self.begun)) {
            if command == Command::Stop {
                return true;
            }
            let (reply, _) = oneshot::channel();
            self.obey(command, reply);
        }
        false
    }

    fn chosen(&self, at: &Cameras) -> Vec<usize> {
        at.choose(self.cameras.iter().map(|camera| camera.mount.as_str()))
    }

    fn obey(&mut self, command: Command, reply: oneshot::Sender<Reply>) {
        let (Command::Fault { at, .. }
        | Command::Clear { at }
        | Command::Play { at, .. }
        | Command::Status { at }) = &command
        else {
            return;
        };
        let chosen = self.chosen(at);
        if chosen.is_empty() {
            let _ = reply.send(Reply::refused("no camera is called so; ask for `status`"));
            return;
        }
        match &command {
            Command::Fault {
                fault, for_seconds, ..
            } => {
                if let Some((camera, picture)) = self.lacking(&chosen, *fault) {
                    self.make_first(command, reply, move || camera.make(picture));
                    return;
                }
                self.apply(&chosen, *fault, *for_seconds);
            }
            Command::Clear { .. } => {
                for camera in chosen.iter().filter_map(|place| self.cameras.get(*place)) {
                    camera.clear();
                }
            }
            Command::Play { file, .. } => {
                if let Some(camera) = self.play(&chosen, file) {
                    let file = file.clone();
                    self.make_first(command, reply, move || camera.fetch(&file));
                    return;
                }
            }
            Command::Status { .. } => {
                let _ = reply.send(Reply::status(self.report(&chosen)));
                return;
            }
            Command::Stop => {}
        }
        let _ = reply.send(Reply::done(chosen.len()));
    }

    fn apply(&mut self, chosen: &[usize], fault: Fault, for_seconds: Option<f32>) {
        let now = self.state.clock.now();
        let wanted = for_seconds.map(|seconds| Duration::from_secs_f32(seconds.clamp(0.0, 1e6)));
        let length = fault.own_length().or(wanted);
        tracing::info!(%fault, cameras = chosen.len(), ?length, "fault begins");
        for place in chosen {
            let Some(camera) = self.cameras.get(*place) else {
                continue;
            };
            self.next_fault += 1;
            camera.apply(self.next_fault, fault);
            if let Some(length) = length {
                self.ends
                    .push(Reverse((now.after(length), self.next_fault, *place)));
            }
        }
    }

    /// Has a recording played; a camera that can read it, where nobody has yet.
    fn play(&self, chosen: &[usize], file: &Path) -> Option<Arc<Camera>> {
        let cameras = chosen.iter().filter_map(|place| self.cameras.get(*place));
        for camera in cameras {
            let Some(stream) = camera.ready(file) else {
                return Some(Arc::clone(camera));
            };
            camera.play(stream);
        }
        None
    }

    /// The first camera whose stand-in for the fault still has to be made.
    fn lacking(&self, chosen: &[usize], fault: Fault) -> Option<(Arc<Camera>, Picture)> {
        chosen
            .iter()
            .filter_map(|place| self.cameras.get(*place))
            .find_map(|camera| Some((Arc::clone(camera), camera.lacks(fault)?)))
    }

    /// Makes a picture on a thread that may block, then gives the command again.
    fn make_first(
        &mut self,
        command: Command,
        reply: oneshot::Sender<Reply>,
        make: impl FnOnce() -> Result<(), SimError> + Send + 'static,
    ) {
        let Some(myself) = self.myself.upgrade() else {
            return;
        };
        self.tasks.spawn("server picture", async move {
            let made = tokio::task::spawn_blocking(make).await;
            let refusal = match made {
                Ok(Ok(())) => {
                    let _ = myself.send((command, reply)).await;
                    return;
                }
                Ok(Err(error)) => error.to_string(),
                Err(error) => format!("making the picture panicked: {error}"),
            };
            tracing::error!(refusal, "a command could not be carried out");
            let _ = reply.send(Reply::refused(refusal));
        });
    }

    fn report(&self, chosen: &[usize]) -> Report {
        let cameras: Vec<_> = chosen
            .iter()
            .filter_map(|place| self.cameras.get(*place))
            .map(|camera| camera.report())
            .collect();
        Report {
            seconds: self.state.clock.now().since(self.begun).as_secs_f64(),
            viewers: cameras.iter().map(|camera| camera.viewers).sum(),
            frames: cameras.iter().map(|camera| camera.frames).sum(),
            bytes: cameras.iter().map(|camera| camera.bytes).sum(),
            process: Usage::of_this_process(),
            recordings: self.library.told(),
            cameras,
        }
    }
}
