//! What is between the scene and the sensor: rain, snow, insects, glare, a covered lens.

use std::f32::consts::TAU;

use super::bands;
use super::camera::Camera;
use super::light::Lighting;
use super::noise::{Dice, hash_pair, noise2};
use super::things::Beam;
use super::vector::{V3, mix, smooth_step};
use crate::world::{Conditions, Fault, Light, Thing};

/// A streak or flake: both ends in pixels, half-width in pixels, how strong.
struct Streak {
    from: [f32; 2],
    to: [f32; 2],
    half: f32,
    strength: f32,
}

/// Draws rain and snow. Each drop has a place in the world's air, so near ones are long and fast.
pub(super) fn weather(
    picture: &mut [V3],
    camera: &Camera,
    conditions: &Conditions,
    light: &Lighting,
    seconds: f32,
    seed: u32,
) {
    let (width, height) = (camera.size.width as usize, camera.size.height as usize);
    let mut streaks = Vec::new();
    if conditions.rain > 0.0 {
        let count = (conditions.rain.sqrt() * 900.0) as u32;
        rain(&mut streaks, camera, conditions, count, seconds, seed);
    }
    if conditions.snow > 0.0 {
        let count = (conditions.snow.sqrt() * 1500.0) as u32;
        snow(&mut streaks, camera, conditions, count, seconds, seed);
    }
    if streaks.is_empty() {
        return;
    }
    let bright = match light.kind {
        Light::NightInfrared => [0.95; 3],
        Light::Dusk => [0.55, 0.54, 0.52],
        _ => [0.86, 0.87, 0.88],
    };
    let mut by_row: Vec<Vec<u32>> = vec![Vec::new(); height];
    for (n, streak) in streaks.iter().enumerate() {
        let low = streak.from[1].min(streak.to[1]) - streak.half - 1.0;
        let high = streak.from[1].max(streak.to[1]) + streak.half + 1.0;
        let (first, last) = (
            low.max(0.0) as usize,
            high.clamp(0.0, height as f32) as usize,
        );
        for row in by_row.iter_mut().take(last).skip(first) {
            row.push(n as u32);
        }
    }
    bands::rows(picture, width, |y, row| {
        for n in &by_row[y] {
            lay(row, y, &streaks[*n as usize], bright);
        }
    });
}

fn lay(row: &mut [V3], y: usize, streak: &Streak, bright: V3) {
    let [x0, y0] = streak.from;
    let (dx, dy) = (streak.to[0] - x0, streak.to[1] - y0);
    let square = (dx * dx + dy * dy).max(1e-6);
    let low = x0.min(streak.to[0]) - streak.half - 1.0;
    let high = x0.max(streak.to[0]) + streak.half + 1.0;
    let cells = low.max(0.0) as usize..high.clamp(0.0, row.len() as f32) as usize;
    for x in cells {
        let (px, py) = (x as f32 + 0.5 - x0, y as f32 + 0.5 - y0);
        let t = ((px * dx + py * dy) / square).clamp(0.0, 1.0);
        let off = (px - dx * t).hypot(py - dy * t);
        let cover = smooth_step(streak.half + 0.7, streak.half - 0.5, off) * streak.strength;
        if cover > 0.0 {
            row[x] = mix(row[x], bright, cover);
        }
    }
}

fn rain(
    streaks: &mut Vec<Streak>,
    camera: &Camera,
    conditions: &Conditions,
    count: u32,
    seconds: f32,
    seed: u32,
) {
    let wind = conditions.wind;
    for n in 0..count {
        let mut dice = Dice::new(hash_pair(seed ^ 0x7a1_0000, n));
        let far = 1.2 + 14.0 * dice.next().powi(2);
        let across = dice.between(-1.0, 1.0) * camera.size.width as f32 / 2.0 / camera.focal * 1.2;
        let fall = 7.5;
        let span = 1.3 * far * camera.size.height as f32 / camera.focal + 2.0;
        let down = (dice.next() * span + seconds * fall).rem_euclid(span) - span / 2.0;
        let shutter = 0.016 + 0.01 * dice.next();
        let per = camera.focal / far;
        let x =
            camera.size.width as f32 / 2.0 + across * camera.focal + wind * 2.0 * down * per * 0.12;
        let y = camera.size.height as f32 / 2.0 + down * per;
        streaks.push(Streak {
            from: [x, y],
            to: [x + wind * 1.8 * shutter * per, y + fall * shutter * per],
            half: (0.0016 * per).clamp(0.3, 2.2),
            strength: (0.10 + 0.30 / far)
                * (0.6 + 0.4 * dice.next())
                * (0.5 + 0.5 * conditions.rain),
        });
    }
}

fn snow(
    streaks: &mut Vec<Streak>,
    camera: &Camera,
    conditions: &Conditions,
    count: u32,
    seconds: f32,
    seed: u32,
) {
    for n in 0..count {
        let mut dice = Dice::new(hash_pair(seed ^ 0x500_0000, n));
        let far = 1.0 + 17.0 * dice.next();
        let per = camera.focal / far;
        let wide = 1.3 * camera.size.width as f32 / per + 1.0;
        let high = 1.3 * camera.size.height as f32 / per + 1.0;
        let fall = 1.1 + 0.5 * dice.next();
        let drift = conditions.wind * 3.0 + 0.3;
        let sway = 0.15 * (seconds * (1.0 + dice.next()) + dice.between(0.0, TAU)).sin();
        let x = (dice.next() * wide + seconds * drift + sway).rem_euclid(wide) - wide / 2.0;
        let y = (dice.next() * high + seconds * fall).rem_euclid(high) - high / 2.0;
        let (x, y) = (
            camera.size.width as f32 / 2.0 + x * per,
            camera.size.height as f32 / 2.0 + y * per,
        );
        let shutter = 0.02;
        streaks.push(Streak {
            from: [x, y],
            to: [x + drift * shutter * per, y + fall * shutter * per],
            half: (0.006 * per).clamp(0.4, 5.0),
            strength: 0.75 * (1.0 - 0.6 * smooth_step(4.0, 18.0, far)),
        });
    }
}

/// Insects that sit on or fly before the lens: dark and out of focus, bright under infrared.
pub(super) fn insects(
    picture: &mut [V3],
    width: usize,
    height: usize,
    things: &[Thing],
    night: bool,
) {
    for thing in things {
        let Thing::Insect { in_picture, size } = thing else {
            continue;
        };
        let (cx, cy) = (in_picture[0] * width as f32, in_picture[1] * height as f32);
        let radius = (size * height as f32 * 0.5).max(1.0);
        let tint = if night {
            [0.93; 3]
        } else {
            [0.06, 0.055, 0.05]
        };
        let (top, bottom) = (
            (cy - radius * 2.0).max(0.0) as usize,
            (cy + radius * 2.0).clamp(0.0, height as f32) as usize,
        );
        for y in top..bottom {
            let (left, right) = (
                (cx - radius * 2.0).max(0.0) as usize,
                (cx + radius * 2.0).clamp(0.0, width as f32) as usize,
            );
            for x in left..right {
                let (dx, dy) = ((x as f32 - cx) / radius, (y as f32 - cy) / radius);
                let body = smooth_step(1.0, 0.45, (dx / 0.55).hypot(dy));
                let legs =
                    smooth_step(0.16, 0.0, ((dx.abs() * 2.2 + dy * 1.3).fract() - 0.5).abs())
                        * smooth_step(1.7, 0.9, dx.hypot(dy) + 0.2)
                        * 0.45;
                let cover = (body + legs).min(0.94);
                let pixel = &mut picture[y * width + x];
                *pixel = mix(*pixel, tint, cover);
            }
        }
    }
}

/// Lamps that shine into the lens, as discs with a halo.
pub(super) fn glare(picture: &mut [V3], camera: &Camera, beams: &[Beam]) {
    let (width, height) = (camera.size.width as usize, camera.size.height as usize);
    for beam in beams {
        let (place, direct) = beam.glare(camera.position);
        let [cx, cy, depth] = camera.pixel(place);
        if depth < 0.5 || direct < 0.01 {
            continue;
        }
        let core = (0.09 * camera.focal / depth).max(1.5);
        let halo = core * 3.0 + 0.12 * height as f32 * direct;
        let rows = (cy - halo * 2.0).max(0.0) as usize
            ..(cy + halo * 2.0).clamp(0.0, height as f32) as usize;
        for y in rows {
            let columns = (cx - halo * 2.0).max(0.0) as usize
                ..(cx + halo * 2.0).clamp(0.0, width as f32) as usize;
            for x in columns {
                let off = (x as f32 - cx).hypot(y as f32 - cy);
                let light = smooth_step(core * 1.3, core * 0.7, off)
                    + 0.75 * direct * (-off * off / (halo * halo * 0.35)).exp();
                let pixel = &mut picture[y * width + x];
                *pixel = [0, 1, 2].map(|c| pixel[c] + (1.0 - pixel[c]).max(0.0) * light.min(1.0));
            }
        }
    }
}

/// Something lies over a share of the picture: from one corner, with a soft uneven edge.
pub(super) fn cover(picture: &mut [V3], width: usize, height: usize, faults: &[Fault], seed: u32) {
    for fault in faults {
        let Fault::Covered { share, grey } = *fault else {
            continue;
        };
        if share <= 0.0 {
            continue;
        }
        bands::rows(picture, width, |y, row| {
            for (x, pixel) in row.iter_mut().enumerate() {
                let (u, v) = (x as f32 / width as f32, y as f32 / height as f32);
                let edge = 0.03 * noise2([u * 5.0, v * 5.0], seed);
                let at = (u * 0.75 + v * 0.25 + edge) * 0.94 + 0.03;
                let covered = smooth_step(share + 0.02, share - 0.02, at);
                let covered = if share >= 1.0 { 1.0 } else { covered };
                let tone = grey * (1.0 + 0.05 * noise2([u * 3.0, v * 3.0], seed ^ 1));
                *pixel = mix(*pixel, [tone; 3], covered);
            }
        });
    }
}
