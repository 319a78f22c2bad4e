//! The smallest subscriber worth running: a durable consumer that resumes where it was, prints
//! each event as a line and acknowledges what is printed.
//!
//! ```sh
//! cargo run --example subscriber -- http://127.0.0.1:7447 my-platform
//! ```
//!
//! It needs only `tonic` and the code generated from `proto/parapet/v1`; here that is
//! `parapet::proto::v1`.
#![expect(clippy::print_stdout, reason = "an example speaks to a person")]

use std::io::Write;
use std::time::Duration;

use parapet::proto::v1::events_client::EventsClient;
use parapet::proto::v1::subscribe_request::Start;
use parapet::proto::v1::subscribe_response::Message;
use parapet::proto::v1::{AcknowledgeRequest, EventKind, SubscribeRequest};
use tonic::transport::Endpoint;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Follows until `limit` events were printed to `out`. An error is a broken connection: call it
/// again, it goes on after the last acknowledged event. The event's id tells repetitions.
pub(crate) async fn follow(
    server: String,
    consumer: String,
    limit: Option<usize>,
    mut out: impl Write,
) -> Result<(), Failure> {
    let channel = Endpoint::from_shared(server)?
        .connect_timeout(Duration::from_secs(5))
        // A dead link is noticed within 30 s although nothing is sent.
        .http2_keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(10))
        .connect()
        .await?;
    let mut client = EventsClient::new(channel);
    let start = Some(Start::Consumer(consumer.clone()));
    let request = SubscribeRequest {
        start,
        filter: None,
    };
    let mut stream = client.subscribe(request).await?.into_inner();
    let (mut printed, mut safe, mut acknowledged) = (0, 0, 0);
    loop {
        let all = limit.is_some_and(|limit| printed >= limit);
        // Many at once: the daemon counts requests, and each acknowledgement is one.
        let next = tokio::time::timeout(Duration::from_millis(100), stream.message());
        let next = if all { None } else { next.await.ok() };
        if safe > acknowledged && (next.is_none() || printed % 100 == 0) {
            let (consumer, sequence) = (consumer.clone(), safe);
            let request = AcknowledgeRequest { consumer, sequence };
            client.acknowledge(request).await?;
            acknowledged = safe;
        }
        if all {
            return Ok(());
        }
        let Some(answer) = next else { continue };
        let Some(answer) = answer? else {
            return Err("the daemon ended the stream".into());
        };
        let sequence = match answer.message {
            Some(Message::Event(event)) => {
                // A newer server has kinds that this client does not know: a number will do.
                let kind = EventKind::try_from(event.kind).map_or_else(
                    |_| event.kind.to_string(),
                    |kind| kind.as_str_name().to_owned(),
                );
                let (id, camera) = (&event.id, &event.camera);
                writeln!(out, "{} {kind} {camera} {id}", event.sequence)?;
                printed += 1;
                event.sequence
            }
            Some(Message::Gap(gap)) => {
                let (first, last, reason) = (gap.first_sequence, gap.last_sequence, gap.reason());
                writeln!(out, "gap {first} {last} {}", reason.as_str_name())?;
                gap.last_sequence
            }
            Some(Message::Position(position)) => position.sequence,
            // Not stored yet: good for a screen, but it comes again as an event.
            Some(Message::Provisional(_)) | None => continue,
        };
        // Only what is safe here may be acknowledged.
        out.flush()?;
        safe = sequence;
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let server = arguments.next();
    let server = server.unwrap_or_else(|| "http://127.0.0.1:7447".to_owned());
    let consumer = arguments.next().unwrap_or_else(|| "example".to_owned());
    loop {
        let followed = follow(server.clone(), consumer.clone(), None, std::io::stdout()).await;
        if let Err(error) = followed {
            println!("# {error}; trying again");
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}
