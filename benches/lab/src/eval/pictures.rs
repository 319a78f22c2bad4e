//! A part's pictures one after the other, each with its number and who is in it.

use super::EvalError;
use super::dataset::{Part, Person, Pictures, Truth, Unit};
use super::score::Target;
use super::tally::{Band, Known};
use parapet::infer::still::frame_from_image;
use parapet::ingest::{Source, SourceError, playback};
use parapet::model::frame::Frame;
use parapet::model::geometry::{Rect, Size};
use parapet::model::posture::Posture;

/// Takes a picture and who is in it.
pub(super) type Show<'s> = dyn FnMut(&Frame, &[Person]) -> Result<(), EvalError> + 's;

/// Shows every picture of the part that is to be looked at.
pub(super) fn each(part: &Part, source: &dyn Source, show: &mut Show<'_>) -> Result<(), EvalError> {
    let mut show_numbered = |number: u64, frame: &Frame| match wanted(part, number) {
        Some(people) => show(frame, people),
        None => Ok(()),
    };
    match &part.pictures {
        Pictures::Stills(files) => {
            for (number, file) in (0_u64..).zip(files) {
                if wanted(part, number).is_none() {
                    continue;
                }
                let wrong = |why: String| EvalError::Read {
                    file: file.clone(),
                    why,
                };
                let picture = image::open(file).map_err(|error| wrong(error.to_string()))?;
                let picture = picture.to_rgb8();
                if picture.width() < 2 || picture.height() < 2 {
                    return Err(wrong("the picture is too small".to_owned()));
                }
                show_numbered(number, &frame_from_image(&picture))?;
            }
            Ok(())
        }
        Pictures::Video(file) => {
            let played = |source: SourceError| EvalError::Play {
                file: file.clone(),
                source,
            };
            let camera = playback::file_camera(file).map_err(played)?;
            let (mut counted, mut next) = (0, 0);
            let shown = playback::play::<Stopped>(source, &camera, &mut |frame| {
                let number = match part.rate {
                    Some(rate) => (frame.media_time.as_secs_f64() * rate).round() as u64,
                    None => counted,
                };
                counted += 1;
                // A clip with more pictures a second than its truth shows each number once.
                if number < next {
                    return Ok(());
                }
                next = number + 1;
                show_numbered(number, frame).map_err(Stopped::Eval)
            });
            shown.map_err(|stopped| match stopped {
                Stopped::Source(error) => played(error),
                Stopped::Eval(error) => error,
            })
        }
    }
}

/// Why a clip ended early.
enum Stopped {
    Source(SourceError),
    Eval(EvalError),
}

impl From<SourceError> for Stopped {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

/// Who is in the picture of that number; `None` where it is not to be looked at.
fn wanted(part: &Part, number: u64) -> Option<&[Person]> {
    if !number.is_multiple_of(part.every) {
        return None;
    }
    match &part.truth {
        Truth::Nobody => Some(&[]),
        Truth::People(people) => people.get(usize::try_from(number).ok()?)?.as_deref(),
    }
}

/// Who is in a picture of this size, normalised to it; who is outside of it is left out.
pub(super) fn placed(people: &[Person], unit: Unit, size: Size) -> (Vec<Target>, Vec<Known>) {
    let (width, height) = (size.width as f32, size.height as f32);
    let (across, down) = match unit {
        Unit::Normalised => (1.0, 1.0),
        Unit::Pixels { scale } => (scale / width, scale / height),
    };
    let place = |rect: &Rect| {
        let placed = Rect {
            left: rect.left * across,
            top: rect.top * down,
            width: rect.width * across,
            height: rect.height * down,
        };
        Some(placed.clamped()).filter(Rect::is_sound)
    };
    let of = |person: &Person| {
        let whole = place(&person.whole)?;
        let target = Target {
            whole,
            seen: person.seen.as_ref().and_then(place),
            counts: person.counts,
        };
        let (wide, high) = (whole.width * width, whole.height * height);
        let long = match person.posture {
            Some(Posture::Low) => wide.max(high),
            _ => high,
        };
        let known = Known {
            counts: person.counts,
            band: Band::of(long),
            posture: person.posture,
        };
        Some((target, known))
    };
    people.iter().filter_map(of).unzip()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(left: f32, width: f32, height: f32, posture: Option<Posture>) -> Person {
        Person {
            whole: Rect {
                left,
                top: 0.0,
                width,
                height,
            },
            seen: None,
            counts: true,
            posture,
        }
    }

    #[test]
    fn boxes_are_cut_at_the_edges_and_measured_in_pixels_of_the_picture() {
        let size = Size {
            width: 200,
            height: 100,
        };
        let people = [
            person(-40.0, 80.0, 100.0, None),
            person(0.0, 160.0, 60.0, Some(Posture::Low)),
            person(500.0, 10.0, 10.0, None),
        ];
        let (targets, known) = placed(&people, Unit::Pixels { scale: 0.5 }, size);
        assert_eq!(targets.len(), 2, "who is outside is left out");
        let cut = Rect::from_corners(0.0, 0.0, 0.1, 0.5);
        assert!(targets[0].whole.iou(&cut) > 0.999, "{targets:?}");
        assert_eq!(known[0].band, Band::Small, "50 pixels high");
        assert_eq!(known[1].band, Band::Middle, "80 pixels long, 30 high");
    }
}
