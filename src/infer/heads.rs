//! Output heads: what a model's numbers mean. Pure; whatever a tensor holds, nothing panics.
//!
//! A head is a type that holds its settings ([`Head`]), in a file of its own. [`HeadConfig`] is the
//! list of them: a new one has a line in each of its two halves.

mod detr;
mod fastestdet;
mod gfl;
mod head;
mod nms;
mod ssd;
mod yolo;
mod yolox;

use serde::Deserialize;

pub use detr::{BoxForm, Detr, Scores};
pub use fastestdet::Fastestdet;
pub use gfl::Gfl;
pub use head::{Head, HeadContext, RawDetection};
pub use nms::nms;
pub use ssd::{Ssd, SsdForm};
pub use yolo::{Yolov5, Yolov8};
pub use yolox::Yolox;

/// A head and its settings: `[output]` of the manifest, where `head` is the name in lower case.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "head", rename_all = "lowercase")]
pub enum HeadConfig {
    Yolox(Yolox),
    Yolov5(Yolov5),
    Yolov8(Yolov8),
    Gfl(Gfl),
    Detr(Detr),
    Ssd(Ssd),
    Fastestdet(Fastestdet),
}

impl HeadConfig {
    /// What it does.
    #[must_use]
    pub fn head(&self) -> &dyn Head {
        match self {
            Self::Yolox(head) => head,
            Self::Yolov5(head) => head,
            Self::Yolov8(head) => head,
            Self::Gfl(head) => head,
            Self::Detr(head) => head,
            Self::Ssd(head) => head,
            Self::Fastestdet(head) => head,
        }
    }
}

#[cfg(test)]
mod tests;
