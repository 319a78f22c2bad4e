//! Decides of every request whether it may go on.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};

use super::bucket::Bucket;
use super::policy::{Caller, Policy};
use super::refusal::Refusal;
use super::sessions::{OpenCall, Session, Sessions};
use crate::base::clock::SharedClock;
use crate::base::metrics::Metrics;

/// A connection whose requests are refused for their number this many bursts in a row is closed:
/// refusing costs something too.
const BURSTS_UNTIL_CUT: u64 = 5;

/// The policy in force and everybody who is connected.
pub struct Authorizer {
    policy: RwLock<Arc<Policy>>,
    sessions: Arc<Sessions>,
    buckets: Mutex<HashMap<Arc<str>, Bucket>>,
    metrics: Arc<Metrics>,
    clock: SharedClock,
}

impl Authorizer {
    /// An authorizer that nobody is connected to.
    #[must_use]
    pub fn new(policy: Policy, metrics: Arc<Metrics>, clock: SharedClock) -> Arc<Self> {
        Arc::new(Self {
            policy: RwLock::new(Arc::new(policy)),
            sessions: Arc::default(),
            buckets: Mutex::default(),
            metrics,
            clock,
        })
    }

    /// The policy in force.
    #[must_use]
    pub fn policy(&self) -> Arc<Policy> {
        Arc::clone(&self.policy.read())
    }

    /// Everybody who is connected.
    #[must_use]
    pub fn sessions(&self) -> &Arc<Sessions> {
        &self.sessions
    }

    /// What tells the time here.
    #[must_use]
    pub fn clock(&self) -> &SharedClock {
        &self.clock
    }

    /// Counts somebody who was turned away.
    pub fn count(&self, refusal: Refusal) {
        self.metrics.count_refusal(refusal.name());
    }

    /// Where refusals are counted.
    #[must_use]
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Whether a request may go on. The call is under way until the second value is dropped.
    ///
    /// # Errors
    /// The first reason against it; counted here.
    pub fn request(
        &self,
        session: &Arc<Session>,
        path: &str,
        header_bytes: usize,
    ) -> Result<(Caller, OpenCall), Refusal> {
        let answer = self.judge(session, path, header_bytes);
        if let Err(refusal) = &answer {
            self.count(*refusal);
        }
        answer
    }

    fn judge(
        &self,
        session: &Arc<Session>,
        path: &str,
        header_bytes: usize,
    ) -> Result<(Caller, OpenCall), Refusal> {
        let (policy, now) = (self.policy(), self.clock.now());
        let limits = &policy.limits;
        session.asked(now);
        let identity = &session.peer.identity;
        if policy.rights(identity).is_none() {
            session.cut();
            return Err(Refusal::UnknownIdentity);
        }
        let burst = limits.request_burst as f64;
        // Only identities of the policy come here: the map stays as small as the configuration.
        let has_token = self
            .buckets
            .lock()
            .entry(Arc::clone(identity))
            .or_insert_with(|| Bucket::full(burst, now))
            .take(limits.requests_per_second, burst, now);
        if !has_token {
            if session.refused() > BURSTS_UNTIL_CUT * limits.request_burst as u64 {
                session.cut();
            }
            return Err(Refusal::Rate);
        }
        if header_bytes > limits.header_bytes {
            return Err(Refusal::Headers);
        }
        let (_, rights) = policy.decide(identity, path)?;
        let caller = Caller {
            identity: Arc::clone(identity),
            rights,
            session: Arc::clone(session),
        };
        Ok((caller, session.call()))
    }

    /// Takes over a new policy. Connections whose rights differ are closed: they come again under
    /// the new ones and, as consumers, lose nothing.
    pub fn update(&self, new: Policy) {
        let old = std::mem::replace(&mut *self.policy.write(), Arc::new(new));
        let new = self.policy();
        self.buckets
            .lock()
            .retain(|identity, _| new.rights(identity).is_some());
        for session in self.sessions.list() {
            let identity = &session.peer.identity;
            if old.rights(identity) != new.rights(identity) {
                self.count(Refusal::RightsChanged);
                tracing::info!(%identity, peer = %session.peer.address, "rights changed; its connection is closed");
                session.cut();
            }
        }
    }

    /// Closes every connection: who signs certificates, or who is revoked, has changed.
    pub fn cut_all(&self) {
        for session in self.sessions.list() {
            self.count(Refusal::CertificateOver);
            session.cut();
        }
    }

    /// Closes what has been silent for too long; to be called every [`Authorizer::SWEEP_EVERY`].
    pub fn sweep(&self) {
        let limits = &self.policy().limits;
        let seconds = self.clock.utc_micros() / 1_000_000;
        for (session, why) in self.sessions.sweep(limits, self.clock.now(), seconds) {
            self.count(why);
            tracing::debug!(identity = %session.peer.identity, peer = %session.peer.address, reason = why.name(), "connection closed");
        }
    }

    /// How often [`Authorizer::sweep`] looks.
    pub const SWEEP_EVERY: Duration = Duration::from_millis(500);
}
