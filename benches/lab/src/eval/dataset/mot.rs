//! `gt/gt.txt` and `seqinfo.ini` of the MOTChallenge; pictures from `img1/`, another folder or a video.

use super::{Mistakes, Order, Part, Person, Pictures, Truth, Unit, pictures_at};
use crate::mot::{Entry, parse, sequence_info};
use parapet::model::geometry::Rect;

pub(super) fn read(order: &Order, mistakes: &mut Mistakes) -> Vec<Part> {
    let file = order.place.join("gt/gt.txt");
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) => {
            mistakes.add(format!("{}: {error}", file.display()));
            return Vec::new();
        }
    };
    let entries = parse(&text, &file);
    let info = sequence_info(&order.place);
    let place = order.pictures.clone();
    let place = place.unwrap_or_else(|| order.place.join("img1"));
    let pictures = pictures_at(&place, mistakes);
    let (entries, info, pictures) = match (entries, info, pictures) {
        (Ok(entries), Ok(info), Some(pictures)) => (entries, info, pictures),
        (entries, info, _) => {
            let errors = [entries.err(), info.err()];
            errors
                .into_iter()
                .flatten()
                .for_each(|error| mistakes.add(error.to_string()));
            return Vec::new();
        }
    };
    if let Some(beyond) = entries.iter().find(|entry| entry.frame > info.frames) {
        mistakes.add(format!(
            "{}: frame {} is beyond seqLength={} of seqinfo.ini",
            file.display(),
            beyond.frame,
            info.frames
        ));
    }
    let (unit, divisor) = match order.scale {
        Some(scale) => (Unit::Pixels { scale }, (1.0, 1.0)),
        None => (
            Unit::Normalised,
            (f64::from(info.size.width), f64::from(info.size.height)),
        ),
    };
    let shown = u64::from(info.frames.saturating_sub(order.first.saturating_sub(1)));
    let mut people = vec![Some(Vec::new()); usize::try_from(shown).unwrap_or(0)];
    if let Pictures::Stills(files) = &pictures {
        people.truncate(files.len());
    }
    for entry in &entries {
        let number = entry.frame.checked_sub(order.first);
        let place = number.and_then(|number| people.get_mut(number as usize));
        if let Some(Some(place)) = place {
            place.push(person(entry, divisor));
        }
    }
    vec![Part {
        pictures,
        truth: Truth::People(people),
        unit,
        rate: None,
        every: order.every,
        condition: None,
    }]
}

fn person(entry: &Entry, (across, down): (f64, f64)) -> Person {
    Person {
        whole: Rect {
            left: (entry.left / across) as f32,
            top: (entry.top / down) as f32,
            width: (entry.width / across) as f32,
            height: (entry.height / down) as f32,
        },
        seen: None,
        counts: entry.score != 0.0,
        posture: None,
    }
}
