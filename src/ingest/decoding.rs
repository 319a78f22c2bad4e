//! A pipeline without a source: parse ▸ decoder ▸ appsink. Whoever feeds it does its work, on a
//! thread of his; while nobody does, it costs memory and nothing else.

use std::sync::Arc;

use gst::prelude::*;
use gstreamer as gst;

use super::deliver::Core;
use super::error::{SourceError, SourceErrorKind};
use super::pipeline::{ending, make, other};
use super::watch::{self, Job, Turn};
use super::{cost, decoder};

/// Where coded pictures go in. Fed by one thread at a time.
#[derive(Clone, Debug)]
pub(super) struct Decoding {
    entry: gst::Pad,
    decoder: gst::Pad,
}

/// What is to be done.
#[derive(Debug)]
pub(super) enum Feed {
    /// What the pictures that follow are ([`described`]); before the first of them, and where it
    /// changes.
    Description(gst::Caps),
    /// Decode it: in always mode, where nothing is left out.
    Picture(gst::Buffer),
    /// What the gate decided.
    Decided(Job),
}

impl Decoding {
    /// Builds and starts the camera's pipeline; `codec` is `h264` or `h265`. Its session owns it
    /// from then on.
    ///
    /// # Errors
    /// `Unsupported` when an element is not installed, the decoder's own where it does not start.
    pub(super) fn start(core: &Arc<Core>, codec: &str) -> Result<Self, SourceError> {
        let (pipeline, sink) = ending(core)?;
        // There is nothing to wait for: pictures come when they come.
        sink.set_property("async", false);
        let caps = gst::Caps::builder(format!("video/x-{codec}")).build();
        let decoder = decoder::choose(&caps, &core.camera.decoders)?;
        let name = decoder
            .factory()
            .map_or_else(String::new, |factory| factory.name().to_string());
        tracing::info!(camera = %core.id(), decoder = name, codec, "decoder chosen");
        core.decoding(&name, codec);
        watch::end_drains(&decoder);
        cost::begin_at(&decoder);
        let parse = make(&format!("{codec}parse"))?;
        // So that a keyframe can be decoded by itself.
        parse.set_property("config-interval", -1_i32);
        let chain = [&parse, &decoder, sink.upcast_ref()];
        pipeline
            .add_many(&chain[..2])
            .and_then(|()| gst::Element::link_many(chain))
            .map_err(|error| other(&error))?;
        let pads = parse.static_pad("sink").zip(decoder.static_pad("sink"));
        let Some((entry, decoder)) = pads else {
            let text = format!("{name} has no way in");
            return Err(SourceError::new(SourceErrorKind::Other, &text));
        };
        *core.pipeline.lock() = Some(pipeline.clone());
        if pipeline.set_state(gst::State::Playing).is_err() {
            let text = format!("{name} does not start");
            return Err(SourceError::new(SourceErrorKind::Other, &text));
        }
        entry.send_event(gst::event::StreamStart::new(core.id().as_str()));
        Ok(Self { entry, decoder })
    }

    /// Does it; what comes out goes to the camera's sink before this returns, but for what a
    /// decoder with threads of its own holds back.
    pub(super) fn feed(&self, core: &Core, what: Feed) {
        let flow = match what {
            Feed::Description(caps) => {
                self.describe(core, &caps);
                Ok(gst::FlowSuccess::Ok)
            }
            Feed::Picture(picture) => self.entry.chain(picture),
            Feed::Decided(job) => {
                let turn = Turn {
                    core,
                    watch: &core.watch,
                    entry: &self.entry,
                    decoder: &self.decoder,
                };
                turn.perform(job)
            }
        };
        // Whoever refused for a reason of his own said so on the bus, and was heard first.
        match flow {
            Ok(_) | Err(gst::FlowError::Flushing | gst::FlowError::Eos) => {}
            Err(gst::FlowError::NotNegotiated) => core.fail(SourceError::new(
                SourceErrorKind::Unsupported,
                "the decoder does not take the stream",
            )),
            Err(error) => core.fail(SourceError::new(
                SourceErrorKind::Decode,
                &format!("the decoder gave up ({error:?})"),
            )),
        }
    }

    fn describe(&self, core: &Core, caps: &gst::Caps) {
        let segment = gst::FormattedSegment::<gst::ClockTime>::new();
        core.watch.configure(caps, segment.clone());
        self.entry.send_event(gst::event::Caps::new(caps));
        if self.entry.sticky_event::<gst::event::Segment>(0).is_none() {
            self.entry.send_event(gst::event::Segment::new(&segment));
        }
    }
}

/// Caps of access units whose NAL units have lengths of four bytes; `record` is their
/// `AVCDecoderConfigurationRecord` or `HEVCDecoderConfigurationRecord` (ISO/IEC 14496-15).
pub(super) fn described(codec: &str, record: &[u8]) -> gst::Caps {
    let format = if codec == "h264" { "avc" } else { "hvc1" };
    gst::Caps::builder(format!("video/x-{codec}"))
        .field("stream-format", format)
        .field("alignment", "au")
        .field("codec_data", gst::Buffer::from_slice(record.to_vec()))
        .build()
}
