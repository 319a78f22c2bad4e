//! What a clip made the pipeline say, and who was seen when.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::matching::Alarm;
use parapet::fleet::{AnalysedSink, Emitted, EventSink};
use parapet::model::event::{Event, Phase};
use parapet::model::geometry::{Rect, Size};
use parapet::model::ids::{IncidentId, TrackId};
use parapet::model::time::UtcMicros;

/// A track in one picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeenBox {
    pub track: TrackId,
    /// The detection's score.
    pub score: f32,
    /// Where, normalised.
    pub box_in_frame: Rect,
    /// The rules count it.
    pub counts: bool,
}

/// One analysed picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Sighting {
    /// Clip time.
    pub at: Duration,
    /// When the gate let it go on, in clip time: later than `at` where a camera slept at first.
    pub known: Duration,
    /// The frame's number, from 0.
    pub frame: u64,
    /// Who was in it.
    pub boxes: Vec<SeenBox>,
    /// What the detector found, before anybody was followed: scores and boxes, normalised.
    pub found: Vec<(f32, Rect)>,
}

/// Everything that one clip gave.
#[derive(Clone, Debug, Default)]
pub struct Emissions {
    /// In the order in which they were said.
    pub events: Vec<Event>,
    /// In the order of time; empty unless asked for.
    pub sightings: Vec<Sighting>,
    /// Pictures that were looked at.
    pub looks: u64,
    /// The clip time of the latest picture.
    pub last: Duration,
    /// The pictures' size.
    pub picture: Option<Size>,
}

impl Emissions {
    /// The incidents, by when they began. `start` is the clip's own beginning.
    #[must_use]
    pub fn alarms(&self, start: UtcMicros) -> Vec<Alarm> {
        let since_start = |event: &Event| event.occurred.utc.since(start);
        let of_phase = |phase| self.events.iter().filter(move |e| e.phase == phase);
        let ended: BTreeMap<IncidentId, Duration> = of_phase(Phase::Ended)
            .map(|event| (event.incident, since_start(event)))
            .collect();
        of_phase(Phase::Started)
            .map(|event| Alarm {
                kind: event.kind,
                rule: event.rule.clone(),
                at: since_start(event),
                ended: ended.get(&event.incident).copied(),
            })
            .collect()
    }

    /// When each of [`Emissions::alarms`] was known, in clip time: a camera that slept tells of what it
    /// held meanwhile when it wakes.
    #[must_use]
    pub fn known(&self, start: UtcMicros) -> Vec<Duration> {
        let begun = self.events.iter().filter(|e| e.phase == Phase::Started);
        begun.map(|event| event.observed.since(start)).collect()
    }

    /// How long the clip is, as far as its pictures tell: one step of theirs behind the last.
    #[must_use]
    pub fn length(&self) -> Duration {
        let steps = u32::try_from(self.looks.saturating_sub(1)).unwrap_or(u32::MAX);
        self.last + self.last.checked_div(steps).unwrap_or(Duration::ZERO)
    }

    /// Who was seen in the picture nearest to a moment.
    #[must_use]
    pub fn boxes_at(&self, at: Duration) -> &[SeenBox] {
        let nearest = self.sightings.iter().min_by_key(|s| s.at.abs_diff(at));
        nearest.map_or(&[], |sighting| &sighting.boxes)
    }
}

/// Writes down what a clip gives while it plays.
#[derive(Clone, Debug, Default)]
pub struct EventRecorder {
    emitted: Arc<Mutex<Emissions>>,
    keep_boxes: bool,
}

impl EventRecorder {
    /// One that notes events; who was seen in every picture only if `keep_boxes`.
    #[must_use]
    pub fn new(keep_boxes: bool) -> Self {
        Self {
            emitted: Arc::default(),
            keep_boxes,
        }
    }

    /// Where events go; each also goes to `also`.
    #[must_use]
    pub fn events(&self, also: Option<EventSink>) -> EventSink {
        let kept = Arc::clone(&self.emitted);
        Arc::new(move |emitted: Emitted| {
            kept.lock().events.push(emitted.event.clone());
            if let Some(also) = &also {
                also(emitted);
            }
        })
    }

    /// Where analysed frames go.
    #[must_use]
    pub fn analysed(&self) -> AnalysedSink {
        let (emitted, keep_boxes) = (Arc::clone(&self.emitted), self.keep_boxes);
        Arc::new(move |analysed| {
            let mut emitted = emitted.lock();
            emitted.looks += 1;
            emitted.last = analysed.frame.media_time;
            emitted.picture = Some(analysed.frame.size);
            if keep_boxes {
                let seen = analysed.tracks.iter().filter(|track| track.seen_now);
                let boxes = seen.map(|track| SeenBox {
                    track: track.id,
                    score: track.score,
                    box_in_frame: track.box_in_frame,
                    counts: track.confirmed,
                });
                let found = analysed.found.iter();
                let sighting = Sighting {
                    at: analysed.frame.media_time,
                    known: analysed.frame.media_time + analysed.frame.held,
                    frame: analysed.frame.index,
                    boxes: boxes.collect(),
                    found: found.map(|d| (d.score, d.box_in_frame)).collect(),
                };
                emitted.sightings.push(sighting);
            }
        })
    }

    /// Everything so far; the recorder begins anew.
    #[must_use]
    pub fn take(&self) -> Emissions {
        std::mem::take(&mut self.emitted.lock())
    }
}
