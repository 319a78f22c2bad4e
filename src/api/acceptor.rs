//! From the listener to connections that have shown who they are.
//!
//! ```text
//! accept ─▶ a place? ─▶ TLS handshake, each in a task of its own, with a deadline
//!              │ no          │ ok: identity known? ─▶ queue of 16 ─▶ tonic
//!              ▼             ▼ no
//!           closed        closed, counted, told to the audit log
//! ```
//!
//! The handshakes' number is bounded by the places for them, so the queue being full holds up
//! only those who wait for it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::connection::{self, Connection};
use super::logins::Logins;
use crate::access::certificate::{self, CertificateFacts};
use crate::access::connection::Wire;
use crate::access::policy::LOCAL;
use crate::access::sessions::Peer;
use crate::access::{Admission, Authorizer, Refusal, ServerTls};
use crate::audit::{Entry, Outcome};
use crate::base::tasks::TaskSet;
use crate::model::time::UtcMicros;

/// A wait after the machine gave no socket: there may be none left for the moment.
const AFTER_FAILURE: std::time::Duration = std::time::Duration::from_millis(50);

/// What a handshake needs; shared by all of them.
struct Hall {
    authorizer: Arc<Authorizer>,
    tls: Option<Arc<ServerTls>>,
    ready: mpsc::Sender<io::Result<Connection>>,
    logins: Logins,
}

/// Takes connections until cancelled.
pub(super) async fn run(
    listener: TcpListener,
    authorizer: Arc<Authorizer>,
    tls: Option<Arc<ServerTls>>,
    ready: mpsc::Sender<io::Result<Connection>>,
    logins: Logins,
    cancel: CancellationToken,
) {
    let hall = Arc::new(Hall {
        authorizer,
        tls,
        ready,
        logins,
    });
    let mut handshakes = TaskSet::under(&cancel);
    let mut sweep = tokio::time::interval(Authorizer::SWEEP_EVERY);
    sweep.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = cancel.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((socket, address)) => begin(&hall, &mut handshakes, socket, address),
                Err(error) => {
                    hall.authorizer.count(Refusal::AcceptFailed);
                    tracing::debug!(%error, "no connection could be taken");
                    tokio::time::sleep(AFTER_FAILURE).await;
                }
            },
            Some(end) = handshakes.next_end() => {
                if let Some(panic) = end.panic {
                    tracing::error!(%panic, "a handshake panicked; its connection is closed");
                }
            }
            _ = sweep.tick() => hall.authorizer.sweep(),
        }
    }
    handshakes.stop(std::time::Duration::ZERO).await;
}

fn begin(hall: &Arc<Hall>, handshakes: &mut TaskSet, socket: TcpStream, address: SocketAddr) {
    let policy = hall.authorizer.policy();
    let admitted =
        hall.authorizer
            .sessions()
            .admit(address, &policy.limits, hall.authorizer.clock().now());
    match admitted {
        Ok(admission) => {
            let hall = Arc::clone(hall);
            handshakes.spawn("handshake", async move {
                hall.welcome(socket, address, admission).await;
            });
        }
        Err(refusal) => hall.refuse(address, None, refusal, ""),
    }
}

impl Hall {
    async fn welcome(&self, socket: TcpStream, address: SocketAddr, admission: Admission) {
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%error, "no TCP_NODELAY");
        }
        let (wire, facts) = match &self.tls {
            None => (Wire::Left(socket), None),
            Some(tls) => match self.shake_hands(tls, socket, address).await {
                Some((wire, facts)) => (wire, Some(facts)),
                None => return,
            },
        };
        let identity = match &facts {
            None => LOCAL.into(),
            Some(facts) => match &facts.identity {
                Some(identity) => Arc::clone(identity),
                None => return self.refuse(address, None, Refusal::NoIdentity, &facts.serial),
            },
        };
        let policy = self.authorizer.policy();
        let (serial, not_after) =
            facts.map_or_else(Default::default, |f| (f.serial, Some(f.not_after)));
        if policy.rights(&identity).is_none() {
            return self.refuse(address, Some(&identity), Refusal::UnknownIdentity, &serial);
        }
        let clock = self.authorizer.clock();
        let (since, now) = (UtcMicros(clock.utc_micros()), clock.now());
        let peer = Peer {
            address,
            identity: Arc::clone(&identity),
            serial: serial.clone(),
            not_after,
        };
        match admission.open(peer, &policy.limits, since, now) {
            Ok(entry) => {
                self.logins.note(
                    Entry::once(&*identity, "login", Outcome::Done)
                        .to(address.ip().to_string())
                        .saying(serial),
                );
                let connection = connection::open(wire, entry, self.authorizer.metrics());
                // Nobody takes it any more when the daemon stops.
                let _ = self.ready.send(Ok(connection)).await;
            }
            Err(refusal) => self.refuse(address, Some(&identity), refusal, &serial),
        }
    }

    async fn shake_hands(
        &self,
        tls: &ServerTls,
        socket: TcpStream,
        address: SocketAddr,
    ) -> Option<(Wire, CertificateFacts)> {
        let limit = self.authorizer.policy().limits.handshake_timeout;
        let shaking = TlsAcceptor::from(tls.grpc()).accept(socket);
        let stream = match tokio::time::timeout(limit, shaking).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                self.refuse(address, None, Refusal::Handshake, &error.to_string());
                return None;
            }
            Err(_) => {
                self.refuse(address, None, Refusal::HandshakeTime, "");
                return None;
            }
        };
        let (_, state) = stream.get_ref();
        let shown = state.peer_certificates().and_then(|chain| chain.first());
        let facts = shown.map(certificate::facts);
        match facts {
            Some(Ok(facts)) => Some((Wire::Right(Box::new(stream)), facts)),
            Some(Err(problem)) => {
                self.refuse(address, None, Refusal::NoIdentity, &problem);
                None
            }
            None => {
                self.refuse(address, None, Refusal::Handshake, "no certificate");
                None
            }
        }
    }

    fn refuse(&self, address: SocketAddr, identity: Option<&str>, refusal: Refusal, detail: &str) {
        self.authorizer.count(refusal);
        tracing::debug!(%address, identity, reason = refusal.name(), detail, "turned away");
        let ip = address.ip().to_string();
        let who = identity.map_or_else(|| ip.clone(), str::to_owned);
        let detail = if detail.is_empty() {
            refusal.name().to_owned()
        } else {
            format!("{}: {detail}", refusal.name())
        };
        self.logins.note(
            Entry::once(who, "login", Outcome::Refused)
                .to(ip)
                .saying(detail),
        );
    }
}
