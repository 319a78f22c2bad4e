//! The governor's settings.

use std::time::Duration;

use crate::config::section::section;

section! {
    /// What the node may use, and how it behaves when that is not enough for all cameras.
    #[derive(Clone, Debug, PartialEq)]
    pub struct GovernorConfig {
        /// Whether it may look at cameras less than asked for; coverage is measured all the same.
        enabled: bool = true, flag("enabled");
        /// Processor cores that the daemon may keep busy.
        budget_cores: f64 = 0.9, number("budget_cores", 0.1..=4_096.0);
        /// How often the load is looked at.
        every: Duration = Duration::from_secs(1), millis("every_millis", 100..=10_000);
        /// The load must have been low for this long before cameras get something back.
        recover_after: Duration = Duration::from_secs(15),
            seconds("recover_after_seconds", 1.0..=3_600.0);
        /// A standing shortage is UPDATED at most this often.
        update_every: Duration = Duration::from_secs(30),
            seconds("update_every_seconds", 1.0..=3_600.0);
    }
}

impl GovernorConfig {
    /// The built-in settings for a machine of so many cores: a tenth stays free for the rest.
    #[must_use]
    pub fn of_cores(cores: usize) -> Self {
        Self {
            budget_cores: cores.max(1) as f64 * 0.9,
            ..Self::default()
        }
    }
}
