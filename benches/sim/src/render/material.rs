//! Colours of surfaces: procedural, fixed to the world, and without detail finer than a pixel.

use super::noise::{fraction, hash, hash_pair, noise2, octaves, random};
use super::vector::{V3, mix, mul, scale, smooth_step};
use crate::world::Surface;

/// How a surface is painted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Finish {
    /// Stands.
    Wall(Surface),
    /// A wall with barred windows and doors.
    Facade(Surface),
    Roof,
    /// Bare or painted metal, wood, plastic: one colour with some wear.
    Plain,
    Wood,
    Bark,
    Glass,
    /// Gives light.
    Glow,
    /// Ceiling tiles.
    Ceiling,
}

/// A finish with its parameters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Material {
    pub(super) finish: Finish,
    pub(super) tint: V3,
    /// Width and height of the face, metres, where that matters.
    pub(super) size: [f32; 2],
    pub(super) seed: u32,
}

/// What a place of a surface looks like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint {
    pub(super) albedo: V3,
    /// Slope of the fine relief along u and v.
    pub(super) slope: [f32; 2],
    /// Light that it gives, relative to the lamps.
    pub(super) glow: f32,
    /// Mirror reflection at a right angle, 0 to 1.
    pub(super) gloss: f32,
}

impl Paint {
    fn matt(albedo: V3) -> Self {
        Self {
            albedo,
            slope: [0.0; 2],
            glow: 0.0,
            gloss: 0.0,
        }
    }
}

/// How much of a pixel a line of `width` covers that repeats every `period`, at distance `x`
/// along; exact for a box-shaped pixel of `footprint`.
pub(super) fn lines(x: f32, period: f32, width: f32, footprint: f32) -> f32 {
    let half = footprint.max(1e-5) * 0.5;
    let covered = |at: f32| {
        let whole = (at / period).floor();
        whole * width + (at - whole * period).min(width)
    };
    ((covered(x + half) - covered(x - half)) / (2.0 * half)).clamp(0.0, 1.0)
}

/// The look of a place of a surface.
pub(super) fn paint(material: &Material, uv: [f32; 2], footprint: f32) -> Paint {
    let seed = material.seed;
    match material.finish {
        Finish::Wall(surface) => wall(surface, uv, footprint, material.size[1], seed),
        Finish::Facade(surface) => facade(surface, material, uv, footprint),
        Finish::Roof => {
            let ridge = lines(uv[1], 0.33, 0.05, footprint);
            let worn = octaves(uv, 0.7, 5, footprint, 0.55, seed);
            Paint::matt(scale(
                material.tint,
                (1.0 + 0.25 * worn) * (1.0 - 0.4 * ridge),
            ))
        }
        Finish::Plain => {
            let worn = octaves(uv, 1.9, 5, footprint, 0.55, seed);
            Paint {
                gloss: 0.04,
                ..Paint::matt(scale(material.tint, 1.0 + 0.14 * worn))
            }
        }
        Finish::Wood => {
            let grain = octaves(
                [uv[0] * 2.0, uv[1] * 24.0],
                1.0,
                4,
                footprint * 12.0,
                0.6,
                seed,
            );
            Paint::matt(scale(material.tint, 1.0 + 0.3 * grain))
        }
        Finish::Bark => {
            let grain = octaves(
                [uv[0] * 9.0, uv[1] * 2.0],
                1.0,
                5,
                footprint * 5.0,
                0.65,
                seed,
            );
            Paint::matt(scale(material.tint, 1.0 + 0.5 * grain))
        }
        Finish::Glass => Paint {
            gloss: 0.35,
            ..Paint::matt(material.tint)
        },
        Finish::Glow => Paint {
            glow: 1.0,
            ..Paint::matt(material.tint)
        },
        Finish::Ceiling => {
            let joints =
                lines(uv[0], 0.6, 0.015, footprint).max(lines(uv[1], 0.6, 0.015, footprint));
            let worn = octaves(uv, 2.0, 4, footprint, 0.5, seed);
            Paint::matt(scale(
                material.tint,
                (1.0 + 0.05 * worn) * (1.0 - 0.5 * joints),
            ))
        }
    }
}

/// The look of the ground at a place (x, y). Far out the facility ends, and fields begin.
pub(super) fn ground(surface: Surface, p: [f32; 2], footprint: f32, seed: u32) -> Paint {
    let away = smooth_step(65.0, 95.0, p[0].hypot(p[1]));
    if away <= 0.0 {
        return near_ground(surface, p, footprint, seed);
    }
    let field = octaves([p[0] * 0.35, p[1]], 0.012, 6, footprint, 0.6, seed ^ 0x0f1e);
    let meadow = mix(
        [0.055, 0.080, 0.030],
        [0.140, 0.135, 0.070],
        smooth_step(-0.5, 0.5, field),
    );
    let grain = octaves(p, 0.4, 5, footprint, 0.6, seed ^ 0x77);
    let near = near_ground(surface, p, footprint, seed).albedo;
    Paint::matt(mix(near, scale(meadow, 1.0 + 0.3 * grain), away))
}

fn near_ground(surface: Surface, p: [f32; 2], footprint: f32, seed: u32) -> Paint {
    let wide = octaves(p, 0.11, 4, footprint, 0.55, seed);
    match surface {
        Surface::Grass => grass(p, footprint, wide, seed),
        Surface::Asphalt => asphalt(p, footprint, wide, seed),
        Surface::Concrete | Surface::Plaster => {
            let grain = octaves(p, 2.3, 6, footprint, 0.6, seed ^ 1);
            let joint = lines(p[0] + 0.02 * noise2(p, seed), 3.0, 0.02, footprint)
                .max(lines(p[1], 3.0, 0.02, footprint));
            let slab = random(
                hash_pair(
                    (p[0] / 3.0).floor() as i32 as u32,
                    (p[1] / 3.0).floor() as i32 as u32,
                ),
                seed,
            );
            let tone = 0.27 * (1.0 + 0.14 * grain + 0.16 * wide + 0.14 * (slab - 0.5));
            let stain = smooth_step(0.25, 0.8, octaves(p, 0.5, 4, footprint, 0.6, seed ^ 5));
            let tone = tone * (1.0 - 0.55 * joint) * (1.0 - 0.28 * stain);
            Paint::matt([tone * 1.02, tone, tone * 0.93])
        }
        Surface::Gravel => {
            let stones = octaves(p, 9.0, 4, footprint, 0.85, seed ^ 2);
            let tone = 0.23 * (1.0 + 0.42 * stones + 0.18 * wide);
            let warm = 0.06 * noise2([p[0] * 25.0, p[1] * 25.0], seed);
            Paint {
                slope: [stones * 0.3, -stones * 0.2],
                ..Paint::matt([tone * (1.03 + warm), tone, tone * (0.92 - warm)])
            }
        }
        Surface::Earth | Surface::Brick => {
            let grain = octaves(p, 1.3, 7, footprint, 0.68, seed ^ 3);
            let tone = 0.9 + 0.3 * grain + 0.22 * wide;
            let dry = smooth_step(-0.3, 0.6, wide);
            let colour = mix([0.115, 0.075, 0.045], [0.21, 0.155, 0.10], dry);
            Paint {
                slope: [grain * 0.2, grain * 0.1],
                ..Paint::matt(scale(colour, tone.max(0.2)))
            }
        }
        Surface::Tiles | Surface::Steel => tiles(p, footprint, wide, seed),
    }
}

fn grass(p: [f32; 2], footprint: f32, wide: f32, seed: u32) -> Paint {
    let tufts = octaves(p, 1.1, 4, footprint, 0.65, seed ^ 1);
    let blades = octaves([p[0] * 1.6, p[1]], 13.0, 3, footprint, 0.8, seed ^ 2);
    let dry = smooth_step(-0.15, 0.55, wide + 0.35 * tufts);
    let colour = mix([0.050, 0.085, 0.024], [0.135, 0.130, 0.058], dry);
    let bare = smooth_step(
        0.55,
        0.95,
        octaves(p, 0.21, 4, footprint, 0.6, seed ^ 3) + 0.2 * tufts,
    );
    let colour = mix(colour, [0.165, 0.125, 0.082], bare);
    let tone = 1.0 + 0.3 * tufts + 0.42 * blades * (1.0 - 0.5 * bare);
    Paint {
        slope: [blades * 0.3, tufts * 0.2],
        ..Paint::matt(scale(colour, tone.max(0.25)))
    }
}

fn asphalt(p: [f32; 2], footprint: f32, wide: f32, seed: u32) -> Paint {
    let grain = octaves(p, 14.0, 4, footprint, 0.8, seed ^ 1);
    let patchy = octaves(p, 0.45, 4, footprint, 0.6, seed ^ 2);
    let ridge = octaves(p, 0.35, 5, footprint, 0.55, seed ^ 4).abs();
    let crack =
        smooth_step(0.014 + footprint * 0.5, 0.004, ridge) * smooth_step(0.12, 0.02, footprint);
    let patched = smooth_step(0.42, 0.46, octaves(p, 0.13, 2, footprint, 0.4, seed ^ 6));
    let tone = 0.105 * (1.0 + 0.26 * grain + 0.2 * patchy + 0.2 * wide) * (1.0 - 0.3 * patched);
    let tone = tone * (1.0 - 0.6 * crack);
    Paint {
        slope: [grain * 0.12, -grain * 0.08],
        gloss: 0.01,
        ..Paint::matt([tone, tone * 0.99, tone * 0.97])
    }
}

fn tiles(p: [f32; 2], footprint: f32, wide: f32, seed: u32) -> Paint {
    let side = 0.6;
    let tile = hash_pair(
        (p[0] / side).floor() as i32 as u32,
        (p[1] / side).floor() as i32 as u32,
    );
    let own = fraction(hash(tile ^ seed)) - 0.5;
    let joint = lines(p[0], side, 0.008, footprint).max(lines(p[1], side, 0.008, footprint));
    let flecks = octaves(p, 11.0, 4, footprint, 0.75, seed ^ 8);
    let scuff = smooth_step(0.3, 0.9, octaves(p, 0.8, 5, footprint, 0.65, seed ^ 9));
    let tone = 0.34 * (1.0 + 0.08 * own + 0.09 * flecks + 0.07 * wide) * (1.0 - 0.45 * joint);
    let tone = tone * (1.0 - 0.22 * scuff);
    Paint {
        gloss: 0.06,
        ..Paint::matt([tone * 1.0, tone * 0.98, tone * 0.9])
    }
}

fn wall(surface: Surface, uv: [f32; 2], footprint: f32, height: f32, seed: u32) -> Paint {
    let worn = octaves(uv, 0.6, 6, footprint, 0.55, seed);
    let streaks = octaves(
        [uv[0] * 2.4, uv[1] * 0.22],
        1.0,
        5,
        footprint * 2.0,
        0.6,
        seed ^ 4,
    );
    // Water runs down from the top, dirt splashes up from the ground.
    let top = smooth_step(height - 1.6, height, uv[1]) * smooth_step(-0.1, 0.7, streaks);
    let splash = smooth_step(0.55, 0.0, uv[1] + 0.25 * worn);
    let dirt = (1.0 - 0.32 * top) * (1.0 - 0.38 * splash);
    let base = match surface {
        Surface::Brick => return bricks(uv, footprint, dirt, worn, seed),
        Surface::Steel => return sheets(uv, footprint, dirt, worn, seed),
        Surface::Concrete | Surface::Asphalt | Surface::Gravel => {
            let joint =
                lines(uv[0], 2.5, 0.025, footprint).max(lines(uv[1], 1.25, 0.012, footprint));
            let grain = octaves(uv, 4.0, 5, footprint, 0.7, seed ^ 1);
            scale(
                [0.30, 0.295, 0.275],
                (1.0 + 0.10 * grain) * (1.0 - 0.5 * joint),
            )
        }
        Surface::Tiles => {
            let joint =
                lines(uv[0], 0.2, 0.006, footprint).max(lines(uv[1], 0.2, 0.006, footprint));
            scale([0.55, 0.56, 0.53], 1.0 - 0.3 * joint)
        }
        _ => {
            // Painted plaster: a darker band of wash-off paint below, as in institutions.
            let grain = octaves(uv, 7.0, 4, footprint, 0.7, seed ^ 1);
            let band = smooth_step(1.22, 1.18, uv[1]) * f32::from(height < 4.6);
            let high = mix([0.52, 0.49, 0.41], [0.50, 0.51, 0.49], random(seed, 3));
            let low = mix([0.23, 0.30, 0.27], [0.25, 0.28, 0.34], random(seed, 4));
            scale(mix(high, low, band), 1.0 + 0.05 * grain)
        }
    };
    Paint::matt(scale(base, (1.0 + 0.12 * worn) * dirt))
}

fn bricks(uv: [f32; 2], footprint: f32, dirt: f32, worn: f32, seed: u32) -> Paint {
    let row = (uv[1] / 0.075).floor();
    let shift = if (row as i32) & 1 == 0 { 0.0 } else { 0.12 };
    let column = ((uv[0] + shift) / 0.24).floor();
    let own = random(hash_pair(row as i32 as u32, column as i32 as u32), seed) - 0.5;
    let mortar =
        lines(uv[0] + shift, 0.24, 0.011, footprint).max(lines(uv[1], 0.075, 0.011, footprint));
    let fade = smooth_step(0.16, 0.05, footprint);
    let colour = scale([0.255, 0.118, 0.078], 1.0 + 0.5 * own * fade + 0.2 * worn);
    Paint::matt(scale(mix(colour, [0.33, 0.31, 0.28], mortar * 0.8), dirt))
}

fn sheets(uv: [f32; 2], footprint: f32, dirt: f32, worn: f32, seed: u32) -> Paint {
    let keep = smooth_step(0.15, 0.05, footprint);
    let wave = (uv[0] * std::f32::consts::TAU / 0.2).sin() * keep;
    let tint = mix([0.30, 0.34, 0.37], [0.16, 0.26, 0.22], random(seed, 7));
    let rust = smooth_step(0.45, 0.9, octaves(uv, 0.9, 5, footprint, 0.65, seed ^ 2));
    let colour = mix(
        scale(tint, 1.0 + 0.1 * worn),
        [0.20, 0.10, 0.05],
        rust * 0.5,
    );
    Paint {
        slope: [wave * 0.6, 0.0],
        gloss: 0.05,
        ..Paint::matt(scale(colour, dirt))
    }
}

/// Windows in rows, one door: where and how dark.
fn facade(surface: Surface, material: &Material, uv: [f32; 2], footprint: f32) -> Paint {
    let plain = wall(surface, uv, footprint, material.size[1], material.seed);
    let [width, height] = material.size;
    if width < 2.2 || height < 2.2 {
        return plain;
    }
    let bays = (width / 2.7).floor().max(1.0);
    let bay = width / bays;
    let column = (uv[0] / bay).floor();
    let across = uv[0] - (column + 0.5) * bay;
    let floors = (height / 3.0).floor().max(1.0);
    let level = height / floors;
    let floor = (uv[1] / level).floor().min(floors - 1.0);
    let up = uv[1] - floor * level;
    let door_bay = (random(material.seed, 12) * bays).floor();
    let edge = footprint.max(0.004);
    let within = |x: f32, low: f32, high: f32| {
        smooth_step(low - edge, low + edge, x) * smooth_step(high + edge, high - edge, x)
    };
    if floor == 0.0 && column == door_bay && width > 3.5 {
        let frame = within(across, -0.55, 0.55) * within(up, -1.0, 2.12);
        let leaf = within(across, -0.48, 0.48) * within(up, -1.0, 2.05);
        let tint = mix(
            [0.12, 0.17, 0.22],
            [0.20, 0.21, 0.20],
            random(material.seed, 13),
        );
        let sheet = scale(
            tint,
            1.0 + 0.1 * octaves(uv, 3.0, 4, footprint, 0.6, material.seed),
        );
        let albedo = mix(mix(plain.albedo, [0.24, 0.24, 0.23], frame), sheet, leaf);
        return Paint { albedo, ..plain };
    }
    let (low, high) = (1.0, (level - 0.5).min(2.25));
    if high - low < 0.4 {
        return plain;
    }
    let sill = within(across, -0.62, 0.62) * within(up, low - 0.07, low);
    let frame = within(across, -0.56, 0.56) * within(up, low, high);
    let pane = within(across, -0.5, 0.5) * within(up, low + 0.06, high - 0.06);
    let bars = lines(across, 0.125, 0.018, footprint).max(lines(up - low, 0.5, 0.02, footprint));
    let lit = random(hash_pair(column as u32, floor as u32), material.seed) < 0.25;
    let glass = mul(
        [0.035, 0.042, 0.05],
        [1.0 + 0.4 * noise2([up, across], material.seed); 3],
    );
    let mut albedo = mix(plain.albedo, scale(plain.albedo, 1.25), sill);
    albedo = mix(albedo, [0.42, 0.42, 0.41], frame);
    albedo = mix(albedo, glass, pane);
    albedo = mix(albedo, [0.16, 0.16, 0.16], bars * frame);
    Paint {
        albedo,
        gloss: 0.3 * pane * (1.0 - bars),
        glow: if lit { 0.12 * pane * (1.0 - bars) } else { 0.0 },
        ..plain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_cover_their_share_however_large_the_pixel() {
        assert!((lines(0.01, 1.0, 0.1, 0.001) - 1.0).abs() < 1e-3);
        assert!(lines(0.5, 1.0, 0.1, 0.001) < 1e-3);
        for x in [0.0, 0.37, 5.2] {
            assert!((lines(x, 1.0, 0.1, 50.0) - 0.1).abs() < 0.01);
        }
    }

    #[test]
    fn far_away_the_ground_has_one_colour() {
        let colour = |x: f32| ground(Surface::Gravel, [x, 3.0], 40.0, 5).albedo;
        let (a, b) = (colour(1.0), colour(60.0));
        assert!((a[1] - b[1]).abs() < 0.03, "{a:?} {b:?}");
    }
}
