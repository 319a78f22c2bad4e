//! The way in: a bounded queue in front of the committing thread.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crossbeam_channel::{SendTimeoutError, Sender, bounded};
use parking_lot::RwLock;

use super::error::{AcknowledgeError, AppendError};
use super::record::make_storable;
use super::state::Shared;
use crate::base::clock::{Monotonic, SharedClock};
use crate::base::metrics::Metrics;
use crate::model::event::Event;
use crate::model::ids::{ConsumerName, Sequence};

/// An event on its way.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) event: Arc<Event>,
    pub(super) queued: Monotonic,
    pub(super) frame_arrived: Option<Monotonic>,
    pub(super) reply: Option<Sender<Result<Sequence, AppendError>>>,
}

/// A consumer's acknowledgement on its way.
#[derive(Debug)]
pub(super) struct PendingAcknowledge {
    pub(super) consumer: ConsumerName,
    pub(super) sequence: Sequence,
    pub(super) reply: Sender<Result<Sequence, AcknowledgeError>>,
}

/// What the committing thread is asked for.
#[derive(Debug)]
pub(super) enum Command {
    Append(Box<Pending>),
    Acknowledge(PendingAcknowledge),
    Flush(Sender<()>),
    /// A read after this sequence met damage.
    Damaged(Sequence),
    Stop,
}

/// Takes events for the journal. Clones share one queue.
#[derive(Clone, Debug)]
pub struct JournalWriter {
    pub(super) commands: Sender<Command>,
    /// Held for reading while an event is put in the queue, so that nothing slips in between
    /// the last drain and the end.
    pub(super) closed: Arc<RwLock<bool>>,
    pub(super) deadline: Duration,
    pub(super) shared: Arc<Shared>,
    pub(super) clock: SharedClock,
    pub(super) metrics: Arc<Metrics>,
}

impl JournalWriter {
    /// Puts an event in the queue; waits for room up to the configured deadline.
    /// `frame_arrived` is when the frame behind it left the decoder, by the journal's own clock.
    ///
    /// # Errors
    /// [`AppendError::Full`] and [`AppendError::Stopped`]: the event is lost; that was logged and
    /// counted here, and a gap record will say so.
    pub fn append(
        &self,
        event: Event,
        frame_arrived: Option<Monotonic>,
    ) -> Result<(), AppendError> {
        self.send(event, frame_arrived, None)
    }

    /// As [`Self::append`], and waits up to the same deadline again for the commit.
    ///
    /// # Errors
    /// As [`Self::append`]; [`AppendError::NotYetCommitted`] when the event is queued only.
    pub fn append_wait(
        &self,
        event: Event,
        frame_arrived: Option<Monotonic>,
    ) -> Result<Sequence, AppendError> {
        let (reply, answer) = bounded(1);
        self.send(event, frame_arrived, Some(reply))?;
        match answer.recv_timeout(self.deadline) {
            Ok(result) => result,
            Err(crossbeam_channel::RecvTimeoutError::Timeout) => {
                Err(AppendError::NotYetCommitted(self.deadline))
            }
            Err(crossbeam_channel::RecvTimeoutError::Disconnected) => Err(AppendError::Stopped),
        }
    }

    fn send(
        &self,
        mut event: Event,
        frame_arrived: Option<Monotonic>,
        reply: Option<Sender<Result<Sequence, AppendError>>>,
    ) -> Result<(), AppendError> {
        make_storable(&mut event);
        let pending = Pending {
            event: Arc::new(event),
            queued: self.clock.now(),
            frame_arrived,
            reply,
        };
        let closed = self.closed.read();
        if *closed {
            return Err(self.lost(&pending, AppendError::Stopped));
        }
        let command = Command::Append(Box::new(pending));
        let (command, why) = match self.commands.send_timeout(command, self.deadline) {
            Ok(()) => return Ok(()),
            Err(SendTimeoutError::Timeout(command)) => (command, AppendError::Full(self.deadline)),
            Err(SendTimeoutError::Disconnected(command)) => (command, AppendError::Stopped),
        };
        match command {
            Command::Append(pending) => Err(self.lost(&pending, why)),
            _ => Err(why),
        }
    }

    fn lost(&self, pending: &Pending, why: AppendError) -> AppendError {
        self.shared.lost_in_front.fetch_add(1, Ordering::AcqRel);
        count_lost(&self.metrics, &pending.event, &why.to_string());
        why
    }
}

/// The one place where an event's loss is logged and counted.
pub(super) fn count_lost(metrics: &Metrics, event: &Event, why: &str) {
    metrics.events_lost.inc();
    tracing::error!(
        id = %event.id.0,
        incident = %event.incident.0,
        camera = %event.camera,
        kind = %event.kind,
        reason = why,
        "event lost before its commit"
    );
}
