//! From what was seen of cameras and heard of events to one row of the fault table. Pure.

use std::collections::BTreeMap;

use serde::Serialize;

use parapet::model::camera::CameraState;
use parapet::model::event::{EventKind, Phase, Record};
use parapet::model::ids::IncidentId;
use parapet::model::time::ClockSource;
use parapet_sim::server::Fault;

/// Loss must be noticed within this.
pub(super) const NOTICED_SECONDS: f64 = 5.0;
/// A camera must be back within this after it could be.
pub(super) const BACK_SECONDS: f64 = 10.0;
/// A storm of all cameras must be over within this after they could be back.
pub(super) const STORM_SECONDS: f64 = 60.0;
/// The other cameras may lose this share of their frames.
pub(super) const OTHERS_LOST: f64 = 0.01;

/// One look at one camera.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    /// Microseconds since 1970.
    pub(super) at_micros: i64,
    pub(super) state: CameraState,
    pub(super) decoded: u64,
}

/// When a fault was in force, in microseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) from_micros: i64,
    pub(super) to_micros: i64,
    /// When the looking ended.
    pub(super) end_micros: i64,
}

/// What one camera under a fault showed.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Shown {
    /// From the fault to the word that the signal is lost.
    pub(super) noticed_seconds: Option<f64>,
    /// How often that word was given.
    pub(super) raised: usize,
    /// From the end of the fault to streaming with a new picture.
    pub(super) back_seconds: Option<f64>,
    /// From the end of the fault to the word that the signal is back.
    pub(super) told_back_seconds: Option<f64>,
    /// The longest time without a picture.
    pub(super) dark_seconds: f64,
    /// Rule events with the camera's own clock while the fault was in force, and how far the clocks
    /// were apart at most, in seconds.
    pub(super) camera_clock_events: usize,
    /// See `camera_clock_events`.
    pub(super) clock_offset_seconds: Option<f64>,
}

fn seconds(from_micros: i64, to_micros: i64) -> f64 {
    (to_micros - from_micros) as f64 / 1e6
}

/// Judges one camera by its looks (in the order of time) and its records.
pub(super) fn judge<'r>(
    looks: &[Look],
    records: impl Iterator<Item = &'r Record>,
    span: Span,
) -> Shown {
    let mut shown = Shown {
        back_seconds: back(looks, span.to_micros),
        dark_seconds: darkness(looks, span),
        ..Shown::default()
    };
    for record in records {
        let event = &record.event;
        let at = event.observed.0;
        if at < span.from_micros || at > span.end_micros {
            continue;
        }
        match (event.kind, event.phase) {
            (EventKind::SIGNAL_LOST, Phase::Started) => {
                shown.raised += 1;
                shown
                    .noticed_seconds
                    .get_or_insert(seconds(span.from_micros, at));
            }
            (EventKind::SIGNAL_LOST, Phase::Ended) => {
                shown.told_back_seconds = Some(seconds(span.to_micros, at).max(0.0));
            }
            // The first reports after a jump may still be on their way.
            _ if event.occurred.source == ClockSource::CameraNtp
                && at > span.from_micros + 2_000_000
                && at < span.to_micros =>
            {
                shown.camera_clock_events += 1;
                let offset = event.occurred.offset_micros as f64 / 1e6;
                if shown
                    .clock_offset_seconds
                    .is_none_or(|known| known.abs() < offset.abs())
                {
                    shown.clock_offset_seconds = Some(offset);
                }
            }
            _ => {}
        }
    }
    shown
}

/// From `when` to the first look that shows the camera streaming with a picture newer than it had
/// at `when`.
fn back(looks: &[Look], when: i64) -> Option<f64> {
    let before = looks.iter().rev().find(|look| look.at_micros <= when)?;
    let found = looks.iter().find(|look| {
        look.at_micros > when
            && look.state == CameraState::Streaming
            && look.decoded > before.decoded
    })?;
    Some(seconds(when, found.at_micros))
}

/// The longest time within the span in which no picture came.
fn darkness(looks: &[Look], span: Span) -> f64 {
    let mut longest = 0;
    let mut lit: Option<Look> = None;
    let inside = |look: &&Look| (span.from_micros..=span.end_micros).contains(&look.at_micros);
    for look in looks.iter().filter(inside) {
        match lit {
            Some(last) if look.decoded == last.decoded => {
                longest = longest.max(look.at_micros - last.at_micros);
            }
            _ => lit = Some(*look),
        }
    }
    longest as f64 / 1e6
}

/// One row of the table: all cameras with the same fault, the worst of each figure.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    pub(super) fault: Fault,
    pub(super) cameras: usize,
    #[serde(flatten)]
    pub(super) worst: Shown,
    /// Whether every camera was back.
    pub(super) recovered: bool,
    /// What is not as it must be; empty where all is.
    pub(super) missed: Vec<String>,
}

/// Joins what cameras with one fault showed.
pub(super) fn row(fault: Fault, shown: &[Shown], back_limit: f64) -> Row {
    let most = |figure: fn(&Shown) -> Option<f64>| shown.iter().filter_map(figure).reduce(f64::max);
    let worst = Shown {
        noticed_seconds: most(|shown| shown.noticed_seconds),
        raised: shown.iter().map(|shown| shown.raised).max().unwrap_or(0),
        back_seconds: most(|shown| shown.back_seconds),
        told_back_seconds: most(|shown| shown.told_back_seconds),
        dark_seconds: most(|shown| Some(shown.dark_seconds)).unwrap_or(0.0),
        camera_clock_events: shown.iter().map(|shown| shown.camera_clock_events).sum(),
        clock_offset_seconds: shown
            .iter()
            .filter_map(|shown| shown.clock_offset_seconds)
            .max_by(|one, other| one.abs().total_cmp(&other.abs())),
    };
    let recovered = shown.iter().all(|shown| shown.back_seconds.is_some());
    let mut missed = Vec::new();
    if !recovered {
        missed.push("a camera did not come back".to_owned());
    }
    if worst.back_seconds.is_some_and(|back| back > back_limit) {
        missed.push(format!("back after more than {back_limit} s"));
    }
    if worst
        .noticed_seconds
        .is_some_and(|noticed| noticed > NOTICED_SECONDS)
    {
        missed.push(format!("noticed after more than {NOTICED_SECONDS} s"));
    }
    let changes = outages(fault);
    if worst.raised > changes {
        missed.push(format!("raised more than {changes} times"));
    }
    if takes_the_picture(fault) && shown.iter().any(|shown| shown.raised == 0) {
        missed.push("never raised".to_owned());
    }
    if let Fault::Clock { seconds } = fault {
        // The offset is what this server's clock is ahead of the camera's.
        let told = worst.clock_offset_seconds.unwrap_or(0.0);
        if worst.camera_clock_events > 0 && (told + seconds as f64).abs() > 10.0 {
            missed.push(format!("the offset told is {told:.1} s"));
        }
    }
    Row {
        fault,
        cameras: shown.len(),
        worst,
        recovered,
        missed,
    }
}

/// How often a camera may be lost by one fault.
fn outages(fault: Fault) -> usize {
    // The codec changes twice, under a running session each time: at the fault's start and end.
    if matches!(fault, Fault::Codec) { 2 } else { 1 }
}

/// Whether no picture can come while the fault is in force.
fn takes_the_picture(fault: Fault) -> bool {
    matches!(
        fault,
        Fault::Stall
            | Fault::Refuse
            | Fault::NotFound
            | Fault::Mute
            | Fault::Garbage
            | Fault::Reboot { .. }
    )
}

/// What is wrong with the order of the records, as far as anybody could tell by them: sequences
/// rise by one, a camera's events are in the order they were observed, and no incident goes on
/// after its end.
pub(super) fn order_problems(records: &[Record]) -> Vec<String> {
    let mut problems = Vec::new();
    let mut observed = BTreeMap::new();
    let mut ended: BTreeMap<IncidentId, Phase> = BTreeMap::new();
    for pair in records.windows(2) {
        if let [one, other] = pair
            && other.sequence.0 != one.sequence.0 + 1
        {
            problems.push(format!("{} follows {}", other.sequence.0, one.sequence.0));
        }
    }
    for record in records {
        let event = &record.event;
        let before = observed.insert(event.camera.clone(), event.observed);
        if before.is_some_and(|before| before > event.observed) {
            problems.push(format!(
                "{}: observed before its predecessor",
                record.sequence.0
            ));
        }
        let last = ended.insert(event.incident, event.phase);
        let follows = match event.phase {
            Phase::Started => last.is_none(),
            Phase::Updated | Phase::Ended => last.is_some_and(|last| last != Phase::Ended),
        };
        if !follows {
            let phase = event.phase;
            problems.push(format!("{}: {phase:?} after {last:?}", record.sequence.0));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(seconds: i64, state: CameraState, decoded: u64) -> Look {
        Look {
            at_micros: seconds * 1_000_000,
            state,
            decoded,
        }
    }

    #[test]
    fn a_camera_is_back_with_its_first_new_picture() {
        let looks = [
            look(0, CameraState::Streaming, 10),
            look(1, CameraState::Streaming, 10),
            look(5, CameraState::BackingOff, 10),
            look(6, CameraState::Connecting, 10),
            look(7, CameraState::Streaming, 11),
        ];
        let span = Span {
            from_micros: 0,
            to_micros: 5_000_000,
            end_micros: 8_000_000,
        };
        let shown = judge(&looks, std::iter::empty(), span);
        assert_eq!(shown.back_seconds, Some(2.0));
        assert_eq!(shown.dark_seconds, 6.0);
        let row = row(Fault::Stall, &[shown], BACK_SECONDS);
        assert_eq!(row.missed, ["never raised"]);
    }

    #[test]
    fn a_camera_that_stays_away_is_a_miss() {
        let looks = [
            look(0, CameraState::Streaming, 10),
            look(9, CameraState::BackingOff, 10),
        ];
        let span = Span {
            from_micros: 0,
            to_micros: 1_000_000,
            end_micros: 9_000_000,
        };
        let shown = judge(&looks, std::iter::empty(), span);
        assert!(!row(Fault::Drop, &[shown], BACK_SECONDS).recovered);
    }
}
