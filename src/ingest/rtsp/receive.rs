//! One camera's session, from the connection to its end.

use std::sync::Arc;
use std::time::Duration;

use gstreamer as gst;
use retina::client::Demuxed;
use retina::codec::{CodecItem, ParametersRef, VideoFrame};
use retina::rtcp::ReceivedCompoundPacket;
use tokio_stream::StreamExt as _;

use super::connect::connect;
use super::decode_queue::Rank;
use super::failure::classify;
use super::lag::Lag;
use super::probe::{self, Probed, QueuedProbe};
use super::runtime::{Alive, Shared, job};
use super::stream_time::StreamTime;
use crate::base::clock::Monotonic;
use crate::ingest::decoding::{Feed, Stream, described};
use crate::ingest::deliver::Core;
use crate::ingest::error::SourceError;
use crate::ingest::gate::Urgency;
use crate::ingest::watch::{CATCH_UP_WAIT, Job, Next, defer, judge};

/// So many packets in sequence that make no picture are a broken stream.
const BROKEN_PACKETS: u32 = 256;
/// Whether there is room for the next picture is asked this often.
const ROOM_STEP: Duration = Duration::from_millis(5);
/// RTCP goodbye (RFC 3550 section 6.6).
const RTCP_BYE: u8 = 203;

/// Connects and receives until the camera says goodbye.
///
/// # Errors
/// Why it cannot go on.
pub(super) async fn receive(
    core: &Arc<Core>,
    shared: &Arc<Shared>,
    alive: &Alive,
) -> Result<(), SourceError> {
    let (mut items, number, codec) = connect(core).await?;
    let idle = Arc::clone(&shared.idle);
    let build = job(core, alive, move |core| {
        Stream::of(&idle, core, codec).map(Box::new)
    });
    let rank = rank(core, Urgency::Followed, shared.clock.now());
    // A panic was told; there is nothing to add.
    let Some((Some(stream), _)) = shared.run(rank, || {}, build).await else {
        return Ok(());
    };
    let mut camera = Receiving {
        core,
        shared,
        alive,
        stream: Some(stream?),
        probe: None,
        number,
        codec,
        described: false,
        served: Monotonic::default(),
        lag: Lag::default(),
        last_pts: Duration::ZERO,
        time: StreamTime::default(),
        reference: gst::Caps::new_empty_simple("timestamp/x-ntp"),
    };
    core.say_opened();
    camera.pictures(&mut items).await
}

/// How a camera stands in the queue that was served last at `since`.
fn rank(core: &Core, urgency: Urgency, since: Monotonic) -> Rank {
    Rank {
        urgency,
        priority: core.camera.priority,
        since,
    }
}

/// What became of a picture that was judged.
enum Judged {
    /// It is held or was let go.
    Gone,
    /// It is one of an awake camera; `key` says that it can be decoded by itself.
    Follow { key: bool, feed: Feed },
    /// It is held, and a probe is pending.
    Deferred,
    /// It is decoded before the next one comes.
    Decode(Job),
}

/// Judges a picture.
fn judged(core: &Core, stream: &mut Stream, buffer: gst::Buffer, key: bool, h264: bool) -> Judged {
    let state = &mut stream.state;
    match core.guarded(Next::Gone, || judge(core, state, buffer, h264)) {
        Next::Gone => Judged::Gone,
        Next::Through(picture) => Judged::Follow {
            key,
            feed: Feed::Picture(picture),
        },
        Next::Decided(job) if job.is_followed() => Judged::Follow {
            key: job.is_key(),
            feed: Feed::Decided(job),
        },
        Next::Decided(job) => {
            let job = core.guarded(None, || defer(core, state, job).err());
            job.map_or(Judged::Deferred, Judged::Decode)
        }
    }
}

/// What one session's pictures go through.
struct Receiving<'r> {
    core: &'r Arc<Core>,
    shared: &'r Arc<Shared>,
    alive: &'r Alive,
    /// Away while a decode job has it and while a probe waits; gone for good with a panic, which ends the
    /// session.
    stream: Option<Box<Stream>>,
    probe: Option<QueuedProbe>,
    number: usize,
    codec: &'static str,
    /// The decoder knows what comes.
    described: bool,
    /// When something of it was decoded last.
    served: Monotonic,
    lag: Lag,
    last_pts: Duration,
    time: StreamTime,
    reference: gst::Caps,
}

impl Receiving<'_> {
    /// Takes what comes until the end. A packet that makes no sense costs its picture; what refers
    /// to that is decoded as well as it goes.
    async fn pictures(&mut self, items: &mut Demuxed) -> Result<(), SourceError> {
        let mut broken = 0;
        let mut last_error = None;
        while !self.core.is_over() {
            let item = tokio::select! {
                biased;
                probed = probe::done(&mut self.probe) => {
                    self.probed(probed).await;
                    continue;
                }
                item = items.next() => item,
            };
            match item {
                Some(Ok(CodecItem::VideoFrame(frame))) => {
                    self.settle().await;
                    (broken, last_error) = (0, None);
                    if (!self.described || frame.has_new_parameters())
                        && let Some(caps) = self.description(items)
                    {
                        self.described = true;
                        self.describe(caps).await;
                    }
                    // Before its parameter sets nothing can be decoded.
                    if self.described {
                        self.picture(frame).await;
                    }
                }
                Some(Ok(CodecItem::Rtcp(packet))) => {
                    if self.report(&packet) {
                        return Ok(());
                    }
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    broken += 1;
                    let error = classify(&error);
                    tracing::debug!(camera = %self.core.id(), %error, broken, "broken packet");
                    if broken >= BROKEN_PACKETS {
                        return Err(error);
                    }
                    last_error = Some(error);
                }
                None => return last_error.map_or(Ok(()), Err),
            }
        }
        Ok(())
    }

    /// Takes a sender report over; whether the camera says goodbye.
    fn report(&mut self, packet: &ReceivedCompoundPacket) -> bool {
        let mut bye = false;
        for part in packet.pkts() {
            bye |= part.payload_type() == RTCP_BYE;
            if let (Ok(Some(report)), Some(at)) = (part.as_sender_report(), packet.rtp_timestamp())
            {
                self.time.report(report.ntp_timestamp(), at);
            }
        }
        bye
    }

    /// What the pictures are, once their parameter sets are known.
    fn description(&self, items: &Demuxed) -> Option<gst::Caps> {
        match items.streams().get(self.number)?.parameters()? {
            ParametersRef::Video(video) => Some(described(self.codec, video.extra_data())),
            _ => None,
        }
    }

    async fn picture(&mut self, frame: VideoFrame) {
        let key = frame.is_random_access_point();
        let buffer = self.buffer(frame, key);
        match self.judge(buffer, key).await {
            Judged::Gone => {}
            Judged::Follow { key, feed } => self.follow(key, feed).await,
            Judged::Deferred => self.lag.forget(),
            Judged::Decode(job) => {
                self.lag.forget();
                self.decode(Feed::Decided(job)).await;
            }
        }
        self.queue_probe();
    }

    /// The picture with its times.
    fn buffer(&mut self, frame: VideoFrame, key: bool) -> gst::Buffer {
        let at = frame.timestamp();
        let pts = self.time.picture(at, self.shared.clock.now().0);
        let step = pts.saturating_sub(std::mem::replace(&mut self.last_pts, pts));
        self.lag.came(step);
        let pts = gst::ClockTime::from_nseconds(u64::try_from(pts.as_nanos()).unwrap_or(u64::MAX));
        let mut buffer = gst::Buffer::from_mut_slice(frame.into_data());
        if let Some(head) = buffer.get_mut() {
            head.set_pts(pts);
            if !key {
                head.set_flags(gst::BufferFlags::DELTA_UNIT);
            }
            if let Some(ntp) = self.time.ntp_nanos(at) {
                let ntp = gst::ClockTime::from_nseconds(ntp);
                gst::ReferenceTimestampMeta::add(head, &self.reference, ntp, gst::ClockTime::NONE);
            }
        }
        buffer
    }

    /// Judges a picture where the stream is; where that is being probed, after that.
    async fn judge(&mut self, buffer: gst::Buffer, key: bool) -> Judged {
        match self.judge_at_once(buffer, key) {
            Ok(judged) => judged,
            Err(buffer) => {
                self.settle().await;
                // Its probe is over, and no other was asked for.
                self.judge_at_once(buffer, key).unwrap_or(Judged::Gone)
            }
        }
    }

    fn judge_at_once(&mut self, buffer: gst::Buffer, key: bool) -> Result<Judged, gst::Buffer> {
        let (core, h264, served) = (self.core, self.codec == "h264", self.served);
        if let Some(stream) = &mut self.stream {
            return Ok(judged(core, stream, buffer, key, h264));
        }
        let Some(probe) = &mut self.probe else {
            return Ok(Judged::Gone);
        };
        let in_place = |stream: &mut Stream, buffer| {
            let judged = judged(core, stream, buffer, key, h264);
            let waits = matches!(judged, Judged::Gone | Judged::Deferred);
            (judged, waits)
        };
        let (judged, stream) =
            probe.in_place(buffer, in_place, |urgency| rank(core, urgency, served))?;
        if stream.is_some() {
            (self.stream, self.probe) = (stream, None);
        }
        Ok(judged)
    }

    /// Where a probe is pending it waits for its turn while the stream is read on.
    fn queue_probe(&mut self) {
        let pending = |stream: &Stream| stream.state.pending_urgency();
        let Some(urgency) = self.stream.as_deref().and_then(pending) else {
            return;
        };
        let rank = self.rank(urgency);
        self.probe = self
            .stream
            .take()
            .map(|stream| QueuedProbe::ask(self.shared, rank, stream, self.core, self.alive));
    }

    /// Waits for the probe that is being taken: no picture of the camera is judged meanwhile.
    async fn settle(&mut self) {
        if let Some(probe) = &mut self.probe
            && probe.is_begun()
        {
            let probed = probe.done().await;
            self.probed(probed).await;
        }
    }

    /// Takes the probe back that waits, or waits for the one that is being taken.
    async fn reclaim(&mut self) {
        let Some(probe) = &mut self.probe else {
            return;
        };
        if let Some(stream) = probe.take_back() {
            (self.stream, self.probe) = (Some(stream), None);
        } else {
            self.settle().await;
        }
    }

    /// A probe was taken.
    async fn probed(&mut self, probed: Option<Probed>) {
        self.probe = None;
        self.served = self.shared.clock.now();
        if let Some(Probed { stream, more }) = probed {
            self.stream = Some(stream);
            self.rest(more).await;
        }
    }

    /// Decodes a picture of an awake camera, unless that has fallen too far behind.
    async fn follow(&mut self, key: bool, feed: Feed) {
        if !self.lag.admits(key) {
            self.core.stats().undecoded.inc();
            self.core.stats().late.inc();
            return;
        }
        let begun = self.shared.clock.now();
        self.decode(feed).await;
        self.lag.spent(self.shared.clock.now().since(begun));
    }

    /// Tells the decoder what comes.
    async fn describe(&mut self, caps: gst::Caps) {
        self.reclaim().await;
        let describe = move |stream: &mut Stream, _: &Arc<Core>| stream.describe(caps);
        self.by_a_decoding_thread(Urgency::Followed, describe).await;
    }

    /// Has it done by a decoding thread, and waits.
    async fn decode(&mut self, feed: Feed) {
        let more = self.feed(feed).await;
        self.rest(more).await;
    }

    /// Goes on with what a wake left.
    async fn rest(&mut self, mut more: bool) {
        while more {
            let policy = self.core.policy();
            let room = async {
                while !policy.has_room(Duration::ZERO) {
                    tokio::time::sleep(ROOM_STEP).await;
                }
            };
            // Where there is none it goes on all the same.
            let _ = tokio::time::timeout(CATCH_UP_WAIT, room).await;
            more = self.feed(Feed::Rest).await;
        }
    }

    /// True where more is left.
    async fn feed(&mut self, feed: Feed) -> bool {
        let urgency = |stream: &Stream| stream.state.followed_urgency();
        let urgency = self.stream.as_deref().map_or(Urgency::Followed, urgency);
        let feed = move |stream: &mut Stream, core: &Arc<Core>| stream.feed(core, feed);
        let ran = self.by_a_decoding_thread(urgency, feed);
        ran.await.unwrap_or(false)
    }

    /// Sends the stream to a decoding thread and waits until it is back; `None` where that panicked.
    async fn by_a_decoding_thread<T: Send + 'static>(
        &mut self,
        urgency: Urgency,
        what: impl FnOnce(&mut Stream, &Arc<Core>) -> T + Send + 'static,
    ) -> Option<T> {
        let mut stream = self.stream.take()?;
        let core = self.core;
        let work = job(core, self.alive, move |core| {
            let done = what(&mut stream, core);
            (stream, done)
        });
        // It is not the camera that keeps us waiting.
        let alive = move || core.alive();
        let ran = self.shared.run(self.rank(urgency), alive, work).await;
        self.served = self.shared.clock.now();
        let (stream, done) = ran?.0?;
        self.stream = Some(stream);
        Some(done)
    }

    fn rank(&self, urgency: Urgency) -> Rank {
        rank(self.core, urgency, self.served)
    }
}
