//! What one analysed frame costs all rules of a camera: six rules, one of each kind and a second
//! line, calibrated, with 10, 50 and 200 confirmed tracks that walk about.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use parapet::config::rule::{
    Crowding, Directions, LineCrossing, Loitering, Running, ZoneIntrusion,
};
use parapet::config::types::{Anchor, Calibration, Line, RuleConfig, RuleKind, Zone};
use parapet::model::event::Severity;
use parapet::model::geometry::{Point, Rect, Size};
use parapet::model::ids::{RuleName, TrackId, ZoneName};
use parapet::model::track::Track;
use parapet::rules::RuleSet;

const PICTURE: Size = Size {
    width: 1920,
    height: 1080,
};

fn points(n: &[(f32, f32)]) -> Vec<Point> {
    n.iter().map(|(x, y)| Point { x: *x, y: *y }).collect()
}

fn rules() -> Vec<RuleConfig> {
    let zone = || Zone {
        name: ZoneName::new("yard").expect("name"),
        points: points(&[
            (0.1, 0.1),
            (0.9, 0.1),
            (0.95, 0.5),
            (0.9, 0.9),
            (0.5, 0.7),
            (0.1, 0.9),
        ]),
    };
    let line = |x: f32| {
        RuleKind::LineCrossing(LineCrossing {
            line: Line {
                name: ZoneName::new("fence").expect("name"),
                points: points(&[(x, 0.0), (x + 0.05, 0.3), (x - 0.05, 0.6), (x, 1.0)]),
            },
            directions: Directions::Both,
            hysteresis_heights: 0.1,
        })
    };
    let second = Duration::from_secs(1);
    let kinds = [
        line(0.4),
        line(0.6),
        RuleKind::ZoneIntrusion(ZoneIntrusion {
            zone: zone(),
            dwell: second,
        }),
        RuleKind::Loitering(Loitering {
            zone: zone(),
            after: 10 * second,
        }),
        RuleKind::Crowding(Crowding {
            zone: zone(),
            count: 8,
            hold: second,
        }),
        RuleKind::Running(Running {
            zone: Some(zone()),
            metres_per_second: 3.0,
            body_heights_per_second: 2.0,
            hold: second,
        }),
    ];
    kinds
        .into_iter()
        .enumerate()
        .map(|(index, kind)| RuleConfig {
            name: RuleName::new(&format!("rule-{index}")).expect("name"),
            severity: Severity::Alarm,
            classes: vec![Arc::from("person")],
            anchor: Anchor::Foot,
            clear_after: 2 * second,
            update_every: 5 * second,
            kind,
        })
        .collect()
}

fn walkers(tick: u64, count: u64, class: &Arc<str>) -> Vec<Track> {
    (0..count)
        .map(|id| {
            let phase = tick as f32 * 0.02 + id as f32;
            Track {
                id: TrackId(id),
                class: class.clone(),
                score: 0.8,
                box_in_frame: Rect {
                    left: 0.47 + 0.4 * phase.sin(),
                    top: 0.3 + 0.3 * (phase * 0.7).cos(),
                    width: 0.06,
                    height: 0.25,
                },
                velocity_per_second: Point::default(),
                confirmed: true,
                seen_now: !(tick + id).is_multiple_of(10),
            }
        })
        .collect()
}

fn six_rules(criterion: &mut Criterion) {
    let calibration = Calibration {
        picture: [(0.3, 0.2), (0.7, 0.2), (1.0, 1.0), (0.0, 1.0)].map(|(x, y)| Point { x, y }),
        ground_metres: [(0.0, 40.0), (12.0, 40.0), (12.0, 0.0), (0.0, 0.0)]
            .map(|(x, y)| Point { x, y }),
    };
    let class: Arc<str> = Arc::from("person");
    let mut group = criterion.benchmark_group("rules/six_rules");
    for count in [10_u64, 50, 200] {
        let frames: Vec<Vec<Track>> = (0..1_000)
            .map(|tick| walkers(tick, count, &class))
            .collect();
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            let mut rules = RuleSet::new(&rules(), Some(&calibration));
            let mut tick = 0_u32;
            bencher.iter(|| {
                let tracks = &frames[tick as usize % frames.len()];
                tick += 1;
                black_box(rules.update(tick * Duration::from_millis(100), PICTURE, tracks))
            });
        });
    }
    group.finish();
}

criterion_group!(benches, six_rules);
criterion_main!(benches);
