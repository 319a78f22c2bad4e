//! The gRPC API's door: who may come in, by what, and how much.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::config::secret_file::SecretPath;
use crate::config::section::section;
use crate::model::access::{Role, Scope};

/// The gRPC listener.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiConfig {
    /// Address and port; loopback only where the door is open to plain text.
    pub listen: SocketAddr,
    /// How one comes in.
    pub door: Door,
    /// Who may do what, by certificate; everybody else may do nothing.
    pub clients: Vec<ClientConfig>,
    /// How much of it.
    pub limits: LimitsConfig,
}

/// How one comes in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Door {
    /// Without encryption and without a name, on loopback.
    Plaintext {
        /// What everybody on this machine may do.
        role: Role,
    },
    /// With certificates on both sides.
    Tls(TlsConfig),
}

/// Certificates; the files are read again when they change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsConfig {
    /// This server's certificate and what leads up to its authority, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: SecretPath,
    /// Who signs the clients' certificates, PEM.
    pub client_authority: PathBuf,
    /// Certificates that count no more (CRL, PEM).
    pub revoked: Option<PathBuf>,
    /// How often the files are looked at.
    pub check_every: Duration,
}

/// What one certificate may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientConfig {
    /// The URI of its subject alternative name or, without one, its common name.
    pub identity: Arc<str>,
    /// What it may do.
    pub role: Role,
    /// With which cameras.
    pub scope: Scope,
}

section! {
    /// How much the API takes, in all and of one client.
    #[derive(Clone, Debug, PartialEq)]
    pub struct LimitsConfig {
        /// Largest request message.
        message_bytes: usize = 64 << 10, kib("message_kib", 1..=4_096);
        /// Largest sum of a request's headers.
        header_bytes: usize = 16 << 10, kib("header_kib", 1..=1_024);
        /// Open connections that have shown a certificate.
        connections: usize = 256, whole("connections", 1..=100_000);
        /// The same, from one address.
        connections_per_address: usize = 64, whole("connections_per_address", 1..=100_000);
        /// Connections that have not shown one yet.
        handshakes: usize = 64, whole("handshakes", 1..=10_000);
        /// The same, from one address.
        handshakes_per_address: usize = 16, whole("handshakes_per_address", 1..=10_000);
        /// New connections a second from one address, in the long run; twice as many at once.
        handshakes_per_second: f64 = 20.0, number("handshakes_per_second", 0.1..=1e6);
        /// Open Subscribe streams.
        streams: usize = 64, whole("streams", 1..=10_000);
        /// The same, of one identity.
        streams_per_client: usize = 8, whole("streams_per_client", 1..=10_000);
        /// Calls under way on one connection.
        calls_per_connection: usize = 32, whole("calls_per_connection", 1..=10_000);
        /// Requests a second of one identity, in the long run.
        requests_per_second: f64 = 100.0, number("requests_per_second", 0.1..=1e6);
        /// Requests of one identity at once.
        request_burst: usize = 200, whole("request_burst", 1..=1_000_000);
        /// The TLS handshake must be over within this.
        handshake_timeout: Duration = Duration::from_secs(5), seconds("handshake_seconds", 0.1..=60.0);
        /// The first request must have come within this.
        first_request: Duration = Duration::from_secs(10), seconds("first_request_seconds", 0.1..=600.0);
        /// A request must have come whole and been answered within this; streams go on.
        request_timeout: Duration = Duration::from_secs(30), seconds("request_seconds", 0.1..=600.0);
        /// A connection without a call under way ends after this.
        idle: Duration = Duration::from_secs(300), seconds("idle_seconds", 0.1..=86_400.0);
        /// A silent connection is asked whether it lives, this often.
        keepalive: Duration = Duration::from_secs(20), seconds("keepalive_seconds", 0.1..=3_600.0);
        /// It must answer within this.
        keepalive_timeout: Duration = Duration::from_secs(10),
            seconds("keepalive_timeout_seconds", 0.1..=600.0);
        /// A connection is asked to come again after this, so that its certificate is looked at anew.
        connection_age: Duration = Duration::from_secs(86_400),
            seconds("connection_age_seconds", 1.0..=31_536_000.0);
    }
}
