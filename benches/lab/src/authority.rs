//! A site's test authority: enough to try mutual TLS with, and what the tests use. A site in
//! service has an authority of its own, whose key does not lie on the server.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};
use zeroize::Zeroizing;

/// Why nothing was made.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// A file is there already, or cannot be written.
    #[error("{path}: {source}; nothing is ever overwritten: choose an empty folder")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// A name cannot stand in a certificate.
    #[error("no certificate can be made: {0}")]
    Make(#[from] rcgen::Error),
}

/// A certificate and its private key, both PEM.
pub struct Pair {
    /// The certificate.
    pub certificate: String,
    /// The key, wiped when it goes.
    pub key: Zeroizing<String>,
}

/// From when until when, in seconds since 1970.
#[derive(Clone, Copy, Debug)]
pub struct Validity {
    /// The first second.
    pub from: u64,
    /// The last.
    pub until: u64,
}

impl Validity {
    /// From an hour ago, for clocks differ, and for so many days.
    #[must_use]
    pub fn days(now: u64, days: u64) -> Self {
        Self {
            from: now.saturating_sub(3_600),
            until: now + days * 86_400,
        }
    }

    fn set(self, params: &mut CertificateParams) {
        let epoch = rcgen::date_time_ymd(1970, 1, 1);
        params.not_before = epoch + Duration::from_secs(self.from);
        params.not_after = epoch + Duration::from_secs(self.until);
    }
}

/// Signs servers and clients.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its certificate and key.
    pub own: Pair,
}

fn named(common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common);
    name
}

impl Authority {
    /// A new one (ECDSA P-256, as rcgen's default).
    ///
    /// # Errors
    /// [`PkiError::Make`].
    pub fn new(name: &str, validity: Validity) -> Result<Self, PkiError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = named(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        validity.set(&mut params);
        let key = KeyPair::generate()?;
        let own = Pair {
            certificate: params.self_signed(&key)?.pem(),
            key: Zeroizing::new(key.serialize_pem()),
        };
        Ok(Self {
            issuer: Issuer::new(params, key),
            own,
        })
    }

    /// One that was made before.
    ///
    /// # Errors
    /// [`PkiError::Make`] when the texts are no authority's.
    pub fn from_pem(certificate: &str, key: &str) -> Result<Self, PkiError> {
        let own = Pair {
            certificate: certificate.to_owned(),
            key: Zeroizing::new(key.to_owned()),
        };
        let issuer = Issuer::from_ca_cert_pem(certificate, KeyPair::from_pem(key)?)?;
        Ok(Self { issuer, own })
    }

    /// A server's; `names` are host names and addresses, the first also its common name.
    ///
    /// # Errors
    /// [`PkiError::Make`].
    pub fn server(&self, names: &[String], validity: Validity) -> Result<Pair, PkiError> {
        let mut params = CertificateParams::new(names.to_vec())?;
        params.distinguished_name = named(names.first().map_or("parapet", String::as_str));
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(params, validity)
    }

    /// A client's; `identity` becomes its common name, or its URI where it has a colon.
    ///
    /// # Errors
    /// [`PkiError::Make`].
    pub fn client(&self, identity: &str, validity: Validity) -> Result<Pair, PkiError> {
        let mut params = CertificateParams::default();
        if identity.contains(':') {
            let uri = rcgen::SanType::URI(identity.try_into()?);
            params.subject_alt_names.push(uri);
            params.distinguished_name = DistinguishedName::new();
        } else {
            params.distinguished_name = named(identity);
        }
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(params, validity)
    }

    fn sign(&self, mut params: CertificateParams, validity: Validity) -> Result<Pair, PkiError> {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        validity.set(&mut params);
        let key = KeyPair::generate()?;
        Ok(Pair {
            certificate: params.signed_by(&key, &self.issuer)?.pem(),
            key: Zeroizing::new(key.serialize_pem()),
        })
    }
}

impl Pair {
    /// Writes `NAME.pem` and `NAME.key`, the key for the owner alone.
    ///
    /// # Errors
    /// [`PkiError::Io`] when one of them is there already.
    pub fn write(&self, folder: &Path, name: &str) -> Result<(), PkiError> {
        let write = |ending: &str, text: &str, mode: u32| {
            let path = folder.join(format!("{name}.{ending}"));
            let mut options = OpenOptions::new();
            // Never over something, and never through a link that somebody laid.
            let opened = options.write(true).create_new(true).mode(mode).open(&path);
            let written = opened.and_then(|mut file: File| {
                file.write_all(text.as_bytes())?;
                file.sync_all()
            });
            written.map_err(|source| PkiError::Io { path, source })
        };
        write("key", &self.key, 0o600)?;
        write("pem", &self.certificate, 0o644)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn keys_are_for_their_owner_alone_and_nothing_is_overwritten() {
        let folder = tempfile::tempdir().expect("folder");
        let authority = Authority::new("a", Validity::days(1_000_000, 1)).expect("authority");
        let pair = authority
            .client("platform", Validity::days(1_000_000, 1))
            .expect("client");
        pair.write(folder.path(), "platform").expect("written");
        let key = folder.path().join("platform.key");
        let mode = std::fs::metadata(&key).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let before = std::fs::read(&key).expect("read");
        let again = pair.write(folder.path(), "platform").expect_err("there");
        assert!(again.to_string().contains("platform.key"), "{again}");
        assert_eq!(std::fs::read(&key).expect("read"), before);
    }

    #[test]
    fn an_authority_read_back_signs_what_the_first_one_would() {
        let validity = Validity::days(1_000_000, 1);
        let first = Authority::new("a", validity).expect("authority");
        let again = Authority::from_pem(&first.own.certificate, &first.own.key).expect("read");
        let pair = again.client("urn:site:a", validity).expect("client");
        assert!(pair.certificate.starts_with("-----BEGIN CERTIFICATE-----"));
        assert!(Authority::from_pem("garbage", &first.own.key).is_err());
    }
}
