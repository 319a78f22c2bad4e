//! The still scene, its layers and what moves, put together in linear light: only where something
//! changed since the frame before.

use std::ops::Range;

use super::backdrop::Backdrop;
use super::bands;
use super::camera::Camera;
use super::crowd::Mover;
use super::layer::Veil;
use super::light::{Lighting, clouded, lit, shine};
use super::shade::ShadowMap;
use super::things::Beam;
use super::vector::{V3, add, along, dot, scale, smooth_step, sub};

/// Side of the squares that are redrawn together, pixels.
pub(super) const TILE: usize = 16;

/// How far around itself a mover takes the sky's light away, metres.
const NEARBY: f32 = 0.9;

/// Which squares of the picture something touches.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tiles {
    pub(super) columns: usize,
    pub(super) marks: Vec<bool>,
}

impl Tiles {
    pub(super) fn none(width: usize, height: usize) -> Self {
        let columns = width.div_ceil(TILE);
        Self {
            columns,
            marks: vec![false; columns * height.div_ceil(TILE)],
        }
    }

    pub(super) fn all(&mut self) {
        self.marks.fill(true);
    }

    /// Marks a box in pixels, grown by `margin`.
    pub(super) fn mark(&mut self, bounds: [f32; 4], margin: f32) {
        let lines = self.marks.len() / self.columns;
        let first = |v: f32, most: usize| {
            ((v - margin) / TILE as f32).floor().clamp(0.0, most as f32) as usize
        };
        let last = |v: f32, most: usize| {
            ((v + margin) / TILE as f32)
                .floor()
                .clamp(-1.0, most as f32 - 1.0)
                + 1.0
        };
        let columns = first(bounds[0], self.columns)..last(bounds[2], self.columns) as usize;
        for line in first(bounds[1], lines)..last(bounds[3], lines) as usize {
            for column in columns.clone() {
                self.marks[line * self.columns + column] = true;
            }
        }
    }

    /// The marked columns of a row, as ranges of whole squares within `width`.
    pub(super) fn spans(&self, y: usize, width: usize) -> impl Iterator<Item = Range<usize>> {
        let line = y / TILE * self.columns;
        (0..self.columns)
            .filter(move |column| self.marks[line + column])
            .map(move |column| column * TILE..((column + 1) * TILE).min(width))
    }

    /// The same with one more square on every side.
    pub(super) fn grown(&self) -> Self {
        let mut grown = self.clone();
        let lines = self.marks.len() / self.columns;
        for (n, _) in self.marks.iter().enumerate().filter(|(_, mark)| **mark) {
            let (column, line) = (n % self.columns, n / self.columns);
            for l in line.saturating_sub(1)..=(line + 1).min(lines - 1) {
                for c in column.saturating_sub(1)..=(column + 1).min(self.columns - 1) {
                    grown.marks[l * self.columns + c] = true;
                }
            }
        }
        grown
    }
}

/// Everything that a frame is made of.
pub(super) struct Instant<'a> {
    pub(super) backdrop: &'a Backdrop,
    pub(super) light: &'a Lighting,
    pub(super) movers: &'a [Mover],
    pub(super) clouds: &'a [([f32; 2], f32)],
    pub(super) beams: &'a [Beam],
    pub(super) seconds: f32,
    pub(super) wind: f32,
}

/// Where in the picture a ball of the world is: left, top, right, bottom.
pub(super) fn ball_bounds(camera: &Camera, middle: V3, radius: f32) -> Option<[f32; 4]> {
    let [x, y, depth] = camera.pixel(middle);
    if depth < radius * 0.5 + super::camera::NEAR {
        return (depth > -radius).then_some([
            0.0,
            0.0,
            camera.size.width as f32,
            camera.size.height as f32,
        ]);
    }
    let r = radius * camera.focal / (depth - radius * 0.5).max(0.1) * 1.2;
    Some([x - r, y - r, x + r, y + r])
}

impl Instant<'_> {
    /// The squares that each mover changes, itself or the light behind it.
    pub(super) fn spots(&self) -> Vec<Tiles> {
        bands::each(self.movers, |mover| self.spot(mover))
    }

    fn spot(&self, mover: &Mover) -> Tiles {
        let camera = &self.backdrop.camera;
        let mut tiles = Tiles::none(camera.size.width as usize, camera.size.height as usize);
        tiles.mark(mover.cutout.bounds, 2.0);
        let (middle, _) = mover.around;
        for z in [0.0, middle[2]] {
            if let Some(bounds) = ball_bounds(camera, [middle[0], middle[1], z], NEARBY) {
                tiles.mark(bounds, 1.0);
            }
        }
        if let Some(shadow) = &mover.shadow {
            self.mark_shadow(&mut tiles, mover, shadow);
        }
        tiles
    }

    /// The squares that differ from the still picture; `spots` are those of the movers.
    pub(super) fn touched(&self, spots: &[Tiles]) -> Tiles {
        let camera = &self.backdrop.camera;
        let mut tiles = Tiles::none(camera.size.width as usize, camera.size.height as usize);
        if !self.beams.is_empty() {
            tiles.all();
            return tiles;
        }
        for spot in spots {
            for (mark, more) in tiles.marks.iter_mut().zip(&spot.marks) {
                *mark |= more;
            }
        }
        for layer in self
            .backdrop
            .layers
            .iter()
            .filter(|layer| layer.moves(self.wind))
        {
            let (left, top) = (layer.left as f32, layer.top as f32);
            tiles.mark(
                [
                    left,
                    top,
                    left + layer.width as f32,
                    top + layer.height as f32,
                ],
                1.0,
            );
        }
        for (middle, radius) in self.clouds {
            if let Some(bounds) = ball_bounds(camera, [middle[0], middle[1], 0.0], radius * 1.1) {
                tiles.mark(bounds, 2.0);
            }
        }
        tiles
    }

    /// Follows the light past each part of a mover to what it would have met.
    fn mark_shadow(&self, tiles: &mut Tiles, mover: &Mover, shadow: &ShadowMap) {
        let camera = &self.backdrop.camera;
        let (width, height) = (camera.size.width as f32, camera.size.height as f32);
        for (middle, radius) in &mover.balls {
            let far = shadow.reach(*middle);
            let step = 0.3_f32;
            for n in 0..(far / step) as usize + 2 {
                let gone = (n as f32 * step).min(far);
                let place = along(*middle, shadow.way, -gone);
                let [x, y, depth] = camera.pixel(place);
                let wide = radius * 1.7 + step + shadow.edge(gone) * 1.5;
                let inside = x >= 0.0 && y >= 0.0 && x < width && y < height;
                if inside && gone < far && depth > super::camera::NEAR {
                    let still = self.backdrop.cells[y as usize * width as usize + x as usize].depth;
                    if (still - depth).abs() > wide * 4.0 {
                        continue;
                    }
                }
                if let Some(bounds) = ball_bounds(camera, place, wide) {
                    tiles.mark(bounds, 1.0);
                }
            }
        }
    }

    /// Draws the marked squares into `linear`; `spots` as [`Self::spots`] gives them.
    pub(super) fn draw(&self, tiles: &Tiles, spots: &[Tiles], linear: &mut [V3]) {
        let width = self.backdrop.camera.size.width as usize;
        bands::rows(linear, width, |y, row| {
            for span in tiles.spans(y, width) {
                let tile = y / TILE * tiles.columns + span.start / TILE;
                let near = self.movers.iter().zip(spots);
                let near: Vec<&Mover> = near
                    .filter(|(_, spot)| spot.marks[tile])
                    .map(|(mover, _)| mover)
                    .collect();
                self.draw_span(y, span, &near, row);
            }
        });
    }

    fn draw_span(&self, y: usize, span: Range<usize>, near: &[&Mover], row: &mut [V3]) {
        let overlaps = |left: i32, width: usize, top: i32, height: usize| {
            left < span.end as i32
                && left + width as i32 > span.start as i32
                && top <= y as i32
                && top + height as i32 > y as i32
        };
        let movers: Vec<&Mover> = near
            .iter()
            .copied()
            .filter(|m| overlaps(m.cutout.left, m.cutout.width, m.cutout.top, m.cutout.height))
            .collect();
        let layers: Vec<_> = self
            .backdrop
            .layers
            .iter()
            .filter(|l| overlaps(l.left as i32, l.width, l.top as i32, l.height))
            .collect();
        let mut stack: Vec<Veil> = Vec::with_capacity(16);
        for x in span.clone() {
            stack.clear();
            for mover in &movers {
                let cutout = &mover.cutout;
                let (column, line) = (x as i32 - cutout.left, y as i32 - cutout.top);
                if column < 0 || column >= cutout.width as i32 {
                    continue;
                }
                let splat = cutout.splats[line as usize * cutout.width + column as usize];
                if splat.cover > 0.0 {
                    stack.push(Veil {
                        colour: splat.colour,
                        cover: splat.cover,
                        depth: splat.depth,
                    });
                }
            }
            for layer in &layers {
                let veil = layer.at(x, y, self.seconds, self.wind);
                if veil.cover > 0.0 {
                    stack.push(veil);
                }
            }
            let mut colour = self.behind(x, y, near);
            if stack.len() > 1 {
                stack.sort_by(|a, b| b.depth.total_cmp(&a.depth));
            }
            for veil in &stack {
                colour = along(veil.colour, colour, 1.0 - veil.cover.min(1.0));
            }
            row[x] = colour;
        }
    }

    /// The still scene at a pixel, with the light that moving things take or give.
    fn behind(&self, x: usize, y: usize, near: &[&Mover]) -> V3 {
        let width = self.backdrop.camera.size.width as usize;
        let cell = &self.backdrop.cells[y * width + x];
        if !cell.depth.is_finite() {
            return cell.base;
        }
        let place = self
            .backdrop
            .camera
            .place(x as f32 + 0.5, y as f32 + 0.5, cell.depth);
        let mut base = cell.base;
        let mut key = cell.key * clouded(self.clouds, place);
        let mut open = 1.0_f32;
        for mover in near {
            let (middle, radius) = mover.around;
            let offset = sub(place, middle);
            let beside = offset[0] * offset[0] + offset[1] * offset[1];
            if beside < NEARBY * NEARBY && offset[2].abs() < radius * 1.7 {
                let faded = smooth_step(NEARBY, NEARBY * 0.6, beside.sqrt());
                open *= 1.0 - faded * covered(&mover.balls, place, cell.normal);
            }
            let Some(shadow) = &mover.shadow else {
                continue;
            };
            let across = along(offset, shadow.way, -dot(offset, shadow.way));
            if dot(across, across) > shadow.radius * shadow.radius * 1.3 {
                continue;
            }
            let hidden = shadow.cast(place);
            if hidden <= 0.0 {
                continue;
            }
            if let Some(lamp) = &mover.lamp {
                let taken = lit(cell.albedo, shine(lamp, place, cell.normal));
                let least = cell.shaded(self.light, 0.15);
                base = [0, 1, 2].map(|n| (base[n] - 0.85 * hidden * taken[n]).max(least[n]));
            } else {
                key *= 1.0 - hidden;
            }
        }
        let surface = sub(cell.base, cell.shaded(self.light, open));
        let mut colour = [0, 1, 2].map(|n| (base[n] - surface[n]).max(0.0));
        if self.light.softness > 0.1 {
            key *= open;
        }
        for beam in self.beams {
            colour = add(colour, lit(cell.albedo, beam.light(place, cell.normal)));
        }
        add(colour, lit(scale(cell.albedo, key), self.light.key_colour))
    }
}

/// Share of the sky that balls hide from a place facing `normal`.
fn covered(balls: &[(V3, f32)], place: V3, normal: V3) -> f32 {
    let mut open = 1.0;
    for (middle, radius) in balls {
        let to = sub(*middle, place);
        let square = dot(to, to).max(radius * radius * 0.6);
        let facing = dot(to, normal) / square.sqrt();
        if facing > -0.2 {
            let share = (facing.max(0.0) * 0.85 + 0.15) * radius * radius / square;
            open *= 1.0 - share.min(0.75);
        }
    }
    (1.0_f32 - open) * 0.85
}
