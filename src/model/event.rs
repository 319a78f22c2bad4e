//! What the platform is told.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::detection::ModelRef;
use super::geometry::{Point, Rect};
use super::ids::{
    CameraId, EventId, IncidentId, NodeName, RuleName, Sequence, SiteName, TrackId, ZoneName,
};
use super::time::{CaptureTime, UtcMicros};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// Somebody crossed a line in a watched direction.
    LineCrossed,
    /// Somebody is in a zone where nobody may be.
    ZoneIntrusion,
    /// Somebody stays in a zone for too long.
    Loitering,
    /// Too many people in a zone.
    Crowding,
    /// Somebody runs.
    Running,
    /// A camera's stream is gone.
    SignalLost,
    /// The node's own word: the journal's disk or quota is full, or about to drop records.
    StorageLow,
    /// The node's own word: the journal's disk fails or its file is damaged.
    StorageFault,
    /// The node's own word: cameras are looked at less than asked for, because there is not
    /// enough for all.
    CoverageReduced,
}

impl EventKind {
    /// Every kind, in the order of the wire's numbers.
    pub const ALL: [Self; 9] = [
        Self::LineCrossed,
        Self::ZoneIntrusion,
        Self::Loitering,
        Self::Crowding,
        Self::Running,
        Self::SignalLost,
        Self::StorageLow,
        Self::StorageFault,
        Self::CoverageReduced,
    ];

    /// The name used in configuration, filters, logs and the journal.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LineCrossed => "line_crossed",
            Self::ZoneIntrusion => "zone_intrusion",
            Self::Loitering => "loitering",
            Self::Crowding => "crowding",
            Self::Running => "running",
            Self::SignalLost => "signal_lost",
            Self::StorageLow => "storage_low",
            Self::StorageFault => "storage_fault",
            Self::CoverageReduced => "coverage_reduced",
        }
    }

    /// The ONVIF topic (ONVIF Analytics Service Specification, appendix A), where there is one.
    #[must_use]
    pub fn onvif_topic(self) -> Option<&'static str> {
        match self {
            Self::LineCrossed => Some("RuleEngine/LineDetector/Crossed"),
            Self::ZoneIntrusion => Some("RuleEngine/FieldDetector/ObjectsInside"),
            Self::Loitering => Some("RuleEngine/LoiteringDetector/ObjectIsLoitering"),
            Self::Crowding => Some("RuleEngine/CountAggregation/OccupancyCounter"),
            Self::Running | Self::StorageLow => None,
            Self::SignalLost => Some("VideoSource/SignalLoss"),
            Self::StorageFault => Some("Device/HardwareFailure/StorageFailure"),
            Self::CoverageReduced => Some("Monitoring/ProcessorUsage"),
        }
    }

    /// GB/T 28181 `AlarmMethod` and `AlarmType`.
    #[must_use]
    pub fn gbt28181(self) -> (u8, u8) {
        match self {
            Self::LineCrossed => (5, 5),
            Self::ZoneIntrusion => (5, 6),
            Self::Loitering => (5, 8),
            Self::Crowding => (5, 10),
            Self::Running => (5, 12),
            Self::SignalLost => (2, 1),
            Self::StorageLow => (2, 3),
            Self::StorageFault => (6, 1),
            // "Other", which has no types.
            Self::CoverageReduced => (7, 0),
        }
    }
}

/// Where in its incident an event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The first word of an incident.
    Started,
    /// It goes on, and something about it changed.
    Updated,
    /// It is over.
    Ended,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// For the record.
    Info,
    /// Look when you can.
    Warning,
    /// Look now.
    Alarm,
    /// Act now.
    Critical,
}

/// Which way a line was crossed, seen from its first point towards its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From the right-hand side to the left-hand side.
    RightToLeft,
    /// From the left-hand side to the right-hand side.
    LeftToRight,
}

/// An object that takes part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventObject {
    /// Its track in the camera's session.
    pub track: TrackId,
    /// Its class.
    pub class: Arc<str>,
    /// The detection's score in 0..=1.
    pub score: f32,
    /// Where, normalised to the picture.
    pub box_in_frame: Rect,
    /// On the ground plane in metres, where the camera is calibrated.
    pub ground_metres: Option<Point>,
    /// Metres per second, where the camera is calibrated.
    pub speed_mps: Option<f32>,
}

/// What only some kinds have to say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EventDetail {
    /// Line crossings: which way.
    pub direction: Option<Direction>,
    /// Crowding: people counted. Storage: records dropped or lost. Coverage reduced: cameras
    /// below their full rate.
    pub count: Option<u32>,
    /// Zone intrusion and loitering: how long already, in milliseconds.
    pub dwell_millis: Option<u64>,
    /// Running without calibration: body heights per second.
    pub body_heights_per_second: Option<f32>,
    /// Signal lost, storage low, storage fault, coverage reduced: the reason, in words.
    pub reason: Option<String>,
}

/// One thing the platform is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its own id; delivery may repeat an event, the id tells.
    pub id: EventId,
    /// The happening it belongs to.
    pub incident: IncidentId,
    /// Its place in that happening.
    pub phase: Phase,
    /// What happened.
    pub kind: EventKind,
    /// How bad it is.
    pub severity: Severity,
    /// The facility.
    pub site: SiteName,
    /// The server.
    pub node: NodeName,
    /// The camera; the node's own name for what the node says of itself.
    pub camera: CameraId,
    /// The rule that said so; none for what the fleet itself says.
    pub rule: Option<RuleName>,
    /// The zone or line of that rule.
    pub zone: Option<ZoneName>,
    /// When it happened, by the picture's own time.
    pub occurred: CaptureTime,
    /// When this server knew.
    pub observed: UtcMicros,
    /// Who takes part.
    pub objects: Vec<EventObject>,
    /// What only some kinds have to say.
    pub detail: EventDetail,
    /// Which model looked.
    pub model: Option<ModelRef>,
}

/// An event as the journal holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Its place; no gaps but declared ones.
    pub sequence: Sequence,
    /// When it was durable.
    pub committed: UtcMicros,
    /// SHA-256 of the record before it; zeroes for the first.
    pub previous_hash: [u8; 32],
    /// SHA-256 of this record.
    pub hash: [u8; 32],
    /// What the platform is told.
    pub event: Event,
}
