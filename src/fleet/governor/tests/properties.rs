//! What holds for any fleet, any load and any cost of the levels.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngSeed, TestRunner};

use super::*;
use crate::model::event::Phase;

fn any_plant() -> impl Strategy<Value = Plant> {
    let sizes = prop::collection::vec(
        (prop::sample::select(vec![10_u8, 50, 100, 200]), 1_usize..30),
        1..4,
    );
    let costs = (0.5_f64..1.0, 0.5_f64..1.0, 0.05_f64..0.9, 0.1_f64..1.0);
    let rest = (
        0.0_f64..0.3,
        0_usize..4,
        0.0_f64..0.1,
        any::<u64>(),
        0_u8..4,
    );
    (sizes, 0.1_f64..4.0, costs, rest).prop_map(|(sizes, demand, costs, rest)| {
        let (base, delay, noise, seed, kinds) = rest;
        let mut plant = Plant::new(fleet(&sizes), demand);
        let mut cost = 1.0;
        for (index, factor) in [costs.0, costs.1, costs.2, costs.3].into_iter().enumerate() {
            cost *= factor;
            plant.costs[index + 1] = cost;
        }
        (plant.base, plant.delay, plant.noise) = (base, delay, noise);
        plant.random = fastrand::Rng::with_seed(seed);
        for camera in &mut plant.cameras {
            camera.always = kinds & 1 == 1 && plant.random.bool();
            camera.asleep = kinds & 2 == 2 && !camera.always && plant.random.bool();
        }
        plant
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// At every moment, whatever the load does, who is asleep, active or away: of two cameras of
    /// one mode the more important one is never worse off; within a priority no camera that is
    /// active is worse off than one that is not.
    #[test]
    fn a_more_important_camera_is_never_worse_off(
        plant in any_plant(),
        loads in prop::collection::vec((0.0_f64..4.0, 1_u64..40), 1..12),
    ) {
        let mut plant = plant;
        for (demand, seconds) in loads {
            plant.demand = demand;
            for camera in &mut plant.cameras {
                camera.active = plant.random.u8(..) < 20;
                camera.streaming = plant.random.u8(..) > 10;
            }
            for _ in 0..seconds {
                plant.second();
                let mut worst: BTreeMap<(bool, u8), CoverageLevel> = BTreeMap::new();
                let mut best: BTreeMap<(bool, u8), CoverageLevel> = BTreeMap::new();
                for camera in &plant.cameras {
                    let (level, key) = (plant.level(camera), (camera.always, camera.priority));
                    let entry = worst.entry(key).or_insert(level);
                    *entry = (*entry).max(level);
                    let entry = best.entry(key).or_insert(level);
                    *entry = (*entry).min(level);
                }
                for (key, worst) in &worst {
                    let lower = best.iter().filter(|(other, _)| other.0 == key.0 && other.1 < key.1);
                    for (other, best) in lower {
                        prop_assert!(worst <= best, "{key:?} {worst:?}, {other:?} {best:?}");
                    }
                }
                for one in plant.cameras.iter().filter(|camera| camera.active) {
                    let others = plant.cameras.iter().filter(|camera| {
                        !camera.active && camera.always == one.always && camera.priority == one.priority
                    });
                    for other in others {
                        let held = plant.governor.active_until.contains_key(&other.id);
                        prop_assert!(held || plant.level(one) <= plant.level(other));
                    }
                }
            }
        }
    }

    /// What was said is what is, or is younger than `update_every`; words come in order, and not
    /// more than two a minute but for a shortage that deepens.
    #[test]
    fn no_change_is_silent(
        plant in any_plant(),
        loads in prop::collection::vec((0.0_f64..4.0, 1_u64..90), 1..8),
    ) {
        let mut plant = plant;
        for (demand, seconds) in loads {
            plant.demand = demand;
            for _ in 0..seconds {
                plant.second();
                let present = plant.summary();
                match plant.said.last() {
                    Some((at, word)) if word.phase != Phase::Ended => {
                        let young = plant.now.since(*at) < POLICY.update_every;
                        prop_assert!(young || word.summary == present);
                        let reduced = word.summary.reduced();
                        prop_assert!(word.phase != Phase::Started || reduced > 0);
                    }
                    _ => prop_assert!(plant.is_full()),
                }
            }
        }
        let mut open = false;
        for (_, word) in &plant.said {
            prop_assert_eq!(open, word.phase != Phase::Started);
            open = word.phase != Phase::Ended;
        }
        for pair in plant.said.windows(2) {
            let apart = pair[1].0.since(pair[0].0);
            let deepens = pair[1].1.summary.worst() > pair[0].1.summary.worst();
            let updates = pair[1].1.phase == Phase::Updated;
            prop_assert!(!updates || deepens || apart >= POLICY.update_every);
        }
    }

}

proptest! {
    // Each case is up to three quarters of an hour of one fleet.
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// A load that leaves room gives everything back, however little the levels had to do with it.
    #[test]
    fn with_room_for_long_enough_everything_returns_to_full(
        plant in any_plant(),
        demand in 0.0_f64..0.6,
    ) {
        let mut plant = plant;
        plant.demand = 4.0;
        plant.run(120);
        // Also the noise leaves room.
        plant.demand = demand;
        plant.base = plant.base.min(0.1);
        plant.run(2_400);
        prop_assert!(plant.is_full(), "{} at {}", plant.summary(), plant.true_load());
        let last = plant.said.last().map(|(_, word)| word.phase);
        prop_assert!(matches!(last, None | Some(Phase::Ended)), "{last:?}");
    }

    /// Under a constant load (with noise, late effects and costs that the governor does not know)
    /// no camera changes more than six times in a minute (four levels down and what was too much of
    /// it up), nor more than 32 times in 20 minutes once it has settled: 40,000 such fleets gave 16 at
    /// most, for one camera whose full rate took all that there is and no more.
    #[test]
    fn under_a_constant_load_it_does_not_oscillate(plant in any_plant()) {
        let mut plant = plant;
        let (_, per_camera) = changes_once_settled(&mut plant);
        prop_assert!(plant.most_changes_a_minute(Monotonic::default()) <= 6);
        prop_assert!(per_camera <= 32.0, "{per_camera}");
    }

    /// Where there is enough for all at less than their full rates, the load is brought below all
    /// that there is, and stays there but for tries.
    #[test]
    fn the_load_is_brought_below_the_budget(plant in any_plant()) {
        let mut plant = plant;
        let least: f64 = plant.base + plant.demand * plant.costs[4];
        prop_assume!(least < 0.8);
        plant.run(120);
        let over = (0..600).filter(|_| {
            plant.second();
            plant.true_load() > 1.1
        });
        prop_assert!(over.count() <= 120);
    }
}

/// Hardly any fleet changes that often, once it has settled: of fixed ones, since any single one may
/// have a load that lies where noise decides. Of 40,000 one in 5,000 changed a camera more than four
/// times in a minute, one in 8,000 each more than ten times; 97 of 100 each less than once.
#[test]
fn under_a_constant_load_most_fleets_change_once_in_two_minutes_at_most() {
    let config = ProptestConfig {
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let mut runner = TestRunner::new(config);
    let (mut calm, mut often) = (0, 0);
    for _ in 0..200 {
        let tree = any_plant().new_tree(&mut runner).expect("a fleet");
        let mut plant = tree.current();
        let (most_a_minute, per_camera) = changes_once_settled(&mut plant);
        calm += usize::from(per_camera < 1.0);
        often += usize::from(most_a_minute > 4 || per_camera > 10.0);
    }
    assert_eq!(often, 0);
    assert!(calm >= 180, "{calm} of 200");
}

/// In the 20 minutes after the first five: the most changes of one camera in a minute, and how often
/// each changed on average.
fn changes_once_settled(plant: &mut Plant) -> (usize, f64) {
    plant.run(300);
    let (from, before) = (plant.now, plant.changes.len());
    plant.run(1_200);
    let after = plant.changes.len() - before;
    let per_camera = after as f64 / plant.cameras.len() as f64;
    (plant.most_changes_a_minute(from), per_camera)
}
