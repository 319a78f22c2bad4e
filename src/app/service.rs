//! The daemon's life under systemd: signals, readiness, watchdog, reload.
//!
//! SIGTERM and SIGINT stop cleanly, a second one exits at once; SIGHUP reloads the configuration
//! (a bad file changes nothing and the log says why). The watchdog is fed only while the journal
//! takes events and inference makes progress (sd_notify(3), sd_watchdog_enabled(3)).

use std::path::{Path, PathBuf};
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{App, AppError, Ports};
use crate::config::{self, Config};
use crate::console::HealthView as _;

/// Runs the daemon until a signal stops it.
///
/// # Errors
/// [`AppError`] when it cannot start. Returns whether it stopped cleanly.
pub async fn run(path: &Path, config: Config, ports: Ports) -> Result<bool, AppError> {
    let io = |source| AppError::Io {
        what: "signal handling",
        source,
    };
    let mut hangup = signal(SignalKind::hangup()).map_err(io)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(io)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(io)?;
    let mut app = App::start(config, ports).await?;
    tracing::info!(api = %app.api_address(), console = %app.console_address(), "ready");
    notify(&[NotifyState::Ready]);
    let mut watchdog = tokio::time::interval(watchdog_period());
    watchdog.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = hangup.recv() => reload(&mut app, path).await,
            _ = watchdog.tick() => feed_watchdog(&app),
        }
    }
    tracing::info!("stopping");
    notify(&[NotifyState::Stopping]);
    tokio::select! {
        clean = app.stop() => {
            tracing::info!(clean, "stopped");
            Ok(clean)
        }
        () = either(&mut terminate, &mut interrupt) => {
            tracing::warn!("second signal: exiting at once");
            Ok(false)
        }
    }
}

async fn either(one: &mut Signal, other: &mut Signal) {
    tokio::select! { _ = one.recv() => {}, _ = other.recv() => {} }
}

async fn reload(app: &mut App, path: &Path) {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => notify(&[NotifyState::Reloading, now]),
        Err(error) => tracing::debug!(%error, "no monotonic clock for sd_notify"),
    }
    let file: PathBuf = path.to_owned();
    let loaded =
        tokio::task::spawn_blocking(move || config::load(&file, &config::SystemEnvironment)).await;
    match loaded {
        Ok(Ok(loaded)) => {
            let changes = app.reload(loaded.config).await;
            tracing::info!(
                added = changes.added.len(),
                removed = changes.removed.len(),
                changed = changes.changed.len(),
                "configuration reloaded"
            );
            for section in changes.needs_restart {
                tracing::warn!(section, "changed, but only a restart takes it over");
            }
        }
        Ok(Err(errors)) => {
            app.reload_refused();
            tracing::error!(%errors, "configuration refused; the old one stays in force");
        }
        Err(error) => tracing::error!(%error, "reading the configuration panicked"),
    }
    notify(&[NotifyState::Ready]);
}

fn watchdog_period() -> Duration {
    sd_notify::watchdog_enabled().map_or(Duration::from_secs(10), |timeout| timeout / 2)
}

fn feed_watchdog(app: &App) {
    match app.health().alive() {
        Ok(()) => notify(&[NotifyState::Watchdog]),
        Err(reason) => tracing::error!(reason, "not healthy; the watchdog is not fed"),
    }
}

fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "sd_notify");
    }
}
