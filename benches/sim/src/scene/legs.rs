//! From a script to legs: what one person does from when to when, with nothing left to decide.
//!
//! Physically sound: a way is walked at the speed asked for, the phase of a gait is the distance
//! over its stride ([`Motion::cycle_metres`]), nobody jumps, headings turn at most
//! 3.5 radians a second on the spot and along rounded corners elsewhere, and who lies gets up
//! before walking.

use std::f64::consts::PI;

use super::path::{Path, distance, toward};
use super::script::{Gait, Pose, Spot};
use crate::world::Motion;

const BREATHS_PER_SECOND: f64 = 0.25;
const BLOWS_PER_SECOND: f64 = 0.9;
/// How far one sways in a fight, metres.
const FIGHT_SWAY_METRES: f64 = 0.2;

/// One stretch of a person's time.
#[derive(Clone, Debug)]
pub(super) struct Leg {
    pub(super) from: f64,
    pub(super) until: f64,
    pub(super) act: Act,
}

#[derive(Clone, Debug)]
pub(super) enum Act {
    Travel {
        gait: Gait,
        path: Path,
        speed: f64,
        phase: f64,
        metres_per_cycle: f64,
        /// From the way's heading to the body's, radians.
        aside: f64,
        height: f64,
    },
    Stay {
        pose: Pose,
        at: Spot,
        heading: f64,
    },
    Turn {
        at: Spot,
        heading: f64,
        /// Radians, with the sense.
        by: f64,
    },
    /// Up or down a structure.
    Climb {
        at: Spot,
        heading: f64,
        from_height: f64,
        to_height: f64,
        phase: f64,
        metres_per_cycle: f64,
    },
    /// On and over a structure's top, turning round meanwhile.
    Over {
        from: Spot,
        to: Spot,
        height: f64,
        heading: f64,
        phase: f64,
        metres_per_cycle: f64,
    },
    /// Something that begins and ends on one spot.
    Once {
        deed: Once,
        at: Spot,
        heading: f64,
    },
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Once {
    Fall,
    Rise,
    Throw,
}

/// Where somebody is and how, at an instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stance {
    /// Metres: x, y, and the height of what the person stands on.
    pub at: [f64; 3],
    /// Radians.
    pub heading: f64,
    /// What the body does.
    pub motion: Motion,
}

/// A scripted happening of one person.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Deed {
    pub(super) kind: &'static str,
    pub(super) start: f64,
    pub(super) end: f64,
}

/// A thrown packet's flight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Flight {
    pub(super) begins: f64,
    pub(super) from: Spot,
    pub(super) to: Spot,
    pub(super) peak: f64,
}

/// One person's whole time.
#[derive(Clone, Debug, Default)]
pub(super) struct Life {
    pub(super) legs: Vec<Leg>,
    pub(super) deeds: Vec<Deed>,
    pub(super) flights: Vec<Flight>,
    /// Nobody is there from this second on.
    pub(super) gone: f64,
}

impl Life {
    /// Where the person is; none before and after.
    pub(super) fn at(&self, second: f64) -> Option<Stance> {
        if second >= self.gone {
            return None;
        }
        let after = self.legs.partition_point(|leg| leg.from <= second);
        let leg = self.legs.get(after.checked_sub(1)?)?;
        Some(leg.act.at(second.min(leg.until), leg.from, leg.until))
    }
}

pub(super) fn motion_of(gait: Gait, phase: f64, speed: f64) -> Motion {
    let (phase, metres_per_second) = (phase as f32, speed as f32);
    match gait {
        Gait::Walk => Motion::Walk {
            phase,
            metres_per_second,
        },
        Gait::Run => Motion::Run {
            phase,
            metres_per_second,
        },
        Gait::Crawl => Motion::Crawl { phase },
        Gait::Roll => Motion::Roll { phase },
    }
}

impl Act {
    /// Where and how at a second of a leg that lasts from `from` to `until`.
    fn at(&self, second: f64, from: f64, until: f64) -> Stance {
        let share = (second - from) / (until - from).max(1e-9);
        let on = |[x, y]: Spot, up: f64| [x, y, up];
        let (at, heading, motion) = match self {
            Self::Travel {
                gait,
                path,
                speed,
                phase,
                metres_per_cycle,
                aside,
                height,
            } => {
                let metres = (second - from) * speed;
                let phase = phase + metres / metres_per_cycle;
                let motion = motion_of(*gait, phase, *speed);
                let heading = path.heading(metres) + aside;
                (on(path.at(metres), *height), heading, motion)
            }
            Self::Stay { pose, at, heading } => {
                let motion = staying(*pose, second);
                let at = if *pose == Pose::Fight {
                    swayed(*at, second, second - from, until - second)
                } else {
                    *at
                };
                (on(at, 0.0), *heading, motion)
            }
            Self::Turn { at, heading, by } => {
                let phase = (second * BREATHS_PER_SECOND) as f32;
                (on(*at, 0.0), heading + share * by, Motion::Stand { phase })
            }
            Self::Climb {
                at,
                heading,
                from_height,
                to_height,
                phase,
                metres_per_cycle,
            } => {
                let up = share * (to_height - from_height);
                let phase = (phase + up.abs() / metres_per_cycle) as f32;
                (on(*at, from_height + up), *heading, Motion::Climb { phase })
            }
            Self::Over {
                from,
                to,
                height,
                heading,
                phase,
                metres_per_cycle,
            } => {
                let metres = share * distance(*from, *to);
                let phase = (phase + metres / metres_per_cycle) as f32;
                let at = on(toward(*from, *to, metres), *height);
                (at, heading + share * PI, Motion::Climb { phase })
            }
            Self::Once { deed, at, heading } => {
                let progress = share as f32;
                let motion = match deed {
                    Once::Fall => Motion::Fall { progress },
                    Once::Rise => Motion::Rise { progress },
                    Once::Throw => Motion::Throw { progress },
                };
                (on(*at, 0.0), *heading, motion)
            }
        };
        Stance {
            at,
            heading,
            motion,
        }
    }
}

fn staying(pose: Pose, second: f64) -> Motion {
    let breath = (second * BREATHS_PER_SECOND) as f32;
    match pose {
        Pose::Stand => Motion::Stand { phase: breath },
        Pose::Sit => Motion::Sit { phase: breath },
        Pose::Lie { side } => Motion::Lie {
            side: side.unwrap_or(0.0) as f32,
        },
        Pose::Fight => Motion::Fight {
            phase: (second * BLOWS_PER_SECOND) as f32,
        },
    }
}

/// To and fro in a fight; nothing at its begin and end.
fn swayed(at: Spot, second: f64, since: f64, left: f64) -> Spot {
    let much = FIGHT_SWAY_METRES * (since.min(left) / 0.5).clamp(0.0, 1.0);
    let begin = at[0] * 3.1 + at[1] * 1.7;
    [
        at[0] + much * (1.9 * second + begin).sin(),
        at[1] + much * (1.3 * second + 2.0 * begin).sin(),
    ]
}
