//! What one sees through: fences, razor wire, and leaves that sway. Each is kept as a picture of
//! its own with a depth, and laid over what is behind it.

use std::f32::consts::FRAC_1_SQRT_2;

use super::bands;
use super::camera::{Camera, NEAR};
use super::cell::Cell;
use super::light::{Lighting, lit};
use super::material::lines;
use super::stage::{Crown, Panel, Stage, Weave};
use super::vector::{V3, add, along, cross, dot, length, mix, scale, smooth_step, sub, unit};

/// One pixel of a layer: colour times cover, cover, depth.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Veil {
    pub(super) colour: V3,
    pub(super) cover: f32,
    pub(super) depth: f32,
}

/// How leaves move.
#[derive(Clone, Copy, Debug)]
struct Sway {
    /// Pixels at the top.
    reach: f32,
    /// Row of the plant's foot, and rows from there to its top.
    foot: f32,
    rows: f32,
    lot: u32,
}

/// A see-through part of the still scene.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    pub(super) left: usize,
    pub(super) top: usize,
    pub(super) width: usize,
    pub(super) height: usize,
    veils: Vec<Veil>,
    sway: Option<Sway>,
}

impl Layer {
    /// Whether it looks different from frame to frame in this wind.
    pub(super) fn moves(&self, wind: f32) -> bool {
        self.sway.is_some_and(|sway| sway.reach * wind > 0.05)
    }

    /// The layer at a pixel, with leaves where the wind has them.
    pub(super) fn at(&self, x: usize, y: usize, seconds: f32, wind: f32) -> Veil {
        if x < self.left
            || y < self.top
            || x >= self.left + self.width
            || y >= self.top + self.height
        {
            return Veil::default();
        }
        let Some(sway) = self.sway.filter(|_| self.moves(wind)) else {
            return self.veils[(y - self.top) * self.width + x - self.left];
        };
        let up = ((sway.foot - y as f32) / sway.rows).clamp(0.0, 1.2);
        let up = up * (0.4 + 0.6 * up);
        let phase = (sway.lot & 1023) as f32;
        let gust = 0.6 * wave(seconds * 1.7 + phase) + 0.4 * wave(seconds * 2.9 + phase * 1.7);
        let flutter = wave(seconds * 7.3 + x as f32 * 0.21 + y as f32 * 0.17 + phase);
        let dx = sway.reach * wind * up * (gust + 0.22 * flutter);
        let dy = sway.reach * wind * up * 0.3 * wave(seconds * 2.3 + x as f32 * 0.09 + phase);
        self.between((x - self.left) as f32 - dx, (y - self.top) as f32 - dy)
    }

    fn between(&self, x: f32, y: f32) -> Veil {
        let (fx, fy) = (x.floor(), y.floor());
        let (tx, ty) = (x - fx, y - fy);
        let mut sum = Veil::default();
        for (dx, dy, weight) in [
            (0.0, 0.0, (1.0 - tx) * (1.0 - ty)),
            (1.0, 0.0, tx * (1.0 - ty)),
            (0.0, 1.0, (1.0 - tx) * ty),
            (1.0, 1.0, tx * ty),
        ] {
            let (column, row) = (fx + dx, fy + dy);
            if column < 0.0 || row < 0.0 || column >= self.width as f32 || row >= self.height as f32
            {
                continue;
            }
            let veil = self.veils[row as usize * self.width + column as usize];
            if veil.cover > 0.0 {
                sum.colour = along(sum.colour, veil.colour, weight);
                sum.cover += veil.cover * weight;
                sum.depth = sum.depth.max(veil.depth);
            }
        }
        sum
    }
}

/// Nearly a sine, cheaply.
fn wave(angle: f32) -> f32 {
    let turns = angle * (0.5 * std::f32::consts::FRAC_1_PI);
    let t = (turns - turns.floor()) * 2.0 - 1.0;
    -4.0 * t * (1.0 - t.abs())
}

/// All layers of a stage as a camera sees them.
pub(super) fn all(camera: &Camera, stage: &Stage, light: &Lighting, cells: &[Cell]) -> Vec<Layer> {
    let panels = stage.panels.iter().filter_map(|panel| {
        let corners = [
            panel.from,
            panel.to,
            along(panel.from, [0.0, 0.0, 1.0], panel.height),
            along(panel.to, [0.0, 0.0, 1.0], panel.height),
        ];
        let frame = frame(camera, &corners, 1.0)?;
        Some(fill(
            camera,
            frame,
            None,
            |x, y| woven(camera, light, panel, x, y),
            cells,
        ))
    });
    let crowns = stage.crowns.iter().filter_map(|crown| {
        let corners: Vec<V3> = (0..8)
            .map(|n| {
                [0, 1, 2].map(|axis| {
                    let side = if n >> axis & 1 == 0 { -1.0 } else { 1.0 };
                    crown.middle[axis] + side * crown.radius
                })
            })
            .collect();
        let frame = frame(camera, &corners, 4.0)?;
        let (foot, top) = (
            camera.pixel(crown.foot),
            camera.pixel(along(crown.foot, [0.0, 0.0, 1.0], crown.height)),
        );
        let sway = Sway {
            reach: (0.035 * crown.height.max(1.5)) * camera.focal / foot[2].max(1.0),
            foot: foot[1],
            rows: (foot[1] - top[1]).max(4.0),
            lot: crown.lot,
        };
        Some(fill(
            camera,
            frame,
            Some(sway),
            |x, y| leafy(camera, stage, light, crown, x, y),
            cells,
        ))
    });
    panels.chain(crowns).collect()
}

/// The part of the picture that holds some places: left, top, right, bottom.
fn frame(camera: &Camera, corners: &[V3], margin: f32) -> Option<[usize; 4]> {
    let (width, height) = (camera.size.width as f32, camera.size.height as f32);
    let mut bounds = [f32::MAX, f32::MAX, f32::MIN, f32::MIN];
    let mut behind = 0;
    for corner in corners {
        let [x, y, depth] = camera.pixel(*corner);
        if depth < NEAR {
            behind += 1;
            continue;
        }
        bounds = [
            bounds[0].min(x),
            bounds[1].min(y),
            bounds[2].max(x),
            bounds[3].max(y),
        ];
    }
    if behind == corners.len() {
        return None;
    }
    if behind > 0 {
        bounds = [0.0, 0.0, width, height];
    }
    let clip = |v: f32, most: f32| v.clamp(0.0, most) as usize;
    let frame = [
        clip(bounds[0] - margin, width),
        clip(bounds[1] - margin, height),
        clip(bounds[2] + margin + 1.0, width),
        clip(bounds[3] + margin + 1.0, height),
    ];
    (frame[2] > frame[0] && frame[3] > frame[1]).then_some(frame)
}

fn fill(
    camera: &Camera,
    [left, top, right, bottom]: [usize; 4],
    sway: Option<Sway>,
    look: impl Fn(f32, f32) -> Veil + Sync,
    cells: &[Cell],
) -> Layer {
    let (width, height) = (right - left, bottom - top);
    let mut veils = vec![Veil::default(); width * height];
    bands::rows(&mut veils, width, |line, row| {
        for (column, veil) in row.iter_mut().enumerate() {
            let (x, y) = (left + column, top + line);
            let still = cells[y * camera.size.width as usize + x].depth;
            let mut covers = 0.0;
            for [dx, dy] in [[0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75]] {
                let part = look(x as f32 + dx, y as f32 + dy);
                if part.cover > 0.0 && part.depth < still {
                    veil.colour = along(veil.colour, part.colour, 0.25);
                    veil.cover += 0.25 * part.cover;
                    veil.depth += part.depth;
                    covers += 1.0;
                }
            }
            if covers > 0.0 {
                veil.depth /= covers;
            }
        }
    });
    Layer {
        left,
        top,
        width,
        height,
        veils,
        sway,
    }
}

fn woven(camera: &Camera, light: &Lighting, panel: &Panel, x: f32, y: f32) -> Veil {
    let way = sub(panel.to, panel.from);
    let long = length(way);
    let side = scale(way, 1.0 / long.max(1e-6));
    let normal = cross(side, [0.0, 0.0, 1.0]);
    let ray = camera.ray(x, y);
    let facing = dot(ray, normal);
    let depth = dot(sub(panel.from, camera.position), normal)
        / if facing.abs() < 1e-6 { 1e-6 } else { facing };
    if depth < NEAR {
        return Veil::default();
    }
    let place = along(camera.position, ray, depth);
    let (u, v) = (dot(sub(place, panel.from), side), place[2] - panel.from[2]);
    if u < 0.0 || u > long || v < 0.0 || v > panel.height {
        return Veil::default();
    }
    let slant = (facing.abs() / length(ray)).max(0.08);
    let footprint = depth / camera.focal * 0.5;
    let cover = match panel.weave {
        Weave::Chain => chain(u, v, footprint / slant.sqrt()),
        Weave::Razor => razor(u, v, panel.height, footprint / slant.sqrt()),
    };
    let turned = if facing > 0.0 {
        scale(normal, -1.0)
    } else {
        normal
    };
    let shown = unit([turned[0], turned[1], turned[2] + 0.5]);
    let albedo = light.seen(Stage::wire(panel.weave), 3);
    let sun = scale(light.key_colour, dot(shown, light.key).max(0.15));
    let around = add(light.ambient(shown), light.lamps(place, shown));
    let colour = light.through_air(lit(albedo, add(sun, around)), depth * length(ray));
    Veil {
        colour: scale(colour, cover),
        cover,
        depth,
    }
}

fn chain(u: f32, v: f32, footprint: f32) -> f32 {
    let (mesh, wire) = (0.055, 0.0042);
    let a = lines((u + v) * FRAC_1_SQRT_2 + wire, mesh, wire, footprint);
    let b = lines((u - v) * FRAC_1_SQRT_2 + 50.0 * mesh, mesh, wire, footprint);
    1.0 - (1.0 - a) * (1.0 - b)
}

/// Rings of a roll, each an ellipse from the side, three of them over every place.
fn razor(u: f32, v: f32, height: f32, footprint: f32) -> f32 {
    let (pitch, radius, wire) = (0.14, height * 0.48, 0.012);
    let mut open = 1.0;
    let first = (u / pitch).floor() - 1.0;
    for n in 0..4 {
        let middle = (first + n as f32) * pitch;
        let (x, z) = ((u - middle) / 0.13, (v - radius - 0.01) / radius);
        let off = (x.hypot(z) - 1.0).abs() * 0.16;
        let width = (wire + footprint) * 0.5;
        let share = wire / (wire + footprint);
        open *= 1.0 - share * smooth_step(width * 1.4, width * 0.4, off);
    }
    1.0 - open
}

fn leafy(camera: &Camera, stage: &Stage, light: &Lighting, crown: &Crown, x: f32, y: f32) -> Veil {
    let ray = camera.ray(x, y);
    let Some(hit) = crown.leaves.nearest(camera.position, ray, f32::MAX) else {
        return Veil::default();
    };
    let leaf = &crown.leaves.triangles[hit.triangle as usize];
    let place = along(camera.position, ray, hit.distance);
    let normal = leaf.normals[0];
    let lot = leaf.material;
    let own = 0.75 + 0.5 * ((lot >> 4) & 255) as f32 / 255.0;
    let yellow = ((lot >> 12) & 255) as f32 / 255.0;
    let tint = mix(
        crown.tint,
        [crown.tint[0] * 1.6, crown.tint[1] * 1.15, crown.tint[2]],
        yellow * 0.5,
    );
    let albedo = light.seen(scale(tint, own), lot);
    // Leaves deep in the crown get less of the sky.
    let deep = length(sub(place, crown.middle)) / crown.radius;
    let open = 0.35 + 0.65 * smooth_step(0.2, 0.95, deep + 0.25 * normal[2]);
    let facing = dot(normal, light.key);
    let mut sun = 0.0;
    if light.softness > 0.1 {
        sun = (0.5 + 0.5 * facing) * open;
    } else if !stage.shaded(along(place, light.key, 0.08), light.key, 60.0) {
        // Thin leaves shine through.
        sun = facing.max(0.0) * 0.8 + 0.25;
    }
    let around = scale(add(light.ambient(normal), light.lamps(place, normal)), open);
    let colour = lit(albedo, add(around, scale(light.key_colour, sun)));
    let colour = light.through_air(colour, hit.distance * length(ray));
    Veil {
        colour,
        cover: 1.0,
        depth: hit.distance,
    }
}
