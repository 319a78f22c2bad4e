//! Plays clips one after the other, each as the only camera of a fleet of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::clip::{Clip, MotForm};
use super::detections;
use super::emitted::EventRecorder;
use crate::mot::MotError;
use parapet::base::clock::{SharedClock, process_cpu};
use parapet::base::metrics::{CameraMetrics, Metrics, Stage};
use parapet::config::types::{
    CameraConfig, InferenceConfig, ModelConfig, Pace, Precision, SourceConfig,
};
use parapet::fleet::analysis::{Analysis, Identity, Observer};
use parapet::fleet::{EventSink, Fleet, FleetParts};
use parapet::infer::{Backend, InferError, InferencePool};
use parapet::ingest::{Source, SourceError};
use parapet::model::camera::{CameraState, WakeReason};
use parapet::model::ids::{IdSource, ModelName};
use parapet::model::time::UtcMicros;

/// The seed of replay's ids.
const SEED: u64 = 0x7061_7261_7065_7400;

/// How often it is looked whether a clip is over: its figures and the progress bar need no more, and
/// what is measured should not be the looking.
const POLL: Duration = Duration::from_millis(50);

/// Why a clip could not be played.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// A model could not be loaded.
    #[error("inference could not start")]
    Infer(#[from] InferError),
    /// Video cannot be opened at all.
    #[error("video cannot be opened")]
    Source(#[from] SourceError),
    #[error("the analysis thread could not start")]
    Thread(#[from] std::io::Error),
    /// A file of detections is not what it should be.
    #[error(transparent)]
    Detections(#[from] MotError),
    /// A file could not be played to its end.
    #[error("{path}: {reason}", path = path.display())]
    Clip { path: PathBuf, reason: String },
}

/// What playing one clip cost.
#[derive(Clone, Debug)]
pub struct Played {
    pub path: PathBuf,
    /// Frames out of the decoder, or of the file of detections.
    pub decoded: u64,
    pub analysed: u64,
    /// Coded pictures that went by undecoded, in watch mode.
    pub undecoded: u64,
    /// Why the camera woke and how often, in watch mode.
    pub wakes: BTreeMap<&'static str, u64>,
    /// Wall time.
    pub elapsed: Duration,
    /// Processor time of the whole process meanwhile; the model was loaded before.
    pub cpu: Duration,
}

/// What a camera's counters say of one clip.
#[derive(Default)]
struct Counts {
    decoded: u64,
    analysed: u64,
    undecoded: u64,
    wakes: BTreeMap<&'static str, u64>,
}

impl Counts {
    fn of(camera: &CameraMetrics) -> Self {
        let woke = |reason: WakeReason| (reason.name(), camera.watch.wakes(reason.name()));
        Self {
            decoded: camera.decoded.get(),
            analysed: camera.analysed.get(),
            undecoded: camera.watch.undecoded.get(),
            wakes: WakeReason::ALL.into_iter().map(woke).collect(),
        }
    }

    fn since(self, before: &Self) -> Self {
        let wakes = self.wakes.into_iter().map(|(reason, times)| {
            let had = before.wakes.get(reason).copied().unwrap_or(0);
            (reason, times.saturating_sub(had))
        });
        Self {
            decoded: self.decoded - before.decoded,
            analysed: self.analysed - before.analysed,
            undecoded: self.undecoded - before.undecoded,
            wakes: wakes.filter(|(_, times)| *times > 0).collect(),
        }
    }
}

/// Seconds of work by stage, over a whole replay.
#[derive(Clone, Copy, Debug, Default)]
pub struct StageSeconds {
    /// Planes to tensor.
    pub preprocess: f64,
    /// ONNX Runtime.
    pub inference: f64,
    /// Heads and NMS.
    pub heads: f64,
    /// Tracker and rules.
    pub analyse: f64,
}

/// Opens files, when the first one is played.
pub type SourceMaker = Box<dyn Fn() -> Result<Arc<dyn Source>, SourceError> + Send + Sync>;
/// Computes models, when the first one is needed.
pub type BackendMaker =
    Box<dyn Fn(&InferenceConfig) -> Result<Arc<dyn Backend>, InferError> + Send + Sync>;

/// What a replay stands on. Detections need neither source nor backend, so both are made when
/// the first video is played.
pub struct ReplayPorts {
    pub source: SourceMaker,
    pub backend: BackendMaker,
    /// Measures; never part of an event.
    pub clock: SharedClock,
    /// When each clip began. The source must be told the same.
    pub start: UtcMicros,
    /// As on a server that its cameras take whole: what nobody counts on is not looked at.
    pub scarce: bool,
}

type PoolKey = (InferenceConfig, BTreeMap<ModelName, ModelConfig>);

pub struct Player {
    ports: ReplayPorts,
    source: Option<Arc<dyn Source>>,
    pool: Option<(PoolKey, Arc<InferencePool>)>,
    metrics: Arc<Metrics>,
    played: u64,
}

impl Player {
    /// One that has played nothing yet.
    #[must_use]
    pub fn new(ports: ReplayPorts) -> Self {
        Self {
            ports,
            source: None,
            pool: None,
            metrics: Metrics::new(),
            played: 0,
        }
    }

    /// When each clip began.
    #[must_use]
    pub fn start(&self) -> UtcMicros {
        self.ports.start
    }

    /// Opens files.
    ///
    /// # Errors
    /// The source's, the first time.
    pub fn source(&mut self) -> Result<Arc<dyn Source>, SourceError> {
        let source = match self.source.take() {
            Some(source) => source,
            None => (self.ports.source)()?,
        };
        Ok(Arc::clone(self.source.insert(source)))
    }

    /// Plays one clip to its end: the recorder sees everything, `also` gets each event in order,
    /// `progress` the frames decoded so far.
    ///
    /// # Errors
    /// [`ReplayError`]; events before it were handed on.
    pub async fn play(
        &mut self,
        clip: &Clip,
        recorder: &EventRecorder,
        also: Option<EventSink>,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Played, ReplayError> {
        let identity = Identity {
            site: clip.config.site.clone(),
            node: clip.config.node.clone(),
            observer: Observer::Capture,
        };
        let ids = IdSource::seeded(SEED.wrapping_add(self.played));
        self.played += 1;
        let events = recorder.events(also);
        if clip.detections.is_none() {
            // Loaded before anything is measured.
            self.source()?;
            self.pool(clip)?;
        }
        let (begun, cpu) = (self.ports.clock.now(), process_cpu());
        let counts = match clip.detections {
            Some(form) => {
                let camera = Arc::clone(&clip.camera);
                let analysis = Analysis::new(identity, camera, ids);
                let (decoded, analysed) =
                    self.detections(&clip.path, form, analysis, &events, recorder)?;
                Counts {
                    decoded,
                    analysed,
                    ..Counts::default()
                }
            }
            None => {
                let parts = FleetParts {
                    source: self.source()?,
                    pool: self.pool(clip)?,
                    clock: Arc::clone(&self.ports.clock),
                    metrics: Arc::clone(&self.metrics),
                    analysed: Some(recorder.analysed()),
                    governor: None,
                };
                let fleet = Fleet::start(parts, identity, events, ids)?;
                if self.ports.scarce {
                    fleet.without_headroom();
                }
                video(fleet, clip, &self.metrics, progress).await?
            }
        };
        Ok(Played {
            path: clip.path.clone(),
            decoded: counts.decoded,
            analysed: counts.analysed,
            undecoded: counts.undecoded,
            wakes: counts.wakes,
            elapsed: self.ports.clock.now().since(begun),
            cpu: process_cpu().saturating_sub(cpu),
        })
    }

    /// Ends the inference; says what each stage took over all clips.
    #[must_use]
    pub fn finish(mut self) -> StageSeconds {
        if let Some((_, pool)) = self.pool.take() {
            pool.stop();
        }
        stage_seconds(&self.metrics)
    }

    fn detections(
        &self,
        path: &Path,
        form: MotForm,
        analysis: Analysis,
        events: &EventSink,
        recorder: &EventRecorder,
    ) -> Result<(u64, u64), ReplayError> {
        let boxes = detections::read(path)?;
        let begun = self.ports.clock.now();
        let counts = detections::play(
            &boxes,
            form,
            self.ports.start,
            analysis,
            events,
            &recorder.analysed(),
        );
        let seconds = self.ports.clock.now().since(begun).as_secs_f64();
        self.metrics.stage(Stage::Analyse).observe(seconds);
        Ok(counts)
    }

    /// The pool of the clip's models; the last one goes on where it has the same.
    fn pool(&mut self, clip: &Clip) -> Result<Arc<InferencePool>, ReplayError> {
        let inference = InferenceConfig {
            workers: 1,
            // Nothing to find out: one picture at a time.
            threads_per_worker: clip.config.inference.threads_per_worker.or(Some(1)),
            max_batch: Some(1),
            max_wait: Duration::ZERO,
            // What a measurement chose would not be the same again.
            precision: match clip.config.inference.precision {
                Precision::Auto => Precision::Float,
                written => written,
            },
            ..clip.config.inference.clone()
        };
        let key = (inference, clip.config.models.clone());
        if let Some((have, pool)) = &self.pool
            && *have == key
        {
            return Ok(Arc::clone(pool));
        }
        if let Some((_, old)) = self.pool.take() {
            old.stop();
        }
        let pool = Arc::new(InferencePool::start(
            &key.0,
            &key.1,
            (self.ports.backend)(&key.0)?,
            Arc::clone(&self.ports.clock),
            Arc::clone(&self.metrics),
        )?);
        self.pool = Some((key, Arc::clone(&pool)));
        Ok(pool)
    }
}

/// Plays one file through a fleet.
async fn video(
    mut fleet: Fleet,
    clip: &Clip,
    metrics: &Metrics,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Counts, ReplayError> {
    let mut camera = CameraConfig::clone(&clip.camera);
    camera.source = SourceConfig::File {
        path: clip.path.clone(),
        pace: Pace::Fast,
        repeat: false,
    };
    let id = camera.id.clone();
    let counters = metrics.camera(id.as_str());
    let before = Counts::of(&counters);
    fleet.apply(&BTreeMap::from([(id, Arc::new(camera))])).await;
    let board = fleet.board();
    let failed: Mutex<Option<String>> = Mutex::new(None);
    loop {
        tokio::time::sleep(POLL).await;
        progress(counters.decoded.get() - before.decoded);
        let statuses = board.cameras();
        let Some(status) = statuses.first() else {
            break;
        };
        match status.state {
            CameraState::Stopped if !status.reason.is_empty() => break,
            CameraState::BackingOff | CameraState::Stalled => {
                *failed.lock() = Some(status.reason.clone());
                break;
            }
            _ => {}
        }
    }
    // Read before the fleet lets the camera go, and its series with it; frames are all counted.
    let wakes = Counts::of(&counters).wakes;
    fleet.stop(Duration::from_secs(10)).await;
    if let Some(reason) = failed.into_inner() {
        return Err(ReplayError::Clip {
            path: clip.path.clone(),
            reason,
        });
    }
    let counts = Counts {
        wakes,
        ..Counts::of(&counters)
    };
    Ok(counts.since(&before))
}

fn stage_seconds(metrics: &Metrics) -> StageSeconds {
    let text = metrics.render();
    let sum = |stage: Stage| {
        let line = format!("parapet_stage_seconds_sum{{stage=\"{}\"}} ", stage.name());
        text.lines()
            .find_map(|have| have.strip_prefix(&line))
            .and_then(|value| value.parse().ok())
            .unwrap_or(0.0)
    };
    StageSeconds {
        preprocess: sum(Stage::Preprocess),
        inference: sum(Stage::Inference),
        heads: sum(Stage::Decode),
        analyse: sum(Stage::Analyse),
    }
}
