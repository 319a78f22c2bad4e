//! Faults that come by themselves: a script with times, and random ones that repeat for the
//! same seed. Pure.

use std::collections::VecDeque;
use std::time::Duration;

use super::command::{Cameras, Command};
use super::fault::Fault;

/// A command and when it is given.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// After the server began to listen.
    pub at: Duration,
    pub command: Command,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ChaosConfig {
    /// The same seed, the same faults at the same times.
    pub seed: u64,
    /// Over the whole server, on average; the times between two faults are exponential.
    pub faults_per_minute: f64,
    /// How long a fault lasts at least.
    pub shortest: Duration,
    /// And at most.
    pub longest: Duration,
    /// Which faults; each is as likely as the others.
    pub faults: Vec<Fault>,
}

impl ChaosConfig {
    /// Every fault there is, ten a minute, 5 to 30 s each.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self {
            seed,
            faults_per_minute: 10.0,
            shortest: Duration::from_secs(5),
            longest: Duration::from_secs(30),
            faults: vec![
                Fault::Drop,
                Fault::Stall,
                Fault::Refuse,
                Fault::NotFound,
                Fault::Mute,
                Fault::Garbage,
                Fault::Loss { percent: 1.0 },
                Fault::Loss { percent: 5.0 },
                Fault::Loss { percent: 20.0 },
                Fault::Jitter { millis: 300 },
                Fault::Clock { seconds: 3_600 },
                Fault::Clock { seconds: -3_600 },
                Fault::Resolution,
                Fault::Codec,
                Fault::Freeze,
                Fault::Corrupt,
                Fault::Backwards,
                Fault::Reboot { seconds: 10.0 },
            ],
        }
    }
}

/// A script and random faults, in the order of their times.
#[derive(Debug)]
pub(super) struct Plan {
    script: VecDeque<Planned>,
    chaos: Option<Chaos>,
}

impl Plan {
    pub(super) fn new(mut script: Vec<Planned>, chaos: Option<Chaos>) -> Self {
        script.sort_by_key(|planned| planned.at);
        Self {
            script: script.into(),
            chaos,
        }
    }

    /// When the next command is due.
    pub(super) fn due(&self) -> Option<Duration> {
        let script = self.script.front().map(|planned| planned.at);
        let chaos = self.chaos.as_ref().map(|chaos| chaos.next.at);
        script.into_iter().chain(chaos).min()
    }

    /// Takes the next command if it is due.
    pub(super) fn take(&mut self, now: Duration) -> Option<Command> {
        if self.due().is_none_or(|due| due > now) {
            return None;
        }
        let script = self.script.front().map(|planned| planned.at);
        let chaos = self.chaos.as_ref().map(|chaos| chaos.next.at);
        if script.is_some_and(|script| chaos.is_none_or(|chaos| script <= chaos)) {
            return self.script.pop_front().map(|planned| planned.command);
        }
        self.chaos.as_mut().map(|chaos| chaos.advance().command)
    }
}

/// An endless row of random faults.
#[derive(Debug)]
pub(super) struct Chaos {
    config: ChaosConfig,
    mounts: Vec<String>,
    random: fastrand::Rng,
    next: Planned,
}

impl Chaos {
    /// `None` where nothing can ever happen.
    pub(super) fn new(config: ChaosConfig, mounts: Vec<String>) -> Option<Self> {
        let idle = mounts.is_empty() || config.faults.is_empty();
        if idle || config.faults_per_minute <= 0.0 {
            return None;
        }
        let random = fastrand::Rng::with_seed(config.seed);
        let next = Planned {
            at: Duration::ZERO,
            command: Command::Stop,
        };
        let mut chaos = Self {
            config,
            mounts,
            random,
            next,
        };
        chaos.advance();
        Some(chaos)
    }

    /// The fault that was next; draws the one after it.
    fn advance(&mut self) -> Planned {
        let (config, random) = (&self.config, &mut self.random);
        // Exponential times between events make a Poisson process.
        let wait = -(1.0 - random.f64()).ln() * 60.0 / config.faults_per_minute;
        let spread = config.longest.saturating_sub(config.shortest);
        let length = config.shortest + spread.mul_f64(random.f64());
        let fault = match random.choice(&config.faults) {
            Some(Fault::Reboot { .. }) => Fault::Reboot {
                seconds: length.as_secs_f32(),
            },
            Some(other) => *other,
            None => Fault::Drop,
        };
        let mount = random.choice(&self.mounts).cloned();
        let new = Planned {
            at: self.next.at + Duration::from_secs_f64(wait),
            command: Command::Fault {
                fault,
                at: Cameras::named(mount),
                for_seconds: fault.own_length().is_none().then_some(length.as_secs_f32()),
            },
        };
        std::mem::replace(&mut self.next, new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(seed: u64, minutes: u64) -> Vec<(Duration, Command)> {
        let mounts = vec!["a".to_owned(), "b".to_owned()];
        let chaos = Chaos::new(ChaosConfig::seeded(seed), mounts);
        let mut plan = Plan::new(Vec::new(), chaos);
        let mut all = Vec::new();
        while let Some(due) = plan.due() {
            if due > Duration::from_secs(60 * minutes) {
                break;
            }
            all.extend(plan.take(due).map(|command| (due, command)));
        }
        all
    }

    #[test]
    fn random_faults_repeat_for_a_seed_and_come_at_the_asked_for_rate() {
        assert_eq!(run(7, 10), run(7, 10));
        assert_ne!(run(7, 10), run(8, 10));
        let count = run(7, 100).len();
        assert!((850..1_150).contains(&count), "{count} in 100 minutes");
    }

    #[test]
    fn a_script_is_given_in_the_order_of_its_times() {
        let at = |seconds, command| Planned {
            at: Duration::from_secs(seconds),
            command,
        };
        let clear = Command::Clear {
            at: Cameras::default(),
        };
        let script = vec![at(9, Command::Stop), at(3, clear.clone())];
        let mut plan = Plan::new(script, None);
        assert_eq!(plan.take(Duration::from_secs(2)), None);
        assert_eq!(plan.take(Duration::from_secs(10)), Some(clear));
        assert_eq!(plan.take(Duration::from_secs(10)), Some(Command::Stop));
        assert_eq!(plan.due(), None);
    }
}
