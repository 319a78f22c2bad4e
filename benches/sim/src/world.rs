//! What there is to see: the contract between scene scripts, which say where everybody is, and
//! the renderer, which draws it. Pure data.
//!
//! World: right-handed, metres, x east, y north, z up, the ground is z = 0. Headings are radians
//! counter-clockwise from +x. Picture coordinates are normalised as everywhere (origin top left).

/// A place or a direction in the world, metres: x east, y north, z up.
pub type Vec3 = [f32; 3];
/// A place on the ground, metres: x east, y north.
pub type Vec2 = [f32; 2];

/// Everything about a scene that does not change while it runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// Decides every random choice of look: textures, plants, clothing, noise.
    pub seed: u64,
    pub camera: View,
    /// What the ground is made of where no patch lies.
    pub ground: Surface,
    /// Flat areas of another material, painted in order.
    pub patches: Vec<Patch>,
    pub structures: Vec<Structure>,
    pub conditions: Conditions,
}

/// A pinhole camera.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// Where it hangs; z is its height above the ground.
    pub position: Vec3,
    /// The compass of its axis: radians counter-clockwise from +x.
    pub pan: f32,
    /// How far its axis points below the horizon, radians.
    pub tilt: f32,
    /// Horizontal field of view, radians.
    pub field_of_view: f32,
}

/// What a surface is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// Mown or worn grass.
    Grass,
    /// Asphalt with cracks and stains.
    Asphalt,
    /// Concrete slabs.
    Concrete,
    Gravel,
    /// Bare earth.
    Earth,
    /// Indoor floor: vinyl tiles.
    Tiles,
    /// Plastered or painted masonry.
    Plaster,
    Brick,
    /// Painted steel.
    Steel,
}

/// A flat area on the ground.
#[derive(Clone, Debug, PartialEq)]
pub struct Patch {
    /// What it is made of.
    pub surface: Surface,
    /// Its corners, at least three.
    pub corners: Vec<Vec2>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Structure {
    /// A solid wall along a polyline.
    Wall {
        /// Its foot, at least two points.
        path: Vec<Vec2>,
        /// Metres.
        height: f32,
        /// Metres.
        thickness: f32,
        /// What it is made of.
        surface: Surface,
        /// Rolls of razor wire on its top.
        razor_wire: bool,
    },
    /// A mesh fence along a polyline: one sees through it.
    Fence {
        /// Its foot, at least two points.
        path: Vec<Vec2>,
        /// Metres.
        height: f32,
        /// Rolls of razor wire on its top.
        razor_wire: bool,
    },
    /// A box with windows or doors: a building, a watch tower's foot, a container.
    Building {
        /// Its middle.
        center: Vec2,
        /// Width, depth, height in metres.
        size: Vec3,
        /// Radians.
        heading: f32,
        /// What it is made of.
        surface: Surface,
    },
    /// A ceiling over a rectangle (corridors and rooms), with lamps.
    Ceiling {
        /// South-west corner.
        from: Vec2,
        /// North-east corner.
        to: Vec2,
        /// Metres.
        height: f32,
    },
    LampPost {
        /// Its foot.
        at: Vec2,
        /// Metres.
        height: f32,
    },
    /// A tree with a crown that sways.
    Tree {
        /// Its foot.
        at: Vec2,
        /// Metres.
        height: f32,
    },
    /// A bush that sways.
    Bush {
        /// Its middle.
        at: Vec2,
        /// Metres.
        height: f32,
    },
    /// A parked car or van.
    Car {
        /// Its middle.
        at: Vec2,
        /// Radians.
        heading: f32,
    },
    Bench {
        /// Its middle.
        at: Vec2,
        /// Radians.
        heading: f32,
    },
    /// A table with stools, fixed to the floor.
    Table {
        /// Its middle.
        at: Vec2,
        /// Radians.
        heading: f32,
    },
    Hoop {
        /// Its foot.
        at: Vec2,
        /// Radians.
        heading: f32,
    },
}

/// Light and weather of a whole scene.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conditions {
    pub light: Light,
    /// Where the sun stands: radians counter-clockwise from +x, and above the horizon.
    pub sun: [f32; 2],
    /// Wind that sways plants, 0 (still) to 1 (storm).
    pub wind: f32,
    /// Rain, 0 (none) to 1 (downpour).
    pub rain: f32,
    /// Snow, 0 (none) to 1 (blizzard).
    pub snow: f32,
    /// How far one sees in fog, metres; infinity without fog.
    pub visibility: f32,
    /// Camera shake: standard deviation in picture widths.
    pub shake: f32,
}

/// What lights a scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Light {
    /// Sun and sky.
    Day,
    /// Low sun or none, lamps on, noise.
    Dusk,
    /// The camera's own infrared lamp: monochrome, noise, bloom, falls off with distance.
    NightInfrared,
    /// Lamps under a ceiling.
    Indoor,
}

/// Everything that may change, at one instant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moment {
    /// Seconds since the scene began.
    pub seconds: f32,
    /// Everybody who is there.
    pub people: Vec<Person>,
    pub things: Vec<Thing>,
    /// What is wrong with the camera itself.
    pub faults: Vec<Fault>,
}

/// One person at one instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    /// Stays the same through the scene; decides body, hair and clothing together with `look`.
    pub id: u32,
    /// How the person looks.
    pub look: Look,
    /// The point of the ground below the body's middle; z is the height of what the person stands
    /// on, hangs at or lies on.
    pub position: Vec3,
    /// Where the person faces, radians.
    pub heading: f32,
    /// What the body does.
    pub motion: Motion,
}

/// A person's body and clothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// Metres, 1.5 to 2.0.
    pub height: f32,
    /// Girth relative to the average, 0.8 to 1.3.
    pub build: f32,
    pub clothing: Clothing,
    /// Decides colours within the clothing, skin and hair.
    pub seed: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clothing {
    /// The same for all: jacket and trousers of one colour, with stripes.
    Inmate,
    /// Dark uniform, cap, belt.
    Officer,
    Civilian,
}

/// What a body does. `phase` counts cycles (one cycle = two steps) and goes on; `progress` runs
/// from 0 to 1 once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Motion {
    /// Stands, shifts weight; phase in breaths.
    Stand {
        phase: f32,
    },
    Walk {
        phase: f32,
        metres_per_second: f32,
    },
    Run {
        phase: f32,
        metres_per_second: f32,
    },
    /// On hands and knees.
    Crawl {
        phase: f32,
    },
    /// Lies along and rolls about the own long axis; phase in turns. Moves sideways.
    Roll {
        phase: f32,
    },
    /// Climbs up or down: hands and feet on the structure in front; `position` z is the feet's.
    Climb {
        phase: f32,
    },
    /// Falls from standing to lying.
    Fall {
        progress: f32,
    },
    /// Lies: 0 on the back, 0.25 on the right side, 0.5 face down, 0.75 on the left side.
    Lie {
        side: f32,
    },
    /// Sits on something 0.45 m high.
    Sit {
        phase: f32,
    },
    /// Fights somebody in front: blows, pushes, steps.
    Fight {
        phase: f32,
    },
    /// Throws an object with the right arm.
    Throw {
        progress: f32,
    },
    /// Rises from lying to standing.
    Rise {
        progress: f32,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Thing {
    Packet {
        position: Vec3,
    },
    /// A bird; phase in wing beats, z > 0 in flight, z = 0 walking.
    Bird {
        position: Vec3,
        heading: f32,
        phase: f32,
    },
    /// A cat; phase in cycles of its gait.
    Cat {
        position: Vec3,
        heading: f32,
        phase: f32,
    },
    /// A plastic bag in the wind; phase in turns.
    Bag {
        position: Vec3,
        phase: f32,
    },
    /// A car's lamps sweep the scene from here.
    Headlights {
        position: Vec3,
        heading: f32,
    },
    /// A cloud's or tree's shadow passes: its middle and radius on the ground.
    Shadow {
        center: Vec2,
        radius: f32,
    },
    /// An insect on the lens: where in the picture, and its size in picture heights.
    Insect {
        in_picture: Vec2,
        size: f32,
    },
}

/// What is wrong with the camera at an instant. A frozen picture and a lost signal are not drawn:
/// whoever writes the frames repeats or leaves them out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// Something lies over the lens: share of the picture, 0 to 1, and its grey, 0 to 1.
    Covered { share: f32, grey: f32 },
    /// Blur: standard deviation in picture widths.
    Defocused { sigma: f32 },
    /// The camera has been turned: radians to the left, radians down.
    Moved { pan: f32, tilt: f32 },
}

impl Motion {
    /// How far a body of this height gets in one cycle of its gait, metres: whoever advances a
    /// phase and whoever draws its steps both use it, so that feet do not slide. None for motions
    /// that lead nowhere.
    ///
    /// Walking: a stride of 0.87 body heights at 1.4 m/s that grows with speed to the power of 0.42
    /// (Grieve and Gear, Ergonomics 9, 1966). Running: 2.7 steps a second at 3.5 m/s, and longer
    /// strides rather than quicker ones above (Cavanagh and Kram, Med Sci Sports Exerc 21, 1989).
    #[must_use]
    pub fn cycle_metres(self, body_height_metres: f32) -> Option<f32> {
        match self {
            Self::Walk {
                metres_per_second, ..
            } => {
                let relative = (metres_per_second / 1.4).clamp(0.1, 2.0);
                Some(0.87 * body_height_metres * relative.powf(0.42))
            }
            Self::Run {
                metres_per_second, ..
            } => {
                let relative = (metres_per_second / 3.5).clamp(0.3, 3.0);
                Some(1.48 * body_height_metres * relative.powf(0.84))
            }
            Self::Crawl { .. } => Some(0.43 * body_height_metres),
            Self::Roll { .. } => Some(1.0),
            Self::Climb { .. } => Some(0.4 * body_height_metres),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strides_have_a_human_length_and_grow_with_speed() {
        let stride = |motion: Motion| motion.cycle_metres(1.75).expect("leads somewhere");
        let walk = |metres_per_second| Motion::Walk {
            phase: 0.0,
            metres_per_second,
        };
        let run = |metres_per_second| Motion::Run {
            phase: 0.0,
            metres_per_second,
        };
        // 105 to 120 steps a minute at an ordinary walk.
        let steps_per_minute = 2.0 * 60.0 * 1.4 / stride(walk(1.4));
        assert!((105.0..120.0).contains(&steps_per_minute));
        assert!(stride(walk(0.8)) < stride(walk(1.4)) && stride(walk(1.4)) < stride(run(4.0)));
        assert!((2.5..3.2).contains(&(2.0 * 5.0 / stride(run(5.0)))));
        assert_eq!(Motion::Lie { side: 0.0 }.cycle_metres(1.75), None);
    }
}
