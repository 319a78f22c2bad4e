//! The control socket: JSON lines in, JSON lines out (see [`super::command`]), over a Unix socket
//! that only its owner may open. Its client is [`ask`].

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;

use super::command::{Command, Reply};
use super::handle::ServerHandle;
use parapet::base::tasks::TaskSet;

/// More than this without a line's end is no command.
const MAX_LINE: u64 = 64 * 1_024;
/// An answer may list thousands of cameras.
const MAX_ANSWER: u64 = 64 * 1_024 * 1_024;

/// A socket's file, gone with its owner.
#[derive(Debug)]
pub(super) struct Socket {
    listener: UnixListener,
    path: PathBuf,
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Socket {
    /// Listens; takes the place of a socket that nobody serves any more.
    ///
    /// # Errors
    /// The operating system's; `AddrInUse` where another server answers there.
    pub(super) async fn bind(path: &Path) -> io::Result<Self> {
        if UnixStream::connect(path).await.is_ok() {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        let is_socket = std::fs::symlink_metadata(path).is_ok_and(|found| {
            use std::os::unix::fs::FileTypeExt as _;
            found.file_type().is_socket()
        });
        if is_socket {
            std::fs::remove_file(path)?;
        }
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        Ok(Self {
            listener,
            path: path.to_owned(),
        })
    }

    /// Serves everybody who connects.
    pub(super) async fn serve(self, server: ServerHandle, cancel: CancellationToken) {
        let mut tasks = TaskSet::under(&cancel);
        loop {
            tokio::select! {
                () = cancel.cancelled() => break,
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        tasks.reap();
                        tasks.spawn("server control", talk(stream, server.clone()));
                    }
                    Err(error) => tracing::warn!(%error, "a control connection failed"),
                },
            }
        }
    }
}

async fn talk(mut stream: UnixStream, server: ServerHandle) {
    let (reader, mut writer) = stream.split();
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut reader)
            .take(MAX_LINE)
            .read_until(b'\n', &mut line)
            .await;
        match read {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let reply = match serde_json::from_slice::<Command>(&line) {
            Ok(command) => server.command(command).await,
            Err(error) => Reply::refused(format!("this is no command: {error}")),
        };
        let mut answer = serde_json::to_vec(&reply).unwrap_or_default();
        answer.push(b'\n');
        if writer.write_all(&answer).await.is_err() {
            return;
        }
    }
}

/// Gives one command to the server behind a socket.
///
/// # Errors
/// The operating system's, where nobody listens or the answer breaks off; `InvalidData` where it
/// is none.
pub async fn ask(socket: &Path, command: &Command) -> io::Result<Reply> {
    let mut stream = UnixStream::connect(socket).await?;
    let mut line = serde_json::to_vec(command).map_err(io::Error::other)?;
    line.push(b'\n');
    stream.write_all(&line).await?;
    let mut answer = Vec::new();
    BufReader::new(stream)
        .take(MAX_ANSWER)
        .read_until(b'\n', &mut answer)
        .await?;
    serde_json::from_slice(&answer).map_err(|error| {
        let kind = if answer.is_empty() {
            io::ErrorKind::UnexpectedEof
        } else {
            io::ErrorKind::InvalidData
        };
        io::Error::new(kind, error)
    })
}
