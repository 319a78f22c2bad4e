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
use parking_lot::Mutex;

use super::deliver::Core;
use super::ending::{Owner, ending};
use super::error::{SourceError, SourceErrorKind};
use super::gst_source::retire;
use super::pipeline::{make, other};
use super::watch::{self, Job, Turn};
use super::{cost, decoder};

/// So many decoders lie idle at most; when more cameras fall asleep theirs are ended.
const MOST_IDLE: usize = 8;

/// What is to be done.
#[derive(Debug)]
pub(super) enum Feed {
    /// Decode it: in always mode, where nothing is left out.
    Picture(gst::Buffer),
    /// What the gate decided.
    Decided(Job),
    /// What is held and was wished to be looked at.
    Held,
    /// Go on with what a wake left, although the picture before was not looked at yet.
    Rest,
}

/// Decoders that nobody uses.
#[derive(Debug, Default)]
pub(super) struct Idle {
    decoders: Mutex<Vec<Decoder>>,
}

impl Idle {
    /// The one that was used last of those that would be built for the camera, or a new one.
    fn take(&self, core: &Arc<Core>, codec: &'static str) -> Result<Decoder, SourceError> {
        let wishes = &core.camera.decoders;
        let mut decoders = self.decoders.lock();
        let fits = |idle: &Decoder| idle.codec == codec && idle.wishes == *wishes;
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
        let surplus = (decoders.len() > MOST_IDLE).then(|| decoders.remove(0));
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
    wishes: Vec<String>,
    owner: Arc<Owner>,
    /// What it was told to expect.
    caps: Option<gst::Caps>,
    /// It decoded before.
    used: bool,
}

impl Decoder {
    fn start(core: &Arc<Core>, codec: &'static str) -> Result<Self, SourceError> {
        let owner = Owner::of(core);
        let (pipeline, sink) = ending(&owner, &format!("{codec}-decoder"), false)?;
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
            wishes: core.camera.decoders.clone(),
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
        core.decoding(&self.name, self.codec);
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

/// One camera's way to a decoder. Fed by one thread at a time.
#[derive(Clone, Debug)]
pub(super) struct Decoding {
    idle: Arc<Idle>,
    codec: &'static str,
    own: Arc<Mutex<Own>>,
}

#[derive(Debug, Default)]
struct Own {
    decoder: Option<Decoder>,
    caps: Option<gst::Caps>,
}

impl Decoding {
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
            idle: Arc::clone(idle),
            codec,
            own: Arc::default(),
        })
    }

    /// Says what the pictures that follow are ([`described`]); before the first of them, and where it
    /// changes.
    pub(super) fn describe(&self, core: &Core, caps: gst::Caps) {
        let segment = gst::FormattedSegment::<gst::ClockTime>::new();
        core.watch.configure(&caps, segment);
        let mut own = self.own.lock();
        if let Some(decoder) = &mut own.decoder {
            decoder.describe(&caps);
        }
        own.caps = Some(caps);
    }

    /// Does it; what comes out goes to the camera's sink before this returns, but for what a
    /// decoder with threads of its own holds back. True where [`Feed::Rest`] must follow, when the
    /// sink has room: nobody waits for that on a thread that others need.
    pub(super) fn feed(&self, core: &Arc<Core>, what: Feed) -> bool {
        // Who is stopped must not wait for what nobody will see.
        if core.is_over() {
            return false;
        }
        let mut own = self.own.lock();
        let decoder = match own.decoder.take() {
            Some(decoder) => decoder,
            None => match self.taken(core, own.caps.as_ref()) {
                Ok(decoder) => decoder,
                Err(error) => {
                    core.fail(error);
                    return false;
                }
            },
        };
        let turn = Turn {
            core,
            watch: &core.watch,
            entry: &decoder.entry,
            decoder: &decoder.inner,
        };
        let flow = match what {
            Feed::Picture(picture) => decoder.entry.chain(picture).map(|_| false),
            Feed::Decided(job) => turn.perform(job).and_then(|_| turn.catches_up(false)),
            Feed::Held => turn.fulfil().and_then(|_| turn.catches_up(false)),
            Feed::Rest => turn.catches_up(true),
        };
        if flow.is_ok() && core.watch.rests() {
            self.idle.give_back(decoder);
        } else {
            own.decoder = Some(decoder);
        }
        drop(own);
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

    fn taken(&self, core: &Arc<Core>, caps: Option<&gst::Caps>) -> Result<Decoder, SourceError> {
        let mut decoder = self.idle.take(core, self.codec)?;
        if let Some(caps) = caps {
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
