//! What a person detector is worth, measured on pictures whose truth is known.
//!
//! ```text
//!  dataset (YOLO, MOT, simulator, empty) ─▶ pictures, who is in them ┐
//!                                                                    ├▶ score ▶ tally ▶ report
//!  models, all of them on every picture ──▶ detections of `person`  ─┘          table, JSON
//! ```
//!
//! The rules, the same for every model and every set:
//!
//! * Only detections of the class `person` count, at most [`score::MAX_PER_PICTURE`] a picture, each
//!   from a score of [`SCORE_FLOOR`] on whatever the manifest's own threshold is.
//! * Matching is COCO's: the surest detection first takes the person it overlaps most of those that
//!   are left. Average precision is COCO's mean of the precision at 101 recalls; AP50-95 is its mean
//!   over the IoUs 0.50, 0.55, … 0.95.
//! * Truth boxes are cut at the picture's edges, as detectors' are.
//! * Who is hidden or tiny beyond reason is *ignored*: neither hit nor miss, and a detection of which
//!   half or more lies on such a person's box is neither true nor false, at every IoU. Simulated
//!   figures are ignored when less than [`Leniency::visible_share`] of them can be seen or their longer
//!   side is below [`Leniency::pixels`]; MOT boxes where the truth says "does not count" (0 in the
//!   seventh column).
//! * Of a partly hidden simulated figure a detector may box the whole, as if nothing hid it, or what
//!   is seen: the better overlap counts.
//! * Recall, precision and false persons are taken at one operating threshold and IoU 0.5. Recall by
//!   height uses pixels of the picture that was looked at; figures that lie, crawl or fall count by
//!   their longer side.
//! * An empty picture is one whose truth has nobody, not even an ignored one. Every person found in it
//!   is false.
//! * Pictures that a scripted camera fault spoils are left out.
//! * The time is the processor time of one look (preprocessing, inference, head, NMS) with the
//!   manifest's own threshold on one thread, over some of the set's pictures: on an idle machine the
//!   time that it takes, on a busy one still what it costs.

pub mod dataset;
mod pictures;
pub mod report;
pub mod run;
pub mod score;
pub mod tally;

use std::path::PathBuf;

pub use dataset::{Leniency, Set, open};
pub use report::Report;
pub use run::{Contender, measure};

use parapet::infer::InferError;
use parapet::ingest::SourceError;

/// Detections below this are not asked for.
pub const SCORE_FLOOR: f32 = 0.01;

/// Why nothing could be measured.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// Datasets are not what they should be; every mistake in a line of its own.
    #[error("{}", .0.join("\n"))]
    Data(Vec<String>),
    /// A picture or clip cannot be read.
    #[error("{file}: {why}", file = file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A clip cannot be played.
    #[error("{file}: cannot be played: {source}", file = file.display())]
    Play {
        /// The clip.
        file: PathBuf,
        /// The source's words.
        source: SourceError,
    },
    /// A model cannot be run.
    #[error(transparent)]
    Infer(#[from] InferError),
}
