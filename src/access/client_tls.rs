//! The client's side: what it shows, and whom it believes.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::ClientConfig;

use super::tls::{self, TlsError};
use crate::config::types::ClientTls;

impl ClientTls {
    /// What rustls needs: TLS 1.3 only, HTTP/2.
    ///
    /// # Errors
    /// [`TlsError`] names the file.
    pub fn load(&self) -> Result<Arc<ClientConfig>, TlsError> {
        let plain = |path: &PathBuf| {
            std::fs::read(path).map_err(|source| TlsError::Io {
                path: path.display().to_string(),
                source,
            })
        };
        let roots = tls::roots(&self.authority, &plain(&self.authority)?)?;
        let chain = tls::certificates(&self.certificate, &plain(&self.certificate)?)?;
        let key = tls::private_key(&self.key.path, &self.key.read()?)?;
        let unusable = |source| TlsError::Unusable {
            path: self.certificate.display().to_string(),
            source,
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(unusable)?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)
            .map_err(unusable)?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Arc::new(config))
    }
}
