//! Who said what about which event, and what does not fit together. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Run and number of an event.
pub(super) type Number = (u64, u64);

/// What the killed processes said.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// Announced before they were given to the journal.
    pub(super) emitted: HashSet<Number>,
    /// Said to be durable, with their sequence.
    pub(super) committed: HashMap<Number, u64>,
}

impl Words {
    /// Takes one whole line of a run's process.
    pub(super) fn hear(&mut self, run: u64, line: &str) {
        let mut words = line.split(' ');
        let kind = words.next();
        let mut next = || words.next()?.parse::<u64>().ok();
        match (kind, next(), next()) {
            (Some("e"), Some(number), None) => {
                self.emitted.insert((run, number));
            }
            (Some("c"), Some(number), Some(sequence)) => {
                self.committed.insert((run, number), sequence);
            }
            _ => {}
        }
    }
}

/// What one consumer was told, over all its connections.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// The last position whose acknowledgement was answered.
    pub(super) confirmed: u64,
    /// The last position that was asked for; it may be durable without an answer.
    pub(super) requested: u64,
    /// Event and hash at each sequence.
    pub(super) at: BTreeMap<u64, (Number, [u8; 32])>,
    /// Events told again, all above `confirmed` when the stream began.
    pub(super) repeated: u64,
    /// What broke a promise, in words.
    pub(super) broken: Vec<String>,
    expected: Option<(u64, u64)>,
}

impl Told {
    /// A new stream begins.
    pub(super) fn begin(&mut self) {
        self.expected = Some((self.confirmed + 1, self.requested.max(self.confirmed) + 1));
    }

    /// An event came.
    pub(super) fn event(&mut self, sequence: u64, number: Number, hash: [u8; 32]) {
        if let Some((first, last)) = self.expected
            && !(first..=last).contains(&sequence)
        {
            self.broke(format!("{sequence} came, {first} to {last} was due"));
        }
        self.expected = Some((sequence + 1, sequence + 1));
        match self.at.insert(sequence, (number, hash)) {
            None => {}
            Some(before) if before == (number, hash) => {
                self.repeated += 1;
            }
            Some(before) => self.broke(format!(
                "{sequence} was {:?} and is now {number:?}",
                before.0
            )),
        }
    }

    /// Notes a broken promise.
    pub(super) fn broke(&mut self, words: String) {
        if self.broken.len() < 20 {
            self.broken.push(words);
        }
    }
}

/// The account at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) emitted: usize,
    pub(super) committed: usize,
    /// Distinct events told.
    pub(super) delivered: usize,
    /// Said to be durable, and not told at their sequence.
    pub(super) lost: usize,
    /// Told, and never announced.
    pub(super) invented: usize,
    /// Announced, and neither said to be durable nor told: in flight when the kill came.
    pub(super) in_flight: usize,
    /// The same event at two sequences.
    pub(super) twice: usize,
    /// Sequences that nobody was told.
    pub(super) holes: usize,
}

impl Account {
    pub(super) fn of(words: &Words, told: &Told) -> Self {
        let mut delivered = BTreeSet::new();
        let mut account = Self {
            emitted: words.emitted.len(),
            committed: words.committed.len(),
            ..Self::default()
        };
        for (number, _) in told.at.values() {
            account.invented += usize::from(!words.emitted.contains(number));
            account.twice += usize::from(!delivered.insert(*number));
        }
        account.delivered = delivered.len();
        let told_at = |sequence: &u64| told.at.get(sequence).map(|(number, _)| number);
        let lost = |(number, sequence): &(&Number, &u64)| told_at(sequence) != Some(*number);
        account.lost = words.committed.iter().filter(lost).count();
        let flying = |number: &&Number| {
            !delivered.contains(*number) && !words.committed.contains_key(*number)
        };
        account.in_flight = words.emitted.iter().filter(flying).count();
        let last = told.at.last_key_value().map_or(0, |(last, _)| *last);
        account.holes = usize::try_from(last).unwrap_or(usize::MAX) - told.at.len();
        account
    }

    /// Whether every promise was kept.
    pub(super) fn is_clean(&self) -> bool {
        (self.lost, self.invented, self.twice, self.holes) == (0, 0, 0, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: [u8; 32] = [1; 32];

    fn words() -> Words {
        let mut words = Words::default();
        for line in ["e 1", "c 1 1", "e 2", "c 2 2", "e 3", "nonsense", "c 4"] {
            words.hear(7, line);
        }
        words
    }

    fn told(events: &[(u64, u64)]) -> Told {
        let mut told = Told::default();
        told.begin();
        for (sequence, number) in events {
            told.event(*sequence, (7, *number), HASH);
        }
        told
    }

    #[test]
    fn the_account_finds_what_is_lost_invented_doubled_and_left_out() {
        let good = Account::of(&words(), &told(&[(1, 1), (2, 2)]));
        assert!(good.is_clean() && good.in_flight == 1, "{good:?}");
        let lost = Account::of(&words(), &told(&[(1, 1)]));
        assert_eq!((lost.lost, lost.is_clean()), (1, false));
        let invented = Account::of(&words(), &told(&[(1, 1), (2, 2), (3, 9)]));
        assert_eq!((invented.invented, invented.is_clean()), (1, false));
        let twice = Account::of(&words(), &told(&[(1, 1), (2, 2), (3, 2)]));
        assert_eq!((twice.twice, twice.is_clean()), (1, false));
        let hole = Account::of(&words(), &told(&[(1, 1), (2, 2), (5, 3)]));
        assert_eq!((hole.holes, hole.is_clean()), (2, false));
    }

    #[test]
    fn a_repetition_is_declared_only_above_what_was_acknowledged() {
        let mut consumer = told(&[(1, 1), (2, 2)]);
        (consumer.confirmed, consumer.requested) = (1, 2);
        consumer.begin();
        consumer.event(2, (7, 2), HASH);
        assert_eq!((consumer.repeated, consumer.broken.len()), (1, 0));
        consumer.begin();
        consumer.event(1, (7, 1), HASH);
        assert_eq!(consumer.broken.len(), 1);
        consumer.event(3, (7, 3), HASH);
        assert_eq!(consumer.broken.len(), 2);
        consumer.begin();
        consumer.event(2, (7, 3), HASH);
        assert_eq!(consumer.broken.len(), 3);
    }
}
