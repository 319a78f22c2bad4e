//! How a camera codes its picture, and recordings coded anew to be like that.

use std::path::Path;

use gst::prelude::*;
use gstreamer as gst;

use super::error::SimError;
use super::recording::{Codec, Measured, Recording};
use parapet::model::geometry::Size;

/// Figures closer than this share are the recording's own.
const NEAR: f64 = 0.02;
/// A bitrate is met within this share: encoders do not hit it closer on short clips.
const NEAR_BITRATE: f64 = 0.15;

/// What a camera's coding is to be; what is `None` stays as recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Coding {
    /// Thousandths of a frame a second.
    pub millihertz: Option<u32>,
    /// Thousands of bits a second.
    pub bitrate_kbps: Option<u32>,
    /// Frames from one keyframe to the next.
    pub gop_frames: Option<u32>,
    /// Pixels across and down, both even.
    pub size: Option<Size>,
    pub codec: Option<Codec>,
    /// Only the first so many frames, for stand-ins that must be ready soon.
    pub frames: Option<u32>,
}

impl Coding {
    /// Whether a recording is like this already.
    pub(super) fn is_met(&self, found: &Measured) -> bool {
        let near = |wanted: Option<u32>, scale: f64, found: f64, share: f64| {
            wanted.is_none_or(|wanted| {
                let wanted = f64::from(wanted) * scale;
                (wanted - found).abs() <= found * share
            })
        };
        near(self.millihertz, 0.001, found.fps, NEAR)
            && near(self.bitrate_kbps, 1.0, found.bitrate_kbps, NEAR_BITRATE)
            && self.gop_frames.is_none_or(|gop| gop == found.gop_frames)
            && self.size.is_none_or(|size| Some(size) == found.size)
            && self.codec.is_none_or(|codec| codec == found.codec)
            && self.frames.is_none()
    }

    /// What was asked for, in words.
    pub(super) fn words(&self) -> String {
        let mut words = Vec::new();
        if let Some(size) = self.size {
            words.push(format!("{}x{}", size.width, size.height));
        }
        if let Some(rate) = self.millihertz {
            words.push(format!("{} fps", f64::from(rate) / 1_000.0));
        }
        if let Some(rate) = self.bitrate_kbps {
            words.push(format!("{rate} kbit/s"));
        }
        if let Some(gop) = self.gop_frames {
            words.push(format!("keyframe every {gop}"));
        }
        if let Some(codec) = self.codec {
            words.push(codec.name().to_owned());
        }
        words.join(", ")
    }
}

/// Decodes `file` and codes it anew. What `wanted` leaves open is taken from `found`.
///
/// # Errors
/// [`SimError::Recording`] with GStreamer's reason; an encoder may not be installed.
pub(super) fn transcode(
    file: &Path,
    found: &Measured,
    wanted: &Coding,
) -> Result<Recording, SimError> {
    let refuse = |why: String| SimError::Recording {
        file: file.to_owned(),
        why,
    };
    let codec = wanted.codec.unwrap_or(found.codec);
    let launch = format!(
        "filesrc name=file ! decodebin ! videoconvert ! videorate ! videoscale ! {} ! \
         {} ! {} ! {}parse config-interval=-1 ! appsink name=out sync=false max-buffers=8",
        raw_caps(found, wanted),
        wanted.frames.map_or_else(
            || "identity".to_owned(),
            |n| format!("identity eos-after={n}")
        ),
        encoder(codec, found, wanted).map_err(refuse)?,
        codec.name(),
    );
    let pipeline = gst::parse::launch(&launch).map_err(|error| refuse(error.to_string()))?;
    let pipeline = pipeline
        .downcast::<gst::Pipeline>()
        .map_err(|_| refuse("the transcoder is no pipeline".to_owned()))?;
    if let Some(source) = pipeline.by_name("file") {
        source.set_property("location", file);
    }
    Recording::from_pipeline(&pipeline, codec).map_err(refuse)
}

fn raw_caps(found: &Measured, wanted: &Coding) -> String {
    let mut caps = "video/x-raw,format=I420".to_owned();
    if let Some(size) = wanted.size {
        caps += &format!(",width={},height={}", size.width, size.height);
    }
    let millihertz = wanted
        .millihertz
        .unwrap_or((found.fps * 1_000.0).round().clamp(1.0, 240_000.0) as u32);
    caps + &format!(",framerate={millihertz}/1000")
}

/// The first installed encoder, set like a camera's: no reordering, keyframes at a fixed distance.
fn encoder(codec: Codec, found: &Measured, wanted: &Coding) -> Result<String, String> {
    let kbps = wanted
        .bitrate_kbps
        .unwrap_or(found.bitrate_kbps.round().clamp(16.0, 100_000.0) as u32);
    let gop = wanted.gop_frames.unwrap_or(found.gop_frames).max(1);
    let choices: &[(&str, String)] = match codec {
        Codec::H264 => &[
            (
                "x264enc",
                format!(
                    "x264enc tune=zerolatency speed-preset=veryfast bframes=0 threads=1 \
                     bitrate={kbps} vbv-buf-capacity=1000 key-int-max={gop} \
                     option-string=scenecut=0:keyint_min={gop}"
                ),
            ),
            (
                "openh264enc",
                format!(
                    "openh264enc bitrate={} gop-size={gop}",
                    u64::from(kbps) * 1_000
                ),
            ),
        ],
        Codec::H265 => &[(
            "x265enc",
            format!(
                "x265enc tune=zerolatency speed-preset=ultrafast bitrate={kbps} \
                 key-int-max={gop} option-string=scenecut=0:min-keyint={gop}:log-level=none"
            ),
        )],
    };
    choices
        .iter()
        .find(|(name, _)| gst::ElementFactory::find(name).is_some())
        .map(|(_, launch)| launch.clone())
        .ok_or_else(|| {
            let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
            format!(
                "no {} encoder is installed ({})",
                codec.name(),
                names.join(", ")
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOUND: Measured = Measured {
        fps: 12.5,
        bitrate_kbps: 800.0,
        gop_frames: 25,
        size: Some(Size {
            width: 640,
            height: 360,
        }),
        codec: Codec::H264,
    };

    #[test]
    fn a_recording_that_is_like_that_already_is_left_alone() {
        let same = Coding {
            millihertz: Some(12_500),
            bitrate_kbps: Some(850),
            gop_frames: Some(25),
            size: FOUND.size,
            codec: Some(Codec::H264),
            frames: None,
        };
        assert!(Coding::default().is_met(&FOUND) && same.is_met(&FOUND));
        let others = [
            Coding {
                millihertz: Some(5_000),
                ..same
            },
            Coding {
                bitrate_kbps: Some(400),
                ..same
            },
            Coding {
                gop_frames: Some(50),
                ..same
            },
            Coding {
                codec: Some(Codec::H265),
                ..same
            },
        ];
        assert!(others.iter().all(|other| !other.is_met(&FOUND)));
    }
}
