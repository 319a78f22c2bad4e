//! What lights a scene and what the air does to it. Linear light, arbitrary unit: a white surface
//! square to the midday sun gives about 3.

use super::noise::fraction;
use super::vector::{V3, add, dot, length, mix, mul, scale, smooth_step, sub, unit};
use crate::world::{Conditions, Light};

/// A lamp that shines downwards.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lamp {
    pub(super) place: V3,
    pub(super) colour: V3,
    /// How wide it spreads: 1 is a bare panel, larger is a beam.
    pub(super) focus: f32,
}

/// All light of a scene.
#[derive(Clone, Debug)]
pub(super) struct Lighting {
    pub(super) kind: Light,
    /// Where the key light comes from: the sun, or above.
    pub(super) key: V3,
    pub(super) key_colour: V3,
    /// Half-width of a cast shadow's edge per metre of distance.
    pub(super) softness: f32,
    pub(super) sky: V3,
    pub(super) bounce: V3,
    pub(super) lamps: Vec<Lamp>,
    /// The camera's own lamp: where it is, where it points, its power.
    pub(super) infrared: Option<(V3, V3, f32)>,
    pub(super) air: V3,
    /// Light lost per metre.
    pub(super) extinction: f32,
    /// 0 with a clear sky, 1 when it is closed.
    pub(super) overcast: f32,
    /// Colour given by things that glow.
    pub(super) glow: V3,
}

impl Lighting {
    pub(super) fn new(conditions: &Conditions, lamps: Vec<Lamp>, eye: V3, axis: V3) -> Self {
        let [azimuth, height] = conditions.sun;
        let sun = [
            height.cos() * azimuth.cos(),
            height.cos() * azimuth.sin(),
            height.sin().max(0.02),
        ];
        let murk = (120.0 / conditions.visibility.max(1.0)).min(1.0);
        let overcast = (conditions.rain * 2.5)
            .max(conditions.snow * 2.5)
            .max(murk * 1.3)
            .clamp(0.0, 1.0);
        let extinction = (3.9 / conditions.visibility.max(1.0)).max(0.0004)
            + conditions.rain * 0.006
            + conditions.snow * 0.012;
        let mut light = Self {
            kind: conditions.light,
            key: unit(sun),
            key_colour: [0.0; 3],
            softness: 0.012,
            sky: [0.0; 3],
            bounce: [0.0; 3],
            lamps,
            infrared: None,
            air: [0.0; 3],
            extinction,
            overcast,
            glow: [0.0; 3],
        };
        match conditions.light {
            Light::Day => light.day(sun[2]),
            Light::Dusk => light.dusk(),
            Light::NightInfrared => {
                light.infrared = Some((eye, axis, 260.0));
                light.sky = [0.004; 3];
                light.bounce = [0.003; 3];
                light.air = scale([0.02; 3], 1.0 + overcast);
                light.key = [0.0, 0.0, 1.0];
            }
            Light::Indoor => light.indoor(),
        }
        light
    }

    fn day(&mut self, height: f32) {
        let low = (1.0 - height / 0.5).clamp(0.0, 1.0);
        let sun = mix([2.9, 2.72, 2.42], [2.5, 1.85, 1.2], low);
        self.key_colour = scale(sun, 1.0 - 0.94 * self.overcast);
        self.sky = mix([0.56, 0.68, 0.88], [1.05, 1.08, 1.12], self.overcast);
        self.bounce = mix([0.30, 0.28, 0.24], [0.34, 0.34, 0.33], self.overcast);
        self.air = mix([0.80, 0.88, 1.0], [1.0, 1.02, 1.04], self.overcast);
        self.softness = 0.012 + 0.2 * self.overcast;
        self.glow = [0.3, 0.28, 0.22];
    }

    fn dusk(&mut self) {
        self.key = [0.0, 0.0, 1.0];
        self.key_colour = [0.02, 0.025, 0.04];
        self.softness = 0.5;
        self.sky = [0.075, 0.095, 0.155];
        self.bounce = [0.035, 0.035, 0.042];
        self.air = [0.085, 0.095, 0.13];
        self.glow = [3.4, 2.6, 1.6];
    }

    fn indoor(&mut self) {
        self.key = [0.0, 0.0, 1.0];
        self.key_colour = [0.30, 0.29, 0.265];
        self.softness = 0.45;
        self.sky = [0.30, 0.29, 0.27];
        self.bounce = [0.24, 0.225, 0.20];
        self.air = [0.4, 0.39, 0.36];
        self.glow = [4.0, 3.9, 3.6];
    }

    /// Turns the camera's own lamp with the camera.
    pub(super) fn turn_lamp(&mut self, eye: V3, axis: V3) {
        if let Some((place, way, _)) = &mut self.infrared {
            (*place, *way) = (eye, axis);
        }
    }

    /// Light from all sides on a surface that faces `n`.
    pub(super) fn ambient(&self, n: V3) -> V3 {
        mix(self.bounce, self.sky, 0.5 + 0.5 * n[2])
    }

    /// Light from all lamps, without shadows.
    pub(super) fn lamps(&self, p: V3, n: V3) -> V3 {
        let mut sum = [0.0; 3];
        for lamp in &self.lamps {
            sum = add(sum, shine(lamp, p, n));
        }
        if let Some((place, axis, power)) = self.infrared {
            let to = sub(place, p);
            let far = length(to).max(0.8);
            let facing = (dot(n, to) / far).max(0.0);
            let off = -dot(to, axis) / far;
            let beam = ((off - 0.66) / 0.34).clamp(0.0, 1.0);
            let light = power * facing * beam.powf(0.8) / (far * far);
            sum = add(sum, [light; 3]);
        }
        sum
    }

    /// The lamp that gives most light at a place, and its light on a surface facing `n`.
    pub(super) fn brightest(&self, p: V3) -> Option<Lamp> {
        let strength = |lamp: &Lamp| shine(lamp, p, unit(sub(lamp.place, p)))[1];
        self.lamps
            .iter()
            .max_by(|a, b| strength(a).total_cmp(&strength(b)))
            .copied()
    }

    /// What reaches the camera of a colour `far` metres away.
    pub(super) fn through_air(&self, colour: V3, far: f32) -> V3 {
        let kept = (-self.extinction * far).exp();
        mix(self.air, colour, kept)
    }

    /// Colours as the sensor sees them: infrared shows cloth and plants in other greys.
    pub(super) fn seen(&self, albedo: V3, lot: u32) -> V3 {
        if self.kind != Light::NightInfrared {
            return albedo;
        }
        let green = (albedo[1] - 0.5 * (albedo[0] + albedo[2])).max(0.0);
        let grey = 0.3 * albedo[0] + 0.4 * albedo[1] + 0.3 * albedo[2];
        let grey = (grey * 0.8 + green * 3.0 + 0.08 + 0.1 * fraction(lot)).min(0.85);
        [grey; 3]
    }
}

/// One lamp's light on a surface.
pub(super) fn shine(lamp: &Lamp, p: V3, n: V3) -> V3 {
    let to = sub(lamp.place, p);
    // A lamp is no point: what is close to it is not lit without bounds.
    let far = dot(to, to) + 0.8;
    let way = scale(to, 1.0 / far.sqrt());
    let facing = dot(n, way).max(0.0);
    let down = way[2].max(0.0).powf(lamp.focus);
    scale(lamp.colour, facing * down / far)
}

/// What a surface gives back of the light on it.
pub(super) fn lit(albedo: V3, light: V3) -> V3 {
    mul(albedo, light)
}

/// How much of the key light passing shadows leaves at a place.
pub(super) fn clouded(clouds: &[([f32; 2], f32)], p: V3) -> f32 {
    let mut left = 1.0;
    for (middle, radius) in clouds {
        let far = (p[0] - middle[0]).hypot(p[1] - middle[1]);
        left *= 1.0 - 0.8 * smooth_step(*radius, radius * 0.55, far);
    }
    left
}
