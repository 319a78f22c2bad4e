//! Why somebody was turned away; each reason is one series of `parapet_api_refusals_total`.

/// A reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// The machine gave no socket.
    AcceptFailed,
    /// Too many connections without a certificate yet.
    Handshakes,
    /// The same, from one address.
    HandshakesOfAddress,
    /// Too many connections a second from one address.
    HandshakeRate,
    /// Too many connections.
    Connections,
    /// The same, from one address.
    ConnectionsOfAddress,
    /// No TLS, a wrong version, no certificate, or one that is not good.
    Handshake,
    /// It took too long.
    HandshakeTime,
    /// A good certificate without an identity in it.
    NoIdentity,
    /// A good certificate that the configuration gives no role.
    UnknownIdentity,
    /// Connected, and asked nothing for too long.
    FirstRequest,
    /// No call under way for too long.
    Idle,
    /// The certificate has expired since, or its authority has changed.
    CertificateOver,
    /// Its rights have changed: it must come again.
    RightsChanged,
    /// No such method.
    UnknownMethod,
    /// The role may not call it.
    Role,
    /// The camera is not in its scope, or the consumer is somebody else's.
    Scope,
    /// Headers too large.
    Headers,
    /// A message too large.
    Message,
    /// Too many requests a second.
    Rate,
    /// Too many Subscribe streams.
    Streams,
    /// The same, of one identity.
    StreamsOfClient,
    /// The request did not come whole, or was not answered, in time.
    RequestTime,
    /// The audit log cannot be written, so nothing may be changed.
    Audit,
}

impl Refusal {
    /// All reasons.
    pub const ALL: [Self; 24] = [
        Self::AcceptFailed,
        Self::Handshakes,
        Self::HandshakesOfAddress,
        Self::HandshakeRate,
        Self::Connections,
        Self::ConnectionsOfAddress,
        Self::Handshake,
        Self::HandshakeTime,
        Self::NoIdentity,
        Self::UnknownIdentity,
        Self::FirstRequest,
        Self::Idle,
        Self::CertificateOver,
        Self::RightsChanged,
        Self::UnknownMethod,
        Self::Role,
        Self::Scope,
        Self::Headers,
        Self::Message,
        Self::Rate,
        Self::Streams,
        Self::StreamsOfClient,
        Self::RequestTime,
        Self::Audit,
    ];

    /// The label's value.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AcceptFailed => "accept_failed",
            Self::Handshakes => "handshakes",
            Self::HandshakesOfAddress => "handshakes_of_address",
            Self::HandshakeRate => "handshake_rate",
            Self::Connections => "connections",
            Self::ConnectionsOfAddress => "connections_of_address",
            Self::Handshake => "handshake",
            Self::HandshakeTime => "handshake_time",
            Self::NoIdentity => "no_identity",
            Self::UnknownIdentity => "unknown_identity",
            Self::FirstRequest => "first_request",
            Self::Idle => "idle",
            Self::CertificateOver => "certificate_over",
            Self::RightsChanged => "rights_changed",
            Self::UnknownMethod => "unknown_method",
            Self::Role => "role",
            Self::Scope => "scope",
            Self::Headers => "headers",
            Self::Message => "message",
            Self::Rate => "rate",
            Self::Streams => "streams",
            Self::StreamsOfClient => "streams_of_client",
            Self::RequestTime => "request_time",
            Self::Audit => "audit",
        }
    }
}
