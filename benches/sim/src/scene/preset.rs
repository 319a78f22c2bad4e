//! Places that scenes share by name. Each is a camera, a ground and what stands on it; a scene
//! file overrides the camera key by key and adds to the rest.
//!
//! | `place` | what the camera sees | free ground (metres) |
//! |---|---|---|
//! | `yard` | a recreation yard from the roof behind it, wall ahead, fences left and right | x -9..9, y 4..22 |
//! | `perimeter` | along the sterile strip, outer wall (y 5) left, inner fence (y -5) right | x 9..40, y -4..4 |
//! | `wall` | the outer wall (y 2) from inside, across its strip (y -6..2) | x -9..9, y -7..1.5 |
//! | `fence` | a double mesh fence (y 4 and y 10) and the meadow beyond | x -8..10, y -4..20 |
//! | `corridor` | along a corridor of cells | x 4..28, y -1.3..1.3 |
//! | `workshop` | a workshop from its corner, work tables in rows | x -3..7, y -4..6 |
//! | `dayroom` | a day room from its corner, tables with stools | x -2..6, y -3..5 |
//! | `gate` | the vehicle gate (x 0..6, y 12) and the road through it | x -6..10, y -1..20 |

use crate::world::{Light, Patch, Structure, Surface, Vec2, View};

/// A place without the scene's own additions.
#[derive(Clone, Debug)]
pub(super) struct Preset {
    pub(super) camera: View,
    pub(super) ground: Surface,
    pub(super) patches: Vec<Patch>,
    pub(super) structures: Vec<Structure>,
    pub(super) light: Light,
}

pub(super) type Maker = fn() -> Preset;

/// The presets by name.
pub(super) const NAMES: [(&str, Maker); 8] = [
    ("yard", yard),
    ("perimeter", perimeter),
    ("wall", wall),
    ("fence", fence),
    ("corridor", corridor),
    ("workshop", workshop),
    ("dayroom", dayroom),
    ("gate", gate),
];

fn view(position: [f32; 3], pan: f32, tilt: f32, field_of_view: f32) -> View {
    View {
        position,
        pan: pan.to_radians(),
        tilt: tilt.to_radians(),
        field_of_view: field_of_view.to_radians(),
    }
}

fn wall_of(path: &[Vec2], height: f32, surface: Surface, razor_wire: bool) -> Structure {
    Structure::Wall {
        path: path.to_vec(),
        height,
        thickness: 0.3,
        surface,
        razor_wire,
    }
}

fn fence_of(path: &[Vec2], height: f32, razor_wire: bool) -> Structure {
    Structure::Fence {
        path: path.to_vec(),
        height,
        razor_wire,
    }
}

fn rectangle(surface: Surface, from: Vec2, to: Vec2) -> Patch {
    Patch {
        surface,
        corners: vec![from, [to[0], from[1]], to, [from[0], to[1]]],
    }
}

/// A room's four walls, west, north, east and south, and its ceiling.
fn room(from: Vec2, to: Vec2, height: f32, surface: Surface) -> Vec<Structure> {
    let path = [from, [from[0], to[1]], to, [to[0], from[1]], from];
    vec![
        wall_of(&path, height, surface, false),
        Structure::Ceiling { from, to, height },
    ]
}

fn yard() -> Preset {
    Preset {
        camera: view([0.0, -4.0, 5.5], 90.0, 19.0, 72.0),
        ground: Surface::Grass,
        patches: vec![rectangle(Surface::Asphalt, [-16.0, -2.0], [16.0, 23.0])],
        structures: vec![
            wall_of(&[[-24.0, 25.0], [24.0, 25.0]], 4.5, Surface::Concrete, true),
            fence_of(&[[-17.0, -2.0], [-17.0, 25.0]], 3.5, true),
            fence_of(&[[17.0, -2.0], [17.0, 25.0]], 3.5, true),
            Structure::Hoop {
                at: [-12.0, 21.0],
                heading: -1.2,
            },
            Structure::Bench {
                at: [11.0, 20.5],
                heading: 0.0,
            },
            Structure::Bench {
                at: [6.0, 23.0],
                heading: 0.0,
            },
            Structure::LampPost {
                at: [15.5, 23.5],
                height: 6.0,
            },
        ],
        light: Light::Day,
    }
}

fn perimeter() -> Preset {
    Preset {
        camera: view([0.0, 0.0, 5.0], 0.0, 13.0, 58.0),
        ground: Surface::Grass,
        patches: vec![
            rectangle(Surface::Gravel, [-5.0, -5.0], [80.0, 5.0]),
            rectangle(Surface::Asphalt, [-5.0, -1.2], [80.0, 1.2]),
        ],
        structures: vec![
            wall_of(&[[-5.0, 5.0], [80.0, 5.0]], 5.0, Surface::Concrete, true),
            fence_of(&[[-5.0, -5.0], [80.0, -5.0]], 4.0, true),
            Structure::LampPost {
                at: [22.0, 4.2],
                height: 7.0,
            },
            Structure::LampPost {
                at: [46.0, 4.2],
                height: 7.0,
            },
            Structure::Building {
                center: [60.0, -22.0],
                size: [20.0, 12.0, 9.0],
                heading: 0.1,
                surface: Surface::Brick,
            },
        ],
        light: Light::Day,
    }
}

fn wall() -> Preset {
    Preset {
        camera: view([0.0, -16.0, 6.0], 90.0, 16.0, 66.0),
        ground: Surface::Grass,
        patches: vec![rectangle(Surface::Gravel, [-30.0, -6.0], [30.0, 2.0])],
        structures: vec![
            wall_of(&[[-32.0, 2.2], [32.0, 2.2]], 5.0, Surface::Concrete, true),
            Structure::LampPost {
                at: [-11.0, 0.9],
                height: 6.5,
            },
            Structure::Tree {
                at: [-15.0, 12.0],
                height: 9.0,
            },
            Structure::Tree {
                at: [9.0, 15.0],
                height: 11.0,
            },
        ],
        light: Light::Day,
    }
}

fn fence() -> Preset {
    Preset {
        camera: view([-6.0, -9.0, 5.5], 72.0, 16.0, 66.0),
        ground: Surface::Grass,
        patches: vec![
            rectangle(Surface::Gravel, [-40.0, 4.0], [40.0, 10.0]),
            rectangle(Surface::Concrete, [-40.0, -3.0], [40.0, -1.0]),
        ],
        structures: vec![
            fence_of(&[[-40.0, 4.0], [40.0, 4.0]], 3.6, true),
            fence_of(&[[-40.0, 10.0], [40.0, 10.0]], 3.6, true),
            Structure::Tree {
                at: [14.0, 24.0],
                height: 8.0,
            },
            Structure::Bush {
                at: [-3.0, 17.0],
                height: 1.6,
            },
            Structure::Bush {
                at: [5.0, 19.0],
                height: 1.3,
            },
        ],
        light: Light::Day,
    }
}

fn corridor() -> Preset {
    let mut structures = room([-1.0, -1.7], [32.0, 1.7], 3.2, Surface::Plaster);
    structures.push(Structure::Bench {
        at: [20.0, 1.35],
        heading: 0.0,
    });
    Preset {
        camera: view([0.0, 0.0, 2.9], 0.0, 17.0, 78.0),
        ground: Surface::Tiles,
        patches: Vec::new(),
        structures,
        light: Light::Indoor,
    }
}

fn workshop() -> Preset {
    let mut structures = room([-7.0, -6.0], [9.0, 8.0], 4.5, Surface::Plaster);
    structures.extend(
        [[-1.0, 5.5], [3.0, 5.5], [7.0, 5.5], [7.0, 1.0]]
            .map(|at| Structure::Table { at, heading: 0.0 }),
    );
    Preset {
        camera: view([-6.4, -5.4, 3.8], 42.0, 24.0, 84.0),
        ground: Surface::Concrete,
        patches: Vec::new(),
        structures,
        light: Light::Indoor,
    }
}

fn dayroom() -> Preset {
    let mut structures = room([-5.0, -4.5], [8.0, 6.5], 3.4, Surface::Plaster);
    structures.extend(
        [[0.0, 4.5], [6.0, 4.0], [6.0, -1.0]].map(|at| Structure::Table { at, heading: 0.4 }),
    );
    Preset {
        camera: view([-4.6, -4.1, 3.1], 42.0, 24.0, 86.0),
        ground: Surface::Tiles,
        patches: Vec::new(),
        structures,
        light: Light::Indoor,
    }
}

fn gate() -> Preset {
    Preset {
        camera: view([-6.0, -8.0, 5.2], 68.0, 17.0, 70.0),
        ground: Surface::Concrete,
        patches: vec![
            rectangle(Surface::Asphalt, [0.0, -12.0], [6.0, 40.0]),
            rectangle(Surface::Grass, [-30.0, 14.0], [-1.0, 40.0]),
            rectangle(Surface::Grass, [8.0, 14.0], [40.0, 40.0]),
        ],
        structures: vec![
            wall_of(&[[-30.0, 12.0], [-0.5, 12.0]], 4.5, Surface::Brick, true),
            wall_of(&[[6.5, 12.0], [40.0, 12.0]], 4.5, Surface::Brick, true),
            Structure::Building {
                center: [12.0, 6.0],
                size: [5.0, 4.0, 3.0],
                heading: 0.0,
                surface: Surface::Plaster,
            },
            Structure::Car {
                at: [9.5, 1.5],
                heading: 1.57,
            },
            Structure::LampPost {
                at: [-1.5, 10.8],
                height: 6.0,
            },
        ],
        light: Light::Day,
    }
}
