//! What a key may hold: texts, numbers in a range, times, words, points.

use std::ops::RangeInclusive;
use std::time::Duration;

use toml_edit::{Item, Value};

use super::{Set, Table, did_you_mean};

impl<'f> Table<'f> {
    /// A text that is not empty.
    pub fn text(&self, key: &'static str) -> Option<Set<'f, &'f str>> {
        let text = self.typed(key, "a text in quotes", Item::as_str)?;
        if text.value.trim().is_empty() {
            self.problem(
                text.at,
                format!("`{key}` is empty: write a text or drop the key"),
            );
            return None;
        }
        Some(text)
    }

    /// A name checked by its type's own rule.
    pub fn name<T, E: std::fmt::Display>(
        &self,
        key: &'static str,
        check: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<Set<'f, T>> {
        let text = self.text(key)?;
        match check(text.value) {
            Ok(value) => Some(Set { value, at: text.at }),
            Err(error) => {
                self.problem(text.at, format!("`{key}`: {error}"));
                None
            }
        }
    }

    /// Yes or no.
    pub fn flag(&self, key: &'static str) -> Option<Set<'f, bool>> {
        self.typed(key, "true or false", Item::as_bool)
    }

    /// A whole number in a range.
    pub fn integer(&self, key: &'static str, range: RangeInclusive<i64>) -> Option<Set<'f, i64>> {
        let number = self.typed(key, "a whole number", Item::as_integer)?;
        self.within(key, number, &range)
    }

    /// The same as a type that holds the range.
    pub fn whole<T: TryFrom<i64>>(
        &self,
        key: &'static str,
        range: RangeInclusive<i64>,
    ) -> Option<Set<'f, T>> {
        let number = self.integer(key, range)?;
        let value = T::try_from(number.value).ok()?;
        Some(number.map(|_| value))
    }

    /// A whole number in a range, or `"auto"`, which is none.
    pub fn whole_or_auto<T: TryFrom<i64>>(
        &self,
        key: &'static str,
        range: RangeInclusive<i64>,
    ) -> Option<Set<'f, Option<T>>> {
        let wanted = "a whole number or \"auto\"";
        let found = self.typed(key, wanted, |item| match item.as_str() {
            Some("auto") => Some(None),
            _ => item.as_integer().map(Some),
        })?;
        let Some(value) = found.value else {
            return Some(found.map(|_| None));
        };
        let value = T::try_from(self.within(key, found.map(|_| value), &range)?.value).ok()?;
        Some(found.map(|_| Some(value)))
    }

    /// A size in KiB, in bytes.
    pub fn kib(&self, key: &'static str, range: RangeInclusive<i64>) -> Option<Set<'f, usize>> {
        let kib = self.whole::<usize>(key, range)?;
        Some(kib.map(|kib| kib << 10))
    }

    /// A number, with or without a point, in a range.
    pub fn number(&self, key: &'static str, range: RangeInclusive<f64>) -> Option<Set<'f, f64>> {
        let number = self.typed(key, "a number", |item| item.as_value().and_then(float))?;
        self.within(key, number, &range)
    }

    /// A number that needs no more than single precision.
    pub fn single(&self, key: &'static str, range: RangeInclusive<f64>) -> Option<Set<'f, f32>> {
        let number = self.number(key, range)?;
        Some(number.map(|number| number as f32))
    }

    fn within<T: PartialOrd + std::fmt::Display + Copy>(
        &self,
        key: &str,
        number: Set<'f, T>,
        range: &RangeInclusive<T>,
    ) -> Option<Set<'f, T>> {
        if range.contains(&number.value) {
            return Some(number);
        }
        let (least, most) = (range.start(), range.end());
        self.problem(
            number.at,
            format!("`{key}` is {}: write {least} to {most}", number.value),
        );
        None
    }

    /// Seconds, with or without a point.
    pub fn seconds(
        &self,
        key: &'static str,
        range: RangeInclusive<f64>,
    ) -> Option<Set<'f, Duration>> {
        let number = self.number(key, range)?;
        // Whole microseconds: 0.1 must not become 0.10000000149 s.
        Some(number.map(|seconds| Duration::from_micros((seconds * 1e6).round() as u64)))
    }

    /// Whole milliseconds.
    pub fn millis(
        &self,
        key: &'static str,
        range: RangeInclusive<i64>,
    ) -> Option<Set<'f, Duration>> {
        let number = self.whole(key, range)?;
        Some(number.map(Duration::from_millis))
    }

    /// Whole days.
    pub fn days(&self, key: &'static str, range: RangeInclusive<i64>) -> Option<Set<'f, Duration>> {
        let number = self.whole::<u64>(key, range)?;
        Some(number.map(|days| Duration::from_secs(days * 86_400)))
    }

    /// One of a few words.
    pub fn choice<T: Copy>(&self, key: &'static str, choices: &[(&str, T)]) -> Option<Set<'f, T>> {
        let text = self.text(key)?;
        let found = choices.iter().find(|(word, _)| *word == text.value);
        if found.is_none() {
            let words: Vec<_> = choices
                .iter()
                .map(|(word, _)| format!("`{word}`"))
                .collect();
            let hint = did_you_mean(text.value, choices.iter().map(|(word, _)| *word));
            self.problem(
                text.at,
                format!(
                    "`{key}` is `{}`: write {}{hint}",
                    text.value,
                    words.join(", ")
                ),
            );
        }
        found.map(|(_, value)| Set {
            value: *value,
            at: text.at,
        })
    }

    /// A list of texts.
    pub fn texts(&self, key: &'static str) -> Option<Set<'f, Vec<&'f str>>> {
        self.typed(key, "a list of texts such as [\"a\", \"b\"]", |item| {
            item.as_array()?
                .iter()
                .map(|value| value.as_str().filter(|text| !text.is_empty()))
                .collect()
        })
    }

    /// A list of points `[[x, y], …]` of finite numbers.
    pub fn points(&self, key: &'static str) -> Option<Set<'f, Vec<[f64; 2]>>> {
        self.typed(
            key,
            "a list of points such as [[0.1, 0.2], [0.3, 0.4]]",
            |item| item.as_array()?.iter().map(pair).collect(),
        )
    }

    /// Two numbers `[a, b]`.
    pub fn pair(&self, key: &'static str) -> Option<Set<'f, [f64; 2]>> {
        self.typed(key, "two numbers such as [1920, 1080]", |item| {
            item.as_value().and_then(pair)
        })
    }
}

fn float(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Integer(whole) => *whole.value() as f64,
        Value::Float(number) => *number.value(),
        _ => return None,
    };
    number.is_finite().then_some(number)
}

fn pair(value: &Value) -> Option<[f64; 2]> {
    let array = value.as_array().filter(|array| array.len() == 2)?;
    Some([array.get(0).and_then(float)?, array.get(1).and_then(float)?])
}
