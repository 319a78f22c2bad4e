//! How real the drawn figures are, measured with detectors that were trained on real people: which
//! share of the figures they find, and what they take for people that is none.
//!
//! Every picture has gone through the scene's own encoder and a decoder, as a camera's would. A
//! figure counts when nothing hides it (visible share of at least 0.95) and no edge cuts it; it is
//! found when a detection of class `person` with a score of at least 0.4 overlaps it by an IoU of
//! at least 0.5, each detection standing for one figure. A false person is such a detection that
//! overlaps no figure by 0.3 and does not lie on a partly hidden one.
//!
//! Low figures are listed by their longer side; those whose box is 64 pixels high are also counted by
//! themselves with all others that are.
//!
//! Figures that stand free are also counted by themselves: where somebody is behind a figure, many a
//! detector draws one box around both, and that says nothing about how either is drawn.

mod error;
mod footage;
mod score;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use error::RealismError;
pub use score::{Band, Figure, Kind, Tally};

use parapet::base::clock::SharedClock;
use parapet::infer::still::Looker;
use parapet::infer::{Backend, InferError, Model};
use parapet::ingest::{Source, SourceError};
use parapet::model::detection::Detection;
use parapet_sim::export::Clip;
use parapet_sim::scene::{Scene, Timeline};

/// One detector and what it has seen so far, by condition.
pub struct Detector {
    /// The manifest's name.
    pub name: String,
    looker: Looker,
    /// Condition word → counts.
    pub tallies: BTreeMap<&'static str, Tally>,
}

impl Detector {
    /// Opens a model.
    ///
    /// # Errors
    /// The engine's.
    pub fn open(model: &Arc<Model>, backend: &dyn Backend) -> Result<Self, InferError> {
        Ok(Self {
            name: model.manifest.name.clone(),
            looker: Looker::open(model, backend)?,
            tallies: BTreeMap::new(),
        })
    }

    /// Looks at a frame and counts.
    fn look(
        &mut self,
        condition: &'static str,
        frame: &parapet::model::frame::Frame,
        figures: &[Figure],
    ) -> Result<(), InferError> {
        let found: Vec<Detection> = self.looker.look(frame)?;
        let tally = self.tallies.entry(condition).or_default();
        tally.count(frame.size, figures, &found);
        Ok(())
    }
}

/// The one word a scene is listed under: the weather where there is any, else the light.
#[must_use]
pub fn condition(scene: &Scene) -> &'static str {
    let words = scene.condition_words();
    let weather = ["fog", "rain", "snow"];
    let found = words.iter().find(|word| weather.contains(word));
    found.or(words.first()).copied().unwrap_or("day")
}

/// Plays a clip and shows every `every`-th picture to all detectors. Pictures that a camera fault
/// spoils are left out.
///
/// # Errors
/// [`RealismError`] at the first thing that does not work.
pub fn measure(
    scene: &Scene,
    clip: &Clip,
    every: u64,
    source: &dyn Source,
    detectors: &mut [Detector],
) -> Result<u64, RealismError> {
    let timeline = Timeline::new(scene);
    let truth = footage::truth(&clip.truth)?;
    let condition = condition(scene);
    let mut looked = 0;
    footage::play(clip, source, &mut |frame| {
        let number = (frame.media_time.as_secs_f64() * scene.fps).round() as u64;
        if !number.is_multiple_of(every) || timeline.is_blind(timeline.second_of(number)) {
            return Ok(());
        }
        let Some(figures) = truth.get(number as usize) else {
            return Ok(());
        };
        looked += 1;
        for detector in detectors.iter_mut() {
            detector.look(condition, frame, figures)?;
        }
        Ok(())
    })?;
    Ok(looked)
}

/// A source of files, for [`measure`].
///
/// # Errors
/// GStreamer's.
pub fn source(clock: SharedClock) -> Result<parapet::ingest::GstSource, SourceError> {
    let start = parapet::ingest::FileStart::At(parapet::model::time::UtcMicros(0));
    parapet::ingest::GstSource::new(clock, start)
}
