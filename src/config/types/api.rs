//! The gRPC API's door: who may come in, by what, and how much.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::config::secret_file::SecretPath;
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

/// How much the API takes, in all and of one client.
#[derive(Clone, Debug, PartialEq)]
pub struct LimitsConfig {
    /// Largest request message.
    pub message_bytes: usize,
    /// Largest sum of a request's headers.
    pub header_bytes: usize,
    /// Open connections that have shown a certificate.
    pub connections: usize,
    /// The same, from one address.
    pub connections_per_address: usize,
    /// Connections that have not shown one yet.
    pub handshakes: usize,
    /// The same, from one address.
    pub handshakes_per_address: usize,
    /// New connections a second from one address, in the long run; twice as many at once.
    pub handshakes_per_second: f64,
    /// Open Subscribe streams.
    pub streams: usize,
    /// The same, of one identity.
    pub streams_per_client: usize,
    /// Calls under way on one connection.
    pub calls_per_connection: usize,
    /// Requests a second of one identity, in the long run.
    pub requests_per_second: f64,
    /// Requests of one identity at once.
    pub request_burst: usize,
    /// The TLS handshake must be over within this.
    pub handshake_timeout: Duration,
    /// The first request must have come within this.
    pub first_request: Duration,
    /// A request must have come whole and been answered within this; streams go on.
    pub request_timeout: Duration,
    /// A connection without a call under way ends after this.
    pub idle: Duration,
    /// A silent connection is asked whether it lives, this often.
    pub keepalive: Duration,
    /// It must answer within this.
    pub keepalive_timeout: Duration,
    /// A connection is asked to come again after this, so that its certificate is looked at anew.
    pub connection_age: Duration,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            message_bytes: 64 * 1_024,
            header_bytes: 16 * 1_024,
            connections: 256,
            connections_per_address: 64,
            handshakes: 64,
            handshakes_per_address: 16,
            handshakes_per_second: 20.0,
            streams: 64,
            streams_per_client: 8,
            calls_per_connection: 32,
            requests_per_second: 100.0,
            request_burst: 200,
            handshake_timeout: Duration::from_secs(5),
            first_request: Duration::from_secs(10),
            request_timeout: Duration::from_secs(30),
            idle: Duration::from_secs(300),
            keepalive: Duration::from_secs(20),
            keepalive_timeout: Duration::from_secs(10),
            connection_age: Duration::from_secs(86_400),
        }
    }
}
