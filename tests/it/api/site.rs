//! A site with certificates: an authority, a server, clients with roles.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::authority::{Authority, Validity};
use parapet::api::client::{Client, ClientError};
use parapet::base::clock::{Clock as _, SystemClock};
use parapet::config::secret_file::SecretPath;
use parapet::config::types::ClientTls;
use parapet::config::types::{ApiConfig, ClientConfig, Door, LimitsConfig, TlsConfig};
use parapet::model::access::{CameraPattern, Role, Scope};

use super::support::Daemon;

pub(super) struct Site {
    pub(super) files: tempfile::TempDir,
    pub(super) authority: Authority,
}

pub(super) fn now() -> u64 {
    let micros = SystemClock::new().utc_micros();
    u64::try_from(micros).expect("after 1970") / 1_000_000
}

pub(super) fn good() -> Validity {
    Validity::days(now(), 1)
}

pub(super) fn name_of(role: Role) -> String {
    format!("the-{}", role.name())
}

pub(super) fn client(identity: &str, role: Role) -> ClientConfig {
    ClientConfig {
        identity: identity.into(),
        role,
        scope: Scope::All,
    }
}

pub(super) fn only(pattern: &str) -> Scope {
    Scope::Only(vec![CameraPattern::new(pattern).expect("pattern")])
}

fn names() -> Vec<String> {
    vec!["localhost".to_owned(), "127.0.0.1".to_owned()]
}

impl Site {
    /// An authority, the server's files, and a certificate for each role (`the-operator` …).
    pub(super) fn new() -> Self {
        let site = Self {
            files: tempfile::tempdir().expect("folder"),
            authority: Authority::new("site", good()).expect("authority"),
        };
        site.authority
            .own
            .write(site.files.path(), "ca")
            .expect("write");
        site.serve_with(&site.authority, good());
        for role in Role::ALL {
            site.issue(&name_of(role), &name_of(role), good());
        }
        site
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    /// Replaces the server's certificate and key, each at one stroke.
    pub(super) fn serve_with(&self, authority: &Authority, validity: Validity) {
        let pair = authority.server(&names(), validity).expect("server");
        let fresh = tempfile::tempdir_in(self.files.path()).expect("folder");
        pair.write(fresh.path(), "server").expect("write");
        for ending in ["server.key", "server.pem"] {
            std::fs::rename(fresh.path().join(ending), self.path(ending)).expect("move");
        }
    }

    /// A client's files, called `file`.
    pub(super) fn issue(&self, file: &str, identity: &str, validity: Validity) {
        self.issue_by(&self.authority, file, identity, validity);
    }

    pub(super) fn issue_by(
        &self,
        authority: &Authority,
        file: &str,
        identity: &str,
        validity: Validity,
    ) {
        let pair = authority.client(identity, validity).expect("client");
        pair.write(self.files.path(), file).expect("write");
    }

    pub(super) fn tls_config(&self) -> TlsConfig {
        TlsConfig {
            certificate: self.path("server.pem"),
            key: secret(&self.path("server.key")),
            client_authority: self.path("ca.pem"),
            revoked: None,
            check_every: Duration::from_millis(50),
        }
    }

    /// One client of each role.
    pub(super) fn api(&self) -> ApiConfig {
        ApiConfig {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            door: Door::Tls(self.tls_config()),
            clients: Role::ALL
                .into_iter()
                .map(|role| client(&name_of(role), role))
                .collect(),
            limits: LimitsConfig::default(),
        }
    }

    pub(super) async fn start(&self, api: &ApiConfig) -> Daemon {
        Daemon::start_behind(api, tempfile::tempdir().expect("folder")).await
    }

    /// What a client with these files shows.
    pub(super) fn shows(&self, file: &str) -> ClientTls {
        ClientTls {
            authority: self.path("ca.pem"),
            certificate: self.path(&format!("{file}.pem")),
            key: secret(&self.path(&format!("{file}.key"))),
            server_name: None,
        }
    }

    pub(super) async fn connect(&self, daemon: &Daemon, file: &str) -> Result<Client, ClientError> {
        Client::connect_with(&secure_url(daemon), Some(&self.shows(file))).await
    }

    pub(super) async fn client(&self, daemon: &Daemon, file: &str) -> Client {
        self.connect(daemon, file).await.expect("connect")
    }
}

pub(super) fn secure_url(daemon: &Daemon) -> String {
    format!("https://{}", daemon.address)
}

fn secret(path: &Path) -> SecretPath {
    SecretPath {
        path: path.to_owned(),
        credential: false,
    }
}
