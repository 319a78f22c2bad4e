//! The MOTChallenge text format and its scores.
//!
//! CLEAR (Bernardin and Stiefelhagen, EURASIP J. Image and Video Processing 2008) and IDF1
//! (Ristani et al., ECCV workshops 2016), counted as py-motmetrics counts them: a box may match
//! from IoU 0.5 on; a truth keeps the hypothesis it last had where that is still allowed; the
//! rest is assigned at least total distance; a switch is a truth matched to another hypothesis
//! than the one it last had, however long ago.

mod score;
mod sequence;

pub use parapet_sim::mot::{Entry, MotError, parse};
pub use score::{MotScore, score};
pub use sequence::{SequenceInfo, SequenceRun, mot15_config, sequence_info, track_sequence};
