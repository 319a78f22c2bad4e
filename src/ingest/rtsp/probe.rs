//! A sleeping camera's probe while it waits for a decoding thread, and what becomes of the stream meanwhile.
//!
//! ```text
//!            task                            queue                    decoding thread
//!  queued    judges each picture in place    place by its urgency     –
//!  begun     reads no picture                –                        has the stream
//!  done      has the stream                  –                        –
//! ```
//!
//! While it waits the stream lies where both can reach it, and the queue only knows the place. A picture
//! that comes is judged where the stream lies; the probe stays in the queue and changes its rank where the
//! picture changed its urgency. Whoever begins takes the stream away and brings it back in the answer. The
//! lock is held for as long as a picture is judged, and never through a decoder.

use std::sync::Arc;

use super::decode_queue::Rank;
use super::runtime::{Alive, Asked, Shared, job};
use crate::base::locks;
use crate::ingest::decoding::{Feed, Stream};
use crate::ingest::deliver::Core;
use crate::ingest::gate::Urgency;

/// What came of a probe.
pub(super) struct Probed {
    pub(super) stream: Box<Stream>,
    /// It woke the camera, and something is left to be decoded.
    pub(super) more: bool,
}

/// A probe in the queue, or being taken.
pub(super) struct QueuedProbe {
    urgency: Urgency,
    /// Empty from when it was begun.
    stream: Arc<locks::Stream<Option<Box<Stream>>>>,
    asked: Asked<(Option<Option<Probed>>, Alive)>,
}

impl QueuedProbe {
    /// Takes a place in the queue with a stream that a probe is pending of.
    pub(super) fn ask(
        shared: &Shared,
        rank: Rank,
        stream: Box<Stream>,
        core: &Arc<Core>,
        alive: &Alive,
    ) -> Self {
        let stream = Arc::new(locks::Stream::new(Some(stream)));
        let place = Arc::clone(&stream);
        let probe = job(core, alive, move |core| {
            let mut stream = place.lock().take()?;
            let more = stream.feed(core, Feed::Probe);
            Some(Probed { stream, more })
        });
        Self {
            urgency: rank.urgency,
            stream,
            asked: shared.ask(rank, probe),
        }
    }

    /// Whether a decoding thread has the stream.
    pub(super) fn is_begun(&self) -> bool {
        self.stream.lock().is_none()
    }

    /// Judges something where the stream lies. Gives the stream where it need not wait any more: the
    /// probe is then to be dropped.
    ///
    /// # Errors
    /// What was to be judged, where it was begun.
    pub(super) fn in_place<I, T>(
        &mut self,
        input: I,
        judge: impl FnOnce(&mut Stream, I) -> (T, bool),
        rank: impl FnOnce(Urgency) -> Rank,
    ) -> Result<(T, Option<Box<Stream>>), I> {
        let mut place = self.stream.lock();
        let Some(stream) = place.as_mut() else {
            return Err(input);
        };
        let (judged, waits) = judge(stream, input);
        let urgency = stream.state.pending_urgency().filter(|_| waits);
        let Some(urgency) = urgency else {
            return Ok((judged, place.take()));
        };
        drop(place);
        if self.urgency != urgency {
            self.urgency = urgency;
            self.asked.move_to(rank(urgency));
        }
        Ok((judged, None))
    }

    /// Gives it up; `None` where it was begun.
    pub(super) fn take_back(&self) -> Option<Box<Stream>> {
        self.stream.lock().take()
    }

    /// What came of it; `None` where it panicked. May be dropped and called again until it answers.
    pub(super) async fn done(&mut self) -> Option<Probed> {
        self.asked.done().await?.0.flatten()
    }
}

/// What came of the probe; never where there is none.
pub(super) async fn done(probe: &mut Option<QueuedProbe>) -> Option<Probed> {
    match probe {
        Some(probe) => probe.done().await,
        None => std::future::pending().await,
    }
}
