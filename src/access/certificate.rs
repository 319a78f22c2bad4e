//! Identity of a certificate's owner (RFC 5280).
//!
//! The identity is the first URI of the subject alternative name; without any URI it is the
//! subject's one common name, which then must not hold a colon, so that no common name can pass
//! for a URI. A certificate with neither, or with something in their place that cannot be read,
//! has no identity and opens nothing.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer as _;

/// Longest identity taken; it goes into logs and the audit log.
const MAX_LETTERS: usize = 256;

/// What a certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFacts {
    /// Who it is; `None` where it does not say.
    pub identity: Option<Arc<str>>,
    /// Its serial number, hexadecimal.
    pub serial: String,
    /// Good from; seconds since 1970 UTC.
    pub not_before: i64,
    /// Good until; same unit.
    pub not_after: i64,
}

/// Reads a certificate.
///
/// # Errors
/// In words, when it is none.
pub fn facts(certificate: &CertificateDer<'_>) -> Result<CertificateFacts, String> {
    let (rest, parsed) = X509Certificate::from_der(certificate)
        .map_err(|error| format!("this is no X.509 certificate: {error}"))?;
    if !rest.is_empty() {
        return Err("something follows the certificate".to_owned());
    }
    Ok(CertificateFacts {
        identity: identity(&parsed),
        serial: hex::encode(parsed.raw_serial()),
        not_before: parsed.validity().not_before.timestamp(),
        not_after: parsed.validity().not_after.timestamp(),
    })
}

fn identity(certificate: &X509Certificate<'_>) -> Option<Arc<str>> {
    let names = certificate.subject_alternative_name().ok()?;
    let uri = names
        .iter()
        .flat_map(|names| &names.value.general_names)
        .find_map(|name| match name {
            GeneralName::URI(uri) => Some(*uri),
            _ => None,
        });
    let name = match uri {
        Some(uri) => uri,
        None => {
            let mut names = certificate.subject().iter_common_name();
            let name = names.next()?.as_str().ok()?;
            if names.next().is_some() || name.contains(':') {
                return None;
            }
            name
        }
    };
    // Control characters would forge lines of a log.
    let fits = (1..=MAX_LETTERS).contains(&name.chars().count())
        && !name.chars().any(char::is_control)
        && name.trim() == name;
    fits.then(|| name.into())
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    use super::*;

    fn identity_of(common: &[&str], uris: &[&str]) -> Option<String> {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        for name in common {
            params.distinguished_name.push(DnType::CommonName, *name);
        }
        for uri in uris {
            let uri = (*uri).try_into().expect("text");
            params.subject_alt_names.push(SanType::URI(uri));
        }
        let key = KeyPair::generate().expect("key");
        let certificate = params.self_signed(&key).expect("certificate");
        let facts = facts(certificate.der()).expect("a certificate");
        assert!(facts.not_before < facts.not_after && !facts.serial.is_empty());
        facts.identity.map(|identity| identity.to_string())
    }

    #[test]
    fn the_uri_decides_and_without_one_the_common_name() {
        let is = |common: &[&str], uris: &[&str], identity: Option<&str>| {
            assert_eq!(identity_of(common, uris).as_deref(), identity);
        };
        is(
            &["platform"],
            &["urn:site:a", "urn:site:b"],
            Some("urn:site:a"),
        );
        is(&["platform"], &[], Some("platform"));
        is(&[], &[], None);
    }

    #[test]
    fn a_common_name_cannot_pass_for_a_uri_or_forge_a_line() {
        for name in ["urn:site:a", "a\nb", " a", "", &"a".repeat(300)] {
            assert_eq!(identity_of(&[name], &[]), None, "{name:?}");
        }
        assert_eq!(identity_of(&["a"], &["urn:a\u{7}"]), None);
    }

    #[test]
    fn garbage_is_no_certificate() {
        assert!(facts(&CertificateDer::from(vec![0x30, 0x03, 1, 2])).is_err());
        assert!(facts(&CertificateDer::from(Vec::new())).is_err());
    }
}
