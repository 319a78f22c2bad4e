//! Datasets: pictures, and who is in them.
//!
//! A dataset is written `[NAME=]PLACE[,key=value …]`; places of one name are one set. What it is, is
//! seen from the place:
//!
//! | place | what it is |
//! |---|---|
//! | folder with `images/` and `labels/` | YOLO: `labels/STEM.txt` has `class cx cy w h` a line, in 0..1; class 0 is a person; no file means nobody |
//! | folder with `gt/gt.txt` | MOT: with `seqinfo.ini`; pictures in `img1/` or, with `pictures=`, in another folder or in a video |
//! | folder with `*.truth.jsonl`, or a folder of such folders | simulator: `STEM.mp4` and `STEM.truth.jsonl` |
//!
//! Keys: `every=N` looks at every N-th picture; `pictures=` (MOT) names the video or folder of
//! pictures; `first=N` (MOT) is the truth's number of its first picture, 1 where not said; `scale=X`
//! (MOT) leads from the truth's pixels to the pictures', which is otherwise taken from the sizes.

mod mot;
mod simulated;
mod yolo;

use std::path::{Path, PathBuf};

use super::EvalError;
use parapet::model::geometry::Rect;
use parapet::model::posture::Posture;

/// So many mistakes of a dataset are named; the rest is counted.
const MAX_MISTAKES_NAMED: usize = 20;

/// Which simulated figures are ignored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Leniency {
    /// Who shows less of themselves than this.
    pub visible_share: f32,
    /// Whose longer side has fewer pixels.
    pub pixels: f32,
}

impl Default for Leniency {
    fn default() -> Self {
        Self {
            visible_share: 0.5,
            pixels: 16.0,
        }
    }
}

/// A person of the truth, boxes in the part's [`Unit`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Person {
    /// The whole person.
    pub whole: Rect,
    /// What can be seen, where it is known and less.
    pub seen: Option<Rect>,
    /// Whether they must be found.
    pub counts: bool,
    /// How they hold themselves, where it is known.
    pub posture: Option<Posture>,
}

/// What a truth's numbers mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unit {
    /// Shares of the picture.
    Normalised,
    /// Pixels of the picture after multiplication.
    Pixels {
        /// By this.
        scale: f32,
    },
}

/// Where pictures are.
#[derive(Clone, Debug, PartialEq)]
pub enum Pictures {
    /// A recording.
    Video(PathBuf),
    /// JPEG and PNG files, in this order.
    Stills(Vec<PathBuf>),
}

/// Who is in which picture.
#[derive(Clone, Debug, PartialEq)]
pub enum Truth {
    /// Nobody in any.
    Nobody,
    /// By the picture's number, from 0; `None` where a picture is not to be looked at, as is any
    /// beyond the last.
    People(Vec<Option<Vec<Person>>>),
}

/// Pictures of one recording or folder with their truth.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The pictures.
    pub pictures: Pictures,
    /// Who is in them.
    pub truth: Truth,
    /// What the truth's numbers mean.
    pub unit: Unit,
    /// A video's picture has the number of its time times this; without it pictures are counted.
    pub rate: Option<f64>,
    /// Look at every so many-th picture.
    pub every: u64,
    /// Light or weather, where it is known.
    pub condition: Option<String>,
}

impl Part {
    /// How many pictures will be looked at, where that is known before.
    #[must_use]
    pub fn pictures_wanted(&self) -> Option<u64> {
        let numbers = match (&self.truth, &self.pictures) {
            (Truth::People(people), _) => people.iter().map(Option::is_some).collect(),
            (Truth::Nobody, Pictures::Stills(files)) => vec![true; files.len()],
            (Truth::Nobody, Pictures::Video(_)) => return None,
        };
        let every = usize::try_from(self.every).unwrap_or(usize::MAX).max(1);
        let wanted = numbers.iter().step_by(every).filter(|wanted| **wanted);
        Some(wanted.count() as u64)
    }
}

/// A named set.
#[derive(Clone, Debug, PartialEq)]
pub struct Set {
    /// Its name in tables.
    pub name: String,
    /// What it is made of.
    pub parts: Vec<Part>,
    /// What is odd about it and does no harm.
    pub notes: Vec<String>,
}

/// `[NAME=]PLACE[,key=value …]`.
#[derive(Clone, Debug, PartialEq)]
struct Order {
    name: String,
    place: PathBuf,
    every: u64,
    pictures: Option<PathBuf>,
    first: u32,
    scale: Option<f32>,
}

impl Order {
    fn parse(text: &str, every: u64) -> Result<Self, String> {
        let mut fields = text.split(',');
        let head = fields.next().unwrap_or_default();
        let is_name = |name: &str| {
            let good = |c: char| c.is_alphanumeric() || "-_".contains(c);
            !name.is_empty() && name.chars().all(good)
        };
        let (name, place) = match head.split_once('=') {
            Some((name, place)) if is_name(name) => (Some(name.to_owned()), place),
            _ => (None, head),
        };
        let place = PathBuf::from(place);
        let stem = |place: &Path| place.file_stem().map(|s| s.to_string_lossy().into_owned());
        let mut order = Self {
            name: name.or_else(|| stem(&place)).unwrap_or_default(),
            place,
            every,
            pictures: None,
            first: 1,
            scale: None,
        };
        for field in fields {
            order
                .set(field)
                .map_err(|what| format!("`{text}`: {what}"))?;
        }
        if order.name.is_empty() || order.place.as_os_str().is_empty() {
            return Err(format!("`{text}`: write [NAME=]PLACE[,key=value …]"));
        }
        Ok(order)
    }

    fn set(&mut self, field: &str) -> Result<(), String> {
        let wrong = || format!("`{field}`: keys are every=N, pictures=PLACE, first=N and scale=X");
        let (key, value) = field.split_once('=').ok_or_else(wrong)?;
        let positive = |value: f32| value.is_finite() && value > 0.0;
        match key.trim() {
            "every" => {
                let every = value.parse().ok().filter(|n| *n > 0).ok_or_else(wrong)?;
                self.every = every;
            }
            "pictures" => self.pictures = Some(value.into()),
            "first" => self.first = value.parse().map_err(|_| wrong())?,
            "scale" => {
                let scale = value.parse().ok().filter(|x| positive(*x));
                self.scale = Some(scale.ok_or_else(wrong)?);
            }
            _ => return Err(wrong()),
        }
        Ok(())
    }
}

/// Mistakes of datasets, file and line each.
#[derive(Debug, Default)]
struct Mistakes {
    named: Vec<String>,
    more: usize,
}

impl Mistakes {
    fn add(&mut self, mistake: String) {
        if self.named.len() < MAX_MISTAKES_NAMED {
            self.named.push(mistake);
        } else {
            self.more += 1;
        }
    }

    fn at(&mut self, file: &Path, line: usize, what: &str) {
        self.add(format!("{}:{line}: {what}", file.display()));
    }

    fn into_result(mut self) -> Result<(), EvalError> {
        if self.more > 0 {
            self.named.push(format!("and {} more", self.more));
        }
        if self.named.is_empty() {
            Ok(())
        } else {
            Err(EvalError::Data(self.named))
        }
    }
}

/// Reads the truth of all sets before anything is looked at. `labelled` and `empty` are written as
/// the module says; nobody is in the pictures (a video or a folder) of `empty`. `every` goes for
/// those that say nothing else.
///
/// # Errors
/// [`EvalError::Data`] with all mistakes of all sets, by file and line.
pub fn open(
    labelled: &[String],
    empty: &[String],
    every: u64,
    leniency: Leniency,
) -> Result<Vec<Set>, EvalError> {
    let mut mistakes = Mistakes::default();
    let mut sets: Vec<Set> = Vec::new();
    let orders = labelled.iter().map(|text| (text, false));
    for (text, is_empty) in orders.chain(empty.iter().map(|text| (text, true))) {
        let order = match Order::parse(text, every) {
            Ok(order) => order,
            Err(mistake) => {
                mistakes.add(mistake);
                continue;
            }
        };
        let mut notes = Vec::new();
        let parts = if is_empty {
            nobody(&order, &mut mistakes)
        } else {
            read(&order, leniency, &mut notes, &mut mistakes)
        };
        match sets.iter_mut().find(|set| set.name == order.name) {
            Some(set) => {
                set.parts.extend(parts);
                set.notes.extend(notes);
            }
            None => sets.push(Set {
                name: order.name,
                parts,
                notes,
            }),
        }
    }
    mistakes.into_result()?;
    Ok(sets)
}

fn read(
    order: &Order,
    leniency: Leniency,
    notes: &mut Vec<String>,
    mistakes: &mut Mistakes,
) -> Vec<Part> {
    let place = &order.place;
    if place.join("labels").is_dir() {
        return yolo::read(order, notes, mistakes);
    }
    if place.join("gt/gt.txt").is_file() {
        return mot::read(order, mistakes);
    }
    let clips = simulated::clips(place);
    if !clips.is_empty() {
        let mut read = |clip: &PathBuf| simulated::read(clip, order.every, leniency, mistakes);
        return clips.iter().filter_map(&mut read).collect();
    }
    mistakes.add(format!(
        "{}: no dataset: neither labels/ (YOLO) nor gt/gt.txt (MOT) nor *.truth.jsonl (simulator) is there",
        place.display()
    ));
    Vec::new()
}

fn nobody(order: &Order, mistakes: &mut Mistakes) -> Vec<Part> {
    let part = |pictures| Part {
        pictures,
        truth: Truth::Nobody,
        unit: Unit::Normalised,
        rate: None,
        every: order.every,
        condition: None,
    };
    pictures_at(&order.place, mistakes)
        .map(part)
        .into_iter()
        .collect()
}

/// A video, or the stills of a folder in the order of their names.
fn pictures_at(place: &Path, mistakes: &mut Mistakes) -> Option<Pictures> {
    if place.is_file() {
        return Some(Pictures::Video(place.to_owned()));
    }
    let stills = stills(place);
    if stills.is_empty() {
        mistakes.add(format!(
            "{}: neither a video nor a folder with .jpg or .png files",
            place.display()
        ));
        return None;
    }
    Some(Pictures::Stills(stills))
}

/// The folder's entries in the order of their names; none where it cannot be read.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    paths.sort();
    paths
}

fn stills(folder: &Path) -> Vec<PathBuf> {
    let mut files = entries(folder);
    files.retain(|file| {
        let ending = file.extension().map(|e| e.to_string_lossy().to_lowercase());
        matches!(ending.as_deref(), Some("jpg" | "jpeg" | "png"))
    });
    files
}

#[cfg(test)]
mod tests;
