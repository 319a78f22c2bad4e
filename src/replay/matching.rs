//! Which alarm belongs to which expected event. Pure.
//!
//! An alarm may stand for an event of its kind (and rule, where the event names one) when it
//! comes within the event's window. Each alarm stands for one event at most and each event is hit
//! by one alarm at most; as many events as possible are hit, and by the earliest alarms that
//! allow it. What is left over is judged one by one: see [`Verdict`].

use std::time::Duration;

use crate::config::expectation::{Expectation, ExpectedEvent};
use crate::model::event::EventKind;
use crate::model::ids::RuleName;

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
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::expectation::IgnoredSpan;

    fn event(start: f64, end: Option<f64>) -> ExpectedEvent {
        ExpectedEvent {
            kind: EventKind::ZoneIntrusion,
            rule: RuleName::new("a").ok(),
            start: Duration::from_secs_f64(start),
            end: end.map(Duration::from_secs_f64),
            before: None,
            after: None,
            note: None,
        }
    }

    fn alarm(at: f64) -> Alarm {
        Alarm {
            kind: EventKind::ZoneIntrusion,
            rule: RuleName::new("a").ok(),
            at: Duration::from_secs_f64(at),
            ended: None,
        }
    }

    fn matched(events: &[ExpectedEvent], alarms: &[Alarm]) -> Matched {
        let expected = Expectation {
            events: events.to_vec(),
            ..Expectation::default()
        };
        match_alarms(&expected, alarms)
    }

    #[test]
    fn the_window_reaches_from_a_second_before_to_ten_after_with_its_ends() {
        for (at, hit) in [(8.99, false), (9.0, true), (20.0, true), (20.01, false)] {
            let found = matched(&[event(10.0, None)], &[alarm(at)]);
            assert_eq!(found.hits[0].is_some(), hit, "{at}");
            assert_eq!(found.verdicts[0].is_wrong(), !hit, "{at}");
        }
    }

    #[test]
    fn further_alarms_of_one_event_count_neither_way_until_it_is_well_over() {
        let found = matched(
            &[event(10.0, Some(40.0))],
            &[
                alarm(11.0),
                alarm(12.0),
                alarm(50.0),
                alarm(50.1),
                alarm(3.0),
            ],
        );
        use Verdict::{False, Hit, Repeat};
        assert_eq!(found.verdicts, [Hit(0), Repeat(0), Repeat(0), False, False]);
    }

    #[test]
    fn an_alarm_after_the_window_is_late_and_the_event_missed() {
        let found = matched(&[event(10.0, Some(60.0))], &[alarm(45.0)]);
        assert_eq!(found.hits, [None]);
        assert_eq!(found.verdicts, [Verdict::Late(0)]);
    }

    #[test]
    fn two_at_once_need_two_alarms_and_another_rule_or_kind_is_false() {
        let events = [event(10.0, None), event(10.0, None)];
        let found = matched(&events, &[alarm(11.0), alarm(11.0)]);
        assert_eq!(found.hits, [Some(0), Some(1)]);
        let found = matched(&events, &[alarm(11.0)]);
        assert_eq!(found.hits, [Some(0), None]);
        let mut other = [alarm(11.0), alarm(11.0)];
        other[0].rule = RuleName::new("b").ok();
        other[1].kind = EventKind::Loitering;
        let found = matched(&events, &other);
        assert_eq!(found.verdicts, [Verdict::False; 2]);
        let any_rule = ExpectedEvent {
            rule: None,
            ..event(10.0, None)
        };
        assert_eq!(matched(&[any_rule], &other).hits, [Some(0)]);
    }

    #[test]
    fn an_earlier_match_moves_aside_where_both_can_be_hit() {
        // The first alarm fits both events, the second only the first.
        let narrow = ExpectedEvent {
            before: Some(Duration::ZERO),
            after: Some(Duration::from_secs(1)),
            ..event(10.5, None)
        };
        let found = matched(&[event(10.0, None), narrow], &[alarm(11.0), alarm(14.0)]);
        assert_eq!(found.hits, [Some(1), Some(0)]);
    }

    #[test]
    fn alarms_in_an_ignored_span_count_neither_way() {
        let expected = Expectation {
            events: vec![event(10.0, None)],
            ignore: vec![IgnoredSpan {
                start: Duration::from_secs(9),
                end: Duration::from_secs(12),
                rule: RuleName::new("a").ok(),
            }],
            ..Expectation::default()
        };
        let mut other = alarm(9.5);
        other.rule = RuleName::new("b").ok();
        let found = match_alarms(&expected, &[alarm(10.0), alarm(13.0), other]);
        use Verdict::{False, Hit, Ignored};
        assert_eq!(found.verdicts, [Ignored, Hit(0), False]);
    }

    /// Every set of alarms that some one-to-one matching can use, by brute force.
    fn usable(events: &[ExpectedEvent], alarms: &[Alarm]) -> Vec<Vec<usize>> {
        fn go(
            at: usize,
            taken: u32,
            used: &mut Vec<usize>,
            events: &[ExpectedEvent],
            alarms: &[Alarm],
            out: &mut Vec<Vec<usize>>,
        ) {
            if at == alarms.len() {
                out.push(used.clone());
                return;
            }
            go(at + 1, taken, used, events, alarms, out);
            for (n, event) in events.iter().enumerate() {
                if taken & (1 << n) == 0 && fits(event, &alarms[at]) {
                    used.push(at);
                    go(at + 1, taken | (1 << n), used, events, alarms, out);
                    used.pop();
                }
            }
        }
        let mut out = Vec::new();
        go(0, 0, &mut Vec::new(), events, alarms, &mut out);
        out
    }

    prop_compose! {
        fn some_event()(
            start in 0..40_u32,
            lasts in prop::option::of(0..30_u32),
            before in prop::option::of(0..5_u32),
            after in prop::option::of(0..15_u32),
            rule in prop::sample::select(vec!["a", "b", ""]),
        ) -> ExpectedEvent {
            ExpectedEvent {
                rule: RuleName::new(rule).ok(),
                before: before.map(|n| Duration::from_secs(n.into())),
                after: after.map(|n| Duration::from_secs(n.into())),
                ..event(start.into(), lasts.map(|n| f64::from(start + n)))
            }
        }
    }

    prop_compose! {
        fn some_alarm()(at in 0..60_u32, rule in prop::sample::select(vec!["a", "b"])) -> Alarm {
            Alarm { rule: RuleName::new(rule).ok(), ..alarm(at.into()) }
        }
    }

    proptest! {
        #[test]
        fn as_many_events_as_possible_are_hit_and_by_the_earliest_alarms(
            events in prop::collection::vec(some_event(), 0..5),
            mut alarms in prop::collection::vec(some_alarm(), 0..6),
        ) {
            alarms.sort_by_key(|alarm| alarm.at);
            let found = matched(&events, &alarms);
            let mut used: Vec<usize> = found.hits.iter().flatten().copied().collect();
            used.sort_unstable();
            let all = usable(&events, &alarms);
            let most = all.iter().map(Vec::len).max().unwrap_or(0);
            let earliest = all.into_iter().filter(|set| set.len() == most).min();
            prop_assert_eq!(Some(used), earliest);
        }

        #[test]
        fn hits_fit_are_one_to_one_and_do_not_cross(
            events in prop::collection::vec(some_event(), 0..12),
            alarms in prop::collection::vec(some_alarm(), 0..20),
        ) {
            let found = matched(&events, &alarms);
            for (n, hit) in found.hits.iter().enumerate() {
                let Some(hit) = *hit else { continue };
                prop_assert!(fits(&events[n], &alarms[hit]));
                prop_assert_eq!(found.verdicts[hit], Verdict::Hit(n));
                for (m, other) in found.hits.iter().enumerate().skip(n + 1) {
                    let Some(other) = *other else { continue };
                    prop_assert_ne!(hit, other);
                    let crossed = (events[n].start, n).cmp(&(events[m].start, m))
                        != alarms[hit].at.cmp(&alarms[other].at)
                        && alarms[hit].at != alarms[other].at;
                    let may = fits(&events[n], &alarms[other]) && fits(&events[m], &alarms[hit]);
                    prop_assert!(!(crossed && may), "{} and {} could be exchanged", n, m);
                }
            }
            let hits = found.verdicts.iter().filter(|v| matches!(v, Verdict::Hit(_))).count();
            prop_assert_eq!(hits, found.hits.iter().flatten().count());
        }

        #[test]
        fn the_order_in_which_alarms_are_given_changes_nothing(
            events in prop::collection::vec(some_event(), 0..6),
            ats in prop::collection::btree_set(0..60_u32, 0..10),
        ) {
            let alarms: Vec<Alarm> = ats.iter().map(|at| alarm(f64::from(*at))).collect();
            let mirrored: Vec<Alarm> = alarms.iter().rev().cloned().collect();
            let (one, other) = (matched(&events, &alarms), matched(&events, &mirrored));
            let last = alarms.len().wrapping_sub(1);
            let turned: Vec<_> = other.hits.iter().map(|hit| hit.map(|n| last - n)).collect();
            prop_assert_eq!(one.hits, turned);
        }
    }
}
