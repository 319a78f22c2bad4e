//! The governor's settings.

use std::time::Duration;

/// What the node may use, and how it behaves when that is not enough for all cameras.
#[derive(Clone, Debug, PartialEq)]
pub struct GovernorConfig {
    /// Whether it may look at cameras less than asked for; coverage is measured all the same.
    pub enabled: bool,
    /// Processor cores that the daemon may keep busy.
    pub budget_cores: f64,
    /// How often the load is looked at.
    pub every: Duration,
    /// The load must have been low for this long before cameras get something back.
    pub recover_after: Duration,
    /// A standing shortage is UPDATED at most this often.
    pub update_every: Duration,
}

impl GovernorConfig {
    /// The built-in settings for a machine of so many cores: a tenth stays free for the rest.
    #[must_use]
    pub fn of_cores(cores: usize) -> Self {
        Self {
            enabled: true,
            budget_cores: cores.max(1) as f64 * 0.9,
            every: Duration::from_secs(1),
            recover_after: Duration::from_secs(15),
            update_every: Duration::from_secs(30),
        }
    }
}
