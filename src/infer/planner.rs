//! Which cameras go into the next batch. Pure: marks and times come in, a batch comes out.
//!
//! A camera is *ready* when its slot holds a frame and none of its frames is in flight. Larger
//! priority goes first; within a priority, who has waited longest since it was last served. A
//! camera that has waited [`AGEING`] counts as one priority higher for each such wait, so that
//! nobody starves. Before all of them go those that are *woken*: something moves there.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::base::clock::Monotonic;

/// Waiting this long is worth one priority.
pub const AGEING: Duration = Duration::from_secs(1);

/// A camera's number in the pool.
pub type QueueId = u64;

#[derive(Clone, Debug)]
struct Waiting {
    model: usize,
    priority: u8,
    ready_since: Option<Monotonic>,
    /// It woke, and its frames are followed.
    woken: bool,
    in_flight: bool,
    /// When it was last taken, counted in pictures; 0 for never.
    last_served: u64,
}

/// How served are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanPolicy {
    /// Longest wait for a fuller batch; zero cuts at once.
    pub max_wait: Duration,
}

/// What an idle worker should do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Run these cameras' newest frames through this model.
    Batch {
        /// Which model.
        model: usize,
        /// Who, in order of urgency.
        queues: Vec<QueueId>,
    },
    /// A batch is forming; ask again then.
    WaitUntil(Monotonic),
    /// Nobody is ready.
    Idle,
}

/// All cameras' marks.
#[derive(Clone, Debug)]
pub struct Planner {
    policy: PlanPolicy,
    /// Most pictures per batch, by model.
    limits: Vec<usize>,
    queues: BTreeMap<QueueId, Waiting>,
    served: u64,
    last_cut: Monotonic,
}

impl Planner {
    /// No cameras yet; `limits` holds the largest batch of each model.
    #[must_use]
    pub fn new(policy: PlanPolicy, limits: Vec<usize>) -> Self {
        Self {
            policy,
            limits,
            queues: BTreeMap::new(),
            served: 0,
            last_cut: Monotonic::default(),
        }
    }

    /// Takes a camera in.
    pub fn add(&mut self, queue: QueueId, model: usize, priority: u8) {
        let waiting = Waiting {
            model,
            priority,
            ready_since: None,
            woken: false,
            in_flight: false,
            last_served: 0,
        };
        self.queues.insert(queue, waiting);
    }

    /// Lets a camera go.
    pub fn remove(&mut self, queue: QueueId) {
        self.queues.remove(&queue);
    }

    /// A frame lies in the camera's slot. An older mark stays: it has waited since then.
    pub fn mark_ready(&mut self, queue: QueueId, now: Monotonic) {
        if let Some(waiting) = self.queues.get_mut(&queue) {
            waiting.ready_since.get_or_insert(now);
        }
    }

    /// Whether the camera's frames go before those of all that did not wake.
    pub fn set_woken(&mut self, queue: QueueId, woken: bool) {
        if let Some(waiting) = self.queues.get_mut(&queue) {
            waiting.woken = woken;
        }
    }

    /// The camera's frame has been answered, or its slot was empty or stale after all.
    pub fn mark_done(&mut self, queue: QueueId) {
        if let Some(waiting) = self.queues.get_mut(&queue) {
            waiting.in_flight = false;
        }
    }

    /// Whether a frame of the camera waits or is in flight.
    #[must_use]
    pub fn is_busy(&self, queue: QueueId) -> bool {
        self.queues
            .get(&queue)
            .is_some_and(|w| w.in_flight || w.ready_since.is_some())
    }

    /// How long a frame that could be taken has lain there while no batch at all was cut; zero
    /// while batches are cut or nobody is ready.
    #[must_use]
    pub fn neglected_for(&self, now: Monotonic) -> Duration {
        let waiting = self.queues.values().filter(|w| !w.in_flight);
        let longest = waiting.filter_map(|w| w.ready_since).min();
        longest.map_or(Duration::ZERO, |since| now.since(since.max(self.last_cut)))
    }

    /// Cuts a batch for an idle worker; its cameras are in flight from here on.
    pub fn cut(&mut self, now: Monotonic) -> Plan {
        let mut ready: Vec<((bool, u64), u64, QueueId)> = self
            .queues
            .iter()
            .filter(|(_, w)| !w.in_flight)
            .filter_map(|(id, w)| {
                let urgency = (w.woken, urgency(w, w.ready_since?, now));
                Some((urgency, w.last_served, *id))
            })
            .collect();
        ready.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
        let Some(&(_, _, first)) = ready.first() else {
            return Plan::Idle;
        };
        let model = self.queues[&first].model;
        let limit = self.limits.get(model).copied().unwrap_or(1).max(1);
        ready.retain(|(_, _, id)| self.queues[id].model == model);
        ready.truncate(limit);
        if ready.len() < limit && !self.policy.max_wait.is_zero() {
            let oldest = ready
                .iter()
                .filter_map(|(_, _, id)| self.queues[id].ready_since)
                .min();
            let until = oldest.unwrap_or(now).after(self.policy.max_wait);
            if now < until {
                return Plan::WaitUntil(until);
            }
        }
        let queues: Vec<QueueId> = ready.into_iter().map(|(_, _, id)| id).collect();
        self.last_cut = now;
        for id in &queues {
            if let Some(waiting) = self.queues.get_mut(id) {
                waiting.ready_since = None;
                waiting.in_flight = true;
                self.served += 1;
                waiting.last_served = self.served;
            }
        }
        Plan::Batch { model, queues }
    }
}

fn urgency(waiting: &Waiting, since: Monotonic, now: Monotonic) -> u64 {
    let aged = now.since(since).as_nanos() / AGEING.as_nanos();
    u64::from(waiting.priority).saturating_add(u64::try_from(aged).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: u64) -> Monotonic {
        Monotonic(Duration::from_millis(millis))
    }

    fn planner(limit: usize, max_wait_millis: u64) -> Planner {
        let policy = PlanPolicy {
            max_wait: Duration::from_millis(max_wait_millis),
        };
        Planner::new(policy, vec![limit, limit])
    }

    fn queues(plan: Plan) -> Vec<QueueId> {
        match plan {
            Plan::Batch { queues, .. } => queues,
            other => panic!("no batch: {other:?}"),
        }
    }

    #[test]
    fn priority_goes_first_then_who_was_served_longest_ago() {
        let mut planner = planner(2, 0);
        for (queue, priority) in [(1, 0), (2, 0), (3, 9), (4, 0)] {
            planner.add(queue, 0, priority);
            planner.mark_ready(queue, at(0));
        }
        assert_eq!(queues(planner.cut(at(1))), [3, 1]);
        assert_eq!(queues(planner.cut(at(2))), [2, 4]);
        planner.mark_done(1);
        planner.mark_done(2);
        planner.mark_ready(2, at(3));
        planner.mark_ready(1, at(4));
        assert_eq!(queues(planner.cut(at(5))), [1, 2]);
    }

    #[test]
    fn who_woke_goes_before_a_larger_priority_that_is_only_probed() {
        let mut planner = planner(1, 0);
        for (queue, priority) in [(1, 200), (2, 50), (3, 200)] {
            planner.add(queue, 0, priority);
            planner.mark_ready(queue, at(0));
        }
        planner.set_woken(2, true);
        assert_eq!(queues(planner.cut(at(1))), [2]);
        planner.mark_done(2);
        planner.set_woken(2, false);
        planner.mark_ready(2, at(1));
        assert_eq!(queues(planner.cut(at(1))), [1]);
    }

    #[test]
    fn a_batch_waits_only_when_told_to_and_never_past_its_limit() {
        let mut planner = planner(4, 10);
        planner.add(1, 0, 0);
        planner.mark_ready(1, at(5));
        assert_eq!(planner.cut(at(6)), Plan::WaitUntil(at(15)));
        assert_eq!(queues(planner.cut(at(15))), [1]);
        assert_eq!(planner.cut(at(16)), Plan::Idle);
    }

    #[test]
    fn models_do_not_mix_in_a_batch() {
        let mut planner = planner(8, 0);
        for queue in 0..6 {
            planner.add(queue, (queue % 2) as usize, 0);
            planner.mark_ready(queue, at(0));
        }
        assert_eq!(
            planner.cut(at(0)),
            Plan::Batch {
                model: 0,
                queues: vec![0, 2, 4]
            }
        );
        assert_eq!(
            planner.cut(at(0)),
            Plan::Batch {
                model: 1,
                queues: vec![1, 3, 5]
            }
        );
    }

    #[test]
    fn a_low_priority_camera_does_not_starve() {
        let mut planner = planner(1, 0);
        planner.add(1, 0, 0);
        planner.add(2, 0, 3);
        planner.mark_ready(1, at(0));
        let served = (0..100_u64).find(|round| {
            planner.mark_ready(2, at(round * 100));
            let cut = queues(planner.cut(at(round * 100)));
            planner.mark_done(cut[0]);
            cut == [1]
        });
        assert!(served.is_some_and(|round| round <= 40), "{served:?}");
    }

    #[test]
    fn a_ready_camera_is_neglected_only_while_nobody_cuts() {
        let mut planner = planner(1, 0);
        planner.add(1, 0, 9);
        planner.add(2, 0, 0);
        assert_eq!(planner.neglected_for(at(90_000)), Duration::ZERO);
        planner.mark_ready(1, at(90_000));
        planner.mark_ready(2, at(90_000));
        assert_eq!(planner.neglected_for(at(95_000)), Duration::from_secs(5));
        let Plan::Batch { queues, .. } = planner.cut(at(96_000)) else {
            panic!("nothing cut");
        };
        assert_eq!(queues, [1]);
        assert_eq!(planner.neglected_for(at(97_000)), Duration::from_secs(1));
        planner.cut(at(98_000));
        // Both are in flight: whoever computes them answers for them now.
        assert_eq!(planner.neglected_for(at(500_000)), Duration::ZERO);
    }

    proptest! {
        /// At most one frame per camera in flight, never above the limit, and under full load
        /// every camera of one priority is served equally often, give or take one.
        #[test]
        fn full_load_is_shared_fairly(cameras in 1_u64..40, limit in 1_usize..9, rounds in 1_u64..60) {
            let mut planner = planner(limit, 0);
            let mut served = vec![0_u32; cameras as usize];
            for queue in 0..cameras {
                planner.add(queue, 0, 1);
            }
            for round in 0..rounds {
                for queue in 0..cameras {
                    planner.mark_ready(queue, at(round));
                }
                let cut = queues(planner.cut(at(round)));
                prop_assert!(cut.len() <= limit);
                for queue in cut {
                    served[queue as usize] += 1;
                    planner.mark_done(queue);
                }
            }
            let (least, most) = (served.iter().min().unwrap(), served.iter().max().unwrap());
            prop_assert!(most - least <= 1, "{served:?}");
        }
    }
}
