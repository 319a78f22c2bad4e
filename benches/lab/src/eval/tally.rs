//! Judgements add up, and become the figures that one compares.

use std::collections::BTreeMap;

use serde::Serialize;

use super::score::{Judged, Judgement, average_precision, best_f1_score, mean_average_precision};
use parapet::model::posture::Posture;

/// How high a person is in the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Band {
    /// Below 32 pixels.
    #[serde(rename = "<32")]
    Tiny,
    /// 32 to 64 pixels.
    #[serde(rename = "32-64")]
    Small,
    /// 64 to 128 pixels.
    #[serde(rename = "64-128")]
    Middle,
    /// 128 to 256 pixels.
    #[serde(rename = "128-256")]
    Large,
    /// 256 pixels and more.
    #[serde(rename = ">=256")]
    Huge,
}

impl Band {
    /// All of them, the smallest first.
    pub const ALL: [Self; 5] = [
        Self::Tiny,
        Self::Small,
        Self::Middle,
        Self::Large,
        Self::Huge,
    ];

    /// By pixels.
    #[must_use]
    pub fn of(pixels: f32) -> Self {
        match pixels {
            pixels if pixels < 32.0 => Self::Tiny,
            pixels if pixels < 64.0 => Self::Small,
            pixels if pixels < 128.0 => Self::Middle,
            pixels if pixels < 256.0 => Self::Large,
            _ => Self::Huge,
        }
    }

    /// As tables say it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Tiny => "<32",
            Self::Small => "32-64",
            Self::Middle => "64-128",
            Self::Large => "128-256",
            Self::Huge => ">=256",
        }
    }
}

/// A person who had to be found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sought {
    /// How high they are.
    pub band: Band,
    /// How they hold themselves, where that is known.
    pub posture: Option<Posture>,
    /// Score of the detection that found them at IoU 0.5.
    pub found: Option<f32>,
}

/// What one model did on some pictures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    pictures: u64,
    empty_pictures: u64,
    false_on_empty: u64,
    ignored: u64,
    sought: Vec<Sought>,
    detections: Vec<Judged>,
}

/// What is known of a truth's person besides their place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Known {
    /// Whether they must be found.
    pub counts: bool,
    /// How high they are.
    pub band: Band,
    /// How they hold themselves.
    pub posture: Option<Posture>,
}

/// Found ones among those who had to be found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Share {
    /// Who had to be found.
    pub people: usize,
    /// Who was.
    pub found: usize,
}

impl Share {
    fn take(&mut self, found: bool) {
        self.people += 1;
        self.found += usize::from(found);
    }

    /// Found among people; `None` where there was nobody.
    #[must_use]
    pub fn value(self) -> Option<f64> {
        (self.people > 0).then(|| self.found as f64 / self.people as f64)
    }
}

/// What is shown of a [`Tally`]. What nothing was counted for is absent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// Pictures looked at.
    pub pictures: u64,
    /// People who had to be found.
    pub people: usize,
    /// People who count neither way.
    pub ignored: u64,
    /// Average precision at IoU 0.5.
    pub ap50: Option<f64>,
    /// Its mean over IoU 0.5 to 0.95.
    pub ap50_95: Option<f64>,
    /// The score from which on detections have the best F1 at IoU 0.5.
    pub best_f1_score: Option<f32>,
    /// Share of people found at the operating threshold.
    pub recall: Option<f64>,
    /// Share of detections that are people at the operating threshold.
    pub precision: Option<f64>,
    /// Who was found, by height in the picture.
    pub by_height: BTreeMap<Band, Share>,
    /// Who was found, by posture, where that is known.
    pub by_posture: BTreeMap<Posture, Share>,
    /// Pictures with nobody in them.
    pub empty_pictures: u64,
    /// Persons found in those.
    pub false_on_empty: u64,
    /// The same for a thousand of them.
    pub false_per_1000_empty: Option<f64>,
}

impl Tally {
    /// Takes one picture; `known` is of the same people as the judgement, `threshold` the operating
    /// threshold.
    pub fn count(&mut self, known: &[Known], judgement: &Judgement, threshold: f32) {
        self.pictures += 1;
        if known.is_empty() {
            let sure = judgement.detections.iter();
            self.empty_pictures += 1;
            self.false_on_empty += sure.filter(|d| d.score >= threshold).count() as u64;
        }
        for (person, found) in known.iter().zip(&judgement.found) {
            if person.counts {
                self.sought.push(Sought {
                    band: person.band,
                    posture: person.posture,
                    found: *found,
                });
            } else {
                self.ignored += 1;
            }
        }
        self.detections.extend_from_slice(&judgement.detections);
    }

    /// Adds another one's counts.
    pub fn add(&mut self, other: &Self) {
        self.pictures += other.pictures;
        self.empty_pictures += other.empty_pictures;
        self.false_on_empty += other.false_on_empty;
        self.ignored += other.ignored;
        self.sought.extend_from_slice(&other.sought);
        self.detections.extend_from_slice(&other.detections);
    }

    /// The figures at an operating threshold: the one that was counted with.
    #[must_use]
    pub fn figures(&self, threshold: f32) -> Figures {
        let is_found = |person: &Sought| person.found.is_some_and(|score| score >= threshold);
        let (mut by_height, mut by_posture) = (BTreeMap::new(), BTreeMap::new());
        let mut all = Share::default();
        for person in &self.sought {
            let found = is_found(person);
            all.take(found);
            by_height
                .entry(person.band)
                .or_insert_with(Share::default)
                .take(found);
            if let Some(posture) = person.posture {
                by_posture
                    .entry(posture)
                    .or_insert_with(Share::default)
                    .take(found);
            }
        }
        let sure = self.detections.iter().filter(|d| d.score >= threshold);
        let (mut hits, mut said) = (0_usize, 0_usize);
        for judged in sure.filter(|d| !d.is_ignored(0)) {
            said += 1;
            hits += usize::from(judged.is_hit(0));
        }
        Figures {
            pictures: self.pictures,
            people: all.people,
            ignored: self.ignored,
            ap50: average_precision(&self.detections, all.people, 0),
            ap50_95: mean_average_precision(&self.detections, all.people),
            best_f1_score: best_f1_score(&self.detections, all.people, 0),
            recall: all.value(),
            precision: (said > 0).then(|| hits as f64 / said as f64),
            by_height,
            by_posture,
            empty_pictures: self.empty_pictures,
            false_on_empty: self.false_on_empty,
            false_per_1000_empty: (self.empty_pictures > 0)
                .then(|| 1000.0 * self.false_on_empty as f64 / self.empty_pictures as f64),
        }
    }
}
