//! A person in the middle of a script: takes one step after the other and leaves legs behind.

mod climbing;

use std::f64::consts::{FRAC_PI_2, TAU};

use fastrand::Rng;

use super::actors::Actor;
use super::legs::{Act, Deed, Flight, Leg, Life, Once, motion_of};
use super::path::{Path, distance, toward, turn};
use super::script::{Gait, Pose, Spot, Step};

/// Turning on the spot, radians a second.
const TURN_PER_SECOND: f64 = 3.5;
/// A smaller turn is made while walking off.
const TURN_LEAST: f64 = 0.5;
/// Getting up, where the script does not say how long, and lying down.
const RISE_SECONDS: f64 = 2.0;
const LIE_DOWN_SECONDS: f64 = 1.6;
/// The share of a throw at which the packet leaves the hand.
const RELEASE: f64 = 0.6;

fn first_heading(at: Spot, step: &Step) -> Option<f64> {
    let to = match step {
        Step::Travel { way, gait, .. } if *gait != Gait::Roll => *way.first()?,
        Step::Stay { towards, .. } | Step::WaitUntil { towards, .. } => (*towards)?,
        Step::Gather { spot, .. } => *spot,
        Step::Throw { to, .. } => *to,
        Step::Climb { over, .. } => (*over)?,
        Step::Turn { heading } => return Some(*heading),
        _ => return None,
    };
    Some((to[1] - at[1]).atan2(to[0] - at[0]))
}

/// A person in the middle of the script.
pub(super) struct Body {
    now: f64,
    at: Spot,
    heading: f64,
    tall: f64,
    /// None upright; the side one lies on.
    lies: Option<f64>,
    down_since: Option<f64>,
    /// Where the others were when one came together with them.
    crowd_middle: Option<Spot>,
    phase: f64,
    legs: Vec<Leg>,
    deeds: Vec<Deed>,
    flights: Vec<Flight>,
}

impl Body {
    pub(super) fn new(actor: &Actor) -> Self {
        Self {
            now: actor.appears,
            at: actor.at,
            heading: actor.heading.unwrap_or(0.0),
            tall: f64::from(actor.look.height),
            lies: None,
            down_since: None,
            crowd_middle: None,
            phase: f64::from(actor.look.seed % 100) / 100.0,
            legs: Vec::new(),
            deeds: Vec::new(),
            flights: Vec::new(),
        }
    }

    /// Lives the script until the scene's end.
    pub(super) fn live(mut self, actor: &Actor, seconds: f64, rng: &mut Rng) -> Life {
        if actor.heading.is_none()
            && let Some(step) = actor.steps.first()
            && let Some(heading) = first_heading(actor.at, step)
        {
            self.heading = heading;
        }
        for step in &actor.steps {
            self.take(step, rng);
        }
        let done = self.now;
        if !actor.leaves && done < seconds {
            let pose = self.resting_pose();
            self.stay(pose, seconds - done + 1.0);
        }
        self.up();
        Life {
            legs: self.legs,
            deeds: self.deeds,
            flights: self.flights,
            gone: if actor.leaves { done } else { f64::INFINITY },
        }
    }

    fn leg(&mut self, seconds: f64, act: Act) {
        let until = self.now + seconds.max(0.0);
        if until > self.now {
            self.legs.push(Leg {
                from: self.now,
                until,
                act,
            });
        }
        self.now = until;
    }

    fn deed(&mut self, kind: &'static str, start: f64) {
        let end = self.now;
        self.deeds.push(Deed { kind, start, end });
    }

    fn resting_pose(&self) -> Pose {
        self.lies
            .map_or(Pose::Stand, |side| Pose::Lie { side: Some(side) })
    }

    fn take(&mut self, step: &Step, rng: &mut Rng) {
        let begun = self.now;
        match step {
            Step::Travel { gait, way, speed } => {
                self.travel(*gait, way, *speed);
                let kind = match gait {
                    Gait::Walk => return,
                    Gait::Run => "running",
                    Gait::Crawl => "crawling",
                    Gait::Roll => "rolling",
                };
                self.deed(kind, begun);
            }
            Step::Stay {
                pose,
                seconds,
                towards,
            } => self.pose(*pose, *seconds, *towards),
            Step::WaitUntil { second, towards } => {
                let pose = self.resting_pose();
                self.prepare(pose, *towards);
                self.stay(pose, second - self.now);
            }
            Step::Loiter {
                seconds,
                radius,
                speed,
            } => self.loiter(*seconds, *radius, *speed, rng),
            Step::Gather {
                spot,
                middle,
                speed,
                ..
            } => {
                self.travel(Gait::Walk, &[*spot], *speed);
                self.crowd_middle = Some(*middle);
                self.face(*middle);
                self.deed("rapid_gathering", begun);
            }
            Step::Disperse { metres, speed } => {
                let middle = self.crowd_middle.unwrap_or([self.at[0], self.at[1] + 0.1]);
                let away = toward(self.at, middle, -metres);
                let gait = if *speed > 2.2 { Gait::Run } else { Gait::Walk };
                self.travel(gait, &[away], *speed);
                self.deed("dispersing", begun);
            }
            Step::Climb {
                height,
                over,
                speed,
                hold,
            } => {
                self.climb(*height, *over, *speed, *hold);
                self.deed("climbing", begun);
            }
            Step::Fall { seconds } => self.fall(*seconds, true),
            Step::Rise { seconds } => self.rise(*seconds),
            Step::Throw { to, seconds, peak } => self.throw(*to, *seconds, *peak),
            Step::Turn { heading } => self.turn_to(*heading),
        }
    }

    fn pose(&mut self, pose: Pose, seconds: f64, towards: Option<Spot>) {
        self.prepare(pose, towards);
        let begun = self.now;
        let pose = match pose {
            Pose::Lie { side } => Pose::Lie {
                side: side.or(self.lies),
            },
            other => other,
        };
        self.stay(pose, seconds);
        match pose {
            Pose::Fight => self.deed("fight_suspected", begun),
            Pose::Lie { side } => {
                self.lies = side;
                self.deed("lying", begun);
            }
            Pose::Stand | Pose::Sit => {}
        }
    }

    fn throw(&mut self, to: Spot, seconds: f64, peak: f64) {
        self.upright();
        self.face(to);
        let begun = self.now;
        let (at, heading) = (self.at, self.heading);
        self.flights.push(Flight {
            begins: begun + RELEASE * seconds,
            from: at,
            to,
            peak,
        });
        let deed = Once::Throw;
        self.leg(seconds, Act::Once { deed, at, heading });
        self.deed("object_thrown", begun);
    }

    /// Takes the posture that a pose begins with and faces what it looks at.
    fn prepare(&mut self, pose: Pose, towards: Option<Spot>) {
        if let Pose::Lie { .. } = pose {
            if self.lies.is_none() {
                self.fall(LIE_DOWN_SECONDS, false);
            }
            return;
        }
        self.upright();
        if let Some(towards) = towards {
            self.face(towards);
        }
    }

    fn upright(&mut self) {
        if self.lies.is_some() {
            self.rise(RISE_SECONDS);
        }
    }

    fn fall(&mut self, seconds: f64, counts: bool) {
        if self.lies.is_some() {
            return;
        }
        if counts {
            self.down_since = Some(self.now);
        }
        let (at, heading) = (self.at, self.heading);
        self.leg(
            seconds,
            Act::Once {
                deed: Once::Fall,
                at,
                heading,
            },
        );
        self.lies = Some(0.0);
    }

    fn rise(&mut self, seconds: f64) {
        self.up();
        let (at, heading) = (self.at, self.heading);
        if self.lies.take().is_some() {
            self.leg(
                seconds,
                Act::Once {
                    deed: Once::Rise,
                    at,
                    heading,
                },
            );
        }
    }

    /// Ends the time on the ground.
    fn up(&mut self) {
        if let Some(since) = self.down_since.take() {
            self.deed("person_down", since);
        }
    }

    fn stay(&mut self, pose: Pose, seconds: f64) {
        let (at, heading) = (self.at, self.heading);
        self.leg(seconds, Act::Stay { pose, at, heading });
    }

    fn face(&mut self, place: Spot) {
        if distance(self.at, place) > 1e-6 {
            self.turn_to((place[1] - self.at[1]).atan2(place[0] - self.at[0]));
        }
    }

    fn turn_to(&mut self, heading: f64) {
        let by = turn(self.heading, heading);
        let (at, before) = (self.at, self.heading);
        let act = Act::Turn {
            at,
            heading: before,
            by,
        };
        self.leg(by.abs() / TURN_PER_SECOND, act);
        self.heading = heading;
    }

    fn travel(&mut self, gait: Gait, way: &[Spot], speed: f64) {
        self.travel_for(gait, way, speed, f64::INFINITY);
    }

    /// Goes until the way or the time is over.
    fn travel_for(&mut self, gait: Gait, way: &[Spot], speed: f64, seconds: f64) {
        let mut corners = vec![self.at];
        corners.extend_from_slice(way);
        corners.dedup_by(|a, b| distance(*a, *b) < 1e-6);
        if corners.len() < 2 {
            return;
        }
        let radius = match gait {
            Gait::Walk => 0.6,
            Gait::Run => 1.5,
            Gait::Crawl | Gait::Roll => 0.4,
        };
        let path = Path::new(&corners, radius);
        let first = path.heading(0.0);
        let begun = self.now;
        let aside = if gait == Gait::Roll {
            if turn(first, self.heading) >= 0.0 {
                FRAC_PI_2
            } else {
                -FRAC_PI_2
            }
        } else {
            if gait != Gait::Crawl {
                self.upright();
            }
            if turn(self.heading, first).abs() > TURN_LEAST && gait != Gait::Crawl {
                self.turn_to(first);
            }
            0.0
        };
        let motion = motion_of(gait, 0.0, speed);
        let metres_per_cycle = motion.cycle_metres(self.tall as f32).map_or(1.0, f64::from);
        let left = (seconds - (self.now - begun)).max(0.0);
        let metres = path.length().min(left * speed);
        (self.at, self.heading) = (path.at(metres), path.heading(metres) + aside);
        // Who lies begins to roll from that side.
        let phase = self.lies.unwrap_or(self.phase);
        self.phase = (phase + metres / metres_per_cycle).rem_euclid(1.0);
        self.lies = (gait == Gait::Roll).then_some(self.phase);
        let act = Act::Travel {
            gait,
            path,
            speed,
            phase,
            metres_per_cycle,
            aside,
            height: 0.0,
        };
        self.leg(metres / speed, act);
    }

    fn loiter(&mut self, seconds: f64, radius: f64, speed: f64, rng: &mut Rng) {
        let (home, until) = (self.at, self.now + seconds);
        self.upright();
        while self.now < until - 1e-6 {
            let (angle, far) = (rng.f64() * TAU, radius * rng.f64().sqrt());
            let goal = [home[0] + far * angle.cos(), home[1] + far * angle.sin()];
            if distance(goal, self.at) < 0.5 * radius.min(1.5) {
                continue;
            }
            self.travel_for(Gait::Walk, &[goal], speed, until - self.now);
            let rest = (0.6 + 2.4 * rng.f64()).min(until - self.now);
            if rest > 0.0 {
                self.stay(Pose::Stand, rest);
            }
        }
    }
}
