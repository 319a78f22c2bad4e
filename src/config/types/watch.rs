//! Watch mode's settings.

use std::time::Duration;

use crate::config::section::section;

/// How much of a camera's stream is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchMode {
    /// Every picture.
    Always,
    /// While nothing moves only keyframes; every picture from the moment something does.
    Watch,
}

impl WatchMode {
    pub(crate) const NAMES: [(&str, Self); 2] = [("always", Self::Always), ("watch", Self::Watch)];
}

/// How little counts as activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sensitivity {
    /// For restless pictures: large or near figures.
    Low,
    /// The built-in one.
    Medium,
    /// For far figures before a calm background; wakes for almost anything.
    High,
}

impl Sensitivity {
    const NAMES: [(&str, Self); 3] = [
        ("low", Self::Low),
        ("medium", Self::Medium),
        ("high", Self::High),
    ];
}

section! {
    /// When a camera sleeps and what wakes it.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct WatchConfig {
        /// Whether it sleeps at all.
        mode: WatchMode = WatchMode::Always;
        /// How little wakes it.
        sensitivity: Sensitivity = Sensitivity::Medium, choice("sensitivity", &Sensitivity::NAMES);
        /// Asleep, the detector looks at least this often.
        heartbeat: Duration = Duration::from_secs(10), seconds("heartbeat_seconds", 0.5..=3_600.0);
        /// It sleeps when nothing moved and nobody was followed for this long.
        quiet: Duration = Duration::from_secs(10), seconds("quiet_seconds", 0.5..=3_600.0);
        /// Coded pictures held while asleep, at most.
        ring_bytes: usize = 4 << 20, kib("ring_kib", 64..=1_048_576);
    }
}
