//! `images/STEM.jpg` and `labels/STEM.txt`: `class cx cy w h` a line, shares of the picture.

use std::collections::BTreeSet;
use std::path::Path;

use super::{Mistakes, Order, Part, Person, Pictures, Truth, Unit, entries, stills};
use parapet::model::geometry::Rect;

/// The class that people have.
const PERSON: u32 = 0;
/// Boxes may leave the picture by this, for rounding's sake.
const SLACK: f32 = 0.01;

pub(super) fn read(order: &Order, notes: &mut Vec<String>, mistakes: &mut Mistakes) -> Vec<Part> {
    let (images, labels) = (order.place.join("images"), order.place.join("labels"));
    let files = stills(&images);
    if files.is_empty() {
        mistakes.add(format!(
            "{}: no .jpg or .png files beside labels/",
            images.display()
        ));
    }
    let stems: BTreeSet<_> = files.iter().filter_map(|file| file.file_stem()).collect();
    let astray = entries(&labels)
        .iter()
        .filter(|label| label.extension().is_some_and(|ending| ending == "txt"))
        .filter_map(|label| label.file_stem())
        .filter(|stem| *stem != "classes" && !stems.contains(stem))
        .count();
    if astray > 0 {
        notes.push(format!(
            "{}: {astray} label files have no picture of their name",
            order.place.display()
        ));
    }
    let people = files
        .iter()
        .map(|file| {
            let mut label = labels.join(file.file_stem().unwrap_or_default());
            label.as_mut_os_string().push(".txt");
            Some(people(&label, mistakes))
        })
        .collect();
    vec![Part {
        pictures: Pictures::Stills(files),
        truth: Truth::People(people),
        unit: Unit::Normalised,
        rate: None,
        every: order.every,
        condition: None,
    }]
}

fn people(file: &Path, mistakes: &mut Mistakes) -> Vec<Person> {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            mistakes.add(format!("{}: {error}", file.display()));
            return Vec::new();
        }
    };
    let mut people = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        match parse(line) {
            Ok(Some(person)) => people.push(person),
            Ok(None) => {}
            Err(what) => mistakes.at(file, number + 1, &what),
        }
    }
    people
}

/// A line's person; `None` for another class.
fn parse(line: &str) -> Result<Option<Person>, String> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [class, numbers @ ..] = fields.as_slice() else {
        return Err("empty".to_owned());
    };
    let class: u32 = class
        .parse()
        .map_err(|_| format!("`{class}` is no class number"))?;
    if numbers.len() != 4 {
        return Err(format!("{} fields; expected class cx cy w h", fields.len()));
    }
    let mut values = [0.0_f32; 4];
    for (value, text) in values.iter_mut().zip(numbers) {
        *value = text
            .parse()
            .ok()
            .filter(|v| (-SLACK..=1.0 + SLACK).contains(v))
            .ok_or_else(|| format!("`{text}` is no share of the picture, 0 to 1"))?;
    }
    let [x, y, width, height] = values;
    let whole = Rect {
        left: x - width / 2.0,
        top: y - height / 2.0,
        width,
        height,
    };
    if !whole.is_sound() {
        return Err("the box has no area".to_owned());
    }
    Ok((class == PERSON).then_some(Person {
        whole,
        seen: None,
        counts: true,
        posture: None,
    }))
}
