//! The real source: starting, starting again, and leaving nothing behind.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use gst::prelude::*;
use gstreamer as gst;
use parking_lot::Mutex;

use super::deliver::Core;
use super::error::{SourceError, SourceErrorKind};
use super::rtsp::{Link, Network};
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
    network: Arc<Mutex<Option<Arc<Network>>>>,
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
            network: Arc::default(),
        })
    }

    fn network(&self) -> Result<Arc<Network>, SourceError> {
        let mut network = self.network.lock();
        if let Some(network) = &*network {
            return Ok(Arc::clone(network));
        }
        let started = Network::start(Arc::clone(&self.clock))?;
        Ok(Arc::clone(network.insert(started)))
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
            let link = Link::open(self.network()?, &core);
            core.opened_with(true)?;
            return Ok(Box::new(GstSession {
                link: Some(link),
                core,
            }));
        }
        let session = GstSession {
            link: None,
            core: Arc::clone(&core),
        };
        let started = start(&core);
        core.opened_with(started?)?;
        Ok(Box::new(session))
    }

    fn waits(&self) -> Waits {
        let network = self.network.lock();
        network.as_ref().map(|it| it.waits()).unwrap_or_default()
    }
}

/// Builds a pipeline and sets it running; `false` when it refuses to, its reason being on the bus.
fn start(core: &Arc<Core>) -> Result<bool, SourceError> {
    let pipeline = pipeline::build(core)?;
    *core.pipeline.lock() = Some(pipeline.clone());
    Ok(pipeline.set_state(gst::State::Playing).is_ok())
}

/// Plays a file again from its beginning. The pipeline is built anew: that works for every
/// container, raw streams included, which a seek does not.
///
/// Asked for on a streaming thread, done on one of GStreamer's pool, because a pipeline cannot
/// wait for the thread that stops it.
pub(super) fn start_again(core: &Arc<Core>, ended: &gst::Pipeline) {
    let core = Arc::clone(core);
    ended.call_async(move |ended| {
        core.guarded((), || {
            // Held throughout, so that a stop waits for the new pipeline and then ends it.
            let mut place = core.pipeline.lock();
            let current = place.as_ref() == Some(ended);
            if !current || core.stopped.load(Ordering::Acquire) {
                return;
            }
            retire(ended);
            *place = None;
            core.new_run();
            match pipeline::build(&core) {
                Ok(next) => {
                    *place = Some(next.clone());
                    if next.set_state(gst::State::Playing).is_err() {
                        core.fail(SourceError::new(
                            SourceErrorKind::Io,
                            "the file does not open again",
                        ));
                    }
                }
                Err(error) => core.fail(error),
            }
        });
    });
}

/// Stops a pipeline and waits until none of its threads runs.
pub(super) fn retire(pipeline: &gst::Pipeline) {
    // Going to NULL cannot fail for any element in use here, and waits for streaming threads.
    if let Err(error) = pipeline.set_state(gst::State::Null) {
        tracing::warn!(pipeline = %pipeline.name(), %error, "pipeline does not stop");
    }
    if let Some(bus) = pipeline.bus() {
        bus.unset_sync_handler();
    }
}

struct GstSession {
    /// Dropped before the pipeline that it feeds is stopped.
    link: Option<Link>,
    core: Arc<Core>,
}

impl Session for GstSession {
    fn stop(self: Box<Self>) {}
}

impl Drop for GstSession {
    fn drop(&mut self) {
        self.core.stopped.store(true, Ordering::Release);
        drop(self.link.take());
        if let Some(pipeline) = self.core.pipeline.lock().take() {
            retire(&pipeline);
        }
    }
}
