//! A server that runs: its thread and its port.

use std::collections::{BinaryHeap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;

use gstreamer as gst;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::camera::Camera;
use super::command::CommandRequest;
use super::config::ServerConfig;
use super::control::Socket;
use super::error::SimError;
use super::fault::Picture;
use super::handle::ServerHandle;
use super::library::Library;
use super::packet_writer::UdpPorts;
use super::plan::{Chaos, Plan};
use super::report::Report;
use super::server_task::ServerTask;
use super::state::ServerState;
use parapet::base::clock::{SharedClock, SystemClock};
use parapet::base::tasks::{TaskSet, named_thread};

/// Connections that wait to be accepted: a whole site may come back at once.
const BACKLOG: u32 = 2_048;

/// RTSP cameras that play until [`RtspServer::stop`] or drop.
#[derive(Debug)]
pub struct RtspServer {
    address: IpAddr,
    port: u16,
    handle: ServerHandle,
    cancel: CancellationToken,
    thread: Option<JoinHandle<Report>>,
}

/// What the server's thread says once it listens.
type Begun = Result<u16, SimError>;

impl RtspServer {
    /// Reads and codes the recordings and listens; clients may connect at once after. Blocks for
    /// as long as coding takes; [`Report::recordings`] tells.
    ///
    /// # Errors
    /// [`SimError`], which names the file, mount or address at fault and what to do.
    pub fn start(config: ServerConfig) -> Result<Self, SimError> {
        gst::init().map_err(|error| SimError::Server(error.to_string()))?;
        let clock = SystemClock::shared();
        let library = Arc::new(Library::new(Arc::clone(&clock)));
        let mut taken = HashSet::new();
        let mut cameras = Vec::new();
        for camera in &config.cameras {
            let mount = mount_name(&camera.mount)?;
            if !taken.insert(mount.clone()) {
                return Err(SimError::Mount {
                    mount: camera.mount.clone(),
                    why: "is used twice; give each camera its own",
                });
            }
            library.get(&camera.file, &camera.coding)?;
            let camera = Camera::new(
                mount,
                camera.credentials.clone(),
                (camera.file.clone(), camera.coding),
                camera.start,
                Arc::clone(&library),
            );
            if config.stand_ins {
                camera.make(Picture::OtherSize)?;
                camera.make(Picture::OtherCodec)?;
            }
            cameras.push(Arc::new(camera));
        }
        Self::listen(config, cameras, library, clock)
    }

    fn listen(
        config: ServerConfig,
        cameras: Vec<Arc<Camera>>,
        library: Arc<Library>,
        clock: SharedClock,
    ) -> Result<Self, SimError> {
        let (handle, inbox) = ServerHandle::new();
        let cancel = CancellationToken::new();
        let (told, begun) = std::sync::mpsc::sync_channel::<Begun>(1);
        let (address, count) = (config.address, cameras.len());
        let (stop, teller) = (cancel.clone(), handle.clone());
        let thread = named_thread("sim-server", move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .max_blocking_threads(2)
                .build();
            let runtime = match runtime {
                Ok(runtime) => runtime,
                Err(error) => {
                    let _ = told.send(Err(SimError::Thread(error)));
                    return Report::default();
                }
            };
            runtime.block_on(async move {
                let weak = teller.downgrade();
                let opened = open(&config, cameras, library, clock, weak).await;
                let (server_task, listener, socket) = match opened {
                    Ok(opened) => opened,
                    Err(error) => {
                        let _ = told.send(Err(error));
                        return Report::default();
                    }
                };
                let port = listener.local_addr().map_or(0, |at| at.port());
                serve(server_task, listener, socket, inbox, stop, teller, || {
                    let _ = told.send(Ok(port));
                })
                .await
            })
        })
        .map_err(SimError::Thread)?;
        let port = begun
            .recv()
            .map_err(|_| SimError::Server("its thread ended at once".to_owned()))??;
        tracing::info!(%address, port, cameras = count, "camera server listens");
        Ok(Self {
            address,
            port,
            handle,
            cancel,
            thread: Some(thread),
        })
    }

    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The URL of a mount, without user and password.
    #[must_use]
    pub fn url(&self, mount: &str) -> String {
        let at = SocketAddr::new(self.address, self.port);
        format!("rtsp://{at}/{}", mount.trim_start_matches('/'))
    }

    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        self.handle.clone()
    }

    /// Hangs up on every client and closes the port, which is free again after. Returns what was
    /// served.
    pub fn stop(mut self) -> Report {
        self.close()
    }

    fn close(&mut self) -> Report {
        self.cancel.cancel();
        let Some(thread) = self.thread.take() else {
            return Report::default();
        };
        thread.join().unwrap_or_else(|_| {
            tracing::error!("camera server's thread panicked");
            Report::default()
        })
    }
}

impl Drop for RtspServer {
    fn drop(&mut self) {
        self.close();
    }
}

async fn open(
    config: &ServerConfig,
    cameras: Vec<Arc<Camera>>,
    library: Arc<Library>,
    clock: SharedClock,
    myself: mpsc::WeakSender<CommandRequest>,
) -> Result<(ServerTask, TcpListener, Option<Socket>), SimError> {
    let at = SocketAddr::new(config.address, config.port);
    let refuse = |error: std::io::Error| SimError::Listen {
        at,
        why: error.to_string(),
    };
    let listener = bind(at).map_err(refuse)?;
    let udp = UdpPorts::bind(config.address).await.map_err(refuse)?;
    let socket = match &config.control {
        None => None,
        Some(path) => Some(
            Socket::bind(path)
                .await
                .map_err(|source| SimError::Control {
                    path: path.clone(),
                    source,
                })?,
        ),
    };
    let state = ServerState {
        cameras: cameras
            .iter()
            .map(|camera| (camera.mount.clone(), Arc::clone(camera)))
            .collect(),
        udp: Arc::new(udp),
        clock: Arc::clone(&clock),
    };
    let seed = config.chaos.as_ref().map_or(1, |chaos| chaos.seed);
    let mounts = cameras.iter().map(|camera| camera.mount.clone()).collect();
    let chaos = config
        .chaos
        .clone()
        .and_then(|chaos| Chaos::new(chaos, mounts));
    let server_task = ServerTask {
        cameras,
        state: Arc::new(state),
        library,
        plan: Plan::new(config.script.clone(), chaos),
        begun: clock.now(),
        seed,
        myself,
        tasks: TaskSet::under(&CancellationToken::new()),
        next_fault: 0,
        ends: BinaryHeap::new(),
    };
    Ok((server_task, listener, socket))
}

fn bind(at: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if at.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // A server that comes back finds its port although old connections still wait to be forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(at)?;
    socket.listen(BACKLOG)
}

async fn serve(
    server_task: ServerTask,
    listener: TcpListener,
    socket: Option<Socket>,
    inbox: mpsc::Receiver<CommandRequest>,
    stop: CancellationToken,
    teller: ServerHandle,
    ready: impl FnOnce(),
) -> Report {
    let mut around = TaskSet::under(&CancellationToken::new());
    if let Some(socket) = socket {
        let token = around.token();
        around.spawn("server socket", socket.serve(teller, token));
    } else {
        drop(teller);
    }
    ready();
    let report = server_task.run(listener, inbox, stop).await;
    around.stop(std::time::Duration::from_millis(500)).await;
    report
}

/// The mount as the path of a URL, without its leading `/`.
fn mount_name(mount: &str) -> Result<String, SimError> {
    let name = mount.trim_matches('/');
    let wrong = |why| SimError::Mount {
        mount: mount.to_owned(),
        why,
    };
    if name.is_empty() {
        return Err(wrong("is empty; give it a name"));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    if !name.chars().all(plain) {
        return Err(wrong(
            "is no path; use letters, digits, `-`, `_`, `.` and `/`",
        ));
    }
    Ok(name.to_owned())
}
