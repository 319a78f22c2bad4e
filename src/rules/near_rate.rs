//! Whether the camera should be analysed at its near-event rate: somebody is near what a rule looks
//! for, soon to be there, or fast. Pure; it decides how often a camera is looked at and never what
//! is told.

use super::approach::Approach;
use super::engine::Start as _;
use super::geometry::Flat;
use crate::config::rule::with_rule_kind;
use crate::config::types::RuleConfig;
use crate::model::geometry::Size;
use crate::model::track::Track;

/// Heights of the own box per second: faster than a brisk walk (1.4 m/s at 1.7 m is 0.8), well
/// below what a running rule asks for by itself (1.8).
const FAST_HEIGHTS_PER_SECOND: f64 = 1.3;

/// Whether any track needs a closer look. A track that is not confirmed may be nobody: it counts
/// near a line, where a look more costs less than a crossing missed, but its speed does not.
#[must_use]
pub fn needs_near_rate(tracks: &[Track], rules: &[RuleConfig], picture: Size) -> bool {
    let aspect = picture.aspect();
    tracks.iter().any(|track| {
        let counted = |rule: &&RuleConfig| rule.classes.contains(&track.class);
        let mut rules = rules.iter().filter(counted);
        (track.confirmed && is_fast(track, aspect) && rules.clone().next().is_some())
            || rules.any(|rule| {
                let approach = Approach::of(track, rule.anchor, aspect);
                with_rule_kind!(&rule.kind, settings => settings.is_near(&approach))
            })
    })
}

fn is_fast(track: &Track, aspect: f32) -> bool {
    let moved = Flat::from_normalised(track.velocity_per_second, aspect);
    let height = f64::from(track.box_in_frame.height).max(1e-3);
    moved.x.hypot(moved.y) / height >= FAST_HEIGHTS_PER_SECOND
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::rule::{Directions, LineCrossing, ZoneIntrusion};
    use crate::config::types::{Anchor, Line, RuleKind, Zone};
    use crate::model::event::Severity;
    use crate::model::geometry::{Point, Rect};
    use crate::model::ids::{RuleName, TrackId, ZoneName};

    const PICTURE: Size = Size {
        width: 1920,
        height: 1080,
    };

    /// Somebody a tenth of the picture high, with the feet at (0.5, `foot`).
    fn somebody(foot: f32, velocity: (f32, f32)) -> Track {
        Track {
            id: TrackId(1),
            class: "person".into(),
            score: 0.9,
            box_in_frame: Rect {
                left: 0.49,
                top: foot - 0.1,
                width: 0.02,
                height: 0.1,
            },
            velocity_per_second: Point {
                x: velocity.0,
                y: velocity.1,
            },
            confirmed: true,
            seen_now: true,
        }
    }

    fn rule(kind: RuleKind) -> RuleConfig {
        RuleConfig {
            name: RuleName::new("r").expect("name"),
            severity: Severity::Alarm,
            classes: vec!["person".into()],
            anchor: Anchor::Foot,
            clear_after: Duration::from_secs(3),
            update_every: Duration::from_secs(10),
            kind,
        }
    }

    fn points(points: [(f32, f32); 3]) -> Vec<Point> {
        points.map(|(x, y)| Point { x, y }).to_vec()
    }

    /// A line across the picture at a height of 0.8.
    fn line() -> RuleConfig {
        rule(RuleKind::LineCrossing(LineCrossing {
            line: Line {
                name: ZoneName::new("l").expect("name"),
                points: points([(0.0, 0.8), (0.5, 0.8), (1.0, 0.8)]),
            },
            directions: Directions::Both,
            hysteresis_heights: 0.1,
        }))
    }

    fn zone() -> RuleConfig {
        rule(RuleKind::ZoneIntrusion(ZoneIntrusion {
            zone: Zone {
                name: ZoneName::new("z").expect("name"),
                points: points([(0.0, 0.0), (1.0, 0.0), (0.5, 1.0)]),
            },
            dwell: Duration::ZERO,
        }))
    }

    fn near(track: Track, rules: &[RuleConfig]) -> bool {
        needs_near_rate(&[track], rules, PICTURE)
    }

    #[test]
    fn nobody_and_somebody_far_off_need_none() {
        assert!(!needs_near_rate(&[], &[line()], PICTURE));
        assert!(!near(somebody(0.3, (0.0, 0.0)), &[line()]));
        assert!(!near(somebody(0.3, (0.0, 0.05)), &[line()]));
    }

    #[test]
    fn within_a_height_of_the_line_and_on_the_way_to_it_it_is_needed() {
        assert!(near(somebody(0.72, (0.0, 0.0)), &[line()]));
        assert!(near(somebody(0.88, (0.0, 0.0)), &[line()]));
        assert!(near(somebody(0.62, (0.0, 0.1)), &[line()]), "a second away");
        let mut new = somebody(0.72, (0.0, 0.0));
        new.confirmed = false;
        assert!(near(new, &[line()]));
    }

    #[test]
    fn who_will_have_passed_the_line_by_then_counts_too() {
        // The step over the line ends more than a height beyond it.
        let mut passing = somebody(0.65, (0.0, 0.4));
        passing.confirmed = false;
        assert!(near(passing, &[line()]));
    }

    #[test]
    fn who_runs_needs_it_anywhere_once_he_is_confirmed() {
        // 0.1 of the picture's width a second are 0.178 heights of it: 1.8 of his own.
        let mut runner = somebody(0.3, (0.1, 0.0));
        assert!(near(runner.clone(), &[zone()]));
        assert!(!near(somebody(0.3, (0.05, 0.0)), &[zone()]));
        runner.confirmed = false;
        assert!(!near(runner, &[zone()]));
    }

    #[test]
    fn what_no_rule_counts_needs_none() {
        let mut bird = somebody(0.75, (0.3, 0.0));
        bird.class = "bird".into();
        assert!(!near(bird.clone(), &[line(), zone()]));
        assert!(!near(somebody(0.75, (0.3, 0.0)), &[]));
        assert!(!near(somebody(0.75, (0.0, 0.0)), &[zone()]));
    }
}
