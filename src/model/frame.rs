//! A decoded picture as reference-counted planes. A frame is never copied: whoever needs it
//! holds a reference, and the last one to let go gives the buffer back to the decoder.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::base::clock::Monotonic;

use super::geometry::Size;
use super::time::CaptureTime;

/// How the planes lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PixelFormat {
    /// Plane 0: Y; plane 1: U and V interleaved at half size both ways.
    Nv12,
    /// Planes Y, U, V; the latter two at half size both ways.
    I420,
}

impl PixelFormat {
    /// How many planes there are.
    #[must_use]
    pub fn planes(self) -> usize {
        match self {
            Self::Nv12 => 2,
            Self::I420 => 3,
        }
    }
}

/// The matrix that leads from Y'CbCr to R'G'B'.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ColorMatrix {
    /// ITU-R BT.601.
    Bt601,
    /// ITU-R BT.709.
    Bt709,
}

/// How a frame's samples become colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Colorimetry {
    /// The matrix.
    pub matrix: ColorMatrix,
    /// Samples use 0..=255 rather than 16..=235 (luma) and 16..=240 (chroma).
    pub full_range: bool,
}

/// Something that holds mapped planes.
pub trait Planes: Send + Sync {
    /// The bytes of plane `index`, `stride(index)` bytes a row.
    fn plane(&self, index: usize) -> &[u8];
    /// Bytes from one row of plane `index` to the next.
    fn stride(&self, index: usize) -> usize;
}

/// One decoded picture.
#[derive(Clone)]
pub struct Frame {
    /// Counts the frames of this session of the source, from 0.
    pub index: u64,
    /// The picture's size; both even.
    pub size: Size,
    /// How the planes lie.
    pub format: PixelFormat,
    /// How samples become colours.
    pub colorimetry: Colorimetry,
    /// When it was taken.
    pub capture: CaptureTime,
    /// Presentation time since this session of the source began; never goes back.
    pub media_time: Duration,
    /// When it left the decoder, by this process's clock.
    pub arrived: Monotonic,
    /// How long it lay undecoded before its camera woke; zero for what came straight through.
    pub held: Duration,
    /// Of a sleeping camera: look whether somebody is there, but follow nobody. It stands outside
    /// the sequence, and the same moment may come again once the camera is awake.
    pub probe: bool,
    /// Its pixels.
    pub planes: Arc<dyn Planes>,
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("index", &self.index)
            .field("size", &self.size)
            .field("format", &self.format)
            .field("capture", &self.capture)
            .finish_non_exhaustive()
    }
}

/// Planes in ordinary memory, for pictures that come from no decoder (tests, benches, stills).
#[derive(Debug, Clone)]
pub struct OwnedPlanes {
    planes: Vec<(Vec<u8>, usize)>,
}

impl OwnedPlanes {
    /// From (bytes, stride) pairs in plane order.
    #[must_use]
    pub fn new(planes: Vec<(Vec<u8>, usize)>) -> Arc<Self> {
        Arc::new(Self { planes })
    }
}

impl Planes for OwnedPlanes {
    fn plane(&self, index: usize) -> &[u8] {
        &self.planes[index].0
    }

    fn stride(&self, index: usize) -> usize {
        self.planes[index].1
    }
}
