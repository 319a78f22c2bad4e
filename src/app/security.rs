//! The parts that decide who comes in, put together.

use std::path::PathBuf;
use std::sync::Arc;

use super::error::AppError;
use crate::access::owners::Owners;
use crate::access::{Authorizer, Policy, ServerTls};
use crate::audit::{AuditLog, Entry, Outcome};
use crate::base::clock::SharedClock;
use crate::base::metrics::Metrics;
use crate::config::Config;
use crate::config::types::Door;
use crate::infer::manifest::Manifest;

/// What the API and the ops endpoint ask before they answer.
pub(super) struct Security {
    pub(super) authorizer: Arc<Authorizer>,
    pub(super) tls: Option<Arc<ServerTls>>,
    pub(super) audit: Arc<AuditLog>,
    pub(super) owners: Arc<Owners>,
}

/// A file beside the journal.
fn beside_journal(config: &Config, name: &str) -> PathBuf {
    config.journal.path.with_file_name(name)
}

/// Where the audit log of a configuration lies.
#[must_use]
pub fn audit_path(config: &Config) -> PathBuf {
    let built_in = || beside_journal(config, "audit.sqlite3");
    config.audit.path.clone().unwrap_or_else(built_in)
}

impl Security {
    /// Opens everything; blocks on the disk. The journal's folder must be there.
    pub(super) fn open(
        config: &Config,
        clock: &SharedClock,
        metrics: &Arc<Metrics>,
    ) -> Result<Self, AppError> {
        let tls = match &config.api.door {
            Door::Plaintext { .. } => None,
            Door::Tls(files) => {
                let tls = ServerTls::open(files.clone(), config.ops.tls, Arc::clone(clock))?;
                metrics
                    .access
                    .certificate_expires
                    .set(tls.facts().not_after);
                Some(Arc::new(tls))
            }
        };
        let owners = Owners::open(&beside_journal(config, "consumers.sqlite3"));
        let audit = AuditLog::open(
            &audit_path(config),
            config.audit.keep,
            Arc::clone(clock),
            Arc::clone(metrics),
        );
        // Its failure is counted and logged there; the cameras are watched all the same.
        let _ = audit.append(&start_entries(config));
        Ok(Self {
            authorizer: Authorizer::new(
                Policy::of(&config.api),
                Arc::clone(metrics),
                Arc::clone(clock),
            ),
            tls,
            audit,
            owners: Arc::new(owners),
        })
    }
}

/// That the daemon starts, and with which models: a model is changed by a restart, so two starts
/// with different words are a change.
fn start_entries(config: &Config) -> Vec<Entry> {
    let started = Entry::once("daemon", "daemon.start", Outcome::Done)
        .to(config.node.as_str())
        .saying(concat!("version ", env!("CARGO_PKG_VERSION")));
    let models = config.models.iter().map(|(name, model)| {
        let entry = |outcome| Entry::once("daemon", "model.in_force", outcome).to(name.as_str());
        match Manifest::load(&model.folder) {
            Ok(manifest) => entry(Outcome::Done).saying(format!(
                "{} {} sha256 {}",
                manifest.name, manifest.version, manifest.sha256
            )),
            Err(error) => entry(Outcome::Failed).saying(error.to_string()),
        }
    });
    std::iter::once(started).chain(models).collect()
}
