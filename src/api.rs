//! The gRPC API `parapet.v1` (`proto/parapet/v1`), with health and reflection.
//!
//! ```text
//! Subscribe ─▶ task of its own: [page of 256 from disk ▸ filter ▸ queue of 32 ▸ stream]  ⟲
//!                                      ▲ waits when caught up; then also the events that a
//!                              watch<Sequence> of the journal      failing disk does not take
//! ```
//!
//! A subscriber that does not read fills its own queue and stops its own task; the journal and
//! the other subscribers do not notice. Every stream task belongs to the server's task set.
//!
//! Who comes in and what they may call is `access`'s; here it is asked in two places: the acceptor
//! (connections) and the guard (every request, before any service sees it).

mod acceptor;
mod admin;
mod cameras;
pub mod client;
mod connection;
mod control;
pub mod convert;
mod counted;
mod deps;
mod events;
mod followed;
mod guard;
mod logins;
mod request;
mod status;
mod subscribe;
pub mod uplink;

pub use control::{CameraAction, Control, ControlError, Reloaded};
pub use deps::{ApiDeps, CameraView};

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;

use crate::access::{Authorizer, ServerTls};
use crate::base::tasks::TaskSet;
use crate::proto::v1;
use crate::proto::v1::admin_server::AdminServer;
use crate::proto::v1::cameras_server::CamerasServer;
use crate::proto::v1::events_server::EventsServer;
use events::{EventsService, SubscriberTask};

/// How long open connections may take to end after the streams were told.
const DRAIN: Duration = Duration::from_millis(400);

/// Where the API listens, and who may come in.
pub struct ListenConfig {
    /// Address and port.
    pub listen: SocketAddr,
    /// Who may do what.
    pub authorizer: Arc<Authorizer>,
    /// Certificates; `None` speaks plain text.
    pub tls: Option<Arc<ServerTls>>,
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
    listen_config: ListenConfig,
    deps: ApiDeps,
    cancel: CancellationToken,
) -> Result<(SocketAddr, impl Future<Output = ()> + Send + 'static), ApiError> {
    let ListenConfig {
        listen,
        authorizer,
        tls,
    } = listen_config;
    let failed = |source| ApiError::Listen {
        address: listen,
        source,
    };
    let listener = TcpListener::bind(listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(v1::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let reflection_v1 = reflection().build_v1()?;
    // grpcurl before 1.8.8 and many a platform's client know only this one.
    let reflection_v1alpha = reflection().build_v1alpha()?;
    let (health, health_service) = tonic_health::server::health_reporter();
    let (spawner, tasks) = mpsc::channel(16);
    let (logins, login_task) =
        logins::channel(Arc::clone(&deps.audit), Arc::clone(authorizer.clock()));
    let cameras = cameras::CamerasService {
        view: Arc::clone(&deps.cameras),
    };
    let admin = admin::AdminService {
        deps: deps.clone(),
        authorizer: Arc::clone(&authorizer),
    };
    let events = EventsService::new(deps, spawner, cancel.child_token(), Arc::clone(&authorizer));
    health.set_serving::<EventsServer<EventsService>>().await;
    health
        .set_serving::<CamerasServer<cameras::CamerasService>>()
        .await;
    health
        .set_serving::<AdminServer<admin::AdminService>>()
        .await;
    // These are settings of the listener; the others are asked for at every request.
    let limits = authorizer.policy().limits.clone();
    let size = limits.message_bytes;
    let guard = guard::GuardLayer {
        authorizer: Arc::clone(&authorizer),
        logins: logins.clone(),
    };
    let (ready, connections) = mpsc::channel(16);
    let stop = cancel.clone();
    // HTTP/2's own limit lies above ours, so that ours is what is met and counted.
    let header_limit = u32::try_from(limits.header_bytes * 2).unwrap_or(u32::MAX);
    let server = Server::builder()
        .http2_keepalive_interval(Some(limits.keepalive))
        .http2_keepalive_timeout(Some(limits.keepalive_timeout))
        .http2_max_header_list_size(header_limit)
        .max_concurrent_streams(u32::try_from(limits.calls_per_connection).ok())
        .max_connection_age(limits.connection_age)
        .max_connection_age_grace(Duration::from_secs(10))
        .layer(guard)
        .add_service(health_service)
        .add_service(reflection_v1)
        .add_service(reflection_v1alpha)
        .add_service(EventsServer::new(events).max_decoding_message_size(size))
        .add_service(CamerasServer::new(cameras).max_decoding_message_size(size))
        .add_service(AdminServer::new(admin).max_decoding_message_size(size))
        .serve_with_incoming_shutdown(ReceiverStream::new(connections), async move {
            stop.cancelled().await;
        });
    if tls.is_some() {
        tracing::info!(%address, "grpc api listens, with certificates on both sides");
    } else {
        tracing::warn!(%address, "GRPC API SPEAKS PLAIN TEXT: anybody on this machine may come in as `local` ([api] plaintext = true)");
    }
    let mut own = TaskSet::under(&cancel);
    let token = own.token();
    own.spawn("audit logins", login_task.run(token.clone()));
    let sessions = Arc::clone(&authorizer);
    own.spawn(
        "grpc listener",
        acceptor::run(listener, authorizer, tls, ready, logins, token),
    );
    Ok((address, run(Box::pin(server), tasks, own, sessions, cancel)))
}

/// Drives the server and owns the subscribers' tasks.
async fn run(
    mut server: impl Future<Output = Result<(), tonic::transport::Error>> + Unpin,
    mut requests: mpsc::Receiver<SubscriberTask>,
    mut own: TaskSet,
    authorizer: Arc<Authorizer>,
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
            Some(end) = own.next_end() => {
                if !cancel.is_cancelled() {
                    tracing::error!(task = end.name, panic = ?end.panic, "ended; nobody can connect any more");
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
        Err(_) => {
            // tonic's own tasks outlive their server; their connections do not.
            for session in authorizer.sessions().list() {
                session.cut();
            }
            tracing::warn!("grpc api stopped with connections open");
        }
    }
    own.stop(Duration::from_millis(200)).await;
}
