//! The recordings of a server: each file is read once, each coding of it made once, and everybody
//! shares them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::coding::{Coding, transcode};
use super::error::SimError;
use super::fault::Picture;
use super::packets::Stream;
use super::recording::{Codec, Measured, Recording};
use parapet::base::clock::SharedClock;
use parapet::model::geometry::Size;

/// Frames of the stand-ins for another size or codec: they must be ready soon.
const STAND_IN_FRAMES: u32 = 100;

type Key = (PathBuf, Coding);

/// Streams by file and coding.
#[derive(Debug)]
pub(super) struct Library {
    clock: SharedClock,
    streams: Mutex<HashMap<Key, Arc<Stream>>>,
    measured: Mutex<HashMap<PathBuf, Measured>>,
    told: Mutex<Vec<String>>,
}

impl Library {
    pub(super) fn new(clock: SharedClock) -> Self {
        Self {
            clock,
            streams: Mutex::default(),
            measured: Mutex::default(),
            told: Mutex::default(),
        }
    }

    /// What was read and coded, and how long that took; one line each.
    pub(super) fn told(&self) -> Vec<String> {
        self.told.lock().clone()
    }

    /// The stream, if it is there already.
    pub(super) fn ready(&self, file: &Path, coding: &Coding) -> Option<Arc<Stream>> {
        let key = (file.to_owned(), *coding);
        self.streams.lock().get(&key).cloned()
    }

    /// The stream; made now where it is not there. Blocks for as long as that takes.
    ///
    /// # Errors
    /// [`SimError`], which names the file.
    pub(super) fn get(&self, file: &Path, coding: &Coding) -> Result<Arc<Stream>, SimError> {
        if let Some(known) = self.ready(file, coding) {
            return Ok(known);
        }
        let begun = self.clock.now();
        let refuse = |why| SimError::Recording {
            file: file.to_owned(),
            why,
        };
        let name = file.file_name().unwrap_or(file.as_os_str()).display();
        let known = self.measured.lock().get(file).copied();
        let (recording, words) = match known {
            Some(found) if !coding.is_met(&found) => {
                let made = transcode(file, &found, coding)?;
                (made, format!("coded {name} anew ({})", coding.words()))
            }
            _ => {
                let recording = Recording::read(file)?;
                let found = recording.measured();
                self.measured.lock().insert(file.to_owned(), found);
                if coding.is_met(&found) {
                    (recording, format!("read {name}"))
                } else {
                    let made = transcode(file, &found, coding)?;
                    (made, format!("coded {name} anew ({})", coding.words()))
                }
            }
        };
        let stream = Arc::new(Stream::cut(&recording).map_err(refuse)?);
        let seconds = self.clock.now().since(begun).as_secs_f64();
        let line = format!(
            "{words} in {seconds:.1} s: {} frames, {:.3} fps, {:.0} kbit/s, {}",
            stream.units.len(),
            stream.fps,
            stream.bitrate_kbps,
            stream.codec.name(),
        );
        tracing::info!("{line}");
        self.told.lock().push(line);
        let mut streams = self.streams.lock();
        // Somebody may have made it meanwhile; all shall share one.
        let kept = streams.entry((file.to_owned(), *coding)).or_insert(stream);
        Ok(Arc::clone(kept))
    }

    /// The coding of a stand-in for a camera's picture.
    pub(super) fn stand_in(&self, file: &Path, normal: &Coding, picture: Picture) -> Coding {
        let found = self.measured.lock().get(file).copied();
        let codec = normal.codec.or(found.map(|found| found.codec));
        let size = normal.size.or(found.and_then(|found| found.size));
        let stand_in = Coding {
            frames: Some(STAND_IN_FRAMES),
            ..*normal
        };
        match picture {
            Picture::Normal => *normal,
            Picture::OtherSize => Coding {
                size: Some(other_size(size)),
                ..stand_in
            },
            Picture::OtherCodec => Coding {
                codec: Some(match codec {
                    Some(Codec::H265) => Codec::H264,
                    _ => Codec::H265,
                }),
                ..stand_in
            },
        }
    }
}

/// Half of it each way, or double where that would be tiny; even.
fn other_size(size: Option<Size>) -> Size {
    let size = size.unwrap_or(Size {
        width: 1_280,
        height: 720,
    });
    let scale = |side: u32| {
        let side = if size.width >= 320 {
            side / 2
        } else {
            side * 2
        };
        side.max(16) & !1
    };
    Size {
        width: scale(size.width),
        height: scale(size.height),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_size_is_another_one_and_even() {
        let other = |width, height| other_size(Some(Size { width, height }));
        assert_eq!(
            other(1_282, 722),
            Size {
                width: 640,
                height: 360
            }
        );
        assert_eq!(
            other(160, 120),
            Size {
                width: 320,
                height: 240
            }
        );
    }
}
