//! The real source: starting, and leaving nothing behind.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use gst::prelude::*;
use gstreamer as gst;
use parking_lot::Mutex;

use super::appsink::retire;
use super::deliver::Core;
use super::error::{SourceError, SourceErrorKind};
use super::rtsp::{RtspConnection, RtspRuntime};
use super::watch::{Parked, StreamState};
use super::{Downstream, Session, Source, Waits, pipeline};
use crate::base::clock::SharedClock;
use crate::config::types::{CameraConfig, RtspClient, SourceConfig};
use crate::model::time::UtcMicros;

/// When a file's first frame was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileStart {
    /// When the file is opened.
    Now,
    /// At a declared time: replay with the same times every time.
    At(UtcMicros),
}

/// Opens cameras: decoded by GStreamer, and received by it or by `retina`.
#[derive(Clone, Debug)]
pub struct GstSource {
    clock: SharedClock,
    file_start: FileStart,
    /// Started for the first camera that needs it.
    rtsp: Arc<Mutex<Option<Arc<RtspRuntime>>>>,
}

impl GstSource {
    /// Loads GStreamer, once a process.
    ///
    /// # Errors
    /// `Other` when GStreamer cannot be loaded.
    pub fn new(clock: SharedClock, file_start: FileStart) -> Result<Self, SourceError> {
        // Safe to call again and from several threads: it does its work once.
        gst::init().map_err(|error| {
            SourceError::new(
                SourceErrorKind::Other,
                &format!("GStreamer does not load: {error}"),
            )
        })?;
        Ok(Self {
            clock,
            file_start,
            rtsp: Arc::default(),
        })
    }

    fn rtsp(&self) -> Result<Arc<RtspRuntime>, SourceError> {
        let mut runtime = self.rtsp.lock();
        if let Some(runtime) = &*runtime {
            return Ok(Arc::clone(runtime));
        }
        let started = RtspRuntime::start(Arc::clone(&self.clock))?;
        Ok(Arc::clone(runtime.insert(started)))
    }
}

impl Source for GstSource {
    fn open(
        &self,
        camera: &CameraConfig,
        downstream: Downstream,
    ) -> Result<Box<dyn Session>, SourceError> {
        let file_start = match (&camera.source, self.file_start) {
            (SourceConfig::File { .. }, FileStart::At(start)) => Some(start),
            (SourceConfig::File { .. }, FileStart::Now) => Some(UtcMicros(self.clock.utc_micros())),
            _ => None,
        };
        let core = Core::new(
            camera.clone(),
            Arc::clone(&self.clock),
            file_start,
            downstream,
        );
        if let SourceConfig::Rtsp {
            client: RtspClient::Retina,
            ..
        } = &camera.source
        {
            let connection = RtspConnection::open(self.rtsp()?, &core);
            core.opened_with(true)?;
            return Ok(Box::new(GstSession {
                connection: Some(connection),
                core,
            }));
        }
        let session = GstSession {
            connection: None,
            core: Arc::clone(&core),
        };
        let started = start(&core);
        core.opened_with(started?)?;
        Ok(Box::new(session))
    }

    fn waits(&self) -> Waits {
        let runtime = self.rtsp.lock();
        runtime.as_ref().map(|it| it.waits()).unwrap_or_default()
    }
}

/// Builds a pipeline and sets it running; `false` when it refuses to, its reason being on the bus.
fn start(core: &Arc<Core>) -> Result<bool, SourceError> {
    let parked = Arc::new(Parked::new(StreamState::of(&core.camera)));
    let pipeline = pipeline::build(core, &parked)?;
    *core.pipeline.lock() = Some(pipeline.clone());
    Ok(pipeline.set_state(gst::State::Playing).is_ok())
}

struct GstSession {
    /// Dropped before the pipeline that it feeds is stopped.
    connection: Option<RtspConnection>,
    core: Arc<Core>,
}

impl Session for GstSession {
    fn stop(self: Box<Self>) {}
}

impl Drop for GstSession {
    fn drop(&mut self) {
        self.core.stopped.store(true, Ordering::Release);
        drop(self.connection.take());
        if let Some(pipeline) = self.core.pipeline.lock().take() {
            retire(&pipeline);
        }
    }
}
