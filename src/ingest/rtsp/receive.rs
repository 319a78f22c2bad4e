//! One camera's session, from the connection to its end.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use gstreamer as gst;
use retina::client::{
    Credentials, Demuxed, PlayOptions, Session, SessionOptions, SetupOptions, TcpTransportOptions,
    Transport, UdpTransportOptions,
};
use retina::codec::{CodecItem, FrameFormat, ParametersRef, VideoFrame};
use retina::rtcp::ReceivedCompoundPacket;
use tokio_stream::StreamExt as _;

use super::arrears::Arrears;
use super::failure::classify;
use super::line::Rank;
use super::network::{Asked, Shared};
use super::stream_time::StreamTime;
use super::{Alive, looking};
use crate::base::clock::Monotonic;
use crate::config::types::{self, SourceConfig};
use crate::ingest::decoding::{Decoding, Feed, described};
use crate::ingest::deliver::Core;
use crate::ingest::error::{SourceError, SourceErrorKind};
use crate::ingest::gate::Urgency;
use crate::ingest::watch::{CATCH_UP_WAIT, Next, defer, judge};

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
    let builder = Arc::clone(core);
    let held = alive.clone();
    let idle = Arc::clone(&shared.idle);
    let build = move || {
        let built = builder.guarded(None, || Some(Decoding::of(&idle, &builder, codec)));
        drop((builder, held));
        built
    };
    let rank = rank(core, Urgency::Followed, shared.clock.now());
    let built = shared.run(rank, || {}, build).await.flatten();
    // A panic was told; there is nothing to add.
    let Some(decoding) = built else {
        return Ok(());
    };
    let mut camera = Receiving {
        core,
        shared,
        alive,
        decoding: decoding?,
        number,
        codec,
        described: false,
        served: Monotonic::default(),
        look: None,
        stuck: None,
        arrears: Arrears::default(),
        last_pts: Duration::ZERO,
        time: StreamTime::default(),
        reference: gst::Caps::new_empty_simple("timestamp/x-ntp"),
    };
    core.say_opened();
    camera.pictures(&mut items).await
}

/// How a camera stands in the line that was served last at `since`.
fn rank(core: &Core, urgency: Urgency, since: Monotonic) -> Rank {
    Rank {
        urgency,
        priority: core.camera.priority,
        since,
    }
}

/// Asks for the camera's first video stream.
async fn connect(core: &Core) -> Result<(Demuxed, usize, &'static str), SourceError> {
    let SourceConfig::Rtsp {
        url,
        transport,
        credentials,
        ..
    } = &core.camera.source
    else {
        return Err(SourceError::new(
            SourceErrorKind::Other,
            "it is no RTSP camera",
        ));
    };
    let patience = core.camera.connect_timeout;
    let credentials = credentials.as_ref().map(|login| Credentials {
        username: login.user.clone(),
        password: login.password.reveal().to_owned(),
    });
    let options = SessionOptions::default()
        .user_agent(concat!("parapet/", env!("CARGO_PKG_VERSION")).to_owned())
        .creds(credentials);
    let mut session = within(patience, Session::describe(url.clone(), options)).await?;
    let (number, codec) = video(&session)?;
    let transport = match transport {
        types::Transport::Tcp => Transport::Tcp(TcpTransportOptions::default()),
        types::Transport::Udp => Transport::Udp(UdpTransportOptions::default()),
    };
    let setup = SetupOptions::default()
        .transport(transport)
        .frame_format(FrameFormat::MP4);
    within(patience, session.setup(number, setup)).await?;
    let playing = within(patience, session.play(PlayOptions::default())).await?;
    let items = playing.demuxed().map_err(|error| classify(&error))?;
    Ok((items, number, codec))
}

/// The first video stream's place and codec; audio is never even sent to us.
fn video(
    session: &Session<retina::client::Described>,
) -> Result<(usize, &'static str), SourceError> {
    let unsupported = |text: &str| SourceError::new(SourceErrorKind::Unsupported, text);
    let streams = session.streams().iter().enumerate();
    let mut videos = streams.filter(|(_, stream)| stream.media() == "video");
    let (number, stream) = videos
        .next()
        .ok_or_else(|| unsupported("there is no video in it"))?;
    match stream.encoding_name().to_ascii_lowercase().as_str() {
        "h264" => Ok((number, "h264")),
        "h265" => Ok((number, "h265")),
        other => Err(unsupported(&format!(
            "the camera sends {other}; set it to H.264 or H.265"
        ))),
    }
}

async fn within<T>(
    patience: Duration,
    answer: impl Future<Output = Result<T, retina::Error>>,
) -> Result<T, SourceError> {
    match tokio::time::timeout(patience, answer).await {
        Ok(answer) => answer.map_err(|error| classify(&error)),
        Err(_) => Err(SourceError::new(
            SourceErrorKind::TimedOut,
            &format!("no answer within {patience:?}"),
        )),
    }
}

/// What one session's pictures go through.
pub(super) struct Receiving<'r> {
    pub(super) core: &'r Arc<Core>,
    pub(super) shared: &'r Arc<Shared>,
    alive: &'r Alive,
    decoding: Decoding,
    number: usize,
    codec: &'static str,
    /// The decoder knows what comes.
    described: bool,
    /// When something of it was decoded last.
    pub(super) served: Monotonic,
    /// A look at it that waits for its turn, or is being taken.
    pub(super) look: Option<Asked<bool>>,
    /// Since when nothing of any camera was begun while a look waits, and how much had been.
    pub(super) stuck: Option<(Monotonic, u64)>,
    arrears: Arrears,
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
                more = looking::taken(&mut self.look) => {
                    self.looked(more).await;
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
        let at = frame.timestamp();
        let pts = self.time.picture(at, self.shared.clock.now().0);
        let step = pts.saturating_sub(std::mem::replace(&mut self.last_pts, pts));
        self.arrears.came(step);
        let pts = gst::ClockTime::from_nseconds(u64::try_from(pts.as_nanos()).unwrap_or(u64::MAX));
        let key = frame.is_random_access_point();
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
        let (core, h264) = (self.core, self.codec == "h264");
        match core.guarded(Next::Gone, || judge(core, buffer, h264)) {
            Next::Gone => {}
            Next::Through(picture) => self.follow(key, Feed::Picture(picture)).await,
            Next::Decided(job) if job.is_followed() => {
                self.follow(job.is_key(), Feed::Decided(job)).await;
            }
            Next::Decided(job) => {
                self.arrears.forget();
                if let Some(job) = core.guarded(None, || defer(core, job).err()) {
                    self.decode(Feed::Decided(job)).await;
                }
            }
        }
        self.ask_to_look();
    }

    /// Decodes a picture of an awake camera, unless that has fallen too far behind.
    async fn follow(&mut self, key: bool, feed: Feed) {
        if !self.arrears.admits(key) {
            self.core.stats().undecoded.inc();
            self.core.stats().late.inc();
            return;
        }
        let begun = self.shared.clock.now();
        self.decode(feed).await;
        self.arrears.spent(self.shared.clock.now().since(begun));
    }

    /// Tells the decoder what comes.
    async fn describe(&mut self, caps: gst::Caps) {
        let describe = move |decoding: &Decoding, core: &Arc<Core>| decoding.describe(core, caps);
        self.by_a_decoding_thread(Urgency::Followed, describe).await;
    }

    /// Has it done by a decoding thread, and waits.
    async fn decode(&mut self, feed: Feed) {
        let more = self.feed(feed).await;
        self.rest(more).await;
    }

    /// Goes on with what a wake left.
    pub(super) async fn rest(&mut self, mut more: bool) {
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
        let urgency = self.core.watch.followed_urgency();
        let feed = move |decoding: &Decoding, core: &Arc<Core>| decoding.feed(core, feed);
        let ran = self.by_a_decoding_thread(urgency, feed);
        ran.await.unwrap_or(false)
    }

    async fn by_a_decoding_thread<T: Default + Send + 'static>(
        &mut self,
        urgency: Urgency,
        what: impl FnOnce(&Decoding, &Arc<Core>) -> T + Send + 'static,
    ) -> Option<T> {
        let (rank, work) = (self.rank(urgency), self.work(what));
        // It is not the camera that keeps us waiting.
        let alive = || self.core.alive();
        let done = self.shared.run(rank, alive, work).await;
        self.served = self.shared.clock.now();
        done
    }

    pub(super) fn rank(&self, urgency: Urgency) -> Rank {
        rank(self.core, urgency, self.served)
    }

    /// What a decoding thread does for it.
    pub(super) fn work<T: Default + Send + 'static>(
        &self,
        what: impl FnOnce(&Decoding, &Arc<Core>) -> T + Send + 'static,
    ) -> impl FnOnce() -> T + Send + 'static {
        let (core, decoding) = (Arc::clone(self.core), self.decoding.clone());
        let held = self.alive.clone();
        move || {
            let done = core.guarded(T::default(), || what(&decoding, &core));
            drop((core, decoding));
            drop(held);
            done
        }
    }
}
