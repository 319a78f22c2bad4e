//! The server's certificates, which change while it runs.
//!
//! ```text
//!  files ─read─▶ checked ─▶ in force ─┬─▶ every new handshake
//!    ▲             │ bad              │
//!    │             ▼                  │
//!    └─ changed, or SIGHUP ◀──────────┘     (what was in force stays, and the reason is told)
//! ```
//!
//! TLS 1.3 only (RFC 8446): every client of this API can speak it, and it leaves nothing to
//! choose wrongly. No session tickets: each connection shows its certificate anew.

use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use sha2::{Digest as _, Sha256};

use super::certificate::{self, CertificateFacts};
use crate::base::clock::SharedClock;
use crate::config::secret_file::SecretFileError;
use crate::config::types::TlsConfig;

/// Why certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{path} cannot be read ({source}): check path and permissions")]
    Io {
        /// The file.
        path: String,
        /// The system's words.
        source: std::io::Error,
    },
    /// The key's file cannot be read, or others may.
    #[error("the private key {0}")]
    Key(#[from] SecretFileError),
    /// A file does not hold what it should.
    #[error("{path}: {problem}")]
    Content {
        /// The file.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Certificate and key do not fit together, or rustls knows no use for them.
    #[error("certificate {path} and its key cannot be used: {source}")]
    Unusable {
        /// The certificate's file.
        path: String,
        /// What rustls says.
        source: rustls::Error,
    },
}

/// What came of looking at the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing is different.
    None,
    /// New ones are in force.
    Taken {
        /// What the server's certificate says.
        facts: CertificateFacts,
        /// Whether who signs clients, or who is revoked, has changed.
        authority: bool,
    },
}

/// The bytes of all files.
struct Files {
    certificate: Vec<u8>,
    key: zeroize::Zeroizing<Vec<u8>>,
    authority: Vec<u8>,
    revoked: Option<Vec<u8>>,
}

/// What tells one state of the files from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Digests {
    own: [u8; 32],
    authority: [u8; 32],
}

/// One configuration for each protocol that is spoken behind TLS.
struct InForce {
    grpc: Arc<ServerConfig>,
    ops: Option<Arc<ServerConfig>>,
    facts: CertificateFacts,
    digests: Digests,
}

/// Certificates in force, and where they come from.
pub struct ServerTls {
    config: TlsConfig,
    ops: Option<bool>,
    clock: SharedClock,
    in_force: RwLock<InForce>,
    /// What the last look saw, taken or refused: the same bad files are told of once.
    seen: Mutex<Option<Digests>>,
}

impl ServerTls {
    /// Reads everything; `ops` says whether the ops endpoint speaks TLS too and then whether it
    /// asks for a certificate. A server certificate that is not good today is taken, and logged as an
    /// error: a daemon that does not start watches nobody.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn open(
        config: TlsConfig,
        ops: Option<bool>,
        clock: SharedClock,
    ) -> Result<Self, TlsError> {
        let files = read(&config)?;
        let built = build(&config, ops, &files)?;
        if let Err(problem) = good_today(&built.facts, &clock) {
            tracing::error!(certificate = %config.certificate.display(), problem, "clients will refuse this server's certificate");
        }
        let seen = Mutex::new(Some(files.digests()));
        Ok(Self {
            config,
            ops,
            clock,
            in_force: RwLock::new(built),
            seen,
        })
    }

    /// For the next gRPC connection.
    #[must_use]
    pub fn grpc(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.in_force.read().grpc)
    }

    /// For the next connection to the ops endpoint, where that speaks TLS.
    #[must_use]
    pub fn ops(&self) -> Option<Arc<ServerConfig>> {
        self.in_force.read().ops.clone()
    }

    /// What the server's certificate says.
    #[must_use]
    pub fn facts(&self) -> CertificateFacts {
        self.in_force.read().facts.clone()
    }

    /// How often to call [`ServerTls::look`].
    #[must_use]
    pub fn check_every(&self) -> std::time::Duration {
        self.config.check_every
    }

    /// Looks at the files and takes over what has changed; blocks on the disk. Files that are
    /// no good change nothing, and are told of once until they change again; `again` tells of
    /// them in any case.
    ///
    /// # Errors
    /// [`TlsError`]: why what is in the files was not taken.
    pub fn look(&self, again: bool) -> Result<Change, TlsError> {
        let files = match read(&self.config) {
            Ok(files) => files,
            Err(error) => {
                // A file that is being replaced is missing for a moment.
                let told = self.seen.lock().take().is_none();
                return if told && !again {
                    Ok(Change::None)
                } else {
                    Err(error)
                };
            }
        };
        let digests = files.digests();
        let told = self.seen.lock().replace(digests) == Some(digests);
        let in_force = self.in_force.read().digests;
        if in_force == digests || (told && !again) {
            return Ok(Change::None);
        }
        let built = build(&self.config, self.ops, &files)?;
        good_today(&built.facts, &self.clock).map_err(|problem| TlsError::Content {
            path: self.config.certificate.display().to_string(),
            problem,
        })?;
        let facts = built.facts.clone();
        *self.in_force.write() = built;
        Ok(Change::Taken {
            facts,
            authority: in_force.authority != digests.authority,
        })
    }
}

impl std::fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerTls")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl Files {
    fn digests(&self) -> Digests {
        // Each part is led by its length, so that no two sets of parts are the same bytes.
        let digest = |parts: &[&[u8]]| {
            let mut hash = Sha256::new();
            for part in parts {
                hash.update((part.len() as u64).to_le_bytes());
                hash.update(part);
            }
            hash.finalize().into()
        };
        Digests {
            own: digest(&[&self.certificate, &self.key]),
            authority: digest(&[&self.authority, self.revoked.as_deref().unwrap_or(b"")]),
        }
    }
}

fn read(config: &TlsConfig) -> Result<Files, TlsError> {
    let plain = |path: &std::path::Path| {
        std::fs::read(path).map_err(|source| TlsError::Io {
            path: path.display().to_string(),
            source,
        })
    };
    Ok(Files {
        certificate: plain(&config.certificate)?,
        key: config.key.read()?,
        authority: plain(&config.client_authority)?,
        revoked: config.revoked.as_deref().map(plain).transpose()?,
    })
}

fn content(path: &std::path::Path, problem: impl Into<String>) -> TlsError {
    TlsError::Content {
        path: path.display().to_string(),
        problem: problem.into(),
    }
}

/// The certificates of a PEM text.
pub(super) fn certificates(
    path: &std::path::Path,
    pem: &[u8],
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let all = all.map_err(|error| content(path, format!("this is no PEM: {error}")))?;
    if all.is_empty() {
        return Err(content(path, "there is no certificate in it"));
    }
    Ok(all)
}

/// The authorities of a PEM text.
pub(super) fn roots(path: &std::path::Path, pem: &[u8]) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for authority in certificates(path, pem)? {
        roots
            .add(authority)
            .map_err(|error| content(path, format!("this authority cannot be used: {error}")))?;
    }
    Ok(roots)
}

/// The one private key of a PEM text.
pub(super) fn private_key(
    path: &std::path::Path,
    pem: &[u8],
) -> Result<PrivateKeyDer<'static>, TlsError> {
    // The error must not quote the text.
    PrivateKeyDer::from_pem_slice(pem).map_err(|_| content(path, "there is no private key in it"))
}

fn build(config: &TlsConfig, ops: Option<bool>, files: &Files) -> Result<InForce, TlsError> {
    let chain = certificates(&config.certificate, &files.certificate)?;
    let facts = chain
        .first()
        .ok_or_else(|| content(&config.certificate, "there is no certificate in it"))
        .and_then(|own| {
            certificate::facts(own).map_err(|problem| content(&config.certificate, problem))
        })?;
    let roots = Arc::new(roots(&config.client_authority, &files.authority)?);
    let revoked: Vec<CertificateRevocationListDer<'static>> =
        match (&config.revoked, &files.revoked) {
            (Some(path), Some(pem)) => CertificateRevocationListDer::pem_slice_iter(pem)
                .collect::<Result<_, _>>()
                .map_err(|error| content(path, format!("this is no PEM: {error}")))?,
            _ => Vec::new(),
        };
    let one = |required: bool, protocol: &[u8]| {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&provider))
                .with_crls(revoked.clone());
        if !revoked.is_empty() {
            // The list speaks of the clients' certificates; it need not speak of authorities.
            verifier = verifier
                .only_check_end_entity_revocation()
                .allow_unknown_revocation_status();
        }
        if !required {
            verifier = verifier.allow_unauthenticated();
        }
        let verifier = verifier
            .build()
            .map_err(|error| content(&config.client_authority, error.to_string()))?;
        let unusable = |source| TlsError::Unusable {
            path: config.certificate.display().to_string(),
            source,
        };
        let key = private_key(&config.key.path, &files.key)?;
        let mut built = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(unusable)?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain.clone(), key)
            .map_err(unusable)?;
        built.alpn_protocols = vec![protocol.to_vec()];
        built.send_tls13_tickets = 0;
        Ok::<_, TlsError>(Arc::new(built))
    };
    Ok(InForce {
        grpc: one(true, b"h2")?,
        ops: ops.map(|required| one(required, b"http/1.1")).transpose()?,
        facts,
        digests: files.digests(),
    })
}

fn good_today(facts: &CertificateFacts, clock: &SharedClock) -> Result<(), String> {
    let now = clock.utc_micros() / 1_000_000;
    let date = |seconds: i64| crate::model::time::UtcMicros(seconds * 1_000_000).rfc3339();
    if now > facts.not_after {
        return Err(format!("it expired at {}", date(facts.not_after)));
    }
    if now < facts.not_before {
        return Err(format!("it is not good before {}", date(facts.not_before)));
    }
    Ok(())
}
