//! All models on every picture.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::dataset::{Part, Set};
use super::pictures::{each, placed};
use super::score::judge;
use super::tally::Tally;
use super::{EvalError, SCORE_FLOOR};
use parapet::base::clock::SharedClock;
use parapet::infer::still::Looker;
use parapet::infer::{Backend, InferError, Model};
use parapet::ingest::{FileStart, GstSource, Source, SourceError};
use parapet::model::frame::Frame;
use parapet::model::geometry::Rect;
use parapet::model::time::UtcMicros;

/// The class that is measured.
const CLASS: &str = "person";
/// Every so many-th picture of a set is timed too, …
const TIMED_EVERY: u64 = 4;
/// … until so many have been.
const MAX_TIMED: usize = 200;

/// A source of recordings, for [`measure`].
///
/// # Errors
/// GStreamer's.
pub fn source(clock: SharedClock) -> Result<GstSource, SourceError> {
    GstSource::new(clock, FileStart::At(UtcMicros(0)))
}

/// Says how much processor time the calling thread has used.
pub type Stopwatch<'s> = dyn Fn() -> Duration + 's;

/// One model's results on one set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// By condition; under the empty word where none is known.
    pub tallies: BTreeMap<String, Tally>,
    /// Milliseconds of processor time of single looks.
    pub millis: Vec<f64>,
}

/// A model that takes part.
pub struct Contender {
    /// Its name in tables.
    pub name: String,
    /// The model.
    pub model: Arc<Model>,
    scoring: Looker,
    timing: Looker,
    /// Results by the number of the set.
    pub results: Vec<Outcome>,
}

impl Contender {
    /// Opens a model twice: once for all that it finds, once as its manifest has it, for the time.
    ///
    /// # Errors
    /// The engine's, and where the model keeps no class `person`.
    pub fn open(name: &str, model: &Arc<Model>, backend: &dyn Backend) -> Result<Self, InferError> {
        if !model.manifest.keep.iter().any(|class| class == CLASS) {
            return Err(InferError::Engine {
                model: model.manifest.name.clone(),
                what: format!("it does not keep the class `{CLASS}`"),
            });
        }
        let mut open = Model::clone(model);
        open.manifest.score_threshold = SCORE_FLOOR;
        Ok(Self {
            name: name.to_owned(),
            model: Arc::clone(model),
            scoring: Looker::open(&Arc::new(open), backend)?,
            timing: Looker::open(model, backend)?,
            results: Vec::new(),
        })
    }

    fn people(&mut self, frame: &Frame) -> Result<Vec<(f32, Rect)>, InferError> {
        let found = self.scoring.look(frame)?;
        let people = found.into_iter().filter(|one| &*one.class == CLASS);
        Ok(people
            .map(|one| (one.score, one.box_in_frame.clamped()))
            .collect())
    }

    fn time(&mut self, frame: &Frame, set: usize, cpu: &Stopwatch<'_>) -> Result<(), InferError> {
        let begun = cpu();
        self.timing.look(frame)?;
        let used = cpu().saturating_sub(begun);
        self.results[set].millis.push(used.as_secs_f64() * 1000.0);
        Ok(())
    }
}

/// Looks at all pictures of all sets with all models. `threshold` is the operating threshold;
/// `progress` hears of every picture, with its set's name. Looks happen on the calling thread, whose
/// processor time `cpu` tells.
///
/// # Errors
/// [`EvalError`] at the first thing that does not work.
pub fn measure(
    sets: &[Set],
    contenders: &mut [Contender],
    threshold: f32,
    source: &dyn Source,
    cpu: &Stopwatch<'_>,
    progress: &mut dyn FnMut(&str),
) -> Result<(), EvalError> {
    for contender in contenders.iter_mut() {
        contender.results = vec![Outcome::default(); sets.len()];
    }
    for (number, set) in sets.iter().enumerate() {
        let mut looked = 0_u64;
        for part in &set.parts {
            let condition = part.condition.clone().unwrap_or_default();
            each(part, source, &mut |frame, people| {
                let timed = looked.is_multiple_of(TIMED_EVERY);
                for contender in contenders.iter_mut() {
                    if looked == 0 {
                        // The first look at a picture of another size makes tables.
                        contender.timing.look(frame)?;
                    }
                    if timed && contender.results[number].millis.len() < MAX_TIMED {
                        contender.time(frame, number, cpu)?;
                    }
                    let found = contender.people(frame)?;
                    let (targets, known) = placed(people, part.unit, frame.size);
                    let results = &mut contender.results[number];
                    let tally = results.tallies.entry(condition.clone()).or_default();
                    tally.count(&known, &judge(&targets, &found), threshold);
                }
                looked += 1;
                progress(&set.name);
                Ok(())
            })?;
        }
    }
    Ok(())
}

/// Pictures that all parts of all sets will show, as far as it is known.
#[must_use]
pub fn pictures_wanted(sets: &[Set]) -> u64 {
    let parts = sets.iter().flat_map(|set| &set.parts);
    parts.filter_map(Part::pictures_wanted).sum()
}
