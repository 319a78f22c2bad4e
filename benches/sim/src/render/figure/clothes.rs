//! What people wear: cuts, colours and patterns, drawn by lot from a person's seed.

use super::super::noise::{Dice, noise3};
use super::super::vector::{V3, mix, scale, smooth_step};
use crate::world::{Clothing, Look};

/// What a piece of a figure's surface is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Cover {
    Skin,
    Hair,
    Top,
    Bottom,
    Shoe,
    Cap,
    /// A carried bag.
    Bag,
}

/// How the hair is worn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Hair {
    Cropped,
    Short,
    Long,
    Capped,
}

/// Cut and colours of one person (linear light).
#[derive(Clone, Debug)]
pub(in super::super) struct Appearance {
    pub(in super::super) skin: V3,
    pub(in super::super) hair: V3,
    pub(in super::super) top: V3,
    pub(in super::super) bottom: V3,
    pub(in super::super) shoe: V3,
    pub(in super::super) accent: V3,
    pub(in super::super) style: Hair,
    /// Bare forearms.
    pub(in super::super) short_sleeves: bool,
    /// How low the top's hem hangs, metres of the rest figure.
    pub(in super::super) hem: f32,
    /// Extra width of the top and of the trousers, metres.
    pub(in super::super) loose: [f32; 2],
    pub(in super::super) backpack: bool,
    pattern: Pattern,
    /// Bands of the accent's colour around the shins.
    banded: bool,
    /// Decides wear and folds.
    pub(in super::super) seed: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pattern {
    Plain,
    /// A front that shows a shirt of another colour.
    OpenFront,
    /// Bands over chest, sleeves and legs.
    Uniform,
    Striped,
    Checked,
    Belted,
}

/// From sRGB bytes to linear light.
pub(in super::super) fn srgb(r: u8, g: u8, b: u8) -> V3 {
    [r, g, b].map(|v| (f32::from(v) / 255.0).powf(2.2))
}

fn skin(dice: &mut Dice) -> V3 {
    let tones = [
        srgb(226, 182, 150),
        srgb(212, 165, 130),
        srgb(198, 148, 112),
        srgb(176, 126, 92),
        srgb(128, 86, 62),
        srgb(232, 194, 166),
    ];
    let tone = dice.pick(&tones);
    scale(tone, dice.between(0.9, 1.08))
}

fn hair(dice: &mut Dice) -> V3 {
    let colours = [
        srgb(24, 20, 18),
        srgb(32, 25, 20),
        srgb(48, 34, 24),
        srgb(70, 50, 34),
        srgb(120, 116, 112),
    ];
    dice.pick(&colours)
}

impl Appearance {
    /// The appearance of a look.
    pub(in super::super) fn of(look: &Look) -> Self {
        let mut dice = Dice::new(look.seed ^ 0x00c1_07e5);
        let mut appearance = Self {
            skin: skin(&mut dice),
            hair: hair(&mut dice),
            top: [0.2; 3],
            bottom: [0.05; 3],
            shoe: dice.pick(&[srgb(30, 28, 28), srgb(52, 44, 40), srgb(190, 190, 188)]),
            accent: srgb(205, 208, 206),
            style: dice.pick(&[Hair::Short, Hair::Short, Hair::Cropped]),
            short_sleeves: false,
            hem: dice.between(0.80, 0.88),
            loose: [dice.between(0.0, 0.014), dice.between(0.0, 0.012)],
            backpack: false,
            pattern: Pattern::Plain,
            banded: false,
            seed: look.seed,
        };
        match look.clothing {
            Clothing::Inmate => inmate(&mut appearance, &mut dice),
            Clothing::Officer => officer(&mut appearance, &mut dice),
            Clothing::Civilian => civilian(&mut appearance, &mut dice),
        }
        appearance
    }

    /// The colour of a place of the rest figure, in linear light.
    pub(in super::super) fn colour(&self, cover: Cover, p: V3) -> V3 {
        match cover {
            Cover::Skin => self.bare(p),
            Cover::Hair => scale(
                self.hair,
                1.0 + 0.5 * noise3([p[0] * 60.0, p[1] * 60.0, p[2] * 14.0], 5),
            ),
            Cover::Cap => scale(self.bottom, 0.8),
            Cover::Bag => scale(self.accent, 0.35),
            Cover::Shoe => {
                let sole = smooth_step(0.028, 0.018, p[2]);
                mix(self.shoe, scale(self.shoe, 0.4), sole)
            }
            Cover::Top => self.cloth(self.top_colour(p), p),
            Cover::Bottom => self.cloth(self.bottom_colour(p), p),
        }
    }

    /// Wear, dust and unevenness of cloth.
    fn cloth(&self, colour: V3, p: V3) -> V3 {
        let patch = noise3([p[0] * 7.0, p[1] * 7.0, p[2] * 5.0], self.seed);
        let fine = noise3([p[0] * 45.0, p[1] * 45.0, p[2] * 32.0], self.seed ^ 9);
        scale(colour, 1.0 + 0.10 * patch + 0.07 * fine)
    }

    fn top_colour(&self, p: V3) -> V3 {
        let [x, y, z] = p;
        let away = y.abs();
        match self.pattern {
            Pattern::OpenFront if x > 0.02 && away < 0.045 + (z - 1.1).max(0.0) * 0.07 => {
                self.accent
            }
            Pattern::Uniform => {
                let chest = (1.235..1.285).contains(&z) && away < 0.24;
                let sleeve = away > 0.24 && ((1.24..1.275).contains(&(z + away * 0.3 + 0.0)));
                if chest || sleeve {
                    self.accent
                } else {
                    self.top
                }
            }
            Pattern::Striped if away < 0.26 && (z * 16.0).fract() < 0.4 => self.accent,
            Pattern::Checked => {
                let across = ((y * 12.0).rem_euclid(1.0) < 0.5) as u8 as f32;
                let down = ((z * 12.0).rem_euclid(1.0) < 0.5) as u8 as f32;
                mix(self.top, self.accent, 0.5 * across + 0.3 * down)
            }
            Pattern::Belted => {
                let badge = x > 0.0 && (0.05..0.10).contains(&y) && (1.30..1.34).contains(&z);
                let belt = (1.0..1.045).contains(&z) && away < 0.2;
                if badge {
                    self.accent
                } else if belt {
                    scale(self.top, 0.25)
                } else {
                    self.top
                }
            }
            _ => self.zipped(p),
        }
    }

    /// A plain front still has a zip and pockets.
    fn zipped(&self, p: V3) -> V3 {
        let zip = p[0] > 0.03 && p[1].abs() < 0.006;
        let pocket =
            p[0] > 0.0 && (0.93..0.945).contains(&p[2]) && (0.06..0.15).contains(&p[1].abs());
        if (zip || pocket) && !self.short_sleeves {
            scale(self.top, 0.55)
        } else {
            self.top
        }
    }

    fn bottom_colour(&self, p: V3) -> V3 {
        let seam = (p[0].abs() < 0.006) as u8 as f32;
        let base = scale(self.bottom, 1.0 - 0.25 * seam);
        if self.banded && (0.36..0.405).contains(&p[2]) {
            return self.accent;
        }
        // Trousers wear off at the knee and thigh.
        scale(
            base,
            1.0 + 0.18 * smooth_step(0.16, 0.0, (p[2] - 0.55).abs()),
        )
    }

    /// Skin with a hint of a face: no more than a few pixels ever show.
    fn bare(&self, p: V3) -> V3 {
        let [x, y, z] = p;
        let mut tone = scale(
            self.skin,
            1.0 + 0.06 * noise3([x * 30.0, y * 30.0, z * 30.0], 3),
        );
        if x < 0.05 || z < 1.52 {
            return tone;
        }
        let off = |cy: f32, cz: f32, ry: f32, rz: f32| {
            let (dy, dz) = ((y.abs() - cy) / ry, (z - cz) / rz);
            1.0 - smooth_step(0.7, 1.2, dy.hypot(dz))
        };
        tone = mix(
            tone,
            scale(self.skin, 0.55),
            0.4 * off(0.033, 1.658, 0.024, 0.015),
        );
        tone = mix(tone, [0.02, 0.016, 0.014], off(0.033, 1.655, 0.013, 0.007));
        tone = mix(tone, self.hair, 0.7 * off(0.033, 1.682, 0.021, 0.006));
        tone = mix(tone, scale(self.skin, 0.6), off(0.0, 1.612, 0.013, 0.006));
        mix(
            tone,
            [
                self.skin[0] * 0.62,
                self.skin[1] * 0.38,
                self.skin[2] * 0.36,
            ],
            off(0.0, 1.585, 0.024, 0.008),
        )
    }
}

/// The uniform, as people wear it who live in it: whole, the jacket open, or without the jacket.
fn inmate(appearance: &mut Appearance, dice: &mut Dice) {
    let cloth = dice.pick(&[
        srgb(66, 92, 136),
        srgb(88, 104, 122),
        srgb(72, 84, 104),
        srgb(46, 60, 96),
    ]);
    appearance.top = cloth;
    appearance.bottom = scale(cloth, 0.92);
    appearance.accent = srgb(214, 218, 216);
    appearance.style = Hair::Cropped;
    appearance.pattern = Pattern::Uniform;
    appearance.banded = true;
    appearance.shoe = dice.pick(&[srgb(40, 40, 42), srgb(40, 40, 42), srgb(168, 166, 160)]);
    appearance.loose = [0.012, 0.012];
    let worn = dice.next();
    if worn < 0.25 {
        // A shirt.
        appearance.top = dice.pick(&[srgb(212, 212, 208), srgb(212, 212, 208), srgb(84, 88, 94)]);
        appearance.pattern = Pattern::Plain;
        appearance.short_sleeves = true;
    } else if worn < 0.4 {
        appearance.pattern = Pattern::OpenFront;
    }
}

fn officer(appearance: &mut Appearance, dice: &mut Dice) {
    appearance.top = dice.pick(&[srgb(34, 38, 52), srgb(44, 52, 72)]);
    appearance.bottom = srgb(26, 28, 36);
    appearance.accent = srgb(170, 172, 160);
    appearance.style = Hair::Capped;
    appearance.pattern = Pattern::Belted;
    appearance.shoe = srgb(18, 18, 18);
    appearance.hem = 0.86;
    appearance.loose = [0.006, 0.006];
}

fn civilian(appearance: &mut Appearance, dice: &mut Dice) {
    let tops = [
        srgb(150, 40, 38),
        srgb(36, 36, 40),
        srgb(200, 196, 186),
        srgb(52, 74, 120),
        srgb(70, 92, 66),
        srgb(128, 116, 98),
        srgb(176, 134, 58),
        srgb(98, 98, 104),
        srgb(224, 224, 226),
        srgb(92, 52, 60),
    ];
    let bottoms = [
        srgb(46, 58, 84),
        srgb(34, 38, 52),
        srgb(28, 28, 30),
        srgb(96, 88, 74),
        srgb(70, 76, 86),
        srgb(134, 122, 100),
    ];
    appearance.top = dice.pick(&tops);
    appearance.bottom = dice.pick(&bottoms);
    appearance.accent = dice.pick(&tops);
    appearance.pattern = dice.pick(&[
        Pattern::Plain,
        Pattern::Plain,
        Pattern::OpenFront,
        Pattern::Striped,
        Pattern::Checked,
    ]);
    appearance.short_sleeves = dice.next() < 0.35;
    appearance.style = dice.pick(&[Hair::Short, Hair::Short, Hair::Long, Hair::Cropped]);
    appearance.backpack = dice.next() < 0.15;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inmates_wear_the_uniform_in_several_ways() {
        let of = |seed| {
            Appearance::of(&Look {
                height: 1.75,
                build: 1.0,
                clothing: Clothing::Inmate,
                seed,
            })
        };
        let appearances: Vec<Appearance> = (0..400).map(of).collect();
        let share = |is: fn(&Appearance) -> bool| appearances.iter().filter(|o| is(o)).count();
        assert!(
            (60..140).contains(&share(|o| o.short_sleeves)),
            "without the jacket"
        );
        assert!((30..100).contains(&share(|o| o.pattern == Pattern::OpenFront)));
        assert!(share(|o| o.pattern == Pattern::Uniform) > 200);
        assert!(appearances.iter().all(|o| o.banded), "the trousers tell");
    }
}
