//! Floor 6: the daemon as one value.
//!
//! Start order: journal, audit log and certificates, inference pool, fleet (no cameras yet), API, ops endpoint, cameras; ready
//! after all of them. Stop order: cameras and analysis (their last events reach the journal),
//! journal, API, ops endpoint, inference pool. Nobody upstream runs when something downstream stops.

mod audit_trail;
mod certificates;
mod control;
mod error;
pub mod health;
mod perform;
pub mod resource_limits;
mod security;
pub mod service;

pub use control::Command;
pub use error::AppError;
pub use security::audit_path;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::access::owners::OwnerError;
use crate::api::uplink::{self, UplinkDeps};
use crate::api::{ApiDeps, CameraView, ListenConfig};
use crate::base::clock::{SharedClock, process_cpu};
use crate::base::metrics::Metrics;
use crate::base::tasks::TaskSet;
use crate::config::{self, Config};
use crate::fleet::analysis::{Identity, Observer};
use crate::fleet::{Emitted, Fleet, FleetParts, GovernorParts, StatusBoard};
use crate::infer::{Backend, InferencePool};
use crate::ingest::Source;
use crate::journal::Journal;
use crate::model::camera::CameraStatus;
use crate::model::ids::IdSource;
use crate::ops::{HealthView, OpsHandle, OpsTls};
use health::Health;
use security::Security;

/// What the daemon touches of the outside; tests bring fakes.
pub struct Ports {
    /// Opens cameras.
    pub source: Arc<dyn Source>,
    /// Computes models.
    pub backend: Arc<dyn Backend>,
    /// Tells the time.
    pub clock: SharedClock,
}

impl CameraView for StatusBoard {
    fn cameras(&self) -> Vec<CameraStatus> {
        Self::cameras(self)
    }
}

/// The running daemon.
pub struct App {
    config: Config,
    metrics: Arc<Metrics>,
    journal: Arc<Journal>,
    pool: Arc<InferencePool>,
    fleet: Fleet,
    servers: TaskSet,
    security: Security,
    commands: Option<mpsc::Receiver<Command>>,
    api: SocketAddr,
    ops: OpsHandle,
    health: Arc<Health>,
}

impl App {
    /// Starts everything; returns when the API listens and every camera's driver runs.
    ///
    /// # Errors
    /// [`AppError`] names the part that could not start; the parts before it are stopped.
    pub async fn start(config: Config, ports: Ports) -> Result<Self, AppError> {
        let metrics = Metrics::new();
        let clock = ports.clock;
        let journal = Arc::new(Journal::open(
            &config.journal,
            Arc::clone(&clock),
            Arc::clone(&metrics),
        )?);
        let security = Security::open(&config, &clock, &metrics)?;
        let pool = Arc::new(InferencePool::start(
            &config.inference,
            &config.models,
            ports.backend,
            Arc::clone(&clock),
            Arc::clone(&metrics),
        )?);
        let fleet = start_fleet(&config, ports.source, &clock, &metrics, &pool, &journal)?;
        let mut servers = TaskSet::under(&CancellationToken::new());
        let (remote, commands) = control::channel();
        let deps = ApiDeps {
            reader: journal.reader(),
            cameras: Arc::new(fleet.board()),
            metrics: Arc::clone(&metrics),
            audit: Arc::clone(&security.audit),
            owners: Arc::clone(&security.owners),
            control: Arc::new(remote),
        };
        let api = start_api(&mut servers, &config, &security, deps, &metrics).await?;
        start_uplink(&mut servers, &config, &security, &journal, &metrics);
        let health = Arc::new(Health::of(
            Arc::clone(&journal),
            Arc::clone(&pool),
            fleet.analysis(),
            config.journal.deadline,
            clock,
        ));
        let view: Arc<dyn HealthView> = Arc::clone(&health) as _;
        let ops = start_ops(&config, &security, &metrics, view)?;
        let mut app = Self {
            config,
            metrics,
            journal,
            pool,
            fleet,
            servers,
            security,
            commands: Some(commands),
            api,
            ops,
            health,
        };
        app.fleet.apply(&app.config.cameras).await;
        app.health.set_started(true);
        Ok(app)
    }

    /// Makes the cameras what a new configuration says. Sections that only a restart can change
    /// keep their old values and are named in the result.
    pub async fn reload(&mut self, new: Config) -> config::Changes {
        let changes = config::diff(&self.config, &new);
        self.fleet.apply(&new.cameras).await;
        self.config.cameras = new.cameras;
        self.metrics.count_reload("ok");
        changes
    }

    /// What the API asks for, to be given to [`App::perform`]; `None` the second time.
    pub fn take_commands(&mut self) -> Option<mpsc::Receiver<Command>> {
        self.commands.take()
    }

    /// Where the gRPC API listens.
    #[must_use]
    pub fn api_address(&self) -> SocketAddr {
        self.api
    }

    /// Where the ops endpoint listens.
    #[must_use]
    pub fn ops_address(&self) -> SocketAddr {
        self.ops.address()
    }

    /// What the ops endpoint and the watchdog ask.
    #[must_use]
    pub fn health(&self) -> Arc<Health> {
        Arc::clone(&self.health)
    }

    /// Every camera's status.
    #[must_use]
    pub fn cameras(&self) -> Vec<CameraStatus> {
        self.fleet.board().cameras()
    }

    /// Stops everything in order. Returns false when something had to be left behind.
    pub async fn stop(self) -> bool {
        self.health.set_started(false);
        let cameras = self.fleet.stop(Duration::from_millis(2_500)).await;
        let journal = self.journal;
        let flushed =
            tokio::task::spawn_blocking(move || journal.stop(Duration::from_millis(1_000)))
                .await
                .unwrap_or(false);
        let (_, servers_late) = self.servers.stop(Duration::from_millis(700)).await;
        let (ops, pool) = (self.ops, self.pool);
        let closed = tokio::task::spawn_blocking(move || {
            ops.stop();
            pool.stop();
        })
        .await
        .is_ok();
        cameras && flushed && !servers_late && closed
    }
}

/// Starts the API and what watches over its security; returns where it listens.
async fn start_api(
    servers: &mut TaskSet,
    config: &Config,
    security: &Security,
    deps: ApiDeps,
    metrics: &Arc<Metrics>,
) -> Result<SocketAddr, AppError> {
    let listen_config = ListenConfig {
        listen: config.api.listen,
        authorizer: Arc::clone(&security.authorizer),
        tls: security.tls.clone(),
    };
    let (api, serving) = crate::api::serve(listen_config, deps, servers.token()).await?;
    servers.spawn("grpc api", serving);
    let (audit, token) = (Arc::clone(&security.audit), servers.token());
    servers.spawn(
        "audit",
        audit_trail::prune(Arc::clone(&audit), token.clone()),
    );
    if let Some(tls) = &security.tls {
        let watching = certificates::watch(
            Arc::clone(tls),
            Arc::clone(&security.authorizer),
            audit,
            Arc::clone(metrics),
            token,
        );
        servers.spawn("certificates", watching);
    }
    Ok(api)
}

fn start_ops(
    config: &Config,
    security: &Security,
    metrics: &Arc<Metrics>,
    view: Arc<dyn HealthView>,
) -> Result<OpsHandle, AppError> {
    let tls = match (config.ops.tls, &security.tls) {
        (Some(_), Some(tls)) => Some(OpsTls {
            tls: Arc::clone(tls),
            authorizer: Arc::clone(&security.authorizer),
        }),
        _ => None,
    };
    crate::ops::serve_behind(tls, config.ops.listen, Arc::clone(metrics), view).map_err(|source| {
        AppError::Io {
            what: "the ops endpoint",
            source,
        }
    })
}

/// The owner of the uplink's consumer: no certificate's identity begins with a blank, so that no
/// client can move the uplink's position.
const UPLINK_OWNER: &str = " uplink";

fn start_uplink(
    servers: &mut TaskSet,
    config: &Config,
    security: &Security,
    journal: &Journal,
    metrics: &Arc<Metrics>,
) {
    let Some(uplink) = config.uplink.clone() else {
        return;
    };
    let consumer = &uplink.consumer;
    match security.owners.claim(consumer, UPLINK_OWNER) {
        Ok(()) => {}
        // The disk may come back long after the platform wants its events.
        Err(error @ OwnerError::Store { .. }) => {
            tracing::error!(%consumer, %error, "the uplink dials without its consumer's name kept");
        }
        Err(error @ (OwnerError::Others | OwnerError::TooMany)) => {
            metrics.journal.uplink_failures.inc();
            tracing::error!(%consumer, %error, "the uplink does not dial: give it another consumer");
            return;
        }
    }
    let deps = UplinkDeps {
        reader: journal.reader(),
        metrics: Arc::clone(metrics),
        site: config.site.clone(),
        node: config.node.clone(),
    };
    servers.spawn("uplink", uplink::run(uplink, deps, servers.token()));
}

fn start_fleet(
    config: &Config,
    source: Arc<dyn Source>,
    clock: &SharedClock,
    metrics: &Arc<Metrics>,
    pool: &Arc<InferencePool>,
    journal: &Journal,
) -> Result<Fleet, AppError> {
    let identity = Identity {
        site: config.site.clone(),
        node: config.node.clone(),
        observer: Observer::Clock(Arc::clone(clock)),
    };
    let writer = journal.writer();
    let events = Arc::new(move |Emitted { event, frame }| {
        // The journal needs no pixels: they go back to the decoder before anything is waited for.
        let arrived = frame.map(|frame| frame.arrived);
        // A refused event is logged and counted where it is refused.
        let _ = writer.append(event, arrived);
    });
    let parts = FleetParts {
        source,
        pool: Arc::clone(pool),
        clock: Arc::clone(clock),
        metrics: Arc::clone(metrics),
        analysed: None,
        governor: Some(GovernorParts {
            config: config.governor.clone(),
            cpu: Arc::new(process_cpu),
        }),
    };
    Fleet::start(parts, identity, events, IdSource::random()).map_err(|source| AppError::Io {
        what: "the analysis thread",
        source,
    })
}
