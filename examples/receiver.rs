//! The platform's end of the uplink, as small as it can be: takes the events of every node that
//! dials, prints each as a line and acknowledges what is printed.
//!
//! ```sh
//! cargo run --example receiver -- 127.0.0.1:7448     # [uplink] url = "http://127.0.0.1:7448"
//! ```
#![expect(clippy::print_stdout, reason = "an example speaks to a person")]

use std::io::Write;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use parapet::proto::v1::deliver_request::Message as Said;
use parapet::proto::v1::deliver_response::Message as Answer;
use parapet::proto::v1::uplink_server::{Uplink, UplinkServer};
use parapet::proto::v1::{Acknowledged, DeliverRequest, DeliverResponse, EventKind, Welcome};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_stream::{Stream, StreamExt as _};
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};

/// Where lines go; shared by the streams of all nodes.
pub(crate) type Sink = Arc<Mutex<dyn Write + Send>>;

/// The service.
pub(crate) struct Receiver {
    out: Sink,
}

/// Writes one message; returns what may be acknowledged now.
fn take(out: &Sink, node: &str, said: Said) -> std::io::Result<Option<u64>> {
    let mut out = out.lock().unwrap_or_else(PoisonError::into_inner);
    let safe = match said {
        Said::Event(event) => {
            // A newer node has kinds that this platform does not know: a number will do.
            let kind = EventKind::try_from(event.kind).map_or_else(
                |_| event.kind.to_string(),
                |kind| kind.as_str_name().to_owned(),
            );
            writeln!(out, "{node} {} {kind} {}", event.sequence, event.id)?;
            Some(event.sequence)
        }
        Said::Gap(gap) => {
            let (first, last, reason) = (gap.first_sequence, gap.last_sequence, gap.reason());
            writeln!(out, "{node} gap {first} {last} {}", reason.as_str_name())?;
            Some(gap.last_sequence)
        }
        Said::Position(position) => Some(position.sequence),
        // Not stored at the node yet: good for a screen, but it comes again as an event.
        Said::Provisional(_) | Said::Hello(_) => None,
    };
    out.flush()?;
    Ok(safe)
}

#[tonic::async_trait]
impl Uplink for Receiver {
    type DeliverStream = Pin<Box<dyn Stream<Item = Result<DeliverResponse, Status>> + Send>>;

    async fn deliver(
        &self,
        request: Request<Streaming<DeliverRequest>>,
    ) -> Result<Response<Self::DeliverStream>, Status> {
        let mut said = request.into_inner();
        let first = said.message().await?.and_then(|request| request.message);
        let Some(Said::Hello(hello)) = first else {
            return Err(Status::invalid_argument("the first message must be hello"));
        };
        let (out, node) = (Arc::clone(&self.out), hello.node);
        let welcome = DeliverResponse {
            message: Some(Answer::Welcome(Welcome {})),
        };
        let answers = said.filter_map(move |request| {
            let message = match request {
                Ok(request) => request.message?,
                Err(status) => return Some(Err(status)),
            };
            match take(&out, &node, message) {
                Ok(None) => None,
                Ok(Some(sequence)) => Some(Ok(DeliverResponse {
                    message: Some(Answer::Acknowledged(Acknowledged { sequence })),
                })),
                Err(error) => Some(Err(Status::unavailable(error.to_string()))),
            }
        });
        let answers = tokio_stream::once(Ok(welcome)).chain(answers);
        Ok(Response::new(Box::pin(answers)))
    }
}

/// Serves on a bound listener until the future is dropped.
pub(crate) async fn serve(listener: TcpListener, out: Sink) -> Result<(), tonic::transport::Error> {
    Server::builder()
        .http2_keepalive_interval(Some(Duration::from_secs(20)))
        .add_service(UplinkServer::new(Receiver { out }))
        .serve_with_incoming(TcpListenerStream::new(listener))
        .await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listen = std::env::args().nth(1);
    let listen = listen.unwrap_or_else(|| "127.0.0.1:7448".to_owned());
    let listener = TcpListener::bind(&listen).await?;
    println!("# listening on {}", listener.local_addr()?);
    serve(listener, Arc::new(Mutex::new(std::io::stdout()))).await?;
    Ok(())
}
