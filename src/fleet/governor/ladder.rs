//! The declared order: which camera loses which level after which.
//!
//! Every (camera, level) is a [`Step`]; steps are ordered by class, then level, then the camera's
//! rank. All steps up to the mark are taken. A camera's level follows from its own step and the
//! mark alone, so that cameras that come, go or become active move nobody else.

use super::camera::GovernedCamera;
use crate::model::coverage::CoverageLevel;

/// Cameras that lose levels together; smaller ones first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Class {
    pub(super) priority: u8,
    pub(super) active: bool,
    pub(super) always: bool,
}

/// One camera's loss of one level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Step {
    class: Class,
    /// What the camera is left with.
    level: CoverageLevel,
    rank: u64,
}

/// The level that the mark leaves a camera with.
pub(super) fn level(mark: Option<Step>, class: Class, rank: u64) -> CoverageLevel {
    let taken = |level: &CoverageLevel| {
        let level = *level;
        mark.is_some_and(|mark| Step { class, level, rank } <= mark)
    };
    let worst_first = CoverageLevel::ALL.into_iter().skip(1).rev();
    worst_first.into_iter().find(taken).unwrap_or_default()
}

/// About what a camera costs at a level, an awake one at its full rate being 1. It decides how many
/// steps are taken at once, and nothing else: the next measurement corrects it.
fn cost(level: CoverageLevel, camera: &GovernedCamera) -> f64 {
    if !camera.streaming {
        return 0.0;
    }
    // As measured: an awake camera takes about 85 ms of a second, a keyframe 9 ms to decode and look at.
    // Whatever its level a sleeping one is probed once in a heartbeat, which is most of its cost.
    let awake: [f64; 5] = [1.0, 0.75, 0.6, 0.06, 0.03];
    let asleep: [f64; 5] = [0.034, 0.031, 0.03, 0.03, 0.03];
    let costs = if camera.asleep { asleep } else { awake };
    costs[level.index()]
}

/// A level that saves so little, as those of sleeping cameras do, needs no step of its own.
const NEGLIGIBLE: f64 = 0.02;

struct Rung {
    step: Step,
    /// The work that it saves.
    saves: f64,
}

/// All steps of some cameras, in their order.
pub(super) struct Ladder {
    rungs: Vec<Rung>,
    /// The work of all cameras at their full rates.
    full: f64,
}

impl Ladder {
    pub(super) fn of(cameras: &[(&GovernedCamera, Class)]) -> Self {
        let mut rungs = Vec::with_capacity(cameras.len() * 4);
        let mut full = 0.0;
        for (camera, class) in cameras {
            let rank = camera.id.rank();
            full += cost(CoverageLevel::Full, camera);
            for pair in CoverageLevel::ALL.windows(2) {
                let (better, level) = (pair[0], pair[1]);
                let class = *class;
                rungs.push(Rung {
                    step: Step { class, level, rank },
                    saves: cost(better, camera) - cost(level, camera),
                });
            }
        }
        rungs.sort_unstable_by_key(|rung| rung.step);
        Self { rungs, full }
    }

    fn taken(&self, mark: Option<Step>) -> usize {
        self.rungs
            .partition_point(|rung| mark.is_some_and(|mark| rung.step <= mark))
    }

    fn work(&self, taken: usize) -> f64 {
        let saved: f64 = self.rungs[..taken].iter().map(|rung| rung.saves).sum();
        (self.full - saved).max(0.0)
    }

    /// The mark further down by `share` of the present work, and what is left of it as a factor;
    /// the same mark where nothing is left to take.
    pub(super) fn down(&self, mark: Option<Step>, share: f64) -> (Option<Step>, f64) {
        let taken = self.taken(mark);
        let work = self.work(taken);
        let (mut saved, mut moved) = (0.0, mark);
        for rung in &self.rungs[taken..] {
            moved = Some(rung.step);
            saved += rung.saves;
            if saved > 0.0 && saved >= work * share {
                break;
            }
        }
        (moved, (work - saved).max(0.0) / work.max(f64::MIN_POSITIVE))
    }

    /// The mark further up by at most `share` more than the present work and at most one level for
    /// each camera that is awake, but, with `at_least_one`, by one step in any case; and the work then,
    /// as a factor. The same mark where nothing can be given.
    pub(super) fn up(
        &self,
        mark: Option<Step>,
        share: f64,
        at_least_one: bool,
    ) -> (Option<Step>, f64) {
        let mut taken = self.taken(mark);
        let work = self.work(taken);
        let mut gained = 0.0;
        let mut moved = std::collections::BTreeSet::new();
        while let Some(rung) = taken.checked_sub(1).and_then(|last| self.rungs.get(last)) {
            let first = at_least_one && gained <= 0.0;
            let too_much = !first && gained + rung.saves > work * share;
            let counts = rung.saves > NEGLIGIBLE;
            if too_much || (counts && !moved.insert((rung.step.class, rung.step.rank))) {
                break;
            }
            gained += rung.saves;
            taken -= 1;
        }
        let mark = taken.checked_sub(1).map(|last| self.rungs[last].step);
        (mark, (work + gained) / work.max(f64::MIN_POSITIVE))
    }
}
