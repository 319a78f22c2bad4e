//! One subscriber's stream.

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::followed::to_message;
use super::status::{follow_ended, stopping};
use crate::journal::Follower;
use crate::proto::v1;

/// Why a stream's loop ends.
enum End {
    /// Nobody listens any more.
    Gone,
    /// Tell the subscriber why.
    Tell(Status),
}

/// A stream's own state.
pub(super) struct Subscriber {
    pub(super) follower: Follower,
    pub(super) sender: mpsc::Sender<Result<v1::SubscribeResponse, Status>>,
    pub(super) cancel: CancellationToken,
}

impl Subscriber {
    /// Until the subscriber goes, the journal fails or the daemon stops.
    pub(super) async fn run(mut self) {
        let (cancel, sender) = (self.cancel.clone(), self.sender.clone());
        let end = tokio::select! {
            biased;
            () = cancel.cancelled() => End::Tell(stopping()),
            () = sender.closed() => End::Gone,
            end = self.follow() => end,
        };
        if let End::Tell(status) = end {
            // A full queue belongs to a subscriber that does not read: it sees its stream cut.
            let _ = sender.try_send(Err(status));
        }
    }

    async fn follow(&mut self) -> End {
        loop {
            let items = match self.follower.next().await {
                Ok(items) => items,
                Err(error) => return End::Tell(follow_ended(error)),
            };
            for item in items {
                let response = v1::SubscribeResponse {
                    message: Some(to_message(item)),
                };
                if self.sender.send(Ok(response)).await.is_err() {
                    return End::Gone;
                }
            }
        }
    }
}
