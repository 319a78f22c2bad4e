//! What can be seen of everybody: counted on the same samples that are drawn.

use super::compose::Instant;
use super::crowd::Mover;
use parapet::model::geometry::Rect;

/// One person in the picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    pub id: u32,
    /// Around the whole figure, hidden parts too, clipped to the picture; normalised.
    pub full_box: Rect,
    /// Around what is visible; nothing when the figure is hidden altogether.
    pub visible_box: Option<Rect>,
    /// Visible pixels over those the figure would have with nothing in the way and no picture's
    /// edge, 0 to 1. What a fence, leaves or other people hide counts as hidden, in parts; a
    /// covered lens, weather and blur do not count.
    pub visible_share: f32,
    /// The picture's edge or the camera cuts some of the figure off.
    pub truncated: bool,
    /// Visible pixels.
    pub pixels: u32,
}

/// Below this share of its pixel a person does not show there.
const SHOWS: f32 = 0.3;

/// Everybody with some part in the picture, moved by the camera's shake (pixels).
pub(super) fn people(instant: &Instant<'_>, shift: [f32; 2]) -> Vec<Seen> {
    instant
        .movers
        .iter()
        .filter_map(|mover| Some(seen(instant, mover, mover.id?, shift)).flatten())
        .collect()
}

fn seen(instant: &Instant<'_>, mover: &Mover, id: u32, [dx, dy]: [f32; 2]) -> Option<Seen> {
    let size = instant.backdrop.camera.size;
    let (width, height) = (size.width as f32, size.height as f32);
    let normalised = |b: [f32; 4]| {
        Rect::from_corners(
            (b[0] + dx) / width,
            (b[1] + dy) / height,
            (b[2] + dx) / width,
            (b[3] + dy) / height,
        )
    };
    let whole_box = normalised(mover.cutout.bounds);
    let full_box = whole_box.clamped();
    if !full_box.is_sound() {
        return None;
    }
    let inside = whole_box.left >= 0.0
        && whole_box.top >= 0.0
        && whole_box.right() <= 1.0
        && whole_box.bottom() <= 1.0;
    let (mut whole, mut visible, mut bounds) = (0.0_f64, 0.0_f64, None::<[f32; 4]>);
    let cutout = &mover.cutout;
    for (n, splat) in cutout.splats.iter().enumerate() {
        whole += f64::from(splat.whole);
        if splat.cover <= 0.0 {
            continue;
        }
        let (x, y) = (
            cutout.left + (n % cutout.width) as i32,
            cutout.top + (n / cutout.width) as i32,
        );
        let share = splat.cover * unveiled(instant, mover, x, y, splat.depth);
        visible += f64::from(share);
        if share > SHOWS {
            let (x, y) = (x as f32, y as f32);
            let b = bounds.get_or_insert([x, y, x + 1.0, y + 1.0]);
            *b = [
                b[0].min(x),
                b[1].min(y),
                b[2].max(x + 1.0),
                b[3].max(y + 1.0),
            ];
        }
    }
    let visible_box = bounds
        .map(|b| normalised(b).clamped())
        .filter(Rect::is_sound);
    Some(Seen {
        id,
        full_box,
        visible_box,
        visible_share: if whole > 0.0 {
            (visible / whole).min(1.0) as f32
        } else {
            0.0
        },
        truncated: !inside || cutout.cut,
        pixels: visible.round() as u32,
    })
}

/// Share of a pixel that nothing nearer hides.
fn unveiled(instant: &Instant<'_>, own: &Mover, x: i32, y: i32, depth: f32) -> f32 {
    let mut open = 1.0;
    for other in instant.movers {
        if std::ptr::eq(other, own) {
            continue;
        }
        let cutout = &other.cutout;
        let (column, line) = (x - cutout.left, y - cutout.top);
        if column < 0 || line < 0 || column >= cutout.width as i32 || line >= cutout.height as i32 {
            continue;
        }
        let splat = cutout.splats[line as usize * cutout.width + column as usize];
        if splat.cover > 0.0 && splat.depth < depth {
            open *= 1.0 - splat.cover;
        }
    }
    for layer in &instant.backdrop.layers {
        let veil = layer.at(x as usize, y as usize, instant.seconds, instant.wind);
        if veil.cover > 0.0 && veil.depth < depth {
            open *= 1.0 - veil.cover.min(1.0);
        }
    }
    open
}
