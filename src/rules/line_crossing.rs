//! Somebody crosses a line.
//!
//! A track is *settled* while its anchor is at least the hysteresis away from the polyline. Between
//! two settled places its path, step by step from seen box to seen box, either met the polyline's
//! segments or not. A crossing is a path from a settled place on one side to a settled place on the
//! other whose steps met the segments once more in that direction than back: jitter on the line
//! cancels out, and a walk around the line's end meets nothing.
//!
//! Directions are those of the picture as one sees it (y downwards), looking from the line's first
//! point to its last: for a line drawn from the top of the picture to its bottom, the right-hand side
//! is the picture's left half.

use std::collections::VecDeque;
use std::time::Duration;

use crate::config::rule::{Directions, LineCrossing};
use crate::config::types::RuleConfig;
use crate::model::event::{Direction, EventDetail};
use crate::model::geometry::Point;

use super::approach::Approach;
use super::engine::{CameraFacts, Engine, Input, Start};
use super::geometry::{Flat, position, step_crosses};
use super::incident::{Incident, Output, RuleInfo};
use super::track_memory::TrackMemory;

/// Crossings of a track not yet confirmed that are remembered; a tentative track lives few frames.
const MAX_PENDING: usize = 4;

#[derive(Debug, Default)]
struct Walk {
    /// The last seen anchor, normalised, so that a change of the picture's aspect does no harm.
    last: Option<Point>,
    /// The side of the last settled place: right-hand or not.
    settled_right: Option<bool>,
    /// Steps over the line since then: left to right minus right to left.
    net: i32,
    /// Crossings made before the track was confirmed.
    pending: VecDeque<Direction>,
}

#[derive(Debug)]
struct LineCrossings {
    line: Vec<Point>,
    directions: Directions,
    hysteresis_heights: f64,
    walks: TrackMemory<Walk>,
    open: VecDeque<(Duration, Incident)>,
}

impl Start for LineCrossing {
    fn start(&self, _rule: &RuleConfig, _camera: CameraFacts) -> Box<dyn Engine> {
        Box::new(LineCrossings {
            line: self.line.points.clone(),
            directions: self.directions,
            hysteresis_heights: f64::from(self.hysteresis_heights),
            walks: TrackMemory::default(),
            open: VecDeque::new(),
        })
    }

    fn is_near(&self, approach: &Approach<'_>) -> bool {
        approach.nears(&self.line.points)
    }
}

impl Engine for LineCrossings {
    fn update(&mut self, rule: &RuleInfo, input: Input<'_>, output: &mut Output<'_>) {
        while self
            .open
            .front()
            .is_some_and(|(since, _)| output.at.saturating_sub(*since) >= rule.clear_after)
        {
            if let Some((_, incident)) = self.open.pop_front() {
                incident.end(rule, output);
            }
        }
        let aspect = input.picture.aspect();
        let line: Vec<Flat> = self
            .line
            .iter()
            .map(|p| Flat::from_normalised(*p, aspect))
            .collect();
        for observation in input.observations.iter().filter(|one| rule.counts(one)) {
            let track = observation.track;
            let walk = self.walks.listed(output.at, track.id);
            if !observation.seen {
                continue;
            }
            let margin = self.hysteresis_heights * f64::from(track.box_in_frame.height);
            if let Some(direction) = walk.step(rule.anchor_of(observation), aspect, &line, margin)
                && wanted(self.directions, direction)
            {
                walk.pending.truncate(MAX_PENDING - 1);
                walk.pending.push_back(direction);
            }
            while track.confirmed
                && let Some(direction) = walk.pending.pop_front()
            {
                let detail = EventDetail {
                    direction: Some(direction),
                    ..EventDetail::default()
                };
                let incident = Incident::start(rule, output, vec![observation.object()], detail);
                self.open.push_back((output.at, incident));
            }
        }
        self.walks.forget(output.at, |_| false);
    }

    fn finish(&mut self, rule: &RuleInfo, output: &mut Output<'_>) {
        for (_, incident) in self.open.drain(..) {
            incident.end(rule, output);
        }
        self.walks.clear();
    }

    fn has_open(&self) -> bool {
        !self.open.is_empty()
    }

    #[cfg(test)]
    fn remembered(&self) -> usize {
        self.walks.len()
    }
}

impl Walk {
    /// Takes one seen anchor; says when it completes a crossing.
    fn step(
        &mut self,
        anchor: Point,
        aspect: f32,
        line: &[Flat],
        margin: f64,
    ) -> Option<Direction> {
        let now = Flat::from_normalised(anchor, aspect);
        if let Some(last) = self.last.replace(anchor) {
            let last = Flat::from_normalised(last, aspect);
            for segment in line.windows(2) {
                self.net += match step_crosses(last, now, segment[0], segment[1]) {
                    Some(Direction::LeftToRight) => 1,
                    Some(Direction::RightToLeft) => -1,
                    None => 0,
                };
            }
        }
        let place = position(now, line).filter(|place| place.distance >= margin)?;
        let before = self.settled_right.replace(place.right);
        let net = std::mem::take(&mut self.net);
        match (before?, place.right) {
            (false, true) if net > 0 => Some(Direction::LeftToRight),
            (true, false) if net < 0 => Some(Direction::RightToLeft),
            _ => None,
        }
    }
}

fn wanted(directions: Directions, direction: Direction) -> bool {
    match directions {
        Directions::Both => true,
        Directions::LeftToRight => direction == Direction::LeftToRight,
        Directions::RightToLeft => direction == Direction::RightToLeft,
    }
}
