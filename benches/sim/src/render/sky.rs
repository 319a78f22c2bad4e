//! The sky, its clouds, and what stands at the horizon.

use super::light::Lighting;
use super::noise::{octaves, random};
use super::vector::{V3, dot, mix, scale, smooth_step};
use crate::world::Light;

/// What is seen in a direction where nothing of the scene stands.
pub(super) fn look(light: &Lighting, ray: V3, pixel: f32, seed: u32) -> V3 {
    let height = ray[2].atan2(ray[0].hypot(ray[1]));
    let azimuth = ray[1].atan2(ray[0]);
    let sky = heaven(light, ray, height, pixel, seed);
    skyline(light, sky, azimuth, height, pixel, seed)
}

fn heaven(light: &Lighting, ray: V3, height: f32, pixel: f32, seed: u32) -> V3 {
    let up = height.max(0.0);
    let high = 1.0 - (-up * 3.0).exp();
    let (low, top) = match light.kind {
        Light::Day | Light::Indoor => ([1.05, 1.12, 1.2], [0.34, 0.55, 0.98]),
        Light::Dusk => ([0.34, 0.24, 0.20], [0.055, 0.075, 0.14]),
        Light::NightInfrared => ([0.006; 3], [0.002; 3]),
    };
    let clear = mix(low, top, high);
    let flat = 1.0 / (ray[2].max(0.02) + 0.12);
    let at = [ray[0] * flat, ray[1] * flat];
    let cloud = octaves(at, 0.8, 6, pixel * flat * flat, 0.55, seed ^ 0x5c);
    let cover = smooth_step(0.05 - light.overcast, 0.7 - light.overcast * 0.9, cloud);
    let white = match light.kind {
        Light::Day | Light::Indoor => scale([1.25, 1.25, 1.27], 1.0 - 0.25 * light.overcast),
        Light::Dusk => [0.20, 0.17, 0.17],
        Light::NightInfrared => [0.006; 3],
    };
    let shade = 1.0 + 0.2 * octaves(at, 2.2, 4, pixel * flat * flat, 0.6, seed ^ 0x7d);
    let mut colour = mix(clear, scale(white, shade), cover * 0.9);
    if light.kind == Light::Day {
        let towards = dot(super::vector::unit(ray), light.key).max(0.0);
        let glare = towards.powf(60.0) * 1.6 + towards.powf(800.0) * 14.0;
        colour = mix(
            colour,
            [3.2, 3.0, 2.7],
            (glare * (1.0 - light.overcast)).min(1.0),
        );
    }
    mix(colour, light.air, light.overcast * 0.7)
}

/// Hills, trees and houses far away, as a band over the horizon.
fn skyline(light: &Lighting, sky: V3, azimuth: f32, height: f32, pixel: f32, seed: u32) -> V3 {
    let edge = pixel.max(0.0005);
    let mut colour = sky;
    let bands = [
        (0.055, 1.3, 0.74, [0.16, 0.20, 0.24]),
        (0.030, 4.0, 0.5, [0.085, 0.105, 0.085]),
        (0.021, 13.0, 0.32, [0.05, 0.062, 0.04]),
    ];
    for (n, (tall, detail, haze, tint)) in bands.into_iter().enumerate() {
        let lot = seed ^ (n as u32 * 977);
        let profile = octaves([azimuth * detail, 0.5], 1.0, 5, pixel * detail, 0.5, lot);
        let mut top = tall * (0.62 + 0.45 * profile);
        if n == 1 {
            let block = (azimuth * 21.0).floor();
            if random(block as i32 as u32, lot) < 0.45 {
                top += 0.018 * random(block as i32 as u32, lot ^ 3);
            }
        }
        let inside = smooth_step(top + edge, top - edge, height);
        let fine = octaves(
            [azimuth * 60.0, height * 60.0],
            1.0,
            4,
            pixel * 60.0,
            0.6,
            lot ^ 5,
        );
        let strength = light.ambient([0.0, 0.0, 1.0])[1] + 0.5 * light.key_colour[1];
        let near = scale(tint, strength * (1.0 + 0.35 * fine));
        let far = 1.0 - (1.0 - haze) * (-light.extinction * 260.0).exp();
        colour = mix(colour, mix(near, light.air, far), inside);
    }
    colour
}
