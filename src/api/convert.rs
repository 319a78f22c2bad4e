//! Domain ↔ wire. Everything of an event survives both ways.

mod coverage;
mod enums;
mod error;

pub use error::ConvertError;

use uuid::Uuid;

use crate::journal::Filter;
use crate::model::camera::CameraStatus;
use crate::model::detection::ModelRef;
use crate::model::entry::Gap;
use crate::model::event::{Event, EventDetail, EventObject, Record};
use crate::model::geometry::{Point, Rect};
use crate::model::ids::{
    CameraId, EventId, IncidentId, NameError, NodeName, RuleName, Sequence, SiteName, TrackId,
    ZoneName,
};
use crate::model::time::{CaptureTime, UtcMicros};
use crate::proto::v1;
use error::wrong;

/// A stored event for the wire.
#[must_use]
pub fn to_wire(record: &Record) -> v1::Event {
    v1::Event {
        sequence: record.sequence.0,
        committed_utc_micros: record.committed.0,
        previous_hash: record.previous_hash.to_vec(),
        hash: record.hash.to_vec(),
        ..event_to_wire(&record.event)
    }
}

/// A provisional event for the wire: no sequence, no time of commit, no hashes.
#[must_use]
pub fn event_to_wire(event: &Event) -> v1::Event {
    v1::Event {
        id: event.id.0.to_string(),
        sequence: 0,
        incident: event.incident.0.to_string(),
        phase: enums::phase_to_wire(event.phase).into(),
        kind: event.kind.number(),
        severity: enums::severity_to_wire(event.severity).into(),
        site: event.site.to_string(),
        node: event.node.to_string(),
        camera: event.camera.to_string(),
        rule: event
            .rule
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        zone: event
            .zone
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        occurred: Some(v1::CaptureTime {
            utc_micros: event.occurred.utc.0,
            clock_source: enums::clock_to_wire(event.occurred.source).into(),
            offset_micros: event.occurred.offset_micros,
        }),
        observed_utc_micros: event.observed.0,
        committed_utc_micros: 0,
        objects: event.objects.iter().map(object_to_wire).collect(),
        detail: Some(v1::EventDetail {
            direction: enums::direction_to_wire(event.detail.direction).into(),
            count: event.detail.count,
            dwell_millis: event.detail.dwell_millis,
            body_heights_per_second: event.detail.body_heights_per_second,
            reason: event.detail.reason.clone(),
        }),
        model: event.model.as_ref().map(|model| v1::ModelRef {
            name: model.name.to_string(),
            version: model.version.to_string(),
        }),
        previous_hash: Vec::new(),
        hash: Vec::new(),
        onvif_topic: event.kind.onvif_topic().unwrap_or_default().to_owned(),
        gbt28181: event
            .kind
            .gbt28181()
            .map(|(method, kind)| v1::Gbt28181Alarm {
                method: method.into(),
                r#type: kind.into(),
            }),
    }
}

/// An event from the wire. The ONVIF topic and the GB/T 28181 numbers follow from the kind and
/// are not read.
///
/// # Errors
/// [`ConvertError`] names the first field that is missing or wrong.
pub fn from_wire(mut wire: v1::Event) -> Result<Record, ConvertError> {
    let (previous_hash, own_hash) = (
        std::mem::take(&mut wire.previous_hash),
        std::mem::take(&mut wire.hash),
    );
    let (sequence, committed) = (wire.sequence, wire.committed_utc_micros);
    let event = event_from_wire(wire)?;
    Ok(Record {
        sequence: Sequence(sequence),
        committed: UtcMicros(committed),
        previous_hash: hash("previous_hash", previous_hash)?,
        hash: hash("hash", own_hash)?,
        event,
    })
}

/// A provisional event from the wire.
///
/// # Errors
/// [`ConvertError`] names the first field that is missing or wrong.
pub fn event_from_wire(wire: v1::Event) -> Result<Event, ConvertError> {
    let occurred = wire.occurred.ok_or_else(|| wrong("occurred", "missing"))?;
    let detail = wire.detail.unwrap_or_default();
    Ok(Event {
        id: EventId(uuid("id", &wire.id)?),
        incident: IncidentId(uuid("incident", &wire.incident)?),
        phase: enums::phase_from_wire(wire.phase)?,
        kind: enums::kind_from_wire("kind", wire.kind)?,
        severity: enums::severity_from_wire("severity", wire.severity)?,
        site: name("site", &wire.site, SiteName::new)?,
        node: name("node", &wire.node, NodeName::new)?,
        camera: name("camera", &wire.camera, CameraId::new)?,
        rule: optional_name("rule", &wire.rule, RuleName::new)?,
        zone: optional_name("zone", &wire.zone, ZoneName::new)?,
        occurred: CaptureTime {
            utc: UtcMicros(occurred.utc_micros),
            source: enums::clock_from_wire(occurred.clock_source)?,
            offset_micros: occurred.offset_micros,
        },
        observed: UtcMicros(wire.observed_utc_micros),
        objects: wire
            .objects
            .into_iter()
            .map(object_from_wire)
            .collect::<Result<_, _>>()?,
        detail: EventDetail {
            direction: enums::direction_from_wire(detail.direction)?,
            count: detail.count,
            dwell_millis: detail.dwell_millis,
            body_heights_per_second: detail.body_heights_per_second,
            reason: detail.reason,
        },
        model: wire.model.map(|model| ModelRef {
            name: model.name.into(),
            version: model.version.into(),
        }),
    })
}

/// A gap for the wire.
#[must_use]
pub fn gap_to_wire(gap: &Gap) -> v1::Gap {
    let known = |hash: &[u8; 32]| match *hash {
        unknown if unknown == [0; 32] => Vec::new(),
        hash => hash.to_vec(),
    };
    v1::Gap {
        first_sequence: gap.first.0,
        last_sequence: gap.last.0,
        count: gap.count,
        reason: enums::gap_reason_to_wire(gap.reason).into(),
        note: gap.note.clone(),
        committed_utc_micros: gap.committed.0,
        previous_hash: known(&gap.previous_hash),
        hash: known(&gap.hash),
    }
}

/// A gap from the wire.
///
/// # Errors
/// [`ConvertError`] names the wrong field.
pub fn gap_from_wire(wire: v1::Gap) -> Result<Gap, ConvertError> {
    let known = |field, bytes: Vec<u8>| match bytes.len() {
        0 => Ok([0; 32]),
        _ => hash(field, bytes),
    };
    Ok(Gap {
        first: Sequence(wire.first_sequence),
        last: Sequence(wire.last_sequence),
        count: wire.count,
        reason: enums::gap_reason_from_wire(wire.reason)?,
        note: wire.note,
        committed: UtcMicros(wire.committed_utc_micros),
        previous_hash: known("gap.previous_hash", wire.previous_hash)?,
        hash: known("gap.hash", wire.hash)?,
    })
}

/// A filter from the wire; times and position are the request's own.
///
/// # Errors
/// [`ConvertError`] names the wrong field.
pub fn filter_from_wire(wire: v1::EventFilter) -> Result<Filter, ConvertError> {
    let cameras = wire
        .cameras
        .iter()
        .map(|id| name("cameras", id, CameraId::new));
    let kinds = wire
        .kinds
        .into_iter()
        .map(|kind| enums::kind_from_wire("kinds", kind));
    let min_severity = match wire.min_severity {
        0 => None,
        number => Some(enums::severity_from_wire("min_severity", number)?),
    };
    Ok(Filter {
        cameras: cameras.collect::<Result<_, _>>()?,
        kinds: kinds.collect::<Result<_, _>>()?,
        min_severity,
        ..Filter::default()
    })
}

/// The wire's part of a filter: cameras, kinds, severity.
#[must_use]
pub fn filter_to_wire(filter: &Filter) -> v1::EventFilter {
    v1::EventFilter {
        cameras: filter.cameras.iter().map(ToString::to_string).collect(),
        kinds: filter.kinds.iter().map(|kind| kind.number()).collect(),
        min_severity: filter
            .min_severity
            .map_or(0, |least| enums::severity_to_wire(least).into()),
    }
}

/// A camera's status for the wire.
#[must_use]
pub fn camera_to_wire(status: &CameraStatus) -> v1::Camera {
    v1::Camera {
        id: status.camera.to_string(),
        state: enums::camera_state_to_wire(status.state).into(),
        since_utc_micros: status.since.0,
        reason: status.reason.clone(),
        failures: status.failures,
        width: status.size.map_or(0, |size| size.width),
        height: status.size.map_or(0, |size| size.height),
        decoder: status.decoder.clone().unwrap_or_default(),
        source: status.source.clone(),
        frames_decoded: status.decoded,
        frames_analysed: status.analysed,
        frames_superseded: status.superseded,
        asleep: status.asleep,
        woke_by: status
            .woke_by
            .map_or(0, |reason| enums::wake_reason_to_wire(reason).into()),
        wakes: status.wakes,
        coverage: status.coverage.as_ref().map(coverage::to_wire),
    }
}

/// A camera's status from the wire.
///
/// # Errors
/// [`ConvertError`] names the wrong field.
pub fn camera_from_wire(wire: v1::Camera) -> Result<CameraStatus, ConvertError> {
    let known = wire.width > 0 && wire.height > 0;
    let size = crate::model::geometry::Size {
        width: wire.width,
        height: wire.height,
    };
    Ok(CameraStatus {
        camera: name("id", &wire.id, CameraId::new)?,
        state: enums::camera_state_from_wire(wire.state)?,
        since: UtcMicros(wire.since_utc_micros),
        reason: wire.reason,
        failures: wire.failures,
        size: known.then_some(size),
        decoder: Some(wire.decoder).filter(|decoder| !decoder.is_empty()),
        source: wire.source,
        decoded: wire.frames_decoded,
        analysed: wire.frames_analysed,
        superseded: wire.frames_superseded,
        asleep: wire.asleep,
        woke_by: enums::wake_reason_from_wire(wire.woke_by),
        wakes: wire.wakes,
        coverage: wire
            .coverage
            .as_ref()
            .map(coverage::from_wire)
            .transpose()?,
    })
}

fn object_to_wire(object: &EventObject) -> v1::EventObject {
    let place = object.box_in_frame;
    v1::EventObject {
        track: object.track.0,
        class: object.class.to_string(),
        score: object.score,
        box_in_frame: Some(v1::Box {
            left: place.left,
            top: place.top,
            width: place.width,
            height: place.height,
        }),
        ground_metres: object.ground_metres.map(|point| v1::Point {
            x: point.x,
            y: point.y,
        }),
        speed_metres_per_second: object.speed_mps,
    }
}

fn object_from_wire(wire: v1::EventObject) -> Result<EventObject, ConvertError> {
    let place = wire
        .box_in_frame
        .ok_or_else(|| wrong("objects.box_in_frame", "missing"))?;
    Ok(EventObject {
        track: TrackId(wire.track),
        class: wire.class.into(),
        score: wire.score,
        box_in_frame: Rect {
            left: place.left,
            top: place.top,
            width: place.width,
            height: place.height,
        },
        ground_metres: wire.ground_metres.map(|point| Point {
            x: point.x,
            y: point.y,
        }),
        speed_mps: wire.speed_metres_per_second,
    })
}

fn uuid(field: &'static str, text: &str) -> Result<Uuid, ConvertError> {
    Uuid::try_parse(text).map_err(|error| wrong(field, error))
}

fn hash(field: &'static str, bytes: Vec<u8>) -> Result<[u8; 32], ConvertError> {
    bytes
        .try_into()
        .map_err(|bytes: Vec<u8>| wrong(field, format!("{} bytes instead of 32", bytes.len())))
}

fn name<T>(
    field: &'static str,
    text: &str,
    make: fn(&str) -> Result<T, NameError>,
) -> Result<T, ConvertError> {
    make(text).map_err(|error| wrong(field, error))
}

fn optional_name<T>(
    field: &'static str,
    text: &str,
    make: fn(&str) -> Result<T, NameError>,
) -> Result<Option<T>, ConvertError> {
    if text.is_empty() {
        Ok(None)
    } else {
        name(field, text, make).map(Some)
    }
}

#[cfg(test)]
mod tests;
