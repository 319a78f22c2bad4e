//! Who is connected, and how many may be.
//!
//! ```text
//!  admit ─▶ Admission (handshake) ─open─▶ Entry (connection) ─▶ Session, shared with its requests
//!    │ full        │ dropped                  │ dropped: closed
//!    ▼             ▼                          ▼
//!  refusal     place is free              place is free
//! ```
//!
//! Connections that have shown no certificate have places of their own, so that a flood of them
//! takes none from those who have. An IPv6 host owns a whole /64 (RFC 4291), which counts as one
//! address.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::bucket::Bucket;
use super::refusal::Refusal;
use crate::base::clock::Monotonic;
use crate::config::types::LimitsConfig;
use crate::model::time::UtcMicros;

/// Addresses remembered; beyond it only those that nobody is connected from are forgotten.
const MAX_ADDRESSES: usize = 4_096;

/// Who stands at the other end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// Its identity.
    pub identity: Arc<str>,
    /// Its certificate's serial number; empty without one.
    pub serial: String,
    /// When its certificate ends, seconds since 1970; `None` without one.
    pub not_after: Option<i64>,
}

/// An open connection.
#[derive(Debug)]
pub struct Session {
    /// Its number since the start.
    pub id: u64,
    /// Who it is.
    pub peer: Peer,
    /// Since when.
    pub since: UtcMicros,
    opened: Monotonic,
    requests: AtomicU64,
    open_calls: AtomicUsize,
    refused_in_a_row: AtomicU64,
    last_nanos: AtomicU64,
    cut: CancellationToken,
}

/// A call under way; the session is not idle before it is dropped.
#[derive(Debug)]
pub struct OpenCall(Arc<Session>);

impl Drop for OpenCall {
    fn drop(&mut self) {
        self.0.open_calls.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Session {
    /// Asks the connection to close at once.
    pub fn cut(&self) {
        self.cut.cancel();
    }

    /// Fires when it should close.
    #[must_use]
    pub fn token(&self) -> CancellationToken {
        self.cut.clone()
    }

    /// Requests so far, refused ones too.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Calls under way.
    #[must_use]
    pub fn open_calls(&self) -> usize {
        self.open_calls.load(Ordering::Relaxed)
    }

    /// Notes a request.
    pub(super) fn asked(&self, now: Monotonic) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.touch(now);
    }

    fn touch(&self, now: Monotonic) {
        let nanos = u64::try_from(now.0.as_nanos()).unwrap_or(u64::MAX);
        self.last_nanos.fetch_max(nanos, Ordering::Relaxed);
    }

    /// A request that is let in.
    pub(super) fn call(self: &Arc<Self>) -> OpenCall {
        self.refused_in_a_row.store(0, Ordering::Relaxed);
        self.open_calls.fetch_add(1, Ordering::Relaxed);
        OpenCall(Arc::clone(self))
    }

    /// A request too many; returns how many there were since the last that was let in.
    pub(super) fn refused(&self) -> u64 {
        self.refused_in_a_row.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Why it should close now, if it should. Touches an open one, so that idle time counts
    /// from the end of the last call.
    fn over(&self, limits: &LimitsConfig, now: Monotonic, utc_seconds: i64) -> Option<Refusal> {
        if self.peer.not_after.is_some_and(|end| utc_seconds > end) {
            return Some(Refusal::CertificateOver);
        }
        if self.open_calls() > 0 {
            self.touch(now);
            return None;
        }
        if self.requests() == 0 {
            return (now.since(self.opened) > limits.first_request)
                .then_some(Refusal::FirstRequest);
        }
        let last = Monotonic(Duration::from_nanos(
            self.last_nanos.load(Ordering::Relaxed),
        ));
        (now.since(last) > limits.idle).then_some(Refusal::Idle)
    }
}

struct AddressUse {
    handshakes: usize,
    connections: usize,
    bucket: Bucket,
}

#[derive(Default)]
struct Inner {
    next_id: u64,
    handshakes: usize,
    addresses: HashMap<IpAddr, AddressUse>,
    open: BTreeMap<u64, Arc<Session>>,
    streams: HashMap<Arc<str>, usize>,
    all_streams: usize,
}

/// Everybody who is connected.
#[derive(Default)]
pub struct Sessions {
    inner: Mutex<Inner>,
}

/// A connection that has not shown who it is.
pub struct Admission {
    sessions: Arc<Sessions>,
    address: SocketAddr,
}

/// A connection's place; dropped with it.
pub struct Entry {
    sessions: Arc<Sessions>,
    session: Arc<Session>,
}

/// A Subscribe stream's place; dropped with it.
pub struct StreamPlace {
    sessions: Arc<Sessions>,
    identity: Arc<str>,
}

fn network(address: SocketAddr) -> IpAddr {
    match address.ip() {
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        },
        v4 @ IpAddr::V4(_) => v4,
    }
}

impl Sessions {
    /// A place for a new connection.
    ///
    /// # Errors
    /// Which limit it met.
    pub fn admit(
        self: &Arc<Self>,
        address: SocketAddr,
        limits: &LimitsConfig,
        now: Monotonic,
    ) -> Result<Admission, Refusal> {
        let (rate, burst) = (
            limits.handshakes_per_second,
            limits.handshakes_per_second * 2.0,
        );
        // A rate below one a second must still let the first one in.
        let burst = burst.max(1.0);
        let mut inner = self.inner.lock();
        if inner.addresses.len() >= MAX_ADDRESSES {
            inner.addresses.retain(|_, used| {
                used.handshakes + used.connections > 0 || !used.bucket.is_full(rate, burst, now)
            });
        }
        let network = network(address);
        let room = inner.addresses.len() < MAX_ADDRESSES;
        if !room && !inner.addresses.contains_key(&network) {
            return Err(Refusal::Handshakes);
        }
        let full = inner.handshakes >= limits.handshakes;
        let used = inner
            .addresses
            .entry(network)
            .or_insert_with(|| AddressUse {
                handshakes: 0,
                connections: 0,
                bucket: Bucket::full(burst, now),
            });
        if !used.bucket.take(rate, burst, now) {
            return Err(Refusal::HandshakeRate);
        }
        if used.handshakes >= limits.handshakes_per_address {
            return Err(Refusal::HandshakesOfAddress);
        }
        if used.connections >= limits.connections_per_address {
            return Err(Refusal::ConnectionsOfAddress);
        }
        if full {
            return Err(Refusal::Handshakes);
        }
        used.handshakes += 1;
        inner.handshakes += 1;
        Ok(Admission {
            sessions: Arc::clone(self),
            address,
        })
    }

    /// A place for a Subscribe stream.
    ///
    /// # Errors
    /// [`Refusal::Streams`] or [`Refusal::StreamsOfClient`].
    pub fn stream(
        self: &Arc<Self>,
        identity: &Arc<str>,
        limits: &LimitsConfig,
    ) -> Result<StreamPlace, Refusal> {
        let mut inner = self.inner.lock();
        let of_client = inner.streams.get(identity).copied().unwrap_or(0);
        if of_client >= limits.streams_per_client {
            return Err(Refusal::StreamsOfClient);
        }
        if inner.all_streams >= limits.streams {
            return Err(Refusal::Streams);
        }
        inner.all_streams += 1;
        inner.streams.insert(Arc::clone(identity), of_client + 1);
        Ok(StreamPlace {
            sessions: Arc::clone(self),
            identity: Arc::clone(identity),
        })
    }

    /// Every open connection, the oldest first.
    #[must_use]
    pub fn list(&self) -> Vec<Arc<Session>> {
        self.inner.lock().open.values().cloned().collect()
    }

    /// Open Subscribe streams of an identity.
    #[must_use]
    pub fn streams_of(&self, identity: &str) -> usize {
        self.inner
            .lock()
            .streams
            .get(identity)
            .copied()
            .unwrap_or(0)
    }

    /// Cuts whatever has been silent for too long or whose certificate has ended; returns why.
    pub fn sweep(
        &self,
        limits: &LimitsConfig,
        now: Monotonic,
        utc_seconds: i64,
    ) -> Vec<(Arc<Session>, Refusal)> {
        let over: Vec<_> = self
            .list()
            .into_iter()
            .filter(|session| !session.cut.is_cancelled())
            .filter_map(|session| {
                let why = session.over(limits, now, utc_seconds)?;
                Some((session, why))
            })
            .collect();
        for (session, _) in &over {
            session.cut();
        }
        over
    }
}

impl Admission {
    /// The connection has shown who it is.
    ///
    /// # Errors
    /// [`Refusal::Connections`] or [`Refusal::ConnectionsOfAddress`].
    pub fn open(
        self,
        peer: Peer,
        limits: &LimitsConfig,
        since: UtcMicros,
        now: Monotonic,
    ) -> Result<Entry, Refusal> {
        let mut inner = self.sessions.inner.lock();
        if inner.open.len() >= limits.connections {
            return Err(Refusal::Connections);
        }
        if let Some(used) = inner.addresses.get_mut(&network(self.address)) {
            if used.connections >= limits.connections_per_address {
                return Err(Refusal::ConnectionsOfAddress);
            }
            used.connections += 1;
        }
        inner.next_id += 1;
        let session = Arc::new(Session {
            id: inner.next_id,
            peer,
            since,
            opened: now,
            requests: AtomicU64::new(0),
            open_calls: AtomicUsize::new(0),
            refused_in_a_row: AtomicU64::new(0),
            last_nanos: AtomicU64::new(u64::try_from(now.0.as_nanos()).unwrap_or(u64::MAX)),
            cut: CancellationToken::new(),
        });
        inner.open.insert(session.id, Arc::clone(&session));
        drop(inner);
        // The place among the handshakes is freed by the drop of `self`.
        Ok(Entry {
            sessions: Arc::clone(&self.sessions),
            session,
        })
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        let mut inner = self.sessions.inner.lock();
        inner.handshakes = inner.handshakes.saturating_sub(1);
        if let Some(used) = inner.addresses.get_mut(&network(self.address)) {
            used.handshakes = used.handshakes.saturating_sub(1);
        }
    }
}

impl Entry {
    /// The connection.
    #[must_use]
    pub fn session(&self) -> &Arc<Session> {
        &self.session
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut inner = self.sessions.inner.lock();
        inner.open.remove(&self.session.id);
        if let Some(used) = inner.addresses.get_mut(&network(self.session.peer.address)) {
            used.connections = used.connections.saturating_sub(1);
        }
    }
}

impl Drop for StreamPlace {
    fn drop(&mut self) {
        let mut inner = self.sessions.inner.lock();
        inner.all_streams = inner.all_streams.saturating_sub(1);
        if let Some(open) = inner.streams.get_mut(&self.identity) {
            *open -= 1;
            if *open == 0 {
                inner.streams.remove(&self.identity);
            }
        }
    }
}

#[cfg(test)]
mod tests;
