//! Does what operators and admins ask for, and takes over a changed configuration.

use std::path::{Path, PathBuf};

use super::App;
use super::audit_trail::{shortened, write};
use super::certificates;
use super::control::Command;
use crate::access::{Policy, Refusal};
use crate::api::{CameraAction, ControlError, Reloaded};
use crate::audit::{Entry, Outcome};
use crate::config;
use crate::model::ids::CameraId;

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
        if !write(&self.security.audit, entry(Outcome::Asked)).await {
            self.security.authorizer.count(Refusal::Audit);
            self.metrics.count_reload("refused");
            tracing::error!("reload refused: the audit log cannot be written");
            return Err(ControlError::Audit);
        }
        let done = self.take_over(path).await;
        let came_of_it = match &done {
            Ok(reloaded) => entry(Outcome::Done).saying(summary(reloaded)),
            Err(ControlError::Configuration(words)) => {
                entry(Outcome::Failed).saying(shortened(words))
            }
            Err(other) => entry(Outcome::Failed).saying(format!("{other:?}")),
        };
        write(&self.security.audit, came_of_it).await;
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
        let certificates_changed = match &self.security.tls {
            None => false,
            Some(tls) => certificates::look(tls, &self.security.authorizer, &self.metrics, true)
                .await
                .map_err(|error| refused(error.to_string()))?
                .is_some(),
        };
        let policy = Policy::of(&new.api);
        // Its door needs a restart; who may do what behind the old one does not.
        if new.api.door == self.config.api.door {
            self.config.api.clients.clone_from(&new.api.clients);
            self.config.api.limits = new.api.limits.clone();
            self.security.authorizer.update(policy);
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
    shortened(&format!(
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
