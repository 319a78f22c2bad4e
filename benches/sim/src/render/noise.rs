//! Reproducible randomness: integer hashes and band-limited noise.

/// A well-mixed hash of one number (lowbias32, C. Wellons).
pub(super) fn hash(mut x: u32) -> u32 {
    x ^= x >> 16;
    x = x.wrapping_mul(0x7feb_352d);
    x ^= x >> 15;
    x = x.wrapping_mul(0x846c_a68b);
    x ^ (x >> 16)
}

/// A hash of two numbers.
pub(super) fn hash_pair(a: u32, b: u32) -> u32 {
    hash(a ^ hash(b.wrapping_add(0x9e37_79b9)))
}

/// A hash as a number in 0..1.
pub(super) fn fraction(hash: u32) -> f32 {
    (hash >> 8) as f32 / 16_777_216.0
}

/// A number in 0..1 for every pair.
pub(super) fn random(a: u32, b: u32) -> f32 {
    fraction(hash_pair(a, b))
}

/// A sequence of random numbers.
pub(super) struct Dice(u32);

impl Dice {
    pub(super) fn new(seed: u32) -> Self {
        Self(hash(seed ^ 0x51ed_270b))
    }

    pub(super) fn bits(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9);
        hash(self.0)
    }

    /// In 0..1.
    pub(super) fn next(&mut self) -> f32 {
        fraction(self.bits())
    }

    pub(super) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.next()
    }

    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[(self.bits() as usize) % from.len()]
    }
}

fn lattice(x: i32, y: i32, seed: u32) -> f32 {
    let mixed = (x as u32).wrapping_mul(0x8da6_b343) ^ (y as u32).wrapping_mul(0xd816_3841) ^ seed;
    fraction(hash(mixed)) * 2.0 - 1.0
}

fn ease(t: f32) -> f32 {
    t * t * (3.0 - 2.0 * t)
}

/// Value noise in the plane, -1..1, one cell per unit.
pub(super) fn noise2(p: [f32; 2], seed: u32) -> f32 {
    let (fx, fy) = (p[0].floor(), p[1].floor());
    let (x, y) = (fx as i32, fy as i32);
    let (tx, ty) = (ease(p[0] - fx), ease(p[1] - fy));
    let low = lattice(x, y, seed) * (1.0 - tx) + lattice(x.wrapping_add(1), y, seed) * tx;
    let y = y.wrapping_add(1);
    let high = lattice(x, y, seed) * (1.0 - tx) + lattice(x.wrapping_add(1), y, seed) * tx;
    low * (1.0 - ty) + high * ty
}

/// Value noise in space, -1..1.
pub(super) fn noise3(p: [f32; 3], seed: u32) -> f32 {
    let z = p[2].floor();
    let t = ease(p[2] - z);
    let layer = |z: i32| noise2([p[0], p[1]], seed ^ hash(z as u32));
    layer(z as i32) * (1.0 - t) + layer((z as i32).wrapping_add(1)) * t
}

/// Octaves of noise from `frequency` per metre upwards, without those finer than `footprint` (the
/// metres that a pixel covers), so that nothing sparkles. About -1..1.
pub(super) fn octaves(
    p: [f32; 2],
    frequency: f32,
    count: u32,
    footprint: f32,
    roughness: f32,
    seed: u32,
) -> f32 {
    let (mut sum, mut weight, mut per_metre) = (0.0, 1.0, frequency);
    for octave in 0..count {
        let keep = 1.0 - ((footprint * per_metre - 0.3) / 0.5).clamp(0.0, 1.0);
        if keep <= 0.0 {
            break;
        }
        let at = [
            p[0] * per_metre + octave as f32 * 17.3,
            p[1] * per_metre - octave as f32 * 9.1,
        ];
        sum += noise2(at, seed.wrapping_add(octave)) * weight * keep;
        weight *= roughness;
        per_metre *= 2.03;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_stays_in_bounds_and_repeats() {
        for n in 0..2000 {
            let p = [n as f32 * 0.37 - 200.0, n as f32 * 0.11];
            let value = noise2(p, 7);
            assert!((-1.0..=1.0).contains(&value));
            assert_eq!(value, noise2(p, 7));
        }
    }

    #[test]
    fn what_is_finer_than_a_pixel_is_left_out() {
        assert_eq!(octaves([3.3, 4.4], 4.0, 6, 1.0, 0.5, 1), 0.0);
        assert_ne!(octaves([3.3, 4.4], 4.0, 6, 0.01, 0.5, 1), 0.0);
    }
}
