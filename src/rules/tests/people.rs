//! Intrusion, loitering, crowding and running.

use super::*;

#[test]
fn an_intrusion_needs_its_dwell_is_updated_at_its_pace_and_ends_after_it_cleared() {
    let mut scene = Scene::new(RuleKind::ZoneIntrusion(ZoneIntrusion {
        zone: zone(),
        dwell: Duration::from_secs(1),
    }));
    for tick in 0..=70 {
        scene.frame(tick * 100, &[person(3, 0.25, 0.6)]);
    }
    for tick in 71..=100 {
        scene.frame(tick * 100, &[person(3, 0.75, 0.6)]);
    }
    assert_eq!(
        scene.phases(),
        [
            (1000, Phase::Started),
            (6000, Phase::Updated),
            (9000, Phase::Ended)
        ]
    );
    let dwell: Vec<_> = scene
        .said
        .iter()
        .map(|(_, f)| f.detail.dwell_millis)
        .collect();
    assert_eq!(dwell, [Some(1000), Some(6000), Some(7000)]);
    assert!(scene.said.iter().all(|(_, f)| f.incident == 1));
}

#[test]
fn leaving_restarts_the_dwell_of_an_intrusion_but_not_that_of_loitering() {
    let brief = |scene: &mut Scene| {
        for tick in 0..=20_u64 {
            let x = if (5..10).contains(&tick) { 0.75 } else { 0.25 };
            scene.frame(tick * 100, &[person(1, x, 0.6)]);
        }
    };
    let mut intrusion = Scene::new(RuleKind::ZoneIntrusion(ZoneIntrusion {
        zone: zone(),
        dwell: Duration::from_millis(1500),
    }));
    brief(&mut intrusion);
    assert_eq!(intrusion.phases(), []);
    let mut loitering = Scene::new(RuleKind::Loitering(Loitering {
        zone: zone(),
        after: Duration::from_millis(1500),
    }));
    brief(&mut loitering);
    assert_eq!(loitering.phases(), [(1500, Phase::Started)]);
}

#[test]
fn a_lost_track_ends_its_incident_after_clear_after_even_when_nobody_lists_it() {
    let mut scene = Scene::new(RuleKind::ZoneIntrusion(ZoneIntrusion {
        zone: zone(),
        dwell: Duration::ZERO,
    }));
    scene
        .frame(0, &[person(1, 0.25, 0.6)])
        .frame(1900, &[])
        .frame(2000, &[])
        .frame(2100, &[]);
    assert_eq!(scene.phases(), [(0, Phase::Started), (2000, Phase::Ended)]);
}

#[test]
fn a_crowd_is_held_counted_updated_and_ended() {
    let mut scene = Scene::new(RuleKind::Crowding(Crowding {
        zone: zone(),
        count: 3,
        hold: Duration::from_secs(1),
    }));
    let crowd = |n: u64| {
        (0..n)
            .map(|id| person(id, 0.05 + 0.03 * id as f32, 0.6))
            .collect::<Vec<_>>()
    };
    for tick in 0..=110_u64 {
        let n = match tick {
            0..=19 => 3,
            20..=79 => 5,
            _ => 1,
        };
        scene.frame(tick * 100, &crowd(n));
    }
    let told: Vec<_> = scene
        .said
        .iter()
        .map(|(at, f)| (*at, f.phase, f.detail.count.unwrap_or(0), f.objects.len()))
        .collect();
    // The missing four still count for the grace of 0.5 s, hence the clear begins at 8.5 s.
    assert_eq!(
        told,
        [
            (1000, Phase::Started, 3, 3),
            (6000, Phase::Updated, 5, 5),
            (10_400, Phase::Ended, 1, 1)
        ]
    );
}

#[test]
fn a_crowd_of_unconfirmed_tracks_is_none_and_a_hidden_head_still_counts_for_a_moment() {
    let kind = || {
        RuleKind::Crowding(Crowding {
            zone: zone(),
            count: 2,
            hold: Duration::from_secs(1),
        })
    };
    let mut scene = Scene::new(kind());
    let ghost = Track {
        confirmed: false,
        ..person(2, 0.3, 0.6)
    };
    for tick in 0..20 {
        scene.frame(tick * 100, &[person(1, 0.2, 0.6), ghost.clone()]);
    }
    assert_eq!(scene.phases(), []);
    let mut hidden = Scene::new(kind());
    for tick in 0..=10_u64 {
        let behind = Track {
            seen_now: tick % 4 == 0,
            ..person(2, 0.3, 0.6)
        };
        hidden.frame(tick * 100, &[person(1, 0.2, 0.6), behind]);
    }
    assert_eq!(hidden.phases(), [(1000, Phase::Started)]);
}

#[test]
fn running_is_measured_over_the_ground_where_calibrated() {
    let go = |metres_per_second: f32| {
        let mut scene = Scene::with(&rule(running(3.0)), Some(&ground()));
        for tick in 0..20_u64 {
            let x = 0.1 + metres_per_second / 20.0 * 0.1 * tick as f32;
            scene.frame(tick * 100, &[person(1, x, 0.6)]);
        }
        scene
    };
    assert_eq!(go(1.5).phases(), []);
    let fast = go(5.0);
    // 0.3 s until there is a speed, then held for 0.5 s.
    assert_eq!(fast.phases(), [(800, Phase::Started)]);
    let object = &fast.said[0].1.objects[0];
    assert!((object.speed_mps.expect("speed") - 5.0).abs() < 0.01);
    assert!((object.ground_metres.expect("ground").y - 6.0).abs() < 0.01);
    assert_eq!(fast.said[0].1.detail.body_heights_per_second, None);
}

#[test]
fn running_is_measured_in_body_heights_where_not_calibrated() {
    // 0.2 picture widths a second are 0.2 * 16/9 / 0.2 = 1.78 body heights.
    let mut scene = Scene::new(running(99.0));
    for tick in 0..20_u64 {
        scene.frame(
            tick * 100,
            &[
                person(1, 0.1 + 0.02 * tick as f32, 0.6),
                person(2, 0.1 + 0.01 * tick as f32, 0.9),
            ],
        );
    }
    assert_eq!(scene.phases(), [(800, Phase::Started)]);
    let said = &scene.said[0].1;
    assert_eq!(said.objects[0].track, TrackId(1));
    assert_eq!(said.objects[0].speed_mps, None);
    assert!((said.detail.body_heights_per_second.expect("speed") - 1.78).abs() < 0.01);
}
