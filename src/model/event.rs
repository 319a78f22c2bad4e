//! What the platform is told.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::detection::ModelRef;
use super::geometry::{Point, Rect};
use super::ids::{
    CameraId, EventId, IncidentId, NodeName, RuleName, Sequence, SiteName, TrackId, ZoneName,
};
use super::time::{CaptureTime, UtcMicros};

mod kind;
#[cfg(test)]
mod tests;

pub use kind::{EventKind, UnknownKind};

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
    #[serde(flatten, with = "kind::fields")]
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
