//! A source moved by a test's hand.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::{Downstream, Note, Session, Sink, Source, SourceError};
use crate::config::types::CameraConfig;
use crate::model::frame::Frame;
use crate::model::ids::CameraId;

type Wire = Arc<Mutex<Option<Arc<dyn Sink>>>>;

#[derive(Default)]
struct Book {
    wires: HashMap<CameraId, Wire>,
    opens: HashMap<CameraId, u64>,
    refusals: HashMap<CameraId, Vec<SourceError>>,
}

/// Opens every camera at once and delivers what the test pushes. Clones share everything.
#[derive(Clone, Default)]
pub struct FakeSource {
    book: Arc<Mutex<Book>>,
}

impl FakeSource {
    /// A source without cameras.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The camera's next `open` fails with this error; several refusals are served in order.
    pub fn refuse_next(&self, camera: &CameraId, error: SourceError) {
        let mut book = self.book.lock();
        book.refusals.entry(camera.clone()).or_default().push(error);
    }

    /// Delivers a frame on the calling thread; `false` when the camera has no open session.
    pub fn push_frame(&self, camera: &CameraId, frame: Frame) -> bool {
        self.with_sink(camera, |sink| sink.frame(frame))
    }

    /// Delivers a note on the calling thread; `false` when the camera has no open session.
    pub fn push_note(&self, camera: &CameraId, note: Note) -> bool {
        self.with_sink(camera, |sink| sink.note(note))
    }

    /// Whether the camera has an open session.
    #[must_use]
    pub fn is_open(&self, camera: &CameraId) -> bool {
        self.wire(camera).is_some_and(|wire| wire.lock().is_some())
    }

    /// How often `open` was called for the camera, refusals included.
    #[must_use]
    pub fn opens(&self, camera: &CameraId) -> u64 {
        self.book.lock().opens.get(camera).copied().unwrap_or(0)
    }

    fn wire(&self, camera: &CameraId) -> Option<Wire> {
        self.book.lock().wires.get(camera).cloned()
    }

    fn with_sink(&self, camera: &CameraId, deliver: impl FnOnce(&dyn Sink)) -> bool {
        let Some(wire) = self.wire(camera) else {
            return false;
        };
        // Held through the call, so that a session's stop waits for it as the real one does.
        let sink = wire.lock();
        sink.as_ref().map(|sink| deliver(sink.as_ref())).is_some()
    }
}

impl Source for FakeSource {
    fn open(
        &self,
        camera: &CameraConfig,
        downstream: Downstream,
    ) -> Result<Box<dyn Session>, SourceError> {
        let mut book = self.book.lock();
        *book.opens.entry(camera.id.clone()).or_default() += 1;
        if let Some(queue) = book.refusals.get_mut(&camera.id)
            && !queue.is_empty()
        {
            return Err(queue.remove(0));
        }
        let wire: Wire = Arc::new(Mutex::new(Some(downstream.sink)));
        book.wires.insert(camera.id.clone(), Arc::clone(&wire));
        Ok(Box::new(FakeSession { wire }))
    }
}

struct FakeSession {
    wire: Wire,
}

impl Session for FakeSession {
    fn stop(self: Box<Self>) {}
}

impl Drop for FakeSession {
    fn drop(&mut self) {
        self.wire.lock().take();
    }
}
