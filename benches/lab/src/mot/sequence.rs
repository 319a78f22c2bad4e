//! The tracker on a sequence folder's stored detections.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parapet::config::types::TrackerConfig;
use parapet::model::detection::Detection;
use parapet::model::geometry::{Rect, Size};
use parapet::track::Tracker;
use parapet_sim::mot::{Entry, MotError, parse};

/// What a sequence gave.
#[derive(Clone, Debug)]
pub struct SequenceRun {
    /// The tracker's output: confirmed tracks, in frames where they were seen.
    pub output: Vec<Entry>,
    /// The truth, where the folder has one.
    pub truth: Option<Vec<Entry>>,
    /// Frames in the sequence.
    pub frames: u32,
}

/// Settings for the public detections of MOT15, whose detector is sure of almost all it says:
/// ByteTrack's own thresholds. A detector's thresholds are its own, so these are no defaults.
#[must_use]
pub fn mot15_config() -> TrackerConfig {
    TrackerConfig {
        high_score: 0.6,
        new_track_score: 0.7,
        ..TrackerConfig::default()
    }
}

/// What `seqinfo.ini` says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SequenceInfo {
    /// Frames in the sequence.
    pub frames: u32,
    /// Frames a second.
    pub fps: f64,
    /// The picture's size in the boxes' pixels.
    pub size: Size,
}

fn read(path: &Path) -> Result<String, MotError> {
    std::fs::read_to_string(path).map_err(|source| MotError::Read {
        path: path.display().to_string(),
        source,
    })
}

/// Reads `folder/seqinfo.ini`.
///
/// # Errors
/// [`MotError`] when it is missing or lacks a value.
pub fn sequence_info(folder: &Path) -> Result<SequenceInfo, MotError> {
    let path = folder.join("seqinfo.ini");
    let text = read(&path)?;
    let value = |key: &str| -> Result<f64, MotError> {
        text.lines()
            .find_map(|line| line.trim().strip_prefix(key)?.trim().strip_prefix('='))
            .and_then(|value| value.trim().parse().ok())
            .filter(|value: &f64| *value > 0.0)
            .ok_or_else(|| MotError::Line {
                path: path.display().to_string(),
                line: 1,
                what: format!("no positive `{key}=`"),
            })
    };
    Ok(SequenceInfo {
        frames: value("seqLength")? as u32,
        fps: value("frameRate")?,
        size: Size {
            width: value("imWidth")? as u32,
            height: value("imHeight")? as u32,
        },
    })
}

/// Detectors of the public sets score on scales of their own (some up to 100, some below 0): a
/// file with a score outside 0..=1 is taken as already thresholded by its maker, all confident.
fn scores_are_probabilities(found: &[Entry]) -> bool {
    found.iter().all(|entry| (0.0..=1.0).contains(&entry.score))
}

/// Runs the tracker over `folder/det/det.txt`. A track's frames before its confirmation are
/// written too once it is confirmed, as MOT scoring is offline.
///
/// # Errors
/// [`MotError`] when a file is missing or malformed.
pub fn track_sequence(folder: &Path, config: TrackerConfig) -> Result<SequenceRun, MotError> {
    let info = sequence_info(folder)?;
    let path = folder.join("det/det.txt");
    let found = parse(&read(&path)?, &path)?;
    let keep_scores = scores_are_probabilities(&found);
    let (across, down) = (f64::from(info.size.width), f64::from(info.size.height));
    let class: Arc<str> = "person".into();
    let mut tracker = Tracker::new(config, info.size);
    let mut output = Vec::new();
    let mut pending: Vec<Entry> = Vec::new();
    let mut at = 0;
    for frame in 1..=info.frames {
        let mut now = Vec::new();
        while found.get(at).is_some_and(|entry| entry.frame <= frame) {
            let entry = found[at];
            now.push(Detection {
                class: Arc::clone(&class),
                score: if keep_scores { entry.score as f32 } else { 0.9 },
                box_in_frame: Rect {
                    left: (entry.left / across) as f32,
                    top: (entry.top / down) as f32,
                    width: (entry.width / across) as f32,
                    height: (entry.height / down) as f32,
                },
            });
            at += 1;
        }
        let time = Duration::from_secs_f64(f64::from(frame - 1) / info.fps);
        for track in tracker
            .update(&now, time)
            .iter()
            .filter(|track| track.seen_now)
        {
            let id = i64::try_from(track.id.0).unwrap_or(i64::MAX);
            let seen = track.box_in_frame;
            let entry = Entry {
                frame,
                id,
                left: f64::from(seen.left) * across,
                top: f64::from(seen.top) * down,
                width: f64::from(seen.width) * across,
                height: f64::from(seen.height) * down,
                score: 1.0,
            };
            if track.confirmed {
                output.extend(pending.extract_if(.., |early| early.id == id));
                output.push(entry);
            } else {
                pending.push(entry);
            }
        }
    }
    output.sort_by_key(|entry| (entry.frame, entry.id));
    let truth_path = folder.join("gt/gt.txt");
    let truth = truth_path
        .is_file()
        .then(|| parse(&read(&truth_path)?, &truth_path));
    Ok(SequenceRun {
        output,
        truth: truth.transpose()?,
        frames: info.frames,
    })
}
