//! A connection as typed.

use super::args::ConnectArgs;
use crate::api::client::Client;
use crate::config::secret_file::SecretPath;
use crate::config::types::ClientTls;

impl ConnectArgs {
    /// The certificates, where some were named.
    #[must_use]
    pub fn tls(&self) -> Option<ClientTls> {
        Some(ClientTls {
            authority: self.tls_ca.clone()?,
            certificate: self.tls_cert.clone()?,
            key: SecretPath {
                path: self.tls_key.clone()?,
                credential: false,
            },
            server_name: self.tls_name.clone(),
        })
    }

    /// A connection to the daemon.
    ///
    /// # Errors
    /// Where it cannot be reached, or its certificate or ours is wrong.
    pub async fn client(&self) -> anyhow::Result<Client> {
        Ok(Client::connect_with(&self.server, self.tls().as_ref()).await?)
    }
}
