//! Any bytes are a certificate or are refused, and an identity taken from one forges no line of a
//! log and no URI. `cargo fuzz run certificate`

#![no_main]

use libfuzzer_sys::fuzz_target;
use parapet::access::certificate::facts;
use rustls_pki_types::CertificateDer;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(facts) = facts(&CertificateDer::from(bytes))
        && let Some(identity) = facts.identity
    {
        assert!(!identity.is_empty() && !identity.chars().any(char::is_control));
    }
});
