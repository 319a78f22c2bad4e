//! Draws a [`Place`] at a [`Moment`] as a fixed camera sees it, and says exactly who is where in
//! the picture. Same place, moment and frame number: same bytes, on any number of cores.
//!
//! ```text
//! Place ─▶ stage (triangles, panels, leaves) ─▶ backdrop: traced once, kept with its light
//! Moment ─▶ figures bent and lit ─▶ cutouts ┐
//!                                           ├▶ compose (linear light, changed squares only)
//! backdrop, fences and leaves ──────────────┘      ▼
//!                        lens (exposure, tone, softness, sharpening) ▶ rain, snow, insects, faults
//!                                                  ▼
//!                                   sensor (grain) ▶ I420, limited range
//! ```
//!
//! The rasteriser is our own: the CPU rasterisers on the registry draw flat 2-D paths
//! (`tiny-skia`) or want the caller to write both shaders anyway (`euc`), and what takes the time
//! here is the light.
//!
//! Lying people: the pelvis is above the person's position, the head points away from the heading.

mod backdrop;
mod bands;
mod bvh;
mod camera;
mod cell;
mod compose;
mod crowd;
mod figure;
mod layer;
mod lens;
mod light;
mod material;
mod noise;
mod overlay;
mod raster;
mod sensor;
mod shade;
mod shake;
mod shape;
mod sky;
mod stage;
mod still;
#[cfg(test)]
mod tests;
mod things;
mod truth;
mod vector;

use std::collections::BTreeMap;

use crate::world::{Fault, Light, Look, Moment, Person, Place, Thing, Vec3};
use parapet::model::geometry::{Point, Size};

use backdrop::Backdrop;
use camera::Camera;
use compose::Instant;
use crowd::{Mover, Scene};
use figure::body::Body;
use lens::Lens;
use light::Lighting;
use noise::hash_pair;
use sensor::Sensor;
use stage::Stage;
use still::Still;

pub use truth::Seen;

/// Goes up when the same moment gives other pixels or boxes: what is kept of earlier drawings is
/// then stale.
pub const VERSION: u32 = 4;

/// How the planes' colours are coded (limited range either way).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matrix {
    /// ITU-R BT.601: fewer than 720 lines.
    Bt601,
    /// ITU-R BT.709: 720 lines and more.
    Bt709,
}

/// A picture as I420 planes (width × height, then twice a quarter) and what is in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    /// Pixels.
    pub size: Size,
    /// Colour coding of the planes.
    pub matrix: Matrix,
    /// Brightness, one byte per pixel, rows without padding.
    pub y: Vec<u8>,
    /// Blue difference, one byte per 2 × 2 pixels.
    pub u: Vec<u8>,
    /// Red difference, one byte per 2 × 2 pixels.
    pub v: Vec<u8>,
    /// Everybody of whom some part is in the picture, seen or hidden, in the moment's order.
    pub people: Vec<Seen>,
}

/// Meshes of one person, fine and coarse.
type Bodies = BTreeMap<(u32, [u32; 3]), [Option<Body>; 2]>;

pub struct Renderer {
    place: Place,
    size: Size,
    stage: Stage,
    light: Lighting,
    sensor: Sensor,
    views: Vec<View>,
    bodies: Bodies,
    seed: u32,
}

/// Light and shade that pass through at one moment.
struct Passing {
    /// Shadows: middle and radius on the ground.
    clouds: Vec<([f32; 2], f32)>,
    beams: Vec<things::Beam>,
}

/// A camera direction with everything that is kept for it.
struct View {
    /// Turn against the place's camera.
    turn: [f32; 2],
    backdrop: Backdrop,
    lens: Lens,
    still: Still,
}

/// Camera directions that are kept at once: the proper one and the one it was turned to.
const VIEWS: usize = 2;

impl Renderer {
    /// Prepares a place: traces what stands still. Sizes are rounded down to even numbers and kept
    /// within 16 × 16 and 1920 × 1080.
    #[must_use]
    pub fn new(place: &Place, size: Size) -> Self {
        let size = Size {
            width: size.width.clamp(16, 1920) & !1,
            height: size.height.clamp(16, 1080) & !1,
        };
        let (stage, lamps) = Stage::new(place);
        let camera = Camera::new(&place.camera, size, 0.0, 0.0);
        let light = Lighting::new(&place.conditions, lamps, camera.position, camera.forward);
        let seed = hash_pair(place.seed as u32, (place.seed >> 32) as u32);
        let mut renderer = Self {
            place: place.clone(),
            size,
            stage,
            light,
            sensor: Sensor::new(place.conditions.light, seed),
            views: Vec::new(),
            bodies: BTreeMap::new(),
            seed,
        };
        renderer.view([0.0, 0.0]);
        renderer
    }

    /// Where a place of the world is in the picture of the camera where it belongs, also outside
    /// the picture; `None` behind the camera.
    #[must_use]
    pub fn project(&self, point: Vec3) -> Option<Point> {
        Camera::new(&self.place.camera, self.size, 0.0, 0.0).project(point)
    }

    /// The index of the view with this turn; traced when it is new.
    fn view(&mut self, turn: [f32; 2]) -> usize {
        if let Some(index) = self.views.iter().position(|view| view.turn == turn) {
            return index;
        }
        let camera = Camera::new(&self.place.camera, self.size, turn[0], turn[1]);
        self.light.turn_lamp(camera.position, camera.forward);
        let mut backdrop =
            Backdrop::trace(camera, &self.stage, &self.light, &self.place.conditions);
        if let Some(first) = self.views.first() {
            backdrop.exposure = first.backdrop.exposure;
        }
        let lens = Lens {
            exposure: backdrop.exposure,
            light: self.place.conditions.light,
            width: self.size.width as usize,
            height: self.size.height as usize,
        };
        let still = Still::new(&backdrop, &self.light, &lens);
        if self.views.len() == VIEWS {
            self.views.pop();
        }
        self.views.push(View {
            turn,
            backdrop,
            lens,
            still,
        });
        self.views.len() - 1
    }

    /// Draws a moment. `frame_index` decides the grain and the shake: give every frame its own.
    pub fn draw(&mut self, moment: &Moment, frame_index: u64) -> Drawn {
        let (index, passing) = self.prepare(moment);
        let movers = self.movers(index, moment, &passing);
        let view = &mut self.views[index];
        let instant = Instant {
            backdrop: &view.backdrop,
            light: &self.light,
            movers: &movers,
            clouds: &passing.clouds,
            beams: &passing.beams,
            seconds: moment.seconds,
            wind: self.place.conditions.wind,
        };
        view.still.update(&instant, &view.lens);
        let shift = shake::offset(
            self.place.conditions.shake,
            self.size,
            self.seed,
            frame_index,
        );
        let people = truth::people(&instant, shift);
        let grey = self.place.conditions.light == Light::NightInfrared;
        let planes = self.finish(index, moment, &passing.beams, shift, frame_index, grey);
        Drawn {
            size: self.size,
            matrix: self.matrix(),
            y: planes.y,
            u: planes.u,
            v: planes.v,
            people,
        }
    }

    /// Who is in the picture of a moment, as [`Renderer::draw`] says it, without drawing it.
    pub fn look(&mut self, moment: &Moment, frame_index: u64) -> Vec<Seen> {
        let (index, passing) = self.prepare(moment);
        let movers = self.movers(index, moment, &passing);
        let instant = Instant {
            backdrop: &self.views[index].backdrop,
            light: &self.light,
            movers: &movers,
            clouds: &passing.clouds,
            beams: &passing.beams,
            seconds: moment.seconds,
            wind: self.place.conditions.wind,
        };
        let shift = shake::offset(
            self.place.conditions.shake,
            self.size,
            self.seed,
            frame_index,
        );
        truth::people(&instant, shift)
    }

    /// Makes ready what a moment needs; says which view shows it and what light passes through.
    fn prepare(&mut self, moment: &Moment) -> (usize, Passing) {
        let turn = moment
            .faults
            .iter()
            .fold([0.0, 0.0], |turn, fault| match fault {
                Fault::Moved { pan, tilt } => [turn[0] + pan, turn[1] + tilt],
                _ => turn,
            });
        let index = self.view(turn);
        let camera = self.views[index].backdrop.camera;
        self.light.turn_lamp(camera.position, camera.forward);
        self.model_bodies(moment, index);
        let clouds = moment
            .things
            .iter()
            .filter_map(|thing| match thing {
                Thing::Shadow { center, radius } => Some((*center, *radius)),
                _ => None,
            })
            .collect();
        let beams = moment.things.iter().filter_map(things::Beam::of).collect();
        (index, Passing { clouds, beams })
    }

    /// Everybody and everything that moves, each drawn by itself.
    fn movers(&self, index: usize, moment: &Moment, passing: &Passing) -> Vec<Mover> {
        let backdrop = &self.views[index].backdrop;
        let scene = Scene {
            stage: &self.stage,
            light: &self.light,
            backdrop,
            clouds: &passing.clouds,
            beams: &passing.beams,
        };
        let people = bands::each(&moment.people, |person| {
            let detail = detail(&backdrop.camera, person);
            let body = self
                .bodies
                .get(&key(person))
                .and_then(|pair| pair[detail].as_ref())?;
            crowd::person(&scene, person, body)
        });
        let solids: Vec<_> = moment.things.iter().filter_map(things::solid).collect();
        let things = bands::each(&solids, |solid| crowd::thing(&scene, solid));
        people.into_iter().chain(things).flatten().collect()
    }

    /// How the planes' colours are coded.
    #[must_use]
    pub fn matrix(&self) -> Matrix {
        if self.size.height >= 720 {
            Matrix::Bt709
        } else {
            Matrix::Bt601
        }
    }

    /// What lies over the scene, then the sensor.
    fn finish(
        &self,
        index: usize,
        moment: &Moment,
        beams: &[things::Beam],
        shift: [f32; 2],
        frame_index: u64,
        grey: bool,
    ) -> sensor::Planes {
        let view = &self.views[index];
        let conditions = &self.place.conditions;
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        let matrix = match self.matrix() {
            Matrix::Bt601 => sensor::BT601,
            Matrix::Bt709 => sensor::BT709,
        };
        let insects = moment
            .things
            .iter()
            .any(|thing| matches!(thing, Thing::Insect { .. }));
        let lying_over = conditions.rain > 0.0
            || conditions.snow > 0.0
            || insects
            || !beams.is_empty()
            || shift != [0.0, 0.0]
            || !moment.faults.is_empty();
        if !lying_over {
            return self
                .sensor
                .pack(&view.still.shown, width, height, matrix, grey, frame_index);
        }
        let mut picture = if shift == [0.0, 0.0] {
            view.still.shown.clone()
        } else {
            shake::shifted(&view.still.shown, width, height, shift)
        };
        let camera = &view.backdrop.camera;
        overlay::weather(
            &mut picture,
            camera,
            conditions,
            &self.light,
            moment.seconds,
            self.seed,
        );
        overlay::glare(&mut picture, camera, beams);
        overlay::insects(&mut picture, width, height, &moment.things, grey);
        for fault in &moment.faults {
            if let Fault::Defocused { sigma } = fault {
                lens::blur(&mut picture, width, height, sigma * width as f32);
            }
        }
        overlay::cover(&mut picture, width, height, &moment.faults, self.seed);
        self.sensor
            .pack(&picture, width, height, matrix, grey, frame_index)
    }

    /// Models everybody who has not been seen before, and forgets who has long been away.
    fn model_bodies(&mut self, moment: &Moment, view: usize) {
        const MOST: usize = 400;
        if self.bodies.len() > MOST {
            self.bodies.clear();
        }
        let camera = self.views[view].backdrop.camera;
        let missing: Vec<(&Person, usize)> = moment
            .people
            .iter()
            .map(|person| (person, detail(&camera, person)))
            .filter(|(person, detail)| {
                self.bodies
                    .get(&key(person))
                    .is_none_or(|pair| pair[*detail].is_none())
            })
            .collect();
        let modelled = bands::each(&missing, |(person, detail)| {
            Body::model(&person.look, CELLS[*detail])
        });
        for ((person, detail), body) in missing.into_iter().zip(modelled) {
            self.bodies.entry(key(person)).or_default()[detail] = Some(body);
        }
    }
}

/// Resolution of the fine and the coarse figure, metres.
const CELLS: [f32; 2] = [0.017, 0.028];

/// Which of the two figures is enough: the coarse one below 150 pixels.
fn detail(camera: &Camera, person: &Person) -> usize {
    let depth = camera.pixel(person.position)[2].max(0.3);
    usize::from(person.look.height * camera.focal / depth < 150.0)
}

fn key(person: &Person) -> (u32, [u32; 3]) {
    let Look {
        height,
        build,
        clothing,
        seed,
    } = person.look;
    (seed, [clothing as u32, build.to_bits(), height.to_bits()])
}
