//! The camera server and the daemon as processes of their own, so that what each costs can be told apart.

use std::io::BufRead as _;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::Context as _;

use crate::cli::programs;
use parapet::base::clock::{Clock as _, SystemClock};
use parapet_sim::server::{Cameras, Command as ServerCommand, Reply, Report, ask};

/// The daemon may take this long to listen and to stop.
const WAIT_TIMEOUT: Duration = Duration::from_secs(60);
/// A metrics page of a thousand cameras is about 2 MB.
const LARGEST_ANSWER: u64 = 256 << 20;

/// `parapet sim serve` as a child.
pub(super) struct ServerProcess {
    child: Child,
    /// What stands before a camera's mount.
    pub(super) url: String,
    socket: PathBuf,
}

impl ServerProcess {
    /// Starts a camera server with these `[[camera]]` and other tables of a server file; it writes into
    /// `folder` and says nothing on the terminal. Returns when it listens.
    pub(super) fn start(folder: &Path, tables: &str, cameras: usize) -> anyhow::Result<Self> {
        let socket = folder.join("server.sock");
        let file = folder.join("server.toml");
        let text = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\ncontrol = '{}'\n{tables}",
            socket.display()
        );
        std::fs::write(&file, text)?;
        let log = folder.join("server.log");
        let mut child = programs::lab()?
            .args(["sim", "serve", "--config"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&log)?)
            .spawn()
            .context("the camera server's process does not start")?;
        let stdout = child
            .stdout
            .take()
            .context("the camera server says nothing")?;
        let mut lines = std::io::BufReader::new(stdout).lines();
        let Some(first) = lines.next().transpose()? else {
            let _ = child.kill();
            let _ = child.wait();
            anyhow::bail!("the camera server ended at once: {}", tail(&log));
        };
        let url = first
            .rfind('/')
            .and_then(|end| first.get(..=end))
            .context("the camera server names no camera")?
            .to_owned();
        // The rest is read too, so that the server never waits for room to write.
        for _ in 1..cameras {
            lines.next().transpose()?;
        }
        Ok(Self { child, url, socket })
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Gives it a command.
    pub(super) async fn command(&self, command: &ServerCommand) -> anyhow::Result<Reply> {
        let reply = ask(&self.socket, command)
            .await
            .context("the camera server does not answer")?;
        match reply.error {
            Some(error) => anyhow::bail!("the camera server refuses: {error}"),
            None => Ok(reply),
        }
    }

    /// What it served so far.
    pub(super) async fn report(&self) -> anyhow::Result<Box<Report>> {
        let at = Cameras::default();
        let reply = self.command(&ServerCommand::Status { at }).await?;
        reply.status.context("the camera server has no status")
    }

    /// Asks it to stop; what it served.
    pub(super) async fn stop(&mut self) -> Option<Box<Report>> {
        let report = self.report().await.ok();
        let _ = ask(&self.socket, &ServerCommand::Stop).await;
        report
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // It was asked to stop before; this is for the ways out that did not ask.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `parapet run` as a child.
pub(super) struct DaemonProcess {
    child: Child,
    ops: SocketAddr,
    log: PathBuf,
}

/// A port that nobody listens on now.
pub(super) fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    Ok(listener.local_addr()?.port())
}

impl DaemonProcess {
    /// Starts the daemon with a configuration whose ops endpoint listens at `ops`; it logs into
    /// `folder`. Returns when it is ready, which it is before its cameras are.
    pub(super) async fn start(
        folder: &Path,
        config: &Path,
        ops: SocketAddr,
    ) -> anyhow::Result<Self> {
        let log = folder.join("daemon.log");
        let file = std::fs::File::create(&log)?;
        let child = programs::daemon()?
            .args(["run", "--config"])
            .arg(config)
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .context("the daemon's process does not start")?;
        let mut daemon = Self { child, ops, log };
        let clock = SystemClock::new();
        while daemon.get("readyz").await.is_err() {
            let ended = daemon.child.try_wait()?.is_some();
            anyhow::ensure!(!ended, "the daemon ended at once: {}", tail(&daemon.log));
            let waited = clock.now().0;
            anyhow::ensure!(
                waited < WAIT_TIMEOUT,
                "the daemon is not ready: {}",
                tail(&daemon.log)
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(daemon)
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// A page of its ops endpoint.
    pub(super) async fn get(&self, page: &str) -> anyhow::Result<String> {
        let url = format!("http://{}/{page}", self.ops);
        let asked = tokio::task::spawn_blocking(move || {
            let mut answer = ureq::get(&url).call()?;
            let body = answer.body_mut().with_config().limit(LARGEST_ANSWER);
            body.read_to_string()
        });
        Ok(asked.await??)
    }

    /// Has it read its configuration anew.
    pub(super) fn reload(&self) -> anyhow::Result<()> {
        self.signal(rustix::process::Signal::HUP)
    }

    fn signal(&self, signal: rustix::process::Signal) -> anyhow::Result<()> {
        let id = i32::try_from(self.child.id())?;
        let id = rustix::process::Pid::from_raw(id).context("no process")?;
        Ok(rustix::process::kill_process(id, signal)?)
    }

    /// Asks it to stop; whether it did in good order.
    pub(super) async fn stop(&mut self) -> anyhow::Result<bool> {
        self.signal(rustix::process::Signal::TERM)?;
        let clock = SystemClock::new();
        while clock.now().0 < WAIT_TIMEOUT {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status.success());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(false)
    }

    /// The last lines of its log, for when something went wrong.
    pub(super) fn last_words(&self) -> String {
        tail(&self.log)
    }
}

impl Drop for DaemonProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(5)..].join("\n")
}
