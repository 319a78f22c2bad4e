//! A table that is read key by key: it notes what is wrong and which keys nobody asked for.

use std::cell::RefCell;
use std::ops::RangeInclusive;
use std::time::Duration;

use toml_edit::{Item, TableLike, Value};

use super::problem::{File, Report, Spot};

/// A value and where it was written.
#[derive(Clone, Copy)]
pub struct Set<'f, T> {
    pub value: T,
    pub at: Spot<'f>,
}

/// One table of one file.
pub struct Table<'f> {
    pub at: Spot<'f>,
    pub subject: String,
    pub report: &'f Report,
    items: &'f dyn TableLike,
    known: RefCell<Vec<&'static str>>,
}

impl<'f> Table<'f> {
    /// The whole file.
    pub fn root(file: &'f File<'f>, report: &'f Report) -> Self {
        let at = Spot { file, offset: 0 };
        Self::new(at, String::new(), report, file.document.as_table())
    }

    fn new(at: Spot<'f>, subject: String, report: &'f Report, items: &'f dyn TableLike) -> Self {
        Self {
            at,
            subject,
            report,
            items,
            known: RefCell::default(),
        }
    }

    fn spot(&self, offset: Option<usize>) -> Spot<'f> {
        Spot {
            file: self.at.file,
            offset: offset.unwrap_or(self.at.offset),
        }
    }

    /// Notes a problem of this table at a place.
    pub fn problem(&self, at: Spot<'f>, message: impl Into<String>) {
        self.report.problem(at, &self.subject, message);
    }

    /// Notes that a key is needed.
    pub fn missing(&self, key: &str, how: &str) {
        self.problem(self.at, format!("`{key}` is missing: {how}"));
    }

    /// Whether the key is written at all, right or wrong.
    pub fn has(&self, key: &str) -> bool {
        self.items.contains_key(key)
    }

    /// Whether the key holds a table with nothing in it.
    pub fn key_is_empty_table(&self, key: &str) -> bool {
        let table = self.items.get(key).and_then(Item::as_table_like);
        table.is_some_and(TableLike::is_empty)
    }

    /// Where the key's name is written.
    pub fn key_spot(&self, key: &str) -> Spot<'f> {
        let key = self.items.get_key_value(key).map(|(key, _)| key);
        self.spot(key.and_then(|key| key.span()).map(|span| span.start))
    }

    /// The value of a key, marked as known.
    pub fn item(&self, key: &'static str) -> Option<Set<'f, &'f Item>> {
        self.known.borrow_mut().push(key);
        #[cfg(test)]
        asked::note(&self.subject, key);
        let (name, item) = self.items.get_key_value(key)?;
        let span = item.span().or_else(|| name.span());
        Some(Set {
            value: item,
            at: self.spot(span.map(|span| span.start)),
        })
    }

    fn typed<T>(
        &self,
        key: &'static str,
        wanted: &str,
        convert: impl FnOnce(&'f Item) -> Option<T>,
    ) -> Option<Set<'f, T>> {
        let Set { value: item, at } = self.item(key)?;
        let value = convert(item);
        if value.is_none() {
            let found = item.type_name();
            self.problem(at, format!("`{key}` is {found}: write {wanted}"));
        }
        value.map(|value| Set { value, at })
    }

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

    /// A whole number in a range, or `"auto"`, which is none.
    pub fn integer_or_auto(
        &self,
        key: &'static str,
        range: RangeInclusive<i64>,
    ) -> Option<Set<'f, Option<i64>>> {
        let wanted = "a whole number or \"auto\"";
        let found = self.typed(key, wanted, |item| match item.as_str() {
            Some("auto") => Some(None),
            _ => item.as_integer().map(Some),
        })?;
        let Some(value) = found.value else {
            return Some(found);
        };
        let at = found.at;
        let number = self.within(key, Set { value, at }, &range)?;
        Some(Set {
            value: Some(number.value),
            at: number.at,
        })
    }

    /// A number, with or without a point, in a range.
    pub fn number(&self, key: &'static str, range: RangeInclusive<f64>) -> Option<Set<'f, f64>> {
        let number = self.typed(key, "a number", |item| item.as_value().and_then(float))?;
        self.within(key, number, &range)
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
        let value = Duration::from_micros((number.value * 1e6).round() as u64);
        Some(Set {
            value,
            at: number.at,
        })
    }

    /// Whole milliseconds.
    pub fn millis(
        &self,
        key: &'static str,
        range: RangeInclusive<i64>,
    ) -> Option<Set<'f, Duration>> {
        let number = self.integer(key, range)?;
        let value = Duration::from_millis(number.value.unsigned_abs());
        Some(Set {
            value,
            at: number.at,
        })
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

    /// A table below this one.
    pub fn table(&self, key: &'static str, subject: &str) -> Option<Self> {
        let wanted = format!("a table: [{key}] or {key} = {{ … }}");
        let Set { value, at } = self.typed(key, &wanted, Item::as_table_like)?;
        Some(Self::new(at, self.under(subject), self.report, value))
    }

    /// Named tables below a key: `[key.NAME]`.
    pub fn named_tables(&self, key: &'static str) -> Vec<(Set<'f, &'f str>, Self)> {
        let wanted = format!("named tables: [{key}.NAME]");
        let Some(all) = self.typed(key, &wanted, Item::as_table_like) else {
            return Vec::new();
        };
        let mut tables = Vec::new();
        for (name, item) in all.value.iter() {
            let key_name = all
                .value
                .get_key_value(name)
                .and_then(|(key, _)| key.span());
            let at = self.spot(item.span().or(key_name).map(|span| span.start));
            let subject = format!("[{key}.{name}]");
            match item.as_table_like() {
                Some(items) => {
                    let table = Self::new(at, subject, self.report, items);
                    tables.push((Set { value: name, at }, table));
                }
                None => self.problem(
                    at,
                    format!(
                        "`{key}.{name}` is {}: write a table [{key}.{name}]",
                        item.type_name()
                    ),
                ),
            }
        }
        tables
    }

    /// Tables in a list: `[[key]]`.
    pub fn tables(&self, key: &'static str) -> Vec<Self> {
        let Some(Set { value: item, at }) = self.item(key) else {
            return Vec::new();
        };
        let make = |offset: Option<usize>, items: &'f dyn TableLike| {
            Self::new(self.spot(offset), self.under(key), self.report, items)
        };
        if let Some(array) = item.as_array_of_tables() {
            let start = |span: Option<std::ops::Range<usize>>| span.map(|span| span.start);
            return array
                .iter()
                .map(|table| make(start(table.span()), table))
                .collect();
        }
        let inline = item.as_array().and_then(|array| {
            let one = |value: &'f Value| {
                let table = value.as_inline_table()?;
                Some(make(value.span().map(|span| span.start), table))
            };
            array.iter().map(one).collect()
        });
        inline.unwrap_or_else(|| {
            self.problem(
                at,
                format!("`{key}` is {}: write it as [[{key}]]", item.type_name()),
            );
            Vec::new()
        })
    }

    fn under(&self, subject: &str) -> String {
        match (self.subject.is_empty(), subject.is_empty()) {
            (true, _) => subject.to_owned(),
            (_, true) => self.subject.clone(),
            _ => format!("{}: {subject}", self.subject),
        }
    }

    /// Says which keys nobody asked for. Call it when every key has been read.
    pub fn finish(&self) {
        let known = self.known.borrow();
        for (key, _) in self.items.iter() {
            if !known.contains(&key) {
                let hint = did_you_mean(key, known.iter().copied());
                let what = if hint.is_empty() { ": drop it" } else { &hint };
                self.problem(self.key_spot(key), format!("unknown key `{key}`{what}"));
            }
        }
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

/// `: did you mean …?` where a candidate is near, else nothing.
pub fn did_you_mean<'c>(text: &str, candidates: impl Iterator<Item = &'c str>) -> String {
    // A long text is no slip of a known short one; the distance costs its length squared.
    if text.len() > 64 {
        return String::new();
    }
    candidates
        .map(|candidate| (distance(text, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 5)
        .min()
        .map(|(_, candidate)| format!(": did you mean `{candidate}`?"))
        .unwrap_or_default()
}

/// Levenshtein's edit distance (Levenshtein, 1966), one row at a time.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (above, letter) in from.chars().enumerate() {
        let mut diagonal = above;
        let mut left = above + 1;
        let mut next = vec![left];
        for (wanted, over) in to.iter().zip(row.iter().skip(1)) {
            left = (diagonal + usize::from(*wanted != letter))
                .min(left + 1)
                .min(over + 1);
            diagonal = *over;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

/// Which keys of which tables the reader asks for, so that a test can hold the example against it.
#[cfg(test)]
pub(super) mod asked {
    use std::cell::RefCell;
    use std::collections::BTreeSet;

    thread_local! {
        static ASKED: RefCell<BTreeSet<(String, &'static str)>> = RefCell::default();
    }

    pub(super) fn note(subject: &str, key: &'static str) {
        ASKED.with_borrow_mut(|asked| asked.insert((subject.to_owned(), key)));
    }

    /// What this thread has asked for since the last call, as subject and key.
    pub(in crate::config) fn take() -> BTreeSet<(String, &'static str)> {
        ASKED.take()
    }
}
