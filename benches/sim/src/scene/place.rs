//! Where a scene plays: `place`, `[camera]`, `[conditions]`, `[[patch]]` and `[[structure]]`.

use super::preset;
use super::script::{number, spot};
use crate::world::{Conditions, Light, Patch, Place, Structure, Surface, Vec2, View};
use parapet::config::reader::Table;

const SURFACES: [(&str, Surface); 9] = [
    ("grass", Surface::Grass),
    ("asphalt", Surface::Asphalt),
    ("concrete", Surface::Concrete),
    ("gravel", Surface::Gravel),
    ("earth", Surface::Earth),
    ("tiles", Surface::Tiles),
    ("plaster", Surface::Plaster),
    ("brick", Surface::Brick),
    ("steel", Surface::Steel),
];

const LIGHTS: [(&str, Light); 4] = [
    ("day", Light::Day),
    ("dusk", Light::Dusk),
    ("night_infrared", Light::NightInfrared),
    ("indoor", Light::Indoor),
];

/// Reads the place; none where no preset of that name exists.
pub(super) fn read(root: &Table<'_>, seed: u64) -> Option<Place> {
    if !root.has("place") {
        root.missing("place", "write the name of a preset such as \"yard\"");
    }
    let preset = root
        .choice("place", &preset::NAMES)
        .map(|set| (set.value)());
    let bare = root.flag("bare").is_some_and(|set| set.value);
    let ground = root.choice("ground", &SURFACES);
    let camera = root.table("camera", "[camera]").map(|table| {
        let read = Aim::read(&table);
        table.finish();
        read
    });
    let weather = root.table("conditions", "[conditions]").map(|table| {
        let read = Weather::read(&table);
        table.finish();
        read
    });
    let patches = patches(root);
    let structures: Vec<Structure> = root
        .tables("structure")
        .iter()
        .filter_map(structure)
        .collect();
    let mut preset = preset?;
    if bare {
        preset.structures.clear();
        preset.patches.clear();
    }
    preset.patches.extend(patches);
    preset.structures.extend(structures);
    Some(Place {
        seed,
        camera: camera.map_or(preset.camera, |aim| aim.over(preset.camera)),
        ground: ground.map_or(preset.ground, |set| set.value),
        patches: preset.patches,
        structures: preset.structures,
        conditions: weather.unwrap_or_default().on(preset.light),
    })
}

/// The keys of `[camera]` that a file gives.
struct Aim {
    at: Option<[f64; 2]>,
    height: Option<f64>,
    pan: Option<f64>,
    tilt: Option<f64>,
    field_of_view: Option<f64>,
}

impl Aim {
    fn read(table: &Table<'_>) -> Self {
        let number = |key, range| table.number(key, range).map(|set| set.value);
        Self {
            at: spot(table, "at"),
            height: number("height", 1.5..=60.0),
            pan: number("pan", -360.0..=360.0),
            tilt: number("tilt", 3.0..=80.0),
            field_of_view: number("field_of_view", 10.0..=120.0),
        }
    }

    fn over(&self, preset: View) -> View {
        let [x, y, z] = preset.position;
        let at = self.at.map_or([x, y], |at| at.map(|metres| metres as f32));
        let radians = |degrees: Option<f64>, usual: f32| {
            degrees.map_or(usual, |degrees| degrees.to_radians() as f32)
        };
        View {
            position: [at[0], at[1], self.height.map_or(z, |metres| metres as f32)],
            pan: radians(self.pan, preset.pan),
            tilt: radians(self.tilt, preset.tilt),
            field_of_view: radians(self.field_of_view, preset.field_of_view),
        }
    }
}

/// The keys of `[conditions]`.
#[derive(Default)]
struct Weather {
    light: Option<Light>,
    sun: Option<[f64; 2]>,
    wind: f64,
    rain: f64,
    snow: f64,
    visibility: Option<f64>,
    shake: f64,
}

impl Weather {
    fn read(table: &Table<'_>) -> Self {
        let sun = table.pair("sun").and_then(|sun| {
            let sound =
                (-360.0..=360.0).contains(&sun.value[0]) && (0.0..=90.0).contains(&sun.value[1]);
            if !sound {
                table.problem(
                    sun.at,
                    "`sun` stands nowhere: write [compass, height above the horizon] in degrees",
                );
            }
            sound.then_some(sun.value)
        });
        Self {
            light: table.choice("light", &LIGHTS).map(|set| set.value),
            sun,
            wind: number(table, "wind", 0.0..=1.0, 0.0),
            rain: number(table, "rain", 0.0..=1.0, 0.0),
            snow: number(table, "snow", 0.0..=1.0, 0.0),
            visibility: table
                .number("visibility", 5.0..=10_000.0)
                .map(|set| set.value),
            shake: number(table, "shake", 0.0..=0.05, 0.0),
        }
    }

    fn on(&self, usual: Light) -> Conditions {
        let light = self.light.unwrap_or(usual);
        let sun = self.sun.unwrap_or(match light {
            Light::Dusk => [200.0, 6.0],
            _ => [230.0, 48.0],
        });
        Conditions {
            light,
            sun: sun.map(|degrees| degrees.to_radians() as f32),
            wind: self.wind as f32,
            rain: self.rain as f32,
            snow: self.snow as f32,
            visibility: self
                .visibility
                .map_or(f32::INFINITY, |metres| metres as f32),
            shake: self.shake as f32,
        }
    }
}

fn patches(root: &Table<'_>) -> Vec<Patch> {
    let mut patches = Vec::new();
    for table in root.tables("patch") {
        let surface = table.choice("surface", &SURFACES);
        let corners = corners(&table, "corners", 3);
        table.finish();
        if let (Some(surface), Some(corners)) = (surface, corners) {
            patches.push(Patch {
                surface: surface.value,
                corners,
            });
        }
    }
    patches
}

/// A list of at least `least` places on the ground.
fn corners(table: &Table<'_>, key: &'static str, least: usize) -> Option<Vec<Vec2>> {
    if !table.has(key) {
        table.missing(key, "write [[x, y], …] in metres");
    }
    let points = table.points(key)?;
    if points.value.len() < least {
        table.problem(
            points.at,
            format!(
                "`{key}` has {} points: write at least {least}",
                points.value.len()
            ),
        );
        return None;
    }
    Some(
        points
            .value
            .iter()
            .map(|point| point.map(|metres| metres as f32))
            .collect(),
    )
}

#[derive(Clone, Copy)]
enum Kind {
    Wall,
    Fence,
    Building,
    Ceiling,
    LampPost,
    Tree,
    Bush,
    Car,
    Bench,
    Table,
    Hoop,
}

const KINDS: [(&str, Kind); 11] = [
    ("wall", Kind::Wall),
    ("fence", Kind::Fence),
    ("building", Kind::Building),
    ("ceiling", Kind::Ceiling),
    ("lamp_post", Kind::LampPost),
    ("tree", Kind::Tree),
    ("bush", Kind::Bush),
    ("car", Kind::Car),
    ("bench", Kind::Bench),
    ("table", Kind::Table),
    ("hoop", Kind::Hoop),
];

fn structure(table: &Table<'_>) -> Option<Structure> {
    if !table.has("kind") {
        table.missing("kind", "say what stands there, such as \"fence\"");
    }
    let kind = table.choice("kind", &KINDS)?.value;
    let structure = structure_of(table, kind);
    table.finish();
    structure
}

fn structure_of(table: &Table<'_>, kind: Kind) -> Option<Structure> {
    let height = |usual: f64| number(table, "height", 0.2..=60.0, usual) as f32;
    let at = || {
        if !table.has("at") {
            table.missing("at", "write [x, y] in metres");
        }
        spot(table, "at").map(|at| at.map(|metres| metres as f32))
    };
    let heading = || number(table, "heading", -360.0..=360.0, 0.0).to_radians() as f32;
    let razor_wire = || table.flag("razor_wire").is_some_and(|set| set.value);
    let surface = |usual: Surface| {
        table
            .choice("surface", &SURFACES)
            .map_or(usual, |set| set.value)
    };
    Some(match kind {
        Kind::Wall => Structure::Wall {
            height: height(4.0),
            thickness: number(table, "thickness", 0.05..=5.0, 0.3) as f32,
            surface: surface(Surface::Concrete),
            razor_wire: razor_wire(),
            path: corners(table, "path", 2)?,
        },
        Kind::Fence => Structure::Fence {
            height: height(3.5),
            razor_wire: razor_wire(),
            path: corners(table, "path", 2)?,
        },
        Kind::Building => Structure::Building {
            size: [
                number(table, "width", 0.5..=200.0, 6.0) as f32,
                number(table, "depth", 0.5..=200.0, 5.0) as f32,
                height(3.0),
            ],
            heading: heading(),
            surface: surface(Surface::Plaster),
            center: at()?,
        },
        Kind::Ceiling => {
            let height = height(3.0);
            let two = corners(table, "corners", 2)?;
            Structure::Ceiling {
                from: two[0],
                to: two[1],
                height,
            }
        }
        Kind::LampPost => Structure::LampPost {
            height: height(6.0),
            at: at()?,
        },
        Kind::Tree => Structure::Tree {
            height: height(7.0),
            at: at()?,
        },
        Kind::Bush => Structure::Bush {
            height: height(1.4),
            at: at()?,
        },
        Kind::Car => Structure::Car {
            heading: heading(),
            at: at()?,
        },
        Kind::Bench => Structure::Bench {
            heading: heading(),
            at: at()?,
        },
        Kind::Table => Structure::Table {
            heading: heading(),
            at: at()?,
        },
        Kind::Hoop => Structure::Hoop {
            heading: heading(),
            at: at()?,
        },
    })
}
