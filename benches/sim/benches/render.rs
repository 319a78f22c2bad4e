//! One 1080p frame of a yard with five people, grain included, and the tracing of what stands
//! still (once per scene).

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use parapet::model::geometry::Size;
use parapet_sim::render::Renderer;
use parapet_sim::world::{
    Clothing, Conditions, Light, Look, Moment, Motion, Person, Place, Structure, Surface, View,
};

const FULL_HD: Size = Size {
    width: 1920,
    height: 1080,
};

fn yard() -> Place {
    Place {
        seed: 3,
        camera: View {
            position: [0.0, 0.0, 5.0],
            pan: 0.0,
            tilt: 0.28,
            field_of_view: 1.15,
        },
        ground: Surface::Asphalt,
        patches: Vec::new(),
        structures: vec![
            Structure::Building {
                center: [33.0, -6.0],
                size: [26.0, 8.0, 6.5],
                heading: 1.6,
                surface: Surface::Plaster,
            },
            Structure::Fence {
                path: vec![[20.0, -30.0], [23.0, 30.0]],
                height: 3.0,
                razor_wire: true,
            },
            Structure::Car {
                at: [15.0, -9.0],
                heading: 1.3,
            },
            Structure::Tree {
                at: [24.0, 9.5],
                height: 7.0,
            },
        ],
        conditions: Conditions {
            light: Light::Day,
            sun: [2.2, 0.8],
            wind: 0.2,
            rain: 0.0,
            snow: 0.0,
            visibility: f32::INFINITY,
            shake: 0.0,
        },
    }
}

/// Five people who walk across the yard, 9 to 17 m away.
fn moment(frame: u64) -> Moment {
    let seconds = frame as f32 / 10.0;
    let people = (0..5_u32)
        .map(|n| Person {
            id: n,
            look: Look {
                height: 1.75,
                build: 1.0,
                clothing: Clothing::Inmate,
                seed: n,
            },
            position: [
                9.0 + 2.0 * n as f32,
                (seconds * 1.4 + 2.0 * n as f32) % 10.0 - 5.0,
                0.0,
            ],
            heading: 1.57,
            motion: Motion::Walk {
                phase: seconds * 0.9 + n as f32 * 0.2,
                metres_per_second: 1.4,
            },
        })
        .collect();
    Moment {
        seconds,
        people,
        ..Moment::default()
    }
}

fn frames(c: &mut Criterion) {
    let mut renderer = Renderer::new(&yard(), FULL_HD);
    let mut frame = 0;
    let mut group = c.benchmark_group("render");
    group.sample_size(20);
    group.bench_function("1080p frame with five people", |b| {
        b.iter(|| {
            frame += 1;
            renderer.draw(black_box(&moment(frame)), frame).people.len()
        });
    });
    group.sample_size(10);
    group.bench_function("1080p place", |b| {
        b.iter(|| Renderer::new(black_box(&yard()), FULL_HD).matrix());
    });
    group.finish();
}

criterion_group!(benches, frames);
criterion_main!(benches);
