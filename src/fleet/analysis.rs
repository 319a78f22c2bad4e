//! One camera's analysis: detections in, events out. Tracker and rules of one session, and the
//! names that its events carry.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::probes::{Limits, Probes};
use crate::base::clock::SharedClock;
use crate::config::types::CameraConfig;
use crate::model::detection::{Detection, ModelRef};
use crate::model::event::{Event, EventDetail, EventKind, Phase, Severity};
use crate::model::frame::Frame;
use crate::model::geometry::Size;
use crate::model::ids::{EventId, IdSource, IncidentId, NodeName, SiteName};
use crate::model::node_event::NodeEvent;
use crate::model::time::{CaptureTime, UtcMicros};
use crate::model::track::Track;
use crate::rules::near_rate::needs_near_rate;
use crate::rules::{Finding, RuleSet};
use crate::track::Tracker;

/// At a constant bitrate a keyframe is the worst picture of its group: who is found there at 0.4 is found
/// a moment later at 0.65. A false wake costs little, and is not repeated.
const SUSPECTED: f32 = 0.7;

/// Who says when an event was observed.
#[derive(Clone, Debug)]
pub enum Observer {
    /// This server's clock.
    Clock(SharedClock),
    /// The picture's own time, so that replay repeats to the byte; later by the time it was held
    /// back where its camera slept.
    Capture,
}

/// What every event of this process carries.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The facility.
    pub site: SiteName,
    /// This server.
    pub node: NodeName,
    /// Who says when an event was observed.
    pub observer: Observer,
}

/// One camera's tracker, rules and open incidents.
#[derive(Debug)]
pub struct Analysis {
    identity: Identity,
    camera: Arc<CameraConfig>,
    ids: IdSource,
    tracker: Option<(Size, Tracker)>,
    probes: Probes,
    rules: RuleSet,
    incidents: BTreeMap<u64, IncidentId>,
    signal_lost: Option<IncidentId>,
    last: Option<(Duration, CaptureTime)>,
    /// How long the latest frame had been held back.
    held: Duration,
    model: Option<ModelRef>,
}

impl Analysis {
    /// A camera that has seen nothing yet.
    #[must_use]
    pub fn new(identity: Identity, camera: Arc<CameraConfig>, ids: IdSource) -> Self {
        let rules = RuleSet::new(&camera.rules, camera.calibration.as_ref());
        Self {
            identity,
            camera,
            ids,
            tracker: None,
            probes: Probes::default(),
            rules,
            incidents: BTreeMap::new(),
            signal_lost: None,
            last: None,
            held: Duration::ZERO,
            model: None,
        }
    }

    /// How many pictures a second the camera wants to have analysed, at most, with what is in the
    /// latest one.
    #[must_use]
    pub fn wanted_fps(&self, picture: Size) -> f32 {
        if self.needs_near_rate(picture) {
            self.camera.analysis_fps_near
        } else {
            self.camera.analysis_fps
        }
    }

    /// Whether somebody is near a line or fast, where that makes a difference.
    #[must_use]
    pub fn needs_near_rate(&self, picture: Size) -> bool {
        let camera = &self.camera;
        camera.analysis_fps_near > camera.analysis_fps
            && needs_near_rate(self.tracks(), &camera.rules, picture)
    }

    /// Takes one analysed frame. A change of picture size begins new tracks.
    pub fn frame(&mut self, frame: &Frame, found: &[Detection], model: &ModelRef) -> Vec<Event> {
        self.model = Some(model.clone());
        self.held = frame.held;
        let mut events = Vec::new();
        if self
            .tracker
            .as_ref()
            .is_some_and(|(size, _)| *size != frame.size)
        {
            events = self.end_session();
        }
        let (_, tracker) = self
            .tracker
            .get_or_insert_with(|| (frame.size, Tracker::new(self.camera.tracker, frame.size)));
        let tracks = tracker.update(found, frame.media_time);
        let findings = self.rules.update(frame.media_time, frame.size, tracks);
        self.last = Some((frame.media_time, frame.capture));
        let met = tracks.iter().any(|track| track.confirmed) || !self.incidents.is_empty();
        self.probes.followed(met);
        events.extend(
            findings
                .into_iter()
                .map(|finding| self.event(finding, frame.capture)),
        );
        events
    }

    /// The tracks after the latest frame of this session.
    #[must_use]
    pub fn tracks(&self) -> &[Track] {
        self.tracker
            .as_ref()
            .map_or(&[], |(_, tracker)| tracker.tracks())
    }

    /// Whether a sleeping camera must wake for what a probe found: anything of a class that a
    /// rule counts, at a score that takes part in the tracker's first association, and not what it woke
    /// for in vain before. That is below what begins a track, because the probe may come at a bad moment.
    /// Where there is `headroom`, what was not there before is a reason at [`SUSPECTED`] of it.
    pub fn triggers(&mut self, found: &[Detection], media_time: Duration, headroom: bool) -> bool {
        let counts = |class: &str| {
            let rules = &self.camera.rules;
            let mut classes = rules.iter().flat_map(|rule| &rule.classes);
            rules.is_empty() || classes.any(|counted| &**counted == class)
        };
        let counted = found.iter().filter(|detection| counts(&detection.class));
        let counted: Vec<&Detection> = counted.collect();
        let wakes = self.camera.tracker.high_score;
        let limits = Limits {
            suspects: if headroom { wakes * SUSPECTED } else { wakes },
            wakes,
            begins: self.camera.tracker.new_track_score,
        };
        self.probes.triggers(&counted, limits, media_time)
    }

    /// Whether somebody is followed or an incident is open, so that no picture may be left out.
    #[must_use]
    pub fn is_active(&self) -> bool {
        !self.tracks().is_empty() || !self.incidents.is_empty()
    }

    /// The session is over: open incidents end, tracks are forgotten.
    pub fn end_session(&mut self) -> Vec<Event> {
        self.tracker = None;
        self.probes = Probes::default();
        let Some((media_time, capture)) = self.last.take() else {
            return Vec::new();
        };
        let findings = self.rules.finish(media_time);
        let events = findings
            .into_iter()
            .map(|finding| self.event(finding, capture))
            .collect();
        self.rules = RuleSet::new(&self.camera.rules, self.camera.calibration.as_ref());
        self.incidents.clear();
        events
    }

    /// The camera is lost; one event per outage.
    pub fn signal_lost(&mut self, reason: &str, now: UtcMicros) -> Option<Event> {
        if self.signal_lost.is_some() {
            return None;
        }
        let incident = IncidentId(self.ids.uuid_v7(now.0));
        self.signal_lost = Some(incident);
        Some(self.signal_event(incident, Phase::Started, Some(reason.to_owned()), now))
    }

    /// The camera is back.
    pub fn signal_back(&mut self, now: UtcMicros) -> Option<Event> {
        let incident = self.signal_lost.take()?;
        Some(self.signal_event(incident, Phase::Ended, None, now))
    }

    fn signal_event(
        &mut self,
        incident: IncidentId,
        phase: Phase,
        reason: Option<String>,
        now: UtcMicros,
    ) -> Event {
        let event = NodeEvent {
            camera: Some(self.camera.id.clone()),
            incident,
            phase,
            kind: EventKind::SIGNAL_LOST,
            severity: Severity::Warning,
            detail: EventDetail {
                reason,
                ..EventDetail::default()
            },
        };
        let Identity { site, node, .. } = &self.identity;
        event.build(&mut self.ids, site, node, now)
    }

    fn event(&mut self, finding: Finding, capture: CaptureTime) -> Event {
        let ids = &mut self.ids;
        let incident = *self
            .incidents
            .entry(finding.incident)
            .or_insert_with(|| IncidentId(ids.uuid_v7(capture.utc.0)));
        if finding.phase == Phase::Ended {
            self.incidents.remove(&finding.incident);
        }
        let observed = match &self.identity.observer {
            Observer::Clock(clock) => UtcMicros(clock.utc_micros()),
            Observer::Capture => capture.utc.after(self.held),
        };
        Event {
            id: EventId(self.ids.uuid_v7(observed.0)),
            incident,
            phase: finding.phase,
            kind: finding.kind,
            severity: finding.severity,
            site: self.identity.site.clone(),
            node: self.identity.node.clone(),
            camera: self.camera.id.clone(),
            rule: Some(finding.rule),
            zone: finding.zone,
            occurred: capture,
            observed,
            objects: finding.objects,
            detail: finding.detail,
            model: self.model.clone(),
        }
    }
}
