//! Decoders without a source: parse ▸ decoder ▸ appsink. Whoever feeds one does its work, on a
//! thread of his; while nobody does, it costs memory and nothing else.
//!
//! That memory is most of what a camera costs while it sleeps: a decoder of 1080p holds about 23 MiB
//! of pictures. So a camera has a decoder only while something in it is needed for what comes next.
//! The others lie [`Idle`], few of them and used in turn, the last one first, so that its memory is
//! in the processor's caches: a sleeping camera's keyframe is decoded by any of them, which is given
//! back at once.
//!
//! ```text
//!  sleeping   keyframe ▸ take ▸ flush ▸ decode, drain ▸ give back
//!  woken      take ▸ flush ▸ decode from the keyframe on ▸ … ▸ asleep: give back
//! ```
//!
//! Given back is a decoder that gave its picture at once and has nothing in it. One that gave none
//! (a damaged picture, threads of its own) or that failed is kept by its camera or ended.

use std::sync::Arc;

use gst::prelude::*;
use gstreamer as gst;

use super::appsink::{Owner, ending, retire};
use super::deliver::Core;
use super::elements::{make, other};
use super::error::{SourceError, SourceErrorKind};
use super::watch::{self, DecodeStep, Job, StreamState};
use super::{cost, decoder};
use crate::base::locks::Leaf;

/// So many decoders lie idle at most; when more cameras fall asleep theirs are ended.
const MAX_IDLE: usize = 8;

/// What is to be done.
#[derive(Debug)]
pub(super) enum Feed {
    /// Decode it: in always mode, where nothing is left out.
    Picture(gst::Buffer),
    /// What the gate decided.
    Decided(Job),
    /// Take the probe that waits.
    Probe,
    /// Go on with what a wake left, although the picture before was not looked at yet.
    Rest,
}

/// Decoders that nobody uses.
#[derive(Debug, Default)]
pub(super) struct Idle {
    decoders: Leaf<Vec<Decoder>>,
}

impl Idle {
    /// The one that was used last of those that would be built for the camera, or a new one.
    fn take(&self, core: &Arc<Core>, codec: &'static str) -> Result<Decoder, SourceError> {
        let preferred = &core.camera.decoders;
        let mut decoders = self.decoders.lock();
        let fits = |idle: &Decoder| idle.codec == codec && idle.preferred == *preferred;
        let place = decoders.iter().rposition(fits);
        let taken = place.map(|place| decoders.remove(place));
        drop(decoders);
        let mut decoder = match taken {
            Some(decoder) => decoder,
            None => Decoder::start(core, codec)?,
        };
        decoder.bind(core);
        Ok(decoder)
    }

    fn give_back(&self, decoder: Decoder) {
        decoder.owner.leave();
        let mut decoders = self.decoders.lock();
        decoders.push(decoder);
        // The one that was used longest ago.
        let surplus = (decoders.len() > MAX_IDLE).then(|| decoders.remove(0));
        drop(decoders);
        drop(surplus);
    }
}

/// A decoder with what it needs around it; ends when it is dropped.
#[derive(Debug)]
struct Decoder {
    pipeline: gst::Pipeline,
    /// Where coded pictures go in.
    entry: gst::Pad,
    /// The decoder's own way in, behind the parser.
    inner: gst::Pad,
    name: String,
    codec: &'static str,
    /// Which decoders were asked for when it was chosen.
    preferred: Vec<String>,
    owner: Arc<Owner>,
    /// What it was told to expect.
    caps: Option<gst::Caps>,
    /// It decoded before.
    used: bool,
}

impl Decoder {
    fn start(core: &Arc<Core>, codec: &'static str) -> Result<Self, SourceError> {
        let owner = Owner::of(core);
        let name = format!("{codec}-decoder");
        let (pipeline, sink) = ending(&owner, &name, false, |_, _| {})?;
        // There is nothing to wait for: pictures come when they come.
        sink.set_property("async", false);
        let caps = gst::Caps::builder(format!("video/x-{codec}")).build();
        let (decoder, name) = decoder::choose(core.id(), &caps, &core.camera.decoders)?;
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
        let Some((entry, inner)) = pads else {
            let text = format!("{name} has no way in");
            return Err(SourceError::new(SourceErrorKind::Other, &text));
        };
        let started = Self {
            pipeline,
            entry,
            inner,
            name,
            codec,
            preferred: core.camera.decoders.clone(),
            owner,
            caps: None,
            used: false,
        };
        if started.pipeline.set_state(gst::State::Playing).is_err() {
            let text = format!("{} does not start", started.name);
            return Err(SourceError::new(SourceErrorKind::Other, &text));
        }
        tracing::debug!(camera = %core.id(), decoder = started.name, codec, "decoder started");
        let begin = gst::event::StreamStart::new(codec);
        started.entry.send_event(begin);
        Ok(started)
    }

    /// What comes out goes to this camera from here on. Nothing of what went in before comes out.
    fn bind(&mut self, core: &Arc<Core>) {
        if self.used {
            self.entry.send_event(gst::event::FlushStart::new());
            self.entry.send_event(gst::event::FlushStop::new(true));
        }
        self.used = true;
        self.owner.enter(core);
        let mut output = core.output.lock();
        output.progress.decodes(&self.name, self.codec);
    }

    /// Tells it what comes.
    fn describe(&mut self, caps: &gst::Caps) {
        if self.caps.as_ref() != Some(caps) {
            self.entry.send_event(gst::event::Caps::new(caps));
            self.caps = Some(caps.clone());
        }
        if self.entry.sticky_event::<gst::event::Segment>(0).is_none() {
            let segment = gst::FormattedSegment::<gst::ClockTime>::new();
            self.entry.send_event(gst::event::Segment::new(&segment));
        }
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        self.owner.leave();
        retire(&self.pipeline);
    }
}

/// One camera's stream: what the gate knows of it, and its way to a decoder. It belongs to one thread at
/// a time and is handed on by value.
pub(super) struct Stream {
    pub(super) state: StreamState,
    idle: Arc<Idle>,
    codec: &'static str,
    decoder: Option<Decoder>,
    caps: Option<gst::Caps>,
}

impl Stream {
    /// For a camera that sends `codec`, `h264` or `h265`.
    ///
    /// # Errors
    /// `Unsupported` when an element is not installed, the decoder's own where it does not start.
    pub(super) fn of(
        idle: &Arc<Idle>,
        core: &Arc<Core>,
        codec: &'static str,
    ) -> Result<Self, SourceError> {
        let decoder = idle.take(core, codec)?;
        tracing::info!(camera = %core.id(), decoder = decoder.name, codec, "decoder chosen");
        idle.give_back(decoder);
        Ok(Self {
            state: StreamState::of(&core.camera),
            idle: Arc::clone(idle),
            codec,
            decoder: None,
            caps: None,
        })
    }

    /// Says what the pictures that follow are ([`described`]); before the first of them, and where it
    /// changes.
    pub(super) fn describe(&mut self, caps: gst::Caps) {
        let segment = gst::FormattedSegment::<gst::ClockTime>::new();
        self.state.configure(&caps, segment);
        if let Some(decoder) = &mut self.decoder {
            decoder.describe(&caps);
        }
        self.caps = Some(caps);
    }

    /// Does it; what comes out goes to the camera's sink before this returns, but for what a
    /// decoder with threads of its own holds back. True where [`Feed::Rest`] must follow, when the
    /// sink has room: nobody waits for that on a thread that others need.
    pub(super) fn feed(&mut self, core: &Arc<Core>, what: Feed) -> bool {
        // Who is stopped must not wait for what nobody will see.
        if core.is_over() {
            return false;
        }
        let decoder = match self.decoder(core) {
            Ok(decoder) => decoder,
            Err(error) => {
                core.fail(error);
                return false;
            }
        };
        let flow = self.step(core, &decoder, what);
        if flow.is_ok() && self.state.rests() {
            self.idle.give_back(decoder);
        } else {
            self.decoder = Some(decoder);
        }
        // Whoever refused for a reason of his own said so on the bus, and was heard first.
        match flow {
            Ok(more) => return more,
            Err(gst::FlowError::Flushing | gst::FlowError::Eos) => {}
            Err(gst::FlowError::NotNegotiated) => core.fail(SourceError::new(
                SourceErrorKind::Unsupported,
                "the decoder does not take the stream",
            )),
            Err(error) => core.fail(SourceError::new(
                SourceErrorKind::Decode,
                &format!("the decoder gave up ({error:?})"),
            )),
        }
        false
    }

    fn step(&mut self, core: &Core, decoder: &Decoder, what: Feed) -> Result<bool, gst::FlowError> {
        let mut step = DecodeStep {
            core,
            state: &mut self.state,
            entry: &decoder.entry,
            decoder: &decoder.inner,
        };
        match what {
            Feed::Picture(picture) => return decoder.entry.chain(picture).map(|_| false),
            Feed::Decided(job) => step.perform(job)?,
            Feed::Probe => step.fulfil()?,
            Feed::Rest => return step.catches_up(true),
        };
        step.catches_up(false)
    }

    /// The one that it has, or one that knows what comes.
    fn decoder(&mut self, core: &Arc<Core>) -> Result<Decoder, SourceError> {
        if let Some(decoder) = self.decoder.take() {
            return Ok(decoder);
        }
        let mut decoder = self.idle.take(core, self.codec)?;
        if let Some(caps) = &self.caps {
            decoder.describe(caps);
        }
        Ok(decoder)
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
