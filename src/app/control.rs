//! What operators and admins can ask of the running daemon. The API's tasks ask by message; the
//! one that owns the `App` does it (`perform.rs`).

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::api::{CameraAction, Control, ControlError, Reloaded};
use crate::model::ids::CameraId;

/// Commands that wait for the daemon's loop.
const QUEUE: usize = 16;
/// A command takes at most as long as closing the slowest source, twice.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Something to do, and where to answer.
pub enum Command {
    /// To a camera.
    Camera {
        /// Which.
        camera: CameraId,
        /// What.
        action: CameraAction,
        /// Who wants it.
        who: Arc<str>,
        /// Where to answer.
        reply: oneshot::Sender<Result<(), ControlError>>,
    },
    /// Read configuration and certificates anew.
    Reload {
        /// Who wants it.
        who: Arc<str>,
        /// Where to answer.
        reply: oneshot::Sender<Result<Reloaded, ControlError>>,
    },
}

/// The API's end of the queue; when it is full the caller waits, and then is told to come again.
pub(super) struct Remote(mpsc::Sender<Command>);

pub(super) fn channel() -> (Remote, mpsc::Receiver<Command>) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    (Remote(sender), receiver)
}

impl Remote {
    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, ControlError>>) -> Command,
    ) -> Result<T, ControlError> {
        let (reply, answer) = oneshot::channel();
        let asked = async {
            self.0
                .send(command(reply))
                .await
                .map_err(|_| ControlError::Away)?;
            answer.await.map_err(|_| ControlError::Away)?
        };
        let answered = tokio::time::timeout(ANSWER_TIMEOUT, asked).await;
        answered.unwrap_or(Err(ControlError::Away))
    }
}

#[tonic::async_trait]
impl Control for Remote {
    async fn camera(
        &self,
        camera: CameraId,
        action: CameraAction,
        who: Arc<str>,
    ) -> Result<(), ControlError> {
        self.ask(|reply| Command::Camera {
            camera,
            action,
            who,
            reply,
        })
        .await
    }

    async fn reload(&self, who: Arc<str>) -> Result<Reloaded, ControlError> {
        self.ask(|reply| Command::Reload { who, reply }).await
    }
}
