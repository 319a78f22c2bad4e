//! The enums of the wire. Zero is "unspecified" there and nothing here.

use super::error::{ConvertError, wrong};
use crate::model::camera::{CameraState, WakeReason};
use crate::model::entry::GapReason;
use crate::model::event::{Direction, EventKind, Phase, Severity};
use crate::model::time::ClockSource;
use crate::proto::v1;

fn unknown(field: &'static str, number: i32) -> ConvertError {
    wrong(field, format!("{number} is unspecified or unknown"))
}

pub(super) fn phase_to_wire(value: Phase) -> v1::Phase {
    match value {
        Phase::Started => v1::Phase::Started,
        Phase::Updated => v1::Phase::Updated,
        Phase::Ended => v1::Phase::Ended,
    }
}

pub(super) fn phase_from_wire(number: i32) -> Result<Phase, ConvertError> {
    match v1::Phase::try_from(number) {
        Ok(v1::Phase::Started) => Ok(Phase::Started),
        Ok(v1::Phase::Updated) => Ok(Phase::Updated),
        Ok(v1::Phase::Ended) => Ok(Phase::Ended),
        Ok(v1::Phase::Unspecified) | Err(_) => Err(unknown("phase", number)),
    }
}

pub(super) fn clock_to_wire(value: ClockSource) -> v1::ClockSource {
    match value {
        ClockSource::CameraNtp => v1::ClockSource::CameraNtp,
        ClockSource::Arrival => v1::ClockSource::Arrival,
        ClockSource::File => v1::ClockSource::File,
    }
}

pub(super) fn clock_from_wire(number: i32) -> Result<ClockSource, ConvertError> {
    match v1::ClockSource::try_from(number) {
        Ok(v1::ClockSource::CameraNtp) => Ok(ClockSource::CameraNtp),
        Ok(v1::ClockSource::Arrival) => Ok(ClockSource::Arrival),
        Ok(v1::ClockSource::File) => Ok(ClockSource::File),
        Ok(v1::ClockSource::Unspecified) | Err(_) => Err(unknown("occurred.clock_source", number)),
    }
}

pub(super) fn camera_state_to_wire(value: CameraState) -> v1::CameraState {
    match value {
        CameraState::Stopped => v1::CameraState::Stopped,
        CameraState::Connecting => v1::CameraState::Connecting,
        CameraState::Streaming => v1::CameraState::Streaming,
        CameraState::Stalled => v1::CameraState::Stalled,
        CameraState::BackingOff => v1::CameraState::BackingOff,
    }
}

pub(super) fn camera_state_from_wire(number: i32) -> Result<CameraState, ConvertError> {
    match v1::CameraState::try_from(number) {
        Ok(v1::CameraState::Stopped) => Ok(CameraState::Stopped),
        Ok(v1::CameraState::Connecting) => Ok(CameraState::Connecting),
        Ok(v1::CameraState::Streaming) => Ok(CameraState::Streaming),
        Ok(v1::CameraState::Stalled) => Ok(CameraState::Stalled),
        Ok(v1::CameraState::BackingOff) => Ok(CameraState::BackingOff),
        Ok(v1::CameraState::Unspecified) | Err(_) => Err(unknown("state", number)),
    }
}

pub(super) fn wake_reason_to_wire(value: WakeReason) -> v1::WakeReason {
    match value {
        WakeReason::Start => v1::WakeReason::Start,
        WakeReason::Stream => v1::WakeReason::Stream,
        WakeReason::Picture => v1::WakeReason::Picture,
        WakeReason::Detector => v1::WakeReason::Detector,
        WakeReason::Discontinuity => v1::WakeReason::Discontinuity,
        WakeReason::LoadRecovered => v1::WakeReason::LoadRecovered,
    }
}

/// None for what is not said, and for reasons that a newer server has.
pub(super) fn wake_reason_from_wire(number: i32) -> Option<WakeReason> {
    match v1::WakeReason::try_from(number) {
        Ok(v1::WakeReason::Start) => Some(WakeReason::Start),
        Ok(v1::WakeReason::Stream) => Some(WakeReason::Stream),
        Ok(v1::WakeReason::Picture) => Some(WakeReason::Picture),
        Ok(v1::WakeReason::Detector) => Some(WakeReason::Detector),
        Ok(v1::WakeReason::Discontinuity) => Some(WakeReason::Discontinuity),
        Ok(v1::WakeReason::LoadRecovered) => Some(WakeReason::LoadRecovered),
        Ok(v1::WakeReason::Unspecified) | Err(_) => None,
    }
}

/// A number that this program has no name for is a newer server's or client's kind, and one all
/// the same.
pub(super) fn kind_from_wire(field: &'static str, number: i32) -> Result<EventKind, ConvertError> {
    EventKind::from_number(number).ok_or_else(|| wrong(field, "0 is unspecified"))
}

pub(super) fn gap_reason_to_wire(value: GapReason) -> v1::GapReason {
    match value {
        GapReason::Quota => v1::GapReason::Quota,
        GapReason::MemoryFull => v1::GapReason::MemoryFull,
        GapReason::Damaged => v1::GapReason::Damaged,
        GapReason::Missing => v1::GapReason::Missing,
    }
}

pub(super) fn gap_reason_from_wire(number: i32) -> Result<GapReason, ConvertError> {
    match v1::GapReason::try_from(number) {
        Ok(v1::GapReason::Quota) => Ok(GapReason::Quota),
        Ok(v1::GapReason::MemoryFull) => Ok(GapReason::MemoryFull),
        Ok(v1::GapReason::Damaged) => Ok(GapReason::Damaged),
        // An older server gives no reason.
        Ok(v1::GapReason::Missing | v1::GapReason::Unspecified) => Ok(GapReason::Missing),
        Err(_) => Err(unknown("gap.reason", number)),
    }
}

pub(super) fn severity_to_wire(value: Severity) -> v1::Severity {
    match value {
        Severity::Info => v1::Severity::Info,
        Severity::Warning => v1::Severity::Warning,
        Severity::Alarm => v1::Severity::Alarm,
        Severity::Critical => v1::Severity::Critical,
    }
}

pub(super) fn severity_from_wire(
    field: &'static str,
    number: i32,
) -> Result<Severity, ConvertError> {
    match v1::Severity::try_from(number) {
        Ok(v1::Severity::Info) => Ok(Severity::Info),
        Ok(v1::Severity::Warning) => Ok(Severity::Warning),
        Ok(v1::Severity::Alarm) => Ok(Severity::Alarm),
        Ok(v1::Severity::Critical) => Ok(Severity::Critical),
        Ok(v1::Severity::Unspecified) | Err(_) => Err(unknown(field, number)),
    }
}

pub(super) fn direction_to_wire(value: Option<Direction>) -> v1::Direction {
    match value {
        None => v1::Direction::Unspecified,
        Some(Direction::RightToLeft) => v1::Direction::RightToLeft,
        Some(Direction::LeftToRight) => v1::Direction::LeftToRight,
    }
}

pub(super) fn direction_from_wire(number: i32) -> Result<Option<Direction>, ConvertError> {
    match v1::Direction::try_from(number) {
        Ok(v1::Direction::Unspecified) => Ok(None),
        Ok(v1::Direction::RightToLeft) => Ok(Some(Direction::RightToLeft)),
        Ok(v1::Direction::LeftToRight) => Ok(Some(Direction::LeftToRight)),
        Err(_) => Err(unknown("detail.direction", number)),
    }
}
