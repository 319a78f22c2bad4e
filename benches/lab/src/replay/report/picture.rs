//! Which moments of a clip are worth a picture, and what is drawn over it.

use std::time::Duration;

use crate::replay::emitted::SeenBox;
use crate::replay::gate::Judged;
use parapet::config::types::CameraConfig;
use parapet::model::geometry::{Point, Size};
use parapet::model::ids::RuleName;

/// A report shows no more pictures than this.
pub const MOST_PICTURES: usize = 120;
/// How long after its start a missed event that lasts is shown, at most.
const INTO_EVENT: Duration = Duration::from_secs(2);

/// What a picture shows: numbers are those of the clip's entry in the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// An expected event that no alarm told.
    Missed(usize),
    /// An alarm that speaks of nothing, or too late.
    Wrong(usize),
}

/// A line or a zone of the rule in question.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    pub name: String,
    /// Normalised.
    pub points: Vec<Point>,
    /// A zone rather than a line.
    pub closed: bool,
}

/// One picture of the report.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// Number of the clip in the report.
    pub clip: usize,
    pub subject: Subject,
    pub at: Duration,
    /// The recording's picture size.
    pub size: Size,
    /// The picture; none where only detections were played.
    pub jpeg: Option<Vec<u8>>,
    /// Who was tracked at that moment.
    pub boxes: Vec<SeenBox>,
    /// The lines and zones of the rules concerned.
    pub shapes: Vec<Shape>,
}

/// The moments of a clip's misses and false alarms, and the rule concerned.
#[must_use]
pub fn moments(clip: &Judged) -> Vec<(Subject, Duration, Option<RuleName>)> {
    if clip.failure.is_some() {
        return Vec::new();
    }
    let events = clip.expected.events.iter().enumerate();
    let missed = events.filter(|(n, _)| clip.matched.hits.get(*n) == Some(&None));
    let missed = missed.map(|(number, event)| {
        let half = event
            .end
            .map_or(Duration::ZERO, |end| (end - event.start) / 2);
        let at = event.start + half.min(INTO_EVENT);
        (Subject::Missed(number), at, event.rule.clone())
    });
    let alarms = clip.alarms.iter().zip(&clip.matched.verdicts).enumerate();
    let wrong = alarms
        .filter(|(_, (_, verdict))| verdict.is_wrong())
        .map(|(number, (alarm, _))| (Subject::Wrong(number), alarm.at, alarm.rule.clone()));
    missed.chain(wrong).collect()
}

/// The lines and zones of one rule, or of all where none is named.
#[must_use]
pub fn shapes(camera: &CameraConfig, rule: Option<&RuleName>) -> Vec<Shape> {
    let rules = camera.rules.iter();
    let concerned = rules.filter(|have| rule.is_none_or(|wanted| have.name == *wanted));
    concerned
        .flat_map(|rule| rule.kind.shape().outlines())
        .map(|(name, points, closed)| Shape {
            name: name.to_string(),
            points: points.to_vec(),
            closed,
        })
        .collect()
}
