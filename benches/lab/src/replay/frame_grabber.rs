//! Single pictures out of a recording, as small JPEGs for a report.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;
use parking_lot::Mutex;

use parapet::config::types::{CameraConfig, Pace, SourceConfig, WatchMode};
use parapet::ingest::{Downstream, Note, Sink, Source};
use parapet::model::frame::{ColorMatrix, Frame, PixelFormat};

/// Pictures wider than this are made smaller.
const WIDEST: u32 = 640;
const JPEG_QUALITY: u8 = 80;
/// A decoder that gives nothing for this long has got stuck.
const DECODE_TIMEOUT: Duration = Duration::from_secs(20);
/// A frame may come this much before the asked-for moment, for rounding's sake.
const EARLY: Duration = Duration::from_millis(1);

/// Decodes the recording and returns the first picture at or after each moment (the last one
/// where none comes any more) as JPEG; `None` where there is no picture at all. Blocks.
///
/// # Errors
/// The source's words when it cannot be played.
pub fn grab(
    source: &dyn Source,
    path: &Path,
    camera: &CameraConfig,
    moments: &[Duration],
) -> Result<Vec<Option<Vec<u8>>>, String> {
    if moments.is_empty() {
        return Ok(Vec::new());
    }
    let mut camera = camera.clone();
    camera.source = SourceConfig::File {
        path: path.to_owned(),
        pace: Pace::Fast,
        repeat: false,
    };
    // A moment asked for may lie where the camera would sleep.
    camera.watch.mode = WatchMode::Always;
    let (sink, done) = Grabber::new(moments);
    let receiver: Arc<dyn Sink> = Arc::clone(&sink) as Arc<dyn Sink>;
    let session = source
        .open(&camera, Downstream::unlimited(receiver))
        .map_err(|error| error.to_string())?;
    let ended = wait(&sink, &done);
    session.stop();
    ended?;
    let mut state = sink.state.lock();
    if let Some(last) = state.last.take() {
        while let Some((place, _)) = state.wanted.pop_front() {
            state.pictures[place] = Some(jpeg(&last)?);
        }
    }
    Ok(std::mem::take(&mut state.pictures))
}

fn wait(sink: &Grabber, done: &Receiver<Result<(), String>>) -> Result<(), String> {
    let mut seen = 0;
    loop {
        match done.recv_timeout(DECODE_TIMEOUT) {
            Ok(ended) => return ended,
            Err(RecvTimeoutError::Disconnected) => return Err("the source went away".to_owned()),
            Err(RecvTimeoutError::Timeout) => {
                let now = sink.frames.load(Ordering::Relaxed);
                if now == seen {
                    return Err(format!("no picture for {} s", DECODE_TIMEOUT.as_secs()));
                }
                seen = now;
            }
        }
    }
}

struct State {
    wanted: VecDeque<(usize, Duration)>,
    pictures: Vec<Option<Vec<u8>>>,
    last: Option<Frame>,
}

struct Grabber {
    state: Mutex<State>,
    frames: AtomicU64,
    /// One word ends the waiting; later ones are not needed.
    done: Sender<Result<(), String>>,
}

impl Grabber {
    fn new(moments: &[Duration]) -> (Arc<Self>, Receiver<Result<(), String>>) {
        let (done, heard) = bounded(1);
        let mut wanted: Vec<(usize, Duration)> = moments.iter().copied().enumerate().collect();
        wanted.sort_by_key(|(place, at)| (*at, *place));
        let state = State {
            wanted: wanted.into(),
            pictures: vec![None; moments.len()],
            last: None,
        };
        let grabber = Self {
            state: Mutex::new(state),
            frames: AtomicU64::new(0),
            done,
        };
        (Arc::new(grabber), heard)
    }

    fn take(&self, frame: Frame) -> Result<bool, String> {
        let mut state = self.state.lock();
        while let Some((place, at)) = state.wanted.front().copied() {
            if frame.media_time + EARLY < at {
                break;
            }
            state.pictures[place] = Some(jpeg(&frame)?);
            state.wanted.pop_front();
        }
        state.last = Some(frame);
        Ok(state.wanted.is_empty())
    }
}

impl Sink for Grabber {
    fn frame(&self, frame: Frame) {
        self.frames.fetch_add(1, Ordering::Relaxed);
        match self.take(frame) {
            Ok(false) => {}
            Ok(true) => drop(self.done.try_send(Ok(()))),
            Err(why) => drop(self.done.try_send(Err(why))),
        }
    }

    fn note(&self, note: Note) {
        match note {
            Note::Opened
            | Note::Format { .. }
            | Note::Woke(_)
            | Note::Asleep
            | Note::KeyframesApart(_) => {}
            Note::Ended => drop(self.done.try_send(Ok(()))),
            Note::Failed(error) => drop(self.done.try_send(Err(error.to_string()))),
        }
    }
}

fn jpeg(frame: &Frame) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY)
        .encode_image(&small_rgb(frame))
        .map_err(|error| format!("a picture could not be packed: {error}"))?;
    Ok(bytes)
}

/// The frame in R'G'B', at most [`WIDEST`] pixels wide: luma is the mean of the pixels that one
/// new pixel covers, chroma the nearest sample (ITU-R BT.601 and BT.709, section 3).
fn small_rgb(frame: &Frame) -> RgbImage {
    let (width, height) = (frame.size.width, frame.size.height);
    let new_width = width.clamp(1, WIDEST);
    let new_height = (u64::from(height) * u64::from(new_width) / u64::from(width.max(1))).max(1);
    let new_height = u32::try_from(new_height).unwrap_or(1);
    let colours = Colours::of(frame);
    let luma = (frame.planes.plane(0), frame.planes.stride(0));
    let edge =
        |n: u32, old: u32, new: u32| (u64::from(n) * u64::from(old) / u64::from(new)) as usize;
    RgbImage::from_fn(new_width, new_height, |x, y| {
        let (left, top) = (edge(x, width, new_width), edge(y, height, new_height));
        let right = edge(x + 1, width, new_width).max(left + 1);
        let bottom = edge(y + 1, height, new_height).max(top + 1);
        let mut sum = 0_u32;
        for row in top..bottom {
            let row = row * luma.1;
            sum += luma.0[row + left..row + right]
                .iter()
                .map(|value| u32::from(*value))
                .sum::<u32>();
        }
        let mean = sum as f32 / ((right - left) * (bottom - top)) as f32;
        let (u, v) = chroma(frame, left / 2, top / 2);
        image::Rgb(colours.rgb(mean, u, v))
    })
}

fn chroma(frame: &Frame, x: usize, y: usize) -> (f32, f32) {
    let at = |plane: usize, x: usize| {
        let row = y * frame.planes.stride(plane);
        f32::from(frame.planes.plane(plane)[row + x])
    };
    match frame.format {
        PixelFormat::Nv12 => (at(1, 2 * x), at(1, 2 * x + 1)),
        PixelFormat::I420 => (at(1, x), at(2, x)),
    }
}

/// From samples to colours.
struct Colours {
    luma_offset: f32,
    luma_scale: f32,
    chroma_scale: f32,
    red: f32,
    blue: f32,
}

impl Colours {
    fn of(frame: &Frame) -> Self {
        let (red, blue) = match frame.colorimetry.matrix {
            ColorMatrix::Bt601 => (0.299, 0.114),
            ColorMatrix::Bt709 => (0.2126, 0.0722),
        };
        let (luma_offset, luma_scale, chroma_scale) = match frame.colorimetry.full_range {
            true => (0.0, 1.0, 1.0),
            false => (16.0, 255.0 / 219.0, 255.0 / 224.0),
        };
        Self {
            luma_offset,
            luma_scale,
            chroma_scale,
            red,
            blue,
        }
    }

    fn rgb(&self, y: f32, u: f32, v: f32) -> [u8; 3] {
        let y = (y - self.luma_offset) * self.luma_scale;
        let u = (u - 128.0) * self.chroma_scale * 2.0 * (1.0 - self.blue);
        let v = (v - 128.0) * self.chroma_scale * 2.0 * (1.0 - self.red);
        let green = -(self.red * v + self.blue * u) / (1.0 - self.red - self.blue);
        [y + v, y + green, y + u].map(|value| value.round().clamp(0.0, 255.0) as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parapet::infer::still::frame_from_image;
    use parapet::ingest::fake::FakeSource;
    use parapet::ingest::{SourceError, SourceErrorKind};

    fn painted(red: u8) -> Frame {
        let picture = RgbImage::from_fn(1280, 720, |x, _| {
            image::Rgb(if x < 640 {
                [red, 40, 200]
            } else {
                [10, 220, 30]
            })
        });
        frame_from_image(&picture)
    }

    #[test]
    fn a_small_picture_keeps_colours_and_shape() {
        let small = small_rgb(&painted(250));
        assert_eq!(small.dimensions(), (640, 360));
        for (x, wanted) in [(100, [250, 40, 200]), (600, [10, 220, 30])] {
            let found = small.get_pixel(x, 180).0;
            let near = found.iter().zip(wanted).all(|(a, b)| a.abs_diff(b) <= 3);
            assert!(near, "{found:?} {wanted:?}");
        }
    }

    #[test]
    fn the_first_picture_at_or_after_each_moment_is_kept_and_the_last_for_the_rest() {
        let frame_at = |millis: u64, red| Frame {
            media_time: Duration::from_millis(millis),
            ..painted(red)
        };
        let moments = [3_000, 0, 150, 150].map(Duration::from_millis);
        let (grabber, done) = Grabber::new(&moments);
        for (millis, red) in [(0, 50), (100, 100), (200, 150), (300, 200)] {
            grabber.frame(frame_at(millis, red));
        }
        assert!(done.try_recv().is_err(), "one moment is still to come");
        grabber.note(Note::Ended);
        assert_eq!(done.try_recv(), Ok(Ok(())));
        let state = grabber.state.lock();
        let reds: Vec<Option<u8>> = state
            .pictures
            .iter()
            .map(|jpeg| {
                let picture = image::load_from_memory(jpeg.as_ref()?).expect("a JPEG");
                Some(picture.to_rgb8().get_pixel(100, 100).0[0] / 10)
            })
            .collect();
        assert_eq!(reds[0], None);
        assert!(
            matches!(reds[1..], [Some(4..=5), Some(14..=15), Some(14..=15)]),
            "{reds:?}"
        );
    }

    #[test]
    fn a_source_that_refuses_is_named() {
        let source = FakeSource::new();
        let config = parapet::config::load(
            Path::new(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../../testdata/demo.toml"
            )),
            &parapet::config::NoEnvironment,
        );
        let config = config.expect("the demo's configuration").config;
        let (id, camera) = config.cameras.first_key_value().expect("a camera");
        let error = SourceError::new(SourceErrorKind::NotFound, "no such file");
        source.refuse_next(id, error);
        let failed = grab(&source, Path::new("x.mp4"), camera, &[Duration::ZERO]);
        assert!(failed.expect_err("refused").contains("no such file"));
    }
}
