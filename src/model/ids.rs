//! Names and numbers that tell things apart.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Why a text is no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no name: use 1 to 64 letters, digits, `-`, `_` or `.`")]
pub struct NameError {
    text: String,
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $type(Arc<str>);

        impl $type {
            /// Checks the text: 1 to 64 of letters, digits, `-`, `_`, `.`.
            ///
            /// # Errors
            /// [`NameError`] for anything else.
            pub fn new(text: &str) -> Result<Self, NameError> {
                let fits = (1..=64).contains(&text.chars().count())
                    && text.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c));
                if fits { Ok(Self(text.into())) } else { Err(NameError { text: text.to_owned() }) }
            }

            /// The name's text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $type {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                Self::new(&text)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// The facility.
    SiteName
);
name!(
    /// One server with one journal.
    NodeName
);
name!(
    /// A camera, unique on its node.
    CameraId
);
name!(
    /// A rule, unique on its camera.
    RuleName
);
name!(
    /// A zone or a line of a camera's picture.
    ZoneName
);
name!(
    /// A model as the configuration calls it.
    ModelName
);
name!(
    /// A durable subscriber of the journal.
    ConsumerName
);

impl CameraId {
    /// What stands in the place of the camera when a node speaks of itself: its name.
    #[must_use]
    pub fn of_node(node: &NodeName) -> Self {
        Self(Arc::clone(&node.0))
    }

    /// Its place among cameras of which none is to come first: the same at all times and on all
    /// nodes, and no order of names that an operator has given a meaning (FNV-1a, 64 bit).
    #[must_use]
    pub fn rank(&self) -> u64 {
        self.as_str()
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            })
    }
}

/// An event's own id: UUIDv7, so that ids sort by time (RFC 9562).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(pub Uuid);

/// One incident: the STARTED, UPDATED and ENDED events of one happening share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IncidentId(pub Uuid);

/// A track of one camera's session; it means nothing outside it and lives no longer.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct TrackId(pub u64);

/// A record's place in its node's journal; the first is 1.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Sequence(pub u64);

/// Makes event and incident ids: random in production, repeatable in replay.
#[derive(Debug, Clone)]
pub struct IdSource {
    random: fastrand::Rng,
}

impl IdSource {
    /// Ids nobody can foresee.
    #[must_use]
    pub fn random() -> Self {
        Self {
            random: fastrand::Rng::new(),
        }
    }

    /// The same ids for the same seed and times.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self {
            random: fastrand::Rng::with_seed(seed),
        }
    }

    /// A seed for another source of ids.
    pub fn next_seed(&mut self) -> u64 {
        self.random.u64(..)
    }

    /// A UUIDv7 of the given time.
    pub fn uuid_v7(&mut self, utc_micros: i64) -> Uuid {
        let mut random = [0_u8; 10];
        self.random.fill(&mut random);
        let millis = u64::try_from(utc_micros / 1_000).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_and_chinese_is_welcome() {
        assert_eq!(
            CameraId::new("监区-3.北").expect("name").as_str(),
            "监区-3.北"
        );
        for bad in ["", "a b", "a/b", "a\"b", &"x".repeat(65)] {
            assert!(CameraId::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn seeded_ids_repeat_and_sort_by_time() {
        let (mut one, mut two) = (IdSource::seeded(3), IdSource::seeded(3));
        let first = one.uuid_v7(1_000_000);
        assert_eq!(first, two.uuid_v7(1_000_000));
        assert_eq!(first.get_version_num(), 7);
        assert!(one.uuid_v7(2_000_000) > first);
    }
}
