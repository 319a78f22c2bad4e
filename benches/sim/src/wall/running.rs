//! A wall that runs: its thread, its port, and how it is told things.

use std::collections::BinaryHeap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::camera::Camera;
use super::control::Socket;
use super::conversation::House;
use super::desk::{Desk, Word};
use super::library::Library;
use super::order::{Order, Reply};
use super::outlet::UdpPorts;
use super::plan::{Chaos, Plan};
use super::report::Report;
use super::{SimError, WallConfig};
use parapet::base::clock::SharedClock;
use parapet::base::tasks::{TaskSet, named_thread};

/// Orders that wait for the desk; whoever gives one more waits too.
const ORDERS: usize = 64;
/// Connections that wait to be accepted: a whole site may come back at once.
const BACKLOG: u32 = 2_048;

/// RTSP cameras that play until [`Wall::stop`] or drop.
#[derive(Debug)]
pub struct Wall {
    address: IpAddr,
    port: u16,
    handle: WallHandle,
    cancel: CancellationToken,
    thread: Option<JoinHandle<Report>>,
}

/// Gives a wall orders from anywhere.
#[derive(Clone, Debug)]
pub struct WallHandle {
    words: mpsc::Sender<Word>,
}

impl WallHandle {
    /// Gives an order and waits for the answer.
    pub async fn order(&self, order: Order) -> Reply {
        let (reply, answer) = oneshot::channel();
        if self.words.send((order, reply)).await.is_err() {
            return stopped();
        }
        answer.await.unwrap_or_else(|_| stopped())
    }

    /// The same on a thread that may block.
    ///
    /// # Panics
    /// On a thread that drives asynchronous tasks.
    #[must_use]
    pub fn order_blocking(&self, order: Order) -> Reply {
        let (reply, answer) = oneshot::channel();
        if self.words.blocking_send((order, reply)).is_err() {
            return stopped();
        }
        answer.blocking_recv().unwrap_or_else(|_| stopped())
    }

    /// Ends when the wall has stopped.
    pub async fn stopped(&self) {
        self.words.closed().await;
    }
}

fn stopped() -> Reply {
    Reply::refused("the wall has stopped")
}

/// What the wall's thread says once it listens.
type Begun = Result<u16, SimError>;

impl Wall {
    pub(super) fn listen(
        config: WallConfig,
        cameras: Vec<Arc<Camera>>,
        library: Arc<Library>,
        clock: SharedClock,
    ) -> Result<Self, SimError> {
        let (words, inbox) = mpsc::channel(ORDERS);
        let handle = WallHandle { words };
        let cancel = CancellationToken::new();
        let (told, begun) = std::sync::mpsc::sync_channel::<Begun>(1);
        let (address, count) = (config.address, cameras.len());
        let (stop, teller) = (cancel.clone(), handle.clone());
        let thread = named_thread("sim-wall", move || {
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
                let weak = teller.words.downgrade();
                let opened = open(&config, cameras, library, clock, weak).await;
                let (desk, listener, socket) = match opened {
                    Ok(opened) => opened,
                    Err(error) => {
                        let _ = told.send(Err(error));
                        return Report::default();
                    }
                };
                let port = listener.local_addr().map_or(0, |at| at.port());
                serve(desk, listener, socket, inbox, stop, teller, || {
                    let _ = told.send(Ok(port));
                })
                .await
            })
        })
        .map_err(SimError::Thread)?;
        let port = begun
            .recv()
            .map_err(|_| SimError::Server("its thread ended at once".to_owned()))??;
        tracing::info!(%address, port, cameras = count, "camera wall listens");
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

    /// Gives it orders.
    #[must_use]
    pub fn handle(&self) -> WallHandle {
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
            tracing::error!("camera wall's thread panicked");
            Report::default()
        })
    }
}

impl Drop for Wall {
    fn drop(&mut self) {
        self.close();
    }
}

async fn open(
    config: &WallConfig,
    cameras: Vec<Arc<Camera>>,
    library: Arc<Library>,
    clock: SharedClock,
    myself: mpsc::WeakSender<Word>,
) -> Result<(Desk, TcpListener, Option<Socket>), SimError> {
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
    let house = House {
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
    let desk = Desk {
        cameras,
        house: Arc::new(house),
        library,
        plan: Plan::new(config.script.clone(), chaos),
        begun: clock.now(),
        seed,
        myself,
        tasks: TaskSet::under(&CancellationToken::new()),
        next_fault: 0,
        ends: BinaryHeap::new(),
    };
    Ok((desk, listener, socket))
}

fn bind(at: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if at.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // A wall that comes back finds its port although old connections still wait to be forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(at)?;
    socket.listen(BACKLOG)
}

async fn serve(
    desk: Desk,
    listener: TcpListener,
    socket: Option<Socket>,
    inbox: mpsc::Receiver<Word>,
    stop: CancellationToken,
    teller: WallHandle,
    ready: impl FnOnce(),
) -> Report {
    let mut around = TaskSet::under(&CancellationToken::new());
    if let Some(socket) = socket {
        let token = around.token();
        around.spawn("wall socket", socket.serve(teller, token));
    } else {
        drop(teller);
    }
    ready();
    let report = desk.run(listener, inbox, stop).await;
    around.stop(std::time::Duration::from_millis(500)).await;
    report
}
