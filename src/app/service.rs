//! The daemon's life under systemd: signals, readiness, watchdog, reload.
//!
//! SIGTERM and SIGINT stop cleanly, a second one exits at once; SIGHUP reloads the configuration
//! (a bad file changes nothing and the log says why). The watchdog is fed at half of systemd's
//! period, also while a reload waits for cameras to stop, and only as long as [`super::health`]
//! finds that a restart would not be better (sd_notify(3), sd_watchdog_enabled(3)).

use std::path::Path;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Interval, MissedTickBehavior};

use super::health::Health;
use super::{App, AppError, Command, Ports};
use crate::config::Config;

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
    super::resource_limits::check(config.cameras.len(), &config.state_dir);
    let mut app = App::start(config, ports).await?;
    tracing::info!(api = %app.api_address(), ops = %app.ops_address(), "ready");
    notify(&[NotifyState::Ready]);
    let mut commands = app.take_commands().ok_or_else(|| AppError::Io {
        what: "the control queue",
        source: std::io::ErrorKind::AlreadyExists.into(),
    })?;
    let mut signals = Signals {
        terminate,
        interrupt,
        watchdog: watchdog(),
    };
    let health = app.health();
    loop {
        let command = tokio::select! {
            () = signals.stop_asked(&health) => break,
            _ = hangup.recv() => None,
            Some(command) = commands.recv() => Some(command),
        };
        tokio::select! {
            () = signals.stop_asked(&health) => break,
            () = obey(&mut app, path, command) => {}
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

/// Does what a command says; without one, a signal asks for a reload.
async fn obey(app: &mut App, path: &Path, command: Option<Command>) {
    if let Some(command @ Command::Camera { .. }) = command {
        return app.perform(command, path).await;
    }
    match NotifyState::monotonic_usec_now() {
        Ok(now) => notify(&[NotifyState::Reloading, now]),
        Err(error) => tracing::debug!(%error, "no monotonic clock for sd_notify"),
    }
    match command {
        Some(command) => app.perform(command, path).await,
        None => {
            // What is wrong is logged, counted and audited where it is found.
            let _ = app.reload_from(path, "signal").await;
        }
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
