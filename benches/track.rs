//! Tracker update at 10, 50 and 200 people.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use parapet::config::types::TrackerConfig;
use parapet::model::detection::Detection;
use parapet::model::geometry::{Rect, Size};
use parapet::track::Tracker;

/// People on a grid who sway, so that neighbours come near and gates are not empty.
fn people(count: usize, frame: u64) -> Vec<Detection> {
    let class: Arc<str> = "person".into();
    let columns = (count as f32).sqrt().ceil();
    (0..count)
        .map(|n| {
            let sway = ((frame + n as u64) as f32 * 0.1).sin() * 0.02;
            Detection {
                class: Arc::clone(&class),
                score: 0.9,
                box_in_frame: Rect {
                    left: (n as f32 % columns) / columns + sway,
                    top: (n as f32 / columns).floor() / columns,
                    width: 0.04,
                    height: 0.15,
                },
            }
        })
        .collect()
}

fn update(c: &mut Criterion) {
    for count in [10, 50, 200] {
        let frames: Vec<_> = (0..64).map(|n| people(count, n)).collect();
        let size = Size {
            width: 1920,
            height: 1080,
        };
        let mut tracker = Tracker::new(TrackerConfig::default(), size);
        let mut n = 0_u64;
        c.bench_function(&format!("tracker update with {count} people"), |b| {
            b.iter(|| {
                n += 1;
                let found = &frames[(n % 64) as usize];
                tracker
                    .update(black_box(found), Duration::from_millis(n * 100))
                    .len()
            });
        });
    }
}

criterion_group!(benches, update);
criterion_main!(benches);
