//! What operators and admins can do to the running daemon, and the certificates that change
//! under it. The API's tasks ask by message; the one that owns the [`App`] does it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::App;
use crate::access::tls::Change;
use crate::access::{Gate, Policy, Refusal, TlsDoor, TlsError};
use crate::api::{CameraAction, Control, ControlError, Reloaded};
use crate::audit::{AuditLog, Entry, Outcome};
use crate::base::metrics::Metrics;
use crate::config;
use crate::model::ids::CameraId;

/// Commands that wait for the daemon's loop.
const QUEUE: usize = 16;
/// A command takes at most as long as closing the slowest source, twice.
const PATIENCE: Duration = Duration::from_secs(30);
/// A text in the audit log is for people.
const MOST_DETAIL: usize = 500;

/// Something to do, and where to answer.
pub enum Command {
    /// To a camera.
    Camera {
        /// Which.
        camera: CameraId,
        /// What.
        action: CameraAction,
        /// Who wants it.
        who: Arc<str>,
        /// Where to answer.
        reply: oneshot::Sender<Result<(), ControlError>>,
    },
    /// Read configuration and certificates anew.
    Reload {
        /// Who wants it.
        who: Arc<str>,
        /// Where to answer.
        reply: oneshot::Sender<Result<Reloaded, ControlError>>,
    },
}

/// The API's end of the queue; when it is full the caller waits, and then is told to come again.
pub(super) struct Remote(mpsc::Sender<Command>);

pub(super) fn channel() -> (Remote, mpsc::Receiver<Command>) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    (Remote(sender), receiver)
}

impl Remote {
    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, ControlError>>) -> Command,
    ) -> Result<T, ControlError> {
        let (reply, answer) = oneshot::channel();
        let asked = async {
            self.0
                .send(command(reply))
                .await
                .map_err(|_| ControlError::Away)?;
            answer.await.map_err(|_| ControlError::Away)?
        };
        let answered = tokio::time::timeout(PATIENCE, asked).await;
        answered.unwrap_or(Err(ControlError::Away))
    }
}

#[tonic::async_trait]
impl Control for Remote {
    async fn camera(
        &self,
        camera: CameraId,
        action: CameraAction,
        who: Arc<str>,
    ) -> Result<(), ControlError> {
        self.ask(|reply| Command::Camera {
            camera,
            action,
            who,
            reply,
        })
        .await
    }

    async fn reload(&self, who: Arc<str>) -> Result<Reloaded, ControlError> {
        self.ask(|reply| Command::Reload { who, reply }).await
    }
}

impl App {
    /// Does what a command says; `path` is the configuration's file.
    pub async fn perform(&mut self, command: Command, path: &Path) {
        match command {
            Command::Camera {
                camera,
                action,
                who,
                reply,
            } => {
                let done = self.control_camera(&camera, action, &who).await;
                // Who asked may have gone; it is done all the same.
                let _ = reply.send(done);
            }
            Command::Reload { who, reply } => {
                let _ = reply.send(self.reload_from(path, &who).await);
            }
        }
    }

    /// Restarts, pauses or resumes a camera.
    ///
    /// # Errors
    /// [`ControlError::Unknown`] or [`ControlError::State`].
    pub async fn control_camera(
        &mut self,
        camera: &CameraId,
        action: CameraAction,
        who: &str,
    ) -> Result<(), ControlError> {
        if !self.config.cameras.contains_key(camera) {
            return Err(ControlError::Unknown(camera.clone()));
        }
        let done = match action {
            CameraAction::Restart => self.fleet.restart(camera).await,
            CameraAction::Pause => self.fleet.pause(camera, &format!("paused by {who}")).await,
            CameraAction::Resume => self.fleet.resume(camera),
        };
        if done {
            tracing::warn!(%camera, ?action, who, "by hand");
            return Ok(());
        }
        let words = if self.fleet.is_paused(camera) {
            "the camera is paused"
        } else {
            "the camera is not paused"
        };
        Err(ControlError::State(words.to_owned()))
    }

    /// Reads configuration and certificates anew; a bad file changes nothing. Who asked and what
    /// came of it go to the audit log; where that cannot be written, nothing happens.
    ///
    /// # Errors
    /// [`ControlError::Audit`] or [`ControlError::Configuration`].
    pub async fn reload_from(&mut self, path: &Path, who: &str) -> Result<Reloaded, ControlError> {
        let entry = |outcome| {
            Entry::once(who, "configuration.reload", outcome).to(path.display().to_string())
        };
        if !write(&self.doors.audit, entry(Outcome::Asked)).await {
            self.doors.gate.count(Refusal::Audit);
            self.metrics.count_reload("refused");
            tracing::error!("reload refused: the audit log cannot be written");
            return Err(ControlError::Audit);
        }
        let done = self.take_over(path).await;
        let came_of_it = match &done {
            Ok(reloaded) => entry(Outcome::Done).saying(summary(reloaded)),
            Err(ControlError::Configuration(words)) => entry(Outcome::Failed).saying(short(words)),
            Err(other) => entry(Outcome::Failed).saying(format!("{other:?}")),
        };
        write(&self.doors.audit, came_of_it).await;
        done
    }

    async fn take_over(&mut self, path: &Path) -> Result<Reloaded, ControlError> {
        let file: PathBuf = path.to_owned();
        let load = move || config::load(&file, &config::SystemEnvironment);
        let loaded = tokio::task::spawn_blocking(load)
            .await
            .map_err(|error| ControlError::Configuration(error.to_string()))?;
        let refused = |words: String| {
            self.metrics.count_reload("refused");
            tracing::error!(
                errors = words,
                "configuration refused; the old one stays in force"
            );
            ControlError::Configuration(words)
        };
        let new = loaded.map_err(|errors| refused(errors.to_string()))?.config;
        // The last thing that can be wrong: after it, nothing is refused any more.
        let certificates_changed = match &self.doors.tls {
            None => false,
            Some(door) => look(door, &self.doors.gate, &self.metrics, true)
                .await
                .map_err(|error| refused(error.to_string()))?
                .is_some(),
        };
        let policy = Policy::of(&new.api);
        // Its door needs a restart; who may do what behind the old one does not.
        if new.api.door == self.config.api.door {
            self.config.api.clients.clone_from(&new.api.clients);
            self.config.api.limits = new.api.limits.clone();
            self.doors.gate.update(policy);
        }
        let changes = self.reload(new).await;
        tracing::info!(
            added = changes.added.len(),
            removed = changes.removed.len(),
            changed = changes.changed.len(),
            certificates_changed,
            "configuration reloaded"
        );
        for section in &changes.needs_restart {
            tracing::warn!(section, "changed, but only a restart takes it over");
        }
        Ok(Reloaded {
            added: changes.added,
            removed: changes.removed,
            changed: changes.changed,
            needs_restart: changes.needs_restart,
            certificates_changed,
        })
    }
}

fn summary(reloaded: &Reloaded) -> String {
    let names = |ids: &[CameraId]| {
        let names: Vec<_> = ids.iter().map(CameraId::as_str).collect();
        names.join(" ")
    };
    short(&format!(
        "added: {}; removed: {}; changed: {}; needs restart: {}; certificates: {}",
        names(&reloaded.added),
        names(&reloaded.removed),
        names(&reloaded.changed),
        reloaded.needs_restart.join(" "),
        if reloaded.certificates_changed {
            "changed"
        } else {
            "same"
        }
    ))
}

fn short(text: &str) -> String {
    text.chars().take(MOST_DETAIL).collect()
}

pub(super) async fn write(audit: &Arc<AuditLog>, entry: Entry) -> bool {
    let audit = Arc::clone(audit);
    let written = tokio::task::spawn_blocking(move || audit.append(&[entry])).await;
    matches!(written, Ok(Ok(())))
}

/// Looks at the certificates' files; the serial number of new ones that are now in force.
async fn look(
    door: &Arc<TlsDoor>,
    gate: &Arc<Gate>,
    metrics: &Arc<Metrics>,
    again: bool,
) -> Result<Option<String>, TlsError> {
    let looking = Arc::clone(door);
    let change = match tokio::task::spawn_blocking(move || looking.look(again)).await {
        Ok(looked) => looked?,
        Err(error) => {
            tracing::error!(%error, "reading the certificates panicked");
            return Ok(None);
        }
    };
    let Change::Taken { facts, authority } = change else {
        return Ok(None);
    };
    metrics.doors.certificate_expires.set(facts.not_after);
    tracing::info!(
        serial = facts.serial,
        authority,
        "new certificates are in force"
    );
    if authority {
        // Somebody may be inside whom the new authority would not let in.
        gate.cut_all();
    }
    Ok(Some(facts.serial))
}

/// Looks at the certificates' files again and again. A change is audited; where that cannot be
/// written it still counts, for an expired certificate would lock the platform out.
pub(super) async fn watch_certificates(
    door: Arc<TlsDoor>,
    gate: Arc<Gate>,
    audit: Arc<AuditLog>,
    metrics: Arc<Metrics>,
    cancel: CancellationToken,
) {
    let mut tick = tokio::time::interval(door.check_every());
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            _ = tick.tick() => {}
        }
        let entry = |outcome| Entry::once("daemon", "certificates.reload", outcome);
        let entry = match look(&door, &gate, &metrics, false).await {
            Ok(None) => continue,
            Ok(Some(serial)) => entry(Outcome::Done).saying(serial),
            Err(error) => {
                tracing::error!(%error, "new certificates refused; the old ones stay in force");
                entry(Outcome::Refused).saying(short(&error.to_string()))
            }
        };
        write(&audit, entry).await;
    }
}

/// Lets go of old audit entries once a day.
pub(super) async fn prune_audit(audit: Arc<AuditLog>, cancel: CancellationToken) {
    let mut day = tokio::time::interval(Duration::from_secs(86_400));
    // The first tick is at once, and opening has pruned already.
    day.tick().await;
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            _ = day.tick() => {}
        }
        let log = Arc::clone(&audit);
        match tokio::task::spawn_blocking(move || log.prune()).await {
            Ok(Ok(gone)) => tracing::info!(gone, "old audit entries let go"),
            Ok(Err(error)) => tracing::error!(%error, "the audit log cannot be pruned"),
            Err(error) => tracing::error!(%error, "pruning the audit log panicked"),
        }
    }
}
