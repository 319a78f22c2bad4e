//! Watch mode's settings.

use std::time::Duration;

/// How much of a camera's stream is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchMode {
    /// Every picture.
    Always,
    /// While nothing moves only keyframes; every picture from the moment something does.
    Watch,
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

/// When a camera sleeps and what wakes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatchConfig {
    /// Whether it sleeps at all.
    pub mode: WatchMode,
    /// How little wakes it.
    pub sensitivity: Sensitivity,
    /// Asleep, the detector looks at least this often.
    pub heartbeat: Duration,
    /// It sleeps when nothing moved and nobody was followed for this long.
    pub quiet: Duration,
    /// Coded pictures held while asleep, at most.
    pub ring_bytes: usize,
}

impl Default for WatchConfig {
    fn default() -> Self {
        Self {
            mode: WatchMode::Always,
            sensitivity: Sensitivity::Medium,
            heartbeat: Duration::from_secs(10),
            quiet: Duration::from_secs(10),
            ring_bytes: 4 << 20,
        }
    }
}
