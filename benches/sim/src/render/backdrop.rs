//! Everything that stands still, seen once by rays and kept: colour, depth, and enough of the
//! light that moving things can take some of it away.

use super::bands;
use super::camera::Camera;
use super::cell::Cell;
use super::layer::{self, Layer};
use super::light::{Lighting, lit};
use super::noise::{hash_pair, random};
use super::sky;
use super::stage::{Seen, Stage};
use super::vector::{
    V3, add, along, dot, length, luminance, mix, scale, smooth_step, tangents, unit,
};
use crate::world::{Conditions, Light};

/// The still scene.
pub(super) struct Backdrop {
    pub(super) camera: Camera,
    pub(super) cells: Vec<Cell>,
    pub(super) layers: Vec<Layer>,
    /// What the sensor's brightness is multiplied by before the tone curve.
    pub(super) exposure: f32,
}

/// Every so many pixels the sky's openness is measured.
const OPENNESS_STEP: usize = 4;

struct Tracer<'a> {
    camera: Camera,
    stage: &'a Stage,
    light: &'a Lighting,
    conditions: &'a Conditions,
}

impl Backdrop {
    pub(super) fn trace(
        camera: Camera,
        stage: &Stage,
        light: &Lighting,
        conditions: &Conditions,
    ) -> Self {
        let tracer = Tracer {
            camera,
            stage,
            light,
            conditions,
        };
        let (width, height) = (camera.size.width as usize, camera.size.height as usize);
        let blank = Cell {
            base: [0.0; 3],
            albedo: [0.0; 3],
            clear: 0.0,
            key: 0.0,
            depth: f32::INFINITY,
            normal: [0.0, 0.0, 1.0],
            object: 0,
        };
        let mut cells = vec![blank; width * height];
        bands::rows(&mut cells, width, |y, row| {
            for (x, cell) in row.iter_mut().enumerate() {
                *cell = tracer.sample(x as f32 + 0.5, y as f32 + 0.5);
            }
        });
        tracer.refine(&mut cells, width);
        tracer.occlude(&mut cells, width, height);
        let layers = layer::all(&camera, stage, light, &cells);
        let mut backdrop = Self {
            camera,
            cells,
            layers,
            exposure: 1.0,
        };
        backdrop.exposure = backdrop.meter(light);
        backdrop
    }

    /// A pixel of the still scene without its see-through layers.
    pub(super) fn lit(&self, index: usize, light: &Lighting) -> V3 {
        let cell = &self.cells[index];
        add(
            cell.base,
            lit(scale(cell.albedo, cell.key), light.key_colour),
        )
    }

    /// Exposure as an automatic camera would choose it: the geometric mean becomes a middle grey,
    /// the sky counts little.
    fn meter(&self, light: &Lighting) -> f32 {
        let (mut sum, mut weights) = (0.0_f64, 0.0_f64);
        for (n, cell) in self.cells.iter().enumerate().step_by(7) {
            let weight = if cell.depth.is_finite() { 1.0 } else { 0.15 };
            let bright = luminance(self.lit(n, light)).max(1e-4);
            sum += f64::from(bright.ln()) * weight;
            weights += weight;
        }
        let mean = (sum / weights.max(1.0)).exp() as f32;
        let (target, most) = match light.kind {
            Light::Day => (0.23 + 0.12 * (light.extinction * 20.0).min(1.0), 6.0),
            Light::Indoor => (0.24, 8.0),
            Light::Dusk => (0.10, 8.0),
            Light::NightInfrared => (0.065, 6.0),
        };
        (target / mean).clamp(0.05, most)
    }
}

impl Tracer<'_> {
    /// What is seen at a pixel coordinate.
    fn sample(&self, x: f32, y: f32) -> Cell {
        let ray = self.camera.ray(x, y);
        let pixel = 1.0 / self.camera.focal;
        let Some(mut seen) = self.stage.first(self.camera.position, ray) else {
            return self.heaven(ray, pixel);
        };
        let far = seen.distance * length(ray);
        if far > 1500.0 {
            return self.heaven(ray, pixel);
        }
        let slant = (dot(seen.normal, ray) / length(ray)).abs().max(0.03);
        let footprint = far * pixel * slant.powf(-0.6);
        let (paint, smooth) = self.stage.painted(&mut seen, footprint);
        let albedo = self.weathered(paint.albedo, &seen);
        let albedo = self.light.seen(albedo, hash_pair(seen.object, 5));
        let key = self.key(&seen, smooth);
        let mut around = add(
            self.light.ambient(seen.normal),
            self.light.lamps(seen.place, seen.normal),
        );
        if paint.glow > 0.0 {
            around = add(around, scale(self.light.glow, paint.glow * 2.0));
        }
        let mirror = paint.gloss * (0.2 + 0.8 * (1.0 - slant).powi(4));
        let shine = scale(self.light.ambient([0.0, 0.0, 1.0]), mirror);
        let colour = add(lit(albedo, around), shine);
        let kept = (-self.light.extinction * far).exp();
        Cell {
            base: mix(self.light.air, colour, kept),
            albedo: scale(albedo, kept),
            clear: kept,
            key,
            depth: seen.distance,
            normal: smooth,
            object: seen.object,
        }
    }

    fn heaven(&self, ray: V3, pixel: f32) -> Cell {
        Cell {
            base: sky::look(self.light, unit(ray), pixel, self.stage.seed),
            albedo: [0.0; 3],
            clear: 0.0,
            key: 0.0,
            depth: f32::INFINITY,
            normal: [0.0, 0.0, 1.0],
            object: u32::MAX - 40_000,
        }
    }

    /// Rain darkens, snow covers.
    fn weathered(&self, albedo: V3, seen: &Seen) -> V3 {
        let flat = smooth_step(0.2, 0.8, seen.normal[2]);
        let wet = 1.0 - 0.35 * self.conditions.rain.sqrt().min(1.0) * (0.4 + 0.6 * flat);
        let lying = (self.conditions.snow * 1.6).min(0.9) * flat;
        let patchy = super::noise::octaves(
            [seen.place[0], seen.place[1]],
            0.5,
            4,
            0.05,
            0.6,
            self.stage.seed ^ 0x0053_0077,
        );
        let lying = (lying * (1.0 + 0.5 * patchy)).clamp(0.0, 0.92);
        mix(scale(albedo, wet), [0.74, 0.76, 0.79], lying)
    }

    /// Share of the key light that arrives.
    fn key(&self, seen: &Seen, smooth: V3) -> f32 {
        let facing = dot(seen.normal, self.light.key);
        if facing <= 0.0 || dot(smooth, self.light.key) <= 0.0 {
            return 0.0;
        }
        // Soft keys (lamps above, closed skies) are shadowed by openness instead.
        if self.light.softness > 0.1 {
            return facing;
        }
        let from = along(seen.place, smooth, 0.01);
        if self.stage.shaded(from, self.light.key, 120.0) {
            0.0
        } else {
            facing
        }
    }

    /// Samples pixels again where neighbours differ: edges of things and of shadows.
    fn refine(&self, cells: &mut [Cell], width: usize) {
        let differs = |a: &Cell, b: &Cell| {
            a.object != b.object
                || (a.depth - b.depth).abs() > 0.04 * a.depth.min(b.depth)
                || (a.key > 0.0) != (b.key > 0.0)
                || dot(a.normal, b.normal) < 0.9
        };
        let edges: Vec<bool> = (0..cells.len())
            .map(|n| {
                let right = n % width + 1 < width && differs(&cells[n], &cells[n + 1]);
                let left = n % width > 0 && differs(&cells[n], &cells[n - 1]);
                let below = n + width < cells.len() && differs(&cells[n], &cells[n + width]);
                let above = n >= width && differs(&cells[n], &cells[n - width]);
                right || left || below || above
            })
            .collect();
        const SPOTS: [[f32; 2]; 4] = [
            [0.125, 0.375],
            [0.625, 0.125],
            [0.875, 0.625],
            [0.375, 0.875],
        ];
        bands::rows(cells, width, |y, row| {
            for (x, cell) in row.iter_mut().enumerate() {
                if !edges[y * width + x] {
                    continue;
                }
                let (mut base, mut albedo) = ([0.0; 3], [0.0; 3]);
                let (mut key, mut clear) = (0.0, 0.0);
                for [dx, dy] in SPOTS {
                    let spot = self.sample(x as f32 + dx, y as f32 + dy);
                    base = along(base, spot.base, 0.25);
                    albedo = along(albedo, spot.albedo, 0.25);
                    key += spot.key * 0.25;
                    clear += spot.clear * 0.25;
                }
                cell.base = base;
                cell.albedo = albedo;
                cell.key = key;
                cell.clear = clear;
            }
        });
    }

    /// Takes the light of the sky away where things stand close.
    fn occlude(&self, cells: &mut [Cell], width: usize, height: usize) {
        let (columns, lines) = (
            width.div_ceil(OPENNESS_STEP) + 1,
            height.div_ceil(OPENNESS_STEP) + 1,
        );
        let mut open = vec![1.0_f32; columns * lines];
        let still: &[Cell] = cells;
        let spot = |column: usize, line: usize| {
            let x = (column * OPENNESS_STEP).min(width - 1);
            let y = (line * OPENNESS_STEP).min(height - 1);
            (x, y, &still[y * width + x])
        };
        bands::rows(&mut open, columns, |line, row| {
            for (column, value) in row.iter_mut().enumerate() {
                let (x, y, cell) = spot(column, line);
                if cell.depth.is_finite() && cell.depth < 150.0 {
                    let place = self
                        .camera
                        .place(x as f32 + 0.5, y as f32 + 0.5, cell.depth);
                    *value = self.openness(place, cell.normal, (line * columns + column) as u32);
                }
            }
        });
        let picked: Vec<(f32, V3)> = (0..open.len())
            .map(|n| {
                let cell = spot(n % columns, n / columns).2;
                (cell.depth, cell.normal)
            })
            .collect();
        bands::rows(cells, width, |y, row| {
            for (x, cell) in row.iter_mut().enumerate() {
                if cell.depth.is_finite() {
                    let share = blur_openness(&open, &picked, columns, [x, y], cell);
                    cell.base = cell.shaded(self.light, 0.15 + 0.85 * share);
                    if self.light.softness > 0.1 {
                        cell.key *= share;
                    }
                }
            }
        });
    }

    /// Share of the hemisphere above a place that is open within 2.5 m.
    fn openness(&self, place: V3, normal: V3, lot: u32) -> f32 {
        const RAYS: u32 = 8;
        let (u, v) = tangents(normal);
        let from = along(place, normal, 0.02);
        let mut open = 0.0;
        for n in 0..RAYS {
            let turn = (n as f32 + random(lot, n)) / RAYS as f32 * std::f32::consts::TAU;
            let out = random(lot ^ 0x33, n).sqrt();
            let way = along(
                add(scale(u, out * turn.cos()), scale(v, out * turn.sin())),
                normal,
                (1.0 - out * out).max(0.0).sqrt(),
            );
            let way = unit(way);
            if from[2] + way[2] * 2.5 < 0.0 && from[2] < 1.0 {
                // The ground takes some, but gives light back.
                open += 0.55;
            } else if let Some(hit) = self.stage.solid.nearest(from, way, 2.5) {
                open += 0.75 * (hit.distance / 2.5).clamp(0.0, 1.0);
            } else {
                open += 1.0;
            }
        }
        (open / RAYS as f32).clamp(0.35, 1.0)
    }
}

/// Openness at a pixel from the measured places around that lie on the same surface.
fn blur_openness(
    open: &[f32],
    picked: &[(f32, V3)],
    columns: usize,
    at: [usize; 2],
    cell: &Cell,
) -> f32 {
    let (column, line) = (at[0] / OPENNESS_STEP, at[1] / OPENNESS_STEP);
    let (mut sum, mut weights) = (0.0, 0.0);
    for dy in 0..4_usize {
        for dx in 0..4_usize {
            let (Some(l), Some(c)) = ((line + dy).checked_sub(1), (column + dx).checked_sub(1))
            else {
                continue;
            };
            let index = l * columns + c;
            if c >= columns || index >= open.len() {
                continue;
            }
            let (depth, normal) = picked[index];
            let near = 1.0 - ((depth - cell.depth).abs() / (0.05 * cell.depth)).min(1.0);
            let alike = dot(normal, cell.normal).max(0.0).powi(4);
            let fx = (c * OPENNESS_STEP) as f32 - at[0] as f32;
            let fy = (l * OPENNESS_STEP) as f32 - at[1] as f32;
            let close = (-(fx * fx + fy * fy) / 40.0).exp();
            let weight = close * (near * alike + 1e-4);
            sum += open[index] * weight;
            weights += weight;
        }
    }
    if weights > 0.0 { sum / weights } else { 1.0 }
}
