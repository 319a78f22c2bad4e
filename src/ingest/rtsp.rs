//! RTSP cameras received by the `retina` crate instead of GStreamer's `rtspsrc`.
//!
//! ```text
//!  network thread (one or two for all cameras)   │ decoding thread (one a core)
//!  retina: RTSP ▸ RTP ▸ access unit ▸ gate ──────┼─▶ parse ▸ decoder ▸ appsink
//!                                      ▼         │
//!                                   GOP ring     │
//! ```
//!
//! A camera is a task and has no thread. Its GStreamer pipeline begins with the parser, has no
//! source and no thread either: whoever feeds it does its work ([`super::decoding`]). So a picture
//! that the gate holds or lets go costs a read, a copy into one piece of memory and the decision,
//! and wakes nobody. What needs the decoder goes to a decoding thread, a picture at a time and a
//! camera in turn ([`line`]), as many at once as there are cores. No queue fills where there are not threads
//! enough: while a sleeping camera waits to be looked at its stream is read, held and judged on
//! ([`looking`]), and what is looked at is always its newest keyframe; the look at the one before was "put
//! off". An awake camera is not read meanwhile; where its pictures come faster than they are decoded it
//! goes on at a later keyframe ([`arrears`]). Decoders that do not come back hold up the others for
//! [`PATIENCE`]; then these go on beside them.
//!
//! What it saves: 1,042 sessions of 1080p at 12.5 pictures and 88 kbit a second over TCP,
//! counted up to whole access units (`parapet sim watch --client … --units`, two cores shared with
//! other work, one after the other; the second compiled with little optimisation):
//!
//! ```text
//!                               cores   context switches/s   threads   resident
//!  rtspsrc ▸ depay ▸ parse       1.11               43,100     4,173    834 MiB
//!  retina                        0.09                2,200         4     95 MiB
//! ```
//!
//! It is built in for RTSP over TCP without TLS. Under `parapet bench faults` every row keeps its
//! limit as with `rtspsrc` but `corrupt`, which neither keeps always: pictures are made of random
//! bytes until [`super::slice`]'s continuity finds out, after 20 to 30 of them. A camera that changed
//! its codec is back after 8 s instead of 1 s. What it lacks (0.4.21): TLS, receiver reports, and a
//! buffer that sorts datagrams (those that overtook each other are dropped). Of H.264 only IDR
//! pictures count as keyframes: a camera that sends others never sleeps.

mod arrears;
mod failure;
mod line;
mod looking;
mod network;
mod receive;
mod stream_time;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use tokio_util::sync::CancellationToken;

use super::deliver::Core;
use super::error::{SourceError, SourceErrorKind};
use crate::base::tasks::catch_panic;

pub(super) use network::Network;

/// How long no picture at all comes out of the decoding threads before they count as stuck.
const PATIENCE: Duration = Duration::from_secs(1);

/// Held by everything that may call the sink; when the last is gone nothing does.
type Alive = Sender<()>;

/// A camera that is being received.
pub(super) struct Link {
    core: Arc<Core>,
    cancel: CancellationToken,
    gone: Receiver<()>,
    /// Ends after all its cameras.
    _network: Arc<Network>,
}

impl Link {
    /// Begins to receive; the camera's errors come to its sink.
    pub(super) fn open(network: Arc<Network>, core: &Arc<Core>) -> Self {
        let cancel = CancellationToken::new();
        let (alive, gone) = bounded(0);
        let (receiving, stop) = (Arc::clone(core), cancel.clone());
        let shared = network.shared();
        network.spawn(async move {
            let until = Box::pin(receive::receive(&receiving, &shared, &alive));
            let work = async {
                tokio::select! {
                    biased;
                    () = stop.cancelled() => {}
                    outcome = until => match outcome {
                        Ok(()) => receiving.ended(),
                        Err(error) => receiving.fail(error),
                    },
                }
            };
            if let Some(message) = catch_panic(work).await {
                tracing::error!(camera = %receiving.id(), message, "receiving panicked");
                receiving.fail(SourceError::new(SourceErrorKind::Panicked, &message));
            }
            drop(receiving);
            drop(alive);
        });
        Self {
            core: Arc::clone(core),
            cancel,
            gone,
            _network: network,
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.core.stopped.store(true, Ordering::Release);
        self.cancel.cancel();
        // Nothing is ever sent: it ends when the task and its picture in the decoder have.
        let _ = self.gone.recv();
    }
}
