//! How a camera server is told things by its own process.

use tokio::sync::{mpsc, oneshot};

use super::command::{Command, CommandRequest, Reply};

/// Commands that wait for the server task; whoever gives one more waits too.
const COMMANDS: usize = 64;

/// Gives a server commands from anywhere.
#[derive(Clone, Debug)]
pub struct ServerHandle {
    commands: mpsc::Sender<CommandRequest>,
}

impl ServerHandle {
    /// A handle, and where its commands arrive.
    pub(super) fn new() -> (Self, mpsc::Receiver<CommandRequest>) {
        let (commands, inbox) = mpsc::channel(COMMANDS);
        (Self { commands }, inbox)
    }

    /// Sends too, and keeps nothing running.
    pub(super) fn downgrade(&self) -> mpsc::WeakSender<CommandRequest> {
        self.commands.downgrade()
    }

    /// Gives a command and waits for the answer.
    pub async fn command(&self, command: Command) -> Reply {
        let (reply, answer) = oneshot::channel();
        if self.commands.send((command, reply)).await.is_err() {
            return stopped();
        }
        answer.await.unwrap_or_else(|_| stopped())
    }

    /// The same on a thread that may block.
    ///
    /// # Panics
    /// On a thread that drives asynchronous tasks.
    #[must_use]
    pub fn command_blocking(&self, command: Command) -> Reply {
        let (reply, answer) = oneshot::channel();
        if self.commands.blocking_send((command, reply)).is_err() {
            return stopped();
        }
        answer.blocking_recv().unwrap_or_else(|_| stopped())
    }

    /// Ends when the server has stopped.
    pub async fn stopped(&self) {
        self.commands.closed().await;
    }
}

fn stopped() -> Reply {
    Reply::refused("the server has stopped")
}
