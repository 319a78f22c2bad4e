//! Which alarm belongs to which expected event. Pure.
//!
//! An alarm may stand for an event of its kind (and rule, where the event names one) when it
//! comes within the event's window. Each alarm stands for one event at most and each event is hit
//! by one alarm at most; as many events as possible are hit, and by the earliest alarms that
//! allow it. What is left over is judged one by one: see [`Verdict`].

use std::time::Duration;

use parapet::model::event::EventKind;
use parapet::model::ids::RuleName;
use parapet_sim::expectation::{Expectation, ExpectedEvent};

/// The first word of an incident.
#[derive(Clone, Debug, PartialEq)]
pub struct Alarm {
    /// What is said to have happened.
    pub kind: EventKind,
    /// The rule that said so.
    pub rule: Option<RuleName>,
    /// When, in clip time.
    pub at: Duration,
    /// When the incident ended, in clip time.
    pub ended: Option<Duration>,
}

/// What an alarm was worth. Numbers are those of expected events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is an event's first alarm.
    Hit(usize),
    /// It speaks once more of an event that was hit: neither right nor wrong.
    Repeat(usize),
    /// It came where alarms count neither way.
    Ignored,
    /// It speaks of an event that happens, but its window is over: wrong, and the event missed
    /// (as in i-LIDS, where only the alarm period counts).
    Late(usize),
    /// It speaks of nothing.
    False,
}

impl Verdict {
    /// Whether it counts as a false alarm.
    #[must_use]
    pub fn is_wrong(self) -> bool {
        matches!(self, Self::Late(_) | Self::False)
    }
}

/// The result of a matching.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matched {
    /// For each expected event the alarm that hit it.
    pub hits: Vec<Option<usize>>,
    /// For each alarm what it was worth.
    pub verdicts: Vec<Verdict>,
}

/// Matches a clip's alarms, in any order, with what is expected of it.
///
/// Alarms are taken in the order of time; each one that can be given an event is given one, along
/// an augmenting path where others must move aside (Kuhn, 1955). The sets of alarms that can be
/// matched form a transversal matroid (Edmonds and Fulkerson, 1965), so that this greedy choice is
/// both as large as can be and the earliest. Pairs that cross in time are exchanged in the end.
#[must_use]
pub fn match_alarms(expected: &Expectation, alarms: &[Alarm]) -> Matched {
    let events = &expected.events;
    let ignored = |alarm: &Alarm| {
        expected.ignore.iter().any(|span| {
            (span.start..=span.end).contains(&alarm.at)
                && (span.rule.is_none() || span.rule == alarm.rule)
        })
    };
    let mut by_time: Vec<usize> = (0..alarms.len())
        .filter(|&n| !ignored(&alarms[n]))
        .collect();
    by_time.sort_by_key(|&n| (alarms[n].at, n));
    let mut by_start: Vec<usize> = (0..events.len()).collect();
    by_start.sort_by_key(|&n| (events[n].start, n));
    let mut pairs = Pairs {
        events,
        alarms,
        by_start: &by_start,
        hits: vec![None; events.len()],
    };
    for &alarm in &by_time {
        pairs.place(alarm, &mut vec![false; events.len()]);
    }
    pairs.uncross();
    let hits = pairs.hits;
    let verdicts = (0..alarms.len())
        .map(|n| {
            if let Some(event) = hits.iter().position(|hit| *hit == Some(n)) {
                Verdict::Hit(event)
            } else if ignored(&alarms[n]) {
                Verdict::Ignored
            } else {
                leftover(events, &by_start, &hits, &alarms[n])
            }
        })
        .collect();
    Matched { hits, verdicts }
}

fn same_matter(event: &ExpectedEvent, alarm: &Alarm) -> bool {
    event.kind == alarm.kind && (event.rule.is_none() || event.rule == alarm.rule)
}

fn fits(event: &ExpectedEvent, alarm: &Alarm) -> bool {
    same_matter(event, alarm) && event.window().contains(&alarm.at)
}

/// An alarm that hit nothing: of the events that it may speak of, the last one that was hit, else
/// the last one that was missed.
fn leftover(
    events: &[ExpectedEvent],
    by_start: &[usize],
    hits: &[Option<usize>],
    alarm: &Alarm,
) -> Verdict {
    let speaks_of = |n: &&usize| {
        let event = &events[**n];
        same_matter(event, alarm) && event.reach().contains(&alarm.at)
    };
    let mut missed = None;
    for &n in by_start.iter().rev().filter(speaks_of) {
        if hits[n].is_some() {
            return Verdict::Repeat(n);
        }
        missed = missed.or(Some(n));
    }
    missed.map_or(Verdict::False, Verdict::Late)
}

struct Pairs<'a> {
    events: &'a [ExpectedEvent],
    alarms: &'a [Alarm],
    by_start: &'a [usize],
    hits: Vec<Option<usize>>,
}

impl Pairs<'_> {
    /// Gives the alarm an event, moving others aside where that helps; never takes an event from
    /// an alarm without giving it another.
    fn place(&mut self, alarm: usize, tried: &mut [bool]) -> bool {
        for &event in self.by_start {
            if tried[event] || !fits(&self.events[event], &self.alarms[alarm]) {
                continue;
            }
            tried[event] = true;
            let free = match self.hits[event] {
                None => true,
                Some(holder) => self.place(holder, tried),
            };
            if free {
                self.hits[event] = Some(alarm);
                return true;
            }
        }
        false
    }

    /// Exchanges the alarms of two events wherever the later event has the earlier alarm and the
    /// exchange fits. Each exchange leaves fewer such pairs, so it ends.
    fn uncross(&mut self) {
        let mut again = true;
        while again {
            again = false;
            for (place, &first) in self.by_start.iter().enumerate() {
                for &second in &self.by_start[place + 1..] {
                    let (Some(a), Some(b)) = (self.hits[first], self.hits[second]) else {
                        continue;
                    };
                    let (earlier, later) = (&self.alarms[b], &self.alarms[a]);
                    if (earlier.at, b) < (later.at, a)
                        && fits(&self.events[first], earlier)
                        && fits(&self.events[second], later)
                    {
                        self.hits.swap(first, second);
                        again = true;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
