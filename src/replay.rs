//! Recorded footage through the same pipeline: source, inference, tracker and rules are the
//! daemon's own. Every frame at the analysis rate is looked at (nothing is superseded), one
//! picture a batch on one worker, ids and times come from the footage: two runs of the same
//! files on the same machine give the same bytes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::base::clock::SharedClock;
use crate::base::metrics::{CameraMetrics, Metrics, Stage};
use crate::config::Config;
use crate::config::types::{CameraConfig, InferenceConfig, Pace, SourceConfig};
use crate::fleet::analysis::{Identity, Observer};
use crate::fleet::{EventSink, Fleet, FleetParts};
use crate::infer::{Backend, InferError, InferencePool};
use crate::ingest::Source;
use crate::model::camera::CameraState;
use crate::model::event::Event;
use crate::model::ids::{CameraId, IdSource};

/// The seed of replay's ids.
const SEED: u64 = 0x7061_7261_7065_7400;

/// One file to replay as one camera.
#[derive(Clone, Debug)]
pub struct Clip {
    /// The file.
    pub path: PathBuf,
    /// The camera whose rules and model apply.
    pub camera: Arc<CameraConfig>,
}

/// Why a replay could not be done.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// A model could not be loaded.
    #[error("inference could not start")]
    Infer(#[from] InferError),
    /// No thread.
    #[error("the analyst's thread could not start")]
    Thread(#[from] std::io::Error),
    /// A file could not be played to its end.
    #[error("{path}: {reason}", path = path.display())]
    Clip {
        /// The file.
        path: PathBuf,
        /// The source's words.
        reason: String,
    },
}

/// What one clip gave.
#[derive(Clone, Debug)]
pub struct ClipReport {
    /// The file.
    pub path: PathBuf,
    /// Frames out of the decoder.
    pub decoded: u64,
    /// Frames looked at.
    pub analysed: u64,
    /// Wall time.
    pub elapsed: Duration,
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

/// What a replay stands on.
pub struct ReplayPorts {
    /// Opens files.
    pub source: Arc<dyn Source>,
    /// Computes models.
    pub backend: Arc<dyn Backend>,
    /// Measures; never part of an event.
    pub clock: SharedClock,
}

/// Which camera's rules a file is judged by: the one named, else the one whose id is the file's
/// stem, else the only one there is.
///
/// # Errors
/// A sentence that says which cameras there are.
pub fn choose_camera(
    config: &Config,
    named: Option<&CameraId>,
    stem: &str,
) -> Result<Arc<CameraConfig>, String> {
    let known = || {
        config
            .cameras
            .keys()
            .map(CameraId::as_str)
            .collect::<Vec<_>>()
            .join(", ")
    };
    if let Some(id) = named {
        return config
            .cameras
            .get(id)
            .cloned()
            .ok_or_else(|| format!("no camera `{id}` in the configuration; it has: {}", known()));
    }
    let by_stem = config
        .cameras
        .values()
        .find(|camera| camera.id.as_str() == stem);
    let only = (config.cameras.len() == 1)
        .then(|| config.cameras.values().next())
        .flatten();
    by_stem.or(only).cloned().ok_or_else(|| {
        format!(
            "no camera is called `{stem}`: say which one's rules apply with --camera ({})",
            known()
        )
    })
}

/// Replays clips one after the other. `on_event` gets each event in order; `progress` the frames
/// decoded so far of the running clip.
///
/// # Errors
/// [`ReplayError`] at the first clip that cannot be played; events before it were handed on.
pub async fn replay(
    config: &Config,
    clips: &[Clip],
    ports: ReplayPorts,
    on_event: EventSink,
    progress: &(dyn Fn(usize, u64) + Sync),
) -> Result<(Vec<ClipReport>, StageSeconds), ReplayError> {
    let metrics = Metrics::new();
    let inference = InferenceConfig {
        workers: 1,
        max_batch: 1,
        max_wait: Duration::ZERO,
        ..config.inference.clone()
    };
    let pool = Arc::new(InferencePool::start(
        &inference,
        &config.models,
        ports.backend,
        Arc::clone(&ports.clock),
        Arc::clone(&metrics),
    )?);
    let identity = Identity {
        site: config.site.clone(),
        node: config.node.clone(),
        observer: Observer::Capture,
    };
    let mut reports = Vec::with_capacity(clips.len());
    for (number, clip) in clips.iter().enumerate() {
        let parts = FleetParts {
            source: Arc::clone(&ports.source),
            pool: Arc::clone(&pool),
            clock: Arc::clone(&ports.clock),
            metrics: Arc::clone(&metrics),
        };
        let ids = IdSource::seeded(SEED.wrapping_add(number as u64));
        let fleet = Fleet::start(parts, identity.clone(), Arc::clone(&on_event), ids)?;
        let frames = |frames| progress(number, frames);
        reports.push(play(fleet, clip, &ports.clock, &metrics, &frames).await?);
    }
    pool.stop();
    Ok((reports, stage_seconds(&metrics)))
}

async fn play(
    mut fleet: Fleet,
    clip: &Clip,
    clock: &SharedClock,
    metrics: &Metrics,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<ClipReport, ReplayError> {
    let begun = clock.now();
    let mut camera = CameraConfig::clone(&clip.camera);
    camera.source = SourceConfig::File {
        path: clip.path.clone(),
        pace: Pace::Fast,
        repeat: false,
    };
    let id = camera.id.clone();
    let counts: CameraMetrics = metrics.camera(id.as_str());
    let before = (counts.decoded.get(), counts.analysed.get());
    fleet.apply(&BTreeMap::from([(id, Arc::new(camera))])).await;
    let board = fleet.board();
    let failed: Mutex<Option<String>> = Mutex::new(None);
    loop {
        tokio::time::sleep(Duration::from_millis(20)).await;
        progress(counts.decoded.get() - before.0);
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
    fleet.stop(Duration::from_secs(10)).await;
    if let Some(reason) = failed.into_inner() {
        return Err(ReplayError::Clip {
            path: clip.path.clone(),
            reason,
        });
    }
    Ok(ClipReport {
        path: clip.path.clone(),
        decoded: counts.decoded.get() - before.0,
        analysed: counts.analysed.get() - before.1,
        elapsed: clock.now().since(begun),
    })
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

/// Collects events, for tests and summaries.
#[derive(Clone, Debug, Default)]
pub struct Collected(Arc<Mutex<Vec<Event>>>);

impl Collected {
    /// Hand this to [`replay`].
    #[must_use]
    pub fn sink(&self) -> EventSink {
        let events = Arc::clone(&self.0);
        Arc::new(move |event, _| events.lock().push(event))
    }

    /// What has come so far.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.0.lock().clone()
    }
}
