//! The governor against a plant whose load depends on the levels, by a simulated clock.

mod properties;

use std::collections::BTreeMap;

use super::*;
use crate::model::event::Phase;

const POLICY: GovernorPolicy = GovernorPolicy {
    recover_after: Duration::from_secs(15),
    update_every: Duration::from_secs(30),
};

fn camera(number: usize, priority: u8) -> GovernedCamera {
    GovernedCamera {
        id: CameraId::new(&format!("camera-{number}")).expect("name"),
        level: CoverageLevel::Full,
        priority,
        always: false,
        streaming: true,
        asleep: false,
        active: false,
        overdue: false,
    }
}

fn fleet(sizes: &[(u8, usize)]) -> Vec<GovernedCamera> {
    let each = sizes
        .iter()
        .flat_map(|(priority, count)| std::iter::repeat_n(*priority, *count));
    each.enumerate()
        .map(|(number, priority)| camera(number, priority))
        .collect()
}

/// Cameras and what they cost in truth, which is not what the governor believes.
#[derive(Debug)]
struct Plant {
    governor: Governor,
    cameras: Vec<GovernedCamera>,
    levels: BTreeMap<CameraId, CoverageLevel>,
    /// What all cameras at their full rate take of all that there is.
    demand: f64,
    costs: [f64; 5],
    /// The part of it that no level changes.
    base: f64,
    /// Levels take effect this much later, in looks.
    delay: usize,
    past: Vec<f64>,
    noise: f64,
    random: fastrand::Rng,
    now: Monotonic,
    headroom: bool,
    changes: Vec<(Monotonic, Change)>,
    said: Vec<(Monotonic, Announcement)>,
}

impl Plant {
    fn new(cameras: Vec<GovernedCamera>, demand: f64) -> Self {
        Self {
            governor: Governor::new(POLICY),
            cameras,
            levels: BTreeMap::new(),
            demand,
            costs: [1.0, 0.75, 0.6, 0.15, 0.05],
            base: 0.0,
            delay: 0,
            past: Vec::new(),
            noise: 0.0,
            random: fastrand::Rng::with_seed(7),
            now: Monotonic(Duration::from_secs(1_000)),
            headroom: true,
            changes: Vec::new(),
            said: Vec::new(),
        }
    }

    fn level(&self, camera: &GovernedCamera) -> CoverageLevel {
        self.levels.get(&camera.id).copied().unwrap_or_default()
    }

    fn true_load(&self) -> f64 {
        let each = self.cameras.iter().map(|camera| match camera.streaming {
            true if camera.asleep => self.costs[self.level(camera).index()].min(0.15),
            true => self.costs[self.level(camera).index()],
            false => 0.0,
        });
        self.base + self.demand * each.sum::<f64>() / self.cameras.len().max(1) as f64
    }

    fn second(&mut self) {
        self.past.push(self.true_load());
        let seen = self.past[self.past.len().saturating_sub(1 + self.delay)];
        let wobble = 1.0 + self.noise * (self.random.f64() * 2.0 - 1.0);
        let load = Load {
            cpu: seen * wobble,
            inference: 0.0,
            decoding: 0.0,
        };
        self.now = self.now.after(Duration::from_secs(1));
        for camera in &mut self.cameras {
            camera.level = self.levels.get(&camera.id).copied().unwrap_or_default();
        }
        let decision = self.governor.evaluate(self.now, load, &self.cameras);
        self.headroom = decision.headroom;
        for change in decision.changes {
            self.levels.insert(change.camera.clone(), change.to);
            self.changes.push((self.now, change));
        }
        if let Some(word) = decision.announcement {
            self.said.push((self.now, word));
        }
    }

    fn run(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.second();
        }
    }

    fn at(&self, priority: u8) -> Vec<CoverageLevel> {
        let of = self.cameras.iter().filter(|c| c.priority == priority);
        of.map(|camera| self.level(camera)).collect()
    }

    fn summary(&self) -> Summary {
        let each = self.cameras.iter();
        Summary::of(each.map(|c| (c.priority, self.level(c), c.overdue)))
    }

    /// Most changes of one camera within a minute, after `from`.
    fn most_changes_a_minute(&self, from: Monotonic) -> usize {
        let mut most = 0;
        for camera in &self.cameras {
            let times: Vec<Monotonic> = self
                .changes
                .iter()
                .filter(|(at, change)| *at >= from && change.camera == camera.id)
                .map(|(at, _)| *at)
                .collect();
            for (first, at) in times.iter().enumerate() {
                let until = at.after(Duration::from_secs(60));
                let within = times[first..].iter().filter(|other| **other < until);
                most = most.max(within.count());
            }
        }
        most
    }

    fn is_full(&self) -> bool {
        self.cameras
            .iter()
            .all(|camera| self.level(camera) == CoverageLevel::Full)
    }
}

#[test]
fn twice_the_load_takes_from_the_least_important_and_settles_within_half_a_minute() {
    let mut plant = Plant::new(fleet(&[(50, 20), (100, 20), (200, 20)]), 2.0);
    plant.run(30);
    assert!(plant.true_load() <= 1.0, "{}", plant.true_load());
    assert!(
        plant.at(50).iter().all(|l| *l == CoverageLevel::Heartbeat),
        "{}",
        plant.summary()
    );
    assert!(plant.at(100).iter().any(|l| *l > CoverageLevel::Full));
    assert!(plant.at(200).iter().all(|l| *l == CoverageLevel::Full));
    let (_, first) = &plant.said[0];
    assert_eq!(first.phase, Phase::Started);
    let words = plant.summary().to_string();
    assert!(words.starts_with("priority 50: 20 heartbeat; "), "{words}");
}

#[test]
fn when_the_load_goes_each_camera_comes_back_level_by_level_and_it_is_told() {
    let mut plant = Plant::new(fleet(&[(50, 10), (200, 10)]), 1.8);
    plant.run(60);
    let (down, begun) = (plant.changes.len(), plant.now);
    plant.demand = 0.5;
    plant.run(600);
    assert!(plant.is_full(), "{}", plant.summary());
    for (_, change) in &plant.changes[down..] {
        assert_eq!(change.from.index(), change.to.index() + 1, "{change:?}");
    }
    let first = plant.changes[down].0;
    assert!(first.since(begun) >= POLICY.recover_after);
    let phases: Vec<Phase> = plant.said.iter().map(|(_, word)| word.phase).collect();
    assert_eq!(phases.first(), Some(&Phase::Started));
    assert_eq!(phases.last(), Some(&Phase::Ended));
    let ends = phases.iter().filter(|phase| **phase != Phase::Updated);
    assert_eq!(ends.count(), 2, "{phases:?}");
    assert_eq!(plant.said.last().expect("said").1.summary.reduced(), 0);
}

#[test]
fn a_thousand_cameras_of_one_priority_lose_no_more_than_they_must() {
    let mut plant = Plant::new(fleet(&[(100, 1_042)]), 1.25);
    plant.run(120);
    let load = plant.true_load();
    assert!((0.8..=1.0).contains(&load), "{load}");
    assert!(plant.summary().worst() <= CoverageLevel::QuarterRate);
}

#[test]
fn a_camera_on_which_somebody_is_followed_loses_last_within_its_priority() {
    let mut plant = Plant::new(fleet(&[(100, 20), (200, 20)]), 1.6);
    plant.cameras[3].active = true;
    plant.run(60);
    assert_eq!(plant.level(&plant.cameras[3]), CoverageLevel::Full);
    assert!(plant.level(&plant.cameras[4]) > CoverageLevel::Full);
    // One that becomes active gets its rate at once, and nobody else loses anything by it.
    let before = plant.levels.clone();
    plant.cameras[4].active = true;
    plant.second();
    assert_eq!(plant.level(&plant.cameras[4]), CoverageLevel::Full);
    for camera in plant.cameras.iter().filter(|c| !c.active) {
        assert!(plant.levels.get(&camera.id) == before.get(&camera.id));
    }
    // It keeps it for a while after the track was lost.
    plant.cameras[4].active = false;
    plant.run(20);
    assert_eq!(plant.level(&plant.cameras[4]), CoverageLevel::Full);
    // Where even all of the others are not enough, it loses too, before a higher priority does.
    plant.demand = 3.2;
    plant.run(60);
    assert_eq!(plant.level(&plant.cameras[3]), CoverageLevel::Heartbeat);
    assert!(plant.at(200).iter().any(|l| *l > CoverageLevel::Full));
}

#[test]
fn a_camera_that_never_sleeps_loses_after_those_in_watch_mode_of_its_priority() {
    let mut plant = Plant::new(fleet(&[(100, 20)]), 1.3);
    for camera in &mut plant.cameras[10..] {
        camera.always = true;
    }
    plant.run(60);
    let worst = |cameras: &[GovernedCamera]| cameras.iter().map(|c| plant.level(c)).max();
    assert_eq!(worst(&plant.cameras[10..]), Some(CoverageLevel::Full));
    assert!(worst(&plant.cameras[..10]) > Some(CoverageLevel::Full));
}

#[test]
fn there_is_headroom_only_where_the_load_leaves_room_and_nobody_lost_anything() {
    let mut plant = Plant::new(fleet(&[(100, 20)]), 0.5);
    plant.run(10);
    assert!(plant.headroom);
    plant.demand = 0.9;
    plant.run(10);
    assert!(!plant.headroom && plant.is_full());
    plant.demand = 1.8;
    plant.run(30);
    plant.demand = 0.5;
    plant.run(10);
    assert!(!plant.headroom && !plant.is_full());
    plant.run(120);
    assert!(plant.headroom && plant.is_full());
}

#[test]
fn a_hitch_is_no_overload() {
    let mut plant = Plant::new(fleet(&[(100, 20)]), 0.7);
    plant.run(30);
    plant.demand = 9.0;
    plant.run(1);
    plant.demand = 0.7;
    plant.run(30);
    assert!(plant.changes.is_empty() && plant.said.is_empty());
}

#[test]
fn under_a_load_between_two_levels_changes_become_rare() {
    // One camera: at its full rate too much, one level below so little that it wants more.
    let mut plant = Plant::new(fleet(&[(100, 1)]), 1.4);
    plant.costs = [1.0, 0.4, 0.3, 0.15, 0.05];
    plant.run(1_800);
    let early = plant.changes.len();
    let from = plant.now;
    plant.run(1_800);
    let late = plant.changes.len() - early;
    assert!(late <= 14, "{late} changes in half an hour");
    assert!(plant.most_changes_a_minute(from) <= 3);
}

#[test]
fn the_mean_of_inference_is_demand_over_capacity() {
    let load = |busy, analysed, missed| {
        Inference {
            busy,
            analysed,
            missed,
        }
        .load()
    };
    assert!((load(0.4, 100, 0) - 0.4).abs() < 1e-9);
    assert!((load(1.0, 50, 50) - 2.0).abs() < 1e-9);
    assert!(load(1.0, 0, 8) > 2.0);
    assert!(load(0.0, 0, 0).abs() < 1e-9);
}

#[test]
fn a_camera_that_is_opened_anew_gets_the_level_that_it_had() {
    let mut plant = Plant::new(fleet(&[(50, 4), (200, 20)]), 1.1);
    plant.run(60);
    let id = plant.cameras[0].id.clone();
    let before = plant.levels.insert(id.clone(), CoverageLevel::Full);
    assert!(before > Some(CoverageLevel::Full), "{before:?}");
    plant.second();
    assert_eq!(plant.levels.get(&id).copied(), before);
}

#[test]
fn who_is_looked_at_later_than_promised_is_told_while_the_levels_stand() {
    let mut plant = Plant::new(fleet(&[(100, 4)]), 1.2);
    // Nothing that the levels take helps.
    plant.base = 1.0;
    plant.run(120);
    let said = plant.said.len();
    plant.cameras[0].overdue = true;
    plant.run(31);
    let (_, word) = plant.said.last().expect("said");
    assert_eq!((plant.said.len(), word.phase), (said + 1, Phase::Updated));
    let words = word.summary.to_string();
    assert_eq!(
        words,
        "priority 100: 4 heartbeat; 1 looked at later than promised"
    );
}

#[test]
fn a_camera_that_had_all_its_rates_comes_back_faster_than_one_that_could_not_keep_them() {
    let recovery = |failed: bool| {
        let mut plant = Plant::new(fleet(&[(100, 40)]), 1.8);
        plant.run(60);
        if failed {
            // Enough for a while, and then too much again.
            for demand in [0.6, 1.8] {
                plant.demand = demand;
                plant.run(75);
            }
        }
        plant.demand = 0.6;
        let from = plant.now;
        while !plant.is_full() {
            plant.second();
        }
        plant.now.since(from)
    };
    let fast = recovery(false);
    assert!(fast <= Duration::from_secs(60), "{fast:?}");
    assert!(recovery(true) > fast);
}

#[test]
fn what_is_missed_asks_for_more_than_there_is_and_one_of_a_few_tells_little() {
    assert_eq!(demand(0, 0), 0.0);
    assert_eq!(demand(100, 0), 0.0);
    assert!(demand(98, 2) < 0.5);
    assert_eq!(demand(95, 5), 1.0);
    assert!(demand(50, 50) > 1.8);
    assert!(demand(0, 50).is_finite());
    assert!(demand(2, 1) < 0.6);
    let inference = |busy, analysed, missed| Inference {
        busy,
        analysed,
        missed,
    };
    assert_eq!(inference(0.4, 100, 0).load(), 0.4);
    assert_eq!(inference(1.0, 100, 100).load(), 2.0);
    assert!(inference(0.3, 100, 100).load() > 1.8);
}

#[test]
fn a_shortage_that_deepens_after_a_return_makes_the_next_wait_longer_once() {
    let mut plant = Plant::new(fleet(&[(50, 40), (100, 40), (200, 40)]), 1.4);
    plant.run(60);
    plant.demand = 0.9;
    plant.run(20);
    // Much too much: it takes several steps to take enough.
    plant.demand = 3.0;
    plant.run(60);
    assert_eq!(plant.governor.wait, POLICY.recover_after * 2);
}

#[test]
fn a_sleeping_fleet_that_keeps_its_machine_busy_gets_all_its_levels_back() {
    let mut plant = Plant::new(fleet(&[(100, 500), (200, 500)]), 1.6);
    plant.costs = [0.15, 0.14, 0.14, 0.14, 0.14];
    plant.noise = 0.02;
    plant.base = 1.0;
    for camera in &mut plant.cameras {
        camera.asleep = true;
    }
    plant.run(60);
    assert!(plant.summary().reduced() > 0);
    // Asleep, at their full rates, they take 0.84: never below 0.8 for long.
    plant.base = 0.6;
    plant.run(300);
    assert_eq!(plant.summary().reduced(), 0);
    let before = plant.changes.len();
    plant.run(600);
    assert_eq!(plant.changes.len(), before, "and keeps them");
}

#[test]
fn cameras_that_sleep_come_back_without_a_step_for_each_level_that_saves_nothing() {
    let mut plant = Plant::new(fleet(&[(100, 500), (200, 500)]), 1.8);
    for camera in &mut plant.cameras {
        camera.asleep = true;
    }
    // Nothing that the levels take helps.
    plant.base = 1.2;
    plant.run(60);
    assert!(plant.at(200).iter().all(|l| *l == CoverageLevel::Heartbeat));
    plant.base = 0.5;
    plant.run(60);
    assert!(plant.is_full(), "{}", plant.summary());
}

#[test]
fn a_shortage_that_stands_when_the_node_stops_is_ended() {
    let mut plant = Plant::new(fleet(&[(100, 4)]), 3.0);
    plant.run(20);
    let last = plant.governor.stop(plant.now).expect("a word");
    assert_eq!(last.phase, Phase::Ended);
    assert_eq!(plant.governor.stop(plant.now), None);
}

#[test]
fn one_camera_that_is_given_back_more_than_it_was_believed_to_cost_keeps_it() {
    // From keyframes on it is believed to cost ten times as much, and costs a third more.
    let mut plant = Plant::new(fleet(&[(10, 1)]), 4.0);
    plant.costs = [1.0, 0.92, 0.83, 0.58, 0.06];
    plant.base = 0.27;
    plant.run(120);
    assert!(!plant.is_full());
    (plant.demand, plant.base) = (0.58, 0.1);
    plant.run(600);
    assert!(plant.is_full(), "{}", plant.summary());
}
