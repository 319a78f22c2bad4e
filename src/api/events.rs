//! `parapet.v1.Events`: checks requests, answers the short ones, starts the long ones.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use prost::Message as _;
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::subscribe::{self, Subscriber};
use super::{ApiDeps, convert};
use crate::journal::{AcknowledgeError, Filter, JournalError, JournalReader};
use crate::model::ids::{ConsumerName, Sequence};
use crate::model::time::UtcMicros;
use crate::proto::v1;
use crate::proto::v1::events_server::Events;
use crate::proto::v1::subscribe_request::Start;

/// Subscribe streams at a time.
const MAX_STREAMS: usize = 64;
/// Messages waiting for one subscriber.
const STREAM_QUEUE: usize = 32;
const DEFAULT_PAGE: usize = 100;
const MAX_PAGE: usize = 256;
/// A page ends before it is larger; a gRPC client takes 4 MiB by default.
const MAX_PAGE_BYTES: usize = 2 * 1024 * 1024;

/// A stream's task, to be owned by the server.
pub(super) type SubscriberTask = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Answers from the journal.
pub(super) struct EventsService {
    deps: ApiDeps,
    spawner: mpsc::Sender<SubscriberTask>,
    cancel: CancellationToken,
    streams: Arc<Semaphore>,
}

impl EventsService {
    pub(super) fn new(
        deps: ApiDeps,
        spawner: mpsc::Sender<SubscriberTask>,
        cancel: CancellationToken,
    ) -> Self {
        Self {
            deps,
            spawner,
            cancel,
            streams: Arc::new(Semaphore::new(MAX_STREAMS)),
        }
    }

    /// Where a subscription starts.
    async fn start(&self, start: Option<Start>) -> Result<Sequence, Status> {
        let after = match start {
            None => {
                let text = "start: set after_sequence (0 is the beginning) or consumer";
                return Err(Status::invalid_argument(text));
            }
            Some(Start::AfterSequence(after)) => Sequence(after),
            Some(Start::Consumer(name)) => {
                let name = consumer(&name)?;
                let position = blocking(&self.deps.reader, move |r| r.acknowledged(&name));
                position.await?.unwrap_or_default()
            }
        };
        let last = blocking(&self.deps.reader, JournalReader::last_sequence).await?;
        if after > last {
            return Err(Status::out_of_range(format!(
                "start is {}, the journal's last sequence is {}: was the journal replaced?",
                after.0, last.0
            )));
        }
        Ok(after)
    }
}

#[tonic::async_trait]
impl Events for EventsService {
    type SubscribeStream = ReceiverStream<Result<v1::SubscribeResponse, Status>>;

    async fn subscribe(
        &self,
        request: Request<v1::SubscribeRequest>,
    ) -> Result<Response<Self::SubscribeStream>, Status> {
        let request = request.into_inner();
        let filter = filter(request.filter)?;
        let permit = Arc::clone(&self.streams).try_acquire_owned().map_err(|_| {
            Status::resource_exhausted(format!("{MAX_STREAMS} subscribers are connected already"))
        })?;
        let after = self.start(request.start).await?;
        let (sender, receiver) = mpsc::channel(STREAM_QUEUE);
        let subscriber = Subscriber {
            reader: self.deps.reader.clone(),
            committed: self.deps.committed.clone(),
            filter,
            position: after,
            sender,
            cancel: self.cancel.clone(),
        };
        let counted = subscribe::Counted::new(&self.deps.metrics.subscribers);
        let task = Box::pin(async move {
            let _held = (permit, counted);
            subscriber.run().await;
        });
        self.spawner.send(task).await.map_err(|_| stopping())?;
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    async fn acknowledge(
        &self,
        request: Request<v1::AcknowledgeRequest>,
    ) -> Result<Response<v1::AcknowledgeResponse>, Status> {
        let request = request.into_inner();
        let name = consumer(&request.consumer)?;
        let reader = self.deps.reader.clone();
        let sequence = Sequence(request.sequence);
        let answer = tokio::task::spawn_blocking(move || reader.acknowledge(&name, sequence))
            .await
            .map_err(|error| Status::internal(error.to_string()))?;
        match answer {
            Ok(position) => Ok(Response::new(v1::AcknowledgeResponse {
                acknowledged_sequence: position.0,
            })),
            Err(error @ AcknowledgeError::Beyond { .. }) => {
                Err(Status::out_of_range(format!("sequence: {error}")))
            }
            Err(error) => Err(Status::unavailable(error.to_string())),
        }
    }

    async fn query(
        &self,
        request: Request<v1::QueryRequest>,
    ) -> Result<Response<v1::QueryResponse>, Status> {
        let request = request.into_inner();
        let size = match request.page_size as usize {
            0 => DEFAULT_PAGE,
            size if size <= MAX_PAGE => size,
            _ => {
                return Err(Status::invalid_argument(format!(
                    "page_size: at most {MAX_PAGE}"
                )));
            }
        };
        let (from, to) = (request.from_utc_micros, request.to_utc_micros);
        if let (Some(from), Some(to)) = (from, to)
            && from >= to
        {
            return Err(Status::invalid_argument(
                "to_utc_micros: not after from_utc_micros",
            ));
        }
        let filter = Filter {
            from: from.map(UtcMicros),
            to: to.map(UtcMicros),
            after_sequence: Sequence(request.after_sequence),
            ..filter(request.filter)?
        };
        // One more than asked for tells whether there is a next page.
        let records = blocking(&self.deps.reader, move |r| r.query(&filter, size + 1)).await?;
        let (mut events, mut bytes) = (Vec::with_capacity(records.len()), 0);
        for record in records.iter().take(size) {
            let event = convert::to_wire(record);
            bytes += event.encoded_len();
            if bytes > MAX_PAGE_BYTES && !events.is_empty() {
                break;
            }
            events.push(event);
        }
        let more = events.len() < records.len();
        let next = events
            .last()
            .filter(|_| more)
            .map_or(0, |event| event.sequence);
        Ok(Response::new(v1::QueryResponse {
            events,
            next_after_sequence: next,
        }))
    }
}

/// What every stream is told when the daemon ends.
pub(super) fn stopping() -> Status {
    Status::unavailable("daemon stopping")
}

/// A read of the journal off the async threads.
pub(super) async fn blocking<T: Send + 'static>(
    reader: &JournalReader,
    read: impl FnOnce(&JournalReader) -> Result<T, JournalError> + Send + 'static,
) -> Result<T, Status> {
    let reader = reader.clone();
    let result = tokio::task::spawn_blocking(move || read(&reader))
        .await
        .map_err(|error| Status::internal(error.to_string()))?;
    result.map_err(|error| {
        let cause = std::error::Error::source(&error)
            .map(ToString::to_string)
            .unwrap_or_default();
        tracing::error!(%error, cause, "a subscriber's read of the journal failed");
        // The path of the file is nothing for the other side.
        Status::internal("the journal cannot be read; see the daemon's log")
    })
}

fn consumer(name: &str) -> Result<ConsumerName, Status> {
    ConsumerName::new(name).map_err(|error| Status::invalid_argument(format!("consumer: {error}")))
}

fn filter(wire: Option<v1::EventFilter>) -> Result<Filter, Status> {
    convert::filter_from_wire(wire.unwrap_or_default())
        .map_err(|error| Status::invalid_argument(format!("filter.{error}")))
}
