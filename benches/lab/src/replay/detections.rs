//! Detections instead of video: a MOTChallenge file through tracker and rules, without a model
//! and without a decoder.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::clip::MotForm;
use super::emitted::Sighting;
use crate::mot::{Entry, MotError, parse};
use parapet::base::clock::Monotonic;
use parapet::fleet::analysis::Analysis;
use parapet::fleet::{Analysed, AnalysedSink, Emitted, EventSink, RateLimit};
use parapet::model::detection::{Detection, ModelRef};
use parapet::model::frame::{ColorMatrix, Colorimetry, Frame, OwnedPlanes, PixelFormat};
use parapet::model::geometry::{Rect, Size};
use parapet::model::time::{CaptureTime, ClockSource, UtcMicros};

/// Reads a file; boxes come back sorted by frame.
///
/// # Errors
/// [`MotError`] names the file, and the line where one is wrong.
pub fn read(path: &Path) -> Result<Vec<Entry>, MotError> {
    let text = std::fs::read_to_string(path).map_err(|source| MotError::Read {
        path: path.display().to_string(),
        source,
    })?;
    parse(&text, path)
}

/// What the detector found in a clip, as a file that [`read`] takes: boxes in pixels of `picture`,
/// frames counted from 1 as they left the decoder.
#[must_use]
pub fn file(sightings: &[Sighting], picture: Size) -> String {
    let (across, down) = (f64::from(picture.width), f64::from(picture.height));
    let mut out = String::new();
    for sighting in sightings {
        for (score, found) in &sighting.found {
            let [left, width] = [found.left, found.width].map(|side| f64::from(side) * across);
            let [top, height] = [found.top, found.height].map(|side| f64::from(side) * down);
            let number = sighting.frame + 1;
            // Writing to a text cannot fail.
            let _ = writeln!(
                out,
                "{number},-1,{left:.2},{top:.2},{width:.2},{height:.2},{score:.4},-1,-1,-1"
            );
        }
    }
    out
}

/// Plays boxes (sorted by frame) as a camera's detections of persons; their ids are not used.
/// Frame 1 is the clip's beginning. A box of score 0 or less does not count, as in the
/// benchmark's truth files; scores above 1 are taken as 1. Returns the frames that there were and
/// those that were looked at, which the camera's analysis rates decide as they do for video.
pub fn play(
    boxes: &[Entry],
    form: MotForm,
    start: UtcMicros,
    mut analysis: Analysis,
    events: &EventSink,
    analysed: &AnalysedSink,
) -> (u64, u64) {
    let person: Arc<str> = "person".into();
    let model = ModelRef {
        name: "stored-detections".into(),
        version: "-".into(),
    };
    let mut rate = RateLimit::default();
    let frames = boxes.last().map_or(0, |last| last.frame).max(form.frames);
    let (mut rest, mut looked) = (boxes, 0);
    for number in 1..=frames {
        let here = rest.partition_point(|entry| entry.frame <= number);
        let (now, later) = rest.split_at(here);
        rest = later;
        let at = time_of(number, form.fps);
        if !rate.wants(at, analysis.wanted_fps(form.picture)) {
            continue;
        }
        let found: Vec<Detection> = now
            .iter()
            .filter(|entry| entry.score > 0.0)
            .map(|entry| Detection {
                class: Arc::clone(&person),
                score: entry.score.min(1.0) as f32,
                box_in_frame: normalised(entry, form.picture),
            })
            .collect();
        let frame = empty_frame(u64::from(number) - 1, at, start, form.picture);
        for event in analysis.frame(&frame, &found, &model) {
            events(Emitted::without_frame(event));
        }
        let tracks = analysis.tracks();
        analysed(&Analysed {
            frame: &frame,
            found: &found,
            tracks,
        });
        looked += 1;
    }
    for event in analysis.end_session() {
        events(Emitted::without_frame(event));
    }
    (u64::from(frames), looked)
}

/// When a frame, counted from 1, is seen.
fn time_of(number: u32, fps: f64) -> Duration {
    let micros = f64::from(number - 1) * 1e6 / fps;
    Duration::from_micros(micros.round() as u64)
}

fn normalised(entry: &Entry, picture: Size) -> Rect {
    let (across, down) = (f64::from(picture.width), f64::from(picture.height));
    Rect {
        left: (entry.left / across) as f32,
        top: (entry.top / down) as f32,
        width: (entry.width / across) as f32,
        height: (entry.height / down) as f32,
    }
}

/// A picture of which only time and size are known.
fn empty_frame(index: u64, at: Duration, start: UtcMicros, size: Size) -> Frame {
    Frame {
        index,
        size,
        format: PixelFormat::I420,
        colorimetry: Colorimetry {
            matrix: ColorMatrix::Bt601,
            full_range: false,
        },
        capture: CaptureTime {
            utc: start.after(at),
            source: ClockSource::File,
            offset_micros: 0,
        },
        media_time: at,
        arrived: Monotonic::default(),
        held: Duration::ZERO,
        probe: false,
        planes: OwnedPlanes::new(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::emitted::{Emissions, EventRecorder};
    use parapet::config::types::CameraConfig;
    use parapet::config::{NoEnvironment, load};
    use parapet::fleet::analysis::{Identity, Observer};
    use parapet::model::event::{Event, EventKind, Phase};
    use parapet::model::ids::IdSource;

    const PICTURE: Size = Size {
        width: 1280,
        height: 720,
    };

    /// Somebody walks down over the demo camera's line: 20 px a frame from y = 240 on, at 12.5
    /// frames a second; the feet cross y = 440 between frames 7 and 8.
    fn walk(score: f64) -> Vec<Entry> {
        let entry = |frame: u32| Entry {
            frame,
            id: -1,
            left: 600.0,
            top: 200.0 + 20.0 * f64::from(frame) - 100.0,
            width: 50.0,
            height: 200.0 - 10.0,
            score,
        };
        (1..=25).map(entry).collect()
    }

    fn told(boxes: &[Entry], fps: f64) -> (Emissions, (u64, u64)) {
        told_at(boxes, fps, None)
    }

    /// As the demo camera, or at other rates: the usual one and the one near a line.
    fn told_at(boxes: &[Entry], fps: f64, rates: Option<(f32, f32)>) -> (Emissions, (u64, u64)) {
        let config = load(
            Path::new(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../../testdata/demo.toml"
            )),
            &NoEnvironment,
        )
        .expect("demo");
        let (_, camera) = config.config.cameras.first_key_value().expect("a camera");
        let (calm, near) = rates.unwrap_or((camera.analysis_fps, camera.analysis_fps_near));
        let camera = &Arc::new(CameraConfig {
            analysis_fps: calm,
            analysis_fps_near: near,
            ..CameraConfig::clone(camera)
        });
        let identity = Identity {
            site: config.config.site.clone(),
            node: config.config.node.clone(),
            observer: Observer::Capture,
        };
        let analysis = Analysis::new(identity, Arc::clone(camera), IdSource::seeded(7));
        let recorder = EventRecorder::new(true);
        let form = MotForm {
            fps,
            picture: PICTURE,
            frames: 50,
        };
        let start = UtcMicros(1_000_000);
        let events = recorder.events(None);
        let counts = play(boxes, form, start, analysis, &events, &recorder.analysed());
        (recorder.take(), counts)
    }

    #[test]
    fn a_walk_over_the_line_is_told_once_in_clip_time_and_every_time_the_same() {
        let (first, counts) = told(&walk(0.9), 12.5);
        assert_eq!(counts, (50, 50));
        let alarms = first.alarms(UtcMicros(1_000_000));
        assert_eq!(alarms.len(), 1, "{:?}", first.events);
        assert_eq!(alarms[0].kind, EventKind::LINE_CROSSED);
        let at = alarms[0].at.as_secs_f64();
        assert!((0.5..=1.0).contains(&at), "{at}");
        assert!(alarms[0].ended.is_some_and(|ended| ended > alarms[0].at));
        assert_eq!(first.length(), Duration::from_secs(4));
        assert_eq!(first.boxes_at(Duration::from_millis(790)).len(), 1);
        let words = |emitted: &Emissions| serde_json::to_string(&emitted.events).expect("JSON");
        assert_eq!(words(&first), words(&told(&walk(0.9), 12.5).0));
    }

    #[test]
    fn boxes_that_do_not_count_are_passed_over_and_the_cameras_rate_is_kept() {
        assert!(told(&walk(0.0), 12.5).0.events.is_empty());
        // The demo camera looks at 13 pictures a second.
        let (_, (frames, looked)) = told(&walk(5.0), 26.0);
        assert_eq!((frames, looked), (50, 25));
        let started = |event: &Event| event.phase == Phase::Started;
        assert!(told(&walk(5.0), 12.5).0.events.iter().any(started));
    }

    #[test]
    fn somebody_near_the_line_is_looked_at_more_often_and_nobody_is_not() {
        let looked = |boxes: &[Entry], rates| told_at(boxes, 12.5, Some(rates)).1.1;
        assert_eq!(looked(&walk(0.9), (2.5, 2.5)), 10);
        assert_eq!(looked(&[], (2.5, 12.5)), 10);
        // The walk takes the first half of the clip; its track is remembered for 2 s more.
        let near = looked(&walk(0.9), (2.5, 12.5));
        assert!((30..=50).contains(&near), "{near}");
        let started = |emitted: &Emissions| emitted.alarms(UtcMicros(1_000_000)).len();
        assert_eq!(started(&told_at(&walk(0.9), 12.5, Some((2.5, 12.5))).0), 1);
    }

    #[test]
    fn what_was_found_is_written_as_it_is_read_again() {
        let (emitted, _) = told(&walk(0.9), 12.5);
        let text = file(&emitted.sightings, PICTURE);
        let again = parse(&text, Path::new("a.mot.txt")).expect("MOT");
        assert_eq!(again.len(), 25);
        for (entry, wanted) in again.iter().zip(walk(0.9)) {
            assert_eq!(entry.frame, wanted.frame);
            assert!((entry.top - wanted.top).abs() < 0.02, "{entry:?}");
            assert!((entry.score - 0.9).abs() < 1e-3, "{entry:?}");
        }
    }

    #[test]
    fn a_file_that_is_missing_or_wrong_is_named() {
        let missing = read(Path::new("/nonexistent/a.mot.txt")).expect_err("missing");
        assert!(missing.to_string().contains("/nonexistent/a.mot.txt"));
    }
}
