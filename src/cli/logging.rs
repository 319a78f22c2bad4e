//! Where log lines go: standard error, for people or as JSON.

use anyhow::Context as _;
use tracing_subscriber::EnvFilter;

use crate::config::types::{LogConfig, LogFormat};

/// What a broken camera makes `retina` say comes with the packet's bytes over several lines; the
/// camera's own line tells the reason. A filter that names it outweighs this.
const ALWAYS: &str = "retina=error";

/// Starts logging; `PARAPET_LOG` overrides the configured filter.
///
/// # Errors
/// A filter that cannot be read, or logging that was started before.
pub fn start(config: &LogConfig) -> anyhow::Result<()> {
    let filter = std::env::var("PARAPET_LOG").unwrap_or_else(|_| config.filter.clone());
    let filter = EnvFilter::try_new(format!("{ALWAYS},{filter}"))
        .with_context(|| format!("`{filter}` is no log filter; try `info`"))?;
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let started = match config.format {
        LogFormat::Human => logs.with_target(false).try_init(),
        LogFormat::Json => logs.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("logging could not start: {error}"))
}

/// Logging for commands that speak to a person: warnings and worse.
///
/// # Errors
/// As [`start`].
pub fn quiet() -> anyhow::Result<()> {
    start(&LogConfig {
        format: LogFormat::Human,
        filter: "warn".to_owned(),
    })
}
