//! The daemon's life under systemd: signals, readiness, watchdog, reload.
//!
//! SIGTERM and SIGINT stop cleanly, a second one exits at once; SIGHUP reloads the configuration
//! (a bad file changes nothing and the log says why). The watchdog is fed at half of systemd's
//! period, also while a reload waits for cameras to stop, and only as long as [`super::health`]
//! finds that a restart would not be better (sd_notify(3), sd_watchdog_enabled(3)).

use std::path::{Path, PathBuf};
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Interval, MissedTickBehavior};

use super::health::Health;
use super::{App, AppError, Ports};
use crate::config::{self, Config};

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
    let terminate = signal(SignalKind::terminate()).map_err(io)?;
    let interrupt = signal(SignalKind::interrupt()).map_err(io)?;
    super::room::check(config.cameras.len(), &config.state_dir);
    let mut app = App::start(config, ports).await?;
    tracing::info!(api = %app.api_address(), console = %app.console_address(), "ready");
    notify(&[NotifyState::Ready]);
    let mut signals = Signals {
        terminate,
        interrupt,
        watchdog: watchdog(),
    };
    let health = app.health();
    loop {
        tokio::select! {
            () = signals.stop_asked(&health) => break,
            _ = hangup.recv() => {}
        }
        tokio::select! {
            () = signals.stop_asked(&health) => break,
            () = reload(&mut app, path) => {}
        }
    }
    tracing::info!("stopping");
    notify(&[NotifyState::Stopping]);
    tokio::select! {
        clean = app.stop() => {
            tracing::info!(clean, "stopped");
            Ok(clean)
        }
        () = signals.either() => {
            tracing::warn!("second signal: exiting at once");
            Ok(false)
        }
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    watchdog: Interval,
}

impl Signals {
    async fn either(&mut self) {
        tokio::select! { _ = self.terminate.recv() => {}, _ = self.interrupt.recv() => {} }
    }

    /// Returns when a signal asks for the end; feeds the watchdog meanwhile.
    async fn stop_asked(&mut self, health: &Health) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.watchdog.tick() => feed_watchdog(health, &mut notify),
            }
        }
    }
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

fn watchdog() -> Interval {
    let period =
        sd_notify::watchdog_enabled().map_or(Duration::from_secs(10), |timeout| timeout / 2);
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// One tick: tells `notify` that the daemon lives, or the log why it does not.
pub(super) fn feed_watchdog(health: &Health, notify: &mut dyn FnMut(&[NotifyState<'_>])) {
    match health.bearable() {
        Ok(()) => notify(&[NotifyState::Watchdog]),
        Err(reason) => tracing::error!(reason, "not healthy; the watchdog is not fed"),
    }
}

fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "sd_notify");
    }
}
