//! The renderer from outside, on small pictures.

use super::*;
use crate::world::{Clothing, Conditions, Motion, Structure, Surface, View as CameraView};

const SMALL: Size = Size {
    width: 320,
    height: 180,
};

fn conditions(light: Light) -> Conditions {
    Conditions {
        light,
        sun: [2.0, 0.9],
        wind: 0.0,
        rain: 0.0,
        snow: 0.0,
        visibility: f32::INFINITY,
        shake: 0.0,
    }
}

fn place(light: Light, structures: Vec<Structure>) -> Place {
    Place {
        seed: 11,
        camera: CameraView {
            position: [0.0, 0.0, 3.5],
            pan: 0.0,
            tilt: 0.2,
            field_of_view: 1.0,
        },
        ground: Surface::Asphalt,
        patches: Vec::new(),
        structures,
        conditions: conditions(light),
    }
}

fn person(x: f32, motion: Motion) -> Person {
    Person {
        id: 7,
        look: Look {
            height: 1.75,
            build: 1.0,
            clothing: Clothing::Inmate,
            seed: 5,
        },
        position: [x, 0.0, 0.0],
        heading: 1.0,
        motion,
    }
}

fn standing(x: f32) -> Moment {
    Moment {
        people: vec![person(x, Motion::Stand { phase: 0.0 })],
        ..Moment::default()
    }
}

fn wall_before() -> Structure {
    Structure::Wall {
        path: vec![[6.0, -8.0], [6.0, 8.0]],
        height: 3.0,
        thickness: 0.3,
        surface: Surface::Concrete,
        razor_wire: false,
    }
}

fn fence_before() -> Structure {
    Structure::Fence {
        path: vec![[6.0, -8.3], [6.0, 8.0]],
        height: 3.0,
        razor_wire: true,
    }
}

fn mean_difference(a: &[u8], b: &[u8]) -> f64 {
    let sum: f64 = a
        .iter()
        .zip(b)
        .map(|(a, b)| f64::from(a.abs_diff(*b)))
        .sum();
    sum / a.len() as f64
}

#[test]
fn the_same_moment_gives_the_same_bytes_whatever_was_drawn_before() {
    let place = place(Light::Day, vec![fence_before()]);
    let (mut one, mut other) = (Renderer::new(&place, SMALL), Renderer::new(&place, SMALL));
    let moment = standing(9.0);
    let first = one.draw(&moment, 3);
    other.draw(&standing(7.0), 1);
    other.draw(&Moment::default(), 2);
    assert_eq!(first, other.draw(&moment, 3));
    assert_ne!(
        first.y,
        other.draw(&moment, 4).y,
        "grain changes from frame to frame"
    );
}

#[test]
fn what_has_gone_leaves_nothing_behind() {
    let place = place(Light::Day, Vec::new());
    let mut renderer = Renderer::new(&place, SMALL);
    let empty = renderer.draw(&Moment::default(), 0);
    let with = renderer.draw(&standing(8.0), 0);
    assert_ne!(empty.y, with.y);
    assert_eq!(empty, renderer.draw(&Moment::default(), 0));
}

#[test]
fn a_free_figure_is_wholly_visible_and_its_box_holds_its_pixels() {
    let mut renderer = Renderer::new(&place(Light::Day, Vec::new()), SMALL);
    let drawn = renderer.draw(&standing(9.0), 0);
    let [seen] = drawn.people.as_slice() else {
        panic!("one person expected: {:?}", drawn.people);
    };
    assert_eq!((seen.id, seen.truncated), (7, false));
    assert!(seen.visible_share > 0.995, "{seen:?}");
    let visible = seen.visible_box.expect("visible");
    let pixel = [1.01 / 320.0, 1.01 / 180.0];
    assert!(visible.left > seen.full_box.left - pixel[0]);
    assert!(visible.top > seen.full_box.top - pixel[1]);
    assert!(visible.right() < seen.full_box.right() + pixel[0]);
    assert!(visible.bottom() < seen.full_box.bottom() + pixel[1]);
    let feet = renderer.project([9.0, 0.0, 0.0]).expect("in front");
    let head = renderer.project([9.0, 0.0, 1.75]).expect("in front");
    assert!((seen.full_box.bottom() - feet.y).abs() < 0.03);
    assert!((seen.full_box.top - head.y).abs() < 0.03);
    assert!((seen.full_box.center().x - 0.5).abs() < 0.02);
    assert!(seen.pixels > 100);
}

#[test]
fn a_wall_hides_and_a_fence_lets_see_through() {
    let share = |structure: Structure| {
        let mut renderer = Renderer::new(&place(Light::Day, vec![structure]), SMALL);
        renderer.draw(&standing(9.0), 0).people[0].clone()
    };
    let hidden = share(wall_before());
    assert!(hidden.visible_share < 0.01, "{hidden:?}");
    assert_eq!(hidden.visible_box, None);
    let through = share(fence_before());
    assert!(through.visible_share > 0.6, "{through:?}");
    assert!(through.visible_box.is_some());
}

#[test]
fn a_figure_at_the_edge_is_truncated_and_one_behind_the_camera_is_not_there() {
    let mut renderer = Renderer::new(&place(Light::Day, Vec::new()), SMALL);
    let mut moment = standing(6.0);
    moment.people[0].position[1] = 3.3;
    let seen = renderer.draw(&moment, 0).people[0].clone();
    assert!(seen.truncated && seen.visible_share < 0.9, "{seen:?}");
    moment.people[0].position[0] = -6.0;
    assert!(renderer.draw(&moment, 0).people.is_empty());
}

#[test]
fn people_hide_each_other() {
    let mut renderer = Renderer::new(&place(Light::Day, Vec::new()), SMALL);
    let mut moment = standing(9.0);
    moment.people.push(Person {
        id: 8,
        ..person(8.2, Motion::Stand { phase: 0.3 })
    });
    let people = renderer.draw(&moment, 0).people;
    assert!(people[0].visible_share < 0.6, "{people:?}");
    assert!(people[1].visible_share > 0.99, "{people:?}");
}

#[test]
fn every_motion_keeps_the_body_whole_and_above_the_ground() {
    use figure::{pose, skeleton};
    for n in 0..20 {
        let t = n as f32 / 20.0;
        let motions = [
            Motion::Stand { phase: t },
            Motion::Walk {
                phase: t,
                metres_per_second: 1.4,
            },
            Motion::Run {
                phase: t,
                metres_per_second: 4.0,
            },
            Motion::Crawl { phase: t },
            Motion::Roll { phase: t },
            Motion::Climb { phase: t },
            Motion::Fall { progress: t },
            Motion::Lie { side: t },
            Motion::Sit { phase: t },
            Motion::Fight { phase: t },
            Motion::Throw { progress: t },
            Motion::Rise { progress: t },
        ];
        for motion in motions {
            let (bones, size) = pose::place(&person(4.0, motion));
            assert!(size > 0.5);
            for bone in &bones {
                assert!(bone.place.iter().all(|v| v.is_finite()), "{motion:?}");
                assert!(
                    (-0.001..2.6).contains(&bone.place[2]),
                    "{motion:?} {bone:?}"
                );
            }
            assert!(skeleton::lowest(&bones) > -0.06, "{motion:?}");
        }
    }
}

#[test]
fn night_is_monochrome_and_day_is_not() {
    let mut night = Renderer::new(&place(Light::NightInfrared, Vec::new()), SMALL);
    let drawn = night.draw(&standing(8.0), 0);
    assert!(drawn.u.iter().chain(&drawn.v).all(|v| *v == 128));
    let mut day = Renderer::new(&place(Light::Day, Vec::new()), SMALL);
    assert!(
        day.draw(&standing(8.0), 0)
            .u
            .iter()
            .any(|v| v.abs_diff(128) > 8)
    );
}

#[test]
fn a_covered_lens_hides_and_a_moved_camera_sees_something_else() {
    let mut renderer = Renderer::new(&place(Light::Day, vec![wall_before()]), SMALL);
    let plain = renderer.draw(&Moment::default(), 0);
    let faulty = |fault: Fault| Moment {
        faults: vec![fault],
        ..Moment::default()
    };
    let covered = renderer.draw(
        &faulty(Fault::Covered {
            share: 1.0,
            grey: 0.1,
        }),
        0,
    );
    let spread = covered.y.iter().max().unwrap() - covered.y.iter().min().unwrap();
    assert!(spread < 25, "{spread}");
    let blurred = renderer.draw(&faulty(Fault::Defocused { sigma: 0.02 }), 0);
    let detail = |y: &[u8]| mean_difference(&y[1..], &y[..y.len() - 1]);
    assert!(detail(&blurred.y) < detail(&plain.y));
    let moved = renderer.draw(
        &faulty(Fault::Moved {
            pan: 0.5,
            tilt: 0.0,
        }),
        0,
    );
    assert!(mean_difference(&plain.y, &moved.y) > 4.0);
    assert_eq!(
        plain,
        renderer.draw(&Moment::default(), 0),
        "and back again"
    );
}

#[test]
fn a_figure_throws_a_shadow_where_the_sun_says() {
    let place = place(Light::Day, Vec::new());
    let mut renderer = Renderer::new(&place, SMALL);
    let (empty, with) = (
        renderer.draw(&Moment::default(), 0),
        renderer.draw(&standing(9.0), 0),
    );
    let [azimuth, height] = place.conditions.sun;
    let far = 1.2 / height.tan();
    let spot = [9.0 - far * azimuth.cos(), -far * azimuth.sin(), 0.0];
    let at = renderer.project(spot).expect("in front");
    let (x, y) = ((at.x * 320.0) as usize, (at.y * 180.0) as usize);
    let bright = |drawn: &Drawn| {
        (0..9)
            .map(|n| i32::from(drawn.y[(y + n / 3 - 1) * 320 + x + n % 3 - 1]))
            .sum::<i32>()
            / 9
    };
    assert!(
        bright(&with) + 15 < bright(&empty),
        "{} {}",
        bright(&with),
        bright(&empty)
    );
}

#[test]
fn weather_lamps_and_things_change_the_picture_and_not_the_truth() {
    let still = place(
        Light::Dusk,
        vec![Structure::LampPost {
            at: [12.0, 2.0],
            height: 5.0,
        }],
    );
    let mut wet = still.clone();
    wet.conditions.rain = 0.6;
    wet.conditions.snow = 0.3;
    wet.conditions.wind = 0.4;
    let moment = standing(9.0);
    let (mut dry, mut wet) = (Renderer::new(&still, SMALL), Renderer::new(&wet, SMALL));
    let (plain, rainy) = (dry.draw(&moment, 0), wet.draw(&moment, 0));
    assert!(mean_difference(&plain.y, &rainy.y) > 1.0);
    assert_eq!(plain.people[0].full_box, rainy.people[0].full_box);
    let position = [8.0, 1.5, 1.2];
    let things = [
        Thing::Packet { position },
        Thing::Bird {
            position,
            heading: 0.3,
            phase: 0.2,
        },
        Thing::Cat {
            position: [8.0, 1.5, 0.0],
            heading: 0.3,
            phase: 0.2,
        },
        Thing::Bag {
            position,
            phase: 0.4,
        },
        Thing::Headlights {
            position: [16.0, 0.0, 0.7],
            heading: 3.1,
        },
        Thing::Shadow {
            center: [8.0, 1.5],
            radius: 3.0,
        },
        Thing::Insect {
            in_picture: [0.4, 0.4],
            size: 0.1,
        },
    ];
    for thing in things {
        let with = Moment {
            things: vec![thing],
            ..moment.clone()
        };
        let drawn = dry.draw(&with, 0);
        assert_ne!(drawn.y, plain.y, "{thing:?}");
        assert_eq!(drawn.people[0].full_box, plain.people[0].full_box);
    }
}

#[test]
fn shake_moves_picture_and_truth_together() {
    let mut place = place(Light::Day, Vec::new());
    place.conditions.shake = 0.01;
    let mut renderer = Renderer::new(&place, SMALL);
    let tops: Vec<f32> = (0..6)
        .map(|n| renderer.draw(&standing(9.0), n).people[0].full_box.left)
        .collect();
    assert!(
        tops.windows(2)
            .any(|pair| (pair[0] - pair[1]).abs() > 0.004),
        "{tops:?}"
    );
}
