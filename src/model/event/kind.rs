//! What happened: a number of the wire, and what this program knows of it.
//!
//! A newer program has kinds that this one does not know. They pass through as their numbers, from
//! the wire to a client's output and from a journal to the wire, and nothing is lost on the way.
//!
//! One row of [`kinds`] is all there is to say of a kind: its number and comment in
//! `proto/parapet/v1/event.proto`, its name, its ONVIF topic (ONVIF Analytics Service Specification,
//! appendix A) and the `AlarmMethod` and `AlarmType` of GB/T 28181.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// What happened. Zero, which is "unspecified" on the wire, is no kind.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventKind(i32);

struct Facts {
    name: &'static str,
    onvif_topic: Option<&'static str>,
    gbt28181: (u8, u8),
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $number:literal, $name:literal, $topic:expr, $code:expr;)+) => {
        impl EventKind {
            $($(#[$doc])* pub const $kind: Self = Self($number);)+

            /// Every kind that this program knows, in the order of the wire's numbers.
            pub const ALL: [Self; [$($number),+].len()] = [$(Self::$kind),+];

            const fn facts(self) -> Option<&'static Facts> {
                match self.0 {
                    $($number => Some(&Facts {
                        name: $name,
                        onvif_topic: $topic,
                        gbt28181: $code,
                    }),)+
                    _ => None,
                }
            }
        }
    };
}

kinds! {
    /// Somebody crossed a line in a watched direction.
    LINE_CROSSED = 1, "line_crossed", Some("RuleEngine/LineDetector/Crossed"), (5, 5);
    /// Somebody is in a zone where nobody may be.
    ZONE_INTRUSION = 2, "zone_intrusion", Some("RuleEngine/FieldDetector/ObjectsInside"), (5, 6);
    /// Somebody stays in a zone for too long.
    LOITERING = 3, "loitering", Some("RuleEngine/LoiteringDetector/ObjectIsLoitering"), (5, 8);
    /// Too many people in a zone.
    CROWDING = 4, "crowding", Some("RuleEngine/CountAggregation/OccupancyCounter"), (5, 10);
    /// Somebody runs.
    RUNNING = 5, "running", None, (5, 12);
    /// A camera's stream is gone.
    SIGNAL_LOST = 6, "signal_lost", Some("VideoSource/SignalLoss"), (2, 1);
    /// The node's own word: the journal's disk or quota is full, or about to drop records.
    STORAGE_LOW = 50, "storage_low", None, (2, 3);
    /// The node's own word: the journal's disk fails or its file is damaged.
    STORAGE_FAULT = 51, "storage_fault", Some("Device/HardwareFailure/StorageFailure"), (6, 1);
    /// The node's own word: cameras are looked at less than asked for, because there is not
    /// enough for all. Its GB/T 28181 code is "other", which has no types.
    COVERAGE_REDUCED = 52, "coverage_reduced", Some("Monitoring/ProcessorUsage"), (7, 0);
}

/// The kinds that every program knows which can read a journal at all: stored by name alone.
const STORED_BY_NAME: [EventKind; 9] = [
    EventKind::LINE_CROSSED,
    EventKind::ZONE_INTRUSION,
    EventKind::LOITERING,
    EventKind::CROWDING,
    EventKind::RUNNING,
    EventKind::SIGNAL_LOST,
    EventKind::STORAGE_LOW,
    EventKind::STORAGE_FAULT,
    EventKind::COVERAGE_REDUCED,
];

impl EventKind {
    /// The kind of a number of the wire, known here or not; none for zero.
    #[must_use]
    pub const fn from_number(number: i32) -> Option<Self> {
        if number == 0 {
            None
        } else {
            Some(Self(number))
        }
    }

    /// Its number on the wire.
    #[must_use]
    pub const fn number(self) -> i32 {
        self.0
    }

    /// The name used in configuration, filters, logs and the journal; the number in digits where
    /// this program does not know the kind.
    #[must_use]
    pub fn name(self) -> Cow<'static, str> {
        match self.facts() {
            Some(facts) => Cow::Borrowed(facts.name),
            None => Cow::Owned(self.0.to_string()),
        }
    }

    /// Whether every program knows it which can read a journal at all.
    #[must_use]
    pub fn is_stored_by_name(self) -> bool {
        STORED_BY_NAME.contains(&self)
    }

    /// What a journal finds records of the kind by. It is the same in every program, whether that
    /// knows the kind or not: the name of a kind that all know, the number in digits of another.
    #[must_use]
    pub fn stored_name(self) -> Cow<'static, str> {
        if self.is_stored_by_name() {
            self.name()
        } else {
            Cow::Owned(self.0.to_string())
        }
    }

    /// The ONVIF topic, where there is one.
    #[must_use]
    pub fn onvif_topic(self) -> Option<&'static str> {
        self.facts().and_then(|facts| facts.onvif_topic)
    }

    /// GB/T 28181 `AlarmMethod` and `AlarmType`; none for a kind that this program does not know.
    #[must_use]
    pub fn gbt28181(self) -> Option<(u8, u8)> {
        self.facts().map(|facts| facts.gbt28181)
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name())
    }
}

impl fmt::Debug for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// A text that is neither a known kind's name nor a kind's number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no kind of event")]
pub struct UnknownKind(String);

impl FromStr for EventKind {
    type Err = UnknownKind;

    /// Reads what [`EventKind::name`] says, and any kind's number.
    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        let named = Self::ALL
            .into_iter()
            .find(|kind| kind.facts().is_some_and(|facts| facts.name == text));
        named
            .or_else(|| text.parse().ok().and_then(Self::from_number))
            .ok_or_else(|| UnknownKind(text.to_owned()))
    }
}

/// A kind as the fields of an event in JSON, in the journal and in output: `kind` is the name, or
/// the number in digits where none is known. `kind_number` stands beside it, so that a program
/// without that name can tell the kind all the same; the nine kinds of [`STORED_BY_NAME`] have none.
pub(super) mod fields {
    use std::borrow::Cow;

    use serde::de::Error as _;
    use serde::ser::SerializeMap as _;
    use serde::{Deserialize, Deserializer, Serializer};

    use super::EventKind;

    pub(in super::super) fn serialize<S: Serializer>(
        kind: &EventKind,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_map(None)?;
        fields.serialize_entry("kind", &kind.name())?;
        if !kind.is_stored_by_name() {
            fields.serialize_entry("kind_number", &kind.number())?;
        }
        fields.end()
    }

    #[derive(Deserialize)]
    struct Fields<'a> {
        #[serde(borrow)]
        kind: Cow<'a, str>,
        kind_number: Option<i32>,
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<EventKind, D::Error> {
        let Fields { kind, kind_number } = Fields::deserialize(deserializer)?;
        match kind_number.and_then(EventKind::from_number) {
            Some(kind) => Ok(kind),
            None => kind.parse().map_err(D::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The contract, word for word: number, name, ONVIF topic, GB/T 28181 method and type.
    #[test]
    fn every_kind_has_its_number_name_topic_and_code() {
        let contract = [
            (1, "line_crossed", "RuleEngine/LineDetector/Crossed", (5, 5)),
            (
                2,
                "zone_intrusion",
                "RuleEngine/FieldDetector/ObjectsInside",
                (5, 6),
            ),
            (
                3,
                "loitering",
                "RuleEngine/LoiteringDetector/ObjectIsLoitering",
                (5, 8),
            ),
            (
                4,
                "crowding",
                "RuleEngine/CountAggregation/OccupancyCounter",
                (5, 10),
            ),
            (5, "running", "", (5, 12)),
            (6, "signal_lost", "VideoSource/SignalLoss", (2, 1)),
            (50, "storage_low", "", (2, 3)),
            (
                51,
                "storage_fault",
                "Device/HardwareFailure/StorageFailure",
                (6, 1),
            ),
            (52, "coverage_reduced", "Monitoring/ProcessorUsage", (7, 0)),
        ];
        let known = EventKind::ALL.map(|kind| {
            let topic = kind.onvif_topic().unwrap_or_default();
            (kind.number(), kind.name(), topic, kind.gbt28181())
        });
        let contract = contract
            .map(|(number, name, topic, code)| (number, Cow::Borrowed(name), topic, Some(code)));
        assert_eq!(known, contract);
        assert!(EventKind::ALL.is_sorted());
    }

    #[test]
    fn what_is_written_of_a_kind_is_read_again_known_or_not() {
        let unknown = [9_999, -3, i32::MAX].map(EventKind::from_number);
        for kind in EventKind::ALL
            .into_iter()
            .chain(unknown.into_iter().flatten())
        {
            assert_eq!(kind.name().parse(), Ok(kind));
            assert_eq!(kind.stored_name().parse(), Ok(kind));
        }
        assert_eq!(EventKind::from_number(0), None);
        for wrong in ["", "0", "brawl", "4294967297", "Crowding"] {
            assert_eq!(
                wrong.parse::<EventKind>(),
                Err(UnknownKind(wrong.to_owned()))
            );
        }
    }
}
