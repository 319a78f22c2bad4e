//! A recording cut into RTP payloads, once, by GStreamer's own payloader; every viewer of every
//! camera that shows it shares the bytes and gets headers of its own.

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;

use super::looped::Timing;
use super::recording::{Codec, Recording};
use super::rtp::PAYLOAD_TYPE;

/// Bytes of an RTP packet at most; what fits an Ethernet frame with room for tunnels.
const MTU: u32 = 1_400;
/// Bytes of an RTP header without extensions or sources.
const HEADER: usize = 12;
/// How long cutting may take.
const DEADLINE: gst::ClockTime = gst::ClockTime::from_seconds(60);

/// What viewers are sent.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) codec: Codec,
    /// The session description's `fmtp` parameters.
    pub(super) format: String,
    /// Thousands of bits a second.
    pub(super) bitrate_kbps: f64,
    pub(super) fps: f64,
    /// In decoding order; the first is a keyframe.
    pub(super) units: Vec<Unit>,
    /// What one round takes, in nanoseconds; more than zero.
    pub(super) length: u64,
    packets: Vec<Packet>,
    bytes: Vec<u8>,
}

#[derive(Clone, Debug)]
pub(super) struct Unit {
    pub(super) timing: Timing,
    pub(super) keyframe: bool,
    first: usize,
    count: usize,
}

#[derive(Clone, Copy, Debug)]
struct Packet {
    begin: usize,
    end: usize,
    marker: bool,
}

impl Stream {
    /// Cuts a recording.
    ///
    /// # Errors
    /// GStreamer's reason; its payloader may not be installed.
    pub(super) fn cut(recording: &Recording) -> Result<Self, String> {
        let found = recording.measured();
        let mut stream = Self {
            codec: recording.codec,
            format: String::new(),
            bitrate_kbps: found.bitrate_kbps,
            fps: found.fps,
            units: recording
                .units
                .iter()
                .map(|unit| Unit {
                    timing: unit.timing,
                    keyframe: unit.keyframe,
                    first: 0,
                    count: 0,
                })
                .collect(),
            length: recording.length,
            packets: Vec::new(),
            bytes: Vec::new(),
        };
        let pipeline = gst::parse::launch(&format!(
            "appsrc name=in format=time ! rtp{}pay pt={PAYLOAD_TYPE} mtu={MTU} config-interval=0 \
             ! appsink name=out sync=false",
            recording.codec.name()
        ))
        .map_err(|error| error.to_string())?
        .downcast::<gst::Pipeline>()
        .map_err(|_| "the payloader is no pipeline")?;
        let outcome = stream.run(&pipeline, recording);
        let _ = pipeline.set_state(gst::State::Null);
        outcome?;
        if stream.packets.is_empty() {
            return Err("its pictures make no packets".to_owned());
        }
        Ok(stream)
    }

    fn run(&mut self, pipeline: &gst::Pipeline, recording: &Recording) -> Result<(), String> {
        let source = pipeline
            .by_name("in")
            .and_then(|source| source.downcast::<gst_app::AppSrc>().ok());
        let sink = pipeline
            .by_name("out")
            .and_then(|sink| sink.downcast::<gst_app::AppSink>().ok());
        let (Some(source), Some(sink)) = (source, sink) else {
            return Err("the payloader has no ends".to_owned());
        };
        source.set_caps(Some(&recording.caps));
        source.set_max_bytes(0);
        pipeline
            .set_state(gst::State::Playing)
            .map_err(|error| error.to_string())?;
        for (at, unit) in recording.units.iter().enumerate() {
            // Copies the head only. The time says to which unit a packet belongs.
            let mut buffer = unit.buffer.copy();
            let head = buffer.make_mut();
            head.set_pts(gst::ClockTime::from_mseconds(at as u64));
            head.set_dts(gst::ClockTime::NONE);
            source
                .push_buffer(buffer)
                .map_err(|error| error.to_string())?;
        }
        source.end_of_stream().map_err(|error| error.to_string())?;
        while let Some(sample) = sink.try_pull_sample(DEADLINE) {
            self.take(&sample)?;
        }
        if sink.is_eos() {
            Ok(())
        } else {
            Err("the payloader did not end in time".to_owned())
        }
    }

    fn take(&mut self, sample: &gst::Sample) -> Result<(), String> {
        if self.format.is_empty()
            && let Some(caps) = sample.caps()
        {
            self.format = format_parameters(caps);
        }
        let buffer = sample.buffer().ok_or("a packet without bytes")?;
        let at = buffer.pts().ok_or("a packet without time")?.mseconds();
        let unit = usize::try_from(at)
            .ok()
            .and_then(|at| self.units.get_mut(at))
            .ok_or("a packet of no picture")?;
        let map = buffer.map_readable().map_err(|error| error.to_string())?;
        let payload = map.get(HEADER..).ok_or("a packet without payload")?;
        if unit.count == 0 {
            unit.first = self.packets.len();
        }
        unit.count += 1;
        let begin = self.bytes.len();
        self.bytes.extend_from_slice(payload);
        self.packets.push(Packet {
            begin,
            end: self.bytes.len(),
            marker: map.get(1).is_some_and(|byte| byte & 0x80 != 0),
        });
        Ok(())
    }

    /// The payloads of one picture, each with its marker bit.
    pub(super) fn payloads(&self, unit: &Unit) -> impl Iterator<Item = (&[u8], bool)> {
        self.packets
            .iter()
            .skip(unit.first)
            .take(unit.count)
            .map(|packet| {
                let bytes = self.bytes.get(packet.begin..packet.end);
                (bytes.unwrap_or_default(), packet.marker)
            })
    }

    /// The latest keyframe that is decoded at or before `nanos` after the loop's start.
    pub(super) fn keyframe_before(&self, nanos: u64) -> usize {
        self.units
            .iter()
            .enumerate()
            .take_while(|(_, unit)| unit.timing.dts <= nanos)
            .filter(|(_, unit)| unit.keyframe)
            .map(|(at, _)| at)
            .last()
            .unwrap_or(0)
    }
}

/// `fmtp` parameters out of the payloader's caps (RFC 6184 section 8.1, RFC 7798 section 7.1).
fn format_parameters(caps: &gst::CapsRef) -> String {
    const NAMES: [&str; 6] = [
        "packetization-mode",
        "profile-level-id",
        "sprop-parameter-sets",
        "sprop-vps",
        "sprop-sps",
        "sprop-pps",
    ];
    let Some(structure) = caps.structure(0) else {
        return String::new();
    };
    let known = NAMES.iter().filter_map(|name| {
        let value = structure.get::<&str>(*name).ok()?;
        Some(format!("{name}={value}"))
    });
    known.collect::<Vec<_>>().join(";")
}
