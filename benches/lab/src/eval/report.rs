//! What is told of a run: one structure, as JSON and as tables.

mod text;

use std::path::PathBuf;

use serde::Serialize;

pub use text::text;

use super::SCORE_FLOOR;
use super::dataset::{Leniency, Set};
use super::run::{Contender, Outcome};
use super::tally::{Figures, Tally};

/// A whole run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The operating threshold.
    pub threshold: f32,
    /// Detections below it were not asked for.
    pub score_floor: f32,
    /// Simulated figures that show less of themselves are ignored.
    pub min_visible_share: f32,
    /// Simulated figures whose longer side is shorter are ignored.
    pub min_pixels: f32,
    /// Who took part.
    pub models: Vec<ModelEntry>,
    /// What they did on each set.
    pub sets: Vec<SetEntry>,
}

/// A model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelEntry {
    /// Its name in the tables.
    pub name: String,
    /// The manifest's version.
    pub version: String,
    /// Its weights.
    pub weights: PathBuf,
    /// Their SHA-256.
    pub sha256: String,
    /// Pixels across and down.
    pub input: [u32; 2],
    /// The manifest's own threshold, with which it was timed.
    pub score_threshold: f32,
}

/// A set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SetEntry {
    /// Its name.
    pub name: String,
    /// What is odd about it and does no harm.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// One entry a model, in the models' order.
    pub results: Vec<Entry>,
}

/// One model on one set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    /// The model's name.
    pub model: String,
    /// Over the whole set.
    pub all: Figures,
    /// By light or weather, where it is known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub by_condition: Vec<ConditionEntry>,
    /// The processor time of one picture on one thread; absent where none was looked at.
    pub millis: Option<Millis>,
}

/// One model on one set's pictures of one condition.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ConditionEntry {
    /// The condition.
    pub condition: String,
    /// Its figures.
    #[serde(flatten)]
    pub figures: Figures,
}

/// Milliseconds of processor time of single looks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Millis {
    /// How many were timed.
    pub looks: usize,
    /// A tenth of them was faster.
    pub p10: f64,
    /// Half of them was.
    pub p50: f64,
    /// Nine tenths were.
    pub p90: f64,
}

impl Millis {
    fn of(looks: &[f64]) -> Option<Self> {
        let mut sorted = looks.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let place = (share * sorted.len() as f64) as usize;
            sorted.get(place.min(sorted.len().saturating_sub(1)))
        };
        Some(Self {
            looks: looks.len(),
            p10: *at(0.1)?,
            p50: *at(0.5)?,
            p90: *at(0.9)?,
        })
    }
}

impl Report {
    /// Of contenders that have been measured on these sets.
    #[must_use]
    pub fn of(sets: &[Set], contenders: &[Contender], threshold: f32, leniency: Leniency) -> Self {
        let model = |contender: &Contender| {
            let manifest = &contender.model.manifest;
            ModelEntry {
                name: contender.name.clone(),
                version: manifest.version.clone(),
                weights: contender.model.weights.clone(),
                sha256: manifest.sha256.clone(),
                input: [manifest.input.width, manifest.input.height],
                score_threshold: manifest.score_threshold,
            }
        };
        let set = |(number, set): (usize, &Set)| {
            let of = |contender: &Contender| {
                let outcome = contender.results.get(number)?;
                Some(entry(&contender.name, outcome, threshold))
            };
            SetEntry {
                name: set.name.clone(),
                notes: set.notes.clone(),
                results: contenders.iter().filter_map(of).collect(),
            }
        };
        Self {
            threshold,
            score_floor: SCORE_FLOOR,
            min_visible_share: leniency.visible_share,
            min_pixels: leniency.pixels,
            models: contenders.iter().map(model).collect(),
            sets: sets.iter().enumerate().map(set).collect(),
        }
    }
}

fn entry(model: &str, outcome: &Outcome, threshold: f32) -> Entry {
    let mut all = Tally::default();
    let mut by_condition = Vec::new();
    for (condition, tally) in &outcome.tallies {
        all.add(tally);
        if !condition.is_empty() {
            by_condition.push(ConditionEntry {
                condition: condition.clone(),
                figures: tally.figures(threshold),
            });
        }
    }
    Entry {
        model: model.to_owned(),
        all: all.figures(threshold),
        by_condition,
        millis: Millis::of(&outcome.millis),
    }
}
