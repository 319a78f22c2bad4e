//! Overload through the real supervisor: cameras, batches, analysis and governor run as in the
//! daemon, on a clock that the test moves and a model that computes as fast as the test allows.

mod site;

use std::collections::BTreeSet;
use std::time::Duration;

use self::site::{ACTIVE, EACH, ENOUGH, PRIORITIES, Site, id};
use parapet::config::rule::LineCrossing;
use parapet::config::types::{Anchor, Directions, GovernorConfig, Line, RuleConfig, RuleKind};
use parapet::model::coverage::CoverageLevel;
use parapet::model::event::{Event, EventKind, Phase, Severity};
use parapet::model::geometry::Point;
use parapet::model::ids::{RuleName, ZoneName};

fn assert_declared_order(site: &Site) {
    let levels = site.levels();
    for pair in PRIORITIES.windows(2) {
        let best_below = levels[&pair[0]].iter().min();
        let worst_above = levels[&pair[1]].iter().max();
        assert!(worst_above <= best_below, "{levels:?}");
    }
}

/// What the coverage says is what the analysis worker saw.
fn assert_true_coverage(site: &Site) {
    for number in 0..PRIORITIES.len() * EACH {
        let coverage = site.coverage(number);
        // The window is between 55 and 60 s long.
        let (least, most) = (site.true_gap(number, 55), site.true_gap(number, 60));
        let truth = least..=most;
        assert!(
            truth.contains(&coverage.largest_gap),
            "{number}: {coverage:?}, {truth:?}"
        );
        if PRIORITIES[number / EACH] == 50 {
            assert_eq!(coverage.promised_gap, Duration::from_secs(10));
            assert!(
                coverage.largest_gap >= Duration::from_secs(8),
                "{coverage:?}"
            );
            let kept = coverage.largest_gap <= Duration::from_millis(12_500);
            assert_eq!(coverage.kept, kept, "{number}: {coverage:?}");
        }
    }
}

fn assert_told_from_begin_to_end(told: &[Event]) {
    let reduced: Vec<&Event> = told
        .iter()
        .filter(|e| e.kind == EventKind::COVERAGE_REDUCED)
        .collect();
    let phases: Vec<Phase> = reduced.iter().map(|event| event.phase).collect();
    assert_eq!(phases.first(), Some(&Phase::Started), "{phases:?}");
    assert_eq!(phases.last(), Some(&Phase::Ended), "{phases:?}");
    let (begin, end) = (reduced[0], reduced[reduced.len() - 1]);
    let inner = &phases[1..phases.len() - 1];
    assert!(
        inner.iter().all(|phase| *phase == Phase::Updated),
        "{phases:?}"
    );
    assert!((1..=9).contains(&inner.len()), "{phases:?}");
    assert_eq!(
        reduced
            .iter()
            .map(|e| e.incident)
            .collect::<BTreeSet<_>>()
            .len(),
        1
    );
    assert_eq!(begin.camera.as_str(), "node");
    assert!(begin.detail.count >= Some(1));
    assert_eq!((end.detail.count, end.severity), (Some(0), Severity::Info));
    let deepest = reduced.iter().max_by_key(|event| event.detail.count);
    let words = deepest.and_then(|event| event.detail.reason.clone());
    let words = words.expect("a reason");
    assert!(words.contains("priority 50: 4 heartbeat"), "{words}");
    assert!(words.contains("priority 200: 4 full"), "{words}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overload_takes_in_the_declared_order_is_told_shows_in_the_coverage_and_goes_again() {
    let mut site = Site::start(GovernorConfig {
        every: Duration::from_millis(5),
        recover_after: Duration::from_secs(3),
        ..GovernorConfig::of_cores(2)
    })
    .await;
    let cameras = PRIORITIES.len() * EACH;

    // Enough for all: twelve cameras at 5 frames a second.
    site.run(10, ENOUGH, |_| {}).await;
    assert!(site.told().is_empty(), "{:?}", site.told());
    for number in 0..cameras {
        let coverage = site.coverage(number);
        assert_eq!((coverage.level, coverage.kept), (CoverageLevel::Full, true));
        assert_eq!(coverage.promised_gap.as_millis(), 200);
        assert_eq!(coverage.largest_gap, site.true_gap(number, 60));
    }

    // Enough for 55 of 60: what three of the least important cameras give is enough.
    site.run(20, 55, assert_declared_order).await;
    let levels = site.levels();
    assert!(
        levels[&50].iter().any(|l| *l > CoverageLevel::Full),
        "{levels:?}"
    );
    assert!(
        levels[&100].iter().all(|l| *l == CoverageLevel::Full),
        "{levels:?}"
    );
    assert_eq!(site.coverage(ACTIVE).level, CoverageLevel::Full);

    // Enough for 30: the engaged one gives too, then those of the next priority.
    site.run(75, 30, assert_declared_order).await;
    let levels = site.levels();
    assert!(
        levels[&50].iter().all(|l| *l == CoverageLevel::Heartbeat),
        "{levels:?}"
    );
    assert_eq!(site.coverage(ACTIVE).level, CoverageLevel::Heartbeat);
    // One of them may just be tried with more.
    let lower = levels[&100].iter().filter(|l| **l > CoverageLevel::Full);
    assert!(lower.count() >= 3, "{levels:?}");
    assert!(
        levels[&200].iter().all(|l| *l == CoverageLevel::Full),
        "{levels:?}"
    );
    assert_true_coverage(&site);
    let text = site.metrics.render();
    for (number, level) in [(1, 4), (ACTIVE, 4), (11, 0)] {
        let line = format!(
            "parapet_governor_level{{camera=\"{}\"}} {level}\n",
            id(number)
        );
        assert!(text.contains(&line), "{line}");
    }

    // Enough for all again.
    site.run(180, ENOUGH, assert_declared_order).await;
    for number in 0..cameras {
        let coverage = site.coverage(number);
        assert_eq!(
            (coverage.level, coverage.kept),
            (CoverageLevel::Full, true),
            "{number}"
        );
    }
    assert_told_from_begin_to_end(&site.told());

    site.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_camera_is_looked_at_more_often_while_somebody_is_near_a_line() {
    let point = |x, y| Point { x, y };
    let line = RuleKind::LineCrossing(LineCrossing {
        line: Line {
            name: ZoneName::new("line").expect("name"),
            points: vec![point(0.0, 0.9), point(1.0, 0.9)],
        },
        directions: Directions::Both,
        hysteresis_heights: 0.1,
    });
    let rule = RuleConfig {
        name: RuleName::new("over").expect("name"),
        severity: Severity::Alarm,
        classes: vec!["person".into()],
        anchor: Anchor::Foot,
        clear_after: Duration::from_secs(3),
        update_every: Duration::from_secs(10),
        kind: line,
    };
    let governor = GovernorConfig {
        every: Duration::from_millis(5),
        ..GovernorConfig::of_cores(2)
    };
    let mut site = Site::start_with(governor, |camera| {
        (camera.analysis_fps, camera.analysis_fps_near) = (1.0, 5.0);
        camera.rules = vec![rule.clone()];
    })
    .await;
    site.run(20, ENOUGH, |_| {}).await;
    for number in 0..PRIORITIES.len() * EACH {
        let looks = site.analysed.lock().expect("lock")[&number].len();
        let wanted = if number == ACTIVE { 95..=100 } else { 19..=21 };
        assert!(wanted.contains(&looks), "camera {number}: {looks}");
    }
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_governor_that_is_off_takes_nothing_and_the_coverage_says_what_comes_of_it() {
    let mut site = Site::start(GovernorConfig {
        enabled: false,
        every: Duration::from_millis(5),
        ..GovernorConfig::of_cores(2)
    })
    .await;
    site.run(5, ENOUGH, |_| {}).await;
    site.run(30, 10, |_| {}).await;
    let mut broken = 0;
    for number in 0..PRIORITIES.len() * EACH {
        let coverage = site.coverage(number);
        assert_eq!(coverage.level, CoverageLevel::Full);
        assert_eq!(coverage.largest_gap, site.true_gap(number, 60), "{number}");
        broken += usize::from(!coverage.kept);
    }
    assert!(broken >= 4, "only {broken} promises were broken");
    assert!(site.told().is_empty());
    site.stop().await;
}
