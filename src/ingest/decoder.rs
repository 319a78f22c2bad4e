//! Which decoder a camera gets: the configured preference first, then hardware by rank, then
//! FFmpeg's (single-threaded: there are more cameras than cores), then the rest by rank.

use gst::prelude::*;
use gstreamer as gst;

use super::error::{SourceError, SourceErrorKind};
use crate::model::ids::CameraId;

/// What `appsink` takes: pictures in ordinary memory that need no conversion.
pub(super) fn picture_caps() -> gst::Caps {
    gst::Caps::builder("video/x-raw")
        .field("format", gst::List::new(["I420", "NV12"]))
        .build()
}

/// What a factory says of itself, as far as the order needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Candidate {
    name: String,
    hardware: bool,
    rank: i32,
}

/// Best first; the order is total, so that two runs choose alike.
fn order(mut candidates: Vec<Candidate>, preferred: &[String]) -> Vec<Candidate> {
    candidates.sort_by_key(|candidate| {
        let preference = preferred
            .iter()
            .position(|name| *name == candidate.name)
            .unwrap_or(preferred.len());
        let class = match (candidate.hardware, candidate.name.starts_with("avdec_")) {
            (true, _) => 0,
            (false, true) => 1,
            (false, false) => 2,
        };
        (preference, class, -candidate.rank, candidate.name.clone())
    });
    candidates
}

/// Whether the decoder takes exactly this form of the stream, without a parser in between.
pub(super) fn takes(decoder: &gst::Element, caps: &gst::Caps) -> bool {
    decoder
        .factory()
        .is_some_and(|factory| factory.can_sink_any_caps(caps))
}

/// Warns where decoders are preferred and none of them was taken.
fn warn_unless_preferred(camera: &CameraId, chosen: &str, preferred: &[String]) {
    if !preferred.is_empty() && !preferred.iter().any(|name| name == chosen) {
        tracing::warn!(
            %camera,
            decoder = chosen,
            preferred = preferred.join(", "),
            "none of the preferred `decoders` is installed, starts and decodes this stream; another is taken"
        );
    }
}

fn fits(factory: &gst::ElementFactory, caps: &gst::Caps, pictures: &gst::Caps) -> bool {
    // `can_src_any_caps` compares memory features too: a decoder that only writes to a
    // graphics card's memory is none for us.
    factory.can_sink_any_caps(caps) && factory.can_src_any_caps(pictures)
}

/// A decoder for the caps, single-threaded where it can be told so, and its name. Warns where the
/// camera's preference cannot be met.
///
/// # Errors
/// `Unsupported` when no installed element decodes the caps into NV12 or I420.
pub(super) fn choose(
    camera: &CameraId,
    caps: &gst::Caps,
    preferred: &[String],
) -> Result<(gst::Element, String), SourceError> {
    let kinds = gst::ElementFactoryType::DECODER | gst::ElementFactoryType::MEDIA_VIDEO;
    let pictures = picture_caps();
    let fitting: Vec<_> = gst::ElementFactory::factories_with_type(kinds, gst::Rank::NONE)
        .into_iter()
        .filter(|factory| {
            // An element without rank asks not to be chosen; only a preference outweighs it.
            let name = factory.name();
            factory.rank() > gst::Rank::NONE || preferred.iter().any(|p| *p == name.as_str())
        })
        .filter(|factory| fits(factory, caps, &pictures))
        .map(|factory| Candidate {
            name: factory.name().to_string(),
            hardware: factory.klass().contains("Hardware"),
            rank: factory.rank().into(),
        })
        .collect();
    for candidate in order(fitting, preferred) {
        let Ok(element) = gst::ElementFactory::make(&candidate.name).build() else {
            continue;
        };
        // Only hardware can be absent although its element is there. Tried before the element
        // has a bus, so that its complaint ends nothing.
        if candidate.hardware && element.set_state(gst::State::Ready).is_err() {
            tracing::debug!(decoder = candidate.name, "decoder does not start");
            let _ = element.set_state(gst::State::Null);
            continue;
        }
        if element.has_property("max-threads") {
            element.set_property("max-threads", 1_i32);
        }
        if element.has_property("qos") {
            element.set_property("qos", false);
        }
        warn_unless_preferred(camera, &candidate.name, preferred);
        return Ok((element, candidate.name));
    }
    let codec = caps.structure(0).map_or("?", |s| s.name().as_str());
    Err(SourceError::new(
        SourceErrorKind::Unsupported,
        &format!("no installed decoder turns {codec} into NV12 or I420"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(name: &str, hardware: bool, rank: i32) -> Candidate {
        Candidate {
            name: name.to_owned(),
            hardware,
            rank,
        }
    }

    #[test]
    fn preferred_ones_come_first_then_hardware_then_ffmpeg_then_rank() {
        let all = vec![
            candidate("openh264dec", false, 64),
            candidate("avdec_h264", false, 256),
            candidate("vah264dec", true, 257),
            candidate("nvh264dec", true, 300),
            candidate("slowdec", false, 16),
        ];
        let names = |preferred: &[&str]| -> Vec<String> {
            let preferred: Vec<_> = preferred.iter().map(ToString::to_string).collect();
            order(all.clone(), &preferred)
                .into_iter()
                .map(|c| c.name)
                .collect()
        };
        assert_eq!(
            names(&[]),
            [
                "nvh264dec",
                "vah264dec",
                "avdec_h264",
                "openh264dec",
                "slowdec"
            ]
        );
        assert_eq!(
            names(&["slowdec", "avdec_h264"])[..2],
            ["slowdec", "avdec_h264"]
        );
    }

    #[test]
    fn h264_gets_a_single_threaded_decoder_and_nonsense_gets_none() {
        gst::init().expect("gstreamer");
        let h264 = gst::Caps::builder("video/x-h264").build();
        let preferred = ["avdec_h264".to_owned()];
        let camera = CameraId::new("test").expect("name");
        let (decoder, name) = choose(&camera, &h264, &preferred).expect("decoder");
        assert_eq!(decoder.factory().expect("factory").name(), "avdec_h264");
        assert_eq!(name, "avdec_h264");
        assert_eq!(decoder.property::<i32>("max-threads"), 1);
        let nonsense = gst::Caps::builder("video/x-parapet-nonsense").build();
        let error = choose(&camera, &nonsense, &[]).expect_err("none");
        assert_eq!(error.kind, SourceErrorKind::Unsupported);
    }
}
