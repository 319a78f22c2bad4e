//! What is attacked: the API behind certificates, its journal, and a steady load of events.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rustls::ClientConfig;
use tokio_util::sync::CancellationToken;

use super::super::durability::load::{self, NoCameras};
use crate::authority::{Authority, Validity};
use parapet::access::owners::Owners;
use parapet::access::{Authorizer, Policy, ServerTls};
use parapet::api::{ApiDeps, ListenConfig};
use parapet::audit::{self, AuditLog};
use parapet::base::clock::{SharedClock, SystemClock};
use parapet::base::metrics::Metrics;
use parapet::base::tasks::{TaskSet, named_thread};
use parapet::config::secret_file::SecretPath;
use parapet::config::types::ClientTls;
use parapet::config::types::{ApiConfig, ClientConfig as Client, Door, LimitsConfig, TlsConfig};
use parapet::journal::{Journal, JournalWriter};
use parapet::model::access::{Role, Scope};
use parapet::model::time::UtcMicros;

/// Clients with certificates: the subscriber, its like who comes anew, and the attacker.
const CLIENTS: [&str; 3] = ["platform", "newcomer", "mallory"];

pub(super) struct Stage {
    folder: tempfile::TempDir,
    pub(super) metrics: Arc<Metrics>,
    pub(super) clock: SharedClock,
    pub(super) address: SocketAddr,
    journal: Arc<Journal>,
    servers: TaskSet,
    load: Option<(Arc<AtomicBool>, JoinHandle<()>)>,
}

fn secret(path: std::path::PathBuf) -> SecretPath {
    SecretPath {
        path,
        credential: false,
    }
}

impl Stage {
    pub(super) async fn start(events_per_second: u32) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("parapet-hostile-")
            .tempdir()?;
        let (metrics, clock) = (Metrics::new(), SystemClock::shared());
        let api = certificates(folder.path(), &clock)?;
        let config = load::config(folder.path().join("journal.sqlite3"))?;
        let journal = Journal::open(&config, Arc::clone(&clock), Arc::clone(&metrics))?;
        let journal = Arc::new(journal);
        let authorizer =
            Authorizer::new(Policy::of(&api), Arc::clone(&metrics), Arc::clone(&clock));
        let tls = match &api.door {
            Door::Tls(files) => Some(ServerTls::open(files.clone(), None, Arc::clone(&clock))?),
            Door::Plaintext { .. } => None,
        };
        let audit = AuditLog::open(
            &folder.path().join("audit.sqlite3"),
            audit::MIN_KEEP,
            Arc::clone(&clock),
            Arc::clone(&metrics),
        );
        let owners = Owners::open(&folder.path().join("consumers.sqlite3"));
        let deps = ApiDeps {
            reader: journal.reader(),
            cameras: Arc::new(NoCameras),
            metrics: Arc::clone(&metrics),
            audit,
            owners: Arc::new(owners),
            control: Arc::new(NoCameras),
        };
        let listen_config = ListenConfig {
            listen: api.listen,
            authorizer,
            tls: tls.map(Arc::new),
        };
        let mut servers = TaskSet::under(&CancellationToken::new());
        let (address, serving) = parapet::api::serve(listen_config, deps, servers.token()).await?;
        servers.spawn("api", serving);
        let load = start_load(journal.writer(), Arc::clone(&clock), events_per_second)?;
        Ok(Self {
            folder,
            metrics,
            clock,
            address,
            journal,
            servers,
            load: Some(load),
        })
    }

    pub(super) fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// What a client of this name shows.
    pub(super) fn shows(&self, name: &str) -> ClientTls {
        let file = |ending: &str| self.folder.path().join(format!("{name}.{ending}"));
        ClientTls {
            authority: self.folder.path().join("ca.pem"),
            certificate: file("pem"),
            key: secret(file("key")),
            server_name: None,
        }
    }

    pub(super) fn mallory(&self) -> anyhow::Result<Arc<ClientConfig>> {
        Ok(self.shows("mallory").load()?)
    }

    pub(super) fn audit_entries(&self) -> u64 {
        self.metrics.access.audit_entries.get()
    }

    /// Stops everything; whether that and the audit log's chain are good.
    pub(super) async fn stop(mut self) -> bool {
        if let Some((stop, thread)) = self.load.take() {
            stop.store(true, Ordering::Relaxed);
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
        let journal = Arc::clone(&self.journal);
        let flush = move || journal.stop(Duration::from_secs(2));
        let flushed = tokio::task::spawn_blocking(flush).await.unwrap_or(false);
        let (_, aborted) = self.servers.stop(Duration::from_secs(3)).await;
        let chain = audit::verify_file(&self.folder.path().join("audit.sqlite3"));
        flushed && !aborted && chain.is_ok_and(|verdict| verdict.problems.is_empty())
    }
}

fn certificates(folder: &std::path::Path, clock: &SharedClock) -> anyhow::Result<ApiConfig> {
    let now = u64::try_from(clock.utc_micros() / 1_000_000)?;
    let validity = Validity::days(now, 2);
    let authority = Authority::new("hostile bench", validity)?;
    authority.own.write(folder, "ca")?;
    let names = ["127.0.0.1".to_owned()];
    authority
        .server(&names, validity)?
        .write(folder, "server")?;
    let mut clients = Vec::new();
    for name in CLIENTS {
        authority.client(name, validity)?.write(folder, name)?;
        clients.push(Client {
            identity: name.into(),
            role: Role::Subscriber,
            scope: Scope::All,
        });
    }
    Ok(ApiConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        door: Door::Tls(TlsConfig {
            certificate: folder.join("server.pem"),
            key: secret(folder.join("server.key")),
            client_authority: folder.join("ca.pem"),
            revoked: None,
            check_every: Duration::from_secs(5),
        }),
        clients,
        limits: LimitsConfig::default(),
    })
}

fn start_load(
    writer: JournalWriter,
    clock: SharedClock,
    per_second: u32,
) -> anyhow::Result<(Arc<AtomicBool>, JoinHandle<()>)> {
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let pause = Duration::from_secs(1) / per_second;
    let mut number = 0;
    let thread = named_thread("load", move || {
        while !stopped.load(Ordering::Relaxed) {
            let now = UtcMicros(clock.utc_micros());
            number += 1;
            let Ok(event) = load::event(1, number, now) else {
                return;
            };
            // A loss is logged and counted by the journal, and seen by the subscriber.
            let _ = writer.append(event, None);
            std::thread::sleep(pause);
        }
    })?;
    Ok((stop, thread))
}
