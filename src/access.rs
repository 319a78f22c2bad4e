//! Who may come in, and what they may do there.
//!
//! ```text
//!  TCP ─▶ admitted? ─▶ TLS 1.3, certificate ─▶ identity ─▶ session ─┬▶ request ─▶ known method?
//!         (sessions)    of our authority (tls)  (certificate)       │            role may call it?
//!            │ no                │ no                               │            (methods, policy)
//!            ▼                   ▼                                  │            bucket not empty?
//!        refusal, counted    refusal, counted, audited              │               │ no
//!                                                                   │               ▼
//!                                                                   └◀─ cut ─ refusal, counted
//! ```
//!
//! Everything here is refused unless something says otherwise: a method that [`methods`] does not
//! name, an identity that the configuration does not name, a request without a session.

pub mod authorizer;
pub mod bucket;
pub mod certificate;
mod client_tls;
pub(crate) mod connection;
pub mod methods;
pub mod owners;
pub mod policy;
pub mod refusal;
pub mod sessions;
pub mod tls;

pub use authorizer::Authorizer;
pub use policy::{Caller, Policy};
pub use refusal::Refusal;
pub use sessions::{Admission, Session, Sessions};
pub use tls::{ServerTls, TlsError};
