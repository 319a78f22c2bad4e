//! What is written, what was, and what a look at the whole chain finds.

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Somebody wants it; what came of it follows.
    Asked,
    /// It was done.
    Done,
    /// It was allowed and did not work.
    Failed,
    /// It was not allowed.
    Refused,
}

impl Outcome {
    /// The column's word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Refused => "refused",
        }
    }
}

/// What is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Who.
    pub who: String,
    /// Did what.
    pub what: &'static str,
    /// To what.
    pub target: String,
    /// With which result.
    pub outcome: Outcome,
    /// In words.
    pub detail: String,
    /// How often.
    pub times: u64,
}

impl Entry {
    /// Something that happened once.
    #[must_use]
    pub fn once(who: impl Into<String>, what: &'static str, outcome: Outcome) -> Self {
        Self {
            who: who.into(),
            what,
            target: String::new(),
            outcome,
            detail: String::new(),
            times: 1,
        }
    }

    /// The same, done to something.
    #[must_use]
    pub fn to(mut self, target: impl Into<String>) -> Self {
        self.target = target.into();
        self
    }

    /// The same, with words.
    #[must_use]
    pub fn saying(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its place.
    pub sequence: u64,
    /// When; microseconds since 1970 UTC.
    pub at_utc_micros: i64,
    /// Who.
    pub who: String,
    /// Did what.
    pub what: String,
    /// To what.
    pub target: String,
    /// With which result.
    pub result: String,
    /// In words.
    pub detail: String,
    /// How often.
    pub times: u64,
    /// The hash of the entry before.
    pub previous_hash: [u8; 32],
    /// Its own.
    pub hash: [u8; 32],
}

/// What a look at the whole chain found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Entries looked at.
    pub entries: u64,
    /// The first and the last sequence; 0 where there is none.
    pub first: u64,
    /// See `first`.
    pub last: u64,
    /// The last hash.
    pub head: [u8; 32],
    /// What is wrong, each with its sequence; empty when all is well.
    pub problems: Vec<String>,
}
