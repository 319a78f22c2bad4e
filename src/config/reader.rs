//! A table that is read key by key: it notes what is wrong and which keys nobody asked for.

mod suggestion;
mod values;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;

use toml_edit::{Item, TableLike, Value};

use super::problem::{File, Report, Spot};

pub use suggestion::did_you_mean;

/// A value and where it was written.
#[derive(Clone, Copy)]
pub struct Set<'f, T> {
    pub value: T,
    pub at: Spot<'f>,
}

impl<'f, T> Set<'f, T> {
    /// The same place with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Set<'f, U> {
        Set {
            value: change(self.value),
            at: self.at,
        }
    }

    /// For a field that may be unset.
    pub fn some(self) -> Set<'f, Option<T>> {
        self.map(Some)
    }
}

impl<'f> Set<'f, &str> {
    /// For a field that outlives the file.
    pub fn owned(self) -> Set<'f, String> {
        self.map(str::to_owned)
    }

    /// A path as it is written.
    pub fn path(self) -> Set<'f, PathBuf> {
        self.map(PathBuf::from)
    }
}

impl<'f> Set<'f, Vec<&str>> {
    /// For a field that outlives the file.
    pub fn all_owned(self) -> Set<'f, Vec<String>> {
        self.map(|texts| texts.into_iter().map(str::to_owned).collect())
    }
}

/// One table of one file.
pub struct Table<'f> {
    pub at: Spot<'f>,
    pub subject: String,
    pub report: &'f Report,
    items: &'f dyn TableLike,
    known: RefCell<Vec<&'static str>>,
    /// By key the place in the file of a value that was taken.
    taken: RefCell<BTreeMap<&'static str, usize>>,
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
            taken: RefCell::default(),
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

    /// Says how to write a key that is not there.
    pub fn needs(&self, key: &str, how: &str) {
        if !self.has(key) {
            self.missing(key, how);
        }
    }

    /// Notes that a key is needed.
    pub fn missing(&self, key: &str, how: &str) {
        self.problem(self.at, format!("`{key}` is missing: {how}"));
    }

    /// Notes where the value of a key stood that was taken.
    pub fn note(&self, key: &'static str, at: Spot<'f>) {
        self.taken.borrow_mut().insert(key, at.offset);
    }

    /// Notes what a table below has noted.
    pub fn note_all(&self, below: &Self) {
        self.taken.borrow_mut().extend(below.taken.borrow().iter());
    }

    /// Where the values stood that were taken.
    pub fn places(&self) -> BTreeMap<&'static str, Spot<'f>> {
        let taken = self.taken.borrow();
        taken
            .iter()
            .map(|(key, at)| (*key, self.spot(Some(*at))))
            .collect()
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

    /// Says of a key that has another name now which one that is.
    pub fn renamed(&self, old: &'static str, now: &str) {
        if self.has(old) {
            self.known.borrow_mut().push(old);
            let at = self.key_spot(old);
            self.problem(
                at,
                format!("`{old}` is called `{now}` now: rename it to [{now}]"),
            );
        }
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
