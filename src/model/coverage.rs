//! How much of a camera is looked at: what was asked for, what it gets, and what came of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How much of a camera is looked at while there is not enough for all; worse ones are larger.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum CoverageLevel {
    /// As configured.
    #[default]
    Full,
    /// Half of the analysis rate.
    HalfRate,
    /// A quarter of the analysis rate.
    QuarterRate,
    /// Only keyframes are decoded and analysed. In watch mode movement still wakes the camera, but
    /// only so many at a time.
    Keyframes,
    /// Only one keyframe in each heartbeat is decoded and analysed; in watch mode otherwise as
    /// `Keyframes`.
    Heartbeat,
}

impl CoverageLevel {
    /// All of them, best first.
    pub const ALL: [Self; 5] = [
        Self::Full,
        Self::HalfRate,
        Self::QuarterRate,
        Self::Keyframes,
        Self::Heartbeat,
    ];

    /// The name used in the API, events and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::HalfRate => "half_rate",
            Self::QuarterRate => "quarter_rate",
            Self::Keyframes => "keyframes",
            Self::Heartbeat => "heartbeat",
        }
    }

    /// Whether pictures between keyframes are not decoded, but for those that are admitted.
    #[must_use]
    pub fn is_sparse(self) -> bool {
        self >= Self::Keyframes
    }

    /// Its place in [`Self::ALL`].
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }
}

/// What a camera promises and what it did, over the last minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// How much of it is looked at now.
    pub level: CoverageLevel,
    /// The longest time without an analysed frame, the one that still lasts included.
    pub largest_gap: Duration,
    /// The longest time without one that its level and mode allow now.
    pub promised_gap: Duration,
    /// Whether each gap was within the promise in force while it lasted.
    pub kept: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_stand_in_their_order() {
        for (index, level) in CoverageLevel::ALL.into_iter().enumerate() {
            assert_eq!(level.index(), index);
        }
        assert!(CoverageLevel::ALL.is_sorted());
        assert!(!CoverageLevel::QuarterRate.is_sparse() && CoverageLevel::Keyframes.is_sparse());
    }
}
