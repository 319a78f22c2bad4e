//! The still picture, kept finished, and what each frame changes in it.

use super::backdrop::Backdrop;
use super::bands;
use super::compose::{Instant, Tiles};
use super::lens::{self, Lens};
use super::light::Lighting;
use super::vector::{V3, along};

/// The still picture and the working copies that follow the frames.
pub(super) struct Still {
    linear: Vec<V3>,
    encoded: Vec<V3>,
    /// The finished picture without grain, gamma-encoded.
    pub(super) shown: Vec<V3>,
    /// Squares that differ from the still picture in the last drawn frame.
    last: Tiles,
    /// The still picture itself.
    rest: [Vec<V3>; 3],
}

impl Still {
    pub(super) fn new(backdrop: &Backdrop, light: &Lighting, lens: &Lens) -> Self {
        let count = lens.width * lens.height;
        let mut still = Self {
            linear: vec![[0.0; 3]; count],
            encoded: vec![[0.0; 3]; count],
            shown: vec![[0.0; 3]; count],
            last: Tiles::none(lens.width, lens.height),
            rest: [Vec::new(), Vec::new(), Vec::new()],
        };
        let instant = Instant {
            backdrop,
            light,
            movers: &[],
            clouds: &[],
            beams: &[],
            seconds: 0.0,
            wind: 0.0,
        };
        let mut all = Tiles::none(lens.width, lens.height);
        all.all();
        instant.draw(&all, &[], &mut still.linear);
        bloom(&mut still.linear, lens);
        lens.develop(&all, &still.linear, &mut still.encoded);
        lens.focus(&all, &still.encoded, &mut still.shown);
        still.rest = [
            still.linear.clone(),
            still.encoded.clone(),
            still.shown.clone(),
        ];
        still
    }

    /// Draws what moves and puts the still picture back where something has gone.
    pub(super) fn update(&mut self, instant: &Instant<'_>, lens: &Lens) {
        let spots = instant.spots();
        let touched = instant.touched(&spots);
        let gone = self.last.grown();
        let width = lens.width;
        for (now, rest) in [
            (&mut self.linear, &self.rest[0]),
            (&mut self.encoded, &self.rest[1]),
            (&mut self.shown, &self.rest[2]),
        ] {
            bands::rows(now, width, |y, row| {
                for span in gone.spans(y, width) {
                    row[span.clone()].copy_from_slice(&rest[y * width..][span]);
                }
            });
        }
        instant.draw(&touched, &spots, &mut self.linear);
        lens.develop(&touched, &self.linear, &mut self.encoded);
        lens.focus(&touched.grown(), &self.encoded, &mut self.shown);
        self.last = touched;
    }
}

/// Light that very bright places of the still scene spill around them.
fn bloom(linear: &mut [V3], lens: &Lens) {
    let limit = 1.6 / lens.exposure;
    let mut spill: Vec<V3> = linear
        .iter()
        .map(|c| c.map(|v| (v - limit).clamp(0.0, limit * 12.0)))
        .collect();
    if spill.iter().all(|c| c[1] <= 0.0) {
        return;
    }
    lens::blur(
        &mut spill,
        lens.width,
        lens.height,
        lens.height as f32 / 70.0,
    );
    for (pixel, extra) in linear.iter_mut().zip(&spill) {
        *pixel = along(*pixel, *extra, 0.35);
    }
}
