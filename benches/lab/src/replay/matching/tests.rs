use proptest::prelude::*;

use super::*;
use parapet_sim::expectation::IgnoredSpan;

fn event(start: f64, end: Option<f64>) -> ExpectedEvent {
    ExpectedEvent {
        kind: EventKind::ZONE_INTRUSION,
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
        kind: EventKind::ZONE_INTRUSION,
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
    other[1].kind = EventKind::LOITERING;
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
