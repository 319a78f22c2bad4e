use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::base::clock::Monotonic;
use crate::model::frame::OwnedPlanes;
use crate::model::time::{CaptureTime, ClockSource, UtcMicros};

fn spec(resize: Resize, layout: Layout, color: ColorOrder) -> InputSpec {
    InputSpec {
        width: 48,
        height: 40,
        layout,
        color,
        mean: [10.0, 20.0, 30.0],
        std: [2.0, 3.0, 4.0],
        resize,
        placement: Placement::Center,
        pad: 114.0,
    }
}

/// A picture of noise with strides wider than its rows.
fn noise(size: Size, format: PixelFormat, colorimetry: Colorimetry, seed: u64) -> Frame {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut plane = |stride: usize, rows: u32| {
        let bytes = (0..stride * rows as usize).map(|_| random.u8(..)).collect();
        (bytes, stride)
    };
    let (width, half) = (size.width as usize, size.width as usize / 2);
    let planes = match format {
        PixelFormat::Nv12 => vec![
            plane(width + 6, size.height),
            plane(width + 4, size.height / 2),
        ],
        PixelFormat::I420 => vec![
            plane(width + 6, size.height),
            plane(half + 2, size.height / 2),
            plane(half + 8, size.height / 2),
        ],
    };
    let capture = CaptureTime {
        utc: UtcMicros(0),
        source: ClockSource::File,
        offset_micros: 0,
    };
    Frame {
        index: 0,
        size,
        format,
        colorimetry,
        capture,
        media_time: Duration::ZERO,
        arrived: Monotonic::default(),
        held: Duration::ZERO,
        probe: false,
        planes: OwnedPlanes::new(planes),
    }
}

/// The same by the book: one value at a time in double precision.
fn reference(frame: &Frame, input: &InputSpec, channel: usize, x: u32, y: u32) -> f64 {
    let placed = Placed::of(frame.size, input);
    let inside = (placed.left..placed.left + placed.width).contains(&x)
        && (placed.top..placed.top + placed.height).contains(&y);
    let normal = |v: f64| (v - f64::from(input.mean[channel])) / f64::from(input.std[channel]);
    if !inside {
        return normal(f64::from(input.pad));
    }
    let along = |n: u32, out: u32, source: u32| {
        // Multiplied in this order, so that a tie between two chroma samples falls the same way.
        let at = (f64::from(n) + 0.5) * (f64::from(source) / f64::from(out)) - 0.5;
        at.clamp(0.0, f64::from(source - 1))
    };
    let sx = along(x - placed.left, placed.width, frame.size.width);
    let sy = along(y - placed.top, placed.height, frame.size.height);
    let sample = |plane: usize, x: u32, y: u32, step: usize, shift: usize| {
        let at = y as usize * frame.planes.stride(plane) + x as usize * step + shift;
        f64::from(frame.planes.plane(plane)[at])
    };
    let (x0, y0) = (sx.floor() as u32, sy.floor() as u32);
    let (x1, y1) = (
        (x0 + 1).min(frame.size.width - 1),
        (y0 + 1).min(frame.size.height - 1),
    );
    let (fx, fy) = (sx - sx.floor(), sy - sy.floor());
    let luma = (sample(0, x0, y0, 1, 0) * (1.0 - fx) + sample(0, x1, y0, 1, 0) * fx) * (1.0 - fy)
        + (sample(0, x0, y1, 1, 0) * (1.0 - fx) + sample(0, x1, y1, 1, 0) * fx) * fy;
    let near = |s: f64, side: u32| (((s + 0.5) / 2.0).floor() as u32).min(side / 2 - 1);
    let (cx, cy) = (near(sx, frame.size.width), near(sy, frame.size.height));
    let (cb, cr) = match frame.format {
        PixelFormat::Nv12 => (sample(1, cx, cy, 2, 0), sample(1, cx, cy, 2, 1)),
        PixelFormat::I420 => (sample(1, cx, cy, 1, 0), sample(2, cx, cy, 1, 0)),
    };
    let (kr, kb) = match frame.colorimetry.matrix {
        ColorMatrix::Bt601 => (0.299, 0.114),
        ColorMatrix::Bt709 => (0.2126, 0.0722),
    };
    let (y, pb, pr) = if frame.colorimetry.full_range {
        (luma, cb - 128.0, cr - 128.0)
    } else {
        (
            (luma - 16.0) * 255.0 / 219.0,
            (cb - 128.0) * 255.0 / 224.0,
            (cr - 128.0) * 255.0 / 224.0,
        )
    };
    let red = y + 2.0 * (1.0 - kr) * pr;
    let blue = y + 2.0 * (1.0 - kb) * pb;
    let green = (y - kr * red - kb * blue) / (1.0 - kr - kb);
    let color = if input.color == ColorOrder::Rgb {
        channel
    } else {
        2 - channel
    };
    normal([red, green, blue][color].clamp(0.0, 255.0))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Every value of every layout, format and colorimetry is within one step of 0..=255 of the
    /// book's (weights are rounded to 1/256).
    #[test]
    fn the_tensor_is_what_the_standards_say(
        half_width in 2_u32..80, half_height in 2_u32..60, seed in any::<u64>(),
        nv12 in any::<bool>(), full in any::<bool>(), bt601 in any::<bool>(),
        stretch in any::<bool>(), nhwc in any::<bool>(), bgr in any::<bool>(),
    ) {
        let size = Size { width: half_width * 2, height: half_height * 2 };
        let format = if nv12 { PixelFormat::Nv12 } else { PixelFormat::I420 };
        let matrix = if bt601 { ColorMatrix::Bt601 } else { ColorMatrix::Bt709 };
        let frame = noise(size, format, Colorimetry { matrix, full_range: full }, seed);
        let input = spec(
            if stretch { Resize::Stretch } else { Resize::Letterbox },
            if nhwc { Layout::Nhwc } else { Layout::Nchw },
            if bgr { ColorOrder::Bgr } else { ColorOrder::Rgb },
        );
        let mut tensor = vec![f32::NAN; 48 * 40 * 3];
        let mut preprocessor = Preprocessor::new(size, &input);
        preprocessor.pad(&mut tensor);
        preprocessor.write(&frame, &mut tensor);
        for channel in 0..3 {
            for y in 0..40 {
                for x in 0..48 {
                    let at = if nhwc { (y * 48 + x) * 3 + channel } else { (channel * 40 + y) * 48 + x };
                    let wanted = reference(&frame, &input, channel, x as u32, y as u32);
                    let off = (f64::from(tensor[at]) - wanted).abs() * f64::from(input.std[channel]);
                    prop_assert!(off < 1.6, "channel {channel} at {x},{y}: {off} off");
                }
            }
        }
    }
}

#[test]
fn boxes_go_back_to_the_picture_they_came_from() {
    let input = spec(Resize::Letterbox, Layout::Nchw, ColorOrder::Rgb);
    let placed = Placed::of(
        Size {
            width: 96,
            height: 40,
        },
        &input,
    );
    assert_eq!(
        placed,
        Placed {
            left: 0,
            top: 10,
            width: 48,
            height: 20
        }
    );
    let found = placed.to_picture([12.0, 15.0, 24.0, 35.0]);
    assert_eq!(found, Rect::from_corners(0.25, 0.25, 0.5, 1.0));
}
