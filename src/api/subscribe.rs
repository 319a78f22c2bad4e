//! One subscriber's stream.

use std::time::Duration;

use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::convert;
use super::events::{blocking, stopping};
use crate::journal::{Filter, JournalReader};
use crate::model::event::Record;
use crate::model::ids::Sequence;
use crate::proto::v1;
use crate::proto::v1::subscribe_response::Message;

/// Records read from disk at a time.
const PAGE: usize = 256;
/// Longest silence on a stream.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Counts an open stream while it lives.
pub(super) struct Counted(Gauge);

impl Counted {
    pub(super) fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Why a stream's loop ends.
enum End {
    /// Nobody listens any more.
    Gone,
    /// Tell the subscriber why.
    Tell(Status),
}

/// A stream's own state.
pub(super) struct Subscriber {
    pub(super) reader: JournalReader,
    pub(super) committed: watch::Receiver<Sequence>,
    pub(super) filter: Filter,
    /// Everything up to here was sent or held back by the filter.
    pub(super) position: Sequence,
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
        let mut caught_up = false;
        loop {
            // Marked before the read, so that a commit during the read is not slept through.
            self.committed.borrow_and_update();
            let after = self.position;
            let page = match blocking(&self.reader, move |r| r.read_after(after, PAGE)).await {
                Ok(page) => page,
                Err(status) => return End::Tell(status),
            };
            let full = page.len() == PAGE;
            for record in page {
                if let Err(end) = self.pass(&record).await {
                    return end;
                }
            }
            if full {
                continue;
            }
            if !caught_up {
                caught_up = true;
                if let Err(end) = self.send_position().await {
                    return end;
                }
            }
            match tokio::time::timeout(HEARTBEAT, self.committed.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return End::Tell(stopping()),
                Err(_) => {
                    if let Err(end) = self.send_position().await {
                        return end;
                    }
                }
            }
        }
    }

    async fn pass(&mut self, record: &Record) -> Result<(), End> {
        let expected = self.position.0 + 1;
        if record.sequence.0 > expected {
            let gap = v1::Gap {
                first_sequence: expected,
                last_sequence: record.sequence.0 - 1,
            };
            tracing::warn!(
                first = gap.first_sequence,
                last = gap.last_sequence,
                "a subscriber missed records that are no longer stored"
            );
            self.send(Message::Gap(gap)).await?;
        }
        if self.filter.matches(record) {
            self.send(Message::Event(convert::to_wire(record))).await?;
        }
        self.position = record.sequence;
        Ok(())
    }

    async fn send_position(&self) -> Result<(), End> {
        self.send(Message::Position(v1::Position {
            sequence: self.position.0,
        }))
        .await
    }

    async fn send(&self, message: Message) -> Result<(), End> {
        let response = v1::SubscribeResponse {
            message: Some(message),
        };
        self.sender.send(Ok(response)).await.map_err(|_| End::Gone)
    }
}
