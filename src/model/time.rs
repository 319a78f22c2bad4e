//! Wall-clock time as evidence: when, by whose clock, and how far that clock was off.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct UtcMicros(pub i64);

impl UtcMicros {
    /// Time from `earlier` to `self`, zero where `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The point `delay` after this one.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(delay.as_micros()).unwrap_or(i64::MAX)),
        )
    }

    /// The point `delay` before this one.
    #[must_use]
    pub fn before(self, delay: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(delay.as_micros()).unwrap_or(i64::MAX)),
        )
    }

    /// RFC 3339 with microseconds, in UTC.
    #[must_use]
    pub fn rfc3339(self) -> String {
        jiff::Timestamp::from_microsecond(self.0)
            .map_or_else(|_| format!("{}us", self.0), |time| format!("{time:.6}"))
    }
}

/// Whose clock gave a capture time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockSource {
    /// The camera's own, by RTCP sender reports (NTP time, RFC 3550 section 6.4.1).
    CameraNtp,
    /// This server's, when the frame arrived.
    Arrival,
    /// A file's presentation time on top of a declared start.
    File,
}

/// When a picture was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptureTime {
    /// By the named clock.
    pub utc: UtcMicros,
    /// Whose clock it is.
    pub source: ClockSource,
    /// Arrival time by this server's clock minus `utc`, in microseconds: transport delay plus
    /// the camera clock's error. Zero for `Arrival` and `File`.
    pub offset_micros: i64,
}

impl CaptureTime {
    /// By this server's own clock: of what no camera's clock tells.
    #[must_use]
    pub fn arrival(utc: UtcMicros) -> Self {
        Self {
            utc,
            source: ClockSource::Arrival,
            offset_micros: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_rfc_3339_utc() {
        assert_eq!(
            UtcMicros(1_500_000).rfc3339(),
            "1970-01-01T00:00:01.500000Z"
        );
        assert_eq!(UtcMicros(5).since(UtcMicros(9)), Duration::ZERO);
        assert_eq!(
            UtcMicros(5).after(Duration::from_millis(1)),
            UtcMicros(1_005)
        );
    }
}
