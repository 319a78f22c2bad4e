//! A camera's coverage. Durations travel as whole milliseconds.

use std::time::Duration;

use super::error::{ConvertError, wrong};
use crate::model::coverage::{Coverage, CoverageLevel};
use crate::proto::v1;

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

pub(super) fn to_wire(coverage: &Coverage) -> v1::Coverage {
    let level = match coverage.level {
        CoverageLevel::Full => v1::CoverageLevel::Full,
        CoverageLevel::HalfRate => v1::CoverageLevel::HalfRate,
        CoverageLevel::QuarterRate => v1::CoverageLevel::QuarterRate,
        CoverageLevel::Keyframes => v1::CoverageLevel::Keyframes,
        CoverageLevel::Heartbeat => v1::CoverageLevel::Heartbeat,
    };
    v1::Coverage {
        level: level.into(),
        largest_gap_millis: millis(coverage.largest_gap),
        promised_gap_millis: millis(coverage.promised_gap),
        kept: coverage.kept,
    }
}

pub(super) fn from_wire(wire: &v1::Coverage) -> Result<Coverage, ConvertError> {
    let level = match v1::CoverageLevel::try_from(wire.level) {
        Ok(v1::CoverageLevel::Full) => CoverageLevel::Full,
        Ok(v1::CoverageLevel::HalfRate) => CoverageLevel::HalfRate,
        Ok(v1::CoverageLevel::QuarterRate) => CoverageLevel::QuarterRate,
        Ok(v1::CoverageLevel::Keyframes) => CoverageLevel::Keyframes,
        Ok(v1::CoverageLevel::Heartbeat) => CoverageLevel::Heartbeat,
        Ok(v1::CoverageLevel::Unspecified) | Err(_) => {
            let number = wire.level;
            return Err(wrong(
                "coverage.level",
                format!("{number} is unspecified or unknown"),
            ));
        }
    };
    Ok(Coverage {
        level,
        largest_gap: Duration::from_millis(wire.largest_gap_millis),
        promised_gap: Duration::from_millis(wire.promised_gap_millis),
        kept: wire.kept,
    })
}
