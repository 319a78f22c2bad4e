//! A camera that does not hang still.

use super::bands;
use super::noise::{Dice, hash_pair};
use super::vector::{V3, mix};
use parapet::model::geometry::Size;

/// How far the camera's shake moves the picture in this frame, pixels.
pub(super) fn offset(sigma: f32, size: Size, seed: u32, frame_index: u64) -> [f32; 2] {
    if sigma <= 0.0 {
        return [0.0, 0.0];
    }
    let mut dice = Dice::new(hash_pair(seed ^ 0x54a_ce00, frame_index as u32));
    let mut normal = || (0..12).map(|_| dice.next()).sum::<f32>() - 6.0;
    let reach = sigma * size.width as f32;
    [normal() * reach, normal() * reach * 0.7]
}

/// A picture moved by a part of pixels; the edge repeats.
pub(super) fn shifted(picture: &[V3], width: usize, height: usize, [dx, dy]: [f32; 2]) -> Vec<V3> {
    let mut moved = vec![[0.0; 3]; picture.len()];
    let whole = [dx.floor(), dy.floor()];
    let (tx, ty) = (dx - whole[0], dy - whole[1]);
    let clamp = |v: isize, most: usize| v.clamp(0, most as isize - 1) as usize;
    bands::rows(&mut moved, width, |y, row| {
        let lines = [0, 1].map(|n| clamp(y as isize - whole[1] as isize - n, height) * width);
        for (x, pixel) in row.iter_mut().enumerate() {
            let columns = [0, 1].map(|n| clamp(x as isize - whole[0] as isize - n, width));
            let at = |l: usize, c: usize| picture[lines[l] + columns[c]];
            let near = mix(at(0, 0), at(0, 1), tx);
            let far = mix(at(1, 0), at(1, 1), tx);
            *pixel = mix(near, far, ty);
        }
    });
    moved
}
