//! How a person holds themselves, as far as a detector may care.

use serde::Serialize;

/// Upright, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Posture {
    /// Stands, walks, runs, fights, throws.
    Upright,
    /// Sits or climbs.
    Bent,
    /// Crawls, rolls, lies, falls, gets up.
    Low,
}

impl Posture {
    /// From the word of a simulated clip's truth.
    #[must_use]
    pub fn of(word: &str) -> Self {
        match word {
            "crawl" | "roll" | "lie" | "fall" | "rise" => Self::Low,
            "sit" | "climb" => Self::Bent,
            _ => Self::Upright,
        }
    }

    /// As tables say it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Upright => "upright",
            Self::Bent => "bent",
            Self::Low => "low",
        }
    }
}
