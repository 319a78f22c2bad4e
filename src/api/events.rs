//! `parapet.v1.Events`: checks requests, answers the short ones, starts the long ones.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use prost::Message as _;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::convert;
use super::counted::Counted;
use super::deps::ApiDeps;
use super::request::{caller, consumer};
use super::status::{blocking, not_stored, refused, stopping};
use super::subscribe::Subscriber;
use crate::access::owners::OwnerError;
use crate::access::{Authorizer, Caller, Refusal};
use crate::journal::{AcknowledgeError, Filter};
use crate::model::ids::{ConsumerName, Sequence};
use crate::model::time::UtcMicros;
use crate::proto::v1;
use crate::proto::v1::events_server::Events;
use crate::proto::v1::subscribe_request::Start;

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
    authorizer: Arc<Authorizer>,
}

impl EventsService {
    pub(super) fn new(
        deps: ApiDeps,
        spawner: mpsc::Sender<SubscriberTask>,
        cancel: CancellationToken,
        authorizer: Arc<Authorizer>,
    ) -> Self {
        Self {
            deps,
            spawner,
            cancel,
            authorizer,
        }
    }

    /// A consumer's name, once it is sure to be the caller's.
    async fn own_consumer(&self, name: &str, caller: &Caller) -> Result<ConsumerName, Status> {
        let name = consumer(name)?;
        let (owners, asked) = (Arc::clone(&self.deps.owners), name.clone());
        let identity = Arc::clone(&caller.identity);
        let claimed = tokio::task::spawn_blocking(move || owners.claim(&asked, &identity))
            .await
            .map_err(|error| Status::internal(error.to_string()))?;
        match claimed {
            Ok(()) => Ok(name),
            Err(error @ OwnerError::Others) => {
                self.authorizer.count(Refusal::Scope);
                Err(Status::permission_denied(format!("consumer: {error}")))
            }
            Err(error @ OwnerError::TooMany) => {
                Err(Status::resource_exhausted(format!("consumer: {error}")))
            }
            Err(error) => Err(not_stored(&error)),
        }
    }

    /// The wanted filter within what the caller may see.
    fn filter(&self, wire: Option<v1::EventFilter>, caller: &Caller) -> Result<Filter, Status> {
        let filter = filter(wire)?;
        if let Some(camera) = filter.cameras.iter().find(|id| !caller.may_see(id)) {
            self.authorizer.count(Refusal::Scope);
            return Err(Status::permission_denied(format!(
                "filter.cameras: `{camera}` is not among your cameras"
            )));
        }
        Ok(Filter {
            scope: caller.rights.scope.clone(),
            ..filter
        })
    }

    /// Where a subscription starts.
    async fn start(&self, start: Option<Start>, caller: &Caller) -> Result<Sequence, Status> {
        let after = match start {
            None => {
                let text = "start: set after_sequence (0 is the beginning) or consumer";
                return Err(Status::invalid_argument(text));
            }
            Some(Start::AfterSequence(after)) => Sequence(after),
            Some(Start::Consumer(name)) => {
                let name = self.own_consumer(&name, caller).await?;
                self.deps.reader.acknowledged(&name).unwrap_or_default()
            }
        };
        if !self.deps.reader.is_open() {
            let text = "the journal could not be opened yet: subscribe again";
            return Err(Status::unavailable(text));
        }
        // What is committed but not yet published cannot be known to anybody.
        let last = *self.deps.reader.committed().borrow();
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
        let caller = caller(&request)?;
        let request = request.into_inner();
        let filter = self.filter(request.filter, &caller)?;
        let limits = &self.authorizer.policy().limits;
        let place = self.authorizer.sessions().stream(&caller.identity, limits);
        let place = place.map_err(|refusal| {
            self.authorizer.count(refusal);
            refused(refusal)
        })?;
        let after = self.start(request.start, &caller).await?;
        let (sender, receiver) = mpsc::channel(STREAM_QUEUE);
        let subscriber = Subscriber {
            follower: self.deps.reader.follow(filter, after),
            sender,
            cancel: self.cancel.clone(),
        };
        let counted = Counted::new(&self.deps.metrics.subscribers);
        let task = Box::pin(async move {
            let _held = (place, counted);
            subscriber.run().await;
        });
        self.spawner.send(task).await.map_err(|_| stopping())?;
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    async fn acknowledge(
        &self,
        request: Request<v1::AcknowledgeRequest>,
    ) -> Result<Response<v1::AcknowledgeResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let name = self.own_consumer(&request.consumer, &caller).await?;
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
        let caller = caller(&request)?;
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
            ..self.filter(request.filter, &caller)?
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

fn filter(wire: Option<v1::EventFilter>) -> Result<Filter, Status> {
    convert::filter_from_wire(wire.unwrap_or_default())
        .map_err(|error| Status::invalid_argument(format!("filter.{error}")))
}
