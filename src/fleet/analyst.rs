//! One thread owns every camera's tracker and rules and turns answers into events.
//!
//! Its queue holds at most one answer per camera (inference keeps one in flight), and a few
//! words of the drivers; it is sized for that, so a full queue only makes the sender wait. A
//! panic in one camera's analysis ends that session and touches no other camera.

use std::collections::HashMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use prometheus_client::metrics::histogram::Histogram;

use super::analysis::{Analysis, Identity};
use super::dial::Dial;
use super::{EventSink, Look, LookSink};
use crate::base::clock::{Monotonic, SharedClock, thread_cpu};
use crate::base::metrics::{CameraMetrics, CpuSeconds, Metrics, Stage};
use crate::base::pulse::Pulse;
use crate::base::tasks::{named_thread, panic_message};
use crate::config::types::CameraConfig;
use crate::infer::Answer;
use crate::model::event::Event;
use crate::model::ids::{CameraId, IdSource};
use crate::model::time::UtcMicros;

/// Room for one answer of each of 4,096 cameras and their drivers' words.
const QUEUE: usize = 8_192;

/// Which life of which camera an answer belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SessionKey {
    /// The camera.
    pub camera: CameraId,
    /// Counts the camera's sessions.
    pub session: u64,
}

enum Word {
    Attach {
        camera: Arc<CameraConfig>,
        ids: IdSource,
        metrics: CameraMetrics,
        dial: Arc<Dial>,
    },
    Begin(SessionKey),
    Answer(SessionKey, Box<Answer>),
    EndSession(SessionKey, Sender<()>),
    SignalLost(CameraId, String),
    SignalBack(CameraId),
    Detach(CameraId, Sender<()>),
    Tell(Box<Event>),
    Stop,
}

/// Speaks to the analyst's thread.
#[derive(Clone, Debug)]
pub struct Analyst {
    words: Sender<Word>,
    vitals: Arc<Vitals>,
}

/// What the thread lets others see of itself.
#[derive(Debug, Default)]
struct Vitals {
    pulse: Pulse,
    ended: AtomicBool,
}

/// Marks the thread's end, however it comes.
struct EndMark(Arc<Vitals>);

impl Drop for EndMark {
    fn drop(&mut self) {
        self.0.ended.store(true, Ordering::Release);
    }
}

impl std::fmt::Debug for Word {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Word")
    }
}

impl Analyst {
    /// Starts the thread.
    ///
    /// # Errors
    /// The operating system's, when it gives no thread.
    pub fn start(
        identity: Identity,
        events: EventSink,
        looks: Option<LookSink>,
        clock: SharedClock,
        metrics: &Metrics,
    ) -> io::Result<(Self, JoinHandle<()>)> {
        let (words, inbox) = bounded(QUEUE);
        let vitals = Arc::new(Vitals::default());
        let mut desk = Desk {
            vitals: Arc::clone(&vitals),
            identity,
            events,
            looks,
            clock,
            analyse: metrics.stage(Stage::Analyse),
            analyse_cpu: metrics.cpu.analyse.clone(),
            gaps: metrics.gaps.clone(),
            cameras: HashMap::new(),
        };
        let end = EndMark(Arc::clone(&vitals));
        let thread = named_thread("analyst", move || {
            let _end = end;
            desk.run(&inbox);
        })?;
        Ok((Self { words, vitals }, thread))
    }

    /// Whether the thread lives and gets on by `now`; with nothing to do it does.
    ///
    /// # Errors
    /// In words: it has ended, or one answer or event has held it for longer than `limit`.
    pub fn healthy(&self, now: Monotonic, limit: Duration) -> Result<(), String> {
        if self.vitals.ended.load(Ordering::Acquire) {
            return Err("the analyst's thread has ended".to_owned());
        }
        let busy = self.vitals.pulse.busy_for(now);
        if busy > limit {
            let seconds = busy.as_secs();
            return Err(format!(
                "the analyst has been at one picture for {seconds} s"
            ));
        }
        Ok(())
    }

    /// Takes a camera in.
    pub fn attach(
        &self,
        camera: Arc<CameraConfig>,
        ids: IdSource,
        metrics: CameraMetrics,
        dial: Arc<Dial>,
    ) {
        self.send(Word::Attach {
            camera,
            ids,
            metrics,
            dial,
        });
    }

    /// A new session of the camera begins; answers of older ones are dropped from here on.
    pub(super) fn begin(&self, session: SessionKey) {
        self.send(Word::Begin(session));
    }

    /// Takes one answer.
    pub fn answer(&self, session: SessionKey, answer: Answer) {
        self.send(Word::Answer(session, Box::new(answer)));
    }

    /// Ends the session's incidents. The receiver hears when all its events are handed on.
    #[must_use]
    pub fn end_session(&self, session: SessionKey) -> Receiver<()> {
        let (done, heard) = bounded(1);
        self.send(Word::EndSession(session, done));
        heard
    }

    /// The camera is lost.
    pub fn signal_lost(&self, camera: CameraId, reason: String) {
        self.send(Word::SignalLost(camera, reason));
    }

    /// The camera is back.
    pub fn signal_back(&self, camera: CameraId) {
        self.send(Word::SignalBack(camera));
    }

    /// Lets a camera go. The receiver hears when all its events are handed on.
    #[must_use]
    pub fn detach(&self, camera: CameraId) -> Receiver<()> {
        let (done, heard) = bounded(1);
        self.send(Word::Detach(camera, done));
        heard
    }

    /// Hands on an event of the fleet itself.
    pub(super) fn tell(&self, event: Event) {
        self.send(Word::Tell(Box::new(event)));
    }

    /// Asks the thread to end after what lies before it in the queue.
    pub fn stop(&self) {
        self.send(Word::Stop);
    }

    fn send(&self, word: Word) {
        if self.words.send(word).is_err() {
            tracing::debug!("the analyst has stopped; a late word is dropped");
        }
    }
}

struct Watched {
    analysis: Analysis,
    metrics: CameraMetrics,
    config: Arc<CameraConfig>,
    ids: IdSource,
    session: u64,
    last_analysed: Option<Monotonic>,
    dial: Arc<Dial>,
}

struct Desk {
    vitals: Arc<Vitals>,
    identity: Identity,
    events: EventSink,
    looks: Option<LookSink>,
    clock: SharedClock,
    analyse: Histogram,
    analyse_cpu: CpuSeconds,
    gaps: Histogram,
    cameras: HashMap<CameraId, Watched>,
}

impl Desk {
    fn run(&mut self, inbox: &Receiver<Word>) {
        for word in inbox {
            if matches!(word, Word::Stop) {
                return;
            }
            self.vitals.pulse.begin(self.clock.now());
            self.take(word);
            self.vitals.pulse.rest();
        }
    }

    fn take(&mut self, word: Word) {
        match word {
            Word::Attach {
                camera,
                mut ids,
                metrics,
                dial,
            } => {
                let fresh = IdSource::seeded(ids.next_seed());
                let analysis = Analysis::new(self.identity.clone(), Arc::clone(&camera), fresh);
                let id = camera.id.clone();
                let watched = Watched {
                    analysis,
                    metrics,
                    config: camera,
                    ids,
                    session: 0,
                    last_analysed: None,
                    dial,
                };
                self.cameras.insert(id, watched);
            }
            Word::Begin(key) => {
                if let Some(watched) = self.cameras.get_mut(&key.camera) {
                    watched.session = key.session;
                    watched.last_analysed = None;
                    watched.dial.set_seen(false, false);
                }
            }
            Word::Answer(key, answer) => self.answer(&key, *answer),
            Word::EndSession(key, done) => {
                self.act(&key.camera, None, Analysis::end_session);
                if let Some(watched) = self.cameras.get(&key.camera) {
                    watched.dial.set_seen(false, false);
                }
                drop(done);
            }
            Word::SignalLost(camera, reason) => {
                let now = UtcMicros(self.clock.utc_micros());
                self.act(&camera, None, |a| {
                    a.signal_lost(&reason, now).into_iter().collect()
                });
            }
            Word::SignalBack(camera) => {
                let now = UtcMicros(self.clock.utc_micros());
                self.act(&camera, None, |a| a.signal_back(now).into_iter().collect());
            }
            Word::Detach(camera, done) => {
                self.act(&camera, None, Analysis::end_session);
                self.cameras.remove(&camera);
                drop(done);
            }
            Word::Tell(event) => (self.events)(*event, None),
            Word::Stop => {}
        }
    }

    fn answer(&mut self, key: &SessionKey, answer: Answer) {
        let Some(watched) = self.cameras.get_mut(&key.camera) else {
            return;
        };
        if watched.session != key.session {
            return;
        }
        let found = match &answer.detections {
            Ok(found) => found,
            Err(error) => {
                tracing::error!(camera = %key.camera, %error, "a frame could not be analysed");
                return;
            }
        };
        let frame = &answer.frame;
        watched.metrics.analysed.inc();
        watched.dial.analysed(frame.arrived);
        watched
            .metrics
            .age_seconds
            .set(answer.cut_at.since(frame.arrived).as_secs_f64());
        if let Some(before) = watched.last_analysed.replace(frame.arrived) {
            let gap = frame.arrived.since(before).as_secs_f64();
            watched.metrics.gap_seconds.set(gap);
            self.gaps.observe(gap);
        }
        let plenty = watched.dial.has_plenty();
        let noticed = frame.glance && watched.analysis.notices(found, frame.media_time, plenty);
        // In always mode, where the governor leaves only keyframes, they are followed as far as they
        // go.
        let dial = &watched.dial;
        if frame.glance && (dial.pace.sleeps() || !dial.level().is_sparse()) {
            watched.dial.set_seen(noticed, false);
            return;
        }
        let (begun, cpu_begun) = (self.clock.now(), thread_cpu());
        let model = &answer.model;
        let arrived = Some(frame.arrived);
        self.act(&key.camera, arrived, |analysis| {
            analysis.frame(frame, found, model)
        });
        self.analyse
            .observe(self.clock.now().since(begun).as_secs_f64());
        self.analyse_cpu.add(thread_cpu().saturating_sub(cpu_begun));
        let Some(watched) = self.cameras.get(&key.camera) else {
            return;
        };
        let engaged = noticed || watched.analysis.is_engaged();
        let hurried = watched.analysis.needs_haste(frame.size);
        watched.dial.set_seen(engaged, hurried);
        if let Some(looks) = &self.looks {
            let tracks = watched.analysis.tracks();
            looks(&Look {
                frame,
                found,
                tracks,
            });
        }
    }

    /// Runs one step of a camera's analysis and hands its events on. A panic ends the camera's
    /// session: it begins again with fresh tracks and rules.
    fn act(
        &mut self,
        camera: &CameraId,
        arrived: Option<Monotonic>,
        step: impl FnOnce(&mut Analysis) -> Vec<Event>,
    ) {
        let Some(watched) = self.cameras.get_mut(camera) else {
            return;
        };
        match catch_unwind(AssertUnwindSafe(|| step(&mut watched.analysis))) {
            Ok(events) => {
                for event in events {
                    (self.events)(event, arrived);
                    self.vitals.pulse.begin(self.clock.now());
                }
            }
            Err(payload) => {
                let panic = panic_message(payload.as_ref());
                tracing::error!(%camera, panic, "analysis panicked; its tracks begin anew");
                let fresh = IdSource::seeded(watched.ids.next_seed());
                watched.analysis =
                    Analysis::new(self.identity.clone(), Arc::clone(&watched.config), fresh);
            }
        }
    }
}
