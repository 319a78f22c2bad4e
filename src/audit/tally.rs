//! Repetitions become one entry with their number: a flood of refused logins is told, and does
//! not fill the disk. Pure.

use std::collections::HashMap;
use std::time::Duration;

use super::entry::Entry;
use crate::base::clock::Monotonic;

/// Repetitions within this are told together.
const WINDOW: Duration = Duration::from_secs(10);
/// Kinds of entries open at a time; what comes beyond is told as one kind.
const MAX_KINDS: usize = 256;

/// Everything of an entry but how often.
type Kind = Entry;

struct Open {
    since: Monotonic,
    more: u64,
}

/// Counts what repeats itself.
#[derive(Default)]
pub struct Tally {
    open: HashMap<String, (Kind, Open)>,
}

fn key(entry: &Entry) -> String {
    // Unit separators: no identity holds a control character.
    format!(
        "{}\u{1f}{}\u{1f}{}\u{1f}{}\u{1f}{}",
        entry.who,
        entry.what,
        entry.target,
        entry.outcome.name(),
        entry.detail
    )
}

impl Tally {
    /// Takes note of an entry; returns it when it is the first of its kind and to be written now.
    pub fn note(&mut self, entry: Entry, now: Monotonic) -> Option<Entry> {
        let mut entry = entry;
        if self.open.len() >= MAX_KINDS && !self.open.contains_key(&key(&entry)) {
            "others".clone_into(&mut entry.who);
            entry.target.clear();
            entry.detail.clear();
        }
        let key = key(&entry);
        if let Some((_, open)) = self.open.get_mut(&key) {
            open.more += entry.times;
            return None;
        }
        let open = Open {
            since: now,
            more: 0,
        };
        self.open.insert(key, (entry.clone(), open));
        Some(entry)
    }

    /// What is to be written of the windows that are over by now.
    pub fn due(&mut self, now: Monotonic) -> Vec<Entry> {
        self.close(|open| now.since(open.since) >= WINDOW)
    }

    /// What is to be written before the end.
    pub fn rest(&mut self) -> Vec<Entry> {
        self.close(|_| true)
    }

    fn close(&mut self, over: impl Fn(&Open) -> bool) -> Vec<Entry> {
        let mut due = Vec::new();
        self.open.retain(|_, (kind, open)| {
            if !over(open) {
                return true;
            }
            if open.more > 0 {
                due.push(Entry {
                    times: open.more,
                    ..kind.clone()
                });
            }
            false
        });
        due
    }
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::*;

    fn entry(who: &str) -> Entry {
        Entry::once(who, "login", Outcome::Refused)
    }

    fn at(seconds: u64) -> Monotonic {
        Monotonic(Duration::from_secs(seconds))
    }

    #[test]
    fn the_first_is_told_at_once_and_the_rest_with_their_number() {
        let mut tally = Tally::default();
        assert_eq!(tally.note(entry("a"), at(0)), Some(entry("a")));
        for _ in 0..1_000 {
            assert_eq!(tally.note(entry("a"), at(1)), None);
        }
        assert_eq!(tally.note(entry("b"), at(5)), Some(entry("b")));
        assert_eq!(tally.due(at(9)), []);
        let due = tally.due(at(10));
        assert_eq!((due.len(), due[0].times), (1, 1_000));
        assert_eq!(tally.note(entry("a"), at(11)), Some(entry("a")));
        assert_eq!(tally.rest(), []);
    }

    #[test]
    fn every_one_is_counted_however_many_kinds_there_are() {
        let mut tally = Tally::default();
        let mut told = 0;
        for n in 0..10_000 {
            told += tally
                .note(entry(&format!("{n}")), at(0))
                .map_or(0, |entry| entry.times);
        }
        assert!(tally.open.len() <= MAX_KINDS + 1);
        told += tally.rest().iter().map(|entry| entry.times).sum::<u64>();
        assert_eq!(told, 10_000);
    }
}
