#[path = "tests/level.rs"]
mod level;
#[path = "tests/properties.rs"]
mod properties;
#[path = "tests/stream.rs"]
mod stream;

use super::asleep::SUPPRESSED_WAIT;
use super::timeline::JITTER;
use super::*;

const STEP: Duration = Duration::from_millis(80);

fn policy() -> WatchConfig {
    WatchConfig {
        mode: WatchMode::Watch,
        heartbeat: Duration::from_secs(10),
        quiet: Duration::from_secs(5),
        ..WatchConfig::default()
    }
}

/// A camera whose pictures come every 80 ms.
struct Camera {
    gate: Gate,
    number: u32,
    gop: u32,
    bytes: usize,
    /// Two pictures of each group stand out, by less than is worth a glance.
    stirs: bool,
    /// Pictures differ by so many parts of a hundred.
    noise: usize,
    wanted: bool,
    /// There is no place for one more that is awake.
    crowded: bool,
    /// There is not plenty for all.
    scarce: bool,
    level: CoverageLevel,
}

struct Answers {
    wanted: bool,
    admits: bool,
    plenty: bool,
}

impl Ask for Answers {
    fn wanted(&self) -> bool {
        self.wanted
    }

    fn admits(&self, _reason: WakeReason) -> bool {
        self.admits
    }

    fn is_plenty(&self) -> bool {
        self.plenty
    }
}

impl Camera {
    fn new(gop: u32) -> Self {
        Self::of(gop, policy())
    }

    fn of(gop: u32, policy: WatchConfig) -> Self {
        Self {
            gate: Gate::new(policy, 0.0),
            number: 0,
            gop,
            bytes: 4_000,
            stirs: false,
            noise: 0,
            wanted: false,
            crowded: false,
            scarce: false,
            level: CoverageLevel::Full,
        }
    }

    fn always(gop: u32) -> Self {
        let mode = WatchMode::Always;
        Self::of(gop, WatchConfig { mode, ..policy() })
    }

    fn next(&mut self) -> (Duration, Action) {
        let key = self.number.is_multiple_of(self.gop);
        let wobble = 1 + self.number as usize % 7;
        let place = self.number % self.gop;
        let stirs = self.stirs && (self.gop - 3..self.gop - 1).contains(&place);
        let noise = self.bytes * self.noise / 100 * (self.number as usize * 37 % 101) / 100;
        let bytes = self.bytes + noise + if stirs { self.bytes / 4 } else { 0 };
        let unit = Unit {
            kind: if key {
                UnitKind::Key
            } else {
                UnitKind::Reference
            },
            bytes: if key { 60_000 } else { bytes } + 20 * wobble,
            qp: None,
            pts: STEP * self.number,
        };
        self.number += 1;
        let answers = Answers {
            wanted: self.wanted,
            admits: !self.crowded,
            plenty: !self.scarce,
        };
        (unit.pts, self.gate.unit(&unit, self.level, answers))
    }

    fn run(&mut self, seconds: u64) -> Vec<(Duration, Action)> {
        let steps = seconds * 1_000 / 80;
        (0..steps).map(|_| self.next()).collect()
    }

    fn asleep(gop: u32) -> Self {
        let mut camera = Self::new(gop);
        camera.run(30);
        assert!(!camera.gate.is_awake());
        camera
    }
}

fn woke(actions: &[(Duration, Action)]) -> Option<(Duration, WakeReason)> {
    actions.iter().find_map(|(at, action)| match action {
        Action::Wake(reason, _) => Some((*at, *reason)),
        _ => None,
    })
}

/// When the detector looked.
fn looks(actions: &[(Duration, Action)]) -> Vec<Duration> {
    let look = |(at, action): &(Duration, Action)| match action {
        Action::Look { analyse: true } | Action::Sleep { analyse: true } => Some(*at),
        _ => None,
    };
    actions.iter().filter_map(look).collect()
}

#[test]
fn a_quiet_camera_sleeps_after_the_quiet_period_and_decodes_only_keyframes() {
    let mut camera = Camera::asleep(25);
    camera.stirs = true;
    camera.wanted = true;
    let woken = *camera.run(3).last().expect("pictures");
    assert!(camera.gate.is_awake());
    camera.wanted = false;
    let actions = camera.run(60);
    let asleep = actions
        .iter()
        .position(|(_, action)| matches!(action, Action::Sleep { .. }))
        .expect("it sleeps");
    let after = actions[asleep].0 - woken.0;
    assert!((5..=8).contains(&after.as_secs()), "{after:?}");
    for (at, action) in &actions[asleep + 1..] {
        let key = (at.as_millis() / 80).is_multiple_of(25);
        assert_eq!(matches!(action, Action::Look { .. }), key, "{at:?}");
        assert_eq!(*action == Action::Hold, !key, "{at:?}");
    }
}

#[test]
fn it_sleeps_from_its_first_keyframe_on_at_which_the_detector_glances() {
    let mut camera = Camera::new(25);
    camera.number = 20;
    let actions = camera.run(3);
    assert!(
        actions[..5]
            .iter()
            .all(|(_, action)| *action == Action::Follow),
        "before it nothing can be told"
    );
    assert_eq!(actions[5].1, Action::Sleep { analyse: true });
    assert_eq!(actions[6].1, Action::Hold);
    assert_eq!(actions[30].1, Action::Look { analyse: true });
}

#[test]
fn of_what_little_is_known_only_what_is_due_is_looked_at_unless_there_is_plenty() {
    let looked = |scarce, level| {
        let mut camera = Camera::new(25);
        (camera.scarce, camera.level) = (scarce, level);
        let actions = camera.run(24);
        let look = |(_, action): &&(Duration, Action)| matches!(action, Action::Look { .. });
        actions.iter().filter(look).count()
    };
    assert_eq!(looked(false, CoverageLevel::Full), 11);
    assert!(looked(true, CoverageLevel::Full) <= 3);
    assert!(looked(false, CoverageLevel::Keyframes) <= 3);
}

#[test]
fn cameras_that_begin_together_are_not_glanced_at_together() {
    let second_glance = |phase| {
        let mut camera = Camera::new(25);
        camera.gate = Gate::new(policy(), phase);
        // No glances but those.
        camera.level = CoverageLevel::HalfRate;
        let actions = camera.run(60);
        let glances = actions
            .iter()
            .filter(|(_, action)| *action == Action::Look { analyse: true });
        let times: Vec<u64> = glances.map(|(at, _)| at.as_secs()).collect();
        assert!(
            times.windows(2).all(|two| two[1] - two[0] == 8),
            "{times:?}"
        );
        times[0]
    };
    assert_eq!([0.0, 0.3, 0.6, 0.99].map(second_glance), [8, 6, 2, 2]);
}

#[test]
fn a_glance_that_was_wrong_costs_less_quiet_than_somebody() {
    for (confirmed, quiet) in [(false, 1..=3), (true, 5..=7)] {
        let mut camera = Camera::asleep(25);
        camera.wanted = true;
        camera.run(1);
        if confirmed {
            camera.run(3);
        }
        camera.wanted = false;
        let from = STEP * camera.number;
        let actions = camera.run(20);
        let asleep = actions
            .iter()
            .find(|(_, action)| matches!(action, Action::Sleep { .. }));
        let after = (asleep.expect("it sleeps").0 - from).as_secs();
        assert!(quiet.contains(&after), "{confirmed}: {after}");
    }
}

#[test]
fn at_lower_rates_a_sleeping_camera_decodes_keyframes_that_stir_and_wakes_as_ever() {
    let decoded = |level, stirs| {
        let mut camera = Camera::asleep(25);
        camera.run(120);
        (camera.level, camera.stirs) = (level, stirs);
        let actions = camera.run(600);
        let count = |wanted: fn(&Action) -> bool| {
            let found = actions.iter().filter(|(_, action)| wanted(action));
            found.count()
        };
        let glances = count(|action| matches!(action, Action::Look { analyse: true }));
        assert!((60..=76).contains(&glances), "{level:?}: {glances}");
        assert_eq!(
            count(|action| matches!(action, Action::Look { .. } | Action::Keep)),
            300
        );
        camera.bytes = 8_000;
        let (_, reason) = woke(&camera.run(3)).expect("woken");
        assert_eq!(reason, WakeReason::Stream);
        let mut camera = Camera::asleep(25);
        camera.level = level;
        camera.next();
        camera.gate.looked(Change::None, || false);
        let from = match level {
            CoverageLevel::Full => Rewind::Previous,
            _ => Rewind::Current,
        };
        let woken = camera.gate.looked(Change::Local, || false);
        assert_eq!(woken, Some((WakeReason::Picture, from)));
        count(|action| matches!(action, Action::Look { .. }))
    };
    let stirred = decoded(CoverageLevel::Full, true);
    assert!((299..=300).contains(&stirred), "{stirred}");
    // Where nothing stirs every other one, and at the lower rates only those that are glanced at.
    let full = decoded(CoverageLevel::Full, false);
    assert!((150..=190).contains(&full), "{full}");
    for level in CoverageLevel::ALL.into_iter().skip(1) {
        let glances = decoded(level, false);
        assert!((60..=76).contains(&glances), "{level:?}: {glances}");
        let stirred = decoded(level, true);
        assert!((295..=300).contains(&stirred), "{level:?}: {stirred}");
    }
}

#[test]
fn the_detector_looks_at_least_once_a_heartbeat_whatever_the_group() {
    for gop in [10, 25, 50, 100, 124, 126, 400, 2_000] {
        let mut camera = Camera::new(gop);
        let mut last = Duration::ZERO;
        for (at, action) in camera.run(600) {
            let analysed = match action {
                Action::Follow | Action::CatchUp | Action::Wake(..) => true,
                Action::Look { analyse } | Action::Sleep { analyse } => analyse,
                Action::Hold | Action::Keep | Action::Skip => false,
            };
            if analysed {
                last = at;
            }
            let promise = policy().heartbeat + JITTER;
            assert!(at - last <= promise, "gop {gop} at {at:?}");
        }
    }
}

#[test]
fn a_group_as_long_as_the_heartbeat_is_not_decoded_for_the_sake_of_its_end() {
    let mut camera = Camera::new(125);
    // How long a group is must be learnt first.
    camera.run(20);
    let actions = camera.run(600);
    assert!(actions.iter().all(|(_, action)| *action != Action::CatchUp));
    let longer = Camera::new(140).run(600);
    assert!(longer.iter().any(|(_, action)| *action == Action::CatchUp));
}

#[test]
fn somebody_who_is_followed_wakes_it_and_keeps_it_awake() {
    let mut camera = Camera::asleep(25);
    camera.wanted = true;
    let actions = camera.run(120);
    let rewind = Action::Wake(WakeReason::Detector, Rewind::Previous);
    assert_eq!(actions[0].1, rewind);
    assert!(
        actions[1..]
            .iter()
            .all(|(_, action)| *action == Action::Follow)
    );
    camera.wanted = false;
    let actions = camera.run(12);
    let asleep = |(_, action): &(Duration, Action)| matches!(action, Action::Sleep { .. });
    assert!(actions.iter().any(asleep));
}

#[test]
fn a_changed_keyframe_wakes_it_from_the_group_before() {
    let mut camera = Camera::asleep(25);
    assert_eq!(camera.gate.looked(Change::None, || false), None);
    let wanted = Some((WakeReason::Picture, Rewind::Previous));
    assert_eq!(camera.gate.looked(Change::Local, || false), wanted);
    assert_eq!(
        camera.gate.looked(Change::Local, || false),
        None,
        "it is awake already"
    );
    assert_eq!(camera.gate.glanced(|| true), None);
}

#[test]
fn a_keyframe_that_changed_all_over_is_glanced_at() {
    let mut camera = Camera::asleep(25);
    assert_eq!(camera.gate.looked(Change::Scattered, || false), None);
    assert!(camera.gate.take_suppressed(), "at once");
    assert!(!camera.gate.is_awake());
}

/// A yard where always something moves: every third picture is twice as large as the others.
#[test]
fn a_jump_of_the_streams_time_wakes_it_at_the_next_keyframe() {
    let mut camera = Camera::asleep(25);
    camera.number += 25_000;
    let (at, reason) = woke(&camera.run(5)).expect("woken");
    assert_eq!(reason, WakeReason::Discontinuity);
    assert!((at.as_millis() / 80).is_multiple_of(25));
}
