//! The outbound way: the daemon dials the platform's `parapet.v1.Uplink`.
//!
//! ```text
//!          connect, hello, welcome                 welcome seen
//!  dialling ────────────────────────▶ delivering ───────────────┐ back-off forgets
//!     ▲                                   │ cut, refused, nothing │
//!     │  back-off with jitter             │ acknowledged for 60 s ▼
//!     └──────────── waiting ◀─────────────┴───────────────────────┘
//! ```
//!
//! An acknowledgement moves the durable consumer before it frees room in the window, so that a
//! crash never forgets what the platform was promised. What is in flight is bounded three times:
//! a page read from disk, the window of unacknowledged records, the queue of the stream.

mod window;

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::Endpoint;
use tonic::{Status, Streaming};

use super::client::{ClientError, dial};
use super::followed::to_message;
use super::status::follow_ended;
use crate::base::backoff::{Backoff, BackoffPolicy};
use crate::base::metrics::Metrics;
use crate::config::types::UplinkConfig;
use crate::journal::{AcknowledgeError, Filter, Followed, Follower, JournalReader};
use crate::model::ids::{NodeName, Sequence, SiteName};
use crate::proto::v1;
use crate::proto::v1::deliver_request::Message as Said;
use crate::proto::v1::deliver_response::Message as Heard;
use crate::proto::v1::subscribe_response::Message;
use crate::proto::v1::uplink_client::UplinkClient;
use window::Window;

const RETRY: BackoffPolicy = BackoffPolicy {
    first: Duration::from_millis(500),
    ceiling: Duration::from_secs(60),
};
/// Messages waiting in one stream.
const QUEUE: usize = 32;
/// For connecting, and again for the welcome.
const GREETING_TIMEOUT: Duration = Duration::from_secs(10);
/// A platform that holds a full window and acknowledges nothing for this long is dialled anew.
const ACKNOWLEDGE_TIMEOUT: Duration = Duration::from_secs(60);
/// For saving the last acknowledgement after a cut.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(2);
/// Between two tries to save an acknowledgement that the disk does not take.
const SAVE_RETRY: Duration = Duration::from_secs(1);

/// What the uplink reads and who it is.
#[derive(Clone, Debug)]
pub struct UplinkDeps {
    /// Reads the journal and keeps the consumer's position.
    pub reader: JournalReader,
    /// Says whether it is connected.
    pub metrics: Arc<Metrics>,
    /// The facility.
    pub site: SiteName,
    /// This server.
    pub node: NodeName,
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("the platform's address is no good")]
    Address(#[from] tonic::transport::Error),
    #[error(transparent)]
    Dial(#[from] ClientError),
    #[error("the platform says: {} ({:?})", .0.message(), .0.code())]
    Refused(Box<Status>),
    #[error("the platform ended the stream")]
    Ended,
    #[error("no welcome came within {GREETING_TIMEOUT:?}")]
    NoWelcome,
    #[error("nothing was acknowledged for {ACKNOWLEDGE_TIMEOUT:?}")]
    Silent,
    #[error("the platform acknowledged {asked}, but only {sent} was sent")]
    Beyond { asked: u64, sent: u64 },
}

impl From<Status> for Broken {
    fn from(status: Status) -> Self {
        Self::Refused(Box::new(status))
    }
}

/// Dials until `cancel`.
pub async fn run(config: UplinkConfig, deps: UplinkDeps, cancel: CancellationToken) {
    let mut backoff = Backoff::new(RETRY);
    loop {
        let mut welcomed = false;
        let broken = tokio::select! {
            () = cancel.cancelled() => break,
            broken = Box::pin(deliver(&config, &deps, &mut welcomed)) => broken,
        };
        deps.metrics.journal.uplink_connected.set(0);
        deps.metrics.journal.uplink_failures.inc();
        if welcomed {
            backoff.reset();
        }
        let wait = backoff.fail();
        let wait_millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let cause = std::error::Error::source(&broken).map(ToString::to_string);
        tracing::warn!(url = %config.url, error = %broken, cause, wait_millis, "uplink broke; dialling again");
        tokio::select! {
            () = cancel.cancelled() => break,
            () = tokio::time::sleep(wait) => {}
        }
    }
    deps.metrics.journal.uplink_connected.set(0);
}

/// One connection's life.
async fn deliver(config: &UplinkConfig, deps: &UplinkDeps, welcomed: &mut bool) -> Broken {
    match greet(config, deps).await {
        Ok((sender, answers, position)) => {
            *welcomed = true;
            deps.metrics.journal.uplink_connected.set(1);
            tracing::info!(url = %config.url, after = position.0, "uplink connected");
            let mut session = Session {
                deps,
                config,
                follower: deps.reader.follow(Filter::default(), position),
                sender,
                answers,
                waiting: VecDeque::new(),
                window: Window::after(position),
                due: None,
                saving: None,
            };
            let broken = match session.run().await {
                Ok(never) => match never {},
                Err(broken) => broken,
            };
            // What was acknowledged before the cut need not be sent again.
            if tokio::time::timeout(SETTLE_TIMEOUT, session.settle())
                .await
                .is_err()
            {
                tracing::warn!(
                    "the last acknowledgement could not be saved; some events come again"
                );
            }
            broken
        }
        Err(broken) => broken,
    }
}

type Greeted = (
    mpsc::Sender<v1::DeliverRequest>,
    Streaming<v1::DeliverResponse>,
    Sequence,
);

async fn greet(config: &UplinkConfig, deps: &UplinkDeps) -> Result<Greeted, Broken> {
    if !deps.reader.is_open() {
        return Err(Status::unavailable("the journal could not be opened yet").into());
    }
    let endpoint = Endpoint::from_shared(config.url.to_string())?
        .connect_timeout(GREETING_TIMEOUT)
        .http2_keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(10))
        .keep_alive_while_idle(true)
        .tcp_nodelay(true);
    // A server that accepts and says nothing would hold the handshake for good.
    let channel = tokio::time::timeout(GREETING_TIMEOUT, dial(endpoint, config.tls.as_ref()));
    let channel = channel.await.map_err(|_| Broken::NoWelcome)??;
    let position = deps.reader.acknowledged(&config.consumer);
    let position = position.unwrap_or_default();
    let (sender, receiver) = mpsc::channel(QUEUE);
    let hello = Said::Hello(v1::Hello {
        site: deps.site.to_string(),
        node: deps.node.to_string(),
        consumer: config.consumer.to_string(),
        acknowledged_sequence: position.0,
        last_sequence: deps.reader.committed().borrow().0,
    });
    let _ = sender.try_send(request(hello));
    let mut client = UplinkClient::new(channel);
    let greeting = async {
        let stream = client.deliver(ReceiverStream::new(receiver)).await?;
        let mut answers = stream.into_inner();
        match answers.message().await?.and_then(|answer| answer.message) {
            Some(Heard::Welcome(_)) => Ok(answers),
            Some(Heard::Acknowledged(_)) => Err(Broken::NoWelcome),
            None => Err(Broken::Ended),
        }
    };
    let answers = tokio::time::timeout(GREETING_TIMEOUT, greeting).await;
    let answers = answers.map_err(|_| Broken::NoWelcome)??;
    Ok((sender, answers, position))
}

fn request(said: Said) -> v1::DeliverRequest {
    v1::DeliverRequest {
        message: Some(said),
    }
}

type Saving = Pin<Box<dyn Future<Output = (Sequence, Result<Sequence, AcknowledgeError>)> + Send>>;

enum Never {}

struct Session<'d> {
    deps: &'d UplinkDeps,
    config: &'d UplinkConfig,
    follower: Follower,
    sender: mpsc::Sender<v1::DeliverRequest>,
    answers: Streaming<v1::DeliverResponse>,
    /// Read from the journal, not yet sent.
    waiting: VecDeque<Followed>,
    window: Window,
    /// Acknowledged by the platform, not yet durable.
    due: Option<Sequence>,
    saving: Option<Saving>,
}

impl Session<'_> {
    async fn run(&mut self) -> Result<Never, Broken> {
        let mut silence = Box::pin(tokio::time::sleep(ACKNOWLEDGE_TIMEOUT));
        let mut save_again = tokio::time::interval(SAVE_RETRY);
        let sender = self.sender.clone();
        loop {
            let may_send = !self.waiting.is_empty() && self.window.has_room();
            tokio::select! {
                answer = self.answers.message() => {
                    let heard = answer?.ok_or(Broken::Ended)?.message;
                    if let Some(Heard::Acknowledged(acknowledged)) = heard {
                        self.heard(Sequence(acknowledged.sequence))?;
                        silence = Box::pin(tokio::time::sleep(ACKNOWLEDGE_TIMEOUT));
                    }
                }
                (asked, saved) = saving(&mut self.saving) => self.saved(asked, saved),
                _ = save_again.tick() => self.save(),
                permit = sender.reserve(), if may_send => {
                    let permit = permit.map_err(|_| Broken::Ended)?;
                    if let Some(item) = self.waiting.pop_front() {
                        self.window.sent(&item);
                        permit.send(request(said(item)));
                    }
                }
                items = self.follower.next(), if self.waiting.is_empty() => {
                    self.waiting.extend(items.map_err(follow_ended)?);
                }
                () = &mut silence, if !self.window.has_room() => return Err(Broken::Silent),
            }
            if self.window.has_room() && silence.is_elapsed() {
                silence = Box::pin(tokio::time::sleep(ACKNOWLEDGE_TIMEOUT));
            }
        }
    }

    fn heard(&mut self, asked: Sequence) -> Result<(), Broken> {
        let sent = self.window.last_sent();
        if asked > sent {
            let (asked, sent) = (asked.0, sent.0);
            return Err(Broken::Beyond { asked, sent });
        }
        self.due = Some(self.due.map_or(asked, |due| due.max(asked)));
        self.save();
        Ok(())
    }

    /// Makes the newest acknowledgement durable, one at a time.
    fn save(&mut self) {
        if self.saving.is_some() {
            return;
        }
        let Some(due) = self.due.take() else { return };
        let (reader, consumer) = (self.deps.reader.clone(), self.config.consumer.clone());
        self.saving = Some(Box::pin(async move {
            let saved =
                tokio::task::spawn_blocking(move || reader.acknowledge(&consumer, due)).await;
            (due, saved.unwrap_or(Err(AcknowledgeError::Stopped)))
        }));
    }

    /// Makes durable what is still to be.
    async fn settle(&mut self) {
        self.save();
        while self.saving.is_some() {
            let (asked, saved) = saving(&mut self.saving).await;
            let failed = saved.is_err();
            self.saved(asked, saved);
            if failed {
                return;
            }
        }
    }

    fn saved(&mut self, asked: Sequence, saved: Result<Sequence, AcknowledgeError>) {
        self.saving = None;
        match saved {
            Ok(position) => {
                self.window.acknowledged(position);
                self.save();
            }
            Err(error) => {
                // Kept for the next tick; the window stays closed that long.
                tracing::warn!(%error, "the platform's acknowledgement could not be saved yet");
                self.due = Some(self.due.map_or(asked, |due| due.max(asked)));
            }
        }
    }
}

/// The acknowledgement being saved; never ready while there is none.
async fn saving(saving: &mut Option<Saving>) -> (Sequence, Result<Sequence, AcknowledgeError>) {
    match saving {
        Some(saving) => saving.await,
        None => std::future::pending().await,
    }
}

fn said(item: Followed) -> Said {
    match to_message(item) {
        Message::Event(event) => Said::Event(event),
        Message::Position(position) => Said::Position(position),
        Message::Gap(gap) => Said::Gap(gap),
        Message::Provisional(event) => Said::Provisional(event),
    }
}
