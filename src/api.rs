//! The gRPC API `parapet.v1` (`proto/parapet/v1`), with health and reflection.
//!
//! ```text
//! Subscribe ─▶ task of its own: [page of 256 from disk ▸ filter ▸ queue of 32 ▸ stream]  ⟲
//!                                      ▲ waits when caught up
//!                              watch<Sequence> of the journal
//! ```
//!
//! A subscriber that does not read fills its own queue and stops its own task; the journal and
//! the other subscribers do not notice. Every stream task belongs to the server's task set.

mod cameras;
pub mod client;
pub mod convert;
mod events;
mod subscribe;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;

use crate::base::metrics::Metrics;
use crate::base::tasks::TaskSet;
use crate::journal::JournalReader;
use crate::model::camera::CameraStatus;
use crate::model::ids::Sequence;
use crate::proto::v1;
use crate::proto::v1::cameras_server::CamerasServer;
use crate::proto::v1::events_server::EventsServer;
use events::{EventsService, SubscriberTask};

/// Largest request; the real ones are a few hundred bytes.
const MAX_REQUEST_BYTES: usize = 64 * 1024;
/// How long open connections may take to end after the streams were told.
const DRAIN: Duration = Duration::from_millis(400);

/// What the API shows of the daemon.
#[derive(Clone)]
pub struct ApiDeps {
    /// Reads the journal and keeps the consumers' positions.
    pub reader: JournalReader,
    /// Changes after each commit.
    pub committed: watch::Receiver<Sequence>,
    /// The cameras.
    pub cameras: Arc<dyn CameraView>,
    /// Counts the subscribers.
    pub metrics: Arc<Metrics>,
}

/// Knows every camera's status.
pub trait CameraView: Send + Sync {
    /// The configured cameras.
    fn cameras(&self) -> Vec<CameraStatus>;
}

/// Why the API could not start.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The address is in use or not this machine's.
    #[error("cannot listen on {address} (api.listen)")]
    Listen {
        /// The configured address.
        address: SocketAddr,
        /// The system's words.
        source: std::io::Error,
    },
    /// The generated descriptors do not fit together.
    #[error("gRPC reflection cannot be set up")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// Listens, and returns the bound address and the future that serves until `cancel`; then every
/// stream ends with UNAVAILABLE and the future within about half a second.
///
/// # Errors
/// [`ApiError`] when the address cannot be bound.
pub async fn serve(
    listen: SocketAddr,
    deps: ApiDeps,
    cancel: CancellationToken,
) -> Result<(SocketAddr, impl Future<Output = ()> + Send + 'static), ApiError> {
    let failed = |source| ApiError::Listen {
        address: listen,
        source,
    };
    let listener = TcpListener::bind(listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(v1::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()?;
    let (health, health_service) = tonic_health::server::health_reporter();
    let (spawner, tasks) = mpsc::channel(16);
    let cameras = cameras::CamerasService {
        view: Arc::clone(&deps.cameras),
    };
    let events = EventsService::new(deps, spawner, cancel.child_token());
    health.set_serving::<EventsServer<EventsService>>().await;
    health
        .set_serving::<CamerasServer<cameras::CamerasService>>()
        .await;
    let events = EventsServer::new(events).max_decoding_message_size(MAX_REQUEST_BYTES);
    let cameras = CamerasServer::new(cameras).max_decoding_message_size(MAX_REQUEST_BYTES);
    let stop = cancel.clone();
    let server = Server::builder()
        .http2_keepalive_interval(Some(Duration::from_secs(20)))
        .http2_keepalive_timeout(Some(Duration::from_secs(10)))
        .tcp_nodelay(true)
        .add_service(health_service)
        .add_service(reflection)
        .add_service(events)
        .add_service(cameras)
        .serve_with_incoming_shutdown(TcpListenerStream::new(listener), async move {
            stop.cancelled().await;
        });
    tracing::info!(%address, "grpc api listens");
    Ok((address, run(Box::pin(server), tasks, cancel)))
}

/// Drives the server and owns the subscribers' tasks.
async fn run(
    mut server: impl Future<Output = Result<(), tonic::transport::Error>> + Unpin,
    mut requests: mpsc::Receiver<SubscriberTask>,
    cancel: CancellationToken,
) {
    let mut tasks = TaskSet::under(&cancel);
    let ended = loop {
        tokio::select! {
            result = &mut server => break Some(result),
            () = cancel.cancelled() => break None,
            Some(task) = requests.recv() => tasks.spawn("subscriber", task),
            Some(end) = tasks.next_end() => {
                if let Some(panic) = end.panic {
                    tracing::error!(%panic, "a subscriber's task panicked; its stream is closed");
                }
            }
        }
    };
    let (_, aborted) = tasks.stop(Duration::from_millis(100)).await;
    if aborted {
        tracing::warn!("a subscriber's stream was cut");
    }
    let ended = match ended {
        Some(result) => Ok(result),
        None => tokio::time::timeout(DRAIN, server).await,
    };
    match ended {
        Ok(Ok(())) => tracing::info!("grpc api stopped"),
        Ok(Err(error)) => tracing::error!(%error, "grpc api failed"),
        Err(_) => tracing::warn!("grpc api stopped with connections open"),
    }
}
