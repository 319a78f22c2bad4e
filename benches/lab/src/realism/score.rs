//! Figures against detections, frame by frame: counting only.

use std::collections::BTreeMap;

use serde::Serialize;

use parapet::model::detection::Detection;
use parapet::model::geometry::{Rect, Size};
use parapet::model::posture::Posture;

/// A detection with less is none.
const SCORE_LEAST: f32 = 0.4;
/// A figure is found with this.
const FOUND_IOU: f32 = 0.5;
/// A detection with this is no false one.
const NEAR_IOU: f32 = 0.3;
/// A detection of which so much lies on a partly hidden figure is no false one.
const ON_HIDDEN_SHARE: f32 = 0.5;
/// No smaller figure is counted, pixels.
const SMALLEST: f32 = 64.0;
/// A figure stands free unless another one's box takes more of its own box.
const CROWDED_SHARE: f32 = 0.25;

/// A drawn person in one frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    /// Around the whole body, pixels.
    pub pixels: Rect,
    /// Nothing hides it and no edge cuts it.
    pub whole: bool,
    /// How it is.
    pub posture: Posture,
}

/// How high a figure is in the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Band {
    /// 64 to 128 pixels.
    #[serde(rename = "64-128")]
    Small,
    /// 128 to 256 pixels.
    #[serde(rename = "128-256")]
    Middle,
    /// More than 256 pixels.
    #[serde(rename = ">256")]
    Large,
}

impl Band {
    /// By height; low figures by their longer side. None below 64 pixels.
    #[must_use]
    pub fn of(figure: &Figure) -> Option<Self> {
        let long = match figure.posture {
            Posture::Low => figure.pixels.height.max(figure.pixels.width),
            Posture::Upright | Posture::Bent => figure.pixels.height,
        };
        match long {
            long if long > 256.0 => Some(Self::Large),
            long if long >= 128.0 => Some(Self::Middle),
            long if long >= SMALLEST => Some(Self::Small),
            _ => None,
        }
    }

    /// As tables say it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Small => "64-128",
            Self::Middle => "128-256",
            Self::Large => ">256",
        }
    }
}

/// What kind of figure is counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    /// How it is.
    pub posture: Posture,
    /// No other person's box takes more than a quarter of its own: nobody stands behind it whom a
    /// detector could see as one with it.
    pub free: bool,
    /// How high, or long.
    pub band: Band,
    /// Its box is 64 pixels high: of a low figure the longer side alone may be.
    pub high: bool,
}

/// Counts of one detector in one condition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// Frames looked at.
    pub frames: u64,
    /// Detections that are nobody.
    pub false_people: u64,
    /// Figures, and how many of them were found.
    pub figures: BTreeMap<Kind, (u64, u64)>,
}

impl Tally {
    /// Takes one frame.
    pub fn count(&mut self, picture: Size, figures: &[Figure], found: &[Detection]) {
        self.frames += 1;
        let (width, height) = (picture.width as f32, picture.height as f32);
        let people: Vec<(f32, Rect)> = found
            .iter()
            .filter(|one| one.score >= SCORE_LEAST && &*one.class == "person")
            .map(|one| {
                let Rect {
                    left,
                    top,
                    width: wide,
                    height: high,
                } = one.box_in_frame;
                let pixels = Rect {
                    left: left * width,
                    top: top * height,
                    width: wide * width,
                    height: high * height,
                };
                (one.score, pixels)
            })
            .collect();
        let matched = matched(figures, &people);
        for (number, (figure, found)) in figures.iter().zip(&matched).enumerate() {
            if let (true, Some(band)) = (figure.whole, Band::of(figure)) {
                let others = figures.iter().enumerate().filter(|(n, _)| *n != number);
                let most = CROWDED_SHARE * figure.pixels.area();
                let kind = Kind {
                    posture: figure.posture,
                    free: !others
                        .map(|(_, other)| shared(&figure.pixels, &other.pixels))
                        .any(|area| area > most),
                    band,
                    high: figure.pixels.height >= SMALLEST,
                };
                let counts = self.figures.entry(kind).or_default();
                counts.0 += 1;
                counts.1 += u64::from(*found);
            }
        }
        self.false_people += people
            .iter()
            .filter(|(_, pixels)| !figures.iter().any(|figure| is_on(pixels, figure)))
            .count() as u64;
    }

    /// Figures and found ones of all kinds that are wanted.
    #[must_use]
    pub fn sum(&self, wanted: impl Fn(Kind) -> bool) -> (u64, u64) {
        self.figures
            .iter()
            .filter(|(kind, _)| wanted(**kind))
            .fold((0, 0), |sum, (_, counts)| {
                (sum.0 + counts.0, sum.1 + counts.1)
            })
    }

    /// Adds another one's counts.
    pub fn add(&mut self, other: &Self) {
        self.frames += other.frames;
        self.false_people += other.false_people;
        for (key, counts) in &other.figures {
            let own = self.figures.entry(*key).or_default();
            own.0 += counts.0;
            own.1 += counts.1;
        }
    }
}

/// Which figures are found: the surest detection takes the figure it overlaps most of those that
/// are left.
fn matched(figures: &[Figure], people: &[(f32, Rect)]) -> Vec<bool> {
    let mut order: Vec<&(f32, Rect)> = people.iter().collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut taken = vec![false; figures.len()];
    for (_, pixels) in order {
        let best = figures
            .iter()
            .enumerate()
            .filter(|(number, _)| !taken[*number])
            .map(|(number, figure)| (figure.pixels.iou(pixels), number))
            .max_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((iou, number)) = best
            && iou >= FOUND_IOU
        {
            taken[number] = true;
        }
    }
    taken
}

fn is_on(pixels: &Rect, figure: &Figure) -> bool {
    if figure.pixels.iou(pixels) >= NEAR_IOU {
        return true;
    }
    !figure.whole && shared(pixels, &figure.pixels) >= ON_HIDDEN_SHARE * pixels.area()
}

/// The area that both have, square pixels.
fn shared(one: &Rect, other: &Rect) -> f32 {
    let across = one.right().min(other.right()) - one.left.max(other.left);
    let down = one.bottom().min(other.bottom()) - one.top.max(other.top);
    across.max(0.0) * down.max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(left: f32, height: f32, whole: bool) -> Figure {
        Figure {
            pixels: Rect {
                left,
                top: 100.0,
                width: height / 3.0,
                height,
            },
            whole,
            posture: Posture::Upright,
        }
    }

    fn detection(pixels: Rect, score: f32) -> Detection {
        Detection {
            class: "person".into(),
            score,
            box_in_frame: Rect {
                left: pixels.left / 1000.0,
                top: pixels.top / 500.0,
                width: pixels.width / 1000.0,
                height: pixels.height / 500.0,
            },
        }
    }

    const PICTURE: Size = Size {
        width: 1000,
        height: 500,
    };

    #[test]
    fn found_missed_hidden_and_false_ones_are_told_apart() {
        let figures = [
            figure(100.0, 90.0, true),
            figure(300.0, 150.0, true),
            figure(500.0, 90.0, false),
            figure(700.0, 40.0, true),
        ];
        let head = Rect {
            left: 502.0,
            top: 100.0,
            width: 20.0,
            height: 20.0,
        };
        let nobody = Rect {
            left: 850.0,
            ..head
        };
        let found = [
            detection(figures[0].pixels, 0.9),
            detection(figures[1].pixels, 0.3),
            detection(head, 0.8),
            detection(nobody, 0.5),
        ];
        let mut tally = Tally::default();
        tally.count(PICTURE, &figures, &found);
        assert_eq!((tally.frames, tally.false_people), (1, 1));
        assert_eq!(tally.sum(|kind| kind.band == Band::Small), (1, 1));
        assert_eq!(tally.sum(|kind| kind.band == Band::Middle), (1, 0));
        assert_eq!(tally.sum(|_| true), (2, 1));
        assert_eq!(tally.sum(|kind| kind.free), (2, 1));
    }

    #[test]
    fn who_lies_counts_by_length_and_is_high_only_by_height() {
        let lying = |height: f32| Figure {
            pixels: Rect {
                width: 150.0,
                ..figure(100.0, height, true).pixels
            },
            posture: Posture::Low,
            ..figure(100.0, height, true)
        };
        let mut tally = Tally::default();
        tally.count(PICTURE, &[lying(40.0)], &[]);
        assert_eq!(tally.sum(|kind| kind.band == Band::Middle), (1, 0));
        assert_eq!(tally.sum(|kind| kind.high), (0, 0));
        tally.count(PICTURE, &[lying(64.0)], &[]);
        assert_eq!(tally.sum(|kind| kind.high), (1, 0));
    }

    #[test]
    fn one_detection_stands_for_one_figure() {
        let figures = [figure(100.0, 90.0, true), figure(104.0, 90.0, true)];
        let mut tally = Tally::default();
        tally.count(PICTURE, &figures, &[detection(figures[0].pixels, 0.9)]);
        assert_eq!(tally.sum(|_| true), (2, 1));
        assert_eq!(tally.sum(|kind| kind.free), (0, 0));
        let mut both = tally.clone();
        both.add(&tally);
        assert_eq!((both.frames, both.sum(|_| true)), (2, (4, 2)));
    }
}
