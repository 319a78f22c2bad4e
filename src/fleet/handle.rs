//! Speaks to the analysis worker's thread.
//!
//! Its queue holds at most one answer per camera (inference keeps one in flight), and a few
//! messages of the drivers; it is sized for that, so a full queue only makes the sender wait.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::analysis::Identity;
use super::emitted::{AnalysedSink, EventSink};
use super::message::{EndMark, Message, SessionKey, Vitals};
use super::observed::CameraObserved;
use super::worker::AnalysisWorker;
use crate::base::clock::{Monotonic, SharedClock};
use crate::base::metrics::{CameraMetrics, Metrics};
use crate::base::tasks::named_thread;
use crate::config::types::CameraConfig;
use crate::infer::Answer;
use crate::model::event::Event;
use crate::model::ids::{CameraId, IdSource};

/// Room for one answer of each of 4,096 cameras and their drivers' messages.
const QUEUE: usize = 8_192;

/// A clone speaks to the same thread.
#[derive(Clone, Debug)]
pub struct AnalysisHandle {
    messages: Sender<Message>,
    vitals: Arc<Vitals>,
}

impl AnalysisHandle {
    /// Starts the thread.
    ///
    /// # Errors
    /// The operating system's, when it gives no thread.
    pub fn start(
        identity: Identity,
        events: EventSink,
        analysed: Option<AnalysedSink>,
        clock: SharedClock,
        metrics: &Metrics,
    ) -> io::Result<(Self, JoinHandle<()>)> {
        let (messages, inbox) = bounded(QUEUE);
        let vitals = Arc::new(Vitals::default());
        let seen = Arc::clone(&vitals);
        let mut worker = AnalysisWorker::new(seen, identity, events, analysed, clock, metrics);
        let end = EndMark(Arc::clone(&vitals));
        let thread = named_thread("analysis", move || {
            let _end = end;
            worker.run(&inbox);
        })?;
        Ok((Self { messages, vitals }, thread))
    }

    /// Whether the thread lives and gets on by `now`; with nothing to do it does.
    ///
    /// # Errors
    /// In words: it has ended, or one answer or event has held it for longer than `limit`.
    pub fn healthy(&self, now: Monotonic, limit: Duration) -> Result<(), String> {
        if self.vitals.ended.load(Ordering::Acquire) {
            return Err("the analysis thread has ended".to_owned());
        }
        let busy = self.vitals.pulse.busy_for(now);
        if busy > limit {
            let seconds = busy.as_secs();
            return Err(format!(
                "the analysis has been at one picture for {seconds} s"
            ));
        }
        Ok(())
    }

    /// Takes a camera in.
    pub fn attach(
        &self,
        camera: Arc<CameraConfig>,
        ids: IdSource,
        metrics: CameraMetrics,
        observed: Arc<CameraObserved>,
    ) {
        self.send(Message::Attach {
            camera,
            ids,
            metrics: Box::new(metrics),
            observed,
        });
    }

    /// A new session of the camera begins; answers of older ones are dropped from here on.
    pub(super) fn begin(&self, session: SessionKey) {
        self.send(Message::Begin(session));
    }

    /// Takes one answer.
    pub fn answer(&self, session: SessionKey, answer: Answer) {
        self.send(Message::Answer(session, Box::new(answer)));
    }

    /// Ends the session's incidents. The receiver hears when all its events are handed on.
    #[must_use]
    pub fn end_session(&self, session: SessionKey) -> Receiver<()> {
        let (done, heard) = bounded(1);
        self.send(Message::EndSession(session, done));
        heard
    }

    /// The camera is lost.
    pub fn signal_lost(&self, camera: CameraId, reason: String) {
        self.send(Message::SignalLost(camera, reason));
    }

    /// The camera is back.
    pub fn signal_back(&self, camera: CameraId) {
        self.send(Message::SignalBack(camera));
    }

    /// Lets a camera go. The receiver hears when all its events are handed on.
    #[must_use]
    pub fn detach(&self, camera: CameraId) -> Receiver<()> {
        let (done, heard) = bounded(1);
        self.send(Message::Detach(camera, done));
        heard
    }

    /// Hands on an event of the fleet itself.
    pub(super) fn emit(&self, event: Event) {
        self.send(Message::Emit(Box::new(event)));
    }

    /// Asks the thread to end after what lies before it in the queue.
    pub fn stop(&self) {
        self.send(Message::Stop);
    }

    fn send(&self, message: Message) {
        if self.messages.send(message).is_err() {
            tracing::debug!("the analysis has stopped; a late message is dropped");
        }
    }
}
