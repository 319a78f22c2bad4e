//! The ops endpoint's listener: plain text or TLS, with a few places and a short life for each
//! connection, so that nobody who drips bytes keeps others out.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::access::connection::{self, Wire};
use crate::access::{Authorizer, Refusal, ServerTls, certificate};

/// Connections at a time, handshakes too.
const MAX_CONNECTIONS: usize = 64;
/// An answer takes milliseconds; a collector that keeps its connection longer comes again.
const MAX_CONNECTION_AGE: Duration = Duration::from_secs(60);

/// Certificates, and who has a role.
#[derive(Clone)]
pub struct OpsTls {
    /// The API's certificates.
    pub tls: Arc<ServerTls>,
    /// The API's policy.
    pub authorizer: Arc<Authorizer>,
}

type Welcomed = Option<(Connection, SocketAddr)>;

/// For `axum::serve`.
pub(super) struct Listener {
    socket: TcpListener,
    tls: Option<OpsTls>,
    places: Arc<Semaphore>,
    handshakes: JoinSet<Welcomed>,
}

/// One connection and its place.
pub(super) type Connection = connection::Connection<tokio::time::Sleep, OwnedSemaphorePermit>;

impl Listener {
    pub(super) fn new(socket: TcpListener, tls: Option<OpsTls>) -> Self {
        Self {
            socket,
            tls,
            places: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
            handshakes: JoinSet::new(),
        }
    }
}

impl axum::serve::Listener for Listener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            tokio::select! {
                Some(done) = self.handshakes.join_next() => {
                    if let Ok(Some(welcomed)) = done {
                        return welcomed;
                    }
                }
                accepted = self.socket.accept() => match accepted {
                    Ok((socket, address)) => {
                        // None free: it is closed at once.
                        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
                            let tls = self.tls.clone();
                            self.handshakes.spawn(welcome(tls, socket, address, place));
                        }
                    }
                    Err(error) => {
                        tracing::debug!(%error, "no connection could be taken");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                },
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }
}

async fn welcome(
    tls: Option<OpsTls>,
    socket: TcpStream,
    address: SocketAddr,
    place: OwnedSemaphorePermit,
) -> Welcomed {
    let wire = match tls {
        None => Wire::Left(socket),
        Some(tls) => Wire::Right(Box::new(tls.welcome(socket, address).await?)),
    };
    let over = tokio::time::sleep(MAX_CONNECTION_AGE);
    let connection = Connection::new(wire, over, io::ErrorKind::TimedOut, place);
    Some((connection, address))
}

impl OpsTls {
    async fn welcome(
        &self,
        socket: TcpStream,
        address: SocketAddr,
    ) -> Option<TlsStream<TcpStream>> {
        let refuse = |refusal: Refusal, detail: &str| {
            self.authorizer.count(refusal);
            tracing::debug!(%address, reason = refusal.name(), detail, "the ops endpoint turned somebody away");
            None
        };
        let limit = self.authorizer.policy().limits.handshake_timeout;
        let shaking = TlsAcceptor::from(self.tls.ops()?).accept(socket);
        let stream = match tokio::time::timeout(limit, shaking).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return refuse(Refusal::Handshake, &error.to_string()),
            Err(_) => return refuse(Refusal::HandshakeTime, ""),
        };
        // Without one it is here only where certificates are optional.
        if let Some(shown) = stream
            .get_ref()
            .1
            .peer_certificates()
            .and_then(<[_]>::first)
        {
            let identity = certificate::facts(shown)
                .ok()
                .and_then(|facts| facts.identity);
            let Some(identity) = identity else {
                return refuse(Refusal::NoIdentity, "");
            };
            if self.authorizer.policy().rights(&identity).is_none() {
                return refuse(Refusal::UnknownIdentity, &identity);
            }
        }
        Some(stream)
    }
}
